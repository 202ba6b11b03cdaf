use proptest::prelude::*;

use super::*;

fn written(event: &Event<'_>) -> String {
    let mut writer = Writer::new();
    event.write(&mut writer);
    writer.into_string()
}

/// Reads an event and prints it in its one form.
#[track_caller]
fn check(document: &str, expected: &str) {
    assert_eq!(written(&Event::read(document).unwrap()), expected, "{document}");
}

/// Reads an event with one member and prints its errors as `type name`.
#[track_caller]
fn errors(document: &str) -> Vec<String> {
    let event = Event::read(document).unwrap();
    let name = |error: &FieldError<'_>| error.name.clone().unwrap_or_default().into_owned();
    event.errors.iter().map(|error| format!("{} {}", error.kind, name(error))).collect()
}

#[test]
fn an_empty_event_is_an_event() {
    check("{}", "{}");
    assert_eq!(Event::read("[]").unwrap_err(), NotAnEvent::NotAnObject);
    assert!(matches!(Event::read("{\"a\":").unwrap_err(), NotAnEvent::Malformed(_)));
    assert!(matches!(Event::read("{} {}").unwrap_err(), NotAnEvent::Malformed(_)));
}

#[test]
fn exceptions_come_as_a_wrapper_a_list_or_one() {
    let one = r#"{"exception":{"values":[{"type":"E","value":"v"}]}}"#;
    check(one, one);
    check(r#"{"exception":[{"type":"E","value":"v"}]}"#, one);
    check(r#"{"exception":{"type":"E","value":"v"}}"#, one);
    check(r#"{"sentry.interfaces.Exception":[null,{"type":"E","value":"v"},null]}"#, one);
    for none in ["{}", "[]", "null", r#"{"values":[]}"#, r#"{"values":null}"#] {
        check(&format!(r#"{{"exception":{none}}}"#), "{}");
    }
    check(
        r#"{"exception":[{"type":"E","value":{"code":7}}]}"#,
        r#"{"exception":{"values":[{"type":"E","value":"{\"code\":7}"}]}}"#,
    );
}

#[test]
fn one_bad_field_costs_only_itself() {
    for (document, expected) in [
        (r#"{"release":{},"environment":"prod"}"#, "invalid_data release"),
        (r#"{"timestamp":"yesterday"}"#, "invalid_data timestamp"),
        (r#"{"level":"loud"}"#, "invalid_data level"),
        (r#"{"event_id":"7"}"#, "invalid_data event_id"),
        (r#"{"user":"bob"}"#, "invalid_data user"),
        (r#"{"request":7}"#, "invalid_data request"),
        (r#"{"breadcrumbs":[7,{"message":"m"}]}"#, "invalid_data breadcrumbs.0"),
        (r#"{"exception":[{"module":"m"}]}"#, "missing_attribute exception.0"),
        (
            r#"{"exception":{"values":[{"type":"E","stacktrace":{"frames":[{},{"lineno":-1}]}}]}}"#,
            "invalid_data exception.0.stacktrace.frames.1.lineno",
        ),
        (r#"{"tags":[["a","b","c"],["d","e"]]}"#, "invalid_data tags"),
        (r#"{"extra":"text"}"#, "invalid_data extra"),
        (r#"{"fingerprint":true}"#, "invalid_data fingerprint"),
    ] {
        assert_eq!(errors(document), [expected], "{document}");
    }
    let event = Event::read(r#"{"release":{},"environment":"prod"}"#).unwrap();
    assert_eq!(event.environment.as_deref(), Some("prod"));
}

#[test]
fn notes_are_bounded() {
    let many: String = (0..1000).map(|_| "7,").collect();
    let document = format!(r#"{{"breadcrumbs":[{many}7]}}"#);
    assert_eq!(errors(&document).len(), 50);
    let event = Event::read(&document).unwrap();
    assert_eq!(event.errors[0].value, Some(Json::from(7)));
    let long = format!(r#"{{"user":"{}"}}"#, "x".repeat(1000));
    assert_eq!(Event::read(&long).unwrap().errors[0].value, None);
}

#[test]
fn scalars_stand_in_for_text() {
    let event = Event::read(r#"{"release":1.5,"dist":7,"environment":true}"#).unwrap();
    assert_eq!(event.release.as_deref(), Some("1.5"));
    assert_eq!(event.dist.as_deref(), Some("7"));
    assert_eq!(event.environment.as_deref(), Some("true"));
}

#[test]
fn tags_come_as_a_map_pairs_or_objects() {
    let expected = r#"{"tags":{"a":"1","b":"True"}}"#;
    check(r#"{"tags":{"a":1,"b":true,"c":null,"":"x","d":""}}"#, expected);
    check(r#"{"tags":[["a","1"],["b",true],null,["a","2"],[null,"x"]]}"#, expected);
    check(r#"{"tags":[{"key":"a","value":1},{"value":true,"key":"b"}]}"#, expected);
    check(r#"{"tags":null}"#, "{}");
}

#[test]
fn a_message_comes_as_text_an_object_or_anything() {
    let hi = r#"{"logentry":{"formatted":"hi"}}"#;
    check(r#"{"message":"hi"}"#, hi);
    check(r#"{"logentry":"hi"}"#, hi);
    check(r#"{"message":{"message":"hi"}}"#, hi);
    check(r#"{"message":{"message":"hi","formatted":"hi"}}"#, hi);
    check(r#"{"logentry":{"formatted":"hi"},"message":"hi"}"#, hi);
    check(r#"{"message":false}"#, "{}");
    check(r#"{"message":""}"#, "{}");
    check(r#"{"message":7}"#, r#"{"logentry":{"formatted":"7"}}"#);
    check(
        r#"{"logentry":{"message":"no %s","params":["fun"]},"message":"top"}"#,
        r#"{"logentry":{"formatted":"top"}}"#,
    );
    check(
        r#"{"logentry":{"message":"no %s","params":["fun"]}}"#,
        r#"{"logentry":{"formatted":"no fun","message":"no %s","params":["fun"]}}"#,
    );
    assert_eq!(
        errors(r#"{"logentry":{"message":"a","params":7}}"#),
        ["invalid_data logentry.params"]
    );
}

#[test]
fn templates_are_filled_in_or_left_alone() {
    let list =
        |items: &[&'static str]| Json::Array(items.iter().map(|item| Json::from(*item)).collect());
    let map = Json::Object(vec![("name".into(), "x".into()), ("n".into(), 3.into())]);
    for (template, params, expected) in [
        ("a %s b %d", list(&["1", "2"]), Some("a 1 b 2")),
        ("100%!", list(&["1"]), Some("100%!")),
        ("50%% of %s", list(&["it"]), Some("50% of it")),
        ("%s and %s", list(&["one"]), None),
        ("Hi {foo}", map.clone(), None),
        ("Hi {name}, %(n)d", map.clone(), Some("Hi x, 3")),
        ("{} {1} {{}}", list(&["a", "b"]), Some("a b {}")),
        ("%-5.2f|", list(&["1.5"]), Some("1.5|")),
        ("{\"json\": 1}", list(&["a"]), Some("{\"json\": 1}")),
        ("open { brace", list(&["a"]), Some("open { brace")),
        ("%", list(&["a"]), None),
    ] {
        assert_eq!(format_message(template, &params).as_deref(), expected, "{template}");
    }
}

#[test]
fn headers_come_as_a_map_lists_or_pairs() {
    let expected = r#"{"request":{"headers":[["User-Agent","x"],["Accept","a,b"]]}}"#;
    check(r#"{"request":{"headers":{"user-agent":"x","ACCEPT":["a","b"]}}}"#, expected);
    check(r#"{"request":{"headers":[["User-Agent",["x"]],["accept","a,b"],null]}}"#, expected);
    check(r#"{"request":{"headers":{"A":[]}}}"#, r#"{"request":{"headers":[["A",""]]}}"#);
}

#[test]
fn a_query_is_taken_from_the_url_if_it_stands_only_there() {
    check(
        r#"{"request":{"url":"http://a/b?x=1&y=%20z#top"}}"#,
        r#"{"request":{"url":"http://a/b?x=1&y=%20z#top","query_string":[["x","1"],["y"," z"]]}}"#,
    );
    check(
        r#"{"request":{"url":"http://a/b?x=1","query_string":"?q=2"}}"#,
        r#"{"request":{"url":"http://a/b?x=1","query_string":[["q","2"]]}}"#,
    );
    check(
        r#"{"request":{"query_string":{"a":null,"b":[1]},"cookies":"a=b; c=d"}}"#,
        r#"{"request":{"query_string":[["a",""],["b","1"]],"cookies":[["a","b"],["c","d"]]}}"#,
    );
}

#[test]
fn frames_keep_the_innermost_and_what_they_do_not_know() {
    let frames: String = (0..300).map(|n| format!(r#"{{"lineno":{n}}},"#)).collect();
    let document = format!(r#"{{"stacktrace":{{"frames":[{frames}null]}}}}"#);
    let event = Event::read(&document).unwrap();
    let trace = event.stacktrace.unwrap();
    assert_eq!(trace.frames.len(), MAX_FRAMES);
    assert_eq!(trace.frames.last().unwrap().lineno, Some(299));
    let kept =
        r#"{"stacktrace":{"frames":[{"function":"f","instruction_addr":"0x1"}],"lang":"x"}}"#;
    check(kept, kept);
    check(r#"{"stacktrace":{"frames":null}}"#, "{}");
    check(r#"{"stacktrace":{"frames":{}}}"#, "{}");
}

#[test]
fn vars_and_context_lines_come_in_odd_shapes() {
    check(
        r#"{"stacktrace":{"frames":[{"vars":[1,true],"pre_context":["a",null],"post_context":null,
            "context_line":null,"in_app":1,"lineno":"7","vars_":null}]}}"#,
        r#"{"stacktrace":{"frames":[{"lineno":7,"pre_context":["a",""],"in_app":true,"vars":{"0":1,"1":true}}]}}"#,
    );
}

#[test]
fn empty_maps_of_php_are_maps() {
    check(r#"{"modules":[],"extra":[],"contexts":[],"sdk":[],"tags":[]}"#, "{}");
}

#[test]
fn null_contexts_go_and_stray_ones_are_wrapped() {
    check(
        r#"{"contexts":{"os":null,"device":{"name":"d"},"odd":7}}"#,
        r#"{"contexts":{"device":{"name":"d"},"odd":{"value":7}}}"#,
    );
}

#[test]
fn old_names_of_fields_are_known() {
    check(r#"{"culprit":"old"}"#, r#"{"transaction":"old"}"#);
    check(r#"{"transaction":"new","culprit":"old"}"#, r#"{"transaction":"new"}"#);
    check(
        r#"{"breadcrumbs":{"values":[{"ty":"http","data":"text"}]}}"#,
        r#"{"breadcrumbs":{"values":[{"type":"http","data":{"value":"text"}}]}}"#,
    );
}

#[test]
fn levels_are_understood_in_every_dialect() {
    for (spelling, name) in [
        ("40", "error"),
        ("\"40\"", "error"),
        ("\"WARN\"", "warning"),
        ("\"Critical\"", "fatal"),
        ("\"notice\"", "info"),
        ("\"log\"", "info"),
        ("10", "debug"),
    ] {
        let document = format!(r#"{{"level":{spelling}}}"#);
        check(&document, &format!(r#"{{"level":"{name}"}}"#));
    }
}

#[test]
fn what_is_unknown_is_kept() {
    check(r#"{"brand_new":{"a":1},"gone":null}"#, r#"{"brand_new":{"a":1}}"#);
    check(
        r#"{"fingerprint":["a",null,7,{"b":1}]}"#,
        r#"{"fingerprint":["a",null,"7","{\"b\":1}"]}"#,
    );
    check(r#"{"fingerprint":"a"}"#, r#"{"fingerprint":["a"]}"#);
}

#[test]
fn the_id_is_found_without_reading_the_rest() {
    let id = "9ec79c33ec9942ab8353589fcb2e04dc";
    let document = format!(r#"{{"a":[1,{{}}],"event_id":"{id}","broken"#);
    assert_eq!(event_id_of(&document), parse_id(id));
    assert_eq!(event_id_of("[]"), None);
    assert_eq!(event_id_of(r#"{"event_id":7}"#), None);
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("7".to_owned()),
        Just("true".to_owned()),
        Just("\"t\"".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[[\"a\",\"b\"]]".to_owned()),
        Just("[{\"values\":[{}]}]".to_owned()),
        Just("{\"values\":[{\"type\":7,\"stacktrace\":{\"frames\":[{\"vars\":7}]}}]}".to_owned()),
    ]
}

proptest! {
    /// Whatever stands in whichever field, the event is read, and reading what was written gives
    /// the same event.
    #[test]
    fn any_field_may_hold_anything(
        fields in prop::collection::vec((
            prop::sample::select(vec![
                "event_id", "type", "timestamp", "level", "platform", "logger", "message",
                "logentry", "exception", "stacktrace", "threads", "breadcrumbs", "request", "user",
                "contexts", "tags", "extra", "modules", "sdk", "release", "dist", "environment",
                "server_name", "site", "transaction", "culprit", "fingerprint", "debug_meta",
                "template", "csp", "_meta", "errors", "brand_new",
            ]),
            any_value(),
        ), 0..8),
    ) {
        let members: Vec<_> =
            fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let document = format!("{{{}}}", members.join(","));
        let event = Event::read(&document).unwrap();
        let once = written(&event);
        let again = Event::read(&once).unwrap();
        prop_assert_eq!(written(&again), once.clone());
        prop_assert_eq!(&again.errors, &event.errors);
    }
}

#[test]
fn unknown_members_are_kept_up_to_a_number() {
    let members: Vec<String> = (0..1000).map(|number| format!(r#""u{number}": 1"#)).collect();
    let members = members.join(", ");
    let document = format!(r#"{{{members}, "u7": 2, "user": {{{members}}}}}"#);
    let event = Event::read(&document).unwrap();
    assert_eq!(event.other.len(), 128);
    assert_eq!(event.user.unwrap().other.len(), 128);
    assert_eq!(crate::json::member(&event.other, "u7"), Some(&2.into()));
}
