use mishap_protocol::json::Writer;

use super::*;

fn scrubbed(document: &str, rules: ScrubRules) -> String {
    let mut event = Event::read(document).unwrap();
    scrub(&mut event, rules);
    let mut writer = Writer::new();
    event.write(&mut writer);
    writer.into_string()
}

#[track_caller]
fn check(document: &str, expected: &str) {
    let rules = ScrubRules { secrets: true, ip_addresses: false };
    assert_eq!(scrubbed(document, rules), expected);
}

#[test]
fn secret_keys_are_known_by_their_words() {
    for key in [
        "password",
        "PASSWORD",
        "userPassword",
        "user_password",
        "X-Api-Key",
        "apiKey",
        "api_key",
        "Authorization",
        "set-cookie",
        "csrf_token",
        "session[token]",
        "sessionid",
        "credit_card",
        "cardNumber",
        "AWS_SECRET_ACCESS_KEY",
        "db.passwd",
        "connect.sid",
        "refreshToken",
        "PHPSESSID",
        "my_private_key",
    ] {
        assert!(is_secret_key(key), "{key}");
    }
    for key in [
        "author",
        "authority",
        "passenger",
        "tokenize",
        "sessions_total",
        "key",
        "monkey",
        "id",
        "cardinality",
        "prompt_tokens",
        "session_duration",
        "pinned",
        "compass",
        "public_key",
        "PWD",
        "OLDPWD",
    ] {
        assert!(!is_secret_key(key), "{key}");
    }
}

#[test]
fn secrets_are_filtered_wherever_they_stand() {
    check(
        r#"{"extra":{"password":"p","deep":[{"api_key":{"a":1}}],"null_secret":null,"ok":1}}"#,
        r#"{"extra":{"password":"[Filtered]","deep":[{"api_key":"[Filtered]"}],"null_secret":null,"ok":1}}"#,
    );
    check(
        r#"{"stacktrace":{"frames":[{"function":"f","vars":{"token":"t","n":"1"}}]}}"#,
        r#"{"stacktrace":{"frames":[{"function":"f","vars":{"token":"[Filtered]","n":"1"}}]}}"#,
    );
    check(
        r#"{"breadcrumbs":[{"message":"paid with 4111 1111 1111 1111!","data":{"auth":"x"}}]}"#,
        r#"{"breadcrumbs":{"values":[{"message":"paid with [Filtered]!","data":{"auth":"[Filtered]"}}]}}"#,
    );
    check(
        r#"{"tags":{"token":"t","a":"b"},"contexts":{"session":{"id":"7"}}}"#,
        r#"{"contexts":{"session":{"id":"7"}},"tags":{"token":"[Filtered]","a":"b"}}"#,
    );
    check(
        r#"{"release":{"password":"p"},"user":{"secret":"s","id":"1"}}"#,
        r#"{"user":{"id":"1","secret":"[Filtered]"},"errors":[{"type":"invalid_data","name":"release","value":{"password":"[Filtered]"}}]}"#,
    );
}

#[test]
fn requests_lose_cookies_credentials_and_secret_parameters() {
    check(
        r#"{"request":{"url":"https://u:p@h/x?a=1&token=t#f","cookies":"a=b","headers":{"Cookie":"c",
            "Authorization":"Bearer x","Accept":"y"},"query_string":"a=1&api_key=k"}}"#,
        r#"{"request":{"url":"https://u:[Filtered]@h/x?a=1&token=[Filtered]#f","query_string":[["a","1"],["api_key","[Filtered]"]],"cookies":[["a","[Filtered]"]],"headers":[["Cookie","[Filtered]"],["Authorization","[Filtered]"],["Accept","y"]]}}"#,
    );
    for (data, expected) in [
        (r#""a=1&password=p""#, r#""a=1&password=[Filtered]""#),
        (r#""{\"password\":\"p\"}""#, r#""{\"password\":\"[Filtered]\"}""#),
        (r#"{"password":"p"}"#, r#"{"password":"[Filtered]"}"#),
        (r#"[["password","p"]]"#, r#"[["password","[Filtered]"]]"#),
        (r#""plain""#, r#""plain""#),
    ] {
        check(
            &format!(r#"{{"request":{{"data":{data}}}}}"#),
            &format!(r#"{{"request":{{"data":{expected}}}}}"#),
        );
    }
}

#[test]
fn only_numbers_with_a_card_s_check_digit_are_cards() {
    for (text, expected) in [
        ("4111111111111111", "[Filtered]"),
        ("card: 5500-0000-0000-0004.", "card: [Filtered]."),
        ("378282246310005 and 378282246310005", "[Filtered] and [Filtered]"),
        ("4111111111111112", "4111111111111112"),
        ("order 1234567890123", "order 1234567890123"),
        ("id_4111111111111111", "id_4111111111111111"),
        ("4111111111111111x", "4111111111111111x"),
        ("0.4111111111111111", "0.4111111111111111"),
        ("2026-11-21 12:00:00", "2026-11-21 12:00:00"),
    ] {
        let mut scrubbed = Cow::Borrowed(text);
        scrub_text(&mut scrubbed);
        assert_eq!(scrubbed, expected);
    }
    check(r#"{"extra":{"n":4111111111111111}}"#, r#"{"extra":{"n":"[Filtered]"}}"#);
}

#[test]
fn private_keys_are_filtered_and_public_ones_are_not() {
    let mut text =
        Cow::Borrowed("a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b");
    scrub_text(&mut text);
    assert_eq!(text, "a [Filtered] b");
    let mut text = Cow::Borrowed("-----BEGIN PRIVATE KEY-----\ncut off");
    scrub_text(&mut text);
    assert_eq!(text, "[Filtered]");
    let mut text = Cow::Borrowed("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----");
    assert!(!scrub_text(&mut text));
}

#[test]
fn addresses_lose_what_tells_people_apart() {
    let anonymized = |text: &str| anonymized(text.parse().unwrap()).map(|ip| ip.to_string());
    assert_eq!(anonymized("203.0.113.77").as_deref(), Some("203.0.113.0"));
    assert_eq!(anonymized("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1::"));
    assert_eq!(anonymized("::ffff:203.0.113.77").as_deref(), Some("203.0.113.0"));
    assert_eq!(anonymized("10.1.2.3"), None);
    assert_eq!(anonymized("fe80::1"), None);
    let rules = ScrubRules { secrets: false, ip_addresses: true };
    assert_eq!(
        scrubbed(
            r#"{"user":{"ip_address":"203.0.113.77","geo":{"city":"x"},"token":"t"},
                "request":{"env":{"REMOTE_ADDR":"203.0.113.77","A":"1"},
                "headers":{"X-Forwarded-For":"203.0.113.77","X-Real-IP":"1.2.3.4"}}}"#,
            rules
        ),
        r#"{"request":{"env":{"A":"1"}},"user":{"ip_address":"203.0.113.0","token":"t"}}"#,
    );
}
