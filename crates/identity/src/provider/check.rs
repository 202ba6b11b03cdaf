//! Whether a provider can be signed in with, found out without signing in.

use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeyType};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm, JsonWebKeyUse as _};
use url::Url;

use super::flow::scopes;
use super::metadata::{Document, discovery_url, keys};
use super::requests::{Http, get};
use super::{Endpoint, ProviderConfig, ProviderKind, chain, github, id_token, shortened};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// Whether the configuration is complete.
    Configuration,
    /// Whether the provider answers, and its document can be read.
    Reachable,
    /// Whether the provider is the one that is configured.
    Issuer,
    /// Whether browsers are sent somewhere safe.
    AuthorizationEndpoint,
    /// Whether codes are sent somewhere safe.
    TokenEndpoint,
    /// Whether there are keys to verify ID tokens with.
    Keys,
    /// Whether ID tokens are signed in a way that we verify.
    Algorithms,
    /// Whether the provider gives codes.
    CodeFlow,
    /// Whether the provider binds codes to who asked for them.
    Pkce,
    /// Whether the provider knows what it will be asked for.
    Scopes,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Good,
    /// It may work.
    Doubtful,
    /// Nobody can sign in.
    Bad,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// What was found.
    pub verdict: Verdict,
    /// The particulars, for an operator: a URL, a number, an error. They hold no secret.
    pub detail: String,
}

impl Finding {
    fn new(check: Check, verdict: Verdict, detail: &str) -> Self {
        Self { check, verdict, detail: shortened(detail) }
    }

    fn good_or(check: Check, is_good: bool, otherwise: Verdict, detail: &str) -> Self {
        Self::new(check, if is_good { Verdict::Good } else { otherwise }, detail)
    }
}

/// Asks a provider for all that a sign-in will need, and tells what is found, in the order of
/// [`Check`]. Whether our name and password are right, only a sign-in can tell.
pub async fn check(config: &ProviderConfig, http: &dyn Http) -> Vec<Finding> {
    if config.client_id.is_empty() {
        return vec![Finding::new(Check::Configuration, Verdict::Bad, "the client id is missing")];
    }
    if config.kind == ProviderKind::GitHub {
        return vec![check_github(config, http).await];
    }
    let url = match discovery_url(config) {
        Ok(url) => url,
        Err(error) => {
            return vec![Finding::new(Check::Configuration, Verdict::Bad, &error.to_string())];
        }
    };
    let document: Document = match get(http, Endpoint::Discovery, &url, None).await {
        Ok(document) => document,
        Err(error) => return vec![Finding::new(Check::Reachable, Verdict::Bad, &chain(&error))],
    };
    let endpoint = |check, endpoint: &Url| {
        let verdict = match (endpoint.scheme(), url.scheme()) {
            ("https", _) => Verdict::Good,
            // Whoever sets a plain address wants a plain provider.
            (_, "http") => Verdict::Doubtful,
            _ => Verdict::Bad,
        };
        Finding::new(check, verdict, endpoint.as_str())
    };
    vec![
        Finding::new(Check::Reachable, Verdict::Good, url.as_str()),
        match document.expect_issuer(config, &url) {
            Ok(()) => Finding::new(Check::Issuer, Verdict::Good, &document.issuer),
            Err(error) => Finding::new(Check::Issuer, Verdict::Bad, &error.to_string()),
        },
        endpoint(Check::AuthorizationEndpoint, &document.authorization_endpoint),
        endpoint(Check::TokenEndpoint, &document.token_endpoint),
        check_keys(&document, http).await,
        check_algorithms(&document),
        check_code_flow(&document),
        check_pkce(&document),
        check_scopes(config, &document),
    ]
}

async fn check_github(config: &ProviderConfig, http: &dyn Http) -> Finding {
    let url = match github::api(config, "/") {
        Ok(url) => url,
        Err(error) => return Finding::new(Check::Configuration, Verdict::Bad, &error.to_string()),
    };
    match get::<serde::de::IgnoredAny>(http, Endpoint::Api, &url, None).await {
        Ok(_) => Finding::new(Check::Reachable, Verdict::Good, url.as_str()),
        Err(error) => Finding::new(Check::Reachable, Verdict::Bad, &chain(&error)),
    }
}

async fn check_keys(document: &Document, http: &dyn Http) -> Finding {
    match keys(http, &document.jwks_uri).await {
        Ok(keys) => {
            let usable = keys.keys().iter().filter(|key| is_usable(key)).count();
            let detail = format!("{usable} of {} can be used", keys.keys().len());
            Finding::good_or(Check::Keys, usable > 0, Verdict::Bad, &detail)
        }
        Err(error) => Finding::new(Check::Keys, Verdict::Bad, &chain(&error)),
    }
}

fn is_usable(key: &CoreJsonWebKey) -> bool {
    let is_public = !matches!(key.key_type(), CoreJsonWebKeyType::Symmetric);
    let may_sign = key.key_use().is_none_or(|used| used.allows_signature());
    let algorithm = match key.signing_alg() {
        JsonWebKeyAlgorithm::Algorithm(algorithm) => id_token::ALGORITHMS.contains(algorithm),
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    is_public && may_sign && algorithm
}

fn check_algorithms(document: &Document) -> Finding {
    // Providers that say nothing use RS256.
    let Some(names) = &document.id_token_signing_alg_values_supported else {
        return Finding::new(Check::Algorithms, Verdict::Doubtful, "the provider names none");
    };
    let is_known = |name: &String| {
        serde_json::from_value(name.as_str().into())
            .is_ok_and(|algorithm| id_token::ALGORITHMS.contains(&algorithm))
    };
    let is_good = names.iter().any(is_known);
    Finding::good_or(Check::Algorithms, is_good, Verdict::Bad, &names.join(" "))
}

fn check_code_flow(document: &Document) -> Finding {
    let Some(types) = &document.response_types_supported else {
        return Finding::new(Check::CodeFlow, Verdict::Doubtful, "the provider names no flow");
    };
    let is_good = types.iter().any(|kind| kind == "code");
    Finding::good_or(Check::CodeFlow, is_good, Verdict::Bad, &types.join(", "))
}

fn check_pkce(document: &Document) -> Finding {
    let methods = document.code_challenge_methods_supported.as_deref().unwrap_or_default();
    let is_good = methods.iter().any(|method| method == "S256");
    Finding::good_or(Check::Pkce, is_good, Verdict::Doubtful, &methods.join(" "))
}

fn check_scopes(config: &ProviderConfig, document: &Document) -> Finding {
    let Some(known) = &document.scopes_supported else {
        return Finding::new(Check::Scopes, Verdict::Doubtful, "the provider names none");
    };
    let is_unknown = |scope: &&str| !known.iter().any(|known| known == scope);
    let unknown: Vec<&str> = scopes(config).into_iter().filter(is_unknown).collect();
    let is_good = unknown.is_empty();
    let detail = if is_good { known.join(" ") } else { unknown.join(" ") };
    Finding::good_or(Check::Scopes, is_good, Verdict::Doubtful, &detail)
}
