//! API tokens.

use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens::Token;
use schemars::JsonSchema;
use serde::Serialize;

use super::Timestamp;

/// An API token. Only the answer to its creation tells what it is; later it is known by its last
/// characters (GlitchTip 6).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TokenResponse {
    id: i64,
    label: String,
    scopes: Vec<&'static str>,
    token: String,
    created: Timestamp,
    expires: Option<Timestamp>,
    #[serde(rename = "lastUsed")]
    last_used: Option<Timestamp>,
}

impl TokenResponse {
    /// The token, hidden but for its end.
    pub fn hidden(token: &Token) -> Self {
        Self::with(token, format!("…{}", token.hint))
    }

    /// The token as it is shown once.
    pub fn revealed(token: &Token, secret: &ApiToken) -> Self {
        Self::with(token, secret.reveal().to_owned())
    }

    fn with(token: &Token, shown: String) -> Self {
        Self {
            id: token.id.0,
            label: token.label.clone(),
            scopes: token.scopes().iter().map(mishap_core::access::Scope::name).collect(),
            token: shown,
            created: Timestamp(token.created_at),
            expires: token.expires_at.map(Timestamp),
            last_used: token.last_used_at.map(Timestamp),
        }
    }
}
