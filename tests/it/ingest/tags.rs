//! Checklist: "tags three forms".

use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::fields::check;

#[tokio::test(flavor = "multi_thread")]
async fn tags_come_as_a_map_as_pairs_or_as_objects() {
    let app = TestApp::start().await;
    let found = vec![("/tags/a", json!("1")), ("/tags/b", json!("True"))];
    check(
        &app,
        [
            (json!({ "tags": { "a": 1, "b": true, "c": null, "": "x" } }), found.clone()),
            (json!({ "tags": [["a", "1"], ["b", true], ["c", null], null] }), found.clone()),
            (json!({ "tags": [{ "key": "a", "value": 1 }, { "key": "b", "value": true }] }), found),
            (json!({ "tags": null }), vec![("/tags", Value::Null)]),
            (json!({ "tags": [["a", "b", "c"], ["d", "e"]] }), vec![("/tags/d", json!("e"))]),
            (
                json!({ "tags": [["a", "first"], ["a", "second"]] }),
                vec![("/tags/a", json!("first"))],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_one_short_line_each_and_at_most_a_hundred() {
    let app = TestApp::start().await;
    let many: Vec<[String; 2]> = (0..150).map(|n| [format!("k{n}"), "v".to_owned()]).collect();
    check(
        &app,
        [
            (json!({ "tags": { "a b": " x\ny " } }), vec![("/tags/a-b", json!("x y"))]),
            (json!({ "tags": many }), vec![("/tags/k99", json!("v")), ("/tags/k100", Value::Null)]),
        ],
    )
    .await;
    let long = "x".repeat(300);
    let kept = json!("x".repeat(200));
    check(&app, [(json!({ "tags": { "k": long } }), vec![("/tags/k", kept)])]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_itself_implies_tags_and_a_tag_may_name_the_environment() {
    let app = TestApp::start().await;
    check(
        &app,
        [
            (
                json!({ "release": "shop@1", "server_name": "web-1", "user": { "id": 7 },
                    "tags": { "release": "mine" },
                    "contexts": { "browser": { "name": "Firefox", "version": "130" },
                        "os": { "name": "Linux" }, "device": { "model": "X1" } },
                    "exception": { "type": "E", "value": "v",
                        "mechanism": { "type": "wsgi", "handled": false } } }),
                vec![
                    ("/tags/release", json!("shop@1")),
                    ("/tags/server_name", json!("web-1")),
                    ("/tags/user.id", json!("7")),
                    ("/tags/browser", json!("Firefox 130")),
                    ("/tags/browser.name", json!("Firefox")),
                    ("/tags/os.name", json!("Linux")),
                    ("/tags/device", json!("X1")),
                    ("/tags/handled", json!("no")),
                    ("/tags/mechanism", json!("wsgi")),
                ],
            ),
            (
                json!({ "tags": { "environment": "staging" } }),
                vec![("/environment", json!("staging")), ("/tags/environment", json!("staging"))],
            ),
            (
                json!({ "environment": "prod", "tags": { "environment": "staging" } }),
                vec![("/environment", json!("prod")), ("/tags/environment", json!("prod"))],
            ),
        ],
    )
    .await;
}
