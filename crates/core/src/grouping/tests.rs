use mishap_protocol::json::{Json, Writer};
use proptest::prelude::*;

use super::*;
use crate::issue::IssueType;

fn hashes(document: &str) -> GroupingHashes {
    GroupingHashes::of(&Event::read(document).unwrap())
}

/// Whether `stack-1` sees one cause in two events.
#[track_caller]
fn check(one: &str, other: &str, same: bool) {
    assert_eq!(hashes(one).stack_1 == hashes(other).stack_1, same, "{one}\n{other}");
}

#[test]
fn glitchtip_hashes_are_bit_exact() {
    let zero = "ZeroDivisionError: division by zero";
    let csp = "Blocked 'style' from 'evil.example'";
    let none: &[Option<&str>] = &[];
    for (title, culprit, issue_type, fingerprint, expected) in [
        (zero, "/polls/", IssueType::Error, none, "afa1987eef1d5e530bda88461f5037bc"),
        ("hello world", "", IssueType::Default, none, "1911d7f1b599a4ed47926ceb8f3414e5"),
        (csp, "style-src", IssueType::Csp, none, "b023abaaa77d8bad5e1be5fe8518560b"),
        (
            zero,
            "/polls/",
            IssueType::Error,
            &[Some("{{ default }}"), Some("tenant-7")],
            "a06f340e3011291dfeac5bb750d30217",
        ),
        (zero, "", IssueType::Error, &[Some("a"), Some("b")], "187ef4436122d1cc2f40dc2b92f0eba0"),
        (zero, "", IssueType::Error, &[None], "d41d8cd98f00b204e9800998ecf8427e"),
    ] {
        let hash = glitchtip::hash_of(title, culprit, issue_type, fingerprint.iter().copied());
        assert_eq!(hash.to_string(), expected, "{title}");
    }
}

/// Events cut down to what GlitchTip's grouping looks at, with the hashes that GlitchTip gives.
#[test]
fn glitchtip_hashes_of_whole_events_are_bit_exact() {
    for (document, expected) in [
        (r#"{}"#, "86fcfe0775d8805860dcd9534eefb4c8"),
        (r#"{"message":"hi"}"#, "67ba7b0f6d1faa0f78dd85c3a1daa2e0"),
        (
            r#"{"transaction":"/divide-zero/","exception":{"values":[
                {"type":"ZeroDivisionError","value":"division by zero"}]}}"#,
            "bf11df6ff7d8daef519bcf858712085e",
        ),
        (
            r#"{"transaction":"/logger-warning/","logentry":
                {"message":"This is a warning: %s","params":["warning"]}}"#,
            "2ab6d1c5ca23147eab8e0729365ede8e",
        ),
        (
            r#"{"message":"My raw message with interpreted strings8 like {foo}",
                "request":{"url":"http://localhost:8080/"}}"#,
            "8bbe6a687d219fdaca702c4075205914",
        ),
        (
            r#"{"platform":"go","exception":[{"type":"*os.PathError",
                "value":"open ./test.txt: no such file or directory","stacktrace":{"frames":[
                {"function":"main","module":"main","in_app":true}]}}]}"#,
            "07d5c88f5397b76fe824f8545f7a5b25",
        ),
        (
            r#"{"platform":"javascript","exception":{"values":[{"type":"Error",
                "value":"this is an error","stacktrace":{"frames":[
                {"function":"?","filename":"http://localhost:8000/dist/bundle.js","in_app":true}]}}]}}"#,
            "4509248c797ff7971a03d77660e1c525",
        ),
        (
            r#"{"platform":"csharp","exception":{"values":[{"type":"System.DivideByZeroException",
                "value":"Attempted to divide by zero.","stacktrace":{"frames":[
                {"function":"Run","module":"Microsoft","in_app":false},
                {"function":"DivideByZero","module":"myWebApp.Pages.DivideZeroModel","in_app":true}]}}]}}"#,
            "bbf692bec6b8e369b93cec73f26bc230",
        ),
        (
            r#"{"fingerprint":["foo"],"transaction":"/fingerprint/",
                "exception":[{"type":"Exception","value":"something 9"}]}"#,
            "acbd18db4cc2f85cedef654fccc4a4d8",
        ),
    ] {
        let mut event = Event::read(document).unwrap();
        for trace in crate::normalize::stacktraces(&mut event) {
            for frame in &mut trace.frames {
                crate::normalize::complete_path(frame);
            }
        }
        assert_eq!(GroupingHashes::of(&event).glitchtip.to_string(), expected, "{document}");
    }
}

/// One error with a stack trace of three frames, the middle one from a library.
fn error(value: &str, line: u32, library: &str, code: &str) -> String {
    format!(
        r#"{{"platform":"python","exception":{{"values":[{{"type":"KeyError","value":"{value}",
            "stacktrace":{{"frames":[
            {{"module":"shop.views","function":"checkout","lineno":{line},"in_app":true}},
            {{"module":"{library}","function":"call","lineno":7,"in_app":false}},
            {{"module":"shop.cart","function":"total","lineno":{line},"in_app":true,
              "context_line":"{code}"}}]}}}}]}}}}"#
    )
}

#[test]
fn the_program_s_own_frames_decide() {
    let first = error("'id'", 10, "django.core", "return prices[id]");
    check(&first, &error("'other'", 99, "flask.app", "return prices[id]"), true);
    check(&first, &error("'id'", 10, "django.core", "return taxes[id]"), false);
    check(&first, &first.replace("KeyError", "ValueError"), false);
    check(&first, &first.replace("checkout", "refund"), false);
}

#[test]
fn without_own_frames_every_frame_counts() {
    let first = error("'id'", 10, "django.core", "x").replace("true", "false");
    check(&first, &error("'id'", 10, "flask.app", "x").replace("true", "false"), false);
    let unmarked = first.replace(r#","in_app":false"#, "");
    check(&first, &unmarked, true);
}

#[test]
fn recursion_counts_once() {
    let frame = r#"{"module":"m","function":"f","in_app":true}"#;
    let deep = |times: usize| {
        let frames = vec![frame; times].join(",");
        format!(r#"{{"exception":[{{"type":"E","stacktrace":{{"frames":[{frames}]}}}}]}}"#)
    };
    check(&deep(1), &deep(50), true);
}

#[test]
fn without_frames_the_message_decides_without_its_values() {
    let error = |value: &str| format!(r#"{{"exception":[{{"type":"E","value":"{value}"}}]}}"#);
    check(&error("no user 17"), &error("no user 42"), true);
    check(&error("no user 17"), &error("no order 17"), false);
    check(r#"{"message":"took 12ms"}"#, r#"{"message":"took 15ms"}"#, true);
    check(r#"{"message":"took 12ms"}"#, r#"{"message":"needed 12ms"}"#, false);
    check(
        r#"{"logentry":{"message":"hi %s","params":["ann"]}}"#,
        r#"{"logentry":{"message":"hi %s","params":["bob"]}}"#,
        true,
    );
}

#[test]
fn a_new_build_keeps_its_issues() {
    let error = |file: &str| {
        format!(
            r#"{{"platform":"javascript","exception":[{{"type":"TypeError","value":"x",
                "stacktrace":{{"frames":[{{"function":"e","filename":"/static/{file}",
                "lineno":1,"colno":7,"in_app":true}}]}}}}]}}"#
        )
    };
    check(&error("main.3f9a1c7e.js"), &error("main.77b0e2d1.js"), true);
    check(&error("main.3f9a1c7e.js"), &error("vendor.3f9a1c7e.js"), false);
}

#[test]
fn threads_reports_and_templates_are_told_apart() {
    let thread = |function: &str| {
        format!(
            r#"{{"threads":[{{"id":1,"crashed":true,"stacktrace":{{"frames":[
                {{"function":"{function}"}}]}}}},{{"id":2}}]}}"#
        )
    };
    check(&thread("a_function"), &thread("a_function"), true);
    check(&thread("a_function"), &thread("b_function"), false);
    let report = |directive: &str, uri: &str| {
        format!(
            r#"{{"csp":{{"effective-directive":"{directive}","blocked-uri":"{uri}",
                "document-uri":"https://a.example/x"}}}}"#
        )
    };
    check(
        &report("img-src", "https://b.example/1"),
        &report("img-src", "https://b.example/2"),
        true,
    );
    check(
        &report("img-src", "https://b.example/1"),
        &report("img-src", "https://c.example/1"),
        false,
    );
    check(
        &report("img-src", "https://b.example/1"),
        &report("font-src", "https://b.example/1"),
        false,
    );
    check(&report("img-src", "https://a.example/1"), &report("img-src", "self"), true);
    let template =
        |line: &str| format!(r#"{{"template":{{"filename":"t.html","context_line":"{line}"}}}}"#);
    check(&template("a"), &template("b"), false);
}

#[test]
fn a_fingerprint_replaces_the_default_or_refines_it() {
    let event = |fingerprint: &str, message: &str| {
        format!(r#"{{"fingerprint":{fingerprint},"message":"{message}"}}"#)
    };
    check(&event(r#"["a"]"#, "x"), &event(r#"["a"]"#, "y"), true);
    check(&event(r#"["a","bc"]"#, "x"), &event(r#"["ab","c"]"#, "x"), false);
    check(&event(r#"["{{ default }}"]"#, "x"), &event(r#"["{{default}}"]"#, "x"), true);
    check(&event(r#"["{{ default }}","t"]"#, "x"), &event(r#"["{{ default }}","t"]"#, "y"), false);
    check(&event("[]", "x"), r#"{"message":"x"}"#, true);
    check(&event("[null]", "x"), &event("[]", "x"), false);
}

const A: IssueId = IssueId(1);
const B: IssueId = IssueId(2);

/// An event with made-up hashes.
fn made_up(glitchtip: u8, stack_1: u8) -> GroupingHashes {
    GroupingHashes {
        glitchtip: GroupingHash([glitchtip; 16]),
        stack_1: GroupingHash([stack_1; 16]),
    }
}

fn known(mechanism: GroupingMechanism, hash: u8, issue: IssueId, decides: bool) -> KnownHash {
    KnownHash { mechanism, hash: GroupingHash([hash; 16]), issue, decides }
}

#[test]
fn a_hash_of_an_unused_mechanism_does_not_join_issues() {
    use GroupingMechanism::{GlitchTip, Stack1};
    // Two stack traces with the same title: under `stack-1` they are two issues.
    let rows = [known(Stack1, 1, A, true), known(GlitchTip, 9, A, false)];
    assert_eq!(choose(&made_up(9, 1), Stack1, &rows), Some(A));
    assert_eq!(choose(&made_up(9, 2), Stack1, &rows), None);
}

#[test]
fn a_change_of_mechanism_keeps_issues_whole() {
    use GroupingMechanism::{GlitchTip, Stack1};
    // An issue founded by GlitchTip's hash, whose events have many stacks.
    let rows = [known(GlitchTip, 9, A, true), known(Stack1, 1, A, false)];
    assert_eq!(choose(&made_up(9, 1), Stack1, &rows), Some(A));
    assert_eq!(choose(&made_up(9, 2), Stack1, &rows), Some(A));
    // Two issues founded by their stacks, with one title; then the project moves to GlitchTip's.
    let rows =
        [known(Stack1, 1, A, true), known(Stack1, 2, B, true), known(GlitchTip, 9, A, false)];
    assert_eq!(choose(&made_up(9, 1), GlitchTip, &rows), Some(A));
    assert_eq!(choose(&made_up(9, 2), GlitchTip, &rows), Some(B));
    assert_eq!(choose(&made_up(9, 3), GlitchTip, &rows), Some(A));
    assert_eq!(choose(&made_up(8, 3), GlitchTip, &rows), None);
}

proptest! {
    /// The order of members in the payload does not matter.
    #[test]
    fn key_order_does_not_matter(seed in 0_usize..24) {
        let mut members = [
            r#""platform":"python""#,
            r#""message":"m""#,
            r#""transaction":"/t""#,
            r#""exception":[{"value":"v","type":"T"}]"#,
        ];
        let forward = format!("{{{}}}", members.join(","));
        members.rotate_left(seed % 4);
        members.swap(0, seed % 3);
        let other = format!("{{{}}}", members.join(","));
        prop_assert_eq!(hashes(&forward), hashes(&other));
    }

    /// What is stored gives the same hashes as what was sent.
    #[test]
    fn writing_an_event_keeps_its_hashes(value in "[ -~]{0,40}", function in "[a-zA-Z_$.<>0-9]{0,20}") {
        let value = Json::from(value.as_str());
        let function = Json::from(function.as_str());
        let document = format!(
            r#"{{"exception":[{{"type":"E","value":{value},"stacktrace":{{"frames":[
                {{"function":{function},"in_app":true}}]}}}}]}}"#
        );
        let event = Event::read(&document).unwrap();
        let mut writer = Writer::new();
        event.write(&mut writer);
        let stored = writer.into_string();
        prop_assert_eq!(hashes(&stored), GroupingHashes::of(&event));
    }
}
