//! Passkeys and security keys, as a second factor and instead of a password.

use mishap_testkit::{Answer, Authenticator, Browser, Options, TestApp};
use serde_json::{Value, json};
use url::Url;

use super::{
    JANE, PASSWORD, assert_bare, assert_problem, audited, delete, get, jane, mails, person, post,
    put, seconds, visitor, wait,
};

const ORIGIN: &str = "https://localhost";
const MANAGE: &str = "account/authenticators/webauthn";

/// A server at an address that passkeys may be made for.
async fn start() -> TestApp {
    let public_url = Url::parse(ORIGIN).unwrap();
    TestApp::start_with(Options { public_url, ..Options::default() }).await
}

fn key(id: &[u8]) -> Authenticator {
    Authenticator::new(id, ORIGIN)
}

async fn creation_options(browser: &mut Browser, endpoint: &str) -> Value {
    get(browser, endpoint).await.expect(200).json()["data"]["creation_options"].clone()
}

async fn request_options(browser: &mut Browser, endpoint: &str) -> Value {
    get(browser, endpoint).await.expect(200).json()["data"]["request_options"].clone()
}

async fn add(browser: &mut Browser, key: &mut Authenticator, name: &str) -> Answer {
    let options = creation_options(browser, MANAGE).await;
    let body = json!({ "name": name, "credential": key.create(&options) });
    post(browser, MANAGE, body).await
}

async fn add_passwordless(browser: &mut Browser, key: &mut Authenticator) -> Answer {
    let options = creation_options(browser, &format!("{MANAGE}?passwordless")).await;
    key.rk = Some(true);
    post(browser, MANAGE, json!({ "credential": key.create(&options) })).await
}

/// What a key answers to the options of an endpoint.
async fn answer(browser: &mut Browser, key: &mut Authenticator, endpoint: &str) -> Answer {
    let options = request_options(browser, endpoint).await;
    let body = json!({ "credential": key.get(&options) });
    post(browser, endpoint, body).await
}

/// A browser that gave the password.
async fn halfway(app: &TestApp) -> Browser {
    let mut browser = app.stranger();
    browser.give_password(JANE, PASSWORD).await.expect(401);
    browser
}

#[track_caller]
fn assert_refused(answer: Answer) {
    assert_problem(answer, "incorrect_code", Some("credential"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_added_with_a_name_and_recovery_codes() {
    let app = start().await;
    let mut browser = jane(&app).await;
    let said = add(&mut browser, &mut key(b"first"), "On the desk").await.expect(200);
    let data = said.json()["data"].clone();
    let common = format!(
        "{{\"type\":\"webauthn\",\"created_at\":{},\"last_used_at\":null,\"id\":{},\
         \"name\":\"On the desk\",\"is_passwordless\":false}}",
        data["created_at"], data["id"]
    );
    let meta = "{\"recovery_codes_generated\":true}";
    assert_eq!(said.body, format!("{{\"status\":200,\"data\":{common},\"meta\":{meta}}}"));
    let listed = get(&mut browser, "account/authenticators").await.expect(200);
    assert!(listed.body.starts_with(&format!("{{\"status\":200,\"data\":[{common},")));

    // One without a name is given one, and no other codes.
    let said = add(&mut browser, &mut key(b"second"), "").await.expect(200).json();
    assert_eq!(said["data"]["name"], "Passkey");
    assert_eq!(said["meta"], json!({ "recovery_codes_generated": false }));
    let changes: Vec<_> = mails(&app).await.into_iter().map(|mail| mail.change).collect();
    assert_eq!(changes, ["passkey_added", "passkey_added"]);
    let added = ["account.second_factor_add"; 2];
    assert_eq!(audited(&app).await[1..], added);
    let methods = get(&mut browser, "auth/session").await.json()["data"]["methods"].clone();
    assert_eq!((&methods[1]["type"], &methods[1]["id"]), (&json!("webauthn"), &data["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_asked_for_a_key_of_this_site() {
    let app = start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, &mut key(b"first"), "").await.expect(200);
    let options = creation_options(&mut browser, MANAGE).await;
    let options = &options["publicKey"];
    assert_eq!(options["rp"], json!({ "id": "localhost", "name": "localhost" }));
    assert_eq!(
        (&options["user"]["name"], &options["user"]["displayName"]),
        (&json!(JANE), &json!("Owner"))
    );
    assert_eq!(options["authenticatorSelection"]["residentKey"], "discouraged");
    assert_eq!(options["excludeCredentials"].as_array().map(Vec::len), Some(1));
    let options = creation_options(&mut browser, &format!("{MANAGE}?passwordless=")).await;
    let selection = &options["publicKey"]["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["userVerification"], "required");

    let options = request_options(&mut halfway(&app).await, "auth/webauthn/authenticate").await;
    assert_eq!(options["publicKey"]["rpId"], "localhost");
    assert_eq!(options["publicKey"]["allowCredentials"].as_array().map(Vec::len), Some(1));
    let options = request_options(&mut visitor(&app).await, "auth/webauthn/login").await;
    assert_eq!(options["publicKey"]["allowCredentials"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_a_second_factor() {
    let app = start().await;
    let mut own = key(b"first");
    add(&mut jane(&app).await, &mut own, "").await.expect(200);
    let mut browser = app.stranger();
    let said = browser.give_password(JANE, PASSWORD).await.expect(401).json();
    let pending = said["data"]["flows"].as_array().unwrap().last().unwrap().clone();
    let types = json!(["recovery_codes", "webauthn"]);
    let expected = json!({ "id": "mfa_authenticate", "is_pending": true, "types": types });
    assert_eq!(pending, expected);
    let session = browser.session.clone();
    let said = answer(&mut browser, &mut own, "auth/webauthn/authenticate").await.expect(200);
    let methods = said.json()["data"]["methods"].clone();
    let id = methods[1]["id"].clone();
    let expected = json!([
        { "method": "password", "at": seconds(&app), "email": JANE },
        { "method": "mfa", "at": seconds(&app), "id": id, "type": "webauthn" },
    ]);
    assert_eq!(methods, expected);
    assert_ne!(browser.session, session);
    let listed = get(&mut browser, "account/authenticators").await.json();
    assert_eq!(listed["data"][0]["last_used_at"], seconds(&app));
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_are_told_once_and_in_order() {
    let app = start().await;
    let mut browser = jane(&app).await;
    for id in [b"first", b"other"] {
        add(&mut browser, &mut key(id), "").await.expect(200);
    }
    // Rows in an order that is none: a key, codes, a key, an app.
    let totp = "INSERT INTO authenticators (user_id, kind, data) SELECT user_id, 1, '{}' \
                FROM authenticators LIMIT 1";
    app.database.sql(totp).await;
    let said = app.stranger().give_password(JANE, PASSWORD).await.expect(401).json();
    let pending = said["data"]["flows"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(pending["types"], json!(["totp", "recovery_codes", "webauthn"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_replaces_the_password() {
    let app = start().await;
    let mut own = key(b"first");
    let said = add_passwordless(&mut jane(&app).await, &mut own).await.expect(200).json();
    assert_eq!(said["data"]["is_passwordless"], true);
    let mut browser = visitor(&app).await;
    let said = answer(&mut browser, &mut own, "auth/webauthn/login").await.expect(200).json();
    let id = said["data"]["methods"][0]["id"].clone();
    let method = json!({
        "method": "mfa", "at": seconds(&app), "id": id, "type": "webauthn", "passwordless": true,
    });
    assert_eq!(said["data"]["methods"], json!([method]));
    assert_eq!(said["data"]["user"]["display"], JANE);
    get(&mut browser, "auth/session").await.expect(200);
    // Whoever is signed in already hears so.
    let said = answer(&mut browser, &mut own, "auth/webauthn/login").await;
    assert_bare(said, 409);
    app.database.sql("UPDATE users SET is_active = false").await;
    let mut browser = visitor(&app).await;
    answer(&mut browser, &mut own, "auth/webauthn/login").await.expect(401);
    assert_eq!(audited(&app).await.iter().filter(|it| **it == "account.sign_in").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_proves_once_more_who_is_signed_in() {
    let app = start().await;
    let mut browser = jane(&app).await;
    let mut own = key(b"first");
    add(&mut browser, &mut own, "").await.expect(200);
    let session = browser.session.clone();
    wait(&app, 60);
    let endpoint = "auth/webauthn/reauthenticate";
    let said = answer(&mut browser, &mut own, endpoint).await.expect(200).json();
    let last = said["data"]["methods"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["at"], &last["reauthenticated"]), (&seconds(&app), &json!(true)));
    assert_eq!(browser.session, session);
    // Only whoever is signed in is asked, not whoever is halfway in.
    for mut browser in [visitor(&app).await, halfway(&app).await] {
        let said = get(&mut browser, endpoint).await.expect(401).json();
        assert_eq!(said["meta"], json!({ "is_authenticated": false }));
        post(&mut browser, endpoint, json!({ "credential": {} })).await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cannot_be_replayed() {
    let app = start().await;
    let mut own = key(b"first");
    let mut signed_in = jane(&app).await;
    // Of making a key.
    let options = creation_options(&mut signed_in, MANAGE).await;
    own.rk = Some(true);
    let made = json!({ "credential": own.create(&options) });
    post(&mut signed_in, MANAGE, made.clone()).await.expect(200);
    assert_refused(post(&mut signed_in, MANAGE, made).await);

    for endpoint in ["auth/webauthn/authenticate", "auth/webauthn/login"] {
        let mut browser = halfway(&app).await;
        let options = request_options(&mut browser, endpoint).await;
        let body = json!({ "credential": own.get(&options) });
        let mut copy = browser.clone();
        post(&mut browser, endpoint, body.clone()).await.expect(200);
        // In the same browser, as it was before.
        let said = post(&mut copy, endpoint, body.clone()).await;
        assert_ne!(said.status, 200, "{endpoint}");
        assert_eq!(copy.session, browser.session.clone().and(copy.session.clone()));
        // To another challenge, and to none.
        let mut other = halfway(&app).await;
        assert_refused(post(&mut other, endpoint, body.clone()).await);
        request_options(&mut other, endpoint).await;
        assert_refused(post(&mut other, endpoint, body).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_counts_once_even_if_the_answer_was_wrong() {
    let app = start().await;
    let mut own = key(b"first");
    add_passwordless(&mut jane(&app).await, &mut own).await.expect(200);
    for endpoint in ["auth/webauthn/authenticate", "auth/webauthn/login"] {
        let mut browser = halfway(&app).await;
        let options = request_options(&mut browser, endpoint).await;
        let mut wrong = own.get(&options);
        wrong["response"]["signature"] = json!("MAYCAQECAQE");
        assert_refused(post(&mut browser, endpoint, json!({ "credential": wrong })).await);
        let right = json!({ "credential": own.get(&options) });
        assert_refused(post(&mut browser, endpoint, right).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_good_for_a_quarter_of_an_hour() {
    let app = start().await;
    let mut own = key(b"first");
    add_passwordless(&mut jane(&app).await, &mut own).await.expect(200);
    for (seconds, is_good) in [(899, true), (900, false)] {
        let mut browser = visitor(&app).await;
        let options = request_options(&mut browser, "auth/webauthn/login").await;
        wait(&app, seconds);
        let body = json!({ "credential": own.get(&options) });
        let said = post(&mut browser, "auth/webauthn/login", body).await;
        match is_good {
            true => drop(said.expect(200)),
            false => assert_refused(said),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_gets_nothing() {
    let app = start().await;
    let mut browser = jane(&app).await;
    type Bend = fn(&mut Authenticator);
    let bends: [(&str, Bend); 4] = [
        ("another site", |key| key.origin = "https://evil.test".to_owned()),
        ("another port", |key| key.origin = "https://localhost:8443".to_owned()),
        ("no TLS", |key| key.origin = "http://localhost".to_owned()),
        ("another host", |key| key.host = "evil.test".to_owned()),
    ];
    for (what, bend) in bends {
        let mut bent = key(what.as_bytes());
        bend(&mut bent);
        assert_refused(add(&mut browser, &mut bent, "").await);
    }
    for (what, bend) in bends {
        let mut own = key(what.as_bytes());
        add_passwordless(&mut browser, &mut own).await.expect(200);
        bend(&mut own);
        let mut waiting = halfway(&app).await;
        assert_refused(answer(&mut waiting, &mut own, "auth/webauthn/authenticate").await);
        assert_refused(answer(&mut waiting, &mut own, "auth/webauthn/login").await);
        assert_refused(answer(&mut browser, &mut own, "auth/webauthn/reauthenticate").await);
        wait(&app, 300);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_with_a_key_of_somebody_else() {
    let app = start().await;
    add_passwordless(&mut jane(&app).await, &mut key(b"of Jane")).await.expect(200);
    person(&app, "joan@example.com").await;
    let mut joan = app.stranger();
    joan.give_password("joan@example.com", PASSWORD).await.expect(200);
    let mut other = key(b"of Joan");
    add_passwordless(&mut joan, &mut other).await.expect(200);
    // As a second factor for Jane's password.
    assert_refused(
        answer(&mut halfway(&app).await, &mut other, "auth/webauthn/authenticate").await,
    );
    // Alone, with Jane's name on it.
    let mut browser = visitor(&app).await;
    let options = request_options(&mut browser, "auth/webauthn/login").await;
    let mut claimed = other.get(&options);
    let jane = app.database.number("SELECT id FROM users WHERE email LIKE 'jane@%'").await;
    let handle = mishap_core::signing::base36(jane);
    use base64::Engine as _;
    let handle = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(handle);
    claimed["response"]["userHandle"] = json!(handle);
    let body = json!({ "credential": claimed });
    assert_refused(post(&mut browser, "auth/webauthn/login", body).await);
    // One that says nobody's name.
    other.user_handle = None;
    assert_refused(answer(&mut browser, &mut other, "auth/webauthn/login").await);
    // The same key is not made twice, by whomever.
    assert_refused(add(&mut joan, &mut key(b"of Jane"), "").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_counted() {
    let app = start().await;
    let mut own = key(b"first");
    add_passwordless(&mut jane(&app).await, &mut own).await.expect(200);
    own.change_key();
    let mut waiting = halfway(&app).await;
    for _ in 0..5 {
        assert_refused(answer(&mut waiting, &mut own, "auth/webauthn/authenticate").await);
    }
    let said = answer(&mut waiting, &mut own, "auth/webauthn/authenticate").await;
    assert_problem(said, "too_many_login_attempts", None);
    wait(&app, 300);
    let mut stranger = visitor(&app).await;
    for _ in 0..10 {
        assert_refused(answer(&mut stranger, &mut own, "auth/webauthn/login").await);
    }
    let said = answer(&mut stranger, &mut own, "auth/webauthn/login").await;
    assert_problem(said, "too_many_login_attempts", None);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_with_keys_are_counted() {
    let app = start().await;
    let mut browser = visitor(&app).await;
    for _ in 0..30 {
        let body = json!({ "credential": {} });
        post(&mut browser, "auth/webauthn/login", body).await.expect(400);
    }
    let body = json!({ "credential": {} });
    assert_bare(post(&mut browser, "auth/webauthn/login", body).await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_renamed() {
    let app = start().await;
    let mut browser = jane(&app).await;
    let id = add(&mut browser, &mut key(b"first"), "").await.json()["data"]["id"].clone();
    let said = put(&mut browser, MANAGE, json!({ "id": id, "name": "Blue" })).await.expect(200);
    assert_eq!(said.json()["data"]["name"], "Blue");
    let longest = "ü".repeat(100);
    put(&mut browser, MANAGE, json!({ "id": id, "name": longest })).await.expect(200);
    let longer = json!({ "id": id, "name": format!("{longest}b") });
    assert_problem(put(&mut browser, MANAGE, longer).await, "max_length", Some("name"));
    let nameless = put(&mut browser, MANAGE, json!({ "id": id })).await;
    assert_problem(nameless, "required", Some("name"));
    let nothing = put(&mut browser, MANAGE, json!({ "name": "Blue" })).await;
    assert_problem(nothing, "required", Some("id"));

    // Neither what is no key, nor what is somebody else's.
    let codes = app.database.number("SELECT id FROM authenticators WHERE kind = 2").await;
    person(&app, "joan@example.com").await;
    let mut joan = app.stranger();
    joan.give_password("joan@example.com", PASSWORD).await.expect(200);
    let other = add(&mut joan, &mut key(b"other"), "Red").await.json()["data"]["id"].clone();
    for id in [json!(codes), other, json!(0), json!("first")] {
        let said = put(&mut browser, MANAGE, json!({ "id": id, "name": "Mine" })).await;
        assert_problem(said, "invalid_choice", Some("id"));
    }
    assert_eq!(
        app.database.number("SELECT count(*) FROM authenticators WHERE name = 'Mine'").await,
        0
    );
    put(&mut visitor(&app).await, MANAGE, json!({ "id": id, "name": "x" })).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_removed_and_with_the_last_one_the_recovery_codes() {
    let app = start().await;
    let mut browser = jane(&app).await;
    let first = add(&mut browser, &mut key(b"first"), "").await.json()["data"]["id"].clone();
    let second = add(&mut browser, &mut key(b"second"), "").await.json()["data"]["id"].clone();
    let codes = app.database.number("SELECT id FROM authenticators WHERE kind = 2").await;
    for (ids, code) in [
        (json!([0]), "invalid_choice"),
        (json!([first, codes]), "invalid_choice"),
        (json!([first, "x"]), "invalid_choice"),
        (json!([]), "required"),
        (json!(null), "required"),
        (json!(first), "required"),
    ] {
        let said = delete(&mut browser, MANAGE, json!({ "authenticators": ids })).await;
        assert_problem(said, code, Some("authenticators"));
    }
    let left = "SELECT count(*) FROM authenticators";
    assert_eq!(app.database.number(left).await, 3);
    let said = delete(&mut browser, MANAGE, json!({ "authenticators": [first] })).await;
    assert_bare(said, 200);
    assert_eq!(app.database.number(left).await, 2);
    let said = delete(&mut browser, MANAGE, json!({ "authenticators": [second] })).await;
    assert_bare(said, 200);
    assert_eq!(app.database.number(left).await, 0);
    app.stranger().give_password(JANE, PASSWORD).await.expect(200);
    let body = json!({ "authenticators": [first] });
    delete(&mut visitor(&app).await, MANAGE, body).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_hundred_keys_at_most() {
    let app = start().await;
    let mut browser = jane(&app).await;
    add(&mut browser, &mut key(b"first"), "").await.expect(200);
    let copies = "INSERT INTO authenticators (user_id, kind, name, data) \
                  SELECT user_id, kind, name, data FROM authenticators, generate_series(1, 99) \
                  WHERE kind = 3";
    app.database.sql(copies).await;
    assert_bare(get(&mut browser, MANAGE).await, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_browsers_make_no_keys_nobody_is_asked_for_one() {
    // A site without TLS.
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    get(&mut browser, MANAGE).await.expect(409);
    get(&mut visitor(&app).await, "auth/webauthn/login").await.expect(400);
}
