use mishap_core::access::Role;
use mishap_storage::members;
use mishap_testkit::TestApp;
use serde_json::json;

use super::{assert_members, take_time};

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
