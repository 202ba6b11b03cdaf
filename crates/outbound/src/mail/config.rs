//! How mail is sent, in Django's words.
//!
//! | `EMAIL_URL` | meaning | port unless given |
//! |---|---|---|
//! | `smtp://user:password@host:port` | not encrypted | 25 |
//! | `smtp+tls://…`, `smtps://…` | encrypted after STARTTLS, or not sent | 25 |
//! | `smtp+ssl://…`, `smtps://…:465` | encrypted from the start | 465 |
//! | `consolemail://` | written to the log | |
//! | `filemail:///folder` | written into files | |
//! | `dummymail://`, `memorymail://` | thrown away | |
//!
//! User and password are percent-escaped. Without `EMAIL_URL`, `EMAIL_BACKEND` and `EMAIL_HOST` with
//! its companions say the same.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

/// How long sending one mail may take, unless `EMAIL_TIMEOUT` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

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

/// The variables, as they were given; empty ones count as not given.
#[derive(Clone, Copy, Default)]
pub struct MailVariables<'v> {
    /// `EMAIL_URL`, before which the next ones do not count.
    pub url: &'v str,
    /// `EMAIL_BACKEND`: one of Django's classes.
    pub backend: &'v str,
    /// `EMAIL_HOST`.
    pub host: &'v str,
    /// `EMAIL_PORT`.
    pub port: &'v str,
    /// `EMAIL_HOST_USER`.
    pub user: &'v str,
    /// `EMAIL_HOST_PASSWORD`.
    pub password: &'v str,
    /// `EMAIL_USE_TLS`: STARTTLS.
    pub use_tls: bool,
    /// `EMAIL_USE_SSL`: encrypted from the start.
    pub use_ssl: bool,
    /// `EMAIL_TIMEOUT`, in seconds.
    pub timeout: &'v str,
    /// `EMAIL_FILE_PATH`.
    pub file_path: &'v str,
    /// `DEFAULT_FROM_EMAIL`.
    pub from: &'v str,
    /// `ACCOUNT_EMAIL_SUBJECT_PREFIX`.
    pub subject_prefix: &'v str,
}

/// The variables cannot be understood. Passwords are in none of the messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `EMAIL_URL` is no URL.
    #[error("EMAIL_URL is not a URL like smtp+tls://user:password@host:587")]
    Url,
    /// Its scheme is not one of Django's.
    #[error("EMAIL_URL cannot begin with {0:?}")]
    Scheme(String),
    /// The backend is not one of those that we know.
    #[error("EMAIL_BACKEND {0:?} is not supported; use SMTP, which all providers offer")]
    Backend(String),
    /// The port is none.
    #[error("EMAIL_PORT must be a number from 1 to 65535, not {0:?}")]
    Port(String),
    /// The timeout is none.
    #[error("EMAIL_TIMEOUT must be a number of seconds above 0, not {0:?}")]
    Timeout(String),
    /// Both ways of encrypting at once.
    #[error("EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other")]
    TwiceEncrypted,
    /// No folder for the files.
    #[error("EMAIL_FILE_PATH is needed to write mails into files")]
    NoFolder,
    /// The sender is no address.
    #[error("DEFAULT_FROM_EMAIL must be an e-mail address, perhaps with a name, not {0:?}")]
    Sender(String),
}

impl Sender {
    /// Reads `ada@example.com` or `Ada <ada@example.com>`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mailbox = text.trim().parse().map(Self);
        mailbox.map_err(|_not_an_address| ConfigError::Sender(text.to_owned()))
    }
}

impl MailConfig {
    /// Reads the variables. Without any, mail goes to port 25 of this machine, as in Django.
    pub fn read(variables: &MailVariables<'_>) -> Result<Self, ConfigError> {
        let timeout = timeout(variables.timeout)?;
        let transport = if variables.url.is_empty() {
            by_backend(variables, timeout)?
        } else {
            by_url(variables.url, timeout)?
        };
        let from = Some(variables.from).filter(|from| !from.is_empty());
        Ok(Self {
            transport,
            from: Sender::parse(from.unwrap_or("webmaster@localhost"))?,
            subject_prefix: variables.subject_prefix.to_owned(),
        })
    }
}

fn timeout(text: &str) -> Result<Duration, ConfigError> {
    if text.is_empty() {
        return Ok(TIMEOUT);
    }
    let seconds = text.trim().parse::<u32>().ok().filter(|seconds| *seconds > 0);
    let timeout = seconds.map(|seconds| Duration::from_secs(seconds.into()));
    timeout.ok_or_else(|| ConfigError::Timeout(text.to_owned()))
}

fn default_port(encryption: Encryption) -> u16 {
    match encryption {
        Encryption::None | Encryption::StartTls => 25,
        Encryption::Implicit => 465,
    }
}

fn credentials(user: &str, password: &str) -> Option<Credentials> {
    let is_given = !user.is_empty() && !password.is_empty();
    is_given.then(|| Credentials { user: user.to_owned(), password: password.into() })
}

fn by_url(text: &str, timeout: Duration) -> Result<Transport, ConfigError> {
    let url = Url::parse(text).map_err(|_no_url| ConfigError::Url)?;
    let encryption = match (url.scheme(), url.port()) {
        ("smtp", _) => Encryption::None,
        // What everybody but Django calls it, on the port that everybody uses for it.
        ("smtps", Some(465)) => Encryption::Implicit,
        ("smtp+tls" | "smtps", _) => Encryption::StartTls,
        ("smtp+ssl", _) => Encryption::Implicit,
        ("consolemail", _) => return Ok(Transport::Console),
        ("dummymail" | "memorymail", _) => return Ok(Transport::Nowhere),
        ("filemail", _) => return files_of(&url),
        (other, _) => return Err(ConfigError::Scheme(other.to_owned())),
    };
    let plain = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let host = url.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost");
    Ok(Transport::Smtp(Smtp {
        host: plain(host).trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(default_port(encryption)),
        encryption,
        credentials: credentials(
            &plain(url.username()),
            &plain(url.password().unwrap_or_default()),
        ),
        timeout,
    }))
}

/// `filemail:///tmp/mails` is a folder from the root, `filemail://mails` one below where the process
/// runs.
fn files_of(url: &Url) -> Result<Transport, ConfigError> {
    let folder = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
    let folder = percent_decode_str(&folder).decode_utf8_lossy().into_owned();
    if folder.trim_matches('/').is_empty() {
        return Err(ConfigError::NoFolder);
    }
    Ok(Transport::Files(folder.into()))
}

fn by_backend(variables: &MailVariables<'_>, timeout: Duration) -> Result<Transport, ConfigError> {
    match variables.backend {
        "" | "django.core.mail.backends.smtp.EmailBackend" => by_host(variables, timeout),
        "django.core.mail.backends.console.EmailBackend" => Ok(Transport::Console),
        "django.core.mail.backends.filebased.EmailBackend" => match variables.file_path {
            "" => Err(ConfigError::NoFolder),
            folder => Ok(Transport::Files(folder.into())),
        },
        "django.core.mail.backends.dummy.EmailBackend"
        | "django.core.mail.backends.locmem.EmailBackend" => Ok(Transport::Nowhere),
        other => Err(ConfigError::Backend(other.to_owned())),
    }
}

fn by_host(variables: &MailVariables<'_>, timeout: Duration) -> Result<Transport, ConfigError> {
    let encryption = match (variables.use_tls, variables.use_ssl) {
        (true, true) => return Err(ConfigError::TwiceEncrypted),
        (true, false) => Encryption::StartTls,
        (false, true) => Encryption::Implicit,
        (false, false) => Encryption::None,
    };
    let port = match variables.port {
        "" => Some(default_port(encryption)),
        port => port.trim().parse().ok().filter(|port| *port > 0),
    };
    Ok(Transport::Smtp(Smtp {
        host: if variables.host.is_empty() { "localhost" } else { variables.host }.to_owned(),
        port: port.ok_or_else(|| ConfigError::Port(variables.port.to_owned()))?,
        encryption,
        credentials: credentials(variables.user, variables.password),
        timeout,
    }))
}

#[cfg(test)]
mod tests;
