//! Who may read what.

use mishap_core::access::Scope;
use mishap_testkit::builders::message_event;
use mishap_testkit::{Client, TestApp};
use serde_json::json;

use super::send;

/// Every route that reads, of an organization with an issue and an event, and a scope that will do.
async fn routes(app: &TestApp) -> Vec<(String, &'static [Scope])> {
    use Scope::{
        EventAdmin, EventRead, EventWrite, OrgAdmin, OrgRead, OrgWrite, ProjectAdmin, ProjectRead,
        ProjectWrite,
    };
    const ORGANIZATION: &[Scope] = &[OrgRead, OrgWrite, OrgAdmin];
    const PROJECT: &[Scope] = &[ProjectRead, ProjectWrite, ProjectAdmin];
    const EVENT: &[Scope] = &[EventRead, EventWrite, EventAdmin];
    let event = send(app, &message_event("hello")).await;
    let issues = app.owner().get("/api/0/organizations/shop-org/issues/").await.expect(200).json();
    let issue = issues[0]["id"].as_str().unwrap();
    [
        ("organizations/shop-org/".to_owned(), ORGANIZATION),
        ("organizations/shop-org/projects/".to_owned(), &[ProjectRead][..]),
        ("organizations/shop-org/issues/".to_owned(), EVENT),
        (format!("organizations/shop-org/issues/{issue}/"), EVENT),
        (format!("organizations/shop-org/issues/{issue}/events/{event}/json/"), EVENT),
        ("projects/shop-org/shop/".to_owned(), PROJECT),
        ("projects/shop-org/shop/keys/".to_owned(), PROJECT),
        ("projects/shop-org/shop/issues/".to_owned(), EVENT),
        (format!("projects/shop-org/shop/events/{event}/"), EVENT),
        (format!("issues/{issue}/"), EVENT),
        (format!("issues/{issue}/events/latest/"), EVENT),
        (format!("issues/{issue}/events/oldest/"), EVENT),
        (format!("issues/{issue}/events/{event}/"), EVENT),
    ]
    .map(|(path, scopes)| (format!("/api/0/{path}"), scopes))
    .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_s_token_reads_everything() {
    let app = TestApp::start().await;
    for (path, _) in routes(&app).await {
        app.owner().get(&path).await.expect(200);
        // A redirect to the other spelling would lose what some clients send.
        app.owner().get(path.trim_end_matches('/')).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_known_token_nothing_can_be_read() {
    let app = TestApp::start().await;
    let mut paths: Vec<String> = routes(&app).await.into_iter().map(|(path, _)| path).collect();
    paths.extend(["/api/0/organizations/", "/api/0/projects/"].map(str::to_owned));
    let wrong = Client::at(app.url.as_str(), Some("wrong"));
    for path in paths {
        for client in [&app.anonymous(), &wrong] {
            let answer = client.get(&path).await.expect(401);
            assert_eq!(answer.json(), json!({ "detail": "Unauthorized" }), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_organization_is_not_found() {
    let app = TestApp::start().await;
    let routes = routes(&app).await;
    let stranger = app.database.tenant("other").await;
    let stranger = Client::at(app.url.as_str(), Some(&stranger.token));
    for (path, _) in routes {
        // Some lists are empty instead: reconcilers rely on it.
        if path.ends_with("/projects/") || path.ends_with("/keys/") {
            assert_eq!(stranger.get(&path).await.expect(200).json(), json!([]), "{path}");
            continue;
        }
        let answer = stranger.get(&path).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }), "{path}");
    }
    for list in ["organizations", "projects"] {
        let listed = stranger.get(&format!("/api/0/{list}/")).await.expect(200).json();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{list}");
        assert!(listed[0]["slug"].as_str().unwrap().starts_with("other"), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_is_not_found_under_another_organization_of_the_same_member() {
    let app = TestApp::start().await;
    send(&app, &message_event("hello")).await;
    let issues = app.owner().get("/api/0/organizations/shop-org/issues/").await.expect(200).json();
    let issue = issues[0]["id"].as_str().unwrap();
    let other = app.database.tenant("other").await;
    let mut conn = app.database.conn().await;
    let (organization, role) = (other.organization, mishap_core::access::Role::Owner);
    mishap_storage::members::put(&mut conn, organization, app.tenant.user, role).await.unwrap();
    let path = format!("/api/0/organizations/other-org/issues/{issue}/");
    app.owner().get(&path).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_of_a_route_s_scopes_opens_it_and_all_others_do_not() {
    let app = TestApp::start().await;
    let mut routes = routes(&app).await;
    let organizations: &[Scope] = &[Scope::OrgRead, Scope::OrgWrite, Scope::OrgAdmin];
    routes.push(("/api/0/organizations/".to_owned(), organizations));
    routes.push(("/api/0/projects/".to_owned(), &[Scope::ProjectRead]));
    for scope in Scope::ALL {
        let client = app.with_scopes(&[*scope]).await;
        for (path, scopes) in &routes {
            let status = if scopes.contains(scope) { 200 } else { 403 };
            let answer = client.get(path).await;
            assert_eq!(answer.status.as_u16(), status, "{path} with {scope}");
            if status == 403 {
                assert_eq!(answer.json(), json!({ "detail": "Permission denied" }));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_read_however_its_scheme_is_written() {
    let app = TestApp::start().await;
    let token = &app.tenant.token;
    for (header, status) in [
        (format!("bearer {token}"), 200),
        (format!("BEARER {token}"), 200),
        (format!("Token {token}"), 401),
        (format!("Basic {token}"), 401),
        (token.clone(), 401),
        ("Bearer ".to_owned(), 401),
        (format!("Bearer {}", token.to_uppercase()), 401),
    ] {
        let request = app.anonymous().request(reqwest::Method::GET, "/api/0/organizations/");
        let answer = mishap_testkit::Answer::of(request.header("Authorization", &header)).await;
        assert_eq!(answer.status.as_u16(), status, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_an_account_that_is_off_opens_nothing() {
    let app = TestApp::start().await;
    app.database.sql("UPDATE users SET is_active = false").await;
    app.owner().get("/api/0/organizations/").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_of_the_api_is_not_found_in_json() {
    let app = TestApp::start().await;
    for path in
        ["/api/0/nothing/", "/api/0/organizations/shop-org/nothing/", "/api/0/issues/", "/api/1/"]
    {
        let answer = app.owner().get(path).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_can_be_called_is_not_found() {
    let app = TestApp::start().await;
    for name in ["a%00b", "%00", "%FF", "a%2500", "%F0%9F%92%A5"] {
        for path in [format!("organizations/{name}"), format!("projects/shop-org/{name}")] {
            let answer = app.owner().get(&format!("/api/0/{path}/")).await.expect(404);
            assert_eq!(answer.json(), json!({ "detail": "Not Found" }), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_route_does_not_know_is_refused() {
    let app = TestApp::start().await;
    let answer = app.owner().send("/api/0/projects/", &[], Vec::new()).await.expect(405);
    assert_eq!((answer.header("allow"), answer.body.as_str()), ("GET", "Method not allowed"));
}
