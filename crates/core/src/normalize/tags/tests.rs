use super::super::tests::check;

#[test]
fn tags_are_tidied() {
    let (long, longer) = ("ñ".repeat(200), "ñ".repeat(201));
    for (sent, kept) in [
        (r#"{"a":"b"}"#.to_owned(), r#"{"a":"b"}"#.to_owned()),
        (r#"{" a b\tc ":" d  e\nf "}"#.to_owned(), r#"{"a-b-c":"d  e f"}"#.to_owned()),
        (r#"{"a\u0007":"\u0007b\u0007"}"#.to_owned(), r#"{"a-":"b"}"#.to_owned()),
        (r#"{"a":true,"b":1.5}"#.to_owned(), r#"{"a":"True","b":"1.5"}"#.to_owned()),
        (r#"{"a":" ","b":null,"c":"\n","d":"e"}"#.to_owned(), r#"{"d":"e"}"#.to_owned()),
        (r#"[["a b","1"],["a-b","2"]]"#.to_owned(), r#"{"a-b":"1"}"#.to_owned()),
        (format!(r#"{{"{longer}":"{longer}"}}"#), format!(r#"{{"{long}":"{long}"}}"#)),
        (
            format!(r#"{{"a":"{} b"}}"#, "x".repeat(199)),
            format!(r#"{{"a":"{}"}}"#, "x".repeat(199)),
        ),
    ] {
        check(&format!(r#"{{"tags":{sent}}}"#), "tags", &kept);
    }
}

#[test]
fn a_tag_may_name_the_environment() {
    for (document, environment) in [
        (r#"{"tags":{"environment":"prod"}}"#, r#""prod""#),
        (r#"{"tags":{" environment ":" prod\n"}}"#, r#""prod""#),
        (r#"{"tags":{"environment":"prod"},"environment":"stage"}"#, r#""stage""#),
        (r#"{"tags":{"environment":"prod"},"environment":" "}"#, r#""prod""#),
        (r#"{"tags":{"environment":" "}}"#, ""),
    ] {
        check(document, "environment", environment);
        check(document, "tags/environment", environment);
    }
}

#[test]
fn the_event_itself_implies_tags() {
    for (document, tag, expected) in [
        (r#"{"release":"1.0"}"#, "release", "1.0"),
        (r#"{"dist":"7"}"#, "dist", "7"),
        (r#"{"environment":"prod"}"#, "environment", "prod"),
        (r#"{"server_name":"web-1"}"#, "server_name", "web-1"),
        (r#"{"site":"shop"}"#, "site", "shop"),
        (r#"{"logger":"shop.cart"}"#, "logger", "shop.cart"),
        (r#"{"transaction":" /cart\n "}"#, "transaction", "/cart"),
        (r#"{"exception":[{"type":"E","mechanism":{"handled":true}}]}"#, "handled", "yes"),
        (r#"{"exception":[{"type":"E","mechanism":{"handled":false}}]}"#, "handled", "no"),
        (r#"{"exception":[{"type":"E","mechanism":{"handled":null}}]}"#, "handled", ""),
        (r#"{"exception":[{"type":"E","mechanism":{"type":"onerror"}}]}"#, "mechanism", "onerror"),
        (
            r#"{"exception":[{"type":"C","mechanism":{"type":"chained"}},{"type":"E"}]}"#,
            "mechanism",
            "",
        ),
        (r#"{"contexts":{"browser":{"name":"B","version":"1"}}}"#, "browser", "B 1"),
        (r#"{"contexts":{"browser":{"name":"B","version":"1"}}}"#, "browser.name", "B"),
        (r#"{"contexts":{"browser":{"name":"B"}}}"#, "browser", "B"),
        (r#"{"contexts":{"browser":{"version":"1"}}}"#, "browser", ""),
        (r#"{"contexts":{"os":{"name":"O","version":11}}}"#, "os", "O 11"),
        (r#"{"contexts":{"os":{"name":"O","version":"11"}}}"#, "os.name", "O"),
        (r#"{"contexts":{"runtime":{"name":"R","version":"3.14"}}}"#, "runtime", "R 3.14"),
        (r#"{"contexts":{"runtime":{"name":"R","version":"3.14"}}}"#, "runtime.name", "R"),
        (r#"{"contexts":{"device":{"model":"D","name":"n"}}}"#, "device", "D"),
        (r#"{"contexts":{"device":{"family":"D"}}}"#, "device", ""),
        (r#"{"user":{"id":7}}"#, "user.id", "7"),
        (r#"{"user":{"email":"a@shop.example"}}"#, "user.email", "a@shop.example"),
        (r#"{"user":{"username":"ann"}}"#, "user.username", "ann"),
        (r#"{"user":{"ip_address":"203.0.113.9"}}"#, "user.ip_address", ""),
    ] {
        let expected = if expected.is_empty() { String::new() } else { format!("\"{expected}\"") };
        check(document, &format!("tags/{tag}"), &expected);
        // What the client says of it counts only where the event itself says nothing.
        let with_own = document.replacen('{', &format!(r#"{{"tags":{{"{tag}":"own"}},"#), 1);
        let expected = if expected.is_empty() { r#""own""#.to_owned() } else { expected };
        check(&with_own, &format!("tags/{tag}"), &expected);
    }
}

#[test]
fn implied_tags_are_cut_too() {
    let document = format!(r#"{{"transaction":"{}"}}"#, "t".repeat(300));
    check(&document, "tags/transaction", &format!("\"{}\"", "t".repeat(200)));
    check(&document, "transaction", &format!("\"{}\"", "t".repeat(300)));
}

#[test]
fn implied_tags_cost_the_client_its_last_ones() {
    let own = (0..100).map(|n| format!(r#""t{n}":"v""#)).collect::<Vec<_>>().join(",");
    let document = format!(r#"{{"tags":{{{own}}},"release":"1.0","dist":"7"}}"#);
    for (tag, expected) in
        [("release", r#""1.0""#), ("dist", r#""7""#), ("t97", r#""v""#), ("t98", ""), ("t99", "")]
    {
        check(&document, &format!("tags/{tag}"), expected);
    }
}
