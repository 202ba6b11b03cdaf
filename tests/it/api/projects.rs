use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::{assert_members, take_time};

fn project(app: &TestApp) -> Value {
    json!({
        "name": "shop",
        "slug": "shop",
        "id": app.tenant.project.to_string(),
        "avatar": { "avatarType": "", "avatarUuid": null },
        "color": "",
        "features": [],
        "hasAccess": true,
        "isBookmarked": false,
        "isInternal": false,
        "isMember": false,
        "isPublic": false,
        "scrubIPAddresses": true,
        "dateCreated": null,
        "platform": "python",
        "firstEvent": null,
        "eventThrottleRate": 0,
    })
}

const MEMBERS: [&str; 16] = [
    "name",
    "slug",
    "id",
    "avatar",
    "color",
    "features",
    "hasAccess",
    "isBookmarked",
    "isInternal",
    "isMember",
    "isPublic",
    "scrubIPAddresses",
    "dateCreated",
    "platform",
    "firstEvent",
    "eventThrottleRate",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_an_organization_comes_with_its_teams() {
    let app = TestApp::start().await;
    let answer = app.owner().get("/api/0/organizations/shop-org/projects/").await.expect(200);
    assert_members(&answer, &[&MEMBERS[..], &["teams"]].concat());
    let mut listed = answer.json();
    take_time(&mut listed[0], "dateCreated");
    let mut expected = project(&app);
    expected["teams"] = json!([]);
    assert_eq!(listed, json!([expected]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_any_organization_comes_with_its_organization() {
    let app = TestApp::start().await;
    let listed = app.owner().get("/api/0/projects/").await.expect(200);
    let shown = app.owner().get("/api/0/projects/shop-org/shop/").await.expect(200);
    assert_members(&shown, &[&MEMBERS[..], &["organization", "name", "id"]].concat());
    let mut alone = shown.json();
    assert_eq!(listed.json(), json!([alone]));
    assert_eq!(alone["organization"]["slug"], "shop-org");
    take_time(&mut alone, "dateCreated");
    alone.as_object_mut().unwrap().remove("organization");
    assert_eq!(alone, project(&app));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_knows_when_its_first_event_came() {
    let app = TestApp::start().await;
    super::send(&app, &mishap_testkit::builders::message_event("first")).await;
    let mut shown = app.owner().get("/api/0/projects/shop-org/shop/").await.expect(200).json();
    take_time(&mut shown, "firstEvent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_is_not_found() {
    let app = TestApp::start().await;
    app.database.sql("UPDATE projects SET deleted_at = now()").await;
    app.owner().get("/api/0/projects/shop-org/shop/").await.expect(404);
    let listed = app.owner().get("/api/0/organizations/shop-org/projects/").await.expect(200);
    assert_eq!(listed.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_the_addresses_that_sdks_and_browsers_need() {
    let app = TestApp::start().await;
    let answer = app.owner().get("/api/0/projects/shop-org/shop/keys/").await.expect(200);
    let members =
        ["name", "rateLimit", "dateCreated", "id", "dsn", "public", "secret", "security", "label"];
    assert_members(&answer, &[&members[..], &["public", "projectID"]].concat());
    let mut keys = answer.json();
    take_time(&mut keys[0], "dateCreated");
    let (key, project) = (app.tenant.public_key, app.tenant.project.0);
    let dsn = format!("http://{key}@mishap.test/{project}");
    let expected = json!([{
        "name": "Default",
        "rateLimit": null,
        "dateCreated": null,
        "id": key.0,
        "dsn": {
            "public": dsn,
            "secret": dsn,
            "security": format!("http://mishap.test/api/{project}/security/?glitchtip_key={key}"),
        },
        "label": "Default",
        "public": key.0,
        "projectID": project,
    }]);
    assert_eq!(keys, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_s_limit_is_shown_if_it_limits_anything() {
    let app = TestApp::start().await;
    for (count, window, shown) in [
        ("10", "60", json!({ "window": 60, "count": 10 })),
        ("0", "60", json!(null)),
        ("NULL", "60", json!(null)),
    ] {
        let set = format!(
            "UPDATE project_keys SET rate_limit_count = {count}, rate_limit_window = {window}"
        );
        app.database.sql(&set).await;
        let keys = app.owner().get("/api/0/projects/shop-org/shop/keys/").await.expect(200).json();
        assert_eq!(keys[0]["rateLimit"], shown, "{count} in {window}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_project_has_no_keys_and_no_issues() {
    let app = TestApp::start().await;
    for list in ["keys", "issues"] {
        let path = format!("/api/0/projects/shop-org/nothing/{list}/");
        let answer = app.owner().get(&path).await.expect(200);
        assert_eq!((answer.json(), answer.header("x-hits")), (json!([]), "0"), "{list}");
    }
}
