//! Checklist: "frames <= 250, vars trimming"; frames and exceptions in every form.

use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::fields::check;

fn with_frames(frames: &Value) -> Value {
    json!({ "exception": { "type": "E", "value": "v", "stacktrace": { "frames": frames } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_innermost_250_frames_are_kept_and_the_middle_ones_are_slimmed() {
    let app = TestApp::start().await;
    let frames: Vec<Value> = (0..300)
        .map(|n| json!({ "function": format!("f{n}"), "vars": { "n": n }, "pre_context": ["a"] }))
        .collect();
    check(
        &app,
        [(
            with_frames(&json!(frames)),
            vec![
                ("/exception/values/0/stacktrace/frames/0/function", json!("f50")),
                ("/exception/values/0/stacktrace/frames/249/function", json!("f299")),
                ("/exception/values/0/stacktrace/frames/249/vars/n", json!(299)),
                ("/exception/values/0/stacktrace/frames/125/vars", Value::Null),
                ("/exception/values/0/stacktrace/frames/125/pre_context", Value::Null),
                ("/exception/values/0/stacktrace/frames/250", Value::Null),
            ],
        )],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_of_any_shape_are_kept_within_bounds() {
    let app = TestApp::start().await;
    check(
        &app,
        [
            (
                with_frames(&json!([{ "function": "f", "vars": {
                    "a": true, "b": null, "c": 1.5, "d": [1], "e": { "f": "g" } } }])),
                vec![
                    ("/exception/values/0/stacktrace/frames/0/vars/a", json!(true)),
                    ("/exception/values/0/stacktrace/frames/0/vars/c", json!(1.5)),
                    ("/exception/values/0/stacktrace/frames/0/vars/e/f", json!("g")),
                ],
            ),
            (
                with_frames(&json!([{ "function": "f", "vars": ["x", "y"] }])),
                vec![("/exception/values/0/stacktrace/frames/0/vars/1", json!("y"))],
            ),
            (
                with_frames(&json!([{ "function": "f", "vars": {
                    "long": "x".repeat(100_000), "lost": "y" } }])),
                vec![("/exception/values/0/stacktrace/frames/0/vars/lost", Value::Null)],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_without_content_do_not_cost_the_exception() {
    let app = TestApp::start().await;
    let kept = || vec![("/exception/values/0/type", json!("E"))];
    let rows = [
        with_frames(&json!(null)),
        with_frames(&json!({})),
        with_frames(&json!([])),
        with_frames(&json!([null, {}, 7])),
        json!({ "exception": { "type": "E", "stacktrace": null } }),
        json!({ "exception": { "type": "E", "stacktrace": [] } }),
        json!({ "exception": { "type": "E", "mechanism": "none" } }),
        json!({ "exception": [null, { "type": "E" }] }),
        json!({ "exception": [{}, { "type": "E" }] }),
    ];
    check(&app, rows.map(|event| (event, kept()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_exceptions_are_text_whatever_they_were() {
    let app = TestApp::start().await;
    let value = "/exception/values/0/value";
    check(
        &app,
        [
            (json!({ "exception": { "type": "E", "value": 7 } }), vec![(value, json!("7"))]),
            (
                json!({ "exception": { "type": "E", "value": { "a": [1] } } }),
                vec![(value, json!("{\"a\":[1]}"))],
            ),
            (
                json!({ "exception": { "type": "E", "value": "x".repeat(9000) } }),
                vec![(value, json!("x".repeat(8192))), ("/errors/0/type", json!("value_too_long"))],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_trace_without_an_owner_goes_to_the_only_exception() {
    let app = TestApp::start().await;
    let frames = json!({ "frames": [{ "function": "f", "filename": "a.py" }] });
    let found = vec![
        ("/exception/values/0/stacktrace/frames/0/function", json!("f")),
        ("/exception/values/0/stacktrace/frames/0/abs_path", json!("a.py")),
    ];
    check(
        &app,
        [
            (json!({ "exception": { "type": "E" }, "stacktrace": frames }), found.clone()),
            (
                json!({ "exception": { "type": "E" },
                    "threads": [{ "id": 1, "crashed": true, "stacktrace": frames }] }),
                found,
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_keeps_its_order_and_the_last_one_is_the_issue() {
    let app = TestApp::start().await;
    check(
        &app,
        [(
            json!({ "exception": { "values": [
                { "type": "Cause", "value": "a" }, { "type": "Raised", "value": "b" }] } }),
            vec![
                ("/exception/values/0/type", json!("Cause")),
                ("/exception/values/1/type", json!("Raised")),
                ("/title", json!("Raised: b")),
            ],
        )],
    )
    .await;
}
