//! Who may open what.

use std::collections::BTreeMap;

use mishap_storage::accounts::{emails, tokens};
use mishap_storage::members;
use mishap_testkit::{Answer, Client, Options, TestApp};
use mishap_web::admin::endpoints;
use reqwest::Method;
use serde_json::json;

use super::{account, anonymous, audited, staff, superuser};

/// Every page and form with numbers of things that are there, by method.
async fn paths(app: &TestApp) -> Vec<(Method, String)> {
    let mut conn = app.database.conn().await;
    let user = account(app, "somebody@example.com", false, false).await;
    let address = emails::insert(&mut conn, user, "old@example.com", false, false).await.unwrap();
    let token = tokens::list(&mut conn, app.tenant.user, None, 1).await.unwrap().items[0].id;
    let member = members::list(&mut conn, app.tenant.organization, None, 1).await.unwrap();
    app.database
        .sql(
            "INSERT INTO dead_letters (project_id, received, error, coding, size, payload)
             VALUES (1, now(), 'why', 0, 1, '');
             INSERT INTO jobs (name, payload, is_dead) VALUES ('send_mail', '{}', true);
             INSERT INTO sign_in_providers (slug, kind, name, client_id, client_secret)
             VALUES ('hub', 'github', 'GitHub', 'x', 'x')",
        )
        .await;
    let numbers = BTreeMap::from([
        ("letter", app.database.number("SELECT id FROM dead_letters").await),
        ("job", app.database.number("SELECT id FROM jobs").await),
        ("user", user.0),
        ("address", address.unwrap().id.0),
        ("token", token.0),
        ("organization", app.tenant.organization.0),
        ("member", member.items[0].id.0),
        ("project", app.tenant.project.0),
        ("provider", app.database.number("SELECT id FROM sign_in_providers").await),
        ("key", app.database.number("SELECT id FROM project_keys").await),
    ]);
    let path = |path: &str| {
        let mut path = path.to_owned();
        for (name, number) in &numbers {
            path = path.replace(&format!("{{{name}:\\d+}}"), &number.to_string());
        }
        assert!(!path.contains('{'), "{path}: what is its number?");
        path
    };
    let row = |endpoint: mishap_web::endpoint::Endpoint| {
        (endpoint.method.as_str().parse().unwrap(), path(endpoint.path))
    };
    endpoints().into_iter().map(row).collect()
}

fn is_page(answer: &Answer) -> bool {
    answer.header("content-type") == "text/html; charset=utf-8" && answer.body.contains("<h1")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_for_staff_or_superusers_only() {
    for endpoint in endpoints() {
        // Whoever sets a provider up lets in whom they like, superusers included.
        let is_for_superusers = ["provider_create", "provider_edit", "provider_delete"]
            .iter()
            .any(|view| endpoint.view == format!("admin:{view}"));
        let expected = match is_for_superusers {
            true => mishap_web::access::superuser_page(),
            false => mishap_web::access::staff_page(),
        };
        assert_eq!(endpoint.permission, expected, "{}", endpoint.path);
        assert!(endpoint.path.starts_with("/admin/") && endpoint.path.ends_with('/'));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_out_is_led_to_the_sign_in_page_and_back() {
    let app = TestApp::start().await;
    let mut browser = anonymous(&app).await;
    for (method, path) in paths(&app).await {
        let (answer, next) = match method {
            Method::GET => (browser.get(&format!("{path}?search=a%26b")).await, "a%26b"),
            _ => (browser.post_form(&path, &[("value", "off")]).await, ""),
        };
        let answer = answer.expect(303);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let next = match next {
            "" => "/admin/".to_owned(),
            search => format!("{path}?search={search}"),
        };
        let expected = format!("/login?{}", query.append_pair("next", &next).finish());
        assert_eq!(answer.header("location"), expected, "{method} {path}");
    }
    assert_eq!(audited(&app).await, [] as [serde_json::Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_staff_sees_a_page_that_says_so() {
    let app = TestApp::start().await;
    let mut browser = app.browser(app.tenant.user).await;
    for (method, path) in paths(&app).await {
        let answer = match method {
            Method::GET => browser.get(&path).await,
            _ => browser.post_form(&path, &[]).await,
        };
        assert!(is_page(&answer.expect(403)), "{method} {path}");
    }
    assert_eq!(audited(&app).await, [] as [serde_json::Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_opens_every_page_by_either_spelling() {
    let app = TestApp::start().await;
    let (mut staff, mut superuser) = (staff(&app).await, superuser(&app).await);
    let paths = paths(&app).await;
    for ((method, path), endpoint) in paths.iter().zip(endpoints()) {
        if method == Method::GET {
            let browser = if endpoint.permission.superuser { &mut superuser } else { &mut staff };
            assert!(is_page(&browser.get(path).await.expect(200)), "{path}");
            browser.get(path.trim_end_matches('/')).await.expect(200);
        }
        if endpoint.permission.superuser {
            let answer = match *method {
                Method::GET => staff.get(path).await,
                _ => staff.post_form(path, &[]).await,
            };
            assert!(is_page(&answer.expect(403)), "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_browser_s_token_changes_nothing() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    let all = paths(&app).await;
    let before = app.database.rows("SELECT * FROM users ORDER BY id").await;
    let mut forms = 0;
    for (method, path) in all {
        if method == Method::GET {
            continue;
        }
        forms += 1;
        let wrong = "x".repeat(32);
        for fields in [vec![], vec![("csrfmiddlewaretoken", wrong.as_str())]] {
            let answer = browser.post_form_as_it_is(&path, &fields).await.expect(403);
            assert!(answer.body.contains("Nothing was changed"), "{path}");
        }
    }
    assert!(forms > 25, "{forms}");
    assert_eq!(audited(&app).await, [] as [serde_json::Value; 0]);
    assert_eq!(app.database.rows("SELECT * FROM users ORDER BY id").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_no_page() {
    let app = TestApp::start().await;
    app.database.sql("UPDATE users SET is_staff = true, is_superuser = true").await;
    let answer = app.owner().get("/admin/").await.expect(303);
    assert_eq!(answer.header("location"), "/login?next=%2Fadmin%2F");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_demoted_deactivated_or_deleted_is_out_at_once() {
    let app = TestApp::start().await;
    for (change, status) in [
        ("UPDATE users SET is_staff = false", 403),
        ("UPDATE users SET is_active = false", 303),
        ("DELETE FROM users", 303),
    ] {
        let email = format!("{status}@{}.example.com", change.len());
        let user = account(&app, &email, true, true).await;
        let mut browser = app.browser(user).await;
        browser.get("/admin/").await.expect(200);
        app.database.sql(&format!("{change} WHERE id = {}", browser.account.unwrap())).await;
        browser.get("/admin/").await.expect(status);
        browser.post_form("/admin/jobs/retry/", &[]).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operator_wants_none_there_are_no_such_pages() {
    let settings = vec![("ENABLE_ADMIN", "false")];
    let app = TestApp::start_with(Options { settings, ..Options::default() }).await;
    let mut browser = superuser(&app).await;
    for (method, path) in paths(&app).await {
        for browser in [&mut browser, &mut anonymous(&app).await] {
            let answer = match method {
                Method::GET => browser.get(&path).await,
                _ => browser.post_form(&path, &[]).await,
            };
            assert!(is_page(&answer.expect(404)), "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    for path in [
        "/admin/nothing/",
        "/admin/users/999999/",
        "/admin/users/99999999999999999999/",
        "/admin/users/x/",
        "/admin/users/999999/tokens/new/",
        "/admin/organizations/999999/",
        "/admin/organizations/999999/members/",
        "/admin/projects/999999/",
        "/admin/projects/999999/keys/new/",
        "/admin/dead-letters/999999/",
        "/admin/jobs/999999/",
        "/admin/providers/999999/",
        "/admin/quotas/new/?scope=organization&of=999999",
        "/admin/quotas/new/?scope=nonsense",
    ] {
        assert!(is_page(&browser.get(path).await.expect(404)), "{path}");
    }
    // A member of another organization is not found under this one.
    let other = app.database.tenant("other").await;
    let mut conn = app.database.conn().await;
    let member = members::find_by_user(&mut conn, other.organization, other.user).await.unwrap();
    let (organization, member) = (app.tenant.organization, member.unwrap().id);
    browser
        .get(&format!("/admin/organizations/{organization}/members/{member}/"))
        .await
        .expect(404);
    let path = format!("/admin/organizations/{organization}/members/{member}/remove/");
    browser.post_form(&path, &[]).await.expect(404);
    // So is a key of another project.
    let query = format!("SELECT id FROM project_keys WHERE project_id = {}", other.project);
    let key = app.database.number(&query).await;
    let path = format!("/admin/projects/{}/keys/{key}/delete/", app.tenant.project);
    browser.post_form(&path, &[]).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn superusers_see_everything_here_and_nothing_more_in_the_api() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    let page = browser.get("/admin/organizations/").await.expect(200);
    assert!(page.body.contains("shop org"));
    let answer = browser.get("/api/0/organizations/").await.expect(200);
    assert_eq!(answer.json(), json!([]));
    browser.get("/api/0/organizations/shop-org/").await.expect(404);
    browser.get("/api/0/projects/shop-org/shop/").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_signs_in_on_the_page_that_it_was_led_to() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    let made =
        browser.post_form("/admin/users/new/", &[("email", "ada@example.com")]).await.expect(200);
    let (_, rest) = made.body.split_once("http://mishap.test/reset-password").unwrap();
    let (key, _) = rest.split_once('<').unwrap();
    let mut stranger = anonymous(&app).await;
    let password = "three words in a row";
    let fields = [("password", password), ("password_again", password)];
    stranger.post_form(&format!("/reset-password{key}"), &fields).await.expect(200);
    app.database.sql("UPDATE users SET is_staff = true WHERE email = 'ada@example.com'").await;

    let fields = [
        ("email", "ada@example.com"),
        ("password", password),
        ("next", "/admin/users/?state=active"),
    ];
    let answer = stranger.post_form("/login", &fields).await.expect(303);
    assert_eq!(answer.header("location"), "/admin/users/?state=active");
    let page = stranger.get("/admin/users/?state=active").await.expect(200);
    assert!(page.body.contains("ada@example.com"));
    // The script reads pages with the same cookies; a token is no cookie.
    Client::at(app.url.as_str(), None).get("/admin/").await.expect(303);
}
