//! Environments.

use mishap_storage::environments::{Environment, ProjectEnvironment};
use schemars::JsonSchema;
use serde::Serialize;

/// An environment of an organization.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EnvironmentResponse {
    id: i64,
    name: String,
}

impl From<&Environment> for EnvironmentResponse {
    fn from(environment: &Environment) -> Self {
        let Environment { id, name } = environment;
        Self { id: id.0, name: name.clone() }
    }
}

/// An environment of a project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectEnvironmentResponse {
    name: String,
    id: i64,
    is_hidden: bool,
}

impl From<&ProjectEnvironment> for ProjectEnvironmentResponse {
    fn from(environment: &ProjectEnvironment) -> Self {
        let ProjectEnvironment { id, name, is_hidden } = environment;
        Self { name: name.clone(), id: id.0, is_hidden: *is_hidden }
    }
}
