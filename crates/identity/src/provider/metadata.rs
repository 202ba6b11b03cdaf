//! What a provider tells of itself (OpenID Connect Discovery 1.0).

use openidconnect::core::CoreJsonWebKeySet;
use serde::{Deserialize, Serialize};
use url::Url;

use super::requests::{Http, get};
use super::{Endpoint, ProviderConfig, ProviderError, ProviderKind, github, shortened};

/// Where a discovery document is, below the issuer.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What stands for the organization in the issuer of Microsoft's shared document.
const TENANT_PLACEHOLDER: &str = "{tenantid}";

/// Where a provider is asked what, and the keys it signs with. To be cached for some hours; keys
/// that are newer are fetched when they are needed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) jwks_uri: Option<Url>,
    pub(super) keys: CoreJsonWebKeySet,
    /// The token endpoint wants our password in the body, not in a header.
    pub(super) wants_secret_in_body: bool,
}

impl Metadata {
    /// Asks a provider. GitHub is not asked: it has no such document.
    pub async fn discover(config: &ProviderConfig, http: &dyn Http) -> Result<Self, ProviderError> {
        if config.kind == ProviderKind::GitHub {
            return github::metadata(config);
        }
        let url = discovery_url(config)?;
        let document: Document = get(http, Endpoint::Discovery, &url, None).await?;
        document.expect_issuer(config, &url)?;
        let may_be_plain = url.scheme() == "http";
        let is_safe = |url: &Url| url.scheme() == "https" || may_be_plain;
        if ![&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri]
            .into_iter()
            .chain(&document.userinfo_endpoint)
            .all(is_safe)
        {
            return Err(ProviderError::Misconfigured("an endpoint has no https"));
        }
        let keys = keys(http, &document.jwks_uri).await?;
        Ok(document.with_keys(config.kind, keys))
    }

    /// Where browsers go to sign in, for those who make that URL themselves.
    pub fn authorization_endpoint(&self) -> &Url {
        &self.authorization_endpoint
    }

    /// Who issues ID tokens for an organization of Microsoft's.
    pub(super) fn issuer_for(&self, tenant: &str) -> String {
        self.issuer.replace(TENANT_PLACEHOLDER, tenant)
    }
}

/// Fetches the keys that ID tokens are signed with.
pub(super) async fn keys(http: &dyn Http, url: &Url) -> Result<CoreJsonWebKeySet, ProviderError> {
    get(http, Endpoint::Keys, url, None).await
}

/// A discovery document, as far as it is of use. The standard demands more of it, but not all
/// providers heed that.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) jwks_uri: Url,
    pub(super) id_token_signing_alg_values_supported: Option<Vec<String>>,
    pub(super) code_challenge_methods_supported: Option<Vec<String>>,
    pub(super) response_types_supported: Option<Vec<String>>,
    pub(super) scopes_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Document {
    /// The issuer has to be the URL that the document was found under, or somebody could speak for
    /// somebody else. Microsoft answers under the name of an organization, or of none, with its
    /// number.
    pub(super) fn expect_issuer(
        &self,
        config: &ProviderConfig,
        url: &Url,
    ) -> Result<(), ProviderError> {
        let found = self.issuer.trim_end_matches('/');
        let Some(expected) = url.as_str().strip_suffix(WELL_KNOWN) else {
            // A document with a name of its own was configured as such.
            return Ok(());
        };
        let is_good = match config.kind {
            ProviderKind::Microsoft => {
                let tenant = found
                    .strip_prefix("https://login.microsoftonline.com/")
                    .and_then(|rest| rest.strip_suffix("/v2.0"));
                tenant.is_some_and(|tenant| tenant == TENANT_PLACEHOLDER || is_tenant(tenant))
            }
            ProviderKind::OpenIdConnect
            | ProviderKind::GitHub
            | ProviderKind::GitLab
            | ProviderKind::Google => found == expected,
        };
        let wrong = || ProviderError::WrongIssuer {
            expected: expected.to_owned(),
            found: shortened(&self.issuer),
        };
        if is_good { Ok(()) } else { Err(wrong()) }
    }

    fn with_keys(self, kind: ProviderKind, keys: CoreJsonWebKeySet) -> Metadata {
        let methods = self.token_endpoint_auth_methods_supported.unwrap_or_default();
        let knows = |method: &str| methods.iter().any(|known| known == method);
        Metadata {
            wants_secret_in_body: knows("client_secret_post") && !knows("client_secret_basic"),
            issuer: self.issuer,
            authorization_endpoint: self.authorization_endpoint,
            token_endpoint: self.token_endpoint,
            // Microsoft's knows nothing more, and knows people by other names.
            userinfo_endpoint: self.userinfo_endpoint.filter(|_| kind != ProviderKind::Microsoft),
            jwks_uri: Some(self.jwks_uri),
            keys,
        }
    }
}

/// Where a provider's discovery document is.
pub(super) fn discovery_url(config: &ProviderConfig) -> Result<Url, ProviderError> {
    let is_of_the_web = |url: &Url| matches!(url.scheme(), "http" | "https");
    if !config.server_url.iter().all(is_of_the_web) {
        return Err(ProviderError::Misconfigured("the server's URL is not of the web"));
    }
    let base = match (config.kind, &config.server_url) {
        (ProviderKind::Google, _) => "https://accounts.google.com".to_owned(),
        (ProviderKind::Microsoft, _) => {
            let tenant = config.tenant.as_deref().unwrap_or("common");
            if !is_tenant(tenant) {
                return Err(ProviderError::Misconfigured("no such tenant can be"));
            }
            format!("https://login.microsoftonline.com/{tenant}/v2.0")
        }
        (ProviderKind::OpenIdConnect, Some(url)) if url.path().contains("/.well-known/") => {
            return Ok(url.clone());
        }
        (_, Some(url)) => url.as_str().trim_end_matches('/').to_owned(),
        (ProviderKind::GitLab, None) => "https://gitlab.com".to_owned(),
        (ProviderKind::OpenIdConnect | ProviderKind::GitHub, None) => {
            return Err(ProviderError::Misconfigured("the server's URL is missing"));
        }
    };
    Url::parse(&format!("{base}{WELL_KNOWN}"))
        .map_err(|_unusable| ProviderError::Misconfigured("the server's URL cannot be used"))
}

/// Whether a text can be the name or the number of an organization of Microsoft's.
pub(super) fn is_tenant(text: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=253).contains(&text.len()) && text.bytes().all(is_fit)
}
