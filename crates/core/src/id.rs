//! Identities: a number that belongs to one kind of thing cannot be taken for another's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares the number of a stored thing.
macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "diesel", derive(diesel::expression::AsExpression, diesel::deserialize::FromSqlRow))]
        #[cfg_attr(feature = "diesel", diesel(sql_type = diesel::sql_types::BigInt))]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        #[cfg(feature = "diesel")]
        impl diesel::deserialize::FromSql<diesel::sql_types::BigInt, diesel::pg::Pg> for $name {
            fn from_sql(
                value: diesel::pg::PgValue<'_>,
            ) -> diesel::deserialize::Result<Self> {
                <i64 as diesel::deserialize::FromSql<
                    diesel::sql_types::BigInt,
                    diesel::pg::Pg,
                >>::from_sql(value).map(Self)
            }
        }

        #[cfg(feature = "diesel")]
        impl diesel::serialize::ToSql<diesel::sql_types::BigInt, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                <i64 as diesel::serialize::ToSql<
                    diesel::sql_types::BigInt,
                    diesel::pg::Pg,
                >>::to_sql(&self.0, out)
            }
        }
    )+};
}

id_type! {
    /// An organization.
    OrganizationId;
    /// A project; the number at the end of its DSNs.
    ProjectId;
    /// A project's key.
    KeyId;
    /// A team.
    TeamId;
    /// A person's account.
    UserId;
    /// An account's place in an organization, or an open invitation to it.
    MemberId;
    /// An address of an account.
    EmailId;
    /// A session of somebody who signed in.
    SessionId;
    /// An API token.
    TokenId;
    /// A second factor.
    AuthenticatorId;
    /// Who somebody is at a sign-in provider.
    IdentityId;
    /// A sign-in provider.
    ProviderId;
    /// An environment.
    EnvironmentId;
    /// An entry of the audit log.
    AuditId;
    /// An issue.
    IssueId;
    /// A job.
    JobId;
    /// A row of the inbox.
    InboxId;
    /// An envelope that could not be digested.
    DeadLetterId;
    /// A compression dictionary.
    DictionaryId;
}

/// An event's id, chosen by the client; unique within its project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// Reads any spelling of a UUID.
    pub fn parse(text: &str) -> Option<Self> {
        mishap_protocol::envelope::parse_id(text).map(Self)
    }
}

impl fmt::Display for EventId {
    /// 32 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}
