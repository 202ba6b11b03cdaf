//! Accepting invitations.

use chrono::TimeDelta;
use mishap_core::access::Role;
use mishap_storage::accounts::emails;
use mishap_storage::organizations;
use mishap_testkit::{Answer, Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_members, assert_problems, assert_refused, audited, mails};

const MEMBERS: &str = "/api/0/organizations/shop-org/members/";

/// Invites somebody; returns the path that the mailed link stands for.
async fn invite(app: &TestApp, email: &str) -> String {
    let body = json!({ "email": email, "orgRole": "admin" });
    app.owner().json(Method::POST, MEMBERS, &body).await.expect(201);
    let mails = mails(app).await;
    let link = mails.last().unwrap()["mail"]["link"].as_str().unwrap();
    format!("/api/0{}", link.strip_prefix("http://mishap.test").unwrap())
}

async fn accept(client: &Client, path: &str) -> Answer {
    client.json(Method::POST, path, &json!({ "acceptInvite": true })).await
}

fn wrong_account(invited: &str) -> String {
    format!(
        "This invitation is for {invited}. Sign in with that address, or add it to your account and \
         confirm it."
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_link_sees_the_invitation() {
    let app = TestApp::start().await;
    let path = invite(&app, "new@example.com").await;
    let answer = app.anonymous().get(&path).await.expect(200);
    let names = [
        "acceptInvite",
        "orgUser",
        "id",
        "role",
        "roleName",
        "dateCreated",
        "email",
        "user",
        "pending",
        "isOwner",
        "organization",
    ];
    assert_members(&answer, &names);
    let listed = app.owner().get(MEMBERS).await.expect(200).json();
    let organizations = app.owner().get("/api/0/organizations/").await.expect(200).json();
    let mut member = listed[0].clone();
    member["organization"] = organizations[0].clone();
    assert_eq!(answer.json(), json!({ "acceptInvite": false, "orgUser": member }));
    assert_eq!((&member["email"], &member["pending"]), (&json!("new@example.com"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_in_a_session_or_with_a_token() {
    let app = TestApp::start().await;
    let first = app.database.account("First@example.com").await;
    let second = app.database.account("second@example.com").await;
    let session = app.browser(first.user).await.client();
    let token = app.client(&second.token);
    for (email, account, client) in
        [("first@example.com", &first, &session), ("second@example.com", &second, &token)]
    {
        let path = invite(&app, email).await;
        let declined = client.json(Method::POST, &path, &json!({ "acceptInvite": false })).await;
        assert_eq!(declined.expect(200).json(), app.anonymous().get(&path).await.json());
        client.get("/api/0/organizations/shop-org/").await.expect(404);

        let accepted = accept(client, &path).await.expect(200).json();
        assert_eq!(accepted["acceptInvite"], true);
        let member = &accepted["orgUser"];
        assert_eq!((&member["pending"], &member["role"]), (&json!(false), &json!("admin")));
        assert_eq!(member["user"]["id"], account.user.to_string());
        assert_eq!((&member["email"], &member["isOwner"]), (&json!(account.email), &json!(false)));
        assert_eq!(member["organization"]["slug"], "shop-org");
        client.get("/api/0/organizations/shop-org/").await.expect(200);
        // The link has done its work.
        assert_refused(&app.anonymous().get(&path).await, 403, "Invalid invite token");
        assert_refused(&accept(client, &path).await, 403, "Invalid invite token");
    }
    let entries = audited(&app).await;
    let joined: Vec<_> = entries.iter().filter(|entry| entry["action"] == "member.join").collect();
    assert_eq!(joined.len(), 2);
    assert_eq!(
        (&joined[0]["actor"], &joined[0]["target"]),
        (&json!(first.email), &json!(first.email))
    );
    assert_eq!(joined[0]["organization_id"], json!(app.tenant.organization));
    assert_eq!(joined[0]["details"], json!({ "role": "admin", "invited": "first@example.com" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_account_is_told_which_is_the_right_one() {
    let app = TestApp::start().await;
    let path = invite(&app, "Invited@example.com").await;
    let account = app.database.account("somebody@example.com").await;
    let client = app.browser(account.user).await.client();
    let refused = wrong_account("Invited@example.com");
    assert_refused(&accept(&client, &path).await, 403, &refused);
    // To claim an address is not enough.
    let mut conn = app.database.conn().await;
    let claimed =
        emails::insert(&mut conn, account.user, "invited@example.com", false, false).await;
    assert_refused(&accept(&client, &path).await, 403, &refused);
    assert_eq!(app.anonymous().get(&path).await.json()["orgUser"]["pending"], true);
    emails::verify(&mut conn, claimed.unwrap().unwrap().id).await.unwrap();
    let accepted = accept(&client, &path).await.expect(200).json();
    assert_eq!(accepted["orgUser"]["email"], "somebody@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_does_not_become_one_twice() {
    let app = TestApp::start().await;
    let email = "member@example.com";
    let member = app.database.member(app.tenant.organization, email, Role::Viewer).await;
    let path = invite(&app, "other@example.com").await;
    let mut conn = app.database.conn().await;
    emails::insert(&mut conn, member.user, "other@example.com", true, false).await.unwrap();
    let refused = accept(&app.client(&member.token), &path).await;
    assert_refused(&refused, 409, "You are a member of this organization already");
    let listed = app.owner().get(MEMBERS).await.json();
    assert_eq!((&listed[0]["pending"], &listed[1]["role"]), (&json!(true), &json!("viewer")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_invitation_lets_one_account_in() {
    let app = TestApp::start().await;
    let path = invite(&app, "first@example.com").await;
    let first = app.database.account("first@example.com").await;
    let second = app.database.account("second@example.com").await;
    let mut conn = app.database.conn().await;
    emails::insert(&mut conn, second.user, "first@example.com", true, false).await.unwrap();
    let (first, second) = (app.client(&first.token), app.client(&second.token));
    let answers = tokio::join!(accept(&first, &path), accept(&second, &path));
    let accepted = [&answers.0, &answers.1].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(accepted, 1, "{answers:?}");
    assert_eq!(app.owner().get(MEMBERS).await.json().as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_none_opens_nothing() {
    let app = TestApp::start().await;
    let account = app.database.account("first@example.com").await;
    let client = app.client(&account.token);
    let path = invite(&app, "first@example.com").await;
    let other = invite(&app, "second@example.com").await;
    let (head, token) = path.trim_end_matches('/').rsplit_once('/').unwrap();
    let (_, other_token) = other.trim_end_matches('/').rsplit_once('/').unwrap();
    let (time, hash) = token.split_once('-').unwrap();
    for wrong in
        [other_token, time, "x", "x-y", &format!("{time}-{}", "0".repeat(32)), &format!("0-{hash}")]
    {
        let path = format!("{head}/{wrong}/");
        assert_refused(&app.anonymous().get(&path).await, 403, "Invalid invite token");
        assert_refused(&accept(&client, &path).await, 403, "Invalid invite token");
    }
    for missing in [
        format!("/api/0/accept/0/{token}/"),
        format!("/api/0/accept/99999999999999999999/{token}/"),
    ] {
        assert_refused(&app.anonymous().get(&missing).await, 404, "Not Found");
    }
    app.clock.advance(TimeDelta::days(15));
    app.anonymous().get(&path).await.expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    assert_refused(&app.anonymous().get(&path).await, 403, "Invalid invite token");
    assert_refused(&accept(&client, &path).await, 403, "Invalid invite token");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_or_deleted_is_not_found() {
    let app = TestApp::start().await;
    let path = invite(&app, "first@example.com").await;
    let second = invite(&app, "second@example.com").await;
    let listed = app.owner().get(MEMBERS).await.json();
    let first = format!("{MEMBERS}{}/", listed[1]["id"].as_str().unwrap());
    app.owner().delete(&first).await.expect(204);
    assert_refused(&app.anonymous().get(&path).await, 404, "Not Found");
    let mut conn = app.database.conn().await;
    organizations::delete(&mut conn, app.tenant.organization).await.unwrap();
    assert_refused(&app.anonymous().get(&second).await, 404, "Not Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_must_be_known_and_say_what_they_want() {
    let app = TestApp::start().await;
    let path = invite(&app, "first@example.com").await;
    assert_refused(&accept(&app.anonymous(), &path).await, 403, "CSRF check Failed");
    let account = app.database.account("first@example.com").await;
    let client = app.client(&account.token);
    let answer = client.json(Method::POST, &path, &json!({})).await;
    assert_problems(&answer, &[("missing", "acceptInvite")]);
    let unknown: Value = json!({ "accept_invite": "yes", "orgRole": "owner", "role": 3 });
    let accepted = client.json(Method::POST, &path, &unknown).await.expect(200).json();
    assert_eq!(accepted["orgUser"]["role"], "admin");
}
