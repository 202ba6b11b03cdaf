//! What a project wants done with what is sent to it.

use chrono::{DateTime, Utc};

use crate::grouping::GroupingMechanism;
use crate::id::{DictionaryId, EventId, KeyId, OrganizationId, ProjectId};
use crate::quota::{Quota, Throttle};
use crate::scrub::ScrubRules;

/// What counts when something arrives under a project's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPolicy {
    /// The project.
    pub project: ProjectId,
    /// The project's organization.
    pub organization: OrganizationId,
    /// The key.
    pub key: KeyId,
    /// Whether the key is on, the project not deleted, and the organization taking events.
    pub accepts: bool,
    /// When the key stops to count.
    pub expires_at: Option<DateTime<Utc>>,
    /// The throttles of project and organization.
    pub throttles: [Throttle; 2],
    /// Whether addresses are scrubbed.
    pub scrub_ip_addresses: bool,
    /// The limits of key, project, organization and server.
    pub quotas: Vec<Quota>,
}

impl KeyPolicy {
    /// Whether anything is taken under the key now.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.accepts && self.expires_at.is_none_or(|end| now < end)
    }

    /// The throttle that refuses everything, or this event; project and organization each have
    /// their say.
    pub fn throttled(&self, event_id: Option<EventId>) -> Option<Throttle> {
        self.throttles.into_iter().find(|throttle| {
            throttle.is_closed() || event_id.is_some_and(|event_id| throttle.refuses(event_id))
        })
    }
}

/// What counts when an event of a project is digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestPolicy {
    /// The project.
    pub project: ProjectId,
    /// The project's organization.
    pub organization: OrganizationId,
    /// How events are grouped.
    pub mechanism: GroupingMechanism,
    /// The newest dictionary that bodies are compressed with.
    pub dictionary: Option<DictionaryId>,
    /// What is scrubbed.
    pub scrub: ScrubRules,
}
