//! Under a path of its host, every link and every form stays inside.

use mishap_core::signing::{Purpose, SigningKey};
use mishap_testkit::{Browser, TestApp};

use super::{Document, with_settings};
use crate::allauth::{JANE, PASSWORD, mails, person};

const ROOT: &str = "/sub";

/// Checks the addresses of a page.
async fn check(browser: &mut Browser, path: &str, status: u16) -> Document {
    let answer = browser.get(path).await.expect(status);
    let shown = Document::of(&answer);
    let addresses = shown.addresses();
    assert!(addresses.len() > 3, "{path}");
    for address in addresses {
        let is_inside = address.starts_with("/sub/") || address.starts_with('#');
        assert!(is_inside, "{path} leads to {address}");
    }
    shown
}

async fn installation() -> TestApp {
    with_settings(&[("GLITCHTIP_URL", "http://h.example.com/sub")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_keeps_inside() {
    let app = installation().await;
    person(&app, JANE).await;
    let mut browser = app.stranger();
    for path in ["/login", "/login?next=/sub/api/docs", "/register", "/reset-password"] {
        check(&mut browser, &format!("{ROOT}{path}"), 200).await;
    }
    for path in ["/accept/1/x/", "/reset-password/set-new-password/1-1-1", "/nothing"] {
        check(&mut browser, &format!("{ROOT}{path}"), 404).await;
    }
    let form = check(&mut browser, "/sub/reset-password", 200).await.form("/sub/reset-password");
    form.fill(&[("email", JANE)]).send(&mut browser).await.expect(200);
    let link = mails(&app).await.pop().unwrap().link;
    let path = link.strip_prefix("http://h.example.com").unwrap();
    check(&mut browser, path, 200).await;
    let form = check(&mut browser, "/sub/login", 200).await.form("/sub/login");
    let answer = form.fill(&[("email", JANE), ("password", PASSWORD)]).send(&mut browser).await;
    assert_eq!(answer.header("location"), "/sub/");
    assert_eq!(browser.get("/sub/").await.header("location"), "/sub/profile/security");
    for path in ["/profile/security", "/profile/security/totp"] {
        check(&mut browser, &format!("{ROOT}{path}"), 200).await;
    }
    app.database.sql("UPDATE users SET is_staff = true").await;
    check(&mut browser, "/sub/admin/", 200).await;
    app.database.sql("DELETE FROM users").await;
    let key = SigningKey::new(b"test").sign(Purpose::FirstRun, 0, &[], app.now());
    check(&mut app.stranger(), &format!("/sub/register/first?key={key}"), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_s_form_comes_back_to_the_page() {
    let app = installation().await;
    // A proxy may have taken the installation's path off, or not.
    for path in ["/sub/login?next=%2Fapi%2Fdocs", "/login?next=%2Fapi%2Fdocs"] {
        let mut browser = app.stranger();
        let form = check(&mut browser, path, 200).await.form("/sub/profile/theme");
        let answer = form.send(&mut browser).await.expect(303);
        assert_eq!(answer.header("location"), "/sub/login?next=%2Fapi%2Fdocs");
    }
}
