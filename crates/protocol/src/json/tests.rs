use proptest::prelude::*;

use super::*;

/// Reads a document and prints it again.
#[track_caller]
fn check(document: &str, expected: &str) {
    let mut reader = Reader::new(document);
    let value = reader.value().unwrap();
    reader.end().unwrap();
    assert_eq!(value.to_string(), expected, "{document}");
}

#[test]
fn clean_documents_come_out_as_they_went_in() {
    for document in [
        "null",
        "true",
        "-7",
        "0",
        "1.5e-7",
        r#""text""#,
        "[]",
        "{}",
        r#"[1,[2,{"a":"b"}],null,false]"#,
        r#"{"a":{"b":[{}]},"c":"\"\\\n\t\u0001é🦀"}"#,
    ] {
        check(document, document);
    }
    check(" { \"a\" : [ 1 , 2 ] } \n", r#"{"a":[1,2]}"#);
    check("\u{feff}{}", "{}");
}

#[test]
fn strings_are_unescaped() {
    check(r#""\u00e9\u0041\/\b""#, "\"\u{e9}A/\\u0008\"");
    check(r#""\ud83e\udd80""#, "\"🦀\"");
    check(r#""a\qb""#, r#""aqb""#);
}

#[test]
fn half_characters_become_the_replacement_character() {
    check(r#""a\ud800b""#, "\"a\u{fffd}b\"");
    check(r#""\udc00""#, "\"\u{fffd}\"");
    check(r#""\ud83e\ud83e\udd80""#, "\"\u{fffd}🦀\"");
    check(r#""\u12""#, "\"\u{fffd}12\"");
    assert_eq!(repair_utf8(b"a\xffb"), "a\u{fffd}b");
}

#[test]
fn nul_is_removed_from_keys_and_values() {
    check(r#"{"a\u0000b":"c\u0000"}"#, r#"{"ab":"c"}"#);
    check("{\"a\0b\":\"c\0\"}", r#"{"ab":"c"}"#);
}

#[test]
fn numbers_that_do_not_fit_become_null_or_text() {
    check("NaN", "null");
    check("[Infinity,-Infinity,undefined]", "[null,null,null]");
    check("1e400", "null");
    check("-1e400", "null");
    check("9223372036854775807", "9223372036854775807");
    check("9223372036854775808", r#""9223372036854775808""#);
    check("-123456789012345678901234567890", r#""-123456789012345678901234567890""#);
    check("[+1.5,.5,01.5,1.]", "[1.5,0.5,1.5,1.0]");
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    check(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#);
    let many: String = (0..100).map(|n| format!(r#""k{n}":{n},"#)).collect();
    let document = format!("{{{many}\"k7\":\"new\",\"k99\":\"new\"}}");
    let value = Reader::new(&document).value().unwrap();
    assert_eq!(value.as_object().unwrap().len(), 100);
    assert_eq!(value.get("k7"), Some(&Json::from("new")));
    assert_eq!(value.get("k99"), Some(&Json::from("new")));
}

#[test]
fn depth_is_bounded_without_losing_the_document() {
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    check(&deep(MAX_DEPTH), &deep(MAX_DEPTH));
    let cut = format!("{}null{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    check(&deep(MAX_DEPTH + 1), &cut);
    check(&deep(500_000), &cut);
    let cut = format!("{}null{}", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
    check(&format!(r#"{{"a":{},"b":1}}"#, deep(500_000)), &format!(r#"{{"a":{cut},"b":1}}"#));
}

#[test]
fn broken_structure_is_refused_with_its_place() {
    for (document, at) in [
        ("", 0),
        ("{", 1),
        (r#"{"a" 1}"#, 5),
        (r#"{"a":1 "b":2}"#, 7),
        ("[1 2]", 3),
        (r#"{a:1}"#, 1),
        (r#""abc"#, 4),
        ("nope", 0),
        ("[1", 2),
    ] {
        let refused = Reader::new(document).value().unwrap_err();
        assert_eq!(refused.at, at, "{document}: {refused}");
    }
    let mut reader = Reader::new("{} x");
    reader.value().unwrap();
    assert_eq!(reader.end().unwrap_err().at, 3);
}

#[test]
fn text_without_repairs_is_borrowed() {
    let value = Reader::new(r#"["plain text","esc\naped"]"#).value().unwrap();
    let Json::Array(items) = value else { panic!("an array") };
    assert!(matches!(&items[0], Json::String(Cow::Borrowed(_))));
    assert!(matches!(&items[1], Json::String(Cow::Owned(_))));
}

fn any_json() -> impl Strategy<Value = Json<'static>> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Integer),
        "[^\0]{0,20}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map("[^\0]{0,6}", inner, 0..6).prop_map(|members| {
                Json::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn printing_and_reading_are_inverse(value in any_json()) {
        let printed = value.to_string();
        let mut reader = Reader::new(&printed);
        prop_assert_eq!(reader.value().unwrap(), value);
        prop_assert!(reader.end().is_ok());
    }

    #[test]
    fn reading_never_panics_and_skipping_agrees(text in r#"[\[\]{}:,"\\a-f0-9u. ntI-]{0,60}"#) {
        let mut reader = Reader::new(&text);
        if reader.value().is_ok() {
            let mut skipper = Reader::new(&text);
            skipper.skip().unwrap();
            prop_assert_eq!(skipper.position(), reader.position());
        }
    }

    #[test]
    fn any_bytes_can_be_repaired_and_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let text = repair_utf8(&bytes);
        let _maybe = Reader::new(&text).value();
    }
}
