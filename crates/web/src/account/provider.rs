//! Signing in through somebody else who can say who a person is.
//!
//! Providers come from the environment and from the administrator's pages; one of the environment
//! hides one of the same name. What a provider tells decides who is signed in: the account that is
//! linked with it, else the one whose proven address the provider vouches for, else a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use mishap_boot::settings::{SignInKind, SignInProvider};
use mishap_core::access::Role;
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_identity::provider::{
    self, Callback, Claims, ExternalIdentity, FlowState, Http, Metadata, ProviderConfig,
    ProviderKind, RoleRule, memberships,
};
use mishap_storage::accounts::providers::{self, ProviderRow};
use mishap_storage::accounts::users::{self, NewUser, User};
use mishap_storage::accounts::{emails, identities};
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, members, organizations, transaction};
use quick_cache::sync::Cache;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::refusal::{Problem, Refusal};
use super::sign_in::{self, Progress};
use super::visit::Visit;
use crate::AppState;
use crate::config::AppConfig;
use crate::error::ApiError;

/// How long what a provider says of itself is believed, in seconds.
const METADATA_AGE: i64 = 3600;

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
}

impl Providers {
    /// Providers that are spoken with through `http`.
    pub fn new(http: Arc<dyn Http>) -> Self {
        Self { http, metadata: Cache::new(METADATA_PLACES) }
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
        match Metadata::discover(config, self.http.as_ref()).await {
            Ok(metadata) => {
                let fetched = Arc::new((now, metadata));
                self.metadata.insert(key, Arc::clone(&fetched));
                Ok(fetched)
            }
            Err(error) => {
                tracing::warn!(provider = config.slug, %error, "a sign-in provider cannot be asked");
                known.ok_or_else(|| problem("provider_unavailable"))
            }
        }
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

/// What is kept while a browser is away at a provider.
#[derive(Serialize, Deserialize)]
struct Away {
    slug: String,
    flow: FlowState,
    /// Where to go afterwards.
    next: Option<String>,
    /// Whether the account of whoever is signed in is to be linked.
    connects: bool,
}

/// Sends a browser to a provider.
pub(crate) async fn begin(
    state: &AppState,
    visit: &mut Visit,
    slug: &str,
    next: Option<&str>,
    connects: bool,
) -> Result<Url, Refusal> {
    if connects {
        visit.signed_in()?;
    } else if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    let provider = find(state, slug).await?;
    let metadata = state.providers.metadata(state, &provider.config).await?;
    let callback = Url::parse(&provider.callback(&state.config));
    let callback = callback.map_err(|error| ApiError::Internal(error.into()))?;
    let begun = provider::begin(&provider.config, &metadata.1, &callback, state.random.as_ref());
    let (url, flow) = begun.map_err(|error| failed(slug, &error))?;
    let next = next.map(str::to_owned);
    let away = Away { slug: slug.to_owned(), flow, next, connects };
    let kept = serde_json::to_value(&away).map_err(|error| ApiError::Internal(error.into()))?;
    visit.data.flow = Some(kept);
    visit.remember(&mut *state.pool.get().await?, state).await?;
    Ok(url)
}

async fn find(state: &AppState, slug: &str) -> Result<Provider, Refusal> {
    let found = list(state).await?.into_iter().find(|provider| provider.config.slug == slug);
    found.ok_or_else(|| problem("unknown_provider"))
}

/// What became of a browser that came back from a provider.
pub(crate) struct Returned {
    /// How far the person came; nothing if an account was linked.
    pub(crate) progress: Option<Progress>,
    /// Where to go.
    pub(crate) next: Option<String>,
}

/// Takes a browser back from a provider.
pub(crate) async fn finish(
    state: &AppState,
    visit: &mut Visit,
    slug: &str,
    code: &str,
    said: &str,
) -> Result<Returned, Refusal> {
    let away: Option<Away> =
        visit.data.flow.take().and_then(|kept| serde_json::from_value(kept).ok());
    let mut conn = state.pool.get().await?;
    // It counts once, whatever comes of it.
    if visit.session.is_some() {
        visit.remember(&mut conn, state).await?;
    }
    drop(conn);
    let away = away.filter(|away| away.slug == slug).ok_or_else(|| problem("unknown_state"))?;
    let provider = find(state, slug).await?;
    let metadata = state.providers.metadata(state, &provider.config).await?;
    let identity = provider::finish(
        &provider.config,
        &metadata.1,
        away.flow,
        Callback { code, state: said },
        state.clock.as_ref(),
        state.providers.http.as_ref(),
    );
    let identity = identity.await.map_err(|error| failed(slug, &error))?;
    let mut conn = state.pool.get().await?;
    if away.connects {
        connect(&mut conn, visit, slug, &identity).await?;
        return Ok(Returned { progress: None, next: away.next });
    }
    if visit.account.is_some() {
        return Err(Refusal::Conflict);
    }
    let user = owner(&mut conn, state, visit, slug, &identity).await?;
    let actor = visit.actor(&user);
    apply_rules(&mut conn, &provider.rules, &identity.claims, &user, &actor).await?;
    let mut method = Visit::method(state, "socialaccount");
    (method.provider, method.uid) = (Some(slug.to_owned()), Some(identity.uid.clone()));
    let progress = sign_in::proceed(&mut conn, state, visit, &user, vec![method]).await?;
    Ok(Returned { progress: Some(progress), next: away.next })
}

/// Links whoever is signed in with who they are at a provider.
async fn connect(
    conn: &mut Conn,
    visit: &Visit,
    slug: &str,
    identity: &ExternalIdentity,
) -> Result<(), Refusal> {
    let user = visit.signed_in()?;
    if !link(conn, user, slug, identity).await? {
        return Err(problem("identity_taken"));
    }
    visit.note(conn, user, Action::IdentityChange).await
}

async fn link(
    conn: &mut Conn,
    user: &User,
    slug: &str,
    identity: &ExternalIdentity,
) -> Result<bool, Refusal> {
    let ExternalIdentity { uid, email, username, .. } = identity;
    let (email, username) = (email.as_deref(), username.as_deref());
    Ok(identities::link(conn, user.id, slug, uid, email, username).await?)
}

/// Whose account it is: the linked one, else the one with the same proven address, else a new one.
async fn owner(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    slug: &str,
    identity: &ExternalIdentity,
) -> Result<User, Refusal> {
    let linked = identities::find_user(conn, slug, &identity.uid).await?;
    let user = match linked {
        Some(user) => user,
        None => adopt(conn, state, visit, identity).await?,
    };
    if !user.is_active {
        return Err(problem("inactive"));
    }
    if !link(conn, &user, slug, identity).await? {
        return Err(problem("identity_taken"));
    }
    Ok(user)
}

async fn adopt(
    conn: &mut Conn,
    state: &AppState,
    visit: &Visit,
    identity: &ExternalIdentity,
) -> Result<User, Refusal> {
    let email = identity.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
    let email = email.ok_or_else(|| problem("no_email"))?;
    if let Some(user) = users::find_for_sign_in(conn, email.as_str()).await? {
        // Both sides must have proven the address: else one who typed a stranger's address here
        // before, or there, would get into the account of the other.
        let own = emails::find(conn, user.id, email.as_str()).await?;
        let is_proven_here = own.is_some_and(|address| address.is_verified);
        if !is_proven_here || !identity.is_email_verified {
            return Err(problem("email_taken"));
        }
        visit.note(conn, &user, Action::IdentityChange).await?;
        return Ok(user);
    }
    if !state.config.accounts.is_open_for_providers && users::exist(conn).await? {
        return Err(problem("signup_closed"));
    }
    let name: String = identity.name.clone().unwrap_or_default().chars().take(255).collect();
    let new = NewUser {
        email: email.as_str(),
        name: &name,
        password_hash: None,
        is_superuser: false,
        is_staff: false,
    };
    let is_verified = identity.is_email_verified;
    let user = transaction(conn, async |conn: &mut Conn| {
        let user = users::insert(conn, &new).await?;
        emails::insert(conn, user.id, new.email, is_verified, true).await?;
        Ok(user)
    })
    .await?;
    visit.note(conn, &user, Action::AccountCreate).await?;
    Ok(user)
}

/// Makes an account what the provider says it is in organizations. Whoever owns one stays its owner:
/// no provider can leave an organization without one.
async fn apply_rules(
    conn: &mut Conn,
    rules: &[RoleRule],
    claims: &Claims,
    user: &User,
    actor: &Actor,
) -> Result<(), Refusal> {
    for (slug, role) in memberships(claims, rules) {
        let Some(organization) = organizations::find_by_slug(conn, slug).await? else {
            tracing::warn!(organization = slug, "a sign-in provider's rule names no organization");
            continue;
        };
        let known = members::find_by_user(conn, organization.id, user.id).await?;
        let stays =
            known.as_ref().is_some_and(|member| member.role == role || member.role == Role::Owner);
        if stays {
            continue;
        }
        let action = if known.is_some() { Action::MemberUpdate } else { Action::MemberJoin };
        let target = Target {
            kind: "member",
            id: user.id.to_string(),
            label: user.email.clone(),
            organization: Some(organization.id),
        };
        let details: Value = json!({ "role": role.name(), "by": "sign-in provider" });
        transaction(conn, async |conn: &mut Conn| {
            members::put(conn, organization.id, user.id, role).await?;
            audit::record(conn, actor, action, &target, &details).await
        })
        .await?;
    }
    Ok(())
}

fn failed(slug: &str, error: &provider::ProviderError) -> Refusal {
    tracing::warn!(provider = slug, %error, "a sign-in through a provider failed");
    problem("provider_failed")
}

/// What a person is told by the code that stands in the address of the sign-in page.
pub(crate) fn explanation(code: &str) -> &'static str {
    match code {
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
        _ => "The service did not say who you are. Try again, or ask an administrator.",
    }
}

/// A problem of signing in through a provider.
pub(crate) fn problem(code: &'static str) -> Refusal {
    Problem { code, param: None, message: explanation(code).to_owned() }.into()
}
