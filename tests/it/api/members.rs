//! Members, and invitations until they are accepted.

use chrono::TimeDelta;
use mishap_core::access::{Role, Scope};
use mishap_storage::{members, teams};
use mishap_testkit::{Account, Answer, Client, Options, TestApp};
use mishap_web::config::AccountRules;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_members, assert_problems, assert_refused, audited, mails, take_time};

const MEMBERS: &str = "/api/0/organizations/shop-org/members/";

const NAMES: [&str; 8] =
    ["id", "role", "roleName", "dateCreated", "email", "user", "pending", "isOwner"];

async fn start(accounts: AccountRules) -> TestApp {
    TestApp::start_with(Options { accounts, ..Options::default() }).await
}

/// An account that is a member of the first organization.
async fn joined(app: &TestApp, role: Role) -> Account {
    let email = format!("{}@example.com", role.name());
    app.database.member(app.tenant.organization, &email, role).await
}

/// The path of the member that an account is.
async fn path_of(app: &TestApp, account: &Account) -> String {
    let mut conn = app.database.conn().await;
    let found = members::find_by_user(&mut conn, app.tenant.organization, account.user).await;
    format!("{MEMBERS}{}/", found.unwrap().unwrap().id)
}

async fn invite(client: &Client, body: &Value) -> Answer {
    client.json(Method::POST, MEMBERS, body).await
}

fn invitation(email: &str) -> Value {
    json!({ "email": email, "orgRole": "member" })
}

fn user(account: &Account) -> Value {
    json!({
        "id": account.user.to_string(),
        "options": {
            "timezone": null,
            "stacktraceOrder": null,
            "language": null,
            "clock24Hours": null,
            "preferredTheme": null,
        },
        "username": account.email,
        "dateJoined": null,
        "email": account.email,
        "hasPasswordAuth": false,
        "identities": [],
        "lastLogin": null,
        "isSuperuser": false,
        "isActive": true,
        "name": "Owner",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_listed_with_their_accounts_and_invitations_without() {
    let app = TestApp::start().await;
    let account = joined(&app, Role::Admin).await;
    invite(&app.owner(), &invitation("New.Person@example.com")).await.expect(201);
    let answer = app.owner().get(MEMBERS).await.expect(200);
    assert_members(&answer, &NAMES);
    assert_eq!((answer.header("x-hits"), answer.header("x-max-hits")), ("3", "1000"));
    let mut listed = answer.json();
    let [invited, admin, owner] = [&listed[0], &listed[1], &listed[2]];
    assert_eq!(owner["email"], "owner@shop.example.com");
    assert_eq!((&owner["role"], &owner["isOwner"]), (&json!("owner"), &json!(true)));
    assert_eq!((&admin["isOwner"], &invited["isOwner"]), (&json!(false), &json!(false)));
    take_time(&mut listed[0], "dateCreated");
    take_time(&mut listed[1], "dateCreated");
    take_time(&mut listed[1]["user"], "dateJoined");
    let expected = json!({
        "id": listed[0]["id"],
        "role": "member",
        "roleName": "Member",
        "dateCreated": null,
        "email": "New.Person@example.com",
        "user": null,
        "pending": true,
        "isOwner": false,
    });
    assert_eq!(listed[0], expected);
    let expected = json!({
        "id": listed[1]["id"],
        "role": "admin",
        "roleName": "Admin",
        "dateCreated": null,
        "email": "admin@example.com",
        "user": user(&account),
        "pending": false,
        "isOwner": false,
    });
    assert_eq!(listed[1], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_by_itself_shows_its_teams() {
    let app = TestApp::start().await;
    let account = joined(&app, Role::Member).await;
    let path = path_of(&app, &account).await;
    let mut conn = app.database.conn().await;
    let organization = app.tenant.organization;
    let member = members::find_by_user(&mut conn, organization, account.user).await;
    let team = teams::insert(&mut conn, organization, "cart").await.unwrap().unwrap();
    teams::add_member(&mut conn, &[team], member.unwrap().unwrap().id).await.unwrap();
    let answer = app.owner().get(&path).await.expect(200);
    assert_members(&answer, &[&NAMES[..], &["teams"]].concat());
    let listed = app.owner().get(MEMBERS).await.expect(200).json();
    let mut expected = listed[0].clone();
    expected["teams"] = json!(["cart"]);
    assert_eq!(answer.json(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_no_members_and_find_none() {
    let app = TestApp::start().await;
    let account = joined(&app, Role::Member).await;
    let path = path_of(&app, &account).await;
    let other = app.database.tenant("other").await;
    let stranger = app.client(&other.token);
    assert_eq!(stranger.get(MEMBERS).await.expect(200).json(), json!([]));
    let role = json!({ "orgRole": "owner" });
    for answer in [
        stranger.get(&path).await,
        invite(&stranger, &invitation("a@example.com")).await,
        stranger.json(Method::PUT, &path, &role).await,
        stranger.delete(&path).await,
        stranger.json(Method::POST, &format!("{path}set_owner/"), &json!({})).await,
        // A member of another organization is none of this one, for its owner too.
        app.owner().get(&path.replace("shop-org", "other-org")).await,
    ] {
        assert_refused(&answer, 404, "Not Found");
    }
    let id = path.trim_start_matches(MEMBERS);
    let foreign = format!("/api/0/organizations/other-org/members/{id}");
    assert_refused(&stranger.get(&foreign).await, 404, "Not Found");
    assert_refused(&stranger.json(Method::PUT, &foreign, &role).await, 404, "Not Found");
    assert_refused(&stranger.delete(&foreign).await, 404, "Not Found");
    stranger.json(Method::POST, &format!("{foreign}set_owner/"), &json!({})).await.expect(404);
    for wrong in ["x", "-1", "99999999999999999999"] {
        let answer = app.owner().get(&format!("{MEMBERS}{wrong}/")).await;
        assert_refused(&answer, 404, "Not Found");
    }
    assert!(audited(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_answered_mailed_and_noted() {
    let app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    let organization = app.tenant.organization;
    teams::insert(&mut conn, organization, "cart").await.unwrap().unwrap();
    let body = json!({
        "org_role": "admin",
        "email": "new@example.com",
        "teamRoles": [{ "teamSlug": "cart", "role": "" }, { "team_slug": "unknown" }],
        // What nobody may choose is not looked at.
        "id": 7, "isOwner": true, "pending": false, "user": { "id": "1" },
    });
    let answer = invite(&app.owner(), &body).await.expect(201);
    assert_members(&answer, &NAMES);
    let shown = answer.json();
    assert_eq!((&shown["role"], &shown["email"]), (&json!("admin"), &json!("new@example.com")));
    assert_eq!((&shown["pending"], &shown["isOwner"]), (&json!(true), &json!(false)));
    let path = format!("{MEMBERS}{}/", shown["id"].as_str().unwrap());
    let detail = app.owner().get(&path).await.expect(200).json();
    assert_eq!(detail["teams"], json!(["cart"]));

    let mails = mails(&app).await;
    let link = mails[0]["mail"]["link"].as_str().unwrap();
    let id = shown["id"].as_str().unwrap();
    assert!(link.starts_with(&format!("http://mishap.test/accept/{id}/")), "{link}");
    let expected = json!([{
        "to": "new@example.com",
        "mail": {
            "mail": "invitation",
            "organization": "shop org",
            "inviter": "owner@shop.example.com",
            "role": "Admin",
            "link": link,
        },
    }]);
    assert_eq!(json!(mails), expected);
    let expected = json!([{
        "actor": "owner@shop.example.com",
        "action": "member.invite",
        "target_kind": "member",
        "target_id": id,
        "target": "new@example.com",
        "organization_id": organization,
        "client_ip": "127.0.0.1",
        "details": { "role": "admin", "teams": ["cart", "unknown"] },
    }]);
    assert_eq!(json!(audited(&app).await), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_invitation_is_told() {
    let app = TestApp::start().await;
    let owner = app.owner();
    let missing = [("missing", "email"), ("missing", "orgRole")];
    assert_problems(&invite(&owner, &json!({})).await, &missing);
    assert_problems(&invite(&owner, &json!([])).await, &missing);
    for (email, kind) in [
        (json!(7), "string_type"),
        (json!(""), "string_too_short"),
        (json!("nobody"), "value_error"),
        (json!("a@b.c\r\nBcc: x@y.z"), "value_error"),
        (json!("a@b.c\u{0}"), "value_error"),
        (json!(format!("{}@example.com", "a".repeat(400))), "string_too_long"),
    ] {
        let body = json!({ "email": email, "orgRole": "member" });
        assert_problems(&invite(&owner, &body).await, &[(kind, "email")]);
    }
    for role in [json!("root"), json!(3), json!("Owner"), json!(null)] {
        let body = json!({ "email": "a@example.com", "orgRole": role });
        assert_problems(&invite(&owner, &body).await, &[("literal_error", "orgRole")]);
    }
    let mut body = invitation("a@example.com");
    body["sendInvite"] = json!("perhaps");
    assert_problems(&invite(&owner, &body).await, &[("bool_parsing", "sendInvite")]);
    let unreadable = owner.send(MEMBERS, &[], b"{".to_vec()).await;
    assert_refused(&unreadable, 400, "Cannot parse request body");
    assert!(audited(&app).await.is_empty() && mails(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_managers_and_owners_invite_and_nobody_gives_a_role_above_their_own() {
    let app = TestApp::start().await;
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let client = app.client(&joined(&app, role).await.token);
        assert_refused(&invite(&client, &invitation("a@example.com")).await, 403, "forbidden");
    }
    let manager = app.client(&joined(&app, Role::Manager).await.token);
    let mut body = invitation("a@example.com");
    body["orgRole"] = json!("owner");
    let text = "Nobody may give a role above their own";
    assert_refused(&invite(&manager, &body).await, 403, text);
    assert!(audited(&app).await.is_empty());
    for role in ["viewer", "member", "admin", "manager"] {
        let body = json!({ "email": format!("new-{role}@example.com"), "orgRole": role });
        assert_eq!(invite(&manager, &body).await.expect(201).json()["role"], role);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inviting_may_need_a_verified_address() {
    let rules = AccountRules { invites_need_verified_address: true, ..AccountRules::default() };
    let app = start(rules).await;
    let text = "User must have a verified email address";
    assert_refused(&invite(&app.owner(), &invitation("a@example.com")).await, 403, text);
    let insert = "INSERT INTO user_emails (user_id, email, is_verified)
        SELECT id, email, false FROM users";
    app.database.sql(insert).await;
    assert_refused(&invite(&app.owner(), &invitation("a@example.com")).await, 403, text);
    app.database.sql("UPDATE user_emails SET is_verified = true").await;
    invite(&app.owner(), &invitation("a@example.com")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_strangers_may_not_register_only_accounts_are_invited() {
    let app = start(AccountRules { is_open: false, ..AccountRules::default() }).await;
    app.database.account("known@example.com").await;
    let text = "Only existing users may be invited";
    assert_refused(&invite(&app.owner(), &invitation("a@example.com")).await, 403, text);
    invite(&app.owner(), &invitation("KNOWN@example.com")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_not_invited_again() {
    let app = TestApp::start().await;
    joined(&app, Role::Member).await;
    for email in ["member@example.com", "Member@Example.com"] {
        let text = format!("The user {email} is already a member");
        assert_refused(&invite(&app.owner(), &invitation(email)).await, 409, &text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_invitation_is_sent_again_and_keeps_its_role() {
    let app = TestApp::start().await;
    let first = invite(&app.owner(), &invitation("a@example.com")).await.expect(201).json();
    let again = json!({ "email": "A@example.com", "orgRole": "owner", "reinvite": true });
    assert_eq!(invite(&app.owner(), &again).await.expect(201).json(), first);
    assert_eq!(mails(&app).await.len(), 2);
    let once = json!({ "email": "a@example.com", "orgRole": "member", "reinvite": false });
    let text = "The user a@example.com is already invited";
    assert_refused(&invite(&app.owner(), &once).await, 409, text);
    let silent = json!({ "email": "b@example.com", "orgRole": "member", "sendInvite": false });
    invite(&app.owner(), &silent).await.expect(201);
    assert_eq!(mails(&app).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_invite_the_same_person_at_once_make_one_invitation() {
    let app = TestApp::start().await;
    let (body, client) = (invitation("a@example.com"), app.owner());
    let answers = tokio::join!(
        invite(&client, &body),
        invite(&client, &body),
        invite(&client, &body),
        invite(&client, &body),
    );
    let id = |answer: Answer| answer.expect(201).json()["id"].clone();
    let first = id(answers.0);
    assert!([answers.1, answers.2, answers.3].into_iter().all(|answer| id(answer) == first));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_invites_too_often() {
    let rules = AccountRules {
        max_invitations: 2,
        invitation_window_seconds: 60,
        ..AccountRules::default()
    };
    let app = start(rules).await;
    let manager = app.client(&joined(&app, Role::Manager).await.token);
    for email in ["a@example.com", "b@example.com"] {
        invite(&app.owner(), &invitation(email)).await.expect(201);
    }
    let refused = invite(&app.owner(), &invitation("c@example.com")).await;
    assert_refused(&refused, 429, "Too many requests.");
    // Each has a count of their own, and it ends with the window.
    invite(&manager, &invitation("c@example.com")).await.expect(201);
    app.clock.advance(TimeDelta::seconds(60));
    invite(&app.owner(), &invitation("d@example.com")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_wanted_so_the_invited_are_members_at_once() {
    let rules = AccountRules {
        attaches_invited: true,
        is_open: false,
        max_invitations: 1,
        ..AccountRules::default()
    };
    let app = start(rules).await;
    let known = app.database.account("known@example.com").await;
    for email in ["new@example.com", "Known@example.com"] {
        let answer = invite(&app.owner(), &invitation(email)).await.expect(201);
        assert_members(&answer, &NAMES);
        let member = answer.json();
        assert_eq!((&member["pending"], &member["role"]), (&json!(false), &json!("member")));
        assert_eq!(member["user"]["email"], member["email"]);
        assert_eq!(member["user"]["hasPasswordAuth"], false);
        let text = format!("The user {email} is already a member");
        assert_refused(&invite(&app.owner(), &invitation(email)).await, 409, &text);
    }
    let listed = app.owner().get(MEMBERS).await.expect(200).json();
    assert_eq!(listed[0]["user"]["id"], known.user.to_string());
    assert_eq!(listed[1]["email"], "new@example.com");
    app.client(&known.token).get("/api/0/organizations/shop-org/").await.expect(200);
    assert!(mails(&app).await.is_empty());
    let emails = app.database.rows("SELECT email, is_verified, is_primary FROM user_emails").await;
    let verified = json!([{
        "email": "new@example.com", "is_verified": true, "is_primary": true,
    }]);
    assert_eq!(json!(emails), verified);
    let actions: Vec<_> = audited(&app).await.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["account.create", "member.invite", "member.invite"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_given_another_role() {
    let app = TestApp::start().await;
    let account = joined(&app, Role::Member).await;
    let path = path_of(&app, &account).await;
    let body = json!({
        "orgRole": "viewer",
        "teamRoles": [{ "teamSlug": "unknown" }],
        "isOwner": true, "email": "x@example.com", "user": null,
    });
    let answer = app.owner().json(Method::PUT, &path, &body).await.expect(200);
    assert_members(&answer, &[&NAMES[..], &["teams"]].concat());
    let changed = answer.json();
    assert_eq!(changed, app.owner().get(&path).await.expect(200).json());
    assert_eq!((&changed["role"], &changed["roleName"]), (&json!("viewer"), &json!("Viewer")));
    assert_eq!((&changed["email"], &changed["isOwner"]), (&json!(account.email), &json!(false)));
    let audited = audited(&app).await;
    assert_eq!((audited.len(), &audited[0]["action"]), (1, &json!("member.update")));
    assert_eq!(audited[0]["target"], "member@example.com");
    assert_eq!(audited[0]["details"], json!({ "role": ["member", "viewer"] }));
    let wrong = app.owner().json(Method::PUT, &path, &json!({ "role": "admin" })).await;
    assert_problems(&wrong, &[("missing", "orgRole")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_changed_by_managers_up_to_their_own() {
    let app = TestApp::start().await;
    let manager = joined(&app, Role::Manager).await;
    let owner = joined(&app, Role::Owner).await;
    let member = joined(&app, Role::Member).await;
    let client = app.client(&manager.token);
    let set = async |account: &Account, role: &str| {
        let path = path_of(&app, account).await;
        client.json(Method::PUT, &path, &json!({ "orgRole": role })).await
    };
    assert_refused(&set(&owner, "member").await, 403, "Forbidden");
    let text = "Nobody may give a role above their own";
    assert_refused(&set(&member, "owner").await, 403, text);
    assert_refused(&set(&manager, "owner").await, 403, text);
    set(&member, "manager").await.expect(200);
    set(&manager, "admin").await.expect(200);
    assert_refused(&set(&member, "member").await, 403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_keeps_an_owner() {
    let app = TestApp::start().await;
    // An invitation is no owner yet.
    let pending = json!({ "email": "later@example.com", "orgRole": "owner" });
    invite(&app.owner(), &pending).await.expect(201);
    let listed = app.owner().get(MEMBERS).await.expect(200).json();
    let path = format!("{MEMBERS}{}/", listed[1]["id"].as_str().unwrap());
    let body = json!({ "orgRole": "manager" });
    let refused = app.owner().json(Method::PUT, &path, &body).await;
    assert_refused(&refused, 422, "Organization must have at least one owner");
    let other = joined(&app, Role::Owner).await;
    app.owner().json(Method::PUT, &path, &body).await.expect(200);
    let second = path_of(&app, &other).await;
    let refused = app.client(&other.token).json(Method::PUT, &second, &body).await;
    assert_refused(&refused, 422, "Organization must have at least one owner");
    let refused = app.client(&other.token).delete(&second).await;
    let text = "User is organization owner. Transfer ownership first.";
    assert_refused(&refused, 400, text);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_cannot_both_leave_at_once() {
    let app = TestApp::start().await;
    let [one, two] = [Role::Owner, Role::Admin].map(|role| joined(&app, role));
    let (one, two) = tokio::join!(one, two);
    let (first, second) = (path_of(&app, &one).await, path_of(&app, &two).await);
    // Somebody else is the primary owner, whom neither can remove.
    let mut conn = app.database.conn().await;
    let tenant = app.tenant.user;
    members::put(&mut conn, app.tenant.organization, tenant, Role::Member).await.unwrap();
    members::put(&mut conn, app.tenant.organization, two.user, Role::Owner).await.unwrap();
    let (one, two) = (app.client(&one.token), app.client(&two.token));
    let answers = tokio::join!(one.delete(&first), two.delete(&second));
    let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_removed_by_managers_or_leave() {
    let app = TestApp::start().await;
    let admin = joined(&app, Role::Admin).await;
    let member = joined(&app, Role::Member).await;
    let viewer = joined(&app, Role::Viewer).await;
    let manager = joined(&app, Role::Manager).await;
    let owner = joined(&app, Role::Owner).await;
    let paths = [
        path_of(&app, &admin).await,
        path_of(&app, &member).await,
        path_of(&app, &viewer).await,
        path_of(&app, &manager).await,
        path_of(&app, &owner).await,
    ];
    let clients = [&admin, &member, &viewer, &manager].map(|account| app.client(&account.token));
    // Nobody removes somebody else who is no manager, nor somebody who is mightier.
    for (client, path) in [(0, 1), (1, 2), (2, 1), (3, 4)] {
        assert_refused(&clients[client].delete(&paths[path]).await, 403, "Forbidden");
    }
    assert_eq!(clients[2].delete(&paths[2]).await.expect(204).body, "");
    clients[3].delete(&paths[1]).await.expect(204);
    clients[3].delete(&paths[3]).await.expect(204);
    for client in [1, 2, 3] {
        clients[client].get("/api/0/organizations/shop-org/").await.expect(404);
    }
    let primary = app.owner().get(MEMBERS).await.json()[2]["id"].as_str().unwrap().to_owned();
    let primary = format!("{MEMBERS}{primary}/");
    let text = "User is organization owner. Transfer ownership first.";
    assert_refused(&app.owner().delete(&primary).await, 400, text);
    assert_refused(&app.client(&owner.token).delete(&primary).await, 400, text);
    let audited = audited(&app).await;
    let removed: Vec<_> = audited
        .iter()
        .map(|entry| (entry["actor"].as_str().unwrap(), entry["target"].as_str().unwrap()))
        .collect();
    let expected = [
        ("viewer@example.com", "viewer@example.com"),
        ("manager@example.com", "member@example.com"),
        ("manager@example.com", "manager@example.com"),
    ];
    assert_eq!(removed, expected);
    assert!(audited.iter().all(|entry| entry["action"] == "member.remove"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_withdrawn() {
    let app = TestApp::start().await;
    let invited = invite(&app.owner(), &invitation("a@example.com")).await.expect(201).json();
    let path = format!("{MEMBERS}{}/", invited["id"].as_str().unwrap());
    app.owner().delete(&path).await.expect(204);
    assert_refused(&app.owner().get(&path).await, 404, "Not Found");
    assert_refused(&app.owner().delete(&path).await, 404, "Not Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_is_handed_on_by_owners_only() {
    let app = TestApp::start().await;
    let manager = joined(&app, Role::Manager).await;
    let to_manager = format!("{}set_owner/", path_of(&app, &manager).await);
    let hand_on = async |client: &Client, path: &str| client.send(path, &[], Vec::new()).await;
    let text = "Only owner may set organization owner.";
    assert_refused(&hand_on(&app.client(&manager.token), &to_manager).await, 403, text);
    let invited = invite(&app.owner(), &invitation("a@example.com")).await.expect(201).json();
    let to_invited = format!("{MEMBERS}{}/set_owner/", invited["id"].as_str().unwrap());
    let refused = hand_on(&app.owner(), &to_invited).await;
    assert_refused(&refused, 400, "The invitation is still open");
    assert_refused(
        &hand_on(&app.owner(), &format!("{MEMBERS}0/set_owner/")).await,
        404,
        "Not Found",
    );

    let answer = hand_on(&app.owner(), &to_manager).await.expect(200);
    assert_members(&answer, &[&NAMES[..], &["teams"]].concat());
    let shown = answer.json();
    // The role stays as it is.
    assert_eq!((&shown["isOwner"], &shown["role"]), (&json!(true), &json!("manager")));
    let listed = app.owner().get(MEMBERS).await.expect(200).json();
    let primary = listed.as_array().unwrap().iter().filter(|member| member["isOwner"] == true);
    assert_eq!(primary.count(), 1);
    let audited = audited(&app).await;
    assert_eq!(audited[1]["action"], "member.ownership_transfer");
    assert_eq!(audited[1]["target"], "manager@example.com");
    // Whoever is it hands it on, whatever the role.
    let owner = format!("{MEMBERS}{}/set_owner/", listed[2]["id"].as_str().unwrap());
    let shown = hand_on(&app.client(&manager.token), &owner).await.expect(200).json();
    assert_eq!(shown["email"], "owner@shop.example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scopes_of_a_token_are_looked_at_before_its_owner_s_role() {
    let app = TestApp::start().await;
    let account = joined(&app, Role::Member).await;
    let path = path_of(&app, &account).await;
    let role = json!({ "orgRole": "admin" });
    let read = app.with_scopes(&[Scope::MemberRead]).await;
    read.get(MEMBERS).await.expect(200);
    let write = app.with_scopes(&[Scope::MemberWrite]).await;
    for answer in [
        invite(&read, &json!({})).await,
        read.json(Method::PUT, &path, &role).await,
        read.delete(&path).await,
        write.delete(&path).await,
        write.json(Method::POST, &format!("{path}set_owner/"), &json!({})).await,
        app.with_scopes(&[Scope::OrgAdmin, Scope::TeamRead]).await.get(MEMBERS).await,
    ] {
        assert_refused(&answer, 403, "Permission denied");
    }
    write.json(Method::PUT, &path, &role).await.expect(200);
}
