//! What sentry-wizard reads.

use schemars::JsonSchema;
use serde::Serialize;

use super::project::{KeyResponse, ProjectOrganizationResponse};
use super::token::TokenResponse;

/// By what a person is asked to agree.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WizardHashResponse {
    /// 64 letters and digits.
    pub hash: String,
}

/// What a wizard sets a program up with.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WizardResponse {
    /// A token, as it is.
    pub api_keys: TokenResponse,
    /// The person's projects.
    pub projects: Vec<WizardProjectResponse>,
}

/// A project with its organization and keys.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WizardProjectResponse {
    /// The project.
    #[serde(flatten)]
    pub project: ProjectOrganizationResponse,
    /// Its keys.
    pub keys: Vec<KeyResponse>,
}
