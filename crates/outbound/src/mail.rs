//! Sends mails.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials as Login;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use mishap_core::clock::Clock;
use mishap_core::random::Random;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

mod config;

pub use self::config::{
    Credentials, Encryption, InvalidSender, MailConfig, Sender, Smtp, Transport,
};

/// Connections to the SMTP server that are kept.
const CONNECTIONS: u32 = 4;

/// A mail to one person. The bodies may contain secrets, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The subject; line ends in it become blanks.
    pub subject: String,
    /// The body for those who read text.
    pub text: String,
    /// The body for those who read HTML.
    pub html: Option<String>,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A mail was not sent; the kinds differ in what whoever sent it can do.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may work later: the server is away, busy or slow.
    #[error("the mail server cannot take the mail now")]
    Retry(#[source] SendCause),
    /// It will never work: this mail, or this address, is refused.
    #[error("the mail is refused for good")]
    GiveUp(#[source] SendCause),
    /// It will work once an operator has changed the settings: login, encryption, sender.
    #[error("the mail server's settings are wrong")]
    Reconfigure(#[source] SendCause),
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendCause {
    /// The recipient's address is none.
    #[error("{0:?} is not an e-mail address")]
    Recipient(String),
    /// No mail can be made of it.
    #[error("the mail cannot be written")]
    Message(#[source] lettre::error::Error),
    /// What the server, or the way to it, says.
    #[error(transparent)]
    Smtp(smtp::Error),
    /// The server took too long.
    #[error("there was no answer in time")]
    Timeout,
    /// The file cannot be written.
    #[error("the mail cannot be written into a file")]
    File(#[source] std::io::Error),
}

/// The settings cannot be used: encryption is asked for, and the system's certificates are unusable.
#[derive(Debug, thiserror::Error)]
#[error("the connection to the mail server cannot be encrypted")]
pub struct TlsError(#[source] smtp::Error);

/// Sends mails, by one way, from one sender.
#[derive(Clone)]
pub struct Mailer {
    way: Way,
    from: Mailbox,
    subject_prefix: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

#[derive(Clone)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>, Duration),
    Console,
    Files(Arc<Path>),
    Nowhere,
}

/// A mail that no person wrote, so that no machine answers it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

/// Which program wrote it.
#[derive(Clone)]
struct Writer;

/// A header that always says the same.
macro_rules! constant_header {
    ($header:ident, $name:literal, $value:literal) => {
        impl Header for $header {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(_: &str) -> Result<Self, Box<dyn StdError + Send + Sync>> {
                Ok(Self)
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), $value.to_owned())
            }
        }
    };
}

constant_header!(AutoSubmitted, "Auto-Submitted", "auto-generated");
constant_header!(Writer, "X-Mailer", "Mishap");

impl Mailer {
    /// A mailer; connects when it first sends.
    pub fn new(
        config: MailConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, TlsError> {
        let MailConfig { transport, from, subject_prefix } = config;
        let way = match transport {
            Transport::Smtp(server) => {
                Way::Smtp(connector(&server).map_err(TlsError)?, server.timeout)
            }
            Transport::Console => Way::Console,
            Transport::Files(folder) => Way::Files(folder.into()),
            Transport::Nowhere => Way::Nowhere,
        };
        Ok(Self { way, from: from.0, subject_prefix, clock, random })
    }

    /// Sends a mail to one address, and waits until it is taken.
    pub async fn send(&self, letter: &Letter, to: &str) -> Result<(), SendError> {
        let give_up = |cause| Err(SendError::GiveUp(cause));
        let Ok(address) = to.parse::<Address>() else {
            return give_up(SendCause::Recipient(to.to_owned()));
        };
        let message = match self.message(letter, address) {
            Ok(message) => message,
            Err(error) => return give_up(SendCause::Message(error)),
        };
        match &self.way {
            Way::Smtp(server, limit) => {
                // The library stops waiting for connections, but not for answers.
                match timeout(*limit, server.send(message)).await {
                    Ok(answer) => answer.map(drop).map_err(sorted)?,
                    Err(_elapsed) => return Err(SendError::Retry(SendCause::Timeout)),
                }
            }
            Way::Console => {
                let Letter { text, .. } = letter;
                let subject = self.subject(letter);
                tracing::info!("a mail, not sent\nTo: {to}\nSubject: {subject}\n\n{text}");
            }
            Way::Files(folder) => {
                let file = folder.join(self.file_name());
                let written = tokio::task::spawn_blocking(move || write(&file, &message)).await;
                let written = written.map_err(std::io::Error::other).flatten();
                written.map_err(|error| SendError::Reconfigure(SendCause::File(error)))?;
            }
            Way::Nowhere => {}
        }
        Ok(())
    }

    fn subject(&self, letter: &Letter) -> String {
        let subject = format!("{}{}", self.subject_prefix, letter.subject);
        subject.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
    }

    fn message(&self, letter: &Letter, to: Address) -> Result<Message, lettre::error::Error> {
        let id = format!("<{}@{}>", self.random.uuid().simple(), self.from.email.domain());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(self.subject(letter))
            .date(self.clock.now().into())
            .message_id(Some(id))
            .header(AutoSubmitted)
            .header(Writer);
        let text = SinglePart::plain(letter.text.clone());
        match &letter.html {
            Some(html) => {
                let html = SinglePart::html(html.clone());
                message.multipart(MultiPart::alternative().singlepart(text).singlepart(html))
            }
            None => message.singlepart(text),
        }
    }

    fn file_name(&self) -> String {
        let moment = self.clock.now().format("%Y%m%d-%H%M%S");
        format!("{moment}-{}.eml", self.random.uuid().simple())
    }
}

fn write(file: &Path, message: &Message) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, message.formatted())
}

fn connector(server: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, smtp::Error> {
    let Smtp { host, port, encryption, credentials, timeout: limit } = server;
    let tls = match encryption {
        Encryption::None => Tls::None,
        Encryption::StartTls => Tls::Required(TlsParameters::new(host.clone())?),
        Encryption::Implicit => Tls::Wrapper(TlsParameters::new(host.clone())?),
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(*port)
        .tls(tls)
        .timeout(Some(*limit))
        .pool_config(PoolConfig::new().max_size(CONNECTIONS));
    Ok(match credentials {
        Some(Credentials { user, password }) => {
            let login = Login::new(user.clone(), password.expose_secret().to_owned());
            builder.credentials(login).build()
        }
        None => builder.build(),
    })
}

/// Sorts what SMTP says by what can be done (RFC 5321, section 4.2; RFC 4954, section 6).
fn sorted(error: smtp::Error) -> SendError {
    let code = error.status().map(u16::from);
    let is_about_settings = match code {
        // Not logged in, wrong login, too weak a login, encryption needed first.
        Some(530 | 534 | 535 | 538) => true,
        // The server lacks STARTTLS or any login that we know, its certificate is not valid, or it
        // does not speak TLS on this port.
        None => error.is_client() || error.is_tls() || is_about_encryption(&error),
        Some(_) => false,
    };
    let is_final = error.is_permanent();
    let cause = SendCause::Smtp(error);
    if is_about_settings {
        SendError::Reconfigure(cause)
    } else if is_final {
        SendError::GiveUp(cause)
    } else {
        SendError::Retry(cause)
    }
}

/// Whether rustls is among the causes. Errors of IO hide what they were made of from `source`.
fn is_about_encryption(error: &smtp::Error) -> bool {
    let mut cause = StdError::source(error);
    while let Some(inner) = cause {
        let hidden = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is::<rustls::Error>() || hidden.is_some_and(|hidden| hidden.is::<rustls::Error>())
        {
            return true;
        }
        cause = inner.source();
    }
    false
}

#[cfg(test)]
mod tests;
