//! What clients are told of the installation.

use schemars::JsonSchema;
use serde::Serialize;

/// A sign-in provider. Its members are in snake case (GlitchTip).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SocialAppResponse {
    /// What is asked of it.
    pub scopes: Vec<String>,
    /// Where people sign in.
    pub authorize_url: Option<String>,
    /// What it is called.
    pub name: String,
    /// What it calls this installation.
    pub client_id: String,
    /// What addresses call it.
    pub provider: String,
}

/// The installation.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingsResponse {
    /// Sign-in providers, by name.
    pub social_apps: Vec<SocialAppResponse>,
    /// Whether people pay here; never.
    pub billing_enabled: bool,
    /// Whether somebody pays for GlitchTip.
    #[serde(rename = "iPaidForGlitchTip")]
    pub i_paid_for_glitchtip: bool,
    /// Whether people may make accounts for themselves.
    pub enable_user_registration: bool,
    /// Whether people who come from a sign-in provider may.
    pub enable_social_apps_user_registration: bool,
    /// Whether everybody may make organizations.
    pub enable_organization_creation: bool,
    /// Nothing.
    pub stripe_public_key: Option<String>,
    /// A server of Plausible Analytics.
    pub plausible_url: Option<String>,
    /// What Plausible calls this installation.
    pub plausible_domain: Option<String>,
    /// What Chatwoot calls this installation.
    pub chatwoot_website_token: Option<String>,
    /// Where a frontend reports its own failures.
    #[serde(rename = "sentryDSN")]
    pub sentry_dsn: Option<String>,
    /// The part of its transactions that a frontend reports.
    pub sentry_traces_sample_rate: f64,
    /// What kind of installation it is.
    pub environment: Option<String>,
    /// The version of the program.
    pub version: String,
    /// The time zone of its people.
    pub server_time_zone: String,
    /// What it is called.
    pub glitchtip_instance_name: Option<String>,
}
