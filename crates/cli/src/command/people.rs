//! What can be typed about people: accounts, tokens, organizations, and who did what.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use mishap_core::access::Role;

use super::Consent;

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make an account. Its address counts as proven.
    Create {
        /// Its address.
        email: String,
        /// What the person is called.
        #[arg(long, default_value = "")]
        name: String,
        #[command(flatten)]
        password: PasswordOptions,
        /// It may do everything.
        #[arg(long)]
        superuser: bool,
    },
    /// List accounts, the newest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 100)]
        limit: i64,
    },
    /// Show an account.
    Show {
        /// An address of the account.
        email: String,
    },
    /// Show a link to choose a new password, or set one. Who is signed in is signed out when the
    /// password changes.
    Password {
        /// An address of the account.
        email: String,
        /// Set the password that is on standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Show a link to choose a new password, which holds for three days, once. Needs the same
    /// GLITCHTIP_URL and SECRET_KEY as the server.
    ResetLink {
        /// An address of the account.
        email: String,
    },
    /// Let an account be used no more, and end its sessions. Nothing is deleted.
    Deactivate {
        /// An address of the account.
        email: String,
    },
    /// Let an account be used again.
    Activate {
        /// An address of the account.
        email: String,
    },
    /// Say whether an account may open the administrator's pages.
    Staff {
        /// An address of the account.
        email: String,
        #[arg(value_enum)]
        is: Switch,
    },
    /// Say whether an account may do everything; who may is staff, too.
    Superuser {
        /// An address of the account.
        email: String,
        #[arg(value_enum)]
        is: Switch,
    },
    /// Delete an account with everything that is its own: addresses, sessions, tokens, memberships.
    Delete {
        /// An address of the account.
        email: String,
        #[command(flatten)]
        consent: Consent,
    },
    /// Remove an account's second factors, passkeys included, for somebody who lost them all.
    ResetSecondFactors {
        /// An address of the account.
        email: String,
    },
    /// End an account's sessions. Tokens go on working.
    SignOut {
        /// An address of the account.
        email: String,
    },
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PasswordOptions {
    /// The password; without one, the account can only use tokens.
    #[arg(long)]
    pub(crate) password: Option<String>,
    /// Read the password from standard input, where other processes do not see it.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Switch {
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and show it once.
    Create {
        /// The account it is for.
        #[arg(long)]
        user: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
        /// What it may do, such as `event:read`; everything if nothing is said.
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// When it stops to count: a day such as 2027-01-31, at its beginning in UTC, or a time such
        /// as 2027-01-31T18:00:00Z.
        #[arg(long, value_parser = time)]
        expires: Option<DateTime<Utc>>,
    },
    /// List the tokens of an account, the newest first.
    List {
        /// The account.
        #[arg(long)]
        user: String,
    },
    /// Delete a token.
    Delete {
        /// The account it is for.
        #[arg(long)]
        user: String,
        /// Its number.
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// Make an organization.
    Create {
        /// What it is called.
        name: String,
        /// The address of the account that owns it.
        #[arg(long)]
        owner: Option<String>,
    },
    /// Delete an organization with its projects. Nobody sees them any more; their events are gone
    /// within half an hour.
    Delete {
        /// The organization's name in URLs.
        org: String,
        #[command(flatten)]
        consent: Consent,
    },
    /// Invite somebody, and show the link to accept it, which holds for 15 days. No mail is sent.
    /// Needs the same GLITCHTIP_URL and SECRET_KEY as the server.
    Invite {
        /// The organization's name in URLs.
        org: String,
        /// Who is invited.
        email: String,
        /// As what.
        #[arg(long, value_enum)]
        role: RoleName,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    Viewer,
    Member,
    Admin,
    Manager,
    Owner,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Member => Self::Member,
            RoleName::Admin => Self::Admin,
            RoleName::Manager => Self::Manager,
            RoleName::Owner => Self::Owner,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List entries, the newest first.
    List {
        #[command(flatten)]
        selection: AuditSelection,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: i64,
    },
    /// Write entries as lines of JSON, the oldest first. That it was done is noted, too.
    Export {
        #[command(flatten)]
        selection: AuditSelection,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AuditSelection {
    /// Only from this day or time on, such as 2027-01-31 or 2027-01-31T18:00:00Z.
    #[arg(long, value_parser = time)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only actions whose names begin so, such as `token.` or `token.create`.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only of those whose names begin so, in any case.
    #[arg(long)]
    pub(crate) actor: Option<String>,
}

/// A time, or the beginning of a day.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let day = || Ok(text.parse::<NaiveDate>()?.and_time(NaiveTime::MIN).and_utc());
    time.or_else(|_no_time| day()).map_err(|_neither: chrono::ParseError| {
        "must be a day such as 2027-01-31 or a time such as 2027-01-31T18:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_understood() {
        let at = |text: &str| time(text).map(|time| time.to_rfc3339());
        assert_eq!(at("2027-01-31").unwrap(), "2027-01-31T00:00:00+00:00");
        assert_eq!(at("2027-01-31T18:00:00+02:00").unwrap(), "2027-01-31T16:00:00+00:00");
        for wrong in ["", "tomorrow", "2027-02-30", "2027-01-31T18:00:00", "31.1.2027"] {
            assert!(at(wrong).unwrap_err().contains("such as"), "{wrong}");
        }
    }
}
