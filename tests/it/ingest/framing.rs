//! Checklist: "envelope reader: skip blanks, skip unknown types, resync, keep earlier items on
//! truncation"; the specification's own framing cases.

use mishap_testkit::TestApp;
use mishap_testkit::builders::event_id;

/// A row: its name, the envelope with `ID` and `OTHER` in place of ids, and whether the events of
/// these ids are kept.
type Row = (&'static str, &'static str, bool, bool);

const ROWS: &[Row] = &[
    ("no final line end", "{H}\n{\"type\":\"event\"}\n{E}", true, false),
    ("a final line end", "{H}\n{\"type\":\"event\"}\n{E}\n", true, false),
    (
        "an empty attachment in the middle",
        "{H}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"event\"}\n{E}\n",
        true,
        false,
    ),
    (
        "a payload with line ends",
        "{H}\n{\"type\":\"attachment\",\"length\":5}\nab\ncd\n{\"type\":\"event\"}\n{E}",
        true,
        false,
    ),
    (
        "an unknown item first",
        "{H}\n{\"type\":\"brand_new\",\"length\":3}\nxyz\n{\"type\":\"event\"}\n{E}",
        true,
        false,
    ),
    ("a blank line", "{H}\n\n{\"type\":\"event\"}\n{E}", true, false),
    ("blank lines with spaces", "{H}\n \r\n\n{\"type\":\"event\"}\n{E}\n\n\n", true, false),
    ("a length beyond the end", "{H}\n{\"type\":\"event\",\"length\":9999}\n{E}", false, false),
    (
        "a length beyond the end behind an event",
        "{H}\n{\"type\":\"event\"}\n{E}\n{\"type\":\"attachment\",\"length\":9999}\nab",
        true,
        false,
    ),
    (
        "bytes behind a payload",
        "{H}\n{\"type\":\"attachment\",\"length\":2}\nabjunk\n{\"type\":\"event\"}\n{E}",
        true,
        false,
    ),
    (
        "an unreadable item header",
        "{H}\n{\"type\":\"event\"}\n{E}\nnot json\n{\"type\":\"event\"}\n{O}\n",
        true,
        false,
    ),
    (
        "an item header without a type",
        "{H}\n{\"type\":\"event\"}\n{E}\n{\"length\":2}\nab\n{\"type\":\"event\"}\n{O}\n",
        true,
        false,
    ),
    ("two events", "{}\n{\"type\":\"event\"}\n{E}\n{\"type\":\"event\"}\n{O}\n", true, true),
    ("line ends of Windows", "{H}\r\n{\"type\":\"event\"}\r\n{E}\r\n", true, false),
    ("a header without an id", "{}\n{\"type\":\"event\"}\n{E}", true, false),
    (
        "unknown members in headers",
        "{\"event_id\":\"ID\",\"a\":[1,{}]}\n{\"type\":\"event\",\"b\":{\"c\":[]}}\n{E}",
        true,
        false,
    ),
    (
        "a header with invalid members",
        "{\"event_id\":\"ID\",\"sdk\":7,\"sent_at\":\"soon\",\"trace\":null}\n{\"type\":\"event\"}\n{E}",
        true,
        false,
    ),
    (
        "a header that repeats itself",
        "{\"event_id\":\"OTHER\",\"event_id\":\"ID\"}\n{\"type\":\"event\"}\n{M}",
        true,
        false,
    ),
    ("an id with dashes", "{\"event_id\":\"DASHES\"}\n{\"type\":\"event\"}\n{M}", true, false),
    ("an id in capitals", "{\"event_id\":\"CAPITALS\"}\n{\"type\":\"event\"}\n{M}", true, false),
    (
        "an unwanted item's header at the end",
        "{H}\n{\"type\":\"event\"}\n{E}\n{\"type\":\"log\"}",
        true,
        false,
    ),
    ("a length as text", "{H}\n{\"type\":\"event\",\"length\":\"2\"}\n{}\n", true, false),
];

fn filled(row: &str, id: &str, other: &str) -> String {
    let dashes = mishap_testkit::builders::uuid(id).hyphenated().to_string();
    row.replace("{H}", "{\"event_id\":\"ID\"}")
        .replace("{E}", "{\"event_id\":\"ID\",\"message\":\"hi\"}")
        .replace("{O}", "{\"event_id\":\"OTHER\",\"message\":\"ho\"}")
        .replace("{M}", "{\"message\":\"hi\"}")
        .replace("CAPITALS", &id.to_uppercase())
        .replace("DASHES", &dashes)
        .replace("OTHER", other)
        .replace("ID", id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_kept_of_an_envelope_is_kept() {
    let mut app = TestApp::start().await;
    let mut sent = Vec::new();
    for (name, row, kept, other_kept) in ROWS {
        let (id, other) = (event_id(), event_id());
        let answer = app.send_envelope(filled(row, &id, &other)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert_eq!(answer.json()["id"], id, "{name}");
        sent.push((name, id, *kept));
        sent.push((name, other, *other_kept));
    }
    app.digest().await;
    for (name, id, kept) in sent {
        assert_eq!(app.has_event(&id).await, kept, "{name}");
    }
    let settled = app.settled(31).await;
    assert_eq!(
        settled,
        [
            "default malformed_envelope 2",
            "default unsupported_item 1",
            "error ok 22",
            "error malformed_envelope 1",
            "attachment ok 3",
            "attachment malformed_envelope 1",
            "log_item unsupported_item 1"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_without_items_is_good() {
    let mut app = TestApp::start().await;
    let id = event_id();
    let answer = app.send_envelope(format!("{{\"event_id\":\"{id}\"}}")).await.expect(200);
    assert!(answer.json()["id"].is_null() || answer.json()["id"] == id);
    assert_eq!(app.send_envelope("{}\n").await.expect(200).json(), serde_json::json!({}));
    assert_eq!(app.settled(0).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_type_does_not_matter_to_an_envelope() {
    let mut app = TestApp::start().await;
    for media in [
        "application/x-sentry-envelope",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "multipart/form-data",
        "nonsense",
    ] {
        let body = format!("{{}}\n{{\"type\":\"event\"}}\n{{\"message\":\"{media}\"}}");
        let answer = app.send_to("envelope", &[("Content-Type", media)], body).await;
        assert_eq!(answer.status, 200, "{media}: {}", answer.body);
    }
    assert_eq!(app.settled(6).await, ["error ok 6"]);
}
