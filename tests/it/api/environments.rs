use mishap_core::access::{Role, Scope};
use mishap_core::id::{OrganizationId, ProjectId};
use mishap_storage::names::{SeenName, see_environments};
use mishap_testkit::builders::message_event;
use mishap_testkit::{Answer, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::doors::{Door, try_all};
use super::{assert_members, audit_lines};

const OF_ORGANIZATION: &str = "/api/0/organizations/shop-org/environments/";
const OF_PROJECT: &str = "/api/0/projects/shop-org/shop/environments/";

/// Lets a project have events of these environments, one after the other.
async fn see(app: &TestApp, organization: OrganizationId, project: ProjectId, names: &[&str]) {
    let mut conn = app.database.conn().await;
    for name in names {
        let seen = SeenName { organization, project, name: (*name).to_owned() };
        see_environments(&mut conn, &[seen]).await.unwrap();
    }
}

async fn hide(app: &TestApp, name: &str, is_hidden: bool) -> Answer {
    let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("{OF_PROJECT}{}/", name.replace('+', "%20"));
    app.owner().json(Method::PUT, &path, &json!({ "name": "x", "isHidden": is_hidden })).await
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_come_from_events() {
    let app = TestApp::start().await;
    let mut event = message_event("hello");
    event["environment"] = json!("prod");
    super::send(&app, &event).await;
    let answer = app.owner().get(OF_ORGANIZATION).await.expect(200);
    assert_members(&answer, &["id", "name"]);
    let id = answer.json()[0]["id"].as_i64().unwrap();
    assert_eq!(answer.json(), json!([{ "id": id, "name": "prod" }]));
    let answer = app.owner().get(OF_PROJECT).await.expect(200);
    assert_members(&answer, &["name", "id", "isHidden"]);
    assert_eq!(answer.json(), json!([{ "name": "prod", "id": id, "isHidden": false }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_of_several_projects_is_listed_once_as_long_as_one_shows_it() {
    let app = TestApp::start().await;
    let (organization, shop) = (app.tenant.organization, app.tenant.project);
    let till = app.database.project(organization, "till").await.id;
    see(&app, organization, shop, &["prod", "test"]).await;
    see(&app, organization, till, &["prod"]).await;
    let other = app.database.tenant("other").await;
    see(&app, other.organization, other.project, &["theirs"]).await;
    for name in ["prod", "test"] {
        hide(&app, name, true).await.expect(200);
    }
    for (query, of_organization, of_project) in [
        ("", &["prod"][..], &[][..]),
        ("?visibility=visible", &["prod"], &[]),
        ("?visibility=hidden", &["test", "prod"], &["test", "prod"]),
        ("?visibility=all", &["test", "prod"], &["test", "prod"]),
    ] {
        for (path, expected) in [(OF_ORGANIZATION, of_organization), (OF_PROJECT, of_project)] {
            let listed = app.owner().get(&format!("{path}{query}")).await.expect(200);
            assert_eq!(names(&listed.json()), expected, "{path}{query}");
        }
    }
    app.database.sql("UPDATE projects SET deleted_at = now() WHERE slug = 'till'").await;
    assert_eq!(app.owner().get(OF_ORGANIZATION).await.expect(200).json(), json!([]));
    let path = format!("{OF_ORGANIZATION}?visibility=some");
    let problem = app.owner().get(&path).await.expect(422).json()["detail"][0].clone();
    assert_eq!(
        (&problem["type"], &problem["loc"][1]),
        (&json!("literal_error"), &json!("visibility"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_of_any_name_is_hidden_and_shown_again() {
    let app = TestApp::start().await;
    for name in ["prod", "two words", "ünï", "a/b", "100%", "%41", "a+b", "..."] {
        see(&app, app.tenant.organization, app.tenant.project, &[name]).await;
        let before = app.owner().get(OF_PROJECT).await.json()[0].clone();
        let hidden = hide(&app, name, true).await.expect(200).json();
        assert_eq!(hidden, json!({ "name": name, "id": before["id"], "isHidden": true }));
        assert_eq!(hide(&app, name, true).await.expect(200).json(), hidden);
        let listed = app.owner().get(&format!("{OF_PROJECT}?visibility=hidden")).await.json();
        assert_eq!(listed, json!([hidden]));
        assert_eq!(hide(&app, name, false).await.expect(200).json(), before);
    }
    assert_eq!(audit_lines(&app).await.len(), 16);
    let details = r#"environment.update prod {"isHidden":[false,true],"project":"shop"}"#;
    assert_eq!(audit_lines(&app).await[0], details);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_environment_of_a_project_is_not_found() {
    let app = TestApp::start().await;
    let other = app.database.tenant("other").await;
    let till = app.database.project(app.tenant.organization, "till").await.id;
    see(&app, other.organization, other.project, &["theirs"]).await;
    see(&app, app.tenant.organization, till, &["till"]).await;
    for name in ["theirs", "till", "nothing"] {
        hide(&app, name, true).await.expect(404);
    }
    let nothing = "/api/0/projects/shop-org/nothing/environments/";
    assert_eq!(app.owner().get(nothing).await.expect(200).json(), json!([]));
    let body = json!({ "name": "x", "isHidden": true });
    app.owner().json(Method::PUT, &format!("{nothing}till/"), &body).await.expect(404);
    for (body, place) in
        [(json!({ "name": "x" }), "isHidden"), (json!({ "isHidden": true }), "name")]
    {
        let path = "/api/0/projects/shop-org/till/environments/till/";
        let problem = app.owner().json(Method::PUT, path, &body).await.expect(422).json();
        assert_eq!(problem["detail"][0]["loc"], json!(["body", "payload", place]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_of_environments_lets_through_whom_it_should() {
    use Scope::{OrgAdmin, OrgRead, OrgWrite, ProjectAdmin, ProjectRead, ProjectWrite};
    let app = TestApp::start().await;
    see(&app, app.tenant.organization, app.tenant.project, &["prod"]).await;
    let organization: &[Scope] = &[OrgRead, OrgWrite, OrgAdmin];
    let read: &[Scope] = &[ProjectRead, ProjectWrite, ProjectAdmin];
    let write: &[Scope] = &[ProjectWrite, ProjectAdmin];
    let doors = [
        Door::new(Method::GET, "organizations/shop-org/environments/", organization).lists(),
        Door::new(Method::GET, "projects/shop-org/shop/environments/", read).lists(),
        Door::new(Method::PUT, "projects/shop-org/shop/environments/prod/", write)
            .takes(Role::Member)
            .with(json!({ "name": "prod", "isHidden": true })),
    ];
    try_all(&app, &doors).await;
}
