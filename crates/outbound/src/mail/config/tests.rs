use secrecy::ExposeSecret as _;

use super::*;

/// What the variables come to, in a line.
fn said(variables: &MailVariables<'_>) -> String {
    match MailConfig::read(variables) {
        Err(error) => error.to_string(),
        Ok(config) => match config.transport {
            Transport::Console => "console".to_owned(),
            Transport::Nowhere => "nowhere".to_owned(),
            Transport::Files(folder) => format!("files in {}", folder.display()),
            Transport::Smtp(Smtp { host, port, encryption, credentials, .. }) => {
                let who = credentials.map_or_else(String::new, |Credentials { user, password }| {
                    format!(" as {user} with {}", password.expose_secret())
                });
                format!("{host} {port} {encryption:?}{who}")
            }
        },
    }
}

#[test]
fn urls_mean_what_they_mean_in_django() {
    for (url, meaning) in [
        ("smtp://", "localhost 25 None"),
        ("smtp://mail.example.com", "mail.example.com 25 None"),
        ("smtp://mail.example.com:2525", "mail.example.com 2525 None"),
        ("smtp://[::1]:2525", "::1 2525 None"),
        ("smtp+tls://u:p@mail.example.com:587", "mail.example.com 587 StartTls as u with p"),
        ("smtp+tls://mail.example.com", "mail.example.com 25 StartTls"),
        ("smtp+ssl://u:p@mail.example.com", "mail.example.com 465 Implicit as u with p"),
        ("smtps://u:p@mail.example.com:587", "mail.example.com 587 StartTls as u with p"),
        ("smtps://u:p@mail.example.com:465", "mail.example.com 465 Implicit as u with p"),
        (
            "smtp://ada%40example.com:p%40ss%2F%3A%23word%25+@mail.example.com",
            "mail.example.com 25 None as ada@example.com with p@ss/:#word%+",
        ),
        (
            "smtp://ada@example.com:word@mail.example.com",
            "mail.example.com 25 None as \
         ada@example.com with word",
        ),
        ("smtp://user@mail.example.com", "mail.example.com 25 None"),
        ("consolemail://", "console"),
        ("consolemail:", "console"),
        ("dummymail://", "nowhere"),
        ("memorymail://", "nowhere"),
        ("filemail:///tmp/app%20mails", "files in /tmp/app mails"),
        ("filemail://mails/out", "files in mails/out"),
        ("filemail://", "EMAIL_FILE_PATH is needed to write mails into files"),
        ("mail.example.com", "EMAIL_URL is not a URL like smtp+tls://user:password@host:587"),
        ("smtp://mail:99999", "EMAIL_URL is not a URL like smtp+tls://user:password@host:587"),
        ("https://u:secret@example.com", "EMAIL_URL cannot begin with \"https\""),
    ] {
        assert_eq!(said(&MailVariables { url, ..MailVariables::default() }), meaning, "{url}");
    }
}

#[test]
fn single_variables_mean_what_they_mean_in_django() {
    let none = MailVariables::default();
    let smtp = MailVariables {
        host: "mail.example.com",
        user: "ada",
        password: "word",
        use_tls: true,
        port: "587",
        ..none
    };
    let backend = |backend| MailVariables { backend, file_path: "/tmp/mails", ..smtp };
    for (variables, meaning) in [
        (none, "localhost 25 None"),
        (smtp, "mail.example.com 587 StartTls as ada with word"),
        (
            MailVariables { use_tls: false, use_ssl: true, port: "", ..smtp },
            "mail.example.com 465 Implicit as ada with word",
        ),
        (
            MailVariables { use_ssl: true, ..smtp },
            "EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other",
        ),
        (
            MailVariables { port: "0", ..smtp },
            "EMAIL_PORT must be a number from 1 to 65535, not \"0\"",
        ),
        (
            MailVariables { timeout: "0", ..smtp },
            "EMAIL_TIMEOUT must be a number of seconds above 0, not \"0\"",
        ),
        (MailVariables { url: "consolemail://", ..smtp }, "console"),
        (
            backend("django.core.mail.backends.smtp.EmailBackend"),
            "mail.example.com 587 StartTls as ada with word",
        ),
        (backend("django.core.mail.backends.console.EmailBackend"), "console"),
        (backend("django.core.mail.backends.filebased.EmailBackend"), "files in /tmp/mails"),
        (backend("django.core.mail.backends.dummy.EmailBackend"), "nowhere"),
        (
            backend("anymail.backends.mailgun.EmailBackend"),
            "EMAIL_BACKEND \"anymail.backends.mailgun.EmailBackend\" is not supported; use SMTP, \
             which all providers offer",
        ),
    ] {
        assert_eq!(said(&variables), meaning);
    }
}

#[test]
fn a_sender_may_have_a_name() {
    let from = |from| {
        let config = MailConfig::read(&MailVariables { from, ..MailVariables::default() });
        config.map(|config| config.from.to_string())
    };
    assert_eq!(from("").unwrap(), "webmaster@localhost");
    assert_eq!(from("errors@example.com").unwrap(), "errors@example.com");
    assert!(from("Errors <errors@example.com>").unwrap().ends_with("<errors@example.com>"));
    for wrong in ["nobody", "a@b\r\nBcc: c@d", "<>"] {
        assert_eq!(from(wrong), Err(ConfigError::Sender(wrong.to_owned())), "{wrong:?}");
    }
}

#[test]
fn a_password_is_not_printed() {
    let url = "smtp://ada:open-sesame@mail.example.com";
    let config = MailConfig::read(&MailVariables { url, ..MailVariables::default() }).unwrap();
    assert!(!format!("{config:?}").contains("sesame"), "{config:?}");
}
