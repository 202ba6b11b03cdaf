//! Events as broken clients and unfriendly people send them.

use mishap_testkit::Desk;
use mishap_testkit::builders::{EnvelopeBuilder, event_id};
use serde_json::{Value, json};

/// Digests these bytes as an event, and gives it as stored.
async fn stored(desk: &Desk, event: &[u8]) -> Value {
    let id = event_id();
    let envelope = EnvelopeBuilder::of(&id).item("event", event).build();
    desk.put(&[desk.envelope(&id, envelope)]).await;
    desk.digest().await;
    let text = String::from_utf8_lossy(event);
    let events = desk.events().await;
    let event = events.into_iter().find(|event| event.id == id);
    event.unwrap_or_else(|| panic!("not stored: {text}")).body
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_postgresql_refuses_are_repaired_wherever_they_stand() {
    let desk = Desk::new().await;
    for bad in [r"\u0000", r"\ud800", r"\udfff\ud800", "\u{0}", "\u{feff}"] {
        let event = json!({
            "level": "x", "logger": "x", "transaction": "x", "server_name": "x", "release": "x",
            "environment": "x", "dist": "x", "platform": "x",
            "tags": { "x": "x" },
            "user": { "id": "x", "email": "x", "username": "x" },
            "exception": { "values": [{ "type": "x", "value": "x",
                "stacktrace": { "frames": [{ "function": "x", "module": "x", "filename": "x" }]} }]},
            "contexts": { "x": { "x": "x" } },
            "extra": { "x": "x" },
            "breadcrumbs": [{ "message": "x", "data": { "x": "x" } }],
            "request": { "url": "http://x/x", "headers": { "x": "x" }, "data": "x" },
            "modules": { "x": "x" },
        });
        let event = event.to_string().replace("\"x\"", &format!("\"a{bad}b\""));
        let body = stored(&desk, event.as_bytes()).await;
        let kind = body["exception"]["values"][0]["type"].as_str().unwrap();
        assert!(kind.starts_with('a') && kind.ends_with('b'), "{bad:?}: {kind:?}");
        assert!(!body.to_string().contains(r"\u0000"), "{bad:?}");
    }
    // The fold took the tags as well.
    assert_eq!(desk.database.number("SELECT count(*) FROM tallies").await, 0);
    assert!(desk.database.number("SELECT count(*) FROM issue_tags").await > 0);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_utf_8_are_repaired() {
    let desk = Desk::new().await;
    let body =
        stored(&desk, b"{\"message\":\"caf\xe9 \xff\xfe \xf0\x9f\",\"tags\":{\"k\xff\":\"v\"}}")
            .await;
    assert!(body["logentry"].to_string().contains("caf\u{fffd}"), "{body}");
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_left_out_and_noted_while_the_event_is_stored() {
    let desk = Desk::new().await;
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let digits = "9".repeat(400);
    let long = "y".repeat(300_000);
    let far = "2999-01-01T00:00:00Z";
    // What is sent besides the exception, and the field that is noted. Numbers that are too large
    // become text or null and need no note.
    let cases: [(&str, String, Option<&str>); 12] = [
        ("depth", format!(r#""extra":{{"deep":{deep}}}"#), Some("extra")),
        ("digits", format!(r#""extra":{{"big":{digits}}}"#), None),
        ("exponent", r#""extra":{"big":1e999,"nan":NaN,"inf":-Infinity}"#.to_owned(), None),
        ("huge time", format!(r#""timestamp":{digits}"#), Some("timestamp")),
        ("far future", format!(r#""timestamp":"{far}""#), Some("timestamp")),
        ("no time", r#""timestamp":"yesterday""#.to_owned(), Some("timestamp")),
        ("no level", r#""level":"catastrophic""#.to_owned(), Some("level")),
        ("tags", r#""tags":"none""#.to_owned(), Some("tags")),
        ("breadcrumbs", r#""breadcrumbs":7"#.to_owned(), Some("breadcrumbs")),
        ("request", r#""request":[1]"#.to_owned(), Some("request")),
        ("user", r#""user":true"#.to_owned(), Some("user")),
        ("long", format!(r#""logger":"{long}""#), Some("logger")),
    ];
    for (what, member, noted) in cases {
        let event = format!(
            r#"{{"exception":{{"values":[{{"type":"CartError","value":"empty"}}]}},{member}}}"#
        );
        let body = stored(&desk, event.as_bytes()).await;
        assert_eq!(body["exception"]["values"][0]["type"], "CartError", "{what}");
        let notes: Vec<&str> = body["errors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(|error| error["name"].as_str())
            .collect();
        assert_eq!(notes, noted.into_iter().collect::<Vec<_>>(), "{what}: {}", body["errors"]);
    }
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_attachments_are_repaired() {
    let desk = Desk::new().await;
    let id = event_id();
    let bad = "a\u{0}b";
    let header = json!({ "type": "attachment", "filename": bad, "content_type": bad,
        "attachment_type": bad });
    let envelope = EnvelopeBuilder::of(&id)
        .event(&json!({ "message": "hello" }))
        .item_with(&header, "bytes")
        .build();
    desk.put(&[desk.envelope(&id, envelope)]).await;
    desk.digest().await;
    let rows = desk.database.rows("SELECT filename FROM attachments").await;
    assert_eq!(rows, [json!({ "filename": "ab" })]);
    desk.assert_all_accounted_for().await;
}
