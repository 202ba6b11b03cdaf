//! A sign-in provider, played by a function.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::http::{Method, Response, header};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use serde_json::{Value, json};
use url::Url;

use crate::provider::{Claims, Http, HttpFuture, HttpRequest};

pub(super) const ISSUER: &str = "https://idp.example.com";
pub(super) const CLIENT_ID: &str = "mishap";
pub(super) const CLIENT_SECRET: &str = "the-client-secret";
const ACCESS_TOKEN: &str = "the-access-token";

pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The first part of a JWT.
pub(super) fn header(header: &Value) -> String {
    base64url(header.to_string().as_bytes())
}

/// The key of a provider.
pub(super) struct KeySet {
    pub(super) id: &'static str,
    /// A member of the public key that is not as it should be.
    pub(super) bend: Option<(&'static str, Value)>,
    private: PrivateKey,
}

enum PrivateKey {
    Es256(EcdsaKeyPair),
    Rsa(&'static str, CoreRsaPrivateSigningKey),
}

impl KeySet {
    pub(super) fn es256() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self { id: "old", bend: None, private: PrivateKey::Es256(pair) }
    }

    pub(super) fn rsa(algorithm: &'static str) -> Self {
        let key = rsa::RsaPrivateKey::new(&mut FromSystem, 1024).unwrap();
        let pem = key.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap();
        let id = Some(JsonWebKeyId::new("old".to_owned()));
        let key = CoreRsaPrivateSigningKey::from_pem(&pem, id).unwrap();
        Self { id: "old", bend: None, private: PrivateKey::Rsa(algorithm, key) }
    }

    fn public(&self) -> Value {
        let mut key = match &self.private {
            PrivateKey::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)})
            }
            PrivateKey::Rsa(_, key) => serde_json::to_value(key.as_verification_key()).unwrap(),
        };
        key["kid"] = json!(self.id);
        key["use"] = json!("sig");
        if let Some((member, value)) = &self.bend {
            key[member] = value.clone();
        }
        json!({"keys": [key]})
    }

    fn sign(&self, claims: &Claims) -> String {
        let payload = serde_json::to_vec(claims).unwrap();
        let algorithm = match &self.private {
            PrivateKey::Es256(_) => "ES256",
            PrivateKey::Rsa(algorithm, _) => algorithm,
        };
        let header = header(&json!({"alg": algorithm, "typ": "JWT", "kid": self.id}));
        let signed = format!("{header}.{}", base64url(&payload));
        let signature = match &self.private {
            PrivateKey::Es256(pair) => {
                pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec()
            }
            PrivateKey::Rsa(name, key) => {
                let algorithm: CoreJwsSigningAlgorithm =
                    serde_json::from_value(json!(name)).unwrap();
                key.sign(&algorithm, signed.as_bytes()).unwrap()
            }
        };
        format!("{signed}.{}", base64url(&signature))
    }

    /// The claims of another token, signed with this key.
    pub(super) fn resign(&self, token: &str) -> String {
        let payload = from_base64url(token.split('.').nth(1).unwrap());
        self.sign(&serde_json::from_slice(&payload).unwrap())
    }
}

/// The generator of an older generation of crates.
struct FromSystem;

impl rsa::rand_core::RngCore for FromSystem {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        ring::rand::SecureRandom::fill(&SystemRandom::new(), bytes).unwrap();
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for FromSystem {}

/// The provider. What is public can be bent by a test.
pub(super) struct Provider {
    pub(super) base: &'static str,
    pub(super) keys: KeySet,
    pub(super) document: Value,
    pub(super) bend_claims: fn(&mut Claims),
    pub(super) bend_token: Option<fn(&Self, &str) -> String>,
    /// What the user info endpoint answers; without it there is none.
    pub(super) userinfo: Option<Value>,
    pub(super) emails: Value,
    api: Option<&'static str>,
    /// What was asked for, by the codes that were given.
    visits: Mutex<HashMap<String, HashMap<String, String>>>,
    token_requests: Mutex<Vec<String>>,
}

impl Provider {
    pub(super) fn new(keys: KeySet) -> Self {
        Self {
            base: ISSUER,
            keys,
            document: json!({
                "issuer": ISSUER,
                "authorization_endpoint": "https://idp.example.com/authorize",
                "token_endpoint": "https://idp.example.com/token",
                "userinfo_endpoint": "https://idp.example.com/userinfo",
                "jwks_uri": "https://idp.example.com/keys",
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "code_challenge_methods_supported": ["S256"],
                "response_types_supported": ["code", "code id_token"],
                "scopes_supported": ["openid", "profile", "email", "groups"],
            }),
            bend_claims: |_| {},
            bend_token: None,
            userinfo: Some(json!({"sub": "jane-4711", "groups": ["developers"]})),
            emails: Value::Null,
            api: None,
            visits: Mutex::default(),
            token_requests: Mutex::default(),
        }
    }

    pub(super) fn github(base: &'static str, api: &'static str) -> Self {
        Self {
            base,
            api: Some(api),
            userinfo: Some(json!({
                "id": 583_231, "login": "octocat", "name": "The Octocat", "email": "x@evil.example",
            })),
            emails: json!([
                {"email": "other@example.com", "primary": false, "verified": true},
                {"email": "octocat@example.com", "primary": true, "verified": true},
            ]),
            document: json!({"token_endpoint": format!("{base}/login/oauth/access_token")}),
            ..Self::new(KeySet::es256())
        }
    }

    /// Somebody signs in on the provider's page: the code and the state that it sends them back with.
    pub(super) fn visit(&self, url: &Url) -> (String, String) {
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        let state = query["state"].clone();
        let mut visits = self.visits.lock().unwrap();
        let code = format!("code-{}", visits.len());
        visits.insert(code.clone(), query);
        (code, state)
    }

    pub(super) fn token_requests(&self) -> Vec<String> {
        self.token_requests.lock().unwrap().clone()
    }

    /// The claims of another token, signed with the password that we and the provider know.
    pub(super) fn sign_with_password(&self, token: &str) -> String {
        let payload = token.split('.').nth(1).unwrap();
        let signed = format!("{}.{payload}", header(&json!({"alg": "HS256"})));
        let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
        format!("{signed}.{}", base64url(hmac::sign(&key, signed.as_bytes()).as_ref()))
    }

    fn answer(&self, request: &HttpRequest) -> (u16, Value) {
        let url = request.uri().to_string();
        let found = |answer: &Option<Value>| match answer {
            Some(_) if !is_authorized(request) => (401, json!({})),
            Some(answer) => (200, answer.clone()),
            None => (404, json!({})),
        };
        if url == format!("{}/.well-known/openid-configuration", self.base) {
            let mut document = self.document.clone();
            if self.userinfo.is_none() {
                document.as_object_mut().unwrap().remove("userinfo_endpoint");
            }
            return (200, document);
        }
        if let Some(api) = self.api {
            match url.strip_prefix(api) {
                Some("/") => return (200, json!({})),
                Some("/user") => return found(&self.userinfo),
                Some("/user/emails") => return found(&Some(self.emails.clone())),
                _ => {}
            }
        }
        match url.as_str() {
            "https://idp.example.com/keys" => (200, self.keys.public()),
            "https://idp.example.com/userinfo" => found(&self.userinfo),
            _ if self.document["token_endpoint"] == url.as_str() => self.token(request),
            _ => (404, json!({})),
        }
    }

    fn token(&self, request: &HttpRequest) -> (u16, Value) {
        assert_eq!(request.method(), Method::POST);
        let body = String::from_utf8(request.body().clone()).unwrap();
        self.token_requests.lock().unwrap().push(body.clone());
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        let is_ours = match request.headers().get(header::AUTHORIZATION) {
            Some(header) => header == basic.as_str(),
            None => form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET),
        };
        if !is_ours {
            return match self.api {
                Some(_) => (200, json!({"error": "incorrect_client_credentials"})),
                None => (401, json!({"error": "invalid_client"})),
            };
        }
        let visits = self.visits.lock().unwrap();
        let visit = &visits[&form["code"]];
        let challenge = base64url(digest(&SHA256, form["code_verifier"].as_bytes()).as_ref());
        if visit["code_challenge"] != challenge || visit["redirect_uri"] != form["redirect_uri"] {
            return (400, json!({"error": "invalid_grant"}));
        }
        if self.api.is_some() {
            let scope = "read:user,user:email";
            return (
                200,
                json!({"access_token": ACCESS_TOKEN, "token_type": "bearer", "scope": scope}),
            );
        }
        let mut claims = json!({
            "iss": self.document["issuer"],
            "sub": "jane-4711",
            "aud": CLIENT_ID,
            "exp": 1_800_000_300,
            "iat": 1_799_999_990,
            "nonce": visit["nonce"],
            "email": "jane@example.com",
            "email_verified": true,
            "name": "Jane Doe",
            "preferred_username": "jane",
        });
        let claims = claims.as_object_mut().unwrap();
        (self.bend_claims)(claims);
        let token = self.keys.sign(claims);
        let token = self.bend_token.map_or_else(|| token.clone(), |bend| bend(self, &token));
        let answer = json!({
            "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300,
            "id_token": token,
        });
        (200, answer)
    }
}

impl Http for Provider {
    fn send(&self, request: HttpRequest) -> HttpFuture<'_> {
        let (status, body) = self.answer(&request);
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body.to_string().into_bytes());
        Box::pin(std::future::ready(Ok(response.unwrap())))
    }
}

fn is_authorized(request: &HttpRequest) -> bool {
    let expected = format!("Bearer {ACCESS_TOKEN}");
    request.headers().get(header::AUTHORIZATION).is_some_and(|header| header == expected.as_str())
}
