use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mishap_testkit::Authenticator;
use serde_json::json;

use super::*;

const ORIGIN: &str = "https://errors.example.com";
const JANE: Account<'_> = Account { id: UserId(4711), email: "jane@example.com", name: "Jane" };

fn site() -> Site {
    Site::new(&Url::parse("https://errors.example.com/").unwrap()).unwrap()
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key(id: &[u8]) -> Authenticator {
    Authenticator::new(id, ORIGIN)
}

/// As the caller's storage would keep it.
fn stored<T: Serialize + for<'de> Deserialize<'de>>(thing: &T) -> T {
    serde_json::from_value(serde_json::to_value(thing).unwrap()).unwrap()
}

fn register(authenticator: &mut Authenticator, purpose: Purpose) -> Result<Passkey, PasskeyError> {
    let (options, state) = site().begin_registration(JANE, purpose, &[]).unwrap();
    let answer = authenticator.create(&options);
    site().finish_registration(stored(&state), answer)
}

#[test]
fn a_second_factor_is_registered_and_used_again_and_again() {
    let mut authenticator = key(b"the first");
    // A key without a PIN or a finger.
    authenticator.is_verified = false;
    let passkey = register(&mut authenticator, Purpose::SecondFactor).unwrap();
    assert_eq!((passkey.id(), passkey.is_passwordless()), (b"the first".as_slice(), false));

    let other = register(&mut key(b"another"), Purpose::SecondFactor).unwrap();
    let mut passkeys = [other, stored(&passkey)];
    for _ in 0..2 {
        let (options, state) = site().begin_authentication(&passkeys).unwrap();
        let answer = authenticator.get(&options);
        let place = site().finish_authentication(&stored(&state), answer, &mut passkeys).unwrap();
        assert_eq!(place, 1);
    }
}

#[test]
fn browsers_are_asked_as_glitchtip_asks_them() {
    let existing = register(&mut key(b"the first"), Purpose::SecondFactor).unwrap();
    let passkeys = [existing];
    let (options, _) = site().begin_registration(JANE, Purpose::SecondFactor, &passkeys).unwrap();
    let options = &options["publicKey"];
    assert_eq!(options["rp"], json!({"id": "errors.example.com", "name": "errors.example.com"}));
    // 4711 to the base of 36 is 3mv.
    let user = json!({"id": base64url(b"3mv"), "name": "jane@example.com", "displayName": "Jane"});
    assert_eq!(options["user"], user);
    assert_eq!(options["authenticatorSelection"]["residentKey"], "discouraged");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "discouraged");
    assert_eq!(options["extensions"]["credProps"], true);
    assert_eq!(options["excludeCredentials"][0]["id"], base64url(b"the first"));
    assert_eq!(options["excludeCredentials"][0]["type"], "public-key");
    assert_eq!(options["attestation"], "none");
    assert!(options["challenge"].as_str().unwrap().len() >= 40);
    assert!(options["pubKeyCredParams"].as_array().unwrap().iter().any(|p| p["alg"] == -7));

    let (options, _) = site().begin_registration(JANE, Purpose::Passwordless, &[]).unwrap();
    let selection = &options["publicKey"]["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "required");

    let (options, _) = site().begin_authentication(&passkeys).unwrap();
    assert_eq!(options["publicKey"]["rpId"], "errors.example.com");
    assert_eq!(options["publicKey"]["userVerification"], "preferred");
    assert_eq!(options["publicKey"]["allowCredentials"][0]["id"], base64url(b"the first"));

    let (options, _) = site().begin_login().unwrap();
    assert_eq!(options["publicKey"]["userVerification"], "required");
    assert_eq!(options["publicKey"]["allowCredentials"], json!([]));
    assert_eq!(options.get("mediation"), None);
}

#[test]
fn a_passkey_replaces_the_password() {
    let mut authenticator = key(b"the first");
    authenticator.rk = Some(true);
    let passkey = register(&mut authenticator, Purpose::Passwordless).unwrap();
    assert!(passkey.is_passwordless());

    let (options, state) = site().begin_login().unwrap();
    let answer = authenticator.get(&options);
    assert_eq!(claimed_user(&answer), Some(JANE.id));
    let mut passkeys = [passkey];
    assert_eq!(site().finish_login(stored(&state), answer, &mut passkeys).unwrap(), 0);

    // It does for a second factor too.
    let (options, state) = site().begin_authentication(&passkeys).unwrap();
    let answer = authenticator.get(&options);
    assert_eq!(site().finish_authentication(&state, answer, &mut passkeys).unwrap(), 0);
}

#[test]
fn a_login_without_password_needs_its_owner() {
    let mut authenticator = key(b"the first");
    let mut passkeys = [register(&mut authenticator, Purpose::Passwordless).unwrap()];
    authenticator.is_verified = false;
    let (options, state) = site().begin_login().unwrap();
    let answer = authenticator.get(&options);
    let refused = site().finish_login(state, answer, &mut passkeys);
    assert!(matches!(refused, Err(PasskeyError::Refused(WebauthnError::UserNotVerified))));
    assert!(register(&mut authenticator, Purpose::Passwordless).is_err());
}

#[test]
fn browsers_tell_whether_a_passkey_knows_its_owner() {
    for (purpose, rk, is_passwordless) in [
        (Purpose::SecondFactor, Some(true), true),
        (Purpose::SecondFactor, Some(false), false),
        (Purpose::SecondFactor, None, false),
        (Purpose::Passwordless, Some(true), true),
        (Purpose::Passwordless, Some(false), false),
        (Purpose::Passwordless, None, true),
    ] {
        let mut authenticator = key(b"the first");
        authenticator.rk = rk;
        let passkey = register(&mut authenticator, purpose).unwrap();
        assert_eq!(passkey.is_passwordless(), is_passwordless, "{purpose:?} {rk:?}");
    }
}

#[test]
fn registrations_that_prove_nothing_are_refused() {
    type Bend = fn(&mut Authenticator);
    let bends: [(&str, Bend); 4] = [
        ("another site's page", |a| a.origin = "https://evil.example.com".into()),
        ("a page without TLS", |a| a.origin = "http://errors.example.com".into()),
        ("another site", |a| a.host = "example.com".into()),
        ("nobody there", |a| a.is_present = false),
    ];
    for (what, bend) in bends {
        for purpose in [Purpose::SecondFactor, Purpose::Passwordless] {
            let mut authenticator = key(b"the first");
            bend(&mut authenticator);
            let refused = register(&mut authenticator, purpose);
            assert!(matches!(refused, Err(PasskeyError::Refused(_))), "{what}");
        }
    }
}

#[test]
fn a_registration_answers_its_own_challenge_only() {
    let mut authenticator = key(b"the first");
    let begin = || site().begin_registration(JANE, Purpose::SecondFactor, &[]).unwrap();
    let ((options, _), (_, other_state)) = (begin(), begin());
    let answer = authenticator.create(&options);
    let refused = site().finish_registration(other_state, answer);
    assert!(matches!(refused, Err(PasskeyError::Refused(WebauthnError::MismatchedChallenge))));
}

#[test]
fn a_passkey_is_not_registered_twice() {
    let mut authenticator = key(b"the first");
    let passkeys = [register(&mut authenticator, Purpose::SecondFactor).unwrap()];
    let (options, state) =
        site().begin_registration(JANE, Purpose::SecondFactor, &passkeys).unwrap();
    let answer = authenticator.create(&options);
    assert!(matches!(site().finish_registration(state, answer), Err(PasskeyError::Refused(_))));
}

#[test]
fn authentications_that_prove_nothing_are_refused() {
    type Bend = fn(&mut Authenticator);
    let bends: [(&str, Bend); 6] = [
        ("another site's page", |a| a.origin = "https://evil.example.com".into()),
        ("a page on another port", |a| a.origin = "https://errors.example.com:8443".into()),
        ("another site", |a| a.host = "example.com".into()),
        ("nobody there", |a| a.is_present = false),
        ("another key", Authenticator::change_key),
        ("a copy of the key", |a| a.counter = 1),
    ];
    for (what, bend) in bends {
        let registered = || {
            let mut authenticator = key(b"the first");
            let passkey = register(&mut authenticator, Purpose::SecondFactor).unwrap();
            bend(&mut authenticator);
            (authenticator, [passkey])
        };
        let (mut authenticator, mut passkeys) = registered();
        let (options, state) = site().begin_authentication(&passkeys).unwrap();
        let answer = authenticator.get(&options);
        let refused = site().finish_authentication(&state, answer, &mut passkeys);
        assert!(matches!(refused, Err(PasskeyError::Refused(_))), "{what}");

        let (mut authenticator, mut passkeys) = registered();
        let (options, state) = site().begin_login().unwrap();
        let answer = authenticator.get(&options);
        let refused = site().finish_login(state, answer, &mut passkeys);
        assert!(matches!(refused, Err(PasskeyError::Refused(_))), "{what}");
    }
}

#[test]
fn an_answer_cannot_be_replayed() {
    let mut authenticator = key(b"the first");
    let mut passkeys = [register(&mut authenticator, Purpose::SecondFactor).unwrap()];
    let (options, state) = site().begin_authentication(&passkeys).unwrap();
    let answer = authenticator.get(&options);
    site().finish_authentication(&state, answer.clone(), &mut passkeys).unwrap();

    let (_, state) = site().begin_authentication(&passkeys).unwrap();
    let refused = site().finish_authentication(&state, answer.clone(), &mut passkeys);
    assert!(matches!(refused, Err(PasskeyError::Refused(WebauthnError::MismatchedChallenge))));
    let (_, state) = site().begin_login().unwrap();
    let refused = site().finish_login(state, answer, &mut passkeys);
    assert!(matches!(refused, Err(PasskeyError::Refused(WebauthnError::MismatchedChallenge))));
}

#[test]
fn only_passkeys_of_the_account_count() {
    let mut authenticator = key(b"the first");
    let mut removed = [register(&mut authenticator, Purpose::SecondFactor).unwrap()];
    let mut others = [register(&mut key(b"another"), Purpose::SecondFactor).unwrap()];

    let (options, state) = site().begin_authentication(&others).unwrap();
    let answer = authenticator.get(&options);
    assert!(site().finish_authentication(&state, answer, &mut removed).is_err());

    let (options, state) = site().begin_authentication(&removed).unwrap();
    let answer = authenticator.get(&options);
    let refused = site().finish_authentication(&state, answer, &mut others);
    assert!(matches!(refused, Err(PasskeyError::Unknown)));

    let (options, state) = site().begin_login().unwrap();
    let answer = authenticator.get(&options);
    let refused = site().finish_login(state, answer, &mut others);
    assert!(matches!(refused, Err(PasskeyError::Unknown)));
    assert!(matches!(site().begin_authentication(&[]), Err(PasskeyError::Unknown)));
}

#[test]
fn what_no_browser_sends_is_refused() {
    let mut authenticator = key(b"the first");
    let (options, state) = site().begin_registration(JANE, Purpose::SecondFactor, &[]).unwrap();
    let good = authenticator.create(&options);
    let finish = |answer| site().finish_registration(state.clone(), answer);
    let mut passkeys = [finish(good.clone()).unwrap()];
    for (pointer, value) in [
        ("", Value::Null),
        ("", json!([])),
        ("/response", json!({})),
        ("/response/attestationObject", json!("***")),
        ("/response/attestationObject", json!(base64url(b"\xa3\x63fmt"))),
        ("/response/clientDataJSON", json!(base64url(b"{"))),
    ] {
        assert!(finish(bent(&good, pointer, value)).is_err(), "{pointer}");
    }

    let (options, state) = site().begin_authentication(&passkeys).unwrap();
    let good = authenticator.get(&options);
    for (pointer, value) in [
        ("", Value::Null),
        ("", json!([])),
        ("/response", json!({})),
        ("/response/signature", json!("***")),
        ("/response/clientDataJSON", json!(base64url(b"{"))),
        ("/response/authenticatorData", json!(base64url(b"short"))),
        ("/rawId", json!(7)),
    ] {
        let answer = bent(&good, pointer, value);
        assert!(site().finish_authentication(&state, answer, &mut passkeys).is_err(), "{pointer}");
    }
    site().finish_authentication(&state, good, &mut passkeys).unwrap();
}

fn bent(answer: &Value, pointer: &str, value: Value) -> Value {
    let mut answer = answer.clone();
    *answer.pointer_mut(pointer).unwrap() = value;
    answer
}

#[test]
fn a_claim_to_be_somebody_is_read() {
    let mut authenticator = key(b"the first");
    register(&mut authenticator, Purpose::Passwordless).unwrap();
    let (options, _) = site().begin_login().unwrap();
    let good = authenticator.get(&options);
    assert_eq!(claimed_user(&good), Some(JANE.id));
    let handles: [&[u8]; 5] = [b"", b"-1", b"0", b"\xff", b"zzzzzzzzzzzzzzzzzzzzz"];
    for handle in handles {
        let answer = bent(&good, "/response/userHandle", json!(base64url(handle)));
        assert_eq!(claimed_user(&answer), None, "{handle:?}");
    }
    assert_eq!(claimed_user(&bent(&good, "/response/userHandle", json!(null))), None);
    assert_eq!(claimed_user(&json!({})), None);
}

#[test]
fn users_are_known_by_their_number() {
    for (id, handle) in
        [(1, "1"), (35, "z"), (36, "10"), (4711, "3mv"), (i64::MAX, "1y2p0ij32e8e7")]
    {
        assert_eq!(user_handle(UserId(id)), handle.as_bytes());
        assert_eq!(i64::from_str_radix(handle, 36), Ok(id));
    }
}

#[test]
fn passkeys_need_a_secure_site_with_a_name() {
    for (url, expected) in [
        ("https://errors.example.com/", None),
        ("https://errors.example.com:8443/mishap/", None),
        ("http://localhost:8000/", None),
        ("http://errors.localhost:8000/", None),
        ("http://errors.example.com/", Some(UnfitUrl::NotSecure)),
        ("https://192.0.2.1/", Some(UnfitUrl::NoHostName)),
        ("https://[2001:db8::1]/", Some(UnfitUrl::NoHostName)),
    ] {
        let site = Site::new(&Url::parse(url).unwrap());
        assert_eq!(site.err(), expected, "{url}");
    }
}
