//! How mail is sent.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::{Environment, catalogue};

/// The port of a mail server if none is said, whatever the encryption, as in GlitchTip.
const PORT: u16 = 25;

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Whether anything says how; if not, mail goes to port 25 of this machine, as in GlitchTip.
    pub is_set_up: bool,
    /// What becomes of a mail.
    pub transport: MailTransport,
    /// Whom mails are from: an address, with or without a name before it.
    pub from: String,
    /// What the subjects of mails about accounts begin with.
    pub subject_prefix: String,
}

/// What becomes of a mail.
#[derive(Debug, Clone)]
pub enum MailTransport {
    /// It is handed to a server.
    Smtp(SmtpServer),
    /// It is written to the standard output.
    Console,
    /// It is written to a file in this folder.
    File(PathBuf),
    /// It is dropped.
    Dummy,
}

/// A server that mail is handed to.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user there.
    pub user: Option<String>,
    /// The password there.
    pub password: Option<SecretString>,
    /// How the connection is encrypted.
    pub encryption: MailEncryption,
    /// How long to wait for it, in seconds.
    pub timeout_seconds: Option<u64>,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailEncryption {
    /// Not at all.
    None,
    /// With STARTTLS, or nothing is sent.
    StartTls,
    /// From the first byte.
    Tls,
}

impl MailSettings {
    /// Reads them.
    pub fn read(env: &mut Environment) -> Self {
        let says_how = [&catalogue::EMAIL_URL, &catalogue::EMAIL_BACKEND, &catalogue::EMAIL_HOST];
        let is_set_up =
            says_how.into_iter().any(|how| env.is_set(how) && env.optional(how).is_some());
        let timeout_seconds = env.optional_number(&catalogue::EMAIL_TIMEOUT);
        let url = env.optional(&catalogue::EMAIL_URL).and_then(|url| Url::parse(url.trim()).ok());
        let transport = match url {
            Some(url) => MailTransport::of_url(&url, timeout_seconds),
            None => MailTransport::of_parts(env, timeout_seconds),
        };
        Self {
            is_set_up,
            transport,
            from: env.text(&catalogue::DEFAULT_FROM_EMAIL),
            subject_prefix: env.text(&catalogue::EMAIL_SUBJECT_PREFIX),
        }
    }
}

impl MailTransport {
    /// Understands a URL as django-environ does.
    fn of_url(url: &Url, timeout_seconds: Option<u64>) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let encryption = match url.scheme() {
            "consolemail" => return Self::Console,
            "filemail" => return Self::File(decoded(url.path()).into()),
            "memorymail" | "dummymail" => return Self::Dummy,
            "smtps" | "smtp+tls" => MailEncryption::StartTls,
            "smtp+ssl" => MailEncryption::Tls,
            _ => MailEncryption::None,
        };
        let host = url.host_str().filter(|host| !host.is_empty());
        Self::Smtp(SmtpServer {
            host: host.unwrap_or(catalogue::EMAIL_HOST.default).to_owned(),
            port: url.port().unwrap_or(PORT),
            user: Some(decoded(url.username())).filter(|user| !user.is_empty()),
            password: url.password().map(|password| decoded(password).into()),
            encryption,
            timeout_seconds,
        })
    }

    /// Understands a path of Django's, and the variables beside it.
    fn of_parts(env: &mut Environment, timeout_seconds: Option<u64>) -> Self {
        let path = env.text(&catalogue::EMAIL_BACKEND);
        let backend = path.trim().strip_suffix(".EmailBackend").unwrap_or_default();
        let word = backend.rsplit('.').next().unwrap_or_default();
        match word {
            _ if path.is_empty() => Self::smtp(env, timeout_seconds),
            "" => {
                let must = "must end with smtp.EmailBackend, console.EmailBackend, \
                            filebased.EmailBackend or dummy.EmailBackend";
                env.problem(&catalogue::EMAIL_BACKEND, format!("{must}, not {path:?}"));
                Self::Dummy
            }
            "smtp" => Self::smtp(env, timeout_seconds),
            "console" => Self::Console,
            "filebased" => match env.optional(&catalogue::EMAIL_FILE_PATH) {
                Some(path) => Self::File(path.into()),
                None => {
                    let must = "must be set, as EMAIL_BACKEND is filebased";
                    env.problem(&catalogue::EMAIL_FILE_PATH, must);
                    Self::Dummy
                }
            },
            "locmem" | "dummy" => Self::Dummy,
            other => {
                env.warning(format!(
                    "EMAIL_BACKEND wants {other}, which is not spoken: mail is dropped until it says \
                     smtp, with the server in EMAIL_HOST"
                ));
                Self::Dummy
            }
        }
    }

    fn smtp(env: &mut Environment, timeout_seconds: Option<u64>) -> Self {
        let host = env.optional(&catalogue::EMAIL_HOST);
        Self::Smtp(SmtpServer {
            host: host.unwrap_or_else(|| catalogue::EMAIL_HOST.default.to_owned()),
            port: env.number(&catalogue::EMAIL_PORT),
            user: env.optional(&catalogue::EMAIL_HOST_USER),
            password: env.secret(&catalogue::EMAIL_HOST_PASSWORD),
            encryption: encryption(env),
            timeout_seconds,
        })
    }
}

fn encryption(env: &mut Environment) -> MailEncryption {
    match (env.bool(&catalogue::EMAIL_USE_TLS), env.bool(&catalogue::EMAIL_USE_SSL)) {
        (false, false) => MailEncryption::None,
        (true, false) => MailEncryption::StartTls,
        (false, true) => MailEncryption::Tls,
        (true, true) => {
            env.problem(&catalogue::EMAIL_USE_SSL, "and EMAIL_USE_TLS cannot both be true");
            MailEncryption::Tls
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::settings::tests::{problems, settings, warnings};

    /// Where mail goes, in a line.
    fn sent<const N: usize>(variables: [(&str, &str); N]) -> String {
        match settings(variables).mail.transport {
            MailTransport::Smtp(server) => {
                let SmtpServer { host, port, user, password, encryption, timeout_seconds } = server;
                let user = user.unwrap_or_default();
                let password = password.as_ref().map_or("", |password| password.expose_secret());
                let timeout = timeout_seconds.unwrap_or_default();
                format!("{encryption:?} {user}:{password} {host} {port} {timeout}")
            }
            MailTransport::File(path) => format!("file {}", path.display()),
            MailTransport::Console => "console".to_owned(),
            MailTransport::Dummy => "dummy".to_owned(),
        }
    }

    fn backend(word: &str) -> String {
        format!("django.core.mail.backends.{word}.EmailBackend")
    }

    #[test]
    fn a_server_is_given_in_parts() {
        assert_eq!(sent([]), "None : localhost 25 0");
        assert!(!settings([]).mail.is_set_up);
        let parts = [
            ("EMAIL_HOST", "mx"),
            ("EMAIL_PORT", "587"),
            ("EMAIL_HOST_USER", "u"),
            ("EMAIL_HOST_PASSWORD", "$p"),
            ("EMAIL_USE_TLS", "true"),
            ("EMAIL_TIMEOUT", "9"),
        ];
        assert_eq!(sent(parts), "StartTls u:$p mx 587 9");
        assert!(settings(parts).mail.is_set_up);
        assert_eq!(sent([("EMAIL_USE_SSL", "1"), ("EMAIL_HOST", "")]), "Tls : localhost 25 0");
        assert_eq!(problems([("EMAIL_USE_SSL", "1"), ("EMAIL_USE_TLS", "1")]).len(), 1);
    }

    #[test]
    fn a_url_replaces_the_parts() {
        let wrong = ("EMAIL_BACKEND", "nonsense");
        for (url, expected) in [
            ("smtp://u%40a:p%2Fq@mx:26", "None u@a:p/q mx 26 0"),
            ("smtp+tls://mx", "StartTls : mx 25 0"),
            ("smtps://mx", "StartTls : mx 25 0"),
            ("smtp+ssl://mx:465", "Tls : mx 465 0"),
            ("smtp://", "None : localhost 25 0"),
            ("consolemail://", "console"),
            ("filemail:///var/mail%20box", "file /var/mail box"),
            ("dummymail://", "dummy"),
        ] {
            assert_eq!(sent([("EMAIL_URL", url), wrong]), expected, "{url}");
        }
        assert_eq!(problems([("EMAIL_URL", "imap://mx")]).len(), 1);
    }

    #[test]
    fn a_backend_is_named_as_in_django() {
        assert_eq!(sent([("EMAIL_BACKEND", &backend("smtp"))]), "None : localhost 25 0");
        assert_eq!(sent([("EMAIL_BACKEND", &backend("console"))]), "console");
        assert_eq!(sent([("EMAIL_BACKEND", &backend("dummy"))]), "dummy");
        let file = backend("filebased");
        assert_eq!(sent([("EMAIL_BACKEND", &file), ("EMAIL_FILE_PATH", "/m")]), "file /m");
        assert_eq!(problems([("EMAIL_BACKEND", &file)]).len(), 1);
        assert_eq!(problems([("EMAIL_BACKEND", "smtp")]).len(), 1);
        let mailgun = [("EMAIL_BACKEND", "anymail.backends.mailgun.EmailBackend")];
        assert_eq!(sent(mailgun), "dummy");
        assert!(warnings(mailgun)[0].contains("mailgun"));
    }

    #[test]
    fn somebody_sends_it() {
        assert_eq!(settings([]).mail.from, "webmaster@localhost");
        let named = [("DEFAULT_FROM_EMAIL", "Errors <errors@example.com>")];
        assert_eq!(settings(named).mail.from, "Errors <errors@example.com>");
        for wrong in ["errors", "@example.com", "a@b@c", "Errors <errors@example.com", "a@b\nc: d"]
        {
            assert_eq!(problems([("DEFAULT_FROM_EMAIL", wrong)]).len(), 1, "{wrong}");
        }
    }
}
