//! What values look like.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use tracing_subscriber::filter::LevelFilter;
use url::Url;

/// What the value of a variable must look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Anything.
    Text,
    /// Anything that must never be shown.
    Secret,
    /// Several of them, separated by commas.
    Secrets,
    /// An API token; space around it does not count.
    Token,
    /// A truth value; what is not true is false, whatever it says.
    Boolean,
    /// A whole number.
    Number {
        /// What is counted.
        unit: Unit,
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A number of 0 to 1.
    Fraction,
    /// A number of 0 to 100.
    Percentage,
    /// A port, or an address and a port.
    Listen,
    /// An IP address.
    Address,
    /// Networks, separated by commas, or `*` for all.
    Networks,
    /// Values separated by commas.
    List,
    /// Origins such as `https://example.com`, separated by commas.
    Origins,
    /// Sources of a content security policy, separated by commas or spaces.
    Sources,
    /// A URL with one of these schemes.
    Url(&'static [&'static str]),
    /// A URL that may hold a password.
    SecretUrl(&'static [&'static str]),
    /// A path in the file system.
    Path,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// An address of mail.
    Email,
    /// An address of mail, with or without a name before it.
    Mailbox,
    /// A level of logging, or directives.
    Level,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Days.
    Days,
}

/// What a URL for people and clients begins with.
pub(super) const WEB: &[&str] = &["http", "https"];

/// The longest API token (GlitchTip).
const MAX_TOKEN_CHARS: usize = 64;

/// The greatest number where nothing else limits it.
const MANY: u64 = 4_000_000_000_000;

/// How many of something.
pub(super) const fn count(min: u64, max: u64) -> Kind {
    Kind::Number { unit: Unit::Count, min, max }
}

/// How many, without a limit of sense.
pub(super) const fn any_count() -> Kind {
    count(0, MANY)
}

/// A size in bytes.
pub(super) const fn bytes() -> Kind {
    Kind::Number { unit: Unit::Bytes, min: 1, max: MANY }
}

/// A time in seconds; ten years at most.
pub(super) const fn seconds(min: u64) -> Kind {
    Kind::Number { unit: Unit::Seconds, min, max: 315_360_000 }
}

/// A time in days; a hundred years at most.
pub(super) const fn days() -> Kind {
    Kind::Number { unit: Unit::Days, min: 1, max: 36_500 }
}

/// A port; 0 is any that is free.
pub(super) const fn port() -> Kind {
    count(0, 65_535)
}

impl Kind {
    /// Whether a value must never be shown.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Secrets | Self::Token | Self::SecretUrl(_))
    }

    /// Whether a value that begins with a dollar sign is the name of another variable. A password
    /// may well begin with one, a URL never does.
    pub(super) fn may_be_reference(self) -> bool {
        !matches!(self, Self::Secret | Self::Secrets | Self::Token)
    }

    /// Whether an empty value says something. Where it does not, it counts as not set: templates
    /// leave variables empty.
    pub(super) fn may_be_empty(self) -> bool {
        match self {
            Self::Text
            | Self::Secret
            | Self::Secrets
            | Self::Token
            | Self::Boolean
            | Self::Networks
            | Self::List
            | Self::Origins
            | Self::Sources
            | Self::Url(_)
            | Self::SecretUrl(_)
            | Self::Path => true,
            Self::Number { .. }
            | Self::Fraction
            | Self::Percentage
            | Self::Listen
            | Self::Address
            | Self::Choice(_)
            | Self::Email
            | Self::Mailbox
            | Self::Level => false,
        }
    }

    /// Whether a value can be understood. An empty one can, where it says something.
    pub(super) fn allows(self, value: &str) -> bool {
        let value = value.trim();
        match self {
            _ if value.is_empty() => self.may_be_empty(),
            Self::Text | Self::Secret | Self::Secrets | Self::Boolean | Self::List | Self::Path => {
                true
            }
            Self::Token => value.chars().count() <= MAX_TOKEN_CHARS,
            Self::Number { min, max, .. } => {
                value.parse().is_ok_and(|number: u64| (min..=max).contains(&number))
            }
            Self::Fraction => is_within(value, 1.0),
            Self::Percentage => is_within(value, 100.0),
            Self::Listen => listen(value).is_some(),
            Self::Address => value.parse::<IpAddr>().is_ok(),
            Self::Networks => items(value).all(|item| item == "*" || network(item).is_some()),
            Self::Origins => items(value).all(is_origin),
            Self::Sources => !value.contains([';', '\n', '\r']) && value.is_ascii(),
            Self::Url(schemes) | Self::SecretUrl(schemes) => {
                Url::parse(value).is_ok_and(|url| schemes.contains(&url.scheme()))
            }
            Self::Choice(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
            Self::Email => is_mailbox(value) && !value.contains(['<', '>']),
            Self::Mailbox => is_mailbox(value),
            Self::Level => level(value).is_some(),
        }
    }
}

/// What a value must be, to stand after "must be" and in the reference.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text"),
            Self::Secret => f.write_str("a secret"),
            Self::Secrets => f.write_str("secrets, separated by commas"),
            Self::Token => write!(f, "a token of at most {MAX_TOKEN_CHARS} characters"),
            Self::Boolean => f.write_str("True or False"),
            Self::Number { unit, min, max } => {
                let unit = match unit {
                    Unit::Count => "a whole number",
                    Unit::Bytes => "bytes, a whole number",
                    Unit::Seconds => "seconds, a whole number",
                    Unit::Days => "days, a whole number",
                };
                match *max {
                    MANY => write!(f, "{unit} of at least {min}"),
                    max => write!(f, "{unit} of {min} to {max}"),
                }
            }
            Self::Fraction => f.write_str("a number of 0 to 1"),
            Self::Percentage => f.write_str("a number of 0 to 100"),
            Self::Listen => f.write_str("a port, or an IP address and a port such as 0.0.0.0:8000"),
            Self::Address => f.write_str("an IP address"),
            Self::Networks => f.write_str("networks such as 10.0.0.0/8, or * for all"),
            Self::List => f.write_str("a list, separated by commas"),
            Self::Origins => {
                f.write_str("origins such as https://example.com, separated by commas")
            }
            Self::Sources => f.write_str("sources such as 'self', separated by commas"),
            Self::Url(schemes) | Self::SecretUrl(schemes) => {
                let schemes: Vec<_> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
                write!(f, "a URL that begins with {}", one_of(&schemes))
            }
            Self::Path => f.write_str("a path"),
            Self::Choice(words) => f.write_str(&one_of(words)),
            Self::Email => f.write_str("an address such as errors@example.com"),
            Self::Mailbox => {
                f.write_str("an address such as errors@example.com or Errors <errors@example.com>")
            }
            Self::Level => f.write_str("a level or directives such as info,mishap_web=debug"),
        }
    }
}

/// "a, b or c"
fn one_of<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The items of a list, without empty ones.
pub(super) fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// A network, or a single address.
pub(super) fn network(item: &str) -> Option<IpNet> {
    item.parse().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A port, with the address before it if there is one.
pub(super) fn listen(value: &str) -> Option<(Option<IpAddr>, u16)> {
    let Some((host, port)) = value.rsplit_once(':') else {
        return Some((None, value.parse().ok()?));
    };
    let port = port.parse().ok()?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = match host {
        "" | "*" => None,
        "localhost" => Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        host => Some(host.parse().ok()?),
    };
    Some((address, port))
}

/// A level as `tracing` spells it, from that or from Python's spelling; or directives.
pub(super) fn level(value: &str) -> Option<String> {
    let directive = |item: &str| {
        let (target, level) = match item.split_once('=') {
            Some((target, level)) => (Some(target.trim()), level.trim()),
            None => (None, item),
        };
        let level = match level.to_ascii_lowercase().as_str() {
            "warning" => LevelFilter::WARN,
            "critical" | "fatal" => LevelFilter::ERROR,
            "notset" => LevelFilter::TRACE,
            other => other.parse().ok()?,
        };
        Some(match target {
            Some(target) => format!("{target}={level}"),
            None => level.to_string(),
        })
    };
    let directives: Option<Vec<_>> = items(value).map(directive).collect();
    Some(directives?.join(",")).filter(|directives| !directives.is_empty())
}

fn is_within(value: &str, max: f64) -> bool {
    value.parse().is_ok_and(|number: f64| (0.0..=max).contains(&number))
}

/// A scheme and a host, of which a part may be `*`.
fn is_origin(item: &str) -> bool {
    let Some((scheme, host)) = item.split_once("://") else {
        return false;
    };
    let is_plain = |text: &str| text.chars().all(|letter| letter.is_ascii_graphic());
    !scheme.is_empty() && !host.is_empty() && is_plain(item) && !host.contains(['/', '?', '#'])
}

fn is_mailbox(value: &str) -> bool {
    let address = match value.rsplit_once('<') {
        Some((_, address)) => address.strip_suffix('>').unwrap_or_default(),
        None => value,
    };
    let has_parts = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    has_parts && !value.contains(char::is_control) && !address.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests;
