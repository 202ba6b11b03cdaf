//! Every variable that is known, declared once.
//!
//! A variable is *read* (it has an effect), it has an effect *later* (it is taken, checked, and
//! waits for what it belongs to), or it is *ignored* (it belongs to how GlitchTip is built). A
//! deployment of GlitchTip therefore starts as it is. The reference page, `mishap config` and the
//! administrator's page are made of these tables.
//!
//! A name with a word in braces stands for all variables that have something in its place.

mod accounts;
mod core;
mod database;
mod features;
mod files;
mod http;
mod ingest;
mod launch;
mod limits;
mod mail;
mod observability;
mod redis;

pub use self::accounts::*;
pub use self::core::*;
pub use self::database::*;
pub use self::features::*;
use self::files::FILES_SETTINGS;
pub use self::http::*;
pub use self::ingest::*;
pub use self::launch::*;
pub use self::limits::*;
pub use self::mail::*;
pub use self::observability::*;
pub use self::redis::*;
use super::kind::Kind;

/// One variable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Its names; the first that is set counts. Where nothing is read yet, they may be several
    /// variables of which the same is to be said.
    pub names: &'static [&'static str],
    /// What its value must look like.
    pub kind: Kind,
    /// What counts if none is set. `$NAME` is the value of that setting.
    pub default: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// What becomes of it.
    pub state: State,
    /// What it means, in a sentence or two; or why it is ignored.
    pub meaning: &'static str,
}

/// What becomes of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has an effect.
    Read,
    /// It is taken and checked, and has an effect when this exists.
    Later(&'static str),
    /// It is taken, and has no meaning here.
    Ignored,
}

/// What a setting is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the installation is.
    Core,
    /// People, and how they get in.
    Accounts,
    /// How long things are kept, and how much.
    Limits,
    /// What is taken in.
    Ingest,
    /// PostgreSQL.
    Database,
    /// Redis.
    Redis,
    /// Mail.
    Mail,
    /// Uploaded files.
    Files,
    /// What browsers are told, and who is believed.
    Http,
    /// What is seen of the installation.
    Observability,
    /// What is switched on.
    Features,
    /// How processes are started.
    Launch,
}

impl Group {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Core => "Core",
            Self::Accounts => "Accounts",
            Self::Limits => "Limits and retention",
            Self::Ingest => "Ingest",
            Self::Database => "Database",
            Self::Redis => "Redis",
            Self::Mail => "E-mail",
            Self::Files => "Files",
            Self::Http => "HTTP security",
            Self::Observability => "Observability",
            Self::Features => "Features",
            Self::Launch => "Launch",
        }
    }
}

impl State {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Later(_) => "later",
            Self::Ignored => "ignored",
        }
    }
}

impl Setting {
    /// The name that documentation uses.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Whether its value must never be shown.
    pub fn is_secret(&self) -> bool {
        self.kind.is_secret()
    }

    /// Whether its names stand for many.
    pub fn is_family(&self) -> bool {
        self.name().contains('{')
    }
}

/// Every setting, group by group.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    const GROUPS: [&[Setting]; 12] = [
        CORE_SETTINGS,
        ACCOUNTS_SETTINGS,
        LIMITS_SETTINGS,
        INGEST_SETTINGS,
        DATABASE_SETTINGS,
        REDIS_SETTINGS,
        MAIL_SETTINGS,
        FILES_SETTINGS,
        HTTP_SETTINGS,
        OBSERVABILITY_SETTINGS,
        FEATURES_SETTINGS,
        LAUNCH_SETTINGS,
    ];
    GROUPS.into_iter().flatten()
}

/// The setting of a name as it is declared.
pub fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.names.contains(&name))
}

/// What stands in the place of the braces, if a name of a family is meant; nothing else has any.
pub(super) fn part_of<'a>(declared: &str, name: &'a str) -> Option<&'a str> {
    let (start, rest) = declared.split_once('{')?;
    let (placeholder, end) = rest.split_once('}')?;
    let part = name.strip_prefix(start)?.strip_suffix(end)?;
    let fits = match placeholder {
        "N" => part.bytes().all(|digit| digit.is_ascii_digit()),
        _ => true,
    };
    (fits && !part.is_empty()).then_some(part)
}

/// Declares the settings of a group.
///
/// `read`: `NAME = [names], kind, default, meaning;`
/// `later`: `[names], kind, default, meaning, what it waits for;`
/// `ignored`: `[names], kind, why;`
macro_rules! settings {
    (
        $group:ident, $all:ident;
        read { $($name:ident = $names:expr, $kind:expr, $default:expr, $meaning:literal;)* }
        later { $($later:expr, $later_kind:expr, $later_default:expr, $says:literal, $with:literal;)* }
        ignored { $($ignored:expr, $ignored_kind:expr, $why:literal;)* }
    ) => {
        use crate::settings::catalogue::{Group, Setting, State};

        $(
            #[doc = $meaning]
            pub const $name: Setting = Setting {
                names: &$names,
                kind: $kind,
                default: $default,
                group: Group::$group,
                state: State::Read,
                meaning: $meaning,
            };
        )*

        /// All of the group.
        pub(super) const $all: &[Setting] = &[
            $($name,)*
            $(Setting {
                names: &$later,
                kind: $later_kind,
                default: $later_default,
                group: Group::$group,
                state: State::Later($with),
                meaning: $says,
            },)*
            $(Setting {
                names: &$ignored,
                kind: $ignored_kind,
                default: "",
                group: Group::$group,
                state: State::Ignored,
                meaning: $why,
            },)*
        ];
    };
}
use settings;

#[cfg(test)]
mod tests;
