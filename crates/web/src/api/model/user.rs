//! Accounts.

use mishap_storage::accounts::emails::UserEmail;
use mishap_storage::accounts::identities::Identity;
use mishap_storage::accounts::users::User;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Timestamp;
use crate::fields::{Fields, Payload};

/// What a person prefers; every member is always there in an answer, and may be left out of a request.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    timezone: Option<String>,
    stacktrace_order: Option<i64>,
    language: Option<String>,
    clock24_hours: Option<bool>,
    preferred_theme: Option<String>,
}

impl Preferences {
    /// The preferences that are stored; what cannot be read is left out.
    pub fn of(options: &Value) -> Self {
        let text = |name: &str| options.get(name)?.as_str().map(str::to_owned);
        Self {
            timezone: text("timezone"),
            stacktrace_order: options.get("stacktraceOrder").and_then(Value::as_i64),
            language: text("language"),
            clock24_hours: options.get("clock24Hours").and_then(Value::as_bool),
            preferred_theme: text("preferredTheme"),
        }
    }
}

/// Longest preference, in characters.
const MAX_PREFERENCE: usize = 100;

impl Payload for Preferences {
    fn read(fields: &mut Fields<'_>) -> Self {
        Self {
            timezone: fields.optional_text("timezone", MAX_PREFERENCE),
            stacktrace_order: fields.optional_integer("stacktraceOrder", 0..=i64::from(i16::MAX)),
            language: fields.optional_text("language", MAX_PREFERENCE),
            clock24_hours: fields.optional_boolean("clock24Hours"),
            preferred_theme: fields.optional_text("preferredTheme", MAX_PREFERENCE),
        }
    }
}

/// Who somebody is at a sign-in provider.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentityResponse {
    email: Option<String>,
    username: Option<String>,
    id: i64,
    provider: String,
    uid: String,
    last_login: Timestamp,
    date_joined: Timestamp,
}

impl From<&Identity> for IdentityResponse {
    fn from(identity: &Identity) -> Self {
        Self {
            email: identity.email.clone(),
            username: identity.username.clone(),
            id: identity.id.0,
            provider: identity.provider.clone(),
            uid: identity.uid.clone(),
            last_login: Timestamp(identity.last_login_at),
            date_joined: Timestamp(identity.created_at),
        }
    }
}

/// An account.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserResponse {
    id: String,
    options: Preferences,
    username: String,
    date_joined: Timestamp,
    email: String,
    has_password_auth: bool,
    identities: Vec<IdentityResponse>,
    last_login: Option<Timestamp>,
    is_superuser: bool,
    is_active: bool,
    name: String,
}

impl UserResponse {
    /// The account with who it is at providers.
    pub fn new(user: &User, identities: &[Identity]) -> Self {
        Self {
            id: user.id.to_string(),
            options: Preferences::of(&user.options),
            username: user.email.clone(),
            date_joined: Timestamp(user.created_at),
            email: user.email.clone(),
            has_password_auth: user.has_password,
            identities: identities.iter().map(Into::into).collect(),
            last_login: user.last_login_at.map(Timestamp),
            is_superuser: user.is_superuser,
            is_active: user.is_active,
            name: user.name.clone(),
        }
    }
}

/// An account, as its owner sees it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserDetailResponse {
    /// The account.
    #[serde(flatten)]
    pub user: UserResponse,
    /// Proves to Chatwoot who the person is, where that is set up.
    pub chatwoot_identifier_hash: Option<String>,
}

/// An address of an account.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailResponse {
    is_primary: bool,
    is_verified: bool,
    email: String,
}

impl From<&UserEmail> for EmailResponse {
    fn from(address: &UserEmail) -> Self {
        Self {
            is_primary: address.is_primary,
            is_verified: address.is_verified,
            email: address.email.clone(),
        }
    }
}

/// Whether alerts of projects are wanted that nothing was said about.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationsResponse {
    /// Whether they are.
    pub subscribe_by_default: bool,
}
