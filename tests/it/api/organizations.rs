use mishap_core::access::{Role, Scope};
use mishap_storage::members;
use mishap_testkit::builders::message_event;
use mishap_testkit::{Answer, Client, Options, TestApp};
use mishap_web::config::AccountRules;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_members, assert_problems, assert_refused, audited, send, take_time};

const LIST: &str = "/api/0/organizations/";

const SHOP: &str = "/api/0/organizations/shop-org/";

async fn create(client: &Client, name: &str) -> Answer {
    client.json(Method::POST, LIST, &json!({ "name": name })).await
}

/// An installation where everybody may make organizations.
async fn open() -> TestApp {
    let accounts = AccountRules { makes_organizations: true, ..AccountRules::default() };
    TestApp::start_with(Options { accounts, ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_has_glitchtip_s_shape() {
    let app = TestApp::start().await;
    let answer = app.owner().get("/api/0/organizations/").await.expect(200);
    let members = [
        "name",
        "id",
        "dateCreated",
        "status",
        "avatar",
        "isEarlyAdopter",
        "require2fa",
        "slug",
        "isAcceptingEvents",
        "eventThrottleRate",
    ];
    assert_members(&answer, &members);
    let mut listed = answer.json();
    take_time(&mut listed[0], "dateCreated");
    let expected = json!([{
        "name": "shop org",
        "id": app.tenant.organization.to_string(),
        "dateCreated": null,
        "status": { "id": "active", "name": "active" },
        "avatar": { "avatarType": "", "avatarUuid": null },
        "isEarlyAdopter": false,
        "require2fa": false,
        "require2FA": false,
        "requireEmailVerification": false,
        "features": [],
        "slug": "shop-org",
        "isAcceptingEvents": true,
        "eventThrottleRate": 0,
    }]);
    assert_eq!(listed, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_by_itself_shows_its_projects_and_what_the_caller_may_do() {
    let app = TestApp::start().await;
    let answer = app.owner().get("/api/0/organizations/shop-org/").await.expect(200);
    assert_members(&answer, &["slug", "projects", "teams", "access", "openMembership"]);
    let shown = answer.json();
    assert_eq!(shown["projects"][0]["slug"], "shop");
    assert_eq!(shown["projects"][0]["teams"], json!([]));
    assert_eq!((&shown["teams"], &shown["openMembership"]), (&json!([]), &json!(true)));
    let access = shown["access"].as_array().unwrap();
    for scope in ["org:admin", "project:read", "event:write"] {
        assert!(access.contains(&json!(scope)), "{scope}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_may_do_is_what_the_role_in_this_organization_says() {
    let app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    let (organization, user) = (app.tenant.organization, app.tenant.user);
    members::put(&mut conn, organization, user, Role::Member).await.unwrap();
    let shown = app.owner().get("/api/0/organizations/shop-org/").await.expect(200).json();
    let access = shown["access"].as_array().unwrap();
    assert!(access.contains(&json!("event:read")) && !access.contains(&json!("org:admin")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_says_that_this_is_a_server() {
    let app = TestApp::start().await;
    let root = app.anonymous().get("/api/0/").await.expect(200).json();
    assert!(root["version"].is_string());
    assert_eq!((&root["user"], &root["auth"]), (&json!(null), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_and_owned_by_who_made_it() {
    let app = open().await;
    let person = app.database.account("founder@example.com").await;
    let client = app.client(&person.token);
    let body = json!({
        "name": " Crème & Brûlée ",
        // What nobody may choose is not looked at.
        "slug": "mine", "id": 1, "isAcceptingEvents": false, "eventThrottleRate": 100,
        "openMembership": false, "projects": [1],
    });
    let answer = client.json(Method::POST, LIST, &body).await.expect(201);
    assert_members(&answer, &["name", "eventThrottleRate", "projects", "teams", "openMembership"]);
    let mut made = answer.json();
    let shown = client.get("/api/0/organizations/creme-brulee/").await.expect(200).json();
    assert_eq!(made, shown);
    assert_eq!(made["access"].as_array().unwrap().len(), 17);
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["name"], " Crème & Brûlée ");
    let sound = [("isAcceptingEvents", json!(true)), ("eventThrottleRate", json!(0))];
    assert!(sound.iter().all(|(member, value)| made[*member] == *value));
    take_time(&mut made, "dateCreated");
    let members = client.get("/api/0/organizations/creme-brulee/members/").await.json();
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!((&members[0]["role"], &members[0]["isOwner"]), (&json!("owner"), &json!(true)));
    let entry = &audited(&app).await[0];
    assert_eq!(
        (&entry["action"], &entry["actor"]),
        (&json!("organization.create"), &json!(person.email))
    );
    assert_eq!((&entry["target"], &entry["target_id"]), (&json!("creme-brulee"), &json!(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_is_like_the_name_unless_it_is_taken_or_ours() {
    let app = open().await;
    let slug = async |name: &str| {
        let made = create(&app.owner(), name).await.expect(201).json();
        made["slug"].as_str().unwrap().to_owned()
    };
    assert_eq!(slug("Acme").await, "acme");
    let second = slug("ACME").await;
    assert!(second.starts_with("acme-") && second.len() == "acme-xx".len(), "{second}");
    assert_eq!(slug("Settings").await, "settings-1");
    assert_eq!(slug("日本").await, "organization");
    assert_eq!(slug(&"a".repeat(200)).await, "a".repeat(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_organization_s_name_is_told() {
    let app = open().await;
    for method in [Method::POST, Method::PUT] {
        let path = if method == Method::POST { LIST } else { SHOP };
        for (body, kind) in [
            (json!({}), "missing"),
            (json!({ "name": null }), "string_type"),
            (json!({ "name": 7 }), "string_type"),
            (json!({ "name": "" }), "string_too_short"),
            (json!({ "name": "x".repeat(201) }), "string_too_long"),
            (json!({ "name": "a\u{0}b" }), "value_error"),
        ] {
            let answer = app.owner().json(method.clone(), path, &body).await;
            assert_problems(&answer, &[(kind, "name")]);
        }
    }
    assert!(audited(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_first_organization_is_free_to_make_where_that_is_not_open() {
    let app = TestApp::start().await;
    let refused = "Organization creation is not open";
    assert_refused(&create(&app.owner(), "Second").await, 403, refused);
    app.database.sql("UPDATE users SET is_superuser = true").await;
    create(&app.owner(), "Second").await.expect(201);
    app.database.sql("UPDATE users SET is_superuser = false; TRUNCATE organizations CASCADE").await;
    create(&app.owner(), "First").await.expect(201);
    assert_refused(&create(&app.owner(), "Second").await, 403, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_renamed_by_managers_and_keeps_its_slug() {
    let app = TestApp::start().await;
    let body = json!({ "name": "New name", "slug": "new-slug", "isAcceptingEvents": false });
    let put = async |client: &Client| client.json(Method::PUT, SHOP, &body).await;
    for role in [Role::Viewer, Role::Member, Role::Admin] {
        let email = format!("{role}@example.com");
        let member = app.database.member(app.tenant.organization, &email, role).await;
        assert_refused(&put(&app.client(&member.token)).await, 403, "forbidden");
    }
    let stranger = app.database.tenant("other").await;
    assert_refused(&put(&app.client(&stranger.token)).await, 404, "Not Found");
    assert!(audited(&app).await.is_empty());
    let manager = "manager@example.com";
    let manager = app.database.member(app.tenant.organization, manager, Role::Manager).await;
    let client = app.client(&manager.token);
    let renamed = put(&client).await.expect(200).json();
    assert_eq!(renamed, client.get(SHOP).await.expect(200).json());
    assert_eq!((&renamed["name"], &renamed["slug"]), (&json!("New name"), &json!("shop-org")));
    assert_eq!(renamed["isAcceptingEvents"], true);
    let entry = &audited(&app).await[0];
    assert_eq!(entry["action"], "organization.update");
    assert_eq!(entry["details"], json!({ "name": ["shop org", "New name"] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_deleted_with_all_that_it_has() {
    let app = open().await;
    send(&app, &message_event("hello")).await;
    let admin = "admin@example.com";
    let admin = app.database.member(app.tenant.organization, admin, Role::Admin).await;
    assert_refused(&app.client(&admin.token).delete(SHOP).await, 403, "forbidden");
    let stranger = app.database.tenant("other").await;
    assert_refused(&app.client(&stranger.token).delete(SHOP).await, 404, "Not Found");

    let answer = app.owner().delete(SHOP).await.expect(204);
    assert_eq!(answer.body, "");
    assert_refused(&app.owner().delete(SHOP).await, 404, "Not Found");
    assert_refused(&app.owner().get(SHOP).await, 404, "Not Found");
    for path in [LIST, "/api/0/projects/"] {
        assert_eq!(app.owner().get(path).await.expect(200).json(), json!([]), "{path}");
    }
    let entry = &audited(&app).await[0];
    assert_eq!(
        (&entry["action"], &entry["target"]),
        (&json!("organization.delete"), &json!("shop-org"))
    );
    assert_eq!(entry["organization_id"], json!(app.tenant.organization));
    // The name can be taken again, and shows nothing of before.
    let again = create(&app.owner(), "shop org").await.expect(201).json();
    assert_eq!((&again["slug"], &again["projects"]), (&json!("shop-org"), &json!([])));
    assert_eq!(app.client(&stranger.token).get(LIST).await.json()[0]["slug"], "other-org");
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_organizations_takes_scopes_of_their_own() {
    let app = open().await;
    let body = json!({ "name": "x" });
    let read = app.with_scopes(&[Scope::OrgRead, Scope::ProjectAdmin]).await;
    let write = app.with_scopes(&[Scope::OrgWrite]).await;
    for answer in [
        read.json(Method::POST, LIST, &body).await,
        read.json(Method::PUT, SHOP, &body).await,
        read.json(Method::PUT, SHOP, &Value::Null).await,
        read.delete(SHOP).await,
        write.delete(SHOP).await,
    ] {
        assert_refused(&answer, 403, "Permission denied");
    }
    write.json(Method::PUT, SHOP, &body).await.expect(200);
    write.json(Method::POST, LIST, &body).await.expect(201);
}
