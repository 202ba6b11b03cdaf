//! Sign-in providers: OpenID Connect, and GitHub's OAuth2.
//!
//! The flow is the one with an authorization code, PKCE, state and nonce. [`begin`] says where the
//! browser goes and what the caller keeps for it; [`finish`] takes what the provider's page sends it
//! back with, and says who it is. Between them lies what the provider tells of itself,
//! [`Metadata`], which [`Metadata::discover`] fetches and the caller caches.
//!
//! Requests go out through the caller's client ([`Http`]).

mod check;
mod flow;
mod github;
mod id_token;
mod membership;
mod metadata;
mod requests;

use std::fmt;

use mishap_core::text::truncated;
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

pub use check::{Check, Finding, Verdict, check};
pub use flow::{Callback, FlowState, begin, finish};
pub use membership::{RoleRule, memberships};
pub use metadata::Metadata;
pub use requests::{Http, HttpError, HttpFuture, HttpRequest, HttpResponse};

/// How much of what a provider told goes into errors and findings, in characters.
const MAX_TOLD_CHARS: usize = 500;

/// What a provider tells of somebody, by the names of OpenID Connect.
pub type Claims = Map<String, Value>;

/// How a provider is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// Any that speaks OpenID Connect and says so in a discovery document.
    OpenIdConnect,
    /// GitHub, or a GitHub Enterprise server: OAuth2, and an API that says who it is.
    GitHub,
    /// GitLab, at gitlab.com or elsewhere.
    GitLab,
    /// Google.
    Google,
    /// Microsoft Entra and personal accounts.
    Microsoft,
}

/// A provider, as it is configured.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// What it is called in URLs; a sign-in that began with one provider ends with the same.
    pub slug: String,
    /// What people see.
    pub name: String,
    /// How it is spoken with.
    pub kind: ProviderKind,
    /// Our name there.
    pub client_id: String,
    /// Our password there; empty for a public client.
    pub client_secret: SecretString,
    /// Where it is. OpenID Connect needs it: the issuer, or the discovery document itself. GitLab
    /// and GitHub have one of their own if it is missing; the others take none.
    pub server_url: Option<Url>,
    /// Microsoft only: whose accounts may sign in. `common`, all, if it is missing; or
    /// `organizations`, `consumers`, or the number or domain of one organization.
    pub tenant: Option<String>,
    /// What is asked for; if empty, what it takes to learn name and e-mail address.
    pub scopes: Vec<String>,
}

impl ProviderConfig {
    /// Where its discovery document is; nothing if it has none, or if the configuration cannot work.
    pub fn discovery_url(&self) -> Option<Url> {
        let has_one = self.kind != ProviderKind::GitHub;
        has_one.then(|| metadata::discovery_url(self).ok()).flatten()
    }

    /// What is asked for: what is configured, or else what is usual.
    pub fn asked_scopes(&self) -> Vec<&str> {
        flow::scopes(self)
    }
}

/// Somebody, as a provider knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalIdentity {
    /// What the provider knows them by, for good: at most 191 bytes, as GlitchTip's column.
    pub uid: String,
    /// The e-mail address, at most 254 bytes.
    pub email: Option<String>,
    /// Whether the provider vouches for the address. Never true for Microsoft's, where an
    /// organization may write into it what it likes.
    pub is_email_verified: bool,
    /// The name of the person.
    pub name: Option<String>,
    /// The name of the account.
    pub username: Option<String>,
    /// All that the provider told, for [`memberships`] and the record.
    pub claims: Claims,
}

/// What of a provider was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The discovery document.
    Discovery,
    /// The keys that ID tokens are signed with.
    Keys,
    /// Where a code becomes a token.
    Token,
    /// Where a token becomes claims.
    UserInfo,
    /// GitHub's e-mail addresses.
    Emails,
    /// GitHub's API itself.
    Api,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "the discovery document",
            Self::Keys => "the key set",
            Self::Token => "the token endpoint",
            Self::UserInfo => "the user info endpoint",
            Self::Emails => "the list of e-mail addresses",
            Self::Api => "the API",
        })
    }
}

/// Why a sign-in or a discovery failed. No text of it holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// What is configured cannot work.
    #[error("the provider's configuration cannot work: {0}")]
    Misconfigured(&'static str),
    /// There is no answer.
    #[error("no answer from {endpoint}")]
    Unreachable {
        /// What was asked.
        endpoint: Endpoint,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The answer is an error, or a redirect.
    #[error("{endpoint} answers with the status {status}")]
    Status {
        /// What was asked.
        endpoint: Endpoint,
        /// The status of HTTP.
        status: u16,
    },
    /// The answer is not what it should be.
    #[error("the answer of {endpoint} cannot be read: {detail}")]
    Unreadable {
        /// What was asked.
        endpoint: Endpoint,
        /// What is wrong with it.
        detail: String,
    },
    /// The provider says to be another one.
    #[error("the provider calls itself {found}, expected was {expected}")]
    WrongIssuer {
        /// By the URL that is configured.
        expected: String,
        /// By the discovery document.
        found: String,
    },
    /// What the browser brought back belongs to no sign-in that it began.
    #[error("this is not the answer to the sign-in that was begun")]
    WrongState,
    /// The provider does not take the code; this is its word for why.
    #[error("the provider refuses the code: {0}")]
    CodeRefused(String),
    /// The provider gave a token, but not the one that says who it is.
    #[error("the provider gave no ID token")]
    NoIdToken,
    /// The ID token does not prove what it should.
    #[error("the ID token is refused: {0}")]
    BadIdToken(String),
    /// The user info endpoint speaks of somebody else, or nobody.
    #[error("the provider does not say, or not consistently, who signs in")]
    WrongSubject,
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    shortened(&causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

/// What a provider told, as far as somebody will read it.
fn shortened(text: &str) -> String {
    truncated(text, MAX_TOLD_CHARS).to_owned()
}

#[cfg(test)]
mod tests;
