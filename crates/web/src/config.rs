//! What the API and the pages are told by the operator.

use actix_web::cookie::SameSite;
use ipnet::IpNet;
use mishap_boot::settings::{
    self, ContentSecurityPolicy, Cors, Effective, Hsts, InstanceSettings, Settings,
};
use mishap_core::admission::Backlog;
use mishap_core::signing::SigningKey;
use secrecy::SecretString;
use url::Url;

use crate::account::provider::Provider;
use crate::session::SessionRules;

/// What the API and the pages are told by the operator.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// The address that clients and people use.
    pub public_url: Url,
    /// What links are signed with.
    pub signing_key: SigningKey,
    /// Networks whose `X-Forwarded-…` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins besides our own whose pages may change something.
    pub trusted_origins: Vec<String>,
    /// How sessions are kept.
    pub sessions: SessionRules,
    /// Who may make accounts and organizations.
    pub accounts: AccountRules,
    /// Sign-in providers of the environment.
    pub providers: Vec<Provider>,
    /// What clients are told of the installation.
    pub instance: Instance,
    /// What holds for every request and answer.
    pub front: FrontRules,
    /// What the administrator's pages show.
    pub administration: Administration,
}

/// What clients are told of the installation.
#[derive(Debug, Clone)]
pub struct Instance {
    /// What it is called.
    pub name: Option<String>,
    /// What kind of installation it is, `production` for instance.
    pub environment: Option<String>,
    /// The version of the program.
    pub version: String,
    /// The time zone that its people live in, a name of the IANA.
    pub time_zone: String,
    /// Whether somebody pays for GlitchTip.
    pub is_paid: bool,
    /// Where a frontend reports its own failures.
    pub sentry_dsn: Option<String>,
    /// The part of its transactions that a frontend reports, 0 to 1.
    pub sentry_traces_sample_rate: f64,
    /// A server of Plausible Analytics.
    pub plausible_url: Option<String>,
    /// What Plausible calls this installation.
    pub plausible_domain: Option<String>,
    /// What Chatwoot calls this installation.
    pub chatwoot_website_token: Option<String>,
    /// What proves to Chatwoot who somebody is.
    pub chatwoot_identity_token: Option<SecretString>,
    /// Whether the main port serves the metrics, to whoever asks.
    pub shows_metrics: bool,
}

impl Instance {
    fn of_settings(settings: &InstanceSettings) -> Self {
        Self {
            name: settings.name.clone(),
            environment: settings.environment.clone(),
            version: settings.version.clone(),
            time_zone: settings.time_zone.clone(),
            is_paid: settings.is_paid,
            sentry_dsn: settings.sentry_frontend_dsn.clone(),
            sentry_traces_sample_rate: settings.sentry_traces_sample_rate,
            plausible_url: settings.plausible_url.clone(),
            plausible_domain: settings.plausible_domain.clone(),
            chatwoot_website_token: settings.chatwoot_website_token.clone(),
            chatwoot_identity_token: settings.chatwoot_identity_token.clone(),
            shows_metrics: settings.features.metrics,
        }
    }
}

impl Default for Instance {
    fn default() -> Self {
        Self {
            name: None,
            environment: None,
            version: mishap_boot::build_info::VERSION.to_owned(),
            time_zone: "UTC".to_owned(),
            is_paid: false,
            sentry_dsn: None,
            sentry_traces_sample_rate: 0.01,
            plausible_url: None,
            plausible_domain: None,
            chatwoot_website_token: None,
            chatwoot_identity_token: None,
            shows_metrics: false,
        }
    }
}

/// What holds for every request and answer.
#[derive(Debug, Clone)]
pub struct FrontRules {
    /// Hosts that requests may be for: `*` is any, `.example.com` that domain and those below it.
    pub allowed_hosts: Vec<String>,
    /// Whose pages may read answers, other than ingest's.
    pub cors: Cors,
    /// What pages may load.
    pub csp: ContentSecurityPolicy,
    /// How browsers insist on https.
    pub hsts: Hsts,
    /// The largest body inflated, in bytes.
    pub max_inflated_bytes: u64,
    /// Whether the API's description is served.
    pub describes_api: bool,
}

/// What the administrator's pages show of what the operator said.
#[derive(Debug, Clone)]
pub struct Administration {
    /// Whether there are such pages.
    pub is_enabled: bool,
    /// Every setting as it is set, without secrets.
    pub settings: Vec<Effective>,
    /// Days that events are kept.
    pub retention_days: u32,
    /// Days that it is kept who changed what.
    pub audit_days: u32,
    /// How much may wait until no more is taken.
    pub max_backlog: Backlog,
}

/// Who may make accounts and organizations.
#[derive(Debug, Clone, Copy)]
pub struct AccountRules {
    /// Whether people may make accounts for themselves, and strangers may be invited.
    pub is_open: bool,
    /// Whether people who come from a sign-in provider may.
    pub is_open_for_providers: bool,
    /// Whether everybody may make organizations.
    pub makes_organizations: bool,
    /// Whether only people with a verified address may invite.
    pub invites_need_verified_address: bool,
    /// Invitations of one person in a window at most.
    pub max_invitations: i32,
    /// Length of that window, in seconds.
    pub invitation_window_seconds: u64,
    /// Whether an invited person gets an account and is a member at once, without a mail (AppSRE).
    pub attaches_invited: bool,
}

impl Default for AccountRules {
    fn default() -> Self {
        Self {
            is_open: true,
            is_open_for_providers: true,
            makes_organizations: false,
            invites_need_verified_address: false,
            max_invitations: 50,
            invitation_window_seconds: 300,
            attaches_invited: false,
        }
    }
}

impl AppConfig {
    /// What the settings say.
    pub fn from_settings(settings: &Settings, signing_key: SigningKey) -> Self {
        let (security, accounts) = (&settings.security, &settings.accounts);
        let cookie = &security.session;
        Self {
            public_url: settings.public_url.clone(),
            signing_key,
            trusted_proxies: settings.web.trusted_proxies.clone(),
            trusted_origins: security.csrf_trusted_origins.clone(),
            sessions: SessionRules {
                age_seconds: i64::try_from(cookie.age_seconds).unwrap_or(i64::MAX),
                is_secure: cookie.secure,
                same_site: match cookie.same_site {
                    settings::SameSite::Lax => SameSite::Lax,
                    settings::SameSite::Strict => SameSite::Strict,
                    settings::SameSite::None => SameSite::None,
                },
            },
            accounts: AccountRules {
                is_open: accounts.user_registration,
                is_open_for_providers: accounts.social_registration,
                makes_organizations: accounts.organization_creation,
                invites_need_verified_address: accounts.invite_requires_verification,
                max_invitations: i32::try_from(accounts.invite_limit.count).unwrap_or(i32::MAX),
                invitation_window_seconds: accounts.invite_limit.interval_seconds,
                attaches_invited: accounts.attach_invited_users,
            },
            providers: accounts.sign_in_providers.iter().map(Provider::of_settings).collect(),
            instance: Instance::of_settings(&settings.instance),
            front: FrontRules {
                allowed_hosts: security.allowed_hosts.clone(),
                cors: security.cors.clone(),
                csp: security.csp.clone(),
                hsts: security.hsts,
                max_inflated_bytes: settings.ingest.max_inflated_bytes,
                describes_api: settings.instance.features.openapi,
            },
            administration: Administration {
                is_enabled: settings.instance.features.admin,
                settings: settings.effective.clone(),
                retention_days: settings.retention_days,
                audit_days: settings.audit_days,
                max_backlog: Backlog {
                    rows: settings.ingest.max_backlog_rows,
                    oldest_seconds: settings.ingest.max_backlog_seconds,
                },
            },
        }
    }

    /// The path that all pages are under, without a slash at its end; empty for none.
    pub fn base_path(&self) -> &str {
        self.public_url.path().trim_end_matches('/')
    }

    /// The path that cookies are kept for.
    pub(crate) fn cookie_path(&self) -> String {
        format!("{}/", self.base_path())
    }

    /// An address under the public one; `path` begins with a slash.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }
}
