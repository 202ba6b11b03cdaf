//! Checklist: "tolerant JSON: duplicate keys last wins, lone surrogates, NaN/Infinity tokens -> null,
//! depth, big ints"; "NUL removal in keys and values".

use mishap_testkit::TestApp;
use mishap_testkit::builders::{EnvelopeBuilder, event_id};
use serde_json::{Value, json};

/// JSON as it is sent, and what is stored then.
async fn check(rows: &[(&[u8], &str, Value)]) {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for (event, _, _) in rows {
        let id = event_id();
        let body = EnvelopeBuilder::of(&id).item("event", event).build();
        app.send_envelope(body).await.expect(200);
        ids.push(id);
    }
    app.digest().await;
    for ((event, pointer, expected), id) in rows.iter().zip(ids) {
        let stored = app.stored_event(&id).await;
        let event = String::from_utf8_lossy(event);
        let found = stored.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, expected, "{pointer} of {event} in {stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_json_does_not_have_are_null() {
    check(&[
        (br#"{"extra":{"a":NaN,"b":1}}"#, "/extra/a", Value::Null),
        (br#"{"extra":{"a":NaN,"b":1}}"#, "/extra/b", json!(1)),
        (br#"{"extra":{"a":Infinity,"b":1}}"#, "/extra/b", json!(1)),
        (br#"{"extra":{"a":-Infinity,"b":1}}"#, "/extra/b", json!(1)),
        (br#"{"extra":{"a":undefined,"b":1}}"#, "/extra/b", json!(1)),
        (br#"{"extra":{"a":1e400,"b":1}}"#, "/extra/a", Value::Null),
        (br#"{"extra":{"a":-1e400,"b":1}}"#, "/extra/b", json!(1)),
        (br#"{"timestamp":NaN,"logger":"l"}"#, "/logger", json!("l")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn integers_beyond_64_bits_are_kept_as_text() {
    check(&[
        (br#"{"extra":{"a":9223372036854775807}}"#, "/extra/a", json!(i64::MAX)),
        (br#"{"extra":{"a":9223372036854775808}}"#, "/extra/a", json!("9223372036854775808")),
        (
            br#"{"extra":{"a":123456789012345678901234567890}}"#,
            "/extra/a",
            json!("123456789012345678901234567890"),
        ),
        (br#"{"user":{"id":18446744073709551615}}"#, "/user/id", json!("18446744073709551615")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_two_equal_keys_counts() {
    check(&[
        (br#"{"logger":"a","logger":"b"}"#, "/logger", json!("b")),
        (br#"{"extra":{"k":1,"k":2}}"#, "/extra/k", json!(2)),
        (br#"{"new":1,"new":{"a":2}}"#, "/new/a", json!(2)),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_characters_are_replaced() {
    check(&[
        (br#"{"logger":"a\ud800b"}"#, "/logger", json!("a\u{fffd}b")),
        (br#"{"logger":"a\udc00b"}"#, "/logger", json!("a\u{fffd}b")),
        (br#"{"logger":"a\ud83d\ude00b"}"#, "/logger", json!("a\u{1f600}b")),
        (br#"{"extra":{"\ud800":1}}"#, "/extra/\u{fffd}", json!(1)),
        (b"{\"logger\":\"a\xffb\"}", "/logger", json!("a\u{fffd}b")),
        (b"{\"logger\":\"a\xc3\"}", "/logger", json!("a\u{fffd}")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nul_is_removed_from_keys_and_values() {
    check(&[
        (br#"{"logger":"a\u0000b"}"#, "/logger", json!("ab")),
        (b"{\"logger\":\"a\0b\"}", "/logger", json!("ab")),
        (br#"{"extra":{"k\u0000":"v\u0000"}}"#, "/extra/k", json!("v")),
        (br#"{"tags":{"k\u0000":"v\u0000"}}"#, "/tags/k", json!("v")),
        (br#"{"tags":[["k","\u0000"],["l","v"]]}"#, "/tags/l", json!("v")),
        (br#"{"transaction":"a\u0000b"}"#, "/transaction", json!("ab")),
        (br#"{"release":"a\u0000b"}"#, "/release", json!("ab")),
        (br#"{"environment":"\u0000"}"#, "/environment", Value::Null),
        (br#"{"message":"a\u0000b"}"#, "/title", json!("ab")),
        (br#"{"fingerprint":["a\u0000b"]}"#, "/fingerprint/0", json!("ab")),
        (br#"{"exception":{"type":"E\u0000","value":"v"}}"#, "/title", json!("E: v")),
        (br#"{"server_name":"\u0000a"}"#, "/server_name", json!("a")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_may_begin_with_a_byte_order_mark_and_end_with_blanks() {
    check(&[
        (b"\xef\xbb\xbf{\"logger\":\"l\"}", "/logger", json!("l")),
        (b" \t\r{\"logger\":\"l\"} \t\r ", "/logger", json!("l")),
        (br#"{"logger":"a\qb\/"}"#, "/logger", json!("aqb/")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_too_deep_is_null_and_its_neighbours_stay() {
    let deep = format!("{{\"_meta\":{}7{},\"logger\":\"l\"}}", "[".repeat(500), "]".repeat(500));
    check(&[(deep.as_bytes(), "/logger", json!("l"))]).await;
}
