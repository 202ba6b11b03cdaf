//! Mails: a subject, a text and the same as HTML.
//!
//! A mail is what a job carries; it is rendered when it is sent. What strangers chose (names of
//! organizations and people) is put on one line, cut, and freed of what turns text around, so that
//! nobody can write letters in our name with it.

use std::fmt;

use chrono::{DateTime, Utc};
use mishap_core::text::ellipsized;
use serde::{Deserialize, Serialize};
use url::Url;

mod letter;
mod samples;

pub use self::samples::samples;

use self::letter::{Letter, Line};

/// A mail to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case")]
pub enum Mail {
    /// Is this address yours?
    ConfirmAddress {
        /// The address.
        email: String,
        /// Confirms it.
        link: MailLink,
    },
    /// A link with which a new password can be chosen.
    PasswordReset {
        /// Whose password.
        email: String,
        /// The link.
        link: MailLink,
    },
    /// Somebody asked for a new password, but there is no account.
    UnknownAccount {
        /// The address that was asked for.
        email: String,
        /// Where an account can be made, if strangers may.
        sign_up: Option<MailLink>,
    },
    /// Come into an organization.
    Invitation {
        /// The organization's name.
        organization: String,
        /// Who invites, if they are known.
        inviter: Option<String>,
        /// What the person will be in it.
        role: String,
        /// Accepts.
        link: MailLink,
    },
    /// The password is another one.
    PasswordChanged {
        /// Whose password.
        email: String,
        /// When.
        at: DateTime<Utc>,
        /// The browser and the system, in words.
        client: Option<String>,
        /// Where a new password can be asked for.
        forgotten: MailLink,
    },
    /// A second factor came or went.
    SecondFactorChanged {
        /// Whose.
        email: String,
        /// What changed.
        change: SecondFactorChange,
        /// When.
        at: DateTime<Utc>,
        /// The browser and the system, in words.
        client: Option<String>,
        /// Where it can be looked at.
        security: MailLink,
    },
    /// Mail works.
    Test {
        /// Who wanted to know.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// A mail and whom it is for, as a job carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addressed {
    /// The address.
    pub to: String,
    /// The mail.
    pub mail: Mail,
}

/// What changed about the second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorChange {
    /// An authenticator app was set up.
    AppAdded,
    /// The authenticator app was removed.
    AppRemoved,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// There are new recovery codes.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
}

/// A whole web address. Whoever has it may act for the person, so it is never printed by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MailLink(String);

/// The text is no whole web address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a link in a mail begins with http:// or https://")]
pub struct InvalidLink;

impl MailLink {
    /// Reads an address that begins with `http` or `https`.
    pub fn parse(address: &str) -> Result<Self, InvalidLink> {
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        // As the parser spells it: blanks and line ends are gone or escaped.
        url.map(|url| Self(url.into())).ok_or(InvalidLink)
    }

    /// The address itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MailLink {
    type Error = InvalidLink;

    fn try_from(address: String) -> Result<Self, InvalidLink> {
        Self::parse(&address)
    }
}

impl From<MailLink> for String {
    fn from(link: MailLink) -> Self {
        link.0
    }
}

impl fmt::Debug for MailLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailLink(…)")
    }
}

/// Who a mail is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSender {
    /// What the installation calls itself.
    pub name: String,
    /// Where it is.
    pub home: MailLink,
}

/// A mail, ready to be sent. The bodies may contain secret links, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedMail {
    /// The subject: one line, at most 160 characters.
    pub subject: String,
    /// The body for those who read text.
    pub text: String,
    /// The body for those who read HTML.
    pub html: String,
}

impl fmt::Debug for RenderedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderedMail").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// What a stranger chose, on one line, at most 80 characters, and in its own direction.
fn name(text: &str) -> String {
    let line: String = text.chars().filter(|letter| !turns(*letter)).map(flat).collect();
    let words: Vec<&str> = line.split_whitespace().collect();
    ellipsized(&words.join(" "), 80).into_owned()
}

/// Whether the character changes the direction of what follows.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Line ends and other control characters become blanks.
fn flat(letter: char) -> char {
    if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') { ' ' } else { letter }
}

fn when(at: DateTime<Utc>, client: Option<&str>) -> String {
    let at = at.format("%Y-%m-%d %H:%M UTC");
    client.map_or_else(|| format!("When: {at}"), |client| format!("When: {at}, {}", name(client)))
}

impl SecondFactorChange {
    fn sentence(self) -> &'static str {
        match self {
            Self::AppAdded => "An authenticator app was set up.",
            Self::AppRemoved => "The authenticator app was removed.",
            Self::PasskeyAdded => "A passkey was added.",
            Self::PasskeyRemoved => "A passkey was removed.",
            Self::RecoveryCodesMade => "New recovery codes were made; older ones do not work.",
            Self::RecoveryCodeUsed => "Somebody signed in with a recovery code.",
        }
    }
}

impl Mail {
    /// Subject and bodies.
    pub fn render(&self, sender: &MailSender) -> RenderedMail {
        let site = name(&sender.name);
        self.letter(&site).render(&site, &sender.home)
    }

    fn letter<'m>(&'m self, site: &str) -> Letter<'m> {
        match self {
            Self::ConfirmAddress { email, link } => Letter {
                subject: format!("Confirm your address for {site}"),
                lines: vec![
                    Line::text(format!("Is {} yours? Then confirm it:", name(email))),
                    Line::Action("Confirm address", link),
                    Line::text("The link works for three days."),
                    Line::text("If you did not ask for this, do nothing."),
                ],
            },
            Self::PasswordReset { email, link } => Letter {
                subject: format!("A new password for {site}"),
                lines: vec![
                    Line::text(format!("Somebody forgot the password of {}.", name(email))),
                    Line::text("If it was you, choose a new one:"),
                    Line::Action("Choose a new password", link),
                    Line::text("The link works once, for three days."),
                    Line::text("If it was not you, do nothing: your password stays as it is."),
                ],
            },
            Self::UnknownAccount { email, sign_up } => {
                let mut lines = vec![
                    Line::text(format!(
                        "Somebody asked for a new password for {}, but there is no account with \
                         this address.",
                        name(email)
                    )),
                    Line::text(
                        "If it was you: did you use another address, or do you sign in through \
                         somebody else?",
                    ),
                ];
                if let Some(link) = sign_up {
                    lines.push(Line::text("You can also make an account:"));
                    lines.push(Line::Action("Create an account", link));
                }
                lines.push(Line::text("If it was not you, do nothing."));
                Letter { subject: format!("No account on {site}"), lines }
            }
            Self::Invitation { organization, inviter, role, link } => {
                let organization = name(organization);
                let invites = match inviter {
                    Some(inviter) => {
                        format!("{} invites you to {organization} on {site}.", name(inviter))
                    }
                    None => format!("You are invited to {organization} on {site}."),
                };
                Letter {
                    subject: format!("Invitation to {organization} on {site}"),
                    lines: vec![
                        Line::text(invites),
                        Line::text(format!("You will be: {}", name(role))),
                        Line::Action("Look at the invitation", link),
                        Line::text("The link works for 15 days."),
                        Line::text("If you do not know what this is about, do nothing."),
                    ],
                }
            }
            Self::PasswordChanged { email, at, client, forgotten } => Letter {
                subject: format!("Your password on {site} was changed"),
                lines: vec![
                    Line::text(format!("The password of {} was changed.", name(email))),
                    Line::text(when(*at, client.as_deref())),
                    Line::text("If it was you, all is well."),
                    Line::text("If it was not you, choose a new one at once:"),
                    Line::Action("Ask for a new password", forgotten),
                ],
            },
            Self::SecondFactorChanged { email, change, at, client, security } => Letter {
                subject: format!("Signing in to {site} changed"),
                lines: vec![
                    Line::text(format!("{} Account: {}.", change.sentence(), name(email))),
                    Line::text(when(*at, client.as_deref())),
                    Line::text("If it was you, all is well."),
                    Line::text("If it was not you, change your password and look at:"),
                    Line::Action("Account security", security),
                ],
            },
            Self::Test { by, at } => Letter {
                subject: format!("Mail from {site} arrives"),
                lines: vec![
                    Line::text("This is the mail that you asked for. Mail works."),
                    Line::text(format!("Asked for by {}.", name(by))),
                    Line::text(when(*at, None)),
                ],
            },
        }
    }
}

#[cfg(test)]
mod tests;
