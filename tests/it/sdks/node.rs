use mishap_testkit::TestApp;
use tokio::process::Command;

use super::api::{Shown, expect_outcomes, frames, line};
use super::install::{node, scripts};
use super::script;

/// Runs one of the scripts against the product.
async fn send(app: &TestApp, name: &str) {
    let packages = tokio::task::spawn_blocking(node).await.unwrap();
    let mut command = Command::new("node");
    command.arg(scripts("node").join(name)).arg(app.dsn().to_string()).env("NODE_PATH", packages);
    script::run(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_node_s_sdk_is_shown_as_it_happened() {
    let app = TestApp::start().await;
    send(&app, "error.js").await;
    assert_eq!(app.digest().await, 1);
    let shown = Shown::only_issue(&app).await;
    shown.expect_scope();
    assert_eq!(shown.issue["title"], "Error: no receipt");
    assert_eq!(shown.issue["culprit"], "checkOut(error)");
    assert_eq!(shown.event["platform"], "node");
    assert_eq!(shown.event["sdk"]["name"], "sentry.javascript.node");
    assert_eq!(shown.event["contexts"]["runtime"]["name"], "node");
    assert_eq!(shown.tag("handled"), Some("yes"));
    assert_eq!(shown.causes(), [("EmptyCart", "the cart is empty"), ("Error", "no receipt")]);
    let frame = frames(&shown.exceptions()[0]).last().unwrap();
    assert_eq!(frame["function"], "total");
    assert_eq!(frame["inApp"], true);
    assert!(frame["filename"].as_str().unwrap().ends_with("/sdks/node/error.js"));
    assert_eq!(line(frame).trim(), "throw new EmptyCart('the cart is empty');");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_item_of_node_s_sdk_is_answered_with_200_and_counted() {
    let mut app = TestApp::start().await;
    send(&app, "kinds.js").await;
    app.digest().await;
    let shown = Shown::only_issue(&app).await;
    assert_eq!(shown.issue["title"], "look at this cart");
    assert_eq!(shown.issue["level"], "warning");
    expect_outcomes(
        &mut app,
        &[
            ("error", "ok", 1),
            ("transaction", "unsupported_item", 1),
            ("attachment", "ok", 1),
            ("session", "unsupported_item", 2),
            ("monitor", "unsupported_item", 1),
            ("feedback", "unsupported_item", 1),
            ("log_item", "unsupported_item", 1),
            ("trace_metric", "unsupported_item", 1),
        ],
    )
    .await;
}
