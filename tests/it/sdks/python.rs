use mishap_testkit::TestApp;
use tokio::process::Command;

use super::api::{Shown, expect_outcomes, frames, line};
use super::install::{python, scripts};
use super::script;

/// Runs one of the scripts against the product.
async fn send(app: &TestApp, name: &str) {
    let packages = tokio::task::spawn_blocking(python).await.unwrap();
    let mut command = Command::new("python3");
    // What else is installed changes what the SDK reports.
    command.arg("-S");
    command
        .arg(scripts("python").join(name))
        .arg(app.dsn().to_string())
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    script::run(command).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_python_s_sdk_is_shown_as_it_happened() {
    let app = TestApp::start().await;
    send(&app, "error.py").await;
    assert_eq!(app.digest().await, 1);
    let shown = Shown::only_issue(&app).await;
    shown.expect_scope();
    assert_eq!(shown.issue["title"], "RuntimeError: no receipt");
    assert_eq!(shown.issue["culprit"], "__main__ in check_out");
    assert_eq!(shown.event["platform"], "python");
    assert_eq!(shown.event["sdk"]["name"], "sentry.python");
    assert_eq!(shown.event["contexts"]["runtime"]["name"], "CPython");
    assert_eq!(shown.tag("handled"), Some("yes"));
    assert_eq!(
        shown.causes(),
        [("EmptyCart", "the cart is empty"), ("RuntimeError", "no receipt")]
    );
    let exceptions = shown.exceptions();
    let functions = |exception| -> Vec<_> {
        frames(exception).iter().map(|frame| frame["function"].as_str().unwrap()).collect()
    };
    assert_eq!(functions(&exceptions[0]), ["check_out", "total"]);
    assert_eq!(functions(&exceptions[1]), ["<module>", "check_out"]);
    let frame = frames(&exceptions[0]).last().unwrap();
    assert_eq!(frame["filename"], "error.py");
    assert_eq!(frame["inApp"], true);
    assert_eq!(line(frame).trim(), r#"raise EmptyCart("the cart is empty")"#);
    assert_eq!(frame["vars"]["items"], serde_json::json!([]));
    assert_eq!(frame["vars"]["password"], "[Filtered]");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_item_of_python_s_sdk_is_answered_with_200_and_counted() {
    let mut app = TestApp::start().await;
    send(&app, "kinds.py").await;
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
            ("session", "unsupported_item", 1),
            ("monitor", "unsupported_item", 1),
            ("log_item", "unsupported_item", 1),
            ("trace_metric", "unsupported_item", 1),
        ],
    )
    .await;
}
