//! The addresses of an account.

use chrono::TimeDelta;
use mishap_core::signing::{Purpose, SigningKey};
use mishap_storage::accounts::emails;
use mishap_testkit::{Account, Answer, Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_members, assert_problems, assert_refused, audited, mails};

const EMAILS: &str = "/api/0/users/me/emails/";

/// An account with a proven address, and a browser in which it is signed in.
async fn signed_in(app: &TestApp) -> (Account, Client) {
    let account = app.database.account("first@example.com").await;
    add(app, &account, "first@example.com", true, true).await;
    let client = app.browser(account.user).await.client();
    (account, client)
}

async fn add(app: &TestApp, account: &Account, email: &str, is_verified: bool, is_primary: bool) {
    let mut conn = app.database.conn().await;
    let added = emails::insert(&mut conn, account.user, email, is_verified, is_primary).await;
    added.unwrap().unwrap();
}

async fn say(client: &Client, method: Method, email: &str) -> Answer {
    client.json(method, EMAILS, &json!({ "email": email })).await
}

async fn confirm(client: &Client, email: &str) -> Answer {
    client.json(Method::POST, &format!("{EMAILS}confirm/"), &json!({ "email": email })).await
}

fn address(email: &str, is_verified: bool, is_primary: bool) -> Value {
    json!({ "isPrimary": is_primary, "isVerified": is_verified, "email": email })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_added_listed_and_sent_a_link_that_proves_it() {
    let app = TestApp::start().await;
    let (account, client) = signed_in(&app).await;
    let answer = say(&client, Method::POST, "Second@example.com").await.expect(201);
    assert_members(&answer, &["isPrimary", "isVerified", "email"]);
    assert_eq!(answer.json(), address("Second@example.com", false, false));
    let expected = json!([
        address("first@example.com", true, true),
        address("Second@example.com", false, false)
    ]);
    for user in ["me".to_owned(), account.user.to_string()] {
        let listed = client.get(&format!("/api/0/users/{user}/emails/")).await.expect(200);
        assert_eq!(listed.json(), expected);
    }

    let mails = mails(&app).await;
    assert_eq!((mails.len(), &mails[0]["to"]), (1, &json!("Second@example.com")));
    let link = mails[0]["mail"]["link"].as_str().unwrap();
    let key = link.strip_prefix("http://mishap.test/profile/confirm-email/").unwrap();
    let (id, token) = key.strip_suffix('/').unwrap().split_once('-').unwrap();
    let id = i64::from_str_radix(id, 36).unwrap();
    let row = "SELECT id FROM user_emails WHERE email LIKE 'Second%'";
    assert_eq!(app.database.number(row).await, id);
    let purpose = Purpose::AddressConfirmation;
    let bound_to = ["Second@example.com"];
    assert!(SigningKey::new(b"test").verifies(token, purpose, id, &bound_to, app.now()));
    let entries = audited(&app).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["action"], "account.address_change");
    assert_eq!(entries[0]["details"], json!({ "added": "Second@example.com" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_somebody_has_cannot_be_added() {
    let app = TestApp::start().await;
    let (_, client) = signed_in(&app).await;
    let other = app.database.account("other@example.com").await;
    add(&app, &other, "proven@example.com", true, false).await;
    add(&app, &other, "claimed@example.com", false, false).await;
    for email in
        ["first@example.com", "FIRST@example.com", "proven@example.com", "Other@example.com"]
    {
        assert_refused(&say(&client, Method::POST, email).await, 400, "Email already exists");
    }
    assert!(mails(&app).await.is_empty() && audited(&app).await.is_empty());
    // What somebody only claims is free.
    say(&client, Method::POST, "claimed@example.com").await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_refused() {
    let app = TestApp::start().await;
    let (_, client) = signed_in(&app).await;
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = client.json(method.clone(), EMAILS, &json!({})).await;
        assert_problems(&answer, &[("missing", "email")]);
        assert_problems(&say(&client, method, "nobody").await, &[("value_error", "email")]);
    }
    let answer = client.json(Method::POST, &format!("{EMAILS}confirm/"), &json!([])).await;
    assert_problems(&answer, &[("missing", "email")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_s_addresses_are_not_found() {
    let app = TestApp::start().await;
    let (_, client) = signed_in(&app).await;
    let path = format!("/api/0/users/{}/emails/", app.tenant.user);
    let body = json!({ "email": "x@example.com" });
    assert_refused(&client.get(&path).await, 404, "Not Found");
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_refused(&client.json(method, &path, &body).await, 404, "Not Found");
    }
    client.get("/api/0/users/you/emails/").await.expect(422);
    assert!(mails(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_shows_addresses_and_does_not_change_them() {
    let app = TestApp::start().await;
    let (account, _) = signed_in(&app).await;
    let client = app.client(&account.token);
    client.get(EMAILS).await.expect(200);
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = say(&client, method, "thief@example.com").await;
        assert_refused(&answer, 403, "CSRF check Failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proven_address_becomes_the_one_to_sign_in_with() {
    let app = TestApp::start().await;
    let (account, client) = signed_in(&app).await;
    add(&app, &account, "second@example.com", false, false).await;
    for email in ["second@example.com", "third@example.com"] {
        assert_refused(&say(&client, Method::PUT, email).await, 404, "Not Found");
    }
    app.database.sql("UPDATE user_emails SET is_verified = true").await;
    let answer = say(&client, Method::PUT, "SECOND@example.com").await.expect(200);
    assert_eq!(answer.json(), address("second@example.com", true, true));
    let expected = json!([
        address("first@example.com", true, false),
        address("second@example.com", true, true)
    ]);
    assert_eq!(client.get(EMAILS).await.json(), expected);
    let me = client.get("/api/0/users/me/").await.json();
    assert_eq!(
        (&me["email"], &me["username"]),
        (&json!("second@example.com"), &json!("second@example.com"))
    );
    let entries = audited(&app).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["details"], json!({ "primary": "second@example.com" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_another_account_signs_in_with_stays_there() {
    let app = TestApp::start().await;
    let (account, client) = signed_in(&app).await;
    add(&app, &account, "second@example.com", true, false).await;
    app.database.account("Second@example.com").await;
    let refused = say(&client, Method::PUT, "second@example.com").await;
    assert_refused(&refused, 409, "Another account signs in with this address");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_addresses_but_the_primary_one_can_be_removed() {
    let app = TestApp::start().await;
    let (account, client) = signed_in(&app).await;
    add(&app, &account, "second@example.com", true, false).await;
    for email in ["first@example.com", "third@example.com"] {
        assert_refused(&say(&client, Method::DELETE, email).await, 404, "Not Found");
    }
    let answer = say(&client, Method::DELETE, "Second@example.com").await.expect(204);
    assert_eq!(answer.body, "");
    assert_eq!(client.get(EMAILS).await.json(), json!([address("first@example.com", true, true)]));
    let entries = audited(&app).await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["details"], json!({ "removed": "Second@example.com" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_sent_again_after_three_minutes() {
    let app = TestApp::start().await;
    let (_, client) = signed_in(&app).await;
    say(&client, Method::POST, "second@example.com").await.expect(201);
    let refused = "Too many requests.";
    assert_refused(&confirm(&client, "second@example.com").await, 429, refused);
    app.clock.advance(TimeDelta::seconds(179));
    assert_refused(&confirm(&client, "second@example.com").await, 429, refused);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(confirm(&client, "Second@example.com").await.expect(204).body, "");
    assert_refused(&confirm(&client, "second@example.com").await, 429, refused);
    assert_eq!(mails(&app).await.len(), 2);
    // One that is proven needs none, and one that nobody has gets none.
    confirm(&client, "first@example.com").await.expect(204);
    assert_refused(&confirm(&client, "third@example.com").await, 404, "Not Found");
    assert_eq!(mails(&app).await.len(), 2);
    assert!(mails(&app).await.iter().all(|mail| mail["to"] == "second@example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_us_send_mails_all_day() {
    let app = TestApp::start().await;
    let (_, client) = signed_in(&app).await;
    let email = "victim@example.com";
    for _ in 0..5 {
        say(&client, Method::POST, email).await.expect(201);
        say(&client, Method::DELETE, email).await.expect(204);
    }
    for number in 0..5 {
        say(&client, Method::POST, &format!("victim-{number}@example.com")).await.expect(201);
    }
    assert_refused(&say(&client, Method::POST, email).await, 429, "Too many requests.");
    assert_refused(&confirm(&client, "victim-1@example.com").await, 429, "Too many requests.");
    app.clock.advance(TimeDelta::seconds(60));
    say(&client, Method::POST, email).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_addresses_at_most() {
    let app = TestApp::start().await;
    let (account, client) = signed_in(&app).await;
    let insert = format!(
        "INSERT INTO user_emails (user_id, email)
         SELECT {}, format('%s@example.com', n) FROM generate_series(2, 200) n",
        account.user
    );
    app.database.sql(&insert).await;
    let refused = say(&client, Method::POST, "one-more@example.com").await;
    assert_refused(&refused, 400, "An account has 200 addresses at most");
    assert_eq!(client.get(EMAILS).await.json().as_array().unwrap().len(), 200);
}
