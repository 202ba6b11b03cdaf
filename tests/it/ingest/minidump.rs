//! `/minidump/`: crash dumps, with or without a form around them.

use mishap_testkit::compress::{gzip, zstd};
use mishap_testkit::{Answer, TestApp};
use serde_json::{Value, json};

const DUMP: &[u8] = b"MDMP\x93\xa7 and the memory of a program";
const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=edge");

/// A form; a field with a file name is a file.
fn form(fields: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in fields {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head =
            format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend(head.as_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(b"--edge--\r\n");
    body
}

/// The id that was answered, without its dashes.
fn id_of(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(answer.body.len(), 36, "{}", answer.body);
    answer.body.replace('-', "")
}

async fn attachments(app: &TestApp) -> Vec<Value> {
    let columns = "filename, attachment_type, size";
    app.database.rows(&format!("SELECT {columns} FROM attachments ORDER BY place")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_dump_is_an_event_with_an_attachment() {
    let mut app = TestApp::start().await;
    let media = [("Content-Type", "application/x-dmp")];
    let answer = app.send_to("minidump", &media, DUMP).await.expect(200);
    app.digest().await;
    let event = app.stored_event(&id_of(&answer)).await;
    assert_eq!((&event["level"], &event["platform"]), (&json!("fatal"), &json!("native")));
    let dump = json!({ "filename": "minidump.dmp", "attachment_type": "event.minidump",
        "size": DUMP.len() });
    assert_eq!(attachments(&app).await, [dump]);
    assert_eq!(app.settled(2).await, ["error ok 1", "attachment ok 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fields_of_a_form_describe_the_event_and_its_files_are_attached() {
    let mut app = TestApp::start().await;
    let body = form(&[
        ("upload_file_minidump", Some("crash.dmp"), DUMP),
        ("sentry", None, br#"{"release":"game@1","tags":{"gpu":"x"}}"#),
        ("sentry[environment]", None, b"prod"),
        ("sentry__2", None, br#"":"7"}"#),
        ("sentry__1", None, br#"{"dist"#),
        ("ptime", None, b"1234"),
        ("log", Some("game.log"), b"lines"),
    ]);
    let answer = app.send_to("minidump", &[FORM], body).await.expect(200);
    app.digest().await;
    let event = app.stored_event(&id_of(&answer)).await;
    assert_eq!(event["release"], "game@1");
    assert_eq!(event["environment"], "prod");
    assert_eq!(event["dist"], "7");
    assert_eq!(event["tags"]["gpu"], "x");
    assert_eq!(event["extra"]["ptime"], "1234");
    let log = json!({ "filename": "game.log", "attachment_type": null, "size": 5 });
    assert!(attachments(&app).await.contains(&log));
    assert_eq!(app.settled(3).await, ["error ok 1", "attachment ok 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_may_be_compressed_by_itself_or_with_all_around_it() {
    let mut app = TestApp::start().await;
    let plain = form(&[("upload_file_minidump", Some("a.dmp"), DUMP)]);
    let packed = form(&[("upload_file_minidump", Some("a.dmp.gz"), &gzip(DUMP))]);
    let coding = |name| ("Content-Encoding", name);
    let raw = ("Content-Type", "application/octet-stream");
    for (name, headers, body) in [
        ("a form", vec![FORM], plain.clone()),
        ("a dump in gzip in a form", vec![FORM], packed),
        ("a form in gzip", vec![FORM, coding("gzip")], gzip(&plain)),
        ("a form in zstd", vec![FORM, coding("zstd")], zstd(&plain)),
        ("a dump in gzip", vec![raw], gzip(DUMP)),
        ("a dump in zstd", vec![raw], zstd(DUMP)),
        ("a body in gzip", vec![raw, coding("gzip")], gzip(DUMP)),
    ] {
        let answer = app.send_to("minidump", &headers, body).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        app.digest().await;
        assert!(app.has_event(&id_of(&answer)).await, "{name}");
    }
    let sizes = app.database.number("SELECT min(size) + max(size) FROM attachments").await;
    assert_eq!(sizes, 2 * i64::try_from(DUMP.len()).unwrap());
    assert_eq!(app.settled(14).await, ["error ok 7", "attachment ok 7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_dump_is_refused() {
    let mut app = TestApp::start().await;
    for (headers, body) in [
        (vec![], b"hello".to_vec()),
        (vec![], Vec::new()),
        (vec![FORM], form(&[("upload_file_minidump", Some("a"), b"hello")])),
        (vec![FORM], form(&[("ptime", None, b"1234")])),
        (vec![FORM], b"no form".to_vec()),
        (vec![FORM, ("Content-Encoding", "gzip")], b"no gzip".to_vec()),
        (vec![("Content-Type", "multipart/form-data")], b"no boundary".to_vec()),
    ] {
        let answer = app.send_to("minidump", &headers, body).await;
        assert_eq!(answer.status, 400, "{headers:?}: {}", answer.body);
    }
    let settled = app.settled(7).await;
    assert_eq!(settled, ["default malformed_item 6", "default unsupported_encoding 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_inflates_to_too_much_is_refused() {
    let mut app = TestApp::start().await;
    let large = form(&[("upload_file_minidump", Some("a.dmp"), &vec![0; 32 << 20])]);
    let headers = [FORM, ("Content-Encoding", "zstd")];
    app.send_to("minidump", &headers, zstd(&large)).await.expect(413);
    assert_eq!(app.settled(1).await, ["default too_large_decompressed 1"]);
}
