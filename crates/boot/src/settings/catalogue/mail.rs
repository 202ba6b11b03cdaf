//! Mail.

use super::settings;
use crate::settings::kind::Kind::{Boolean, Mailbox, Path, Secret, SecretUrl, Text};
use crate::settings::kind::{count, seconds};

/// What a URL of a way to send begins with, as in Django.
const MAIL: &[&str] = &[
    "smtp",
    "smtps",
    "smtp+tls",
    "smtp+ssl",
    "consolemail",
    "filemail",
    "memorymail",
    "dummymail",
];

settings! {
    Mail, MAIL_SETTINGS;
    read {
        EMAIL_URL = ["EMAIL_URL"], SecretUrl(MAIL), "",
            "How mail is sent: `smtp+tls://user:password@host:587` for instance; replaces EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL and EMAIL_FILE_PATH.";
        EMAIL_BACKEND = ["EMAIL_BACKEND"], Text, "django.core.mail.backends.smtp.EmailBackend",
            "How mail is sent, as a path of Django's: it ends with `smtp.EmailBackend`, or with console, filebased, locmem or dummy instead of smtp.";
        EMAIL_HOST = ["EMAIL_HOST"], Text, "localhost",
            "The server that mail is handed to.";
        EMAIL_PORT = ["EMAIL_PORT"], count(1, 65_535), "25",
            "Its port.";
        EMAIL_HOST_USER = ["EMAIL_HOST_USER"], Text, "",
            "The user there.";
        EMAIL_HOST_PASSWORD = ["EMAIL_HOST_PASSWORD"], Secret, "",
            "The password there.";
        EMAIL_USE_TLS = ["EMAIL_USE_TLS"], Boolean, "False",
            "Encrypt with STARTTLS.";
        EMAIL_USE_SSL = ["EMAIL_USE_SSL"], Boolean, "False",
            "Encrypt from the first byte.";
        EMAIL_TIMEOUT = ["EMAIL_TIMEOUT"], seconds(1), "",
            "How long to wait for the server.";
        EMAIL_FILE_PATH = ["EMAIL_FILE_PATH"], Path, "",
            "The folder that mails are written to, with the backend filebased.";
        DEFAULT_FROM_EMAIL = ["DEFAULT_FROM_EMAIL"], Mailbox, "webmaster@localhost",
            "Whom mails are from.";
        EMAIL_SUBJECT_PREFIX = ["ACCOUNT_EMAIL_SUBJECT_PREFIX"], Text, "",
            "What the subjects of mails about accounts begin with.";
    }
    later {
        ["MAILGUN_API_KEY", "MAILGUN_WEBHOOK_SIGNING_KEY", "SENDGRID_API_KEY",
            "POSTMARK_SERVER_TOKEN", "MANDRILL_API_KEY", "MANDRILL_WEBHOOK_KEY",
            "SENDINBLUE_API_KEY", "MAILJET_API_KEY", "MAILJET_SECRET_KEY", "POSTAL_API_KEY",
            "POSTAL_WEBHOOK_KEY", "SPARKPOST_API_KEY"], Secret, "",
            "What a provider's API is opened with; until then its SMTP server can be used.",
            "mail through providers' APIs";
        ["MAILGUN_SENDER_DOMAIN", "MAILGUN_API_URL", "SENDGRID_API_URL", "POSTMARK_API_URL",
            "MANDRILL_WEBHOOK_URL", "MANDRILL_API_URL", "SENDINBLUE_API_URL", "MAILJET_API_URL",
            "POSTAL_API_URL", "SPARKPOST_API_URL", "SPARKPOST_TRACK_INITIAL_OPEN_AS_OPENED"],
            Text, "",
            "Where a provider's API is, and how it is used.", "mail through providers' APIs";
    }
    ignored {}
}
