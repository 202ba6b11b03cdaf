//! How mail is sent.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use secrecy::SecretString;

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// By which way.
    pub transport: Transport,
    /// Who it is from.
    pub from: Sender,
    /// What each subject begins with.
    pub subject_prefix: String,
}

/// Who mail is from: an address, perhaps with a name before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(pub(super) Mailbox);

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The way that mail goes.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To an SMTP server.
    Smtp(Smtp),
    /// Into the log, whole: for development.
    Console,
    /// Into a file of a folder, one each: for development.
    Files(PathBuf),
    /// Nowhere.
    Nowhere,
}

/// An SMTP server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// Who we say we are, if it asks.
    pub credentials: Option<Credentials>,
    /// How long sending one mail may take, connecting included.
    pub timeout: Duration,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// After STARTTLS, which the server must offer.
    StartTls,
    /// From the start.
    Implicit,
}

/// A user of an SMTP server.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// The text is no sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no e-mail address, with or without a name before it")]
pub struct InvalidSender(String);

impl Sender {
    /// Reads `ada@example.com` or `Ada <ada@example.com>`.
    pub fn parse(text: &str) -> Result<Self, InvalidSender> {
        let mailbox = text.trim().parse().map(Self);
        mailbox.map_err(|_not_an_address| InvalidSender(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_may_have_a_name() {
        let from = |text: &str| Sender::parse(text).map(|sender| sender.to_string());
        assert_eq!(from("errors@example.com").unwrap(), "errors@example.com");
        assert!(from("Errors <errors@example.com>").unwrap().ends_with("<errors@example.com>"));
        for wrong in ["nobody", "a@b\r\nBcc: c@d", "<>"] {
            assert_eq!(from(wrong), Err(InvalidSender(wrong.to_owned())), "{wrong:?}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let credentials =
            Credentials { user: "ada".to_owned(), password: "open-sesame".to_owned().into() };
        assert!(!format!("{credentials:?}").contains("sesame"), "{credentials:?}");
    }
}
