//! Signing in through somebody else who can say who a person is.
//!
//! Providers come from the environment and from the administrator's pages; one of the environment
//! hides one of the same name. What a provider tells decides who is signed in: the account that is
//! linked with it, else the one whose proven address the provider vouches for, else a new one
//! (`guest`). The way there and back is in `journey`.

mod guest;
mod journey;
mod links;
mod roles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mishap_boot::settings::{SignInKind, SignInProvider};
use mishap_core::access::Role;
use mishap_core::causes::Causes;
use mishap_identity::provider::{
    self, Finding, Http, Metadata, ProviderConfig, ProviderKind, RoleRule,
};
use mishap_storage::accounts::providers::{self, ProviderRow};
use quick_cache::sync::Cache;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

pub(crate) use self::guest::{guest, sign_up};
pub(crate) use self::journey::{Arrival, begin, finish};
pub(crate) use self::links::{Linked, linked, unlink};
use super::refusal::{Problem, Refusal};
use crate::AppState;
use crate::config::AppConfig;
use crate::error::ApiError;

/// How long what a provider says of itself is believed, in seconds.
const METADATA_AGE: i64 = 3600;

/// How long a provider that did not answer is not asked again, in seconds: whoever presses its button
/// meanwhile need not wait for it, and nobody can make us ask all the time.
const SILENCE: i64 = 10;

/// How long the settings wait for a provider that was never asked.
const SETTINGS_PATIENCE: Duration = Duration::from_secs(2);

/// Providers whose documents are kept.
const METADATA_PLACES: usize = 64;

/// A provider that people may come from.
#[derive(Debug, Clone)]
pub struct Provider {
    /// How it is reached.
    pub config: ProviderConfig,
    /// Which claims make a member of which organization.
    pub rules: Vec<RoleRule>,
}

/// What is kept of providers between requests, and how they are spoken with.
pub struct Providers {
    http: Arc<dyn Http>,
    metadata: Cache<String, Arc<(i64, Metadata)>>,
    /// When those were asked that did not answer.
    silent: Cache<String, i64>,
    /// When the settings were not told in time.
    slow: Cache<String, i64>,
}

impl Providers {
    /// Providers that are spoken with through `http`.
    pub fn new(http: Arc<dyn Http>) -> Self {
        let noted = || Cache::new(METADATA_PLACES);
        Self { http, metadata: Cache::new(METADATA_PLACES), silent: noted(), slow: noted() }
    }

    /// What a provider says of itself: what was fetched within the hour, or now. What it said last
    /// counts on while it cannot be asked.
    async fn metadata(
        &self,
        state: &AppState,
        config: &ProviderConfig,
    ) -> Result<Arc<(i64, Metadata)>, Refusal> {
        // A changed configuration is another provider.
        let key = format!("{config:?}");
        let now = state.clock.now().timestamp();
        let known = self.metadata.get(&key);
        if let Some(known) = known.as_ref().filter(|known| now - known.0 < METADATA_AGE) {
            return Ok(Arc::clone(known));
        }
        let unavailable = || problem("provider_unavailable");
        if self.silent.get(&key).is_some_and(|asked| now - asked < SILENCE) {
            return known.ok_or_else(unavailable);
        }
        match Metadata::discover(config, self.http.as_ref()).await {
            Ok(metadata) => {
                let fetched = Arc::new((now, metadata));
                self.metadata.insert(key, Arc::clone(&fetched));
                Ok(fetched)
            }
            Err(error) => {
                let error = Causes(&error);
                tracing::warn!(provider = config.slug, %error, "a sign-in provider cannot be asked");
                self.silent.insert(key, now);
                known.ok_or_else(unavailable)
            }
        }
    }

    /// Where people sign in at a provider, if it says so soon. One that is slow is not waited for each
    /// time.
    pub(crate) async fn authorization_endpoint(
        &self,
        state: &AppState,
        config: &ProviderConfig,
    ) -> Option<Url> {
        let (key, now) = (format!("{config:?}"), state.clock.now().timestamp());
        let is_slow = self.slow.get(&key).is_some_and(|asked| now - asked < SILENCE);
        let metadata = match self.metadata.get(&key) {
            Some(known) => known,
            None if is_slow => return None,
            None => {
                let asked = tokio::time::timeout(SETTINGS_PATIENCE, self.metadata(state, config));
                let in_time = asked.await.map_err(|_elapsed| self.slow.insert(key, now));
                in_time.ok()?.ok()?
            }
        };
        Some(metadata.1.authorization_endpoint().clone())
    }

    /// Asks a provider for all that a sign-in will need, and tells what is found.
    pub(crate) async fn check(&self, config: &ProviderConfig) -> Vec<Finding> {
        provider::check(config, self.http.as_ref()).await
    }
}

/// The settings of a provider that is kept in the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct StoredSettings {
    /// The issuer or the discovery document.
    pub(crate) server_url: Option<Url>,
    /// Microsoft's tenant.
    pub(crate) tenant: Option<String>,
    /// What is asked for.
    pub(crate) scopes: Vec<String>,
    /// The claim that lists groups.
    pub(crate) groups_claim: String,
    /// Which group has which role where.
    pub(crate) roles: Vec<StoredRole>,
}

/// A group and what it makes of its people.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredRole {
    /// The group's name in the claim.
    pub(crate) group: String,
    /// The organization's slug.
    pub(crate) organization: String,
    /// The role's name.
    pub(crate) role: String,
}

/// Providers by the names that are stored.
pub(crate) const KINDS: &[(&str, ProviderKind)] = &[
    ("openid_connect", ProviderKind::OpenIdConnect),
    ("github", ProviderKind::GitHub),
    ("gitlab", ProviderKind::GitLab),
    ("google", ProviderKind::Google),
    ("microsoft", ProviderKind::Microsoft),
];

impl Provider {
    /// A provider of the environment.
    pub(crate) fn of_settings(settings: &SignInProvider) -> Self {
        let kind = match settings.kind {
            SignInKind::OpenIdConnect => ProviderKind::OpenIdConnect,
            SignInKind::GitHub => ProviderKind::GitHub,
            SignInKind::GitLab => ProviderKind::GitLab,
            SignInKind::Google => ProviderKind::Google,
            SignInKind::Microsoft => ProviderKind::Microsoft,
        };
        let claim = &settings.groups_claim;
        let rules = settings
            .roles
            .iter()
            .filter_map(|rule| role_rule(claim, &rule.group, &rule.organization, &rule.role));
        Self {
            rules: rules.collect(),
            config: ProviderConfig {
                slug: settings.id.clone(),
                name: settings.name.clone(),
                kind,
                client_id: settings.client_id.clone(),
                client_secret: settings.client_secret.clone().unwrap_or_default(),
                server_url: settings.server_url.clone(),
                tenant: settings.tenant.clone(),
                scopes: settings.scopes.clone(),
            },
        }
    }

    /// A provider of the database; nothing if this version cannot read it.
    pub(crate) fn of_row(row: &ProviderRow) -> Option<Self> {
        let (_, kind) = KINDS.iter().find(|(name, _)| *name == row.kind)?;
        let settings: StoredSettings = serde_json::from_value(row.settings.clone()).ok()?;
        let claim = &settings.groups_claim;
        let rules = settings
            .roles
            .iter()
            .filter_map(|rule| role_rule(claim, &rule.group, &rule.organization, &rule.role));
        Some(Self {
            rules: rules.collect(),
            config: ProviderConfig {
                slug: row.slug.clone(),
                name: row.name.clone(),
                kind: *kind,
                client_id: row.client_id.clone(),
                client_secret: SecretString::from(row.client_secret.clone()),
                server_url: settings.server_url,
                tenant: settings.tenant,
                scopes: settings.scopes,
            },
        })
    }

    /// The address to register at the provider (django-allauth's).
    pub(crate) fn callback(&self, config: &AppConfig) -> String {
        let slug = &self.config.slug;
        config.address(&match self.config.kind {
            ProviderKind::OpenIdConnect => format!("/accounts/oidc/{slug}/login/callback/"),
            ProviderKind::GitHub
            | ProviderKind::GitLab
            | ProviderKind::Google
            | ProviderKind::Microsoft => format!("/accounts/{slug}/login/callback/"),
        })
    }
}

fn role_rule(claim: &str, group: &str, organization: &str, role: &str) -> Option<RoleRule> {
    let claim = if claim.is_empty() { "groups" } else { claim };
    let [claim, value, organization] = [claim, group, organization].map(str::to_owned);
    Some(RoleRule { claim, value, organization, role: Role::from_name(role)? })
}

/// Every provider that people may come from, by name.
pub(crate) async fn list(state: &AppState) -> Result<Vec<Provider>, ApiError> {
    let rows = providers::list(&mut *state.pool.get().await?).await?;
    let stored = rows.iter().filter(|row| row.is_enabled).filter_map(Provider::of_row);
    let mut by_slug: BTreeMap<String, Provider> =
        stored.map(|provider| (provider.config.slug.clone(), provider)).collect();
    for provider in &state.config.providers {
        by_slug.insert(provider.config.slug.clone(), provider.clone());
    }
    let mut all: Vec<_> = by_slug.into_values().collect();
    all.sort_by(|a, b| a.config.name.cmp(&b.config.name));
    Ok(all)
}

async fn find(state: &AppState, slug: &str) -> Result<Provider, Refusal> {
    let found = list(state).await?.into_iter().find(|provider| provider.config.slug == slug);
    found.ok_or_else(|| problem("unknown_provider"))
}

/// What a person is told by the code that stands in the address of a page; nothing for what is none
/// of ours.
pub(crate) fn explanation(code: &str) -> Option<&'static str> {
    let text = match code {
        "unknown_provider" => "That way to sign in does not exist any more.",
        "unknown_state" => "The sign-in took too long, or began in another window. Try again.",
        "provider_unavailable" => "The service that says who you are cannot be reached. Try again.",
        "identity_taken" => "That identity belongs to another account already.",
        "inactive" => "This account is switched off. Ask an administrator.",
        "no_email" => "The service told no e-mail address, which an account needs.",
        "email_taken" => {
            "An account has this address already. Sign in as usual, and confirm the address."
        }
        "signup_closed" => "New accounts are made by invitation only.",
        "denied" => "You were not signed in, for you or the service said no.",
        "invalid_url" => "The page to return to is none of this installation.",
        FAILED => "The service did not say who you are. Try again, or ask an administrator.",
        _ => return None,
    };
    Some(text)
}

/// The code of whatever else went wrong at a provider.
pub(crate) const FAILED: &str = "provider_failed";

/// A problem of signing in through a provider.
pub(crate) fn problem(code: &'static str) -> Refusal {
    let message = explanation(code).unwrap_or_default().to_owned();
    Problem { code, param: None, message }.into()
}
