use mishap_core::access::{Role, Scope};
use mishap_testkit::{Answer, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::doors::{Door, try_all};
use super::{assert_members, audit_lines, in_role, take_time};

/// Where the team `backend` makes projects.
const OF_TEAM: &str = "/api/0/teams/shop-org/backend/projects/";

const SHOP: &str = "/api/0/projects/shop-org/shop/";

/// Makes teams with the owner in them.
async fn make_teams(app: &TestApp, slugs: &[&str]) {
    for slug in slugs {
        let path = "/api/0/organizations/shop-org/teams/";
        app.owner().json(Method::POST, path, &json!({ "slug": slug })).await.expect(201);
    }
}

async fn make(app: &TestApp, body: &Value) -> Answer {
    app.owner().json(Method::POST, OF_TEAM, body).await
}

fn slugs(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap()).collect()
}

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
async fn an_unknown_project_has_no_keys_and_no_issues() {
    let app = TestApp::start().await;
    for list in ["keys", "issues"] {
        let path = format!("/api/0/projects/shop-org/nothing/{list}/");
        let answer = app.owner().get(&path).await.expect(200);
        assert_eq!((answer.json(), answer.header("x-hits")), (json!([]), "0"), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_made_under_a_team_with_a_key() {
    let app = TestApp::start().await;
    make_teams(&app, &["backend"]).await;
    let body = json!({ "name": "My Café", "platform": "node", "eventThrottleRate": 5 });
    let answer = make(&app, &body).await.expect(201);
    assert_members(&answer, &MEMBERS);
    let mut made = answer.json();
    assert_eq!(app.owner().get(OF_TEAM).await.expect(200).json(), json!([made]));
    let mut expected = project(&app);
    for (member, value) in [
        ("name", json!("My Café")),
        ("slug", json!("my-cafe")),
        ("id", made["id"].clone()),
        ("platform", json!("node")),
        ("isMember", json!(true)),
        ("eventThrottleRate", json!(5)),
    ] {
        expected[member] = value;
    }
    take_time(&mut made, "dateCreated");
    assert_eq!(made, expected);
    let keys = app.owner().get("/api/0/projects/shop-org/my-cafe/keys/").await.json();
    assert_eq!((keys.as_array().unwrap().len(), &keys[0]["name"]), (1, &json!("")));
    let listed = app.owner().get("/api/0/organizations/shop-org/projects/").await.json();
    assert_eq!(slugs(&listed[0]["teams"]), ["backend"]);
    assert_eq!(audit_lines(&app).await[1..], [r#"project.create my-cafe {"team":"backend"}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_s_slug_comes_from_its_name_and_is_nobody_else_s() {
    let app = TestApp::start().await;
    make_teams(&app, &["backend"]).await;
    for (body, slug) in [
        (json!({ "name": "Shop", "slug": "wanted", "platform": null }), "shop-2"),
        (json!({ "name": "shop!", "eventThrottleRate": null }), "shop-3"),
        (json!({ "name": "New" }), "new-1"),
        (json!({ "name": "日本" }), "project"),
        (json!({ "name": "a".repeat(64) }), &"a".repeat(50)),
    ] {
        let made = make(&app, &body).await.expect(201).json();
        assert_eq!((&made["slug"], &made["eventThrottleRate"]), (&json!(slug), &json!(0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_project_is_refused() {
    let app = TestApp::start().await;
    make_teams(&app, &["backend"]).await;
    for (body, place, kind) in [
        (json!({}), "name", "missing"),
        (json!({ "name": "" }), "name", "string_too_short"),
        (json!({ "name": "a".repeat(65) }), "name", "string_too_long"),
        (json!({ "name": "a", "platform": "a".repeat(65) }), "platform", "string_too_long"),
        (json!({ "name": "a", "eventThrottleRate": 101 }), "eventThrottleRate", "less_than_equal"),
        (
            json!({ "name": "a", "eventThrottleRate": -1 }),
            "eventThrottleRate",
            "greater_than_equal",
        ),
    ] {
        for (method, path) in [(Method::POST, OF_TEAM), (Method::PUT, SHOP)] {
            let answer = app.owner().json(method, path, &body).await.expect(422).json();
            assert_eq!(answer["detail"][0]["type"], kind, "{body}");
            assert_eq!(answer["detail"][0]["loc"], json!(["body", "payload", place]));
        }
    }
    let wrong = json!({ "name": "a", "slug": "two words" });
    let answer = app.owner().json(Method::PUT, SHOP, &wrong).await.expect(422).json();
    assert_eq!(answer["detail"][0]["type"], "string_pattern_mismatch");
    let nothing = "/api/0/teams/shop-org/nothing/projects/";
    let body = json!({ "name": "a" });
    app.owner().json(Method::POST, nothing, &body).await.expect(404);
    assert_eq!(app.owner().get(nothing).await.expect(200).json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_sent_of_a_project_changes() {
    let app = TestApp::start().await;
    let before = app.owner().get(SHOP).await.expect(200).json();
    let mut expected = before.clone();
    let mut path = SHOP.to_owned();
    for (body, changes) in [
        (json!({ "name": "Shop" }), json!({ "name": ["shop", "Shop"] })),
        (json!({ "name": "Shop", "slug": null, "eventThrottleRate": null }), json!({})),
        (json!({ "name": "Shop", "platform": null }), json!({ "platform": ["python", null] })),
        (json!({ "name": "Shop", "platform": "go" }), json!({ "platform": [null, "go"] })),
        (
            json!({ "name": "Shop", "event_throttle_rate": "7" }),
            json!({ "eventThrottleRate": [0, 7] }),
        ),
        (json!({ "name": "Shop", "slug": "Till_1" }), json!({ "slug": ["shop", "Till_1"] })),
    ] {
        let changed = app.owner().json(Method::PUT, &path, &body).await.expect(200).json();
        for (member, change) in changes.as_object().unwrap() {
            expected[member] = change[1].clone();
        }
        assert_eq!(changed, expected, "{body}");
        let slug = changed["slug"].as_str().unwrap();
        path = format!("/api/0/projects/shop-org/{slug}/");
        assert_eq!(app.owner().get(&path).await.expect(200).json(), expected);
        let entry = format!("project.update {slug} {changes}");
        assert_eq!(audit_lines(&app).await.last(), Some(&entry));
    }
    app.owner().get(SHOP).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_that_another_project_has_is_not_given() {
    let app = TestApp::start().await;
    app.database.project(app.tenant.organization, "till").await;
    let other = app.database.tenant("other").await;
    let rename = async |slug: &str| {
        let body = json!({ "name": "changed", "slug": slug });
        app.owner().json(Method::PUT, SHOP, &body).await
    };
    let taken = rename("till").await.expect(409);
    assert_eq!(taken.json(), json!({ "detail": "There is a project till already" }));
    assert_eq!(app.owner().get(SHOP).await.json()["name"], "shop");
    assert!(audit_lines(&app).await.is_empty());
    rename("shop").await.expect(200);
    rename(&other.project_slug).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_frees_its_slug_at_once() {
    let app = TestApp::start().await;
    make_teams(&app, &["backend"]).await;
    assert_eq!(app.owner().delete(SHOP).await.expect(204).body, "");
    for path in [SHOP, "/api/0/projects/shop-org/deleted.1/"] {
        app.owner().get(path).await.expect(404);
        app.owner().delete(path).await.expect(404);
    }
    assert_eq!(app.owner().get("/api/0/projects/").await.json(), json!([]));
    let organization = app.owner().get("/api/0/organizations/shop-org/").await.json();
    assert_eq!(organization["projects"], json!([]));
    let again = make(&app, &json!({ "name": "shop" })).await.expect(201).json();
    assert_eq!(again["slug"], "shop");
    assert_ne!(again["id"], app.tenant.project.to_string());
    assert_eq!(audit_lines(&app).await[1], "project.delete shop {}");
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_found_by_the_teams_that_they_belong_to_or_not() {
    let app = TestApp::start().await;
    make_teams(&app, &["backend", "frontend"]).await;
    for name in ["api", "web"] {
        make(&app, &json!({ "name": name })).await.expect(201);
    }
    let path = "/api/0/projects/shop-org/web/teams/frontend/";
    Answer::of(app.owner().post(path)).await.expect(201);
    for (query, found) in [
        ("", &["api", "shop", "web"][..]),
        ("team:backend", &["api", "web"]),
        ("!team:backend", &["shop"]),
        ("team:backend team:frontend", &["web"]),
        ("team:backend !team:frontend", &["api"]),
        ("!team:backend !team:frontend", &["shop"]),
        ("team:\"backend\"", &["api", "web"]),
        ("team:nothing", &[]),
        ("!team:nothing", &["api", "shop", "web"]),
        ("something else:entirely", &["api", "shop", "web"]),
        ("!team:frontend", &["api", "shop"]),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let path = format!("/api/0/organizations/shop-org/projects/?query={query}");
        let listed = app.owner().get(&path).await.expect(200);
        assert_eq!(slugs(&listed.json()), found, "{query}");
        let page = app.owner().get(&format!("{path}&limit=1")).await.expect(200);
        assert_eq!(page.header("x-hits"), found.len().to_string(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_of_projects_lets_through_whom_it_should() {
    use Scope::{ProjectAdmin, ProjectRead, ProjectWrite};
    let app = TestApp::start().await;
    make_teams(&app, &["backend"]).await;
    let list: &[Scope] = &[ProjectRead];
    let read: &[Scope] = &[ProjectRead, ProjectWrite, ProjectAdmin];
    let write: &[Scope] = &[ProjectWrite, ProjectAdmin];
    let of_team = "teams/shop-org/backend/projects/";
    let shop = "projects/shop-org/shop/";
    let named = json!({ "name": "api" });
    let doors = [
        Door::new(Method::GET, "organizations/shop-org/projects/", list).lists(),
        Door::new(Method::GET, of_team, list).lists(),
        Door::new(Method::POST, of_team, write)
            .hides_below(Role::Admin)
            .with(named.clone())
            .answers(201),
        Door::new(Method::GET, shop, read),
        Door::new(Method::PUT, shop, write).takes(Role::Member).with(named),
    ];
    try_all(&app, &doors).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_deleted_by_an_admin_at_least() {
    let app = TestApp::start().await;
    let refused = in_role(&app, Role::Member).await.delete(SHOP).await.expect(404);
    assert_eq!(refused.json(), json!({ "detail": "Not Found" }));
    in_role(&app, Role::Admin).await.delete(SHOP).await.expect(204);
}
