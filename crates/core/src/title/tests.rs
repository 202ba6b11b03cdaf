use super::*;

fn read(document: &str) -> Event<'_> {
    Event::read(document).unwrap()
}

/// An event with one exception of the given members.
fn error(members: &str) -> String {
    format!(r#"{{"exception":{{"values":[{{{members}}}]}}}}"#)
}

/// An event with one exception that has the given frames, in JSON without their brackets.
fn traced(platform: &str, frames: &str) -> String {
    format!(
        r#"{{"platform":"{platform}","request":{{"url":"http://shop.example/cart?id=7"}},
            "exception":[{{"type":"E","value":"v","stacktrace":{{"frames":[{frames}]}}}}]}}"#
    )
}

#[track_caller]
fn check_title(document: &str, issue_type: IssueType, expected: &str) {
    let headline = headline(&read(document));
    assert_eq!(
        (headline.issue_type, headline.title.as_str()),
        (issue_type, expected),
        "{document}"
    );
}

#[track_caller]
fn check_culprit(document: &str, expected: &str) {
    assert_eq!(headline(&read(document)).culprit, expected, "{document}");
}

/// Type, value, file and function of an event's metadata.
#[track_caller]
fn check_metadata(document: &str, expected: [Option<&str>; 4]) {
    let Metadata { error_type, value, filename, function } = headline(&read(document)).metadata;
    let said = [&error_type, &value, &filename, &function].map(|part| part.as_deref());
    assert_eq!(said, expected, "{document}");
}

#[test]
fn an_error_is_called_by_its_type_and_the_first_line_of_its_value() {
    for (members, expected) in [
        (r#""type":"KeyError","value":"'id'""#, "KeyError: 'id'"),
        (r#""type":"KeyError","value":"""#, "KeyError"),
        (r#""type":"KeyError","value":null"#, "KeyError"),
        (r#""type":"KeyError""#, "KeyError"),
        (r#""value":"boom""#, "Error: boom"),
        (r#""type":"","value":"boom""#, "Error: boom"),
        (r#""type":"E","value":"first\nsecond""#, "E: first"),
        (r#""type":"E","value":"first\r\nsecond""#, "E: first"),
        (r#""type":"E","value":"first\u2028second""#, "E: first"),
        (r#""type":"E","value":"\nsecond""#, "E: "),
        (r#""type":"E","value":" spaced ""#, "E:  spaced "),
        (r#""type":"two\nlines","value":"v""#, "two\nlines: v"),
        (r#""type":"E","value":{"code":7}"#, r#"E: {"code":7}"#),
    ] {
        check_title(&error(members), IssueType::Error, expected);
    }
}

#[test]
fn the_raised_exception_counts_and_not_its_cause() {
    check_title(
        r#"{"message":"m","exception":[{"type":"Cause","value":"c"},{"type":"Raised","value":"r"}]}"#,
        IssueType::Error,
        "Raised: r",
    );
}

#[test]
fn a_synthetic_exception_is_called_by_its_function() {
    let synthetic = |frames: &str| {
        error(&format!(
            r#""type":"SIGSEGV","value":"v","mechanism":{{"type":"signal","synthetic":true}},
                "stacktrace":{{"frames":[{frames}]}}"#
        ))
    };
    for (frames, expected) in [
        ("", "<unknown>"),
        (r#"{"function":"handle"}"#, "handle"),
        (r#"{"function":""}"#, "<unknown>"),
        (r#"{"function":"<redacted>"},{"function":"<unknown>"}"#, "<unknown>"),
        (r#"{"platform":"native","function":"void ns::run(int)"}"#, "ns::run"),
        (r#"{"platform":"python","function":"void ns::run(int)"}"#, "void ns::run(int)"),
    ] {
        check_title(&synthetic(frames), IssueType::Error, expected);
        check_culprit(&synthetic(frames), "");
    }
    let long = format!(r#"{{"function":"{}"}}"#, "f".repeat(101));
    check_title(&synthetic(&long), IssueType::Error, &format!("{}…", "f".repeat(99)));
    check_title(
        &error(r#""type":"E","mechanism":{"type":"m","synthetic":false}"#),
        IssueType::Error,
        "E",
    );
}

#[test]
fn a_message_is_called_by_its_whole_text() {
    for (document, expected) in [
        ("{}", "<untitled>"),
        (r#"{"message":""}"#, "<untitled>"),
        (r#"{"message":"hi"}"#, "hi"),
        (r#"{"logentry":{"formatted":"hi"}}"#, "hi"),
        (r#"{"logentry":{"message":"hi %s","params":["you"]}}"#, "hi you"),
        (r#"{"message":"top","logentry":{"formatted":"below"}}"#, "top"),
        (r#"{"message":"two\nlines"}"#, "two\nlines"),
        (r#"{"message":"\nlate"}"#, "\nlate"),
        (r#"{"exception":[],"message":"m"}"#, "m"),
    ] {
        check_title(document, IssueType::Default, expected);
        check_metadata(document, [None; 4]);
    }
}

#[test]
fn titles_are_cut_to_a_hundred_characters() {
    let text = |letter: &str, times: usize| letter.repeat(times);
    let message = |text: &str| format!(r#"{{"message":"{text}"}}"#);
    for (document, expected) in [
        (message(&text("é", 100)), text("é", 100)),
        (message(&text("é", 101)), text("é", 99) + "…"),
        (error(&format!(r#""type":"{}""#, text("T", 100))), text("T", 100)),
        (error(&format!(r#""type":"{}""#, text("T", 101))), text("T", 99) + "…"),
        (error(&format!(r#""type":"{}","value":"v""#, text("T", 130))), text("T", 99) + "…"),
        (
            error(&format!(r#""type":"E","value":"{}""#, text("é", 97))),
            format!("E: {}", text("é", 97)),
        ),
        (
            error(&format!(r#""type":"E","value":"{}""#, text("é", 98))),
            format!("E: {}…", text("é", 96)),
        ),
        (
            error(&format!(r#""type":"E","value":"{}\nnext""#, text("é", 97))),
            format!("E: {}", text("é", 97)),
        ),
    ] {
        let is_message = document.starts_with(r#"{"message"#);
        let issue_type = if is_message { IssueType::Default } else { IssueType::Error };
        check_title(&document, issue_type, &expected);
    }
}

#[test]
fn the_transaction_is_the_culprit() {
    let exception = r#""exception":[{"type":"E","stacktrace":{"frames":[
        {"module":"m","function":"f","in_app":true}]}}]"#;
    for (member, expected) in [
        (r#""transaction":"/cart/{id}""#, "/cart/{id}"),
        (r#""culprit":"shop.views.cart""#, "shop.views.cart"),
        (r#""transaction":" /cart\n""#, " /cart\n"),
        (r#""transaction":"""#, "m in f"),
        (r#""transaction":null"#, "m in f"),
    ] {
        check_culprit(&format!("{{{member},{exception}}}"), expected);
    }
    check_culprit(r#"{"message":"m","transaction":"/cart"}"#, "/cart");
}

#[test]
fn culprits_are_cut_to_two_hundred_characters() {
    let long = |times: usize| "ü".repeat(times);
    for (document, expected) in [
        (format!(r#"{{"transaction":"{}"}}"#, long(200)), long(200)),
        (format!(r#"{{"transaction":"{}"}}"#, long(201)), long(199) + "…"),
        (format!(r#"{{"request":{{"url":"{}"}}}}"#, long(201)), long(199) + "…"),
        (
            traced("python", &format!(r#"{{"module":"{}","function":"f"}}"#, long(195))),
            long(195) + " in f",
        ),
        (
            traced("python", &format!(r#"{{"module":"{}","function":"f"}}"#, long(196))),
            long(196) + " in…",
        ),
    ] {
        check_culprit(&document, &expected);
    }
}

#[test]
fn a_frame_is_described_as_its_platform_does_it() {
    let frame = r#"{"module":"mod","filename":"file","function":"run(int)","in_app":true}"#;
    for (platform, expected) in [
        ("python", "mod in run(int)"),
        ("csharp", "mod in run(int)"),
        ("swift", "mod in run(int)"),
        ("c", "mod in run(int)"),
        ("javascript", "run(int)(mod)"),
        ("node", "run(int)(mod)"),
        ("native", "run(int)"),
        ("objc", "run(int)"),
        ("cocoa", "run(int)"),
    ] {
        check_culprit(&traced(platform, frame), expected);
        let own = frame.replacen('{', &format!(r#"{{"platform":"{platform}","#), 1);
        check_culprit(&traced("other", &own), expected);
    }
    check_culprit(&traced("native", &frame.replacen('{', r#"{"platform":"","#, 1)), "run(int)");
}

#[test]
fn what_a_frame_lacks_is_left_open() {
    for (platform, frame, expected) in [
        ("python", r#"{"filename":"a.py","function":"f"}"#, "a.py in f"),
        ("python", r#"{"module":"","filename":"a.py","function":"f"}"#, "a.py in f"),
        ("python", r#"{"filename":"a.py"}"#, "a.py in ?"),
        ("python", r#"{"filename":"a.py","function":""}"#, "a.py in ?"),
        ("javascript", r#"{"filename":"a.js"}"#, "?(a.js)"),
        ("native", r#"{"filename":"a.c"}"#, "?"),
        // Without a place to name, the request is all there is.
        ("python", r#"{"function":"f"}"#, "http://shop.example/cart?id=7"),
        ("python", r#"{"abs_path":"/a.py","function":"f"}"#, "http://shop.example/cart?id=7"),
        ("python", "", "http://shop.example/cart?id=7"),
    ] {
        check_culprit(&traced(platform, frame), expected);
    }
    check_culprit(r#"{"message":"m","request":{"url":"http://a/"}}"#, "http://a/");
    check_culprit(r#"{"message":"m"}"#, "");
}

#[test]
fn the_program_s_innermost_frame_is_the_culprit() {
    let own = |name: &str| format!(r#"{{"module":"{name}","function":"f","in_app":true}}"#);
    let library = |name: &str| format!(r#"{{"module":"{name}","function":"f","in_app":false}}"#);
    let nameless = r#"{"function":"f","in_app":true}"#.to_owned();
    let placeless = r#"{"function":"f"}"#.to_owned();
    for (frames, expected) in [
        (vec![own("a"), own("b"), library("c")], "b in f"),
        (vec![own("a"), nameless.clone(), library("c")], "a in f"),
        (vec![library("a"), library("b")], "b in f"),
        (vec![library("a"), nameless.clone()], "a in f"),
        (vec![library("a"), placeless], "http://shop.example/cart?id=7"),
        (vec![nameless], "http://shop.example/cart?id=7"),
    ] {
        check_culprit(&traced("python", &frames.join(",")), expected);
    }
}

#[test]
fn the_last_exception_with_frames_is_the_culprit_s() {
    let frames = |name: &str| format!(r#"{{"frames":[{{"module":"{name}","function":"f"}}]}}"#);
    let document = |last: &str| {
        format!(
            r#"{{"exception":[{{"type":"A","stacktrace":{}}},{{"type":"B","stacktrace":{}}},{last}]}}"#,
            frames("a"),
            frames("b"),
        )
    };
    check_culprit(&document(r#"{"type":"C"}"#), "b in f");
    check_culprit(&document(r#"{"type":"C","stacktrace":{"frames":[]}}"#), "b in f");
    check_culprit(&document(r#"{"type":"C","mechanism":{"synthetic":true}}"#), "");
}

#[test]
fn metadata_names_the_responsible_frame() {
    let frame = |filename: &str, function: &str, in_app: bool| {
        format!(r#"{{"filename":"{filename}","function":"{function}","in_app":{in_app}}}"#)
    };
    for (frames, file, function) in [
        (vec![frame("a", "f", true), frame("b", "g", false)], Some("a"), Some("f")),
        (vec![frame("a", "f", false), frame("b", "g", false)], Some("b"), Some("g")),
        (vec![frame("a", "f", true), frame("b", "<redacted>", true)], Some("a"), Some("f")),
        (vec![frame("a", "f", false), frame("b", "<unknown>", true)], Some("a"), Some("f")),
        (vec![frame("a", "f", true), frame("b", "", true)], Some("b"), None),
        (vec![frame("a", "f", true), r#"{"filename":"b"}"#.into()], Some("a"), Some("f")),
        (vec![frame("a", "<unknown>", true)], None, None),
        (vec![r#"{"abs_path":"/x/a","function":"f"}"#.into()], Some("/x/a"), Some("f")),
        (
            vec![r#"{"filename":"","abs_path":"/x/a","function":"f"}"#.into()],
            Some("/x/a"),
            Some("f"),
        ),
        (vec![], None, None),
    ] {
        let document = traced("python", &frames.join(","));
        check_metadata(&document, [Some("E"), Some("v"), file, function]);
    }
}

#[test]
fn metadata_has_the_function_as_a_person_says_it() {
    for (platform, frame, expected) in [
        ("native", r#"{"function":"void ns::run(int)"}"#, "ns::run"),
        (
            "native",
            r#"{"function":"void ns::run(int)","raw_function":"_ZN2ns3runEi"}"#,
            "void ns::run(int)",
        ),
        ("native", r#"{"function":"void ns::run(int)","raw_function":""}"#, "ns::run"),
        ("python", r#"{"function":"void ns::run(int)"}"#, "void ns::run(int)"),
        ("python", r#"{"function":"void ns::run(int)","platform":"native"}"#, "ns::run"),
        ("native", r#"{"function":"void ns::run(int)","platform":""}"#, "ns::run"),
    ] {
        let document = traced(platform, frame);
        check_metadata(&document, [Some("E"), Some("v"), None, Some(expected)]);
    }
}

#[test]
fn metadata_says_what_was_said_and_no_more_than_fits() {
    check_metadata(&error(r#""type":"E""#), [Some("E"), None, None, None]);
    check_metadata(&error(r#""value":"a\nb""#), [Some("Error"), Some("a\nb"), None, None]);
    check_metadata(
        &error(r#""type":"E","value":"v","mechanism":{"synthetic":true}"#),
        [None, Some("v"), None, None],
    );
    let (name, value) = ("T".repeat(129), "é".repeat(1025));
    check_metadata(
        &error(&format!(r#""type":"{name}","value":"{value}""#)),
        [
            Some(&format!("{}…", "T".repeat(127))),
            Some(&format!("{}…", "é".repeat(1023))),
            None,
            None,
        ],
    );
}

#[test]
fn a_security_report_has_a_kind_title_and_glitchtip_s() {
    let report = |blocked: &str| {
        format!(
            r#"{{"csp":{{"effective-directive":"style-src","blocked-uri":"{blocked}"}},
                "logentry":{{"formatted":"Blocked 'style' from 'elsewhere'"}},
                "request":{{"url":"https://shop.example/"}},"platform":"javascript"}}"#
        )
    };
    for (blocked, location) in [
        ("https://evil.example/a.css?b", "evil.example"),
        ("https://evil.example:8443/a.css", "evil.example:8443"),
        ("https://me@evil.example?q", "me@evil.example"),
        ("https://evil.example#top", "evil.example"),
        ("//evil.example/a.css", "evil.example"),
        ("wss://evil.example", "evil.example"),
        ("blob:https://evil.example/1b2c", ""),
        ("evil.example//a.css", ""),
        ("1a://evil.example/a.css", ""),
        ("data", ""),
        ("self", ""),
        ("", ""),
    ] {
        let document = report(blocked);
        check_title(&document, IssueType::Csp, "Blocked 'style' from 'elsewhere'");
        check_culprit(&document, "style-src");
        check_metadata(&document, [None; 4]);
        let expected = format!("Blocked 'style' from '{location}'");
        assert_eq!(glitchtip_csp_title(&read(&document)), expected, "{blocked}");
    }
}

#[test]
fn a_security_report_s_title_in_glitchtip_is_not_cut() {
    let host = "evil.example.".repeat(10);
    for (directive, what) in
        [("script-src-elem", "script-elem"), ("frame-ancestors", "frame-ancestors")]
    {
        let document = format!(
            r#"{{"csp":{{"effective-directive":"{directive}","blocked-uri":"https://{host}/"}},
                "message":"{host}"}}"#
        );
        let expected = format!("Blocked '{what}' from '{host}'");
        assert_eq!(glitchtip_csp_title(&read(&document)), expected);
        let cut = host.chars().take(99).collect::<String>() + "…";
        check_title(&document, IssueType::Csp, &cut);
    }
    assert_eq!(glitchtip_csp_title(&read("{}")), "Blocked '' from ''");
}

#[test]
fn an_exception_makes_an_error_of_a_security_report() {
    let document = r#"{"csp":{"effective-directive":"img-src"},"exception":[{"type":"E"}]}"#;
    check_title(document, IssueType::Error, "E");
}
