use super::*;

#[test]
fn each_kind_knows_what_it_allows() {
    let (longest, too_long) = ("ä".repeat(64), "a".repeat(65));
    for (kind, good, bad) in [
        (Kind::Text, &["anything", ""][..], &[][..]),
        (Kind::Token, &["", " a ", &longest], &[too_long.as_str()]),
        (count(1, 9), &["1", " 9 "], &["0", "10", "-1", "1.5", "many", ""]),
        (Kind::Fraction, &["0", "1.0", "0.5"], &["1.1", "-0.1", "NaN", "half"]),
        (Kind::Percentage, &["100", "0.5"], &["100.1", "inf"]),
        (port(), &["0", "65535"], &["65536", "tcp://10.0.0.1:80"]),
        (
            Kind::Listen,
            &["80", "127.0.0.1:80", "[::1]:80", "localhost:80"],
            &["a.com:80", "x", "1:"],
        ),
        (Kind::Address, &["::", "10.0.0.1"], &["localhost", "10.0.0"]),
        (Kind::Networks, &["", "*", "10.0.0.0/8,::1"], &["10.0.0.0/33", "all"]),
        (Kind::Url(WEB), &["http://a", "https://a/b"], &["a.com", "ftp://a", "http://"]),
        (Kind::Choice(&["Lax"]), &["lax", "LAX"], &["loose", ""]),
        (Kind::Email, &["a@b.com"], &["a", "A <a@b.com>", "a b@c", ""]),
        (Kind::Mailbox, &["a@b.com", "A <a@b.com>"], &["a", "A <a>"]),
        (Kind::Level, &["info", "WARNING", "warn,a=debug"], &["loud", "a=loud", ","]),
    ] {
        for text in good {
            assert!(kind.allows(text), "{kind:?} {text:?}");
        }
        for text in bad {
            assert!(!kind.allows(text), "{kind:?} {text:?}");
        }
    }
}

#[test]
fn each_kind_says_what_it_wants() {
    for (kind, says) in [
        (count(1, 9), "a whole number of 1 to 9"),
        (bytes(), "bytes, a whole number of at least 1"),
        (Kind::Url(WEB), "a URL that begins with http:// or https://"),
        (Kind::Choice(&["a", "b", "c"]), "a, b or c"),
        (Kind::Choice(&["a"]), "a"),
        (Kind::Token, "a token of at most 64 characters"),
    ] {
        assert_eq!(kind.to_string(), says);
    }
}
