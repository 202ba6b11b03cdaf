//! How much was stored, by time.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

/// How much was stored, by time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatsResponse {
    /// When the intervals begin: `2024-01-02T03:00:00+00:00`.
    pub intervals: Vec<String>,
    /// One group.
    pub groups: [StatsGroupResponse; 1],
}

/// What belongs together.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatsGroupResponse {
    /// By the name that was asked for: a sum for each interval, null where there was nothing.
    pub series: BTreeMap<&'static str, Vec<Option<i64>>>,
}
