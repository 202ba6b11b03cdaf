use mishap_testkit::TestApp;
use mishap_testkit::builders::{event_id, message_event};
use serde_json::{Value, json};

use super::{assert_members, send, take_time};

fn event(attempt: i64) -> Value {
    json!({
        "platform": "python",
        "timestamp": "2026-11-20T03:04:05.678901Z",
        "release": "shop@1",
        "environment": "prod",
        "transaction": "/x",
        "exception": { "values": [{
            "type": "CartError",
            "value": "empty",
            "stacktrace": { "frames": [{
                "filename": "shop/cart.py", "abs_path": "/srv/shop/cart.py", "function": "pay",
                "lineno": 3, "pre_context": ["a"], "context_line": "x=1", "post_context": ["b"],
                "vars": { "x": "1" }, "in_app": true,
            }]},
        }]},
        "breadcrumbs": { "values": [{ "message": "hi" }] },
        "request": {
            "url": "http://x", "method": "GET", "headers": [["Content-Type", "a/b"]],
            "query_string": [["a", "b"]],
        },
        "contexts": { "browser": { "type": "browser", "name": "FF" } },
        "extra": { "attempt": attempt },
        "modules": { "a": "1" },
        "sdk": { "name": "py", "version": "1" },
        "tags": { "plan": "free" },
    })
}

/// Sends three events of one issue; returns the issue and the events.
async fn three_events(app: &TestApp) -> (String, Vec<String>) {
    let mut events = Vec::new();
    for attempt in 0..3 {
        events.push(send(app, &event(attempt)).await);
    }
    let issues = app.owner().get("/api/0/organizations/shop-org/issues/").await.expect(200).json();
    assert_eq!(issues[0]["count"], "3");
    (issues[0]["id"].as_str().unwrap().to_owned(), events)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_glitchtip_s_shape() {
    let app = TestApp::start().await;
    let id = send(&app, &event(7)).await;
    let answer =
        app.owner().get(&format!("/api/0/projects/shop-org/shop/events/{id}/")).await.expect(200);
    let members = [
        "platform",
        "errors",
        "id",
        "eventID",
        "projectID",
        "groupID",
        "dateCreated",
        "dateReceived",
        "dist",
        "culprit",
        "packages",
        "type",
        "message",
        "metadata",
        "tags",
        "entries",
        "contexts",
        "context",
        "user",
        "sdk",
        "title",
        "userReport",
        "nextEventID",
        "previousEventID",
    ];
    assert_members(&answer, &members);
    let mut shown = answer.json();
    take_time(&mut shown, "dateReceived");
    assert_eq!(shown["dateCreated"], "2026-11-20T03:04:05.678Z");
    assert_eq!((&shown["id"], &shown["eventID"]), (&json!(id), &json!(id)));
    assert_eq!(shown["projectID"], app.tenant.project.0);
    assert!(shown["groupID"].is_string());
    assert_eq!((&shown["type"], &shown["culprit"]), (&json!("error"), &json!("/x")));
    assert_eq!(shown["title"], "CartError: empty");
    assert_eq!(shown["message"], "CartError: empty");
    assert_eq!(shown["metadata"]["type"], "CartError");
    assert_eq!(shown["packages"], json!({ "a": "1" }));
    assert_eq!(shown["context"], json!({ "attempt": 7 }));
    assert_eq!(shown["sdk"]["name"], "py");
    assert_eq!(shown["contexts"]["browser"]["name"], "FF");
    for tag in [
        json!({ "key": "plan", "value": "free" }),
        json!({ "key": "environment", "value": "prod" }),
    ] {
        assert!(shown["tags"].as_array().unwrap().contains(&tag), "{tag}");
    }
    for none in ["errors", "dist", "userReport", "nextEventID", "previousEventID"] {
        assert_eq!(shown[none], json!(null), "{none}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entries_of_an_event_have_the_shapes_that_the_frontend_reads() {
    let app = TestApp::start().await;
    let id = send(&app, &event(7)).await;
    let path = format!("/api/0/projects/shop-org/shop/events/{id}/");
    let shown = app.owner().get(&path).await.expect(200).json();
    let entries = shown["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["exception", "breadcrumbs", "request"]);
    let exception = &entries[0]["data"];
    assert_eq!(exception["hasSystemFrames"], true);
    let frame = &exception["values"][0]["stacktrace"]["frames"][0];
    assert_eq!(
        *frame,
        json!({
            "filename": "shop/cart.py", "function": "pay", "context_line": "x=1",
            "vars": { "x": "1" }, "inApp": true, "absPath": "/srv/shop/cart.py", "lineNo": 3,
            "context": [[2, "a"], [3, "x=1"], [4, "b"]],
        })
    );
    let crumb = json!({ "type": "default", "category": null, "message": "hi", "data": null,
        "level": "info", "timestamp": null, "event_id": null });
    assert_eq!(entries[1]["data"], json!({ "values": [crumb] }));
    let request = json!({
        "apiTarget": null, "bodySize": null, "cookies": null, "data": null, "env": null,
        "fragment": null, "method": "GET", "protocol": null, "url": "http://x",
        "headers": [["Content-Type", "a/b"]], "query": [["a", "b"]], "inferredContentType": "a/b",
    });
    assert_eq!(entries[2]["data"], request);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_issue_know_their_neighbours() {
    let app = TestApp::start().await;
    let (issue, events) = three_events(&app).await;
    for (place, previous, next) in [
        ("oldest", json!(null), json!(events[1])),
        (events[0].as_str(), json!(null), json!(events[1])),
        (events[1].as_str(), json!(events[0]), json!(events[2])),
        ("latest", json!(events[1]), json!(null)),
    ] {
        let path = format!("/api/0/issues/{issue}/events/{place}/");
        let shown = app.owner().get(&path).await.expect(200).json();
        assert_eq!(
            (&shown["previousEventID"], &shown["nextEventID"]),
            (&previous, &next),
            "{place}"
        );
        assert_eq!(shown["groupID"], issue);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_found_by_its_id_in_any_spelling() {
    let app = TestApp::start().await;
    let (issue, events) = three_events(&app).await;
    let id = &events[1];
    let dashed = mishap_testkit::builders::uuid(id).hyphenated().to_string();
    for spelling in [id.clone(), id.to_uppercase(), dashed] {
        for path in [
            format!("/api/0/issues/{issue}/events/{spelling}/"),
            format!("/api/0/projects/shop-org/shop/events/{spelling}/"),
        ] {
            assert_eq!(app.owner().get(&path).await.expect(200).json()["eventID"], *id, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_there_is_not_found_and_a_wrong_id_is_refused() {
    let app = TestApp::start().await;
    let (issue, _) = three_events(&app).await;
    let other = send(&app, &message_event("of another issue")).await;
    for event in [event_id(), other] {
        let path = format!("/api/0/issues/{issue}/events/{event}/");
        let answer = app.owner().get(&path).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }));
    }
    let path = format!("/api/0/issues/{issue}/events/nonsense/");
    let problem = app.owner().get(&path).await.expect(422).json()["detail"][0].clone();
    assert_eq!(problem["loc"], json!(["path", "event_id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_can_be_downloaded_as_it_is_stored() {
    let app = TestApp::start().await;
    let id = send(&app, &event(7)).await;
    let issues = app.owner().get("/api/0/organizations/shop-org/issues/").await.expect(200).json();
    let issue = issues[0]["id"].as_str().unwrap();
    let path = format!("/api/0/organizations/shop-org/issues/{issue}/events/{id}/json/");
    let shown = app.owner().get(&path).await.expect(200).json();
    assert_eq!((&shown["event_id"], &shown["type"]), (&json!(id), &json!("error")));
    assert_eq!(shown["project"], app.tenant.project.0);
    assert_eq!(shown["timestamp"], 1_795_143_845.678_901_f64);
    assert_eq!(shown["datetime"], "2026-11-20T03:04:05.678Z");
    assert_eq!((&shown["level"], &shown["title"]), (&json!("error"), &json!("CartError: empty")));
    assert_eq!(shown["environment"], "prod");
    assert_eq!(shown["transaction"], "/x");
    assert_eq!(shown["extra"], json!({ "attempt": 7 }));
    assert_eq!(shown["tags"]["plan"], "free");
    let frame = &shown["exception"]["values"][0]["stacktrace"]["frames"][0];
    assert_eq!((&frame["lineno"], &frame["pre_context"]), (&json!(3), &json!(["a"])));
    assert!(!shown["hashes"].as_array().unwrap().is_empty());
    assert!(shown.as_object().unwrap().values().all(|value| !value.is_null()), "{shown}");
}
