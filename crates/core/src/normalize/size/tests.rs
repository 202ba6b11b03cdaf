use super::super::normalize;
use super::super::tests::{around, check, check_notes};
use super::*;

/// How much is left of the frames of a long trace: `D` for one with all its details.
fn details(frames: &str) -> String {
    let document = format!(r#"{{"stacktrace":{{"frames":[{frames}]}}}}"#);
    let mut event = Event::read(&document).unwrap();
    normalize(&mut event, &around());
    let frames = event.stacktrace.unwrap().frames;
    let detail = |frame: &Frame<'_>| {
        assert_eq!(frame.context_line.as_deref(), Some("line"));
        match (frame.vars.len(), frame.pre_context.len(), frame.post_context.len()) {
            (1, 1, 1) => 'D',
            (0, 0, 0) => '-',
            other => panic!("{other:?}"),
        }
    };
    frames.iter().map(detail).collect()
}

#[test]
fn long_traces_lose_the_details_of_their_middle() {
    let frame = |in_app: bool| {
        format!(
            r#"{{"vars":{{"a":1}},"pre_context":["p"],"context_line":"line","post_context":["q"],
                "in_app":{in_app}}}"#
        )
    };
    let frames = |runs: &[(bool, usize)]| {
        let all = runs.iter().flat_map(|(in_app, times)| vec![frame(*in_app); *times]);
        all.collect::<Vec<_>>().join(",")
    };
    let shape = |runs: &[(char, usize)]| {
        runs.iter().map(|(letter, times)| letter.to_string().repeat(*times)).collect::<String>()
    };
    for (runs, expected) in [
        (&[(false, 50)][..], &[('D', 50)][..]),
        (&[(false, 51)], &[('D', 12), ('-', 1), ('D', 38)]),
        (&[(false, 250)], &[('D', 12), ('-', 200), ('D', 38)]),
        (&[(true, 60)], &[('D', 12), ('-', 10), ('D', 38)]),
        // System frames go first, even where the program's own are nearer to the middle.
        (&[(true, 20), (false, 40)], &[('D', 20), ('-', 10), ('D', 30)]),
        (&[(true, 40), (false, 20)], &[('D', 12), ('-', 2), ('D', 26), ('-', 8), ('D', 12)]),
    ] {
        assert_eq!(details(&frames(runs)), shape(expected), "{runs:?}");
    }
}

#[test]
fn texts_are_cut_to_their_limits_and_noted() {
    for (path, limit, note) in [
        ("platform", 64, "platform"),
        ("logger", 255, "logger"),
        ("release", 250, "release"),
        ("dist", 64, "dist"),
        ("environment", 255, "environment"),
        ("server_name", 256, "server_name"),
        ("site", 200, "site"),
        ("transaction", 1024, "transaction"),
        ("logentry/formatted", 8192, "logentry.formatted"),
        ("exception/values/0/type", 256, "exception.type"),
        ("exception/values/0/value", 8192, "exception.value"),
        ("breadcrumbs/values/0/category", 128, "breadcrumbs.category"),
        ("breadcrumbs/values/0/message", 8192, "breadcrumbs.message"),
        ("user/id", 255, "user.id"),
        ("user/username", 255, "user.username"),
        ("user/email", 255, "user.email"),
        ("request/url", 4096, "request.url"),
        ("request/fragment", 1024, "request.fragment"),
    ] {
        for (sent, note) in [(limit, None), (limit + 1, Some(note))] {
            let text = |characters: usize| format!("\"{}\"", "ñ".repeat(characters));
            let document = nested(path, &text(sent));
            check(&document, path, &text(limit));
            let note = note.map(|note| format!("value_too_long {note}"));
            check_notes(&around(), &document, note.as_deref().as_slice());
        }
    }
}

/// A document with one value at a path; `values/0` stands for a list of one.
fn nested(path: &str, value: &str) -> String {
    path.rsplit('/').fold(value.to_owned(), |inner, step| match step {
        "0" => format!("[{inner}]"),
        step => format!(r#"{{"{step}":{inner}}}"#),
    })
}

#[test]
fn other_texts_are_cut_without_a_word() {
    let frame = "stacktrace/frames/0";
    for (path, limit) in [
        (format!("{frame}/filename"), 256),
        (format!("{frame}/abs_path"), 1024),
        (format!("{frame}/function"), 512),
        (format!("{frame}/raw_function"), 512),
        (format!("{frame}/module"), 256),
        (format!("{frame}/package"), 256),
        (format!("{frame}/context_line"), 512),
        (format!("{frame}/pre_context/0"), 512),
        (format!("{frame}/post_context/0"), 512),
        ("request/headers/0/1".to_owned(), 4096),
        ("request/cookies/0/1".to_owned(), 4096),
        ("request/query_string/0/1".to_owned(), 4096),
        ("fingerprint/0".to_owned(), 8192),
    ] {
        let text = |characters: usize| format!("\"{}\"", "ñ".repeat(characters));
        let document = match path.strip_suffix("/0/1") {
            Some(pairs) => nested(pairs, &format!(r#"[["A",{}]]"#, text(limit + 1))),
            None => nested(&path, &text(limit + 1)),
        };
        check(&document, &path, &text(limit));
        check_notes(&around(), &document, &[]);
    }
}

#[test]
fn lists_are_cut_to_their_limits() {
    let list = |items: std::ops::Range<usize>| {
        items.map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",")
    };
    let pairs =
        |count: usize| (0..count).map(|n| format!(r#"["A","{n}"]"#)).collect::<Vec<_>>().join(",");
    let frame = "stacktrace/frames/0";
    for (path, sent, kept) in [
        ("fingerprint".to_owned(), list(0..33), list(0..32)),
        // The lines nearest to the failed one are worth most.
        (format!("{frame}/pre_context"), list(0..25), list(5..25)),
        (format!("{frame}/post_context"), list(0..25), list(0..20)),
        ("request/headers".to_owned(), pairs(201), pairs(200)),
        ("request/cookies".to_owned(), pairs(201), pairs(200)),
        ("request/query_string".to_owned(), pairs(201), pairs(200)),
    ] {
        check(&nested(&path, &format!("[{sent}]")), &path, &format!("[{kept}]"));
    }
}

#[test]
fn data_is_kept_to_a_depth() {
    for (path, depth, note) in [
        ("extra/a", 7, Some("extra")),
        ("contexts/a/b", 6, Some("contexts")),
        ("modules/a", 2, Some("modules")),
        ("brand_new", 7, Some("other")),
        ("request/data", 7, Some("request.data")),
        ("request/env/a", 3, None),
        ("user/data", 5, None),
        ("breadcrumbs/values/0/data/a", 5, None),
        ("stacktrace/frames/0/vars/a", 5, None),
    ] {
        let levels = |depth: usize, inside: &str| {
            format!("{}{inside}{}", "[".repeat(depth), "]".repeat(depth))
        };
        let (fits, deeper) = (levels(depth, "1"), levels(depth + 1, "1"));
        check(&nested(path, &fits), path, &fits);
        check_notes(&around(), &nested(path, &fits), &[]);
        check(&nested(path, &deeper), path, &levels(depth, r#""[1]""#));
        let note = note.map(|note| format!("value_too_long {note}"));
        check_notes(&around(), &nested(path, &deeper), note.as_deref().as_slice());
    }
    // What stands beside it does not count.
    let beside = r#"{"a":[[1]],"b":{"c":{}},"d":[[[[[[[1]]]]]]]}"#;
    check(&nested("extra", beside), "extra", beside);
    let params = |inside: &str| format!(r#"{{"message":"m","params":[[[{inside}]]]}}"#);
    let document = format!(r#"{{"logentry":{}}}"#, params(r#"{"a":[1]}"#));
    check(&document, "logentry/params", r#"[[["{\"a\":[1]}"]]]"#);
    check_notes(&around(), &document, &["value_too_long logentry.params"]);
}

#[test]
fn what_is_too_deep_is_printed_in_part() {
    let long = format!("[{}]", ["1234567"; 50].join(","));
    let document = nested("modules/a", &format!("[[{long}]]"));
    let printed = long.chars().take(200).collect::<String>();
    check(&document, "modules/a", &format!(r#"[["{printed}"]]"#));
    // What is printed takes room.
    let path = "breadcrumbs/values/0/data/";
    let document = nested(path, &format!("[[[[[{}]]]]]", vec![long.as_str(); 20].join(",")));
    let piece = printed.chars().take(48).collect::<String>();
    let kept = format!("\"{printed}\",").repeat(10) + &format!("\"{piece}\"");
    check(&document, path, &format!("[[[[[{kept}]]]]]"));
}

#[test]
fn data_is_kept_to_a_size() {
    for (path, bytes, note) in [
        ("extra/a", 256 * 1024 - 1, Some("extra")),
        // The names take room too, and a context's type.
        ("contexts/a/b", 128 * 1024 - 7, Some("contexts")),
        ("modules/a", 64 * 1024 - 1, Some("modules")),
        ("brand_new", 64 * 1024 - 9, Some("other")),
        ("request/data", 16 * 1024, Some("request.data")),
        ("request/env/a", 16 * 1024 - 1, None),
        ("user/data", 4 * 1024 - 4, None),
        ("breadcrumbs/values/0/data/a", 2 * 1024 - 1, None),
        ("stacktrace/frames/0/vars/a", 8 * 1024 - 1, None),
    ] {
        let items = |bytes: usize| {
            let whole = vec![format!("\"{}\"", "x".repeat(1000)); bytes / 1000];
            let rest = format!("\"{}\"", "x".repeat(bytes % 1000));
            format!("[{}]", whole.into_iter().chain([rest]).collect::<Vec<_>>().join(","))
        };
        check(&nested(path, &items(bytes)), path, &items(bytes));
        check_notes(&around(), &nested(path, &items(bytes)), &[]);
        for bigger in [bytes + 1, 2 * bytes] {
            check(&nested(path, &items(bigger)), path, &items(bytes));
            let note = note.map(|note| format!("value_too_long {note}"));
            check_notes(&around(), &nested(path, &items(bigger)), note.as_deref().as_slice());
        }
    }
}

#[test]
fn members_that_do_not_fit_go_with_all_that_follow() {
    let key = "k".repeat(1500);
    check(
        &format!(r#"{{"breadcrumbs":[{{"data":{{"a":"{key}","{key}":1,"b":2}}}}]}}"#),
        "breadcrumbs/values/0/data",
        &format!(r#"{{"a":"{key}"}}"#),
    );
    let full = format!("\"{}\"", "x".repeat(16 * 1024));
    for (data, kept) in [
        (format!(r#"{{"":{full},"a":1}}"#), format!(r#"{{"":{full}}}"#)),
        (format!("[{full},1]"), format!("[{full}]")),
    ] {
        check(&nested("request/data", &data), "request/data", &kept);
        check_notes(&around(), &nested("request/data", &data), &["value_too_long request.data"]);
    }
}

#[test]
fn every_kind_of_value_takes_its_room() {
    let items = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
    for (item, kept) in [
        ("null", 256),
        ("true", 256),
        ("1234567890", 256),
        ("1.5", 683),
        (r#""12345678""#, 256),
        (r#"{"1234":"5678"}"#, 256),
    ] {
        // 2 KiB, of which a key without letters takes none.
        let path = "breadcrumbs/values/0/data/";
        check(&nested(path, &items(item, 1000)), path, &items(item, kept));
    }
}

#[test]
fn the_type_of_a_context_survives_its_limit() {
    let long = format!(r#""{}":1,"#, "k".repeat(200_000));
    for (members, kept) in
        [(format!(r#"{long}"type":"state""#), "state"), (format!(r#"{long}"a":1"#), "redux")]
    {
        let document = format!(r#"{{"contexts":{{"redux":{{{members}}}}}}}"#);
        check(&document, "contexts/redux", &format!(r#"{{"type":"{kept}"}}"#));
    }
}

#[test]
fn one_kind_of_note_is_made_once() {
    let crumb = format!(r#"{{"category":"{}","message":"{}"}}"#, "c".repeat(129), "m".repeat(8193));
    check_notes(
        &around(),
        &format!(r#"{{"breadcrumbs":[{crumb},{crumb},{crumb}]}}"#),
        &["value_too_long breadcrumbs.category", "value_too_long breadcrumbs.message"],
    );
}

#[test]
fn what_is_cut_to_nothing_is_not_there() {
    let key = "k".repeat(20_000);
    check(&format!(r#"{{"user":{{"{key}":1}}}}"#), "user", "");
    check(&format!(r#"{{"request":{{"env":{{"{key}":1}}}}}}"#), "request", "");
}
