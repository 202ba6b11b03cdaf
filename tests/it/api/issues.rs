use mishap_testkit::TestApp;
use mishap_testkit::builders::{error_event, message_event};
use serde_json::json;

use super::{assert_members, send, take_time};

const LIST: &str = "/api/0/organizations/shop-org/issues/";

const MEMBERS: [&str; 21] = [
    "id",
    "count",
    "type",
    "level",
    "status",
    "project",
    "shortId",
    "numComments",
    "stats",
    "shareId",
    "logger",
    "permalink",
    "statusDetails",
    "subscriptionDetails",
    "userCount",
    "matchingEventId",
    "firstSeen",
    "lastSeen",
    "title",
    "metadata",
    "culprit",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_has_glitchtip_s_shape() {
    let app = TestApp::start().await;
    let mut event = error_event("CartError", "the cart is empty");
    event["level"] = "fatal".into();
    event["transaction"] = "/checkout".into();
    event["user"] = json!({ "id": "7" });
    send(&app, &event).await;
    send(&app, &event).await;
    let answer = app.owner().get(LIST).await.expect(200);
    assert_members(&answer, &MEMBERS);
    let mut issue = answer.json()[0].clone();
    for time in ["firstSeen", "lastSeen"] {
        take_time(&mut issue, time);
    }
    let id = issue["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id,
        "count": "2",
        "type": "error",
        "level": "fatal",
        "status": "unresolved",
        "project": { "id": app.tenant.project.to_string(), "platform": "python", "slug": "shop",
            "name": "shop" },
        "shortId": "SHOP-1",
        "numComments": 0,
        "stats": { "24h": [] },
        "shareId": null,
        "logger": null,
        "permalink": format!("http://mishap.test/shop-org/issues/{id}"),
        "statusDetails": {},
        "subscriptionDetails": null,
        "userCount": 1,
        "matchingEventId": null,
        "firstSeen": null,
        "lastSeen": null,
        "title": "CartError: the cart is empty",
        "metadata": { "type": "CartError", "value": "the cart is empty",
            "filename": "shop/cart.py", "function": "raise_CartError" },
        "culprit": "/checkout",
    });
    assert_eq!(issue, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_by_itself_is_the_same_under_both_addresses() {
    let app = TestApp::start().await;
    send(&app, &message_event("hello")).await;
    let listed = app.owner().get(LIST).await.expect(200).json()[0].clone();
    let id = listed["id"].as_str().unwrap();
    let answer = app.owner().get(&format!("/api/0/issues/{id}/")).await.expect(200);
    assert_members(&answer, &[&MEMBERS[..], &["userReportCount"]].concat());
    let mut alone = answer.json();
    let of_organization = app.owner().get(&format!("{LIST}{id}/")).await.expect(200).json();
    assert_eq!(alone, of_organization);
    assert_eq!(alone.as_object_mut().unwrap().remove("userReportCount"), Some(json!(0)));
    assert_eq!(alone, listed);
    assert_eq!(alone["metadata"], json!({ "title": "hello" }));
    assert_eq!((&alone["type"], &alone["level"]), (&json!("default"), &json!("info")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_may_ask_for_one_status() {
    let app = TestApp::start().await;
    for error in ["A", "B", "C"] {
        send(&app, &error_event(error, "x")).await;
    }
    app.database.sql("UPDATE issues SET status = 1 WHERE title LIKE 'A%'").await;
    app.database.sql("UPDATE issues SET status = 2 WHERE title LIKE 'B%'").await;
    for (status, title) in [("resolved", "A: x"), ("ignored", "B: x"), ("unresolved", "C: x")] {
        for list in [LIST, "/api/0/projects/shop-org/shop/issues/"] {
            let path = format!("{list}?query=is%3A{status}");
            let answer = app.owner().get(&path).await.expect(200);
            assert_eq!(answer.header("x-hits"), "1", "{status}");
            let issues = answer.json();
            assert_eq!(issues[0]["title"], title);
            assert_eq!(issues[0]["status"], status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_s_list_shows_no_other_project_s_issues() {
    let app = TestApp::start().await;
    send(&app, &message_event("here")).await;
    app.database.project(app.tenant.organization, "cafe").await;
    let issues = app.owner().get("/api/0/projects/shop-org/cafe/issues/").await.expect(200).json();
    assert_eq!(issues, json!([]));
    let issues = app.owner().get("/api/0/projects/shop-org/shop/issues/").await.expect(200).json();
    assert_eq!(issues[0]["title"], "here");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_that_is_not_there_is_not_found() {
    let app = TestApp::start().await;
    for issue in ["1", "0", "-1", "x", "99999999999999999999"] {
        let answer = app.owner().get(&format!("/api/0/issues/{issue}/")).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }), "{issue}");
    }
}
