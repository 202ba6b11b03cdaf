//! What no honest provider does, and what happens to networks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use mishap_identity::provider::{Claims, HttpError, HttpFuture, HttpRequest, HttpResponse};
use reqwest::StatusCode;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::*;

const ISSUER: &str = "https://idp.example.com";

/// What is in every answer that must not be told.
const HIDDEN: &str = "hidden-detail";

/// An answer of a provider: its status, and its body.
type Reply = (u16, Vec<u8>);

/// A provider that does what a test wants.
struct Provider {
    key: EcdsaKeyPair,
    now: DateTime<Utc>,
    behaviour: Mutex<Behaviour>,
    /// Codes, with what the browser was sent with.
    visits: Mutex<HashMap<String, HashMap<String, String>>>,
    /// What was asked for, in order.
    asked: Mutex<Vec<String>>,
}

/// Makes claims what they should not be.
type Bend = fn(&mut Claims);

/// What it does other than it should.
#[derive(Default)]
struct Behaviour {
    /// What is answered at these paths; without a status there is no answer.
    replies: BTreeMap<&'static str, Option<Reply>>,
    /// What it says of a person.
    claims: Option<Bend>,
    /// What it makes of its token.
    token: Option<fn(&str) -> String>,
    /// What it calls its key.
    key_id: Option<&'static str>,
}

impl Provider {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            key: new_key(),
            now: mishap_testkit::desk::now(),
            behaviour: Mutex::default(),
            visits: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// Answers so at one path.
    fn reply(&self, path: &'static str, reply: Option<Reply>) {
        let replies = BTreeMap::from([(path, reply)]);
        self.behave(Behaviour { replies, ..Behaviour::default() });
    }

    /// How often something was asked for so far.
    fn times_asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }

    /// Somebody signs in: where the browser is sent back to.
    fn visit(&self, page: &Url) -> String {
        let query: HashMap<String, String> = page.query_pairs().into_owned().collect();
        let back = query["redirect_uri"].strip_prefix("http://mishap.test").unwrap().to_owned();
        let state = query["state"].clone();
        let mut visits = self.visits.lock().unwrap();
        let code = format!("code-{}", visits.len());
        visits.insert(code.clone(), query);
        format!("{back}?code={code}&state={state}")
    }

    fn answer(&self, request: &HttpRequest) -> Option<Reply> {
        let path = request.uri().path().to_owned();
        self.asked.lock().unwrap().push(path.clone());
        let behaviour = self.behaviour.lock().unwrap();
        if let Some(reply) = behaviour.replies.get(path.as_str()) {
            return reply.clone();
        }
        Some(match path.as_str() {
            "/.well-known/openid-configuration" => json_reply(&document()),
            "/keys" => {
                let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (base64url(x), base64url(y));
                let kid = behaviour.key_id.unwrap_or("key");
                let key = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid });
                json_reply(&json!({ "keys": [key] }))
            }
            "/token" => json_reply(&self.token(&behaviour, request.body())),
            "/userinfo" => json_reply(&json!({ "sub": "jane", "nickname": HIDDEN })),
            _ => (404, HIDDEN.into()),
        })
    }

    fn token(&self, behaviour: &Behaviour, body: &[u8]) -> Value {
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(body).into_owned().collect();
        let visit = self.visits.lock().unwrap()[&form["code"]].clone();
        let challenge = base64url(digest(&SHA256, form["code_verifier"].as_bytes()).as_ref());
        assert_eq!(visit["code_challenge"], challenge, "the code is bound to who asked for it");
        assert_eq!(visit["redirect_uri"], form["redirect_uri"]);
        let now = self.now.timestamp();
        let mut claims = json!({
            "iss": ISSUER, "sub": "jane", "aud": "mishap", "exp": now + 300, "iat": now - 10,
            "nonce": visit["nonce"], "email": JANE, "email_verified": true, "name": "Jane Doe",
        });
        if let Some(bend) = behaviour.claims {
            bend(claims.as_object_mut().unwrap());
        }
        let kid = behaviour.key_id.unwrap_or("key");
        let token = signed(&self.key, &json!({ "alg": "ES256", "kid": kid }), &claims);
        let token = behaviour.token.map_or_else(|| token.clone(), |bend| bend(&token));
        json!({ "access_token": HIDDEN, "token_type": "Bearer", "id_token": token })
    }
}

impl Http for Provider {
    fn send(&self, request: HttpRequest) -> HttpFuture<'_> {
        let answer = match self.answer(&request) {
            None => Err(HttpError(HIDDEN.into())),
            Some((status, body)) => {
                let mut response = HttpResponse::new(body);
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                let kind = reqwest::header::HeaderValue::from_static("application/json");
                response.headers_mut().insert("content-type", kind);
                Ok(response)
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/authorize"),
        "token_endpoint": format!("{ISSUER}/token"),
        "userinfo_endpoint": format!("{ISSUER}/userinfo"),
        "jwks_uri": format!("{ISSUER}/keys"),
    })
}

fn json_reply(value: &Value) -> Reply {
    (200, value.to_string().into_bytes())
}

/// The document with one member that is not as it should be.
fn document_with(member: &str, value: Value) -> Option<Reply> {
    let mut document = document();
    document[member] = value;
    Some(json_reply(&document))
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn new_key() -> EcdsaKeyPair {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
}

fn signed(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url(value.to_string().as_bytes());
    let text = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    format!("{text}.{}", base64url(signature.as_ref()))
}

/// The claims of a token.
fn claims_of(token: &str) -> Value {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

async fn app_and_provider() -> (TestApp, Arc<Provider>) {
    let provider = Provider::new();
    let options = Options { providers: provider.clone(), ..Options::default() };
    let app = TestApp::start_with(options).await;
    set_up(&app, "corp", "openid_connect", json!({ "server_url": ISSUER })).await;
    (app, provider)
}

/// A whole sign-in; the answer is that to the way back.
async fn sign_in(browser: &mut Browser, provider: &Provider) -> Answer {
    let page = depart(browser, "corp", "login").await;
    browser.get(&provider.visit(&page)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_says_nonsense_of_itself_is_not_gone_to() {
    let (app, provider) = app_and_provider().await;
    let mut browser = visitor(&app).await;
    let path = "/.well-known/openid-configuration";
    let raw = |text: &str| Some((200, text.as_bytes().to_vec()));
    let cases = [
        ("unreachable", path, None),
        ("failing", path, Some((500, HIDDEN.into()))),
        ("moved", path, Some((302, HIDDEN.into()))),
        ("no-json", path, raw("<html>hidden-detail</html>")),
        ("empty", path, raw("")),
        ("no-document", path, raw("{\"hidden-detail\": 1}")),
        ("endless", path, Some((200, vec![b' '; 2 * 1024 * 1024]))),
        ("foreign", path, document_with("issuer", json!("https://hidden-detail.example.com"))),
        ("plain", path, document_with("token_endpoint", json!("http://hidden-detail.example"))),
        ("no-url", path, document_with("authorization_endpoint", json!("hidden-detail"))),
        ("script", path, document_with("authorization_endpoint", json!("javascript:alert(1)"))),
        ("no-keys", "/keys", Some((404, HIDDEN.into()))),
        ("bad-keys", "/keys", raw("{\"keys\": \"hidden-detail\"}")),
    ];
    for (slug, path, reply) in cases {
        set_up(&app, slug, "openid_connect", json!({ "server_url": ISSUER })).await;
        provider.reply(path, reply);
        let fields = [("provider", slug), ("process", "login")];
        let answer = browser.post_form(REDIRECT, &fields).await;
        assert_refused(&mut browser, answer, "provider_unavailable", "cannot be reached").await;
        let page = browser.get("/login?error=provider_unavailable").await;
        assert!(!page.body.contains(HIDDEN), "{slug}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_prove_nothing_sign_nobody_in() {
    let (app, provider) = app_and_provider().await;
    let mut browser = visitor(&app).await;
    let cases: [(&str, Bend); 8] = [
        ("another nonce", |claims| drop(claims.insert("nonce".into(), "other".into()))),
        ("no nonce", |claims| drop(claims.remove("nonce"))),
        ("another audience", |claims| drop(claims.insert("aud".into(), "other".into()))),
        ("another issuer", |claims| drop(claims.insert("iss".into(), "https://x.example".into()))),
        ("expired", |claims| {
            let end = claims["exp"].as_i64().unwrap() - 300;
            claims.insert("exp".into(), end.into());
        }),
        ("nobody", |claims| drop(claims.remove("sub"))),
        ("somebody else than the user info", |claims| {
            claims.insert("sub".into(), "john".into());
        }),
        ("a name that cannot be kept", |claims| drop(claims.insert("sub".into(), "a\0b".into()))),
    ];
    for (what, claims) in cases {
        provider.behave(Behaviour { claims: Some(claims), ..Behaviour::default() });
        let answer = sign_in(&mut browser, &provider).await;
        assert_eq!(answer.status, 302, "{what}");
        assert_refused(&mut browser, answer, "provider_failed", "did not say who you are").await;
    }
    let tokens: [fn(&str) -> String; 4] = [
        // Not signed at all, by another key, with another algorithm's name, and cut.
        |token| {
            let header = base64url(br#"{"alg":"none"}"#);
            format!("{header}.{}.", token.split('.').nth(1).unwrap())
        },
        |token| signed(&new_key(), &json!({ "alg": "ES256", "kid": "key" }), &claims_of(token)),
        |token| signed(&new_key(), &json!({ "alg": "HS256", "kid": "key" }), &claims_of(token)),
        |token| token.strip_suffix(|_: char| true).unwrap().to_owned(),
    ];
    for token in tokens {
        provider.behave(Behaviour { token: Some(token), ..Behaviour::default() });
        let answer = sign_in(&mut browser, &provider).await;
        assert_refused(&mut browser, answer, "provider_failed", "did not say who you are").await;
    }
    assert_eq!(users(&app).await, 1);
    // It is the same provider that is believed when it behaves.
    provider.behave(Behaviour::default());
    sign_in(&mut browser, &provider).await.expect(303);
    get(&mut browser, "auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_when_it_fails_is_told_nobody() {
    let (app, provider) = app_and_provider().await;
    let mut browser = visitor(&app).await;
    let json = |value: Value| Some((200, value.to_string().into_bytes()));
    let refused = json!({ "error": "invalid_grant", "error_description": HIDDEN });
    for (path, reply) in [
        ("/token", None),
        ("/token", Some((400, refused.to_string().into_bytes()))),
        ("/token", Some((500, HIDDEN.into()))),
        ("/token", Some((302, Vec::new()))),
        ("/token", Some((200, HIDDEN.into()))),
        ("/token", json(json!({ "access_token": HIDDEN, "token_type": "Bearer" }))),
        ("/userinfo", None),
        ("/userinfo", Some((401, HIDDEN.into()))),
        ("/userinfo", json(json!({ "sub": HIDDEN }))),
        ("/userinfo", json(json!([HIDDEN]))),
    ] {
        provider.reply(path, reply);
        let answer = sign_in(&mut browser, &provider).await;
        assert!(!format!("{answer:?}").contains(HIDDEN), "{path}");
        assert_refused(&mut browser, answer, "provider_failed", "did not say who you are").await;
    }
    assert_eq!(users(&app).await, 1);
    assert_eq!(app.database.number("SELECT count(*) FROM identities").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_of_a_name_is_left_out() {
    let (app, provider) = app_and_provider().await;
    let claims: Bend = |claims| {
        claims.insert("name".into(), format!("Jane\0\u{1b} {}", "x".repeat(400)).into());
        claims.insert("preferred_username".into(), "jane\0".into());
    };
    provider.behave(Behaviour { claims: Some(claims), ..Behaviour::default() });
    sign_in(&mut visitor(&app).await, &provider).await.expect(303);
    let query = "SELECT left(name, 7) AS name, length(name) AS length, username
        FROM users JOIN identities ON user_id = users.id";
    let expected = json!({ "name": "Jane xx", "length": 255, "username": "jane" });
    assert_eq!(app.database.rows(query).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_asked_again_after_a_while() {
    let (app, provider) = app_and_provider().await;
    let path = "/.well-known/openid-configuration";
    let mut browser = visitor(&app).await;
    provider.reply(path, None);
    let fields = [("provider", "corp"), ("process", "login")];
    for _ in 0..3 {
        let answer = browser.post_form(REDIRECT, &fields).await;
        assert_refused(&mut browser, answer, "provider_unavailable", "cannot be reached").await;
    }
    assert_eq!(provider.times_asked(path), 1, "nobody can make us ask all the time");
    provider.behave(Behaviour::default());
    wait(&app, 10);
    depart(&mut browser, "corp", "login").await;
    depart(&mut browser, "corp", "login").await;
    assert_eq!(provider.times_asked(path), 2, "what it said is kept");
    // After an hour it is asked again; if it is away then, what it said last counts on.
    wait(&app, 3600);
    provider.reply(path, None);
    depart(&mut browser, "corp", "login").await;
    assert_eq!(provider.times_asked(path), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_of_a_provider_is_fetched_when_it_is_needed() {
    let (app, provider) = app_and_provider().await;
    let mut browser = visitor(&app).await;
    depart(&mut browser, "corp", "login").await;
    provider.behave(Behaviour { key_id: Some("new"), ..Behaviour::default() });
    sign_in(&mut browser, &provider).await.expect(303);
    assert_eq!(provider.times_asked("/keys"), 2);
}
