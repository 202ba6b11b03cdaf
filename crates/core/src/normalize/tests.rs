use mishap_protocol::json::{Reader, Writer};
use proptest::prelude::*;

use super::*;

fn time(text: &str) -> DateTime<Utc> {
    timestamp::from_json(&text.into()).unwrap()
}

/// An event that arrives at noon, sent at once, from nowhere in particular.
pub(super) fn around() -> Circumstances {
    Circumstances {
        event_id: EventId::parse("9ec79c33ec9942ab8353589fcb2e04dc").unwrap(),
        received: time("2026-11-21T12:00:00Z"),
        sent_at: None,
        client_ip: None,
        user_agent: None,
    }
}

fn written(event: &Event<'_>) -> String {
    let mut writer = Writer::new();
    event.write(&mut writer);
    writer.into_string()
}

fn normalized(document: &str, around: &Circumstances) -> String {
    let mut event = Event::read(document).unwrap();
    normalize(&mut event, around);
    written(&event)
}

/// What stands at a path such as `exception/values/0/type`; nothing if the path leads nowhere.
fn at(document: &str, path: &str) -> String {
    let value = Reader::new(document).value().unwrap();
    let step = |value: &Json<'static>, step: &str| match value {
        Json::Array(items) => items.get(step.parse::<usize>().ok()?).cloned(),
        other => other.get(step).cloned(),
    };
    let place = path.split('/').try_fold(value.into_owned(), |value, part| step(&value, part));
    place.map(|value| value.to_string()).unwrap_or_default()
}

/// Normalizes an event and compares the JSON at a path of it.
#[track_caller]
pub(super) fn check(document: &str, path: &str, expected: &str) {
    check_around(&around(), document, path, expected);
}

#[track_caller]
fn check_around(around: &Circumstances, document: &str, path: &str, expected: &str) {
    assert_eq!(at(&normalized(document, around), path), expected, "{path} of {document}");
}

/// Normalizes an event and compares its notes, as `type name`.
#[track_caller]
pub(super) fn check_notes(around: &Circumstances, document: &str, expected: &[&str]) {
    let mut event = Event::read(document).unwrap();
    normalize(&mut event, around);
    let name = |error: &FieldError<'_>| error.name.clone().unwrap_or_default().into_owned();
    let notes: Vec<_> =
        event.errors.iter().map(|error| format!("{} {}", error.kind, name(error))).collect();
    assert_eq!(notes, expected, "{document}");
}

#[test]
fn an_empty_event_gets_what_every_event_has() {
    assert_eq!(
        normalized("{}", &around()),
        r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","timestamp":"2026-11-21T12:00:00.000000Z","level":"error","platform":"other"}"#
    );
}

#[test]
fn the_acknowledged_id_is_the_event_s() {
    let other = r#"{"event_id":"11111111111111111111111111111111"}"#;
    check(other, "event_id", r#""9ec79c33ec9942ab8353589fcb2e04dc""#);
}

#[test]
fn an_event_without_a_time_happened_when_it_arrived() {
    let noon = r#""2026-11-21T12:00:00.000000Z""#;
    for document in ["{}", r#"{"timestamp":null}"#, r#"{"timestamp":"yesterday"}"#] {
        check(document, "timestamp", noon);
    }
    check_notes(&around(), "{}", &[]);
    check_notes(&around(), r#"{"timestamp":"yesterday"}"#, &["invalid_data timestamp"]);
}

#[test]
fn times_are_kept_unless_they_lie_in_the_future() {
    let noon = "2026-11-21T12:00:00.000000Z";
    for (sent, kept, notes) in [
        ("2026-11-21T11:59:00.000000Z", "2026-11-21T11:59:00.000000Z", &[][..]),
        ("2026-10-01T00:00:00.000000Z", "2026-10-01T00:00:00.000000Z", &[]),
        ("1999-12-31T23:59:59.000000Z", "1999-12-31T23:59:59.000000Z", &[]),
        ("2026-11-21T12:01:00.000000Z", "2026-11-21T12:01:00.000000Z", &[]),
        ("2026-11-21T12:01:00.000001Z", noon, &["future_timestamp timestamp"]),
        ("2100-01-01T00:00:00.000000Z", noon, &["future_timestamp timestamp"]),
    ] {
        let document = format!(r#"{{"timestamp":"{sent}"}}"#);
        check(&document, "timestamp", &format!("\"{kept}\""));
        check_notes(&around(), &document, notes);
        let value = if notes.is_empty() { String::new() } else { format!("\"{sent}\"") };
        check(&document, "errors/0/value", &value);
    }
}

#[test]
fn times_move_by_the_clients_clock_error_beyond_a_minute() {
    for (sent_at, moved) in [
        ("2026-11-21T12:00:00Z", "2026-11-21T11:00:00.000000Z"),
        ("2026-11-21T11:59:00Z", "2026-11-21T11:00:00.000000Z"),
        ("2026-11-21T12:01:00Z", "2026-11-21T11:00:00.000000Z"),
        ("2026-11-21T11:58:59Z", "2026-11-21T11:01:01.000000Z"),
        ("2026-11-21T12:01:01Z", "2026-11-21T10:58:59.000000Z"),
        ("2026-11-21T11:00:00Z", "2026-11-21T12:00:00.000000Z"),
        ("2027-11-21T12:00:00Z", "2025-11-21T11:00:00.000000Z"),
    ] {
        let around = Circumstances { sent_at: Some(time(sent_at)), ..around() };
        let was_moved = moved != "2026-11-21T11:00:00.000000Z";
        let document = r#"{"timestamp":"2026-11-21T11:00:00Z"}"#;
        check_around(&around, document, "timestamp", &format!("\"{moved}\""));
        let notes: &[_] = if was_moved { &["clock_drift timestamp"] } else { &[] };
        check_notes(&around, document, notes);
        let value = if was_moved { r#""2026-11-21T11:00:00.000000Z""# } else { "" };
        check_around(&around, document, "errors/0/value", value);
    }
}

#[test]
fn breadcrumbs_move_with_their_event() {
    let crumbs = r#""breadcrumbs":[{"timestamp":"2026-11-21T10:59:00Z"},{"timestamp":1795258740},
        {"timestamp":"yesterday"},{"message":"no time"}]"#;
    let moved = r#"[{"timestamp":"2026-11-21T11:59:00.000000Z"},{"timestamp":"2026-11-21T11:59:00.000000Z"},{"timestamp":"yesterday"},{"message":"no time"}]"#;
    let kept = r#"[{"timestamp":"2026-11-21T10:59:00Z"},{"timestamp":1795258740},{"timestamp":"yesterday"},{"message":"no time"}]"#;
    let slow = Circumstances { sent_at: Some(time("2026-11-21T11:00:00Z")), ..around() };
    for timestamp in [r#""timestamp":"2026-11-21T11:00:00Z","#, ""] {
        let document = format!("{{{timestamp}{crumbs}}}");
        check_around(&slow, &document, "breadcrumbs/values", moved);
        check_around(&around(), &document, "breadcrumbs/values", kept);
        check_notes(&slow, &document, &["clock_drift timestamp"]);
    }
}

#[test]
fn a_time_that_moves_into_the_future_is_no_time() {
    let slow = Circumstances { sent_at: Some(time("2026-11-21T11:00:00Z")), ..around() };
    let document = r#"{"timestamp":"2026-11-21T11:02:00Z"}"#;
    check_around(&slow, document, "timestamp", r#""2026-11-21T12:00:00.000000Z""#);
    check_notes(&slow, document, &["clock_drift timestamp", "future_timestamp timestamp"]);
}

#[test]
fn level_and_platform_have_defaults() {
    for (document, level, platform) in [
        ("{}", "error", "other"),
        (r#"{"level":"warning","platform":"go"}"#, "warning", "go"),
        (r#"{"level":"loud","platform":""}"#, "error", "other"),
        (r#"{"level":null,"platform":" "}"#, "error", "other"),
    ] {
        check(document, "level", &format!("\"{level}\""));
        check(document, "platform", &format!("\"{platform}\""));
    }
}

#[test]
fn names_are_one_line_without_blanks_around_or_nothing() {
    for field in ["release", "dist", "environment", "server_name", "site", "logger"] {
        for (sent, kept) in [
            ("name", r#""name""#),
            (" a b\\t", r#""a b""#),
            ("a\\r\\nb", r#""a  b""#),
            ("a\\tb", r#""a b""#),
            ("", ""),
            (" \\n ", ""),
        ] {
            check(&format!(r#"{{"{field}":"{sent}"}}"#), field, kept);
        }
    }
}

#[test]
fn a_transaction_stays_as_sent_unless_it_is_blank() {
    for (sent, kept) in
        [("/cart", r#""/cart""#), (" a\\nb ", r#"" a\nb ""#), ("", ""), (" \\n", "")]
    {
        check(&format!(r#"{{"transaction":"{sent}"}}"#), "transaction", kept);
    }
}

const TRACE: &str = r#"{"frames":[{"function":"f"}]}"#;
const OTHER_TRACE: &str = r#"{"frames":[{"function":"g"}]}"#;

#[test]
fn a_lone_stack_trace_goes_to_the_only_exception() {
    let document =
        |exceptions: &str| format!(r#"{{"exception":[{exceptions}],"stacktrace":{TRACE}}}"#);
    for (exceptions, own, left) in [
        (r#"{"type":"E"}"#.to_owned(), TRACE, ""),
        (format!(r#"{{"type":"E","stacktrace":{OTHER_TRACE}}}"#), OTHER_TRACE, TRACE),
        (r#"{"type":"E"},{"type":"F"}"#.to_owned(), "", TRACE),
        (String::new(), "", TRACE),
    ] {
        check(&document(&exceptions), "exception/values/0/stacktrace", own);
        check(&document(&exceptions), "stacktrace", left);
    }
}

#[test]
fn the_trace_of_the_crashed_thread_goes_to_the_only_exception() {
    let crashed = format!(r#"{{"id":1,"crashed":true,"stacktrace":{TRACE}}}"#);
    let running = format!(r#"{{"id":2,"crashed":false,"stacktrace":{OTHER_TRACE}}}"#);
    for (exceptions, threads, own, left) in [
        (r#"{"type":"E"}"#, [&running, &crashed], r#""f""#, ""),
        (r#"{"type":"E"}"#, [&running, &running], "", OTHER_TRACE),
        (r#"{"type":"E"}"#, [&crashed, &crashed], "", TRACE),
        (r#"{"type":"E"},{"type":"F"}"#, [&running, &crashed], "", TRACE),
        (r#"{"type":"E","stacktrace":{"lang":"c"}}"#, [&running, &crashed], "", TRACE),
    ] {
        let [first, second] = threads;
        let document = format!(r#"{{"exception":[{exceptions}],"threads":[{first},{second}]}}"#);
        check(&document, "exception/values/0/stacktrace/frames/0/function", own);
        check(&document, "threads/values/1/stacktrace", left);
    }
}

#[test]
fn the_lone_trace_comes_before_the_crashed_thread_s() {
    let document = format!(
        r#"{{"exception":[{{"type":"E"}}],"stacktrace":{TRACE},
            "threads":[{{"crashed":true,"stacktrace":{OTHER_TRACE}}}]}}"#
    );
    check(&document, "exception/values/0/stacktrace", TRACE);
    check(&document, "threads/values/0/stacktrace", OTHER_TRACE);
}

/// Normalizes one frame wherever one can stand.
#[track_caller]
fn check_frame(frame: &str, expected: &str) {
    let trace = format!(r#"{{"frames":[{frame}]}}"#);
    let document = format!(
        r#"{{"exception":[{{"type":"E","stacktrace":{trace},"raw_stacktrace":{trace}}}],
            "stacktrace":{trace},"threads":[{{"id":1,"stacktrace":{trace}}}]}}"#
    );
    for owner in [
        "exception/values/0/stacktrace",
        "exception/values/0/raw_stacktrace",
        "stacktrace",
        "threads/values/0/stacktrace",
    ] {
        check(&document, &format!("{owner}/frames/0"), expected);
    }
}

#[test]
fn a_file_is_its_own_full_path_where_none_is_given() {
    for (frame, expected) in [
        (r#"{"filename":"a.py"}"#, r#"{"filename":"a.py","abs_path":"a.py"}"#),
        (r#"{"filename":"a.py","abs_path":""}"#, r#"{"filename":"a.py","abs_path":"a.py"}"#),
        (r#"{"filename":"a.py","abs_path":"/a.py"}"#, r#"{"filename":"a.py","abs_path":"/a.py"}"#),
        (r#"{"abs_path":"/a.py"}"#, r#"{"abs_path":"/a.py"}"#),
        (r#"{"function":"f"}"#, r#"{"function":"f"}"#),
    ] {
        check_frame(frame, expected);
    }
}

#[test]
fn a_file_named_by_a_url_is_called_by_its_path() {
    for (url, path) in [
        ("http://shop.example/js/a.js", Some("/js/a.js")),
        ("https://shop.example:8443/js/a.js?v=1#top", Some("/js/a.js")),
        ("https://shop.example/js/a.js#top?v=1", Some("/js/a.js")),
        ("file:///C:/shop/a.js", Some("/C:/shop/a.js")),
        ("file:/shop/a.js", Some("/shop/a.js")),
        ("applewebdata://1B2C/a.js", Some("/a.js")),
        ("http://shop.example/", Some("/")),
        // As it is spelled, and not as a browser would ask for it.
        ("http://shop.example/ñ/../a b%20c.js", Some("/ñ/../a b%20c.js")),
        ("http://shop.example/a;v=1/b.js;jsessionid=1;c", Some("/a;v=1/b.js")),
        ("file:///a.js;v=1", Some("/a.js;v=1")),
        ("http:http:a.js", Some("a.js")),
        ("http://shop.example", None),
        ("http://shop.example?v=/a.js", None),
    ] {
        let path = path.map(|path| format!(r#""filename":"{path}","#)).unwrap_or_default();
        check_frame(
            &format!(r#"{{"filename":"{url}"}}"#),
            &format!(r#"{{{path}"abs_path":"{url}"}}"#),
        );
    }
    for name in ["webpack:///./a.js", "app:///a.js", "HTTP://a/b.js", "httpx.js", "/a.js", "a:b"] {
        let frame = format!(r#"{{"filename":"{name}","abs_path":"/x"}}"#);
        check_frame(&frame, &frame);
    }
}

/// The user's address of an event that came from `198.51.100.7`, and from an unknown place.
#[track_caller]
fn check_address(document: &str, expected: &str, unconnected: &str) {
    let connected = Circumstances { client_ip: "198.51.100.7".parse().ok(), ..around() };
    for (around, expected) in [(connected, expected), (around(), unconnected)] {
        let expected = if expected.is_empty() { String::new() } else { format!("\"{expected}\"") };
        check_around(&around, document, "user/ip_address", &expected);
    }
}

/// An event of a platform with a user's address, an SDK's setting and a server's variable.
fn from(platform: &str, address: &str, infer_ip: &str, remote: &str) -> String {
    let member = |key: &str, value: &str| match value {
        "" => String::new(),
        value => format!(r#""{key}":{value}"#),
    };
    format!(
        r#"{{"platform":"{platform}","user":{{"id":"7",{}}},"sdk":{{"settings":{{{}}}}},
            "request":{{"env":{{{}}}}}}}"#,
        member("ip_address", address),
        member("infer_ip", infer_ip),
        member("REMOTE_ADDR", remote),
    )
    .replace(",}", "}")
}

#[test]
fn a_valid_address_is_kept_whatever_else_is_known() {
    for (address, kept) in [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
    ] {
        let address = format!("\"{address}\"");
        for infer_ip in ["", r#""auto""#, r#""never""#] {
            for platform in ["javascript", "python"] {
                let document = from(platform, &address, infer_ip, r#""192.0.2.1""#);
                check_address(&document, kept, kept);
            }
        }
    }
}

#[test]
fn without_an_address_it_is_found_in_relay_s_order() {
    const CONNECTION: &str = "198.51.100.7";
    const AUTO: &str = r#""{{auto}}""#;
    const REMOTE: &str = r#""192.0.2.1""#;
    let remote = "192.0.2.1";
    for (platform, address, infer_ip, variable, expected, unconnected) in [
        // `{{auto}}` asks for the connection's, then for the server's variable.
        ("python", AUTO, "", "", CONNECTION, ""),
        ("python", AUTO, "", REMOTE, CONNECTION, remote),
        ("javascript", AUTO, "", "", CONNECTION, ""),
        ("python", AUTO, r#""auto""#, REMOTE, CONNECTION, remote),
        // The server's variable comes before the connection.
        ("python", "", "", REMOTE, remote, remote),
        ("javascript", "", "", REMOTE, remote, remote),
        ("python", "", "", r#""not an address""#, "", ""),
        ("javascript", "", "", r#""not an address""#, CONNECTION, ""),
        ("python", "", "", "7", "", ""),
        // Only some platforms run on the user's own device.
        ("javascript", "", "", "", CONNECTION, ""),
        ("cocoa", "", "", "", CONNECTION, ""),
        ("objc", "", "", "", CONNECTION, ""),
        ("python", "", "", "", "", ""),
        ("node", "", "", "", "", ""),
        ("other", "", "", "", "", ""),
        // What the SDK was told decides.
        ("python", "", r#""auto""#, "", CONNECTION, ""),
        ("javascript", "", r#""auto""#, "", CONNECTION, ""),
        ("python", "", r#""auto""#, REMOTE, remote, remote),
        ("javascript", "", r#""never""#, "", "", ""),
        ("javascript", AUTO, r#""never""#, "", "", ""),
        ("python", "", r#""never""#, REMOTE, "", ""),
        ("javascript", "", r#""legacy""#, "", CONNECTION, ""),
        ("python", "", r#""legacy""#, "", "", ""),
        ("javascript", "", "null", "", CONNECTION, ""),
        // A word of tomorrow is no permission.
        ("javascript", AUTO, r#""sometimes""#, REMOTE, "", ""),
        ("javascript", "", "true", REMOTE, "", ""),
    ] {
        let document = from(platform, address, infer_ip, variable);
        check_address(&document, expected, unconnected);
        check_around(&around(), &document, "user/id", r#""7""#);
    }
}

#[test]
fn an_invalid_address_is_noted_and_replaced() {
    let document = from("javascript", r#""localhost""#, "", "");
    check_address(&document, "198.51.100.7", "");
    check_notes(&around(), &document, &["invalid_data user.ip_address"]);
    check(&document, "errors/0/value", r#""localhost""#);
    let document = from("javascript", r#""{{auto}}""#, "", "");
    check_notes(&around(), &document, &[]);
}

#[test]
fn a_user_is_made_for_an_address_and_unmade_without_anything() {
    let browser = r#"{"platform":"javascript"}"#;
    check_address(browser, "198.51.100.7", "");
    check(browser, "user", "");
    check(r#"{"user":{"ip_address":"{{auto}}"}}"#, "user", "");
    check(r#"{"user":{"ip_address":"nowhere"}}"#, "user", "");
}

#[test]
fn a_browser_s_user_agent_is_taken_from_the_connection() {
    let around = Circumstances { user_agent: Some("Browser/1.0".into()), ..around() };
    let found = r#"[["User-Agent","Browser/1.0"]]"#;
    for (document, headers) in [
        (r#"{"platform":"javascript"}"#, found),
        (r#"{"platform":"javascript","request":{"url":"http://a/"}}"#, found),
        (
            r#"{"platform":"javascript","request":{"headers":{"user-agent":"Own/2.0"}}}"#,
            r#"[["User-Agent","Own/2.0"]]"#,
        ),
        (
            r#"{"platform":"javascript","request":{"headers":{"Accept":"*"}}}"#,
            r#"[["Accept","*"],["User-Agent","Browser/1.0"]]"#,
        ),
        (r#"{"platform":"node"}"#, ""),
        ("{}", ""),
    ] {
        check_around(&around, document, "request/headers", headers);
    }
    check(r#"{"platform":"javascript"}"#, "request", "");
}

#[test]
fn contexts_say_their_type() {
    check(
        r#"{"contexts":{"os":{"name":"Linux"},"main":{"name":"x","type":"browser"},
            "gpu":{"type":null},"odd":7,"none":null}}"#,
        "contexts",
        r#"{"os":{"type":"os","name":"Linux"},"main":{"type":"browser","name":"x"},"gpu":{"type":"gpu"},"odd":{"type":"odd","value":7}}"#,
    );
}

#[test]
fn ids_of_traces_are_hexadecimal_or_missing() {
    let (trace, span) = ("0123456789abcdef0123456789ABCDEF", "0123456789abcdef");
    for (key, value, expected) in [
        ("trace_id", format!("\"{trace}\""), format!("\"{trace}\"")),
        ("trace_id", format!("\"{span}\""), String::new()),
        ("trace_id", format!("\"{}\"", trace.replace('a', "x")), String::new()),
        ("trace_id", "7".to_owned(), String::new()),
        ("span_id", format!("\"{span}\""), format!("\"{span}\"")),
        ("span_id", format!("\"{trace}\""), String::new()),
        ("parent_span_id", format!("\"{span}\""), format!("\"{span}\"")),
        ("parent_span_id", "null".to_owned(), String::new()),
        ("op", "\"db\"".to_owned(), "\"db\"".to_owned()),
    ] {
        let document = format!(r#"{{"contexts":{{"trace":{{"{key}":{value}}}}}}}"#);
        check(&document, &format!("contexts/trace/{key}"), &expected);
    }
    check(r#"{"contexts":{"other":{"trace_id":"x"}}}"#, "contexts/other/trace_id", r#""x""#);
}

/// Normalizing a normalized event changes nothing, and neither does storing it in between.
#[track_caller]
fn check_twice(document: &str, around: &Circumstances) {
    let mut event = Event::read(document).unwrap();
    normalize(&mut event, around);
    let once = written(&event);
    normalize(&mut event, around);
    assert_eq!(written(&event), once, "{document}");
    assert_eq!(normalized(&once, around), once, "{document}");
}

#[test]
fn what_is_moved_cut_or_found_is_so_once() {
    let busy = Circumstances {
        sent_at: Some(time("2026-11-21T11:00:00Z")),
        client_ip: "198.51.100.7".parse().ok(),
        user_agent: Some("Browser/1.0".into()),
        ..around()
    };
    let blank_end = |characters: usize| format!("{} {}", "x".repeat(characters - 1), "y".repeat(9));
    for document in [
        r#"{"timestamp":"2026-11-21T11:00:00Z","breadcrumbs":[{"timestamp":1795258740}]}"#.into(),
        r#"{"timestamp":"2026-11-21T11:30:00Z"}"#.into(),
        r#"{"user":{"ip_address":"{{auto}}"},"request":{"env":{"REMOTE_ADDR":"192.0.2.1"}}}"#
            .into(),
        r#"{"user":{"ip_address":"nowhere"},"platform":"javascript"}"#.into(),
        r#"{"tags":[[" environment ","a\u0007"],["environment","b"],["x y","1"],["x-y","2"]]}"#
            .into(),
        format!(r#"{{"release":"{}","tags":{{"a":"{}"}}}}"#, blank_end(250), blank_end(200)),
        format!(r#"{{"transaction":"{}x","platform":"{}x"}}"#, " ".repeat(1024), " ".repeat(64)),
        format!(r#"{{"contexts":{{"a":{{"b":"{}","type":"c"}}}}}}"#, "x".repeat(200_000)),
        format!(r#"{{"contexts":{{"a":{{"{}":1,"c":2}}}}}}"#, "b".repeat(200_000)),
        r#"{"stacktrace":{"frames":[{"filename":"http:http://a/b;c"}]}}"#.into(),
        r#"{"exception":[{"type":"E"}],"stacktrace":{"frames":[{"function":"f"}]},
            "threads":[{"crashed":true,"stacktrace":{"frames":[{"function":"g"}]}}]}"#
            .into(),
    ] {
        let document: String = document;
        check_twice(&document, &busy);
        check_twice(&document, &around());
    }
}

/// Text that is blank, long, odd or plain.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ñ\n\t\u{7}/:.-]{0,12}",
        (0_usize..12, 60_usize..270, 0_usize..3)
            .prop_map(|(blanks, letters, end)| " ".repeat(blanks)
                + &"ñ".repeat(letters)
                + &" y".repeat(end)),
        prop::sample::select(vec![
            "{{auto}}",
            "203.0.113.9",
            "nowhere",
            "javascript",
            "cocoa",
            "native",
            "auto",
            "never",
            "environment",
            "http://a/b.js;c?d",
            "http:file:x",
            "2026-11-21T11:00:00Z",
            "2027-01-01T00:00:00Z",
            "0123456789abcdef",
            "{{ default }}",
        ])
        .prop_map(str::to_owned),
    ]
}

/// A value of any shape, with keys that mean something somewhere.
fn any_value() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Integer),
        (1_795_000_000_i64..1_796_000_000).prop_map(Json::Integer),
        any_text().prop_map(Json::from),
        Just(Json::from("x".repeat(20_000))),
    ];
    let key = prop::sample::select(vec![
        "values",
        "type",
        "value",
        "module",
        "mechanism",
        "handled",
        "synthetic",
        "stacktrace",
        "frames",
        "filename",
        "abs_path",
        "function",
        "in_app",
        "vars",
        "pre_context",
        "crashed",
        "id",
        "ip_address",
        "email",
        "env",
        "REMOTE_ADDR",
        "url",
        "headers",
        "data",
        "name",
        "version",
        "trace",
        "trace_id",
        "os",
        "browser",
        "device",
        "model",
        "settings",
        "infer_ip",
        "timestamp",
        "message",
        "category",
        "formatted",
        "params",
        "environment",
        " environment ",
        "key",
        "a b",
        "a-b",
    ]);
    leaf.prop_recursive(6, 60, 5, move |inner| {
        let members = prop::collection::btree_map(key.clone(), inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Json::Array),
            members.prop_map(|members| {
                Json::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever stands in whichever field, normalizing it twice is normalizing it once.
    #[test]
    fn normalizing_is_done_once(
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "timestamp", "level", "platform", "logger", "message", "logentry", "exception",
                "stacktrace", "threads", "breadcrumbs", "request", "user", "contexts", "tags",
                "extra", "modules", "sdk", "release", "dist", "environment", "server_name", "site",
                "transaction", "fingerprint", "debug_meta", "template", "csp", "errors",
                "brand_new",
            ]),
            any_value(),
            0..10,
        ),
        drift in prop::option::of(-200_i64..200),
        is_connected in any::<bool>(),
    ) {
        let members: Vec<_> =
            fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let around = Circumstances {
            sent_at: drift.map(|drift| around().received - TimeDelta::seconds(drift)),
            client_ip: is_connected.then(|| "198.51.100.7".parse().unwrap()),
            user_agent: is_connected.then(|| "Browser/1.0".into()),
            ..around()
        };
        check_twice(&format!("{{{}}}", members.join(",")), &around);
    }
}
