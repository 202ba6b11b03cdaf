//! What the installation is, and what clients are told of it.

use secrecy::SecretString;

use super::{Environment, catalogue};
use crate::build_info;

/// What the installation is, and what clients are told of it.
#[derive(Debug, Clone)]
pub struct InstanceSettings {
    /// What it is called, in Markdown.
    pub name: Option<String>,
    /// What kind of installation it is, `production` for instance.
    pub environment: Option<String>,
    /// The version that clients are told.
    pub version: String,
    /// Its time zone; a name of the IANA, which is not looked up.
    pub time_zone: String,
    /// Whether it says more about failures.
    pub debug: bool,
    /// Whether what end-to-end tests need is served; only with `debug`.
    pub test_api: bool,
    /// Whether clients are told that somebody pays.
    pub is_paid: bool,
    /// Where a frontend reports its own.
    pub sentry_frontend_dsn: Option<String>,
    /// The part of its transactions that a frontend reports, 0 to 1.
    pub sentry_traces_sample_rate: f64,
    /// A server of Plausible Analytics.
    pub plausible_url: Option<String>,
    /// What Plausible calls this installation.
    pub plausible_domain: Option<String>,
    /// What Chatwoot calls this installation.
    pub chatwoot_website_token: Option<String>,
    /// The key that proves to Chatwoot who somebody is.
    pub chatwoot_identity_token: Option<SecretString>,
    /// What is switched on.
    pub features: Features,
}

/// What is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The administrator's pages.
    pub admin: bool,
    /// The description of the API.
    pub openapi: bool,
    /// The metrics on the public port.
    pub metrics: bool,
    /// Clients are told that logs are on.
    pub logs: bool,
    /// Clients are told that uptime checks are on.
    pub uptime: bool,
    /// Clients are told that the Model Context Protocol is on.
    pub mcp: bool,
}

/// Where our own failures are reported, and how.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// The project; nothing if they are not reported.
    pub dsn: Option<String>,
    /// The part that is reported, 0 to 1.
    pub sample_rate: f32,
    /// What the installation's kind is called.
    pub environment: Option<String>,
    /// What the process is called.
    pub service: Option<String>,
}

impl ReportSettings {
    /// Reads where failures are reported.
    pub fn read(env: &mut Environment) -> Self {
        Self {
            dsn: env.optional(&catalogue::SENTRY_DSN),
            sample_rate: env.number(&catalogue::SENTRY_SAMPLE_RATE),
            environment: env.optional(&catalogue::ENVIRONMENT),
            service: env.optional(&catalogue::SENTRY_SERVICE_NAME),
        }
    }
}

impl InstanceSettings {
    /// Reads what the installation is.
    pub fn read(env: &mut Environment) -> Self {
        let debug = env.bool(&catalogue::DEBUG);
        let version = env.optional(&catalogue::SHOWN_VERSION);
        // It is read by the library that verifies certificates.
        env.look_at(&catalogue::SSL_CERT_FILE);
        Self {
            name: env.optional(&catalogue::INSTANCE_NAME),
            environment: env.optional(&catalogue::ENVIRONMENT),
            version: version.unwrap_or_else(|| build_info::VERSION.to_owned()),
            time_zone: env.text(&catalogue::TIME_ZONE),
            debug,
            test_api: env.bool(&catalogue::ENABLE_TEST_API) && debug,
            is_paid: env.bool(&catalogue::I_PAID),
            sentry_frontend_dsn: env.optional(&catalogue::SENTRY_FRONTEND_DSN),
            sentry_traces_sample_rate: env.number(&catalogue::SENTRY_TRACES_SAMPLE_RATE),
            plausible_url: env.optional(&catalogue::PLAUSIBLE_URL),
            plausible_domain: env.optional(&catalogue::PLAUSIBLE_DOMAIN),
            chatwoot_website_token: env.optional(&catalogue::CHATWOOT_WEBSITE_TOKEN),
            chatwoot_identity_token: env.secret(&catalogue::CHATWOOT_IDENTITY_TOKEN),
            features: Features {
                admin: env.bool(&catalogue::ENABLE_ADMIN),
                openapi: env.bool(&catalogue::ENABLE_OPENAPI),
                metrics: env.bool(&catalogue::ENABLE_OBSERVABILITY_API),
                logs: env.bool(&catalogue::ENABLE_LOGS),
                uptime: env.bool(&catalogue::ENABLE_UPTIME),
                mcp: env.bool(&catalogue::ENABLE_MCP),
            },
        }
    }
}
