mod fake;

use chrono::DateTime;
use futures_util::FutureExt as _;
use mishap_core::clock::ManualClock;
use mishap_core::random::SeededRandom;
use serde_json::json;

use super::*;
use fake::{CLIENT_ID, CLIENT_SECRET, ISSUER, KeySet, Provider, header};

fn clock() -> ManualClock {
    ManualClock::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap())
}

fn config(kind: ProviderKind) -> ProviderConfig {
    ProviderConfig {
        slug: "idp".to_owned(),
        name: "The provider".to_owned(),
        kind,
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.into(),
        server_url: Some(Url::parse(ISSUER).unwrap()),
        tenant: None,
        scopes: Vec::new(),
    }
}

fn redirect_uri() -> Url {
    Url::parse("https://errors.example.com/accounts/oidc/idp/login/callback/").unwrap()
}

fn discover(config: &ProviderConfig, provider: &Provider) -> Result<Metadata, ProviderError> {
    let metadata = Metadata::discover(config, provider).now_or_never().unwrap();
    // As a cache would keep it.
    metadata
        .map(|metadata| serde_json::from_value(serde_json::to_value(metadata).unwrap()).unwrap())
}

/// A whole sign-in.
fn sign_in(
    config: &ProviderConfig,
    provider: &Provider,
) -> Result<ExternalIdentity, ProviderError> {
    let metadata = discover(config, provider)?;
    let random = SeededRandom::new(1);
    let (url, kept) = begin(config, &metadata, &redirect_uri(), &random)?;
    let kept = serde_json::from_value(serde_json::to_value(kept).unwrap()).unwrap();
    let (code, state) = provider.visit(&url);
    let callback = Callback { code: &code, state: &state };
    let clock = clock();
    sendable(finish(config, &metadata, kept, callback, &clock, provider)).now_or_never().unwrap()
}

/// The runtimes of callers may move what they wait for between threads.
fn sendable<T: Send>(future: T) -> T {
    future
}

fn refusal(provider: &Provider) -> String {
    sign_in(&config(ProviderKind::OpenIdConnect), provider).unwrap_err().to_string()
}

#[test]
fn the_browser_is_sent_to_the_provider() {
    let provider = Provider::new(KeySet::es256());
    let config = config(ProviderKind::OpenIdConnect);
    let metadata = discover(&config, &provider).unwrap();
    assert_eq!(metadata.authorization_endpoint().as_str(), "https://idp.example.com/authorize");
    let random = SeededRandom::new(1);
    let (url, kept) = begin(&config, &metadata, &redirect_uri(), &random).unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    let redirect_uri = redirect_uri();
    let expected = [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", redirect_uri.as_str()),
        ("scope", "openid profile email"),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in expected {
        assert_eq!(query[name], value);
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(query[name].len(), 43, "{name}");
    }
    let printed = format!("{kept:?} {config:?}");
    let secrets = [query["state"].as_str(), query["nonce"].as_str(), CLIENT_SECRET];
    assert!(!secrets.iter().any(|secret| printed.contains(secret)), "{printed}");
    let (other, _) = begin(&config, &metadata, &redirect_uri, &random).unwrap();
    assert_ne!(url, other);
}

#[test]
fn tokens_of_every_common_algorithm_are_verified() {
    for keys in [KeySet::es256(), KeySet::rsa("RS256"), KeySet::rsa("PS256")] {
        let provider = Provider::new(keys);
        let somebody = sign_in(&config(ProviderKind::OpenIdConnect), &provider).unwrap();
        let ExternalIdentity { uid, email, is_email_verified, name, username, claims } = somebody;
        assert_eq!(uid, "jane-4711");
        assert_eq!(email.as_deref(), Some("jane@example.com"));
        assert!(is_email_verified);
        assert_eq!(name.as_deref(), Some("Jane Doe"));
        assert_eq!(username.as_deref(), Some("jane"));
        assert_eq!(claims["groups"], json!(["developers"]));
    }
}

#[test]
fn what_is_not_for_us_is_refused() {
    type Bend = fn(&mut Claims);
    let cases: [(&str, Bend, &str); 10] = [
        ("wrong nonce", |c| drop(c.insert("nonce".into(), "x".into())), "nonce mismatch"),
        ("no nonce", |c| drop(c.remove("nonce")), "missing nonce"),
        ("wrong audience", |c| drop(c.insert("aud".into(), "others".into())), "Invalid audiences"),
        (
            "another audience too",
            |c| drop(c.insert("aud".into(), json!([CLIENT_ID, "others"]))),
            "not a trusted audience",
        ),
        (
            "wrong issuer",
            |c| drop(c.insert("iss".into(), "https://evil.example.com".into())),
            "Invalid issuer",
        ),
        (
            "issuer with a slash",
            |c| drop(c.insert("iss".into(), format!("{ISSUER}/").into())),
            "Invalid issuer",
        ),
        ("expired", |c| drop(c.insert("exp".into(), 1_800_000_000.into())), "Expired"),
        ("no end", |c| drop(c.remove("exp")), "cannot be read"),
        ("nobody", |c| drop(c.remove("sub")), "cannot be read"),
        ("no name", |c| drop(c.insert("sub".into(), " ".into())), "does not say"),
    ];
    for (what, bend, expected) in cases {
        let mut provider = Provider::new(KeySet::es256());
        provider.bend_claims = bend;
        provider.userinfo = None;
        let error = refusal(&provider);
        assert!(error.contains(expected), "{what}: {error}");
    }
}

#[test]
fn what_is_not_signed_by_the_provider_is_refused() {
    type Bend = fn(&Provider, &str) -> String;
    let cases: [(&str, Bend, &str); 6] = [
        (
            "unsigned",
            |_, token| {
                let payload = token.split('.').nth(1).unwrap();
                format!("{}.{payload}.", header(&json!({"alg": "none"})))
            },
            "No signature found",
        ),
        (
            "signature cut off",
            |_, token| format!("{}.", token.rsplit_once('.').unwrap().0),
            "Signature verification failed",
        ),
        (
            "with our password",
            |provider, token| provider.sign_with_password(token),
            "Disallowed signature algorithm",
        ),
        (
            "by somebody else",
            |_, token| KeySet::es256().resign(token),
            "Signature verification failed",
        ),
        (
            "other claims than were signed",
            |_, token| {
                let [header, _, signature] =
                    token.split('.').collect::<Vec<_>>().try_into().unwrap();
                format!("{header}.{}.{signature}", fake::base64url(br#"{"iss":"x"}"#))
            },
            "cannot be read",
        ),
        ("garbage", |_, _| "garbage".to_owned(), "cannot be read"),
    ];
    for (what, bend, expected) in cases {
        let mut provider = Provider::new(KeySet::es256());
        provider.bend_token = Some(bend);
        let error = refusal(&provider);
        assert!(error.contains(expected), "{what}: {error}");
    }
}

#[test]
fn claims_cannot_be_changed_after_signing() {
    let mut provider = Provider::new(KeySet::es256());
    provider.bend_token = Some(|_, token| {
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let mut claims: Value = serde_json::from_slice(&fake::from_base64url(payload)).unwrap();
        claims["sub"] = json!("somebody-else");
        format!("{header}.{}.{signature}", fake::base64url(claims.to_string().as_bytes()))
    });
    let error = refusal(&provider);
    assert!(error.contains("Signature verification failed"), "{error}");
}

#[test]
fn a_token_is_good_until_its_end() {
    let mut provider = Provider::new(KeySet::es256());
    provider.bend_claims = |claims| drop(claims.insert("exp".into(), 1_800_000_001.into()));
    assert!(sign_in(&config(ProviderKind::OpenIdConnect), &provider).is_ok());
}

#[test]
fn a_new_key_is_fetched_when_it_is_needed() {
    let config = config(ProviderKind::OpenIdConnect);
    let old = discover(&config, &Provider::new(KeySet::es256())).unwrap();
    let mut provider = Provider::new(KeySet::es256());
    provider.keys.id = "new";
    let random = SeededRandom::new(1);
    let (url, kept) = begin(&config, &old, &redirect_uri(), &random).unwrap();
    let (code, state) = provider.visit(&url);
    let callback = Callback { code: &code, state: &state };
    let somebody =
        finish(&config, &old, kept, callback, &clock(), &provider).now_or_never().unwrap();
    assert_eq!(somebody.unwrap().uid, "jane-4711");
}

#[test]
fn only_the_browser_that_began_may_end() {
    let provider = Provider::new(KeySet::es256());
    let config = config(ProviderKind::OpenIdConnect);
    let metadata = discover(&config, &provider).unwrap();
    let random = SeededRandom::new(1);
    let (url, kept) = begin(&config, &metadata, &redirect_uri(), &random).unwrap();
    let (other_url, _) = begin(&config, &metadata, &redirect_uri(), &random).unwrap();
    let (code, state) = provider.visit(&url);
    let (other_code, other_state) = provider.visit(&other_url);
    let other_config = ProviderConfig { slug: "other".to_owned(), ..config.clone() };
    for (config, code, state, expected) in [
        (&config, &code, &other_state, "not the answer"),
        (&config, &code, &String::new(), "not the answer"),
        (&other_config, &code, &state, "not the answer"),
        // A code that somebody else was given: PKCE tells.
        (&config, &other_code, &state, "invalid_grant"),
        (&config, &String::new(), &state, "no code"),
        (&config, &"x".repeat(10_000), &state, "no code"),
    ] {
        let callback = Callback { code, state };
        let clock = clock();
        let ended = finish(config, &metadata, kept.clone(), callback, &clock, &provider);
        let error = ended.now_or_never().unwrap().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn our_password_goes_where_the_provider_wants_it() {
    let config = config(ProviderKind::OpenIdConnect);
    let mut provider = Provider::new(KeySet::es256());
    assert!(sign_in(&config, &provider).is_ok());
    assert!(!provider.token_requests()[0].contains(CLIENT_SECRET));
    provider.document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    assert!(sign_in(&config, &provider).is_ok());
    assert!(provider.token_requests()[1].contains(CLIENT_SECRET));
    let wrong = ProviderConfig { client_secret: "wrong".into(), ..config };
    let error = sign_in(&wrong, &provider).unwrap_err().to_string();
    assert!(error.contains("invalid_client"), "{error}");
}

#[test]
fn the_user_info_endpoint_adds_what_it_knows() {
    let config = config(ProviderKind::OpenIdConnect);
    let mut provider = Provider::new(KeySet::es256());
    provider.userinfo = Some(json!({
        "sub": "jane-4711", "email": "jane@new.example.com", "groups": ["developers", "leads"],
    }));
    let somebody = sign_in(&config, &provider).unwrap();
    assert_eq!(somebody.email.as_deref(), Some("jane@new.example.com"));
    // The token vouches for another address.
    assert!(!somebody.is_email_verified);
    assert_eq!(somebody.claims["groups"], json!(["developers", "leads"]));

    provider.userinfo = Some(json!({"sub": "somebody-else", "email": "jane@example.com"}));
    let refused = sign_in(&config, &provider);
    assert!(matches!(refused, Err(ProviderError::WrongSubject)));
    provider.userinfo = Some(json!("a JWT"));
    let refused = sign_in(&config, &provider);
    assert!(matches!(refused, Err(ProviderError::Unreadable { .. })));
}

#[test]
fn identities_are_read_with_care() {
    let long = "x".repeat(192);
    let long_email = format!("{}@example.com", "x".repeat(254));
    for (kind, claims, expected) in [
        (
            ProviderKind::OpenIdConnect,
            json!({"sub": "1", "email": "a@b.c", "email_verified": "true", "given_name": "A", "family_name": "B"}),
            Some(("1", Some("a@b.c"), true, Some("A B"))),
        ),
        (
            ProviderKind::OpenIdConnect,
            json!({"sub": "1", "email": "a@b.c", "email_verified": 1, "name": "", "given_name": "A"}),
            Some(("1", Some("a@b.c"), false, Some("A"))),
        ),
        (
            ProviderKind::OpenIdConnect,
            json!({"sub": "1", "email": "no address", "email_verified": true}),
            Some(("1", None, false, None)),
        ),
        (
            ProviderKind::OpenIdConnect,
            json!({"sub": "1", "email": long_email, "name": 7}),
            Some(("1", None, false, None)),
        ),
        (ProviderKind::OpenIdConnect, json!({"sub": long}), None),
        (ProviderKind::OpenIdConnect, json!({"sub": 7}), None),
        (ProviderKind::OpenIdConnect, json!({}), None),
        (
            ProviderKind::Microsoft,
            json!({"sub": "1", "oid": "2", "email": "a@b.c", "email_verified": true}),
            Some(("2", Some("a@b.c"), false, None)),
        ),
    ] {
        let Value::Object(claims) = claims else { unreachable!() };
        let told = flow::identity(kind, claims.clone()).ok();
        let told = told.as_ref().map(|told| {
            (told.uid.as_str(), told.email.as_deref(), told.is_email_verified, told.name.as_deref())
        });
        assert_eq!(told, expected, "{claims:?}");
    }
}

#[test]
fn a_provider_is_what_it_is_configured_as() {
    let mut provider = Provider::new(KeySet::es256());
    let mut config = config(ProviderKind::OpenIdConnect);
    for (server_url, is_good) in [
        ("https://idp.example.com", true),
        ("https://idp.example.com/", true),
        ("https://idp.example.com/.well-known/openid-configuration", true),
        ("https://idp.example.com/realms/x/", false),
        ("ftp://idp.example.com", false),
    ] {
        config.server_url = Some(Url::parse(server_url).unwrap());
        assert_eq!(discover(&config, &provider).is_ok(), is_good, "{server_url}");
    }
    config.server_url = None;
    assert!(matches!(discover(&config, &provider), Err(ProviderError::Misconfigured(_))));

    config.server_url = Some(Url::parse(ISSUER).unwrap());
    provider.document["issuer"] = json!("https://evil.example.com");
    assert!(matches!(discover(&config, &provider), Err(ProviderError::WrongIssuer { .. })));

    for endpoint in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        let mut provider = Provider::new(KeySet::es256());
        provider.document[endpoint] = json!("http://idp.example.com/plain");
        let refused = discover(&config, &provider);
        assert!(matches!(refused, Err(ProviderError::Misconfigured(_))), "{endpoint}");
    }
}

/// A server that answers the same to everything.
struct Always(u16, Vec<u8>);

impl Http for Always {
    fn send(&self, _: HttpRequest) -> HttpFuture<'_> {
        let response = openidconnect::http::Response::builder().status(self.0);
        Box::pin(std::future::ready(Ok(response.body(self.1.clone()).unwrap())))
    }
}

/// A server that is not there.
struct Nowhere;

impl Http for Nowhere {
    fn send(&self, _: HttpRequest) -> HttpFuture<'_> {
        Box::pin(std::future::ready(Err(HttpError("no route to host".into()))))
    }
}

#[test]
fn answers_are_bounded_and_redirects_are_none() {
    let config = config(ProviderKind::OpenIdConnect);
    let answer = |status, body| {
        let http = Always(status, body);
        Metadata::discover(&config, &http).now_or_never().unwrap().unwrap_err()
    };
    assert!(matches!(answer(302, Vec::new()), ProviderError::Status { status: 302, .. }));
    assert!(matches!(answer(200, b"<html>".to_vec()), ProviderError::Unreadable { .. }));
    let boast = json!({"issuer": "x", "authorization_endpoint": "x".repeat(100_000)}).to_string();
    assert!(answer(200, boast.into_bytes()).to_string().len() < 1000);
    let long = answer(200, vec![b' '; 1024 * 1024 + 1]);
    assert!(matches!(long, ProviderError::Unreachable { .. }), "{long}");
}

#[test]
fn microsoft_s_issuer_names_the_organization() {
    const TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let mut provider = Provider::new(KeySet::es256());
    provider.base = "https://login.microsoftonline.com/common/v2.0";
    provider.document["issuer"] = json!("https://login.microsoftonline.com/{tenantid}/v2.0");
    let config = ProviderConfig { server_url: None, ..config(ProviderKind::Microsoft) };
    provider.bend_claims = |claims| {
        claims.insert(
            "iss".into(),
            format!("https://login.microsoftonline.com/{TENANT}/v2.0").into(),
        );
        claims.insert("tid".into(), TENANT.into());
        claims.insert("oid".into(), "00000000-0000-0000-66f3-3332eca7ea81".into());
    };
    let somebody = sign_in(&config, &provider).unwrap();
    assert_eq!(somebody.uid, "00000000-0000-0000-66f3-3332eca7ea81");
    assert!(!somebody.is_email_verified);

    type Bend = fn(&mut Claims);
    let bends: [Bend; 3] = [
        |claims| {
            claims.insert("iss".into(), "https://login.microsoftonline.com/other/v2.0".into());
            claims.insert("tid".into(), TENANT.into());
        },
        |claims| {
            claims.insert("iss".into(), "https://login.microsoftonline.com/x/../y/v2.0".into());
            claims.insert("tid".into(), "x/../y".into());
        },
        |claims| {
            let issuer = "https://login.microsoftonline.com/{tenantid}/v2.0";
            claims.insert("iss".into(), issuer.into());
        },
    ];
    for bend in bends {
        provider.bend_claims = bend;
        let error = sign_in(&config, &provider).unwrap_err();
        assert!(matches!(error, ProviderError::BadIdToken(_)), "{error}");
    }
    // One organization only.
    provider.base = "https://login.microsoftonline.com/contoso.com/v2.0";
    provider.document["issuer"] = json!("https://login.microsoftonline.com/c0ffee/v2.0");
    let config = ProviderConfig { tenant: Some("contoso.com".to_owned()), ..config };
    let error = sign_in(&config, &provider).unwrap_err();
    assert!(matches!(error, ProviderError::BadIdToken(_)), "{error}");
    let config = ProviderConfig { tenant: Some("x/../y".to_owned()), ..config };
    assert!(matches!(discover(&config, &provider), Err(ProviderError::Misconfigured(_))));
}

#[test]
fn presets_know_where_providers_are() {
    let google = "https://accounts.google.com/.well-known/openid-configuration";
    let gitlab = "https://gitlab.com/.well-known/openid-configuration";
    let own = "https://idp.example.com/.well-known/openid-configuration";
    let microsoft =
        "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration";
    for (kind, has_server, expected) in [
        (ProviderKind::Google, false, google),
        (ProviderKind::Google, true, google),
        (ProviderKind::GitLab, false, gitlab),
        (ProviderKind::GitLab, true, own),
        (ProviderKind::OpenIdConnect, true, own),
        (ProviderKind::Microsoft, true, microsoft),
    ] {
        let mut config = config(kind);
        config.server_url = config.server_url.filter(|_| has_server);
        assert_eq!(metadata::discovery_url(&config).unwrap().as_str(), expected, "{kind:?}");
    }
}

#[test]
fn github_says_who_it_is_by_its_api() {
    let config = ProviderConfig { server_url: None, ..config(ProviderKind::GitHub) };
    let mut provider = Provider::github("https://github.com", "https://api.github.com");
    let somebody = sign_in(&config, &provider).unwrap();
    assert_eq!(somebody.uid, "583231");
    assert_eq!(somebody.email.as_deref(), Some("octocat@example.com"));
    assert!(somebody.is_email_verified);
    assert_eq!(somebody.username.as_deref(), Some("octocat"));
    assert_eq!(somebody.name.as_deref(), Some("The Octocat"));

    provider.emails[1]["verified"] = json!(false);
    assert!(!sign_in(&config, &provider).unwrap().is_email_verified);
    provider.emails = json!([]);
    assert_eq!(sign_in(&config, &provider).unwrap().email, None);
    provider.userinfo = Some(json!({"login": "octocat"}));
    assert!(matches!(sign_in(&config, &provider), Err(ProviderError::WrongSubject)));
    provider.userinfo = None;
    let refused = sign_in(&config, &provider);
    assert!(matches!(refused, Err(ProviderError::Status { status: 404, .. })));
}

#[test]
fn github_tells_errors_with_the_status_of_success() {
    let config = ProviderConfig { server_url: None, ..config(ProviderKind::GitHub) };
    let provider = Provider::github("https://github.com", "https://api.github.com");
    let wrong = ProviderConfig { client_secret: "wrong".into(), ..config };
    let refused = sign_in(&wrong, &provider);
    assert!(
        matches!(&refused, Err(ProviderError::CodeRefused(why)) if why == "incorrect_client_credentials"),
        "{refused:?}"
    );
}

#[test]
fn github_may_be_somewhere_else() {
    let config = ProviderConfig {
        server_url: Some(Url::parse("https://git.example.com/").unwrap()),
        ..config(ProviderKind::GitHub)
    };
    let provider = Provider::github("https://git.example.com", "https://git.example.com/api/v3");
    assert_eq!(sign_in(&config, &provider).unwrap().uid, "583231");
}

fn verdicts(config: &ProviderConfig, provider: &Provider) -> Vec<(Check, Verdict)> {
    let findings = check(config, provider).now_or_never().unwrap();
    findings.into_iter().map(|finding| (finding.check, finding.verdict)).collect()
}

#[test]
fn a_good_provider_passes_every_check() {
    let config = config(ProviderKind::OpenIdConnect);
    let found = verdicts(&config, &Provider::new(KeySet::es256()));
    assert_eq!(found.len(), 9);
    assert!(found.iter().all(|(_, verdict)| *verdict == Verdict::Good), "{found:?}");
    let github = ProviderConfig { server_url: None, ..self::config(ProviderKind::GitHub) };
    let provider = Provider::github("https://github.com", "https://api.github.com");
    assert_eq!(verdicts(&github, &provider), [(Check::Reachable, Verdict::Good)]);
}

#[test]
fn checks_name_what_is_wrong() {
    let config = config(ProviderKind::OpenIdConnect);
    let evil = json!("https://evil.example.com");
    let plain = json!("http://idp.example.com/x");
    let gone = json!("https://idp.example.com/gone");
    for (member, value, check, verdict) in [
        ("issuer", evil, Check::Issuer, Verdict::Bad),
        ("authorization_endpoint", plain.clone(), Check::AuthorizationEndpoint, Verdict::Bad),
        ("token_endpoint", plain, Check::TokenEndpoint, Verdict::Bad),
        ("jwks_uri", gone, Check::Keys, Verdict::Bad),
        (
            "id_token_signing_alg_values_supported",
            json!(["HS256", "none", "?"]),
            Check::Algorithms,
            Verdict::Bad,
        ),
        (
            "id_token_signing_alg_values_supported",
            Value::Null,
            Check::Algorithms,
            Verdict::Doubtful,
        ),
        ("response_types_supported", json!(["id_token"]), Check::CodeFlow, Verdict::Bad),
        ("code_challenge_methods_supported", json!(["plain"]), Check::Pkce, Verdict::Doubtful),
        ("scopes_supported", json!(["openid"]), Check::Scopes, Verdict::Doubtful),
    ] {
        let mut provider = Provider::new(KeySet::es256());
        provider.document[member] = value;
        let mut found = verdicts(&config, &provider);
        found.retain(|(_, verdict)| *verdict != Verdict::Good);
        assert_eq!(found, [(check, verdict)], "{member}");
    }
    let mut provider = Provider::new(KeySet::es256());
    provider.document = json!({"issuer": ISSUER});
    assert_eq!(verdicts(&config, &provider), [(Check::Reachable, Verdict::Bad)]);
    let unknown = ProviderConfig { client_id: String::new(), ..config.clone() };
    assert_eq!(verdicts(&unknown, &provider), [(Check::Configuration, Verdict::Bad)]);
    let nowhere = ProviderConfig { server_url: None, ..config };
    assert_eq!(verdicts(&nowhere, &provider), [(Check::Configuration, Verdict::Bad)]);
}

#[test]
fn keys_have_to_be_usable() {
    let config = config(ProviderKind::OpenIdConnect);
    for (member, value) in [("use", json!("enc")), ("kty", json!("oct")), ("alg", json!("HS256"))] {
        let mut provider = Provider::new(KeySet::es256());
        provider.keys.bend = Some((member, value));
        let found = verdicts(&config, &provider);
        assert!(found.contains(&(Check::Keys, Verdict::Bad)), "{member}: {found:?}");
    }
}

#[test]
fn what_never_answers_is_told() {
    let config = config(ProviderKind::OpenIdConnect);
    let found = check(&config, &Nowhere).now_or_never().unwrap();
    let detail = "no answer from the discovery document: no route to host";
    assert_eq!(
        found,
        [Finding { check: Check::Reachable, verdict: Verdict::Bad, detail: detail.to_owned() }]
    );
}
