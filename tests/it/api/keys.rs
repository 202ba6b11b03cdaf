use chrono::{DateTime, TimeDelta, Utc};
use mishap_core::access::{Role, Scope};
use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope};
use mishap_core::random::{Random as _, SystemRandom};
use mishap_storage::quotas;
use mishap_testkit::{Answer, Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::doors::{Door, try_all};
use super::{assert_members, audit_lines, in_role, take_time};

const KEYS: &str = "/api/0/projects/shop-org/shop/keys/";

async fn make(app: &TestApp, body: &Value) -> Answer {
    app.owner().json(Method::POST, KEYS, body).await
}

/// The path of a key.
fn path(key: &Value) -> String {
    format!("{KEYS}{}/", key["id"].as_str().unwrap())
}

async fn first(client: &Client) -> Value {
    client.get(KEYS).await.expect(200).json()[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_the_addresses_that_sdks_and_browsers_need() {
    let app = TestApp::start().await;
    let answer = app.owner().get(KEYS).await.expect(200);
    let members =
        ["name", "rateLimit", "dateCreated", "id", "dsn", "public", "secret", "security", "label"];
    let ours = ["public", "projectID", "isActive", "expiresAt", "lastUsed"];
    assert_members(&answer, &[&members[..], &ours].concat());
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
        "isActive": true,
        "expiresAt": null,
        "lastUsed": null,
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
        assert_eq!(first(&app.owner()).await["rateLimit"], shown, "{count} in {window}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_as_it_is_wanted() {
    let app = TestApp::start().await;
    for (body, name, limit, is_active, end) in [
        (json!({}), "", json!(null), true, json!(null)),
        (json!({ "name": null, "rateLimit": null }), "", json!(null), true, json!(null)),
        (
            json!({ "name": "CI", "rateLimit": { "window": 60, "count": 10 } }),
            "CI",
            json!({ "window": 60, "count": 10 }),
            true,
            json!(null),
        ),
        (
            json!({ "rate_limit": { "window": 60, "count": 0 }, "isActive": false }),
            "",
            json!(null),
            false,
            json!(null),
        ),
        (
            json!({ "expiresAt": "2030-01-02T03:04:05+01:00" }),
            "",
            json!(null),
            true,
            json!("2030-01-02T02:04:05Z"),
        ),
    ] {
        let made = make(&app, &body).await.expect(201).json();
        assert_eq!(first(&app.owner()).await, made);
        assert_eq!(app.owner().get(&path(&made)).await.expect(200).json(), made);
        for (member, value) in [
            ("name", json!(name)),
            ("label", json!(name)),
            ("rateLimit", limit),
            ("isActive", json!(is_active)),
            ("expiresAt", end),
            ("lastUsed", json!(null)),
            ("public", made["id"].clone()),
        ] {
            assert_eq!(made[member], value, "{member} of {body}");
        }
    }
    let entries = ["key.create shop/ {}", "key.create shop/ {}", "key.create shop/CI {}"];
    assert_eq!(audit_lines(&app).await[..3], entries);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_cannot_be_is_refused() {
    let app = TestApp::start().await;
    let key = path(&first(&app.owner()).await);
    for (body, place, kind) in [
        (json!({ "name": "a".repeat(65) }), json!(["name"]), "string_too_long"),
        (json!({ "name": 7 }), json!(["name"]), "string_type"),
        (json!({ "rateLimit": 7 }), json!(["rateLimit"]), "model_type"),
        (json!({ "rateLimit": {} }), json!(["rateLimit", "window"]), "missing"),
        (
            json!({ "rateLimit": { "window": 1, "count": 40000 } }),
            json!(["rateLimit", "count"]),
            "less_than_equal",
        ),
        (json!({ "isActive": "maybe" }), json!(["isActive"]), "bool_parsing"),
        (json!({ "expiresAt": "soon" }), json!(["expiresAt"]), "datetime_from_date_parsing"),
    ] {
        for (method, path) in [(Method::POST, KEYS), (Method::PUT, key.as_str())] {
            let problem = app.owner().json(method, path, &body).await.expect(422).json();
            let problem = &problem["detail"][0];
            let at = [&[json!("body"), json!("payload")], place.as_array().unwrap().as_slice()];
            assert_eq!((&problem["type"], &problem["loc"]), (&json!(kind), &json!(at.concat())));
        }
    }
    for seconds in [json!(-1), json!(90 * 24 * 3600 + 1), json!("soon"), json!(null)] {
        let body = json!({ "overlapSeconds": seconds });
        app.owner().json(Method::POST, &format!("{key}rotate/"), &body).await.expect(422);
    }
    assert!(audit_lines(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_sent_of_a_key_changes() {
    let app = TestApp::start().await;
    let mut expected = first(&app.owner()).await;
    let path = path(&expected);
    for (body, changed, entry) in [
        (json!({}), json!({}), json!({})),
        (
            json!({ "name": "CI" }),
            json!({ "name": "CI", "label": "CI" }),
            json!({ "name": ["Default", "CI"] }),
        ),
        (
            json!({ "rateLimit": { "window": 60, "count": 5 }, "name": null, "isActive": null }),
            json!({ "rateLimit": { "window": 60, "count": 5 } }),
            json!({ "rateLimitCount": [null, 5], "rateLimitWindow": [null, 60] }),
        ),
        (
            json!({ "isActive": false }),
            json!({ "isActive": false }),
            json!({ "isActive": [true, false] }),
        ),
        (
            json!({ "expiresAt": "2030-01-02T03:04:05Z" }),
            json!({ "expiresAt": "2030-01-02T03:04:05Z" }),
            json!({ "expiresAt": [null, "2030-01-02T03:04:05Z"] }),
        ),
        (
            json!({ "rateLimit": null, "expiresAt": null }),
            json!({ "rateLimit": null, "expiresAt": null }),
            json!({
                "rateLimitCount": [5, null],
                "rateLimitWindow": [60, null],
                "expiresAt": ["2030-01-02T03:04:05Z", null],
            }),
        ),
    ] {
        for (member, value) in changed.as_object().unwrap() {
            expected[member] = value.clone();
        }
        let shown = app.owner().json(Method::PUT, &path, &body).await.expect(200).json();
        assert_eq!(shown, expected, "{body}");
        assert_eq!(first(&app.owner()).await, expected, "{body}");
        let audit_lines = audit_lines(&app).await;
        let (_, details) = audit_lines.last().unwrap().split_once('{').unwrap();
        let details: Value = serde_json::from_str(&format!("{{{details}")).unwrap();
        assert_eq!(details, entry, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_lose_its_last_key() {
    let app = TestApp::start().await;
    let key = path(&first(&app.owner()).await);
    assert_eq!(app.owner().delete(&key).await.expect(204).body, "");
    app.owner().delete(&key).await.expect(404);
    assert_eq!(app.owner().get(KEYS).await.expect(200).json(), json!([]));
    assert_eq!(audit_lines(&app).await, ["key.delete shop/Default {}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_in_its_project_by_its_one_spelling() {
    let app = TestApp::start().await;
    app.database.project(app.tenant.organization, "till").await;
    let key = app.tenant.public_key.0;
    let unknown = SystemRandom.uuid();
    for path in [
        format!("shop/keys/{unknown}/"),
        format!("shop/keys/{}/", key.simple()),
        format!("shop/keys/{}/", key.to_string().to_uppercase()),
        format!("shop/keys/{}/", "-".repeat(36)),
        "shop/keys/7/".to_owned(),
        format!("till/keys/{key}/"),
        format!("nothing/keys/{key}/"),
    ] {
        let path = format!("/api/0/projects/shop-org/{path}");
        let answer = app.owner().get(&path).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }), "{path}");
        app.owner().json(Method::PUT, &path, &json!({})).await.expect(404);
        app.owner().delete(&path).await.expect(404);
    }
    let nothing = "/api/0/projects/shop-org/nothing/keys/";
    app.owner().json(Method::POST, nothing, &json!({})).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_by_one_like_it_and_counts_for_a_while() {
    let app = TestApp::start().await;
    let settings = json!({ "rateLimit": { "window": 60, "count": 5 } });
    let old = first(&app.owner()).await;
    app.owner().json(Method::PUT, &path(&old), &settings).await.expect(200);
    let mut conn = app.database.conn().await;
    let number = app.database.number("SELECT id FROM project_keys").await;
    let quota = |scope_id| {
        let (scope, categories) = (QuotaScope::Key, Categories::ALL);
        let key = QuotaKey { scope, scope_id, categories, window_seconds: 3600 };
        Quota { key, limit: 100 }
    };
    quotas::put(&mut conn, &quota(number)).await.unwrap();

    let rotate = format!("{}rotate/", path(&old));
    let body = json!({ "overlapSeconds": 3600 });
    let made = app.owner().json(Method::POST, &rotate, &body).await.expect(201).json();
    assert_ne!(made["id"], old["id"]);
    assert_eq!((&made["name"], &made["rateLimit"]), (&json!("Default"), &settings["rateLimit"]));
    assert_eq!((&made["isActive"], &made["expiresAt"]), (&json!(true), &json!(null)));
    let listed = app.owner().get(KEYS).await.json();
    assert_eq!((&listed[0], &listed[1]["id"]), (&made, &old["id"]));
    let end = app.now() + TimeDelta::hours(1);
    let until = listed[1]["expiresAt"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!((end - until).abs() <= TimeDelta::milliseconds(1), "{until} is not {end}");
    let newest = app.database.number("SELECT max(id) FROM project_keys").await;
    assert_eq!(quotas::list(&mut conn).await.unwrap(), [quota(number), quota(newest)]);
    let details = format!(r#"{{"replaces":{number},"overlapSeconds":3600}}"#);
    let details: Value = serde_json::from_str(&details).unwrap();
    let entry = audit_lines(&app).await.pop().unwrap();
    let (told, told_details) = entry.split_once(" {").unwrap();
    assert_eq!(told, "key.rotate shop/Default");
    assert_eq!(serde_json::from_str::<Value>(&format!("{{{told_details}")).unwrap(), details);

    // Whoever replaces it again does not let it live longer.
    let body = json!({ "overlapSeconds": 7200 });
    app.owner().json(Method::POST, &rotate, &body).await.expect(201);
    let again = app.owner().get(&path(&old)).await.json();
    assert_eq!(again["expiresAt"], listed[1]["expiresAt"]);
    // With a key its quotas go.
    app.owner().delete(&path(&old)).await.expect(204);
    assert!(!quotas::list(&mut conn).await.unwrap().contains(&quota(number)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_of_keys_lets_through_whom_it_should() {
    use Scope::{ProjectAdmin, ProjectRead, ProjectWrite};
    let app = TestApp::start().await;
    let read: &[Scope] = &[ProjectRead, ProjectWrite, ProjectAdmin];
    let write: &[Scope] = &[ProjectWrite, ProjectAdmin];
    let keys = "projects/shop-org/shop/keys/";
    let key = format!("{keys}{}/", app.tenant.public_key.0);
    let doors = [
        Door::new(Method::GET, keys, read).lists(),
        Door::new(Method::POST, keys, write).takes(Role::Member).answers(201),
        Door::new(Method::GET, &key, read),
        Door::new(Method::PUT, &key, write).takes(Role::Member),
        Door::new(Method::POST, &format!("{key}rotate/"), write)
            .takes(Role::Member)
            .with(json!({ "overlapSeconds": 60 }))
            .answers(201),
    ];
    try_all(&app, &doors).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_deleted_by_an_admin_at_least() {
    let app = TestApp::start().await;
    let key = path(&first(&app.owner()).await);
    let refused = in_role(&app, Role::Member).await.delete(&key).await.expect(404);
    assert_eq!(refused.json(), json!({ "detail": "Not Found" }));
    in_role(&app, Role::Admin).await.delete(&key).await.expect(204);
}
