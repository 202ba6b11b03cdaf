//! What the headless API shows, member by member.

use chrono::{DateTime, Utc};
use mishap_identity::recovery_codes::{RECOVERY_CODES, RecoveryCodes};
use mishap_storage::accounts::authenticators::{Authenticator as Stored, Kind};
use mishap_storage::accounts::emails::{self, UserEmail};
use mishap_storage::accounts::users;
use mishap_storage::{Conn, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::account::{Problem, second_factor};
use crate::session::Method;

/// What is open, and how people sign in.
#[derive(Serialize)]
pub(super) struct Config {
    account: AccountConfig,
    socialaccount: ProviderConfig,
    mfa: SecondFactorConfig,
}

#[derive(Serialize)]
struct AccountConfig {
    login_methods: [&'static str; 1],
    is_open_for_signup: bool,
    email_verification_by_code_enabled: bool,
    login_by_code_enabled: bool,
    password_reset_by_code_enabled: bool,
    authentication_method: &'static str,
}

#[derive(Serialize)]
struct ProviderConfig {
    providers: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct SecondFactorConfig {
    supported_types: [&'static str; 3],
    passkey_login_enabled: bool,
}

impl Config {
    /// With the providers, as they are shown.
    pub(super) fn new(is_open_for_signup: bool, providers: Vec<serde_json::Value>) -> Self {
        Self {
            account: AccountConfig {
                login_methods: ["email"],
                is_open_for_signup,
                email_verification_by_code_enabled: false,
                login_by_code_enabled: false,
                password_reset_by_code_enabled: false,
                authentication_method: "email",
            },
            socialaccount: ProviderConfig { providers },
            mfa: SecondFactorConfig {
                supported_types: ["totp", "webauthn", "recovery_codes"],
                passkey_login_enabled: true,
            },
        }
    }
}

/// Something that a person can mend.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SignInProblem")]
pub(super) struct Error<'a> {
    /// In words.
    message: &'a str,
    /// In one word, for programs.
    code: &'static str,
    /// Which member is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'static str>,
}

impl<'a> From<&'a Problem> for Error<'a> {
    fn from(problem: &'a Problem) -> Self {
        let Problem { code, param, message } = problem;
        Self { message, code, param: *param }
    }
}

/// Whether somebody is signed in; nothing where a first step was missing.
#[derive(Serialize)]
pub(super) struct Meta {
    pub(super) is_authenticated: Option<bool>,
}

/// Who is signed in, and how.
#[derive(Serialize)]
pub(super) struct SignedIn<'a> {
    pub(super) user: User,
    pub(super) methods: &'a [Method],
}

/// What can be done to sign in.
#[derive(Serialize)]
pub(super) struct Flows {
    pub(super) flows: Vec<Flow>,
}

/// Something that can be done to sign in.
#[derive(Default, Serialize)]
pub(super) struct Flow {
    pub(super) id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) providers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_pending: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) types: Option<Vec<&'static str>>,
}

impl Flow {
    /// One of which there is no more to say.
    pub(super) fn of(id: &'static str) -> Self {
        Self { id, ..Self::default() }
    }
}

/// An account.
#[derive(Serialize)]
pub(super) struct User {
    id: i64,
    display: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    has_usable_password: bool,
}

impl User {
    /// An account with its first address.
    pub(super) async fn find(conn: &mut Conn, user: &users::User) -> Result<Self> {
        let addresses = emails::list(conn, user.id).await?;
        let primary = addresses.into_iter().find(|address| address.is_primary);
        Ok(Self {
            id: user.id.0,
            display: user.email.clone(),
            email: primary.map(|address| address.email),
            has_usable_password: user.has_password,
        })
    }
}

/// Whose link it is.
#[derive(Serialize)]
pub(super) struct LinkOwner {
    /// The address that the link proves, if it proves one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    pub(super) user: User,
}

/// An address of an account.
#[derive(Serialize)]
pub(super) struct Email<'a> {
    email: &'a str,
    verified: bool,
    primary: bool,
}

impl<'a> From<&'a UserEmail> for Email<'a> {
    fn from(address: &'a UserEmail) -> Self {
        let (verified, primary) = (address.is_verified, address.is_primary);
        Self { email: &address.email, verified, primary }
    }
}

/// A second factor, or a passkey.
#[derive(Serialize)]
pub(super) struct Authenticator<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: f64,
    last_used_at: Option<f64>,
    #[serde(flatten)]
    passkey: Option<Passkey<'a>>,
    #[serde(flatten)]
    codes: Option<Codes>,
}

#[derive(Serialize)]
struct Passkey<'a> {
    id: i64,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_passwordless: Option<bool>,
}

#[derive(Serialize)]
struct Codes {
    total_code_count: usize,
    unused_code_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    unused_codes: Option<Vec<String>>,
}

impl<'a> Authenticator<'a> {
    /// A second factor without its secrets; nothing for one of another version.
    pub(super) fn of(stored: &'a Stored) -> Option<Self> {
        let kind = stored.kind()?;
        let passkey = (kind == Kind::Passkey).then(|| Passkey {
            id: stored.id.0,
            name: &stored.name,
            is_passwordless: stored.data.get("is_passwordless").and_then(|value| value.as_bool()),
        });
        let codes = (kind == Kind::RecoveryCodes).then(|| Codes {
            total_code_count: RECOVERY_CODES,
            unused_code_count: unused(stored).len(),
            unused_codes: None,
        });
        Some(Self {
            kind: second_factor::name(kind),
            created_at: epoch(stored.created_at),
            last_used_at: stored.last_used_at.map(epoch),
            passkey,
            codes,
        })
    }

    /// The same, with the recovery codes that are left, for their owner's eyes.
    pub(super) fn revealed(stored: &'a Stored) -> Option<Self> {
        let mut shown = Self::of(stored)?;
        if let Some(codes) = &mut shown.codes {
            codes.unused_codes = Some(unused(stored));
        }
        Some(shown)
    }
}

fn unused(stored: &Stored) -> Vec<String> {
    let codes = serde_json::from_value::<RecoveryCodes>(stored.data.clone());
    codes.map(|codes| codes.unused()).unwrap_or_default()
}

/// Seconds since 1970, as allauth prints them.
#[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit")]
fn epoch(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}
