//! Accounts.

use mishap_storage::accounts::{authenticators, emails, sessions};
use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::{account, anonymous, assert_audited, audited, change, staff, superuser, text_of};

/// A column of an account.
async fn value(app: &TestApp, user: mishap_core::id::UserId, column: &str) -> Value {
    let query = format!("SELECT {column} AS value FROM users WHERE id = {user}");
    app.database.rows(&query).await.pop().unwrap()["value"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_found_by_address_name_and_state() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    app.database
        .sql(
            "INSERT INTO users (email, name, is_active) VALUES
                 ('ada@example.com', 'Ada Lovelace', true), ('grace@example.com', 'Grace', false),
                 ('100%@example.com', '', true)",
        )
        .await;
    for (query, expected) in [
        ("", &["100%", "grace", "ada", "staff", "owner"][..]),
        ("?search=LOVELACE", &["ada"]),
        ("?search=grace%40EXAMPLE.com", &["grace"]),
        ("?search=%25", &["100%"]),
        ("?search=_", &[]),
        ("?search=nobody", &[]),
        ("?state=inactive", &["grace"]),
        ("?state=active&staff=no", &["100%", "ada", "owner"]),
        ("?staff=yes", &["staff"]),
        (
            "?staff=nonsense&state=nonsense&cursor=nonsense",
            &["100%", "grace", "ada", "staff", "owner"],
        ),
    ] {
        let page = browser.get(&format!("/admin/users/{query}")).await.expect(200);
        let (_, rows) = page.body.split_once("<main").unwrap();
        let mut found: Vec<_> = ["100%", "grace", "ada", "staff", "owner"]
            .into_iter()
            .filter_map(|name| Some((rows.find(&format!("<bdi>{name}@"))?, name)))
            .collect();
        found.sort_unstable();
        let found: Vec<_> = found.into_iter().map(|(_, name)| name).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_walked_through_with_its_filters() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    app.database
        .sql(
            "INSERT INTO users (email) SELECT format('user-%s@example.com', n)
             FROM generate_series(1, 120) n",
        )
        .await;
    let mut path = "/admin/users/?search=user-&state=active".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = browser.get(&path).await.expect(200);
        sizes.push(page.body.matches("<bdi>user-").count());
        let next = page.body.split("<a ").find(|link| link.contains("rel=\"next\""));
        let Some(next) = next else { break };
        let (_, rest) = next.split_once("href=\"").unwrap();
        path = rest.split_once('"').unwrap().0.replace("&amp;", "&");
        assert!(path.starts_with("/admin/users/?search=user-&state=active&cursor="), "{path}");
    }
    assert_eq!(sizes, [50, 50, 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_older_than_what_is_searched_is_found_by_its_whole_address() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    app.database
        .sql(
            "INSERT INTO users (email) SELECT format('user-%s@example.com', n)
             FROM generate_series(1, 100000) n",
        )
        .await;
    let found = browser.get("/admin/users/?search=owner%40shop.example.com").await.expect(200);
    assert!(found.body.contains("<bdi>owner@shop.example.com"));
    let part = browser.get("/admin/users/?search=owner%40shop").await.expect(200);
    assert!(part.body.contains("Nobody matches"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_chooses_a_password_with_the_link_that_is_shown() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    let fields =
        [("email", " Ada@Example.com "), ("name", "Ada"), ("verified", "on"), ("staff", "on")];
    let made = browser.post_form("/admin/users/new/", &fields).await.expect(200);
    assert_eq!(made.header("cache-control"), "no-store");
    let ada = app.database.rows("SELECT * FROM users WHERE email = 'Ada@Example.com'").await;
    assert_eq!(ada[0]["is_staff"], true);
    assert_eq!((&ada[0]["is_superuser"], &ada[0]["password_hash"]), (&json!(false), &Value::Null));
    let address = app.database.rows("SELECT email, is_verified, is_primary FROM user_emails").await;
    let expected = json!({ "email": "Ada@Example.com", "is_verified": true, "is_primary": true });
    assert_eq!(address, [expected]);
    let told: Vec<_> = audited(&app).await.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(told, ["account.create", "account.password_reset_link"]);

    let (_, rest) = made.body.split_once("http://mishap.test").unwrap();
    let (path, _) = rest.split_once('<').unwrap();
    let mut stranger = anonymous(&app).await;
    stranger.get(path).await.expect(200);
    let password = "three words in a row";
    let fields = [("password", password), ("password_again", password)];
    stranger.post_form(path, &fields).await.expect(200);
    // It holds once.
    stranger.get(path).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_new_user_is_said_beside_the_field() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let long = "x".repeat(300);
    for (fields, problem) in [
        (vec![("name", "<b>")], "This field is required."),
        (vec![("email", "nonsense"), ("name", "<b>")], "Enter an e-mail address."),
        (vec![("email", "a@b.co"), ("name", &long)], "At most 255 characters."),
        (vec![("email", "OWNER@shop.example.com"), ("name", "<b>")], "signs in with this address"),
    ] {
        let again = browser.post_form("/admin/users/new/", &fields).await.expect(422);
        assert!(text_of(&again).contains(problem), "{problem}");
        assert!(again.body.contains("Problem: New user"), "{problem}");
        assert!(!again.body.contains("<b>"), "what was typed is kept, escaped");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_superusers_make_administrators() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let page = browser.get("/admin/users/new/").await.expect(200);
    assert!(!page.body.contains("name=\"staff\""));
    let fields = [("email", "ada@example.com"), ("staff", "on")];
    browser.post_form("/admin/users/new/", &fields).await.expect(200);
    assert_eq!(app.database.number("SELECT count(*) FROM users WHERE is_staff").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_account_is_out_and_may_come_back() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let mut owner = app.browser(app.tenant.user).await;
    owner.get("/profile/security").await.expect(200);
    app.owner().get("/api/0/organizations/").await.expect(200);
    let path = format!("/admin/users/{}/flag/", app.tenant.user);

    let page = change(&mut browser, &path, &[("flag", "active"), ("value", "off")]).await;
    assert!(text_of(&page).contains("The account may not be used any more."));
    assert_eq!(value(&app, app.tenant.user, "is_active").await, false);
    let details = json!({ "active": [true, false] });
    assert_audited(&app, &browser, "account.update", "owner@shop.example.com", details).await;
    app.owner().get("/api/0/organizations/").await.expect(401);

    change(&mut browser, &path, &[("flag", "active"), ("value", "on")]).await;
    app.owner().get("/api/0/organizations/").await.expect(200);
    // The session ended.
    owner.get("/profile/security").await.expect(303);
    // What is so already is not done again.
    let before = audited(&app).await.len();
    change(&mut browser, &path, &[("flag", "active"), ("value", "on")]).await;
    assert_eq!(audited(&app).await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn superusers_say_who_is_staff_and_who_is_a_superuser() {
    let app = TestApp::start().await;
    let mut root = superuser(&app).await;
    let user = account(&app, "ada@example.com", false, false).await;
    let path = format!("/admin/users/{user}/flag/");
    for (flag, column) in [("staff", "is_staff"), ("superuser", "is_superuser")] {
        for (value_, is) in [("on", true), ("off", false)] {
            change(&mut root, &path, &[("flag", flag), ("value", value_)]).await;
            assert_eq!(value(&app, user, column).await, is);
            let details = json!({ flag: [!is, is] });
            assert_audited(&app, &root, "account.update", "ada@example.com", details).await;
        }
    }
    let mut staff = staff(&app).await;
    let before = audited(&app).await;
    for flag in ["staff", "superuser"] {
        staff.post_form(&path, &[("flag", flag), ("value", "on")]).await.expect(403);
    }
    root.post_form(&path, &[("flag", "nonsense"), ("value", "on")]).await.expect(404);
    assert_eq!(audited(&app).await, before);
    let page = staff.get(&format!("/admin/users/{user}/")).await.expect(200);
    assert!(!page.body.contains("value=\"superuser\"") && page.body.contains("value=\"active\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_changes_what_they_may_do_themselves() {
    let app = TestApp::start().await;
    let mut root = superuser(&app).await;
    for flag in ["active", "staff", "superuser"] {
        let path = format!("/admin/users/{}/flag/", root.account.unwrap());
        let refused = root.post_form(&path, &[("flag", flag), ("value", "off")]).await.expect(400);
        assert!(text_of(&refused).contains("Ask a colleague."));
    }
    let page = root.get(&format!("/admin/users/{}/", root.account.unwrap())).await.expect(200);
    assert!(!page.body.contains("/flag/"));
    root.get("/admin/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superuser_is_changed_by_superusers_only() {
    let app = TestApp::start().await;
    let (mut root, mut staff) = (superuser(&app).await, staff(&app).await);
    let mut conn = app.database.conn().await;
    let other = account(&app, "other@example.com", false, true).await;
    let address = emails::insert(&mut conn, other, "second@example.com", false, false).await;
    let address = address.unwrap().unwrap().id;
    let path = format!("/admin/users/{other}/");
    root.post_form(
        &format!("{path}tokens/new/"),
        &[("label", "x"), ("scope", "org:read"), ("ends", "never")],
    )
    .await
    .expect(200);
    let token = format!("SELECT id FROM api_tokens WHERE user_id = {other}");
    let token = app.database.number(&token).await;
    let page = staff.get(&path).await.expect(200);
    for part in ["flag/", "reset-link/", "tokens/", "verify/", "second-factors/"] {
        assert!(!page.body.contains(&format!("{path}{part}")), "{part} is not offered");
    }
    let before = audited(&app).await;
    staff.get(&format!("{path}tokens/new/")).await.expect(403);
    for (form, fields) in [
        ("flag/".to_owned(), &[("flag", "active"), ("value", "off")][..]),
        ("reset-link/".to_owned(), &[]),
        ("sign-out/".to_owned(), &[]),
        ("second-factors/reset/".to_owned(), &[]),
        (format!("addresses/{address}/verify/"), &[]),
        ("tokens/new/".to_owned(), &[("label", "x"), ("scope", "org:read"), ("ends", "never")]),
        (format!("tokens/{token}/delete/"), &[]),
    ] {
        staff.post_form(&format!("{path}{form}"), fields).await.expect(403);
    }
    assert_eq!(audited(&app).await, before);
    change(&mut root, &format!("{path}addresses/{address}/verify/"), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_new_password_is_shown_and_told() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let path = format!("/admin/users/{}/reset-link/", app.tenant.user);
    let page = browser.post_form(&path, &[]).await.expect(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let owner = "owner@shop.example.com";
    assert_audited(&app, &browser, "account.password_reset_link", owner, json!({})).await;
    let (_, rest) = page.body.split_once("http://mishap.test").unwrap();
    let (link, _) = rest.split_once('<').unwrap();
    anonymous(&app).await.get(link).await.expect(200);
    assert!(
        !audited(&app).await.iter().any(|entry| entry.to_string().contains("set-new-password"))
    );

    app.database
        .sql(&format!("UPDATE users SET is_active = false WHERE id = {}", app.tenant.user))
        .await;
    browser.post_form(&path, &[]).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_signed_out_everywhere() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let owners = [app.browser(app.tenant.user).await, app.browser(app.tenant.user).await];
    let path = format!("/admin/users/{}/", app.tenant.user);
    let page = browser.get(&path).await.expect(200);
    assert!(page.body.contains("Firefox on Linux") && page.body.contains("198.51.100.7"));
    let page = change(&mut browser, &format!("{path}sign-out/"), &[]).await;
    assert!(text_of(&page).contains("Browsers that were signed out: 2."));
    for mut owner in owners {
        owner.get("/profile/security").await.expect(303);
    }
    let owner = "owner@shop.example.com";
    assert_audited(&app, &browser, "account.sign_out", owner, json!({ "sessions": 2 })).await;
    let mut conn = app.database.conn().await;
    assert_eq!(sessions::list(&mut conn, app.tenant.user, app.now()).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_factors_are_reset() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let mut conn = app.database.conn().await;
    for kind in [authenticators::Kind::Totp, authenticators::Kind::RecoveryCodes] {
        authenticators::put(&mut conn, app.tenant.user, kind, &json!({ "secret": "do-not-tell" }))
            .await
            .unwrap();
    }
    let path = format!("/admin/users/{}/", app.tenant.user);
    let page = browser.get(&path).await.expect(200);
    assert!(page.body.contains("Authenticator app") && !page.body.contains("do-not-tell"));
    change(&mut browser, &format!("{path}second-factors/reset/"), &[]).await;
    assert_eq!(authenticators::list(&mut conn, app.tenant.user).await.unwrap(), []);
    let owner = "owner@shop.example.com";
    let details = json!({ "factors": 2 });
    assert_audited(&app, &browser, "account.second_factor_remove", owner, details).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_marked_as_verified_unless_somebody_else_proved_it() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let mut conn = app.database.conn().await;
    let user = app.tenant.user;
    let other = account(&app, "other@example.com", false, false).await;
    emails::insert(&mut conn, other, "Taken@example.com", true, false).await.unwrap();
    let add = async |conn: &mut mishap_storage::Conn, email| {
        emails::insert(conn, user, email, false, false).await.unwrap().unwrap().id
    };
    let (free, taken) =
        (add(&mut conn, "free@example.com").await, add(&mut conn, "taken@example.com").await);
    let path = format!("/admin/users/{user}/addresses");

    change(&mut browser, &format!("{path}/{free}/verify/"), &[]).await;
    let details = json!({ "email": "free@example.com", "verified": [false, true] });
    let owner = "owner@shop.example.com";
    assert_audited(&app, &browser, "account.address_change", owner, details).await;
    let before = audited(&app).await;
    let refused = browser.post_form(&format!("{path}/{taken}/verify/"), &[]).await.expect(400);
    assert!(text_of(&refused).contains("another account proved"));
    // An address of somebody else is not this account's.
    let stranger = format!("/admin/users/{other}/addresses/{taken}/verify/");
    browser.post_form(&stranger, &[]).await.expect(400);
    assert_eq!(audited(&app).await, before);
    let query = "SELECT email FROM user_emails WHERE is_verified ORDER BY email";
    let verified = app.database.rows(query).await;
    let expected =
        [json!({ "email": "Taken@example.com" }), json!({ "email": "free@example.com" })];
    assert_eq!(verified.len(), 2);
    assert!(expected.iter().all(|email| verified.contains(email)), "{verified:?}");
}
