//! What people prove themselves with besides a password: passkeys, and apps that show codes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};
use url::Url;

/// The code that an app with this secret shows at a time.
pub fn app_code(secret: &str, at: DateTime<Utc>) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let app = Builder::new().with_secret(secret).build_noncompliant();
    app.generate(u64::try_from(at.timestamp()).unwrap()).to_string()
}

/// A browser with an authenticator that holds one key. What is public can be bent by a test.
pub struct Authenticator {
    /// What it calls itself.
    pub id: Vec<u8>,
    /// The counter of the next answer.
    pub counter: u32,
    /// Whether somebody touches it.
    pub is_present: bool,
    /// Whether it makes sure that this is its owner.
    pub is_verified: bool,
    /// The origin of the page that asks.
    pub origin: String,
    /// The host that the browser takes the page for.
    pub host: String,
    /// What the browser says of residence.
    pub rk: Option<bool>,
    /// Given by the site when the key was made.
    pub user_handle: Option<String>,
    key: EcdsaKeyPair,
}

impl Authenticator {
    /// An authenticator of somebody who looks at a page of this origin.
    pub fn new(id: &[u8], origin: &str) -> Self {
        let host = Url::parse(origin).unwrap().host_str().unwrap().to_owned();
        Self {
            id: id.to_vec(),
            counter: 1,
            is_present: true,
            is_verified: true,
            origin: origin.to_owned(),
            host,
            rk: Some(false),
            user_handle: None,
            key: new_key(),
        }
    }

    /// Forgets its key, and goes on with another one.
    pub fn change_key(&mut self) {
        self.key = new_key();
    }

    /// What `navigator.credentials.create` gives.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user_handle = options["publicKey"]["user"]["id"].as_str().map(str::to_owned);
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        // In CBOR: an elliptic curve key for ES256 on P-256, with x and y.
        let cose = [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat();
        let id_len = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let made = [&[0; 16], id_len.as_slice(), &self.id, &cose].concat();
        let data = self.authenticator_data(&made);
        let data_len = u8::try_from(data.len()).unwrap();
        let object =
            [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(), &[data_len], &data]
                .concat();
        json!({
            "id": base64url(&self.id),
            "rawId": base64url(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": self.rk}},
            "response": {
                "attestationObject": base64url(&object),
                "clientDataJSON": base64url(&self.client_data("webauthn.create", options)),
                "transports": ["internal", "carrier-pigeon"],
            },
        })
    }

    /// What `navigator.credentials.get` gives.
    pub fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.authenticator_data(&[]);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        json!({
            "id": base64url(&self.id),
            "rawId": base64url(&self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "authenticatorData": base64url(&data),
                "clientDataJSON": base64url(&client_data),
                "signature": base64url(signature.as_ref()),
                "userHandle": self.user_handle,
            },
        })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = &options["publicKey"]["challenge"];
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }

    /// WebAuthn, "Authenticator Data".
    fn authenticator_data(&mut self, made: &[u8]) -> Vec<u8> {
        let flags = u8::from(self.is_present)
            | u8::from(self.is_verified) << 2
            | u8::from(!made.is_empty()) << 6;
        let counter = self.counter.to_be_bytes();
        self.counter += 1;
        let host = digest(&SHA256, self.host.as_bytes());
        [host.as_ref(), &[flags], &counter, made].concat()
    }
}

/// Bytes as WebAuthn writes them.
fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn new_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
}
