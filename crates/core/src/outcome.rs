//! How each received item ends.
//!
//! Every item that reaches us ends as exactly one outcome, counted by hour, project and category.
//! What is still in the inbox, or kept as a dead letter, has not ended yet.

use std::fmt;

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Stored.
    Accepted,
    /// Known already; nothing changed.
    Duplicate,
    /// Unwanted by the project's rules.
    Filtered,
    /// Over a limit; the client was told to wait.
    RateLimited,
    /// Not what it should be.
    Invalid,
    /// Lost on our side, or of a kind that this server does not keep.
    Dropped,
}

impl Outcome {
    /// The name in the API and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Filtered => "filtered",
            Self::RateLimited => "rate_limited",
            Self::Invalid => "invalid",
            Self::Dropped => "dropped",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Declares the reasons with their stored codes, names and outcomes.
macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $code:literal, $name:literal, $outcome:ident;)+) => {
        /// Why an item ended as it did: a closed list.
        ///
        /// The codes are stored and never given to another reason.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum Reason {
            $($(#[$doc])* $reason = $code,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$reason,)+];

            /// The name in the API and in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$reason => $name,)+ }
            }

            /// The outcome that this is a reason for.
            pub fn outcome(self) -> Outcome {
                match self { $(Self::$reason => Outcome::$outcome,)+ }
            }

            /// The stored code.
            pub fn code(self) -> i16 {
                self as i16
            }

            /// The reason that a stored code stands for.
            pub fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$reason),)+ _ => None }
            }
        }
    };
}

reasons! {
    /// Stored.
    Ok = 0, "ok", Accepted;
    /// An event of this id was stored before.
    Duplicate = 1, "duplicate", Duplicate;

    /// The key's limit is used up.
    QuotaKey = 20, "quota_key", RateLimited;
    /// The project's limit is used up.
    QuotaProject = 21, "quota_project", RateLimited;
    /// The organization's limit is used up.
    QuotaOrganization = 22, "quota_organization", RateLimited;
    /// The whole server's limit is used up.
    QuotaInstance = 23, "quota_instance", RateLimited;
    /// Thinned out by an administrator (GlitchTip's throttle).
    Throttled = 24, "throttled", RateLimited;
    /// The backlog is too long to take more.
    Backpressure = 25, "backpressure", RateLimited;

    /// No such key and project.
    UnknownKey = 40, "bad_dsn", Invalid;
    /// The key is switched off, or its project or organization takes no events.
    Disabled = 41, "disabled_project", Invalid;
    /// The envelope, or the rest of it, cannot be read.
    MalformedEnvelope = 42, "malformed_envelope", Invalid;
    /// The item's content is not what its type says.
    MalformedItem = 43, "malformed_item", Invalid;
    /// The item is too large.
    TooLarge = 44, "too_large", Invalid;
    /// The body inflates to too much.
    TooLargeInflated = 45, "too_large_decompressed", Invalid;
    /// The body is not what its content coding says.
    BadEncoding = 46, "unsupported_encoding", Invalid;
    /// More items than one envelope may have.
    TooManyItems = 47, "too_many_items", Invalid;

    /// A kind of item that this server does not keep.
    UnsupportedItem = 60, "unsupported_item", Dropped;
    /// The administrator stopped ingest.
    Maintenance = 61, "maintenance", Dropped;
    /// Neither PostgreSQL nor Redis could take it.
    Unavailable = 62, "db_unavailable", Dropped;
    /// It could not be digested and was given up.
    Poison = 63, "poison", Dropped;
    /// An attachment of an event that was not stored.
    Orphaned = 64, "orphaned", Dropped;
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_code_and_has_a_name_of_its_own() {
        let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        }
        assert_eq!(Reason::from_code(-1), None);
    }
}
