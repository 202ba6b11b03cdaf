use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mishap_core::causes::Causes;
use mishap_core::clock::ManualClock;
use mishap_core::random::SeededRandom;

use super::*;

/// An SMTP server that says yes to everything but what `objections` name by the beginning of the
/// command, and tells line by line what it heard. It ends with the test's process.
fn server(
    extensions: &'static [&'static str],
    objections: &'static [(&'static str, &'static str)],
) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = |line: &str| {
                let objection = objections.iter().find(|(start, _)| line.starts_with(start));
                objection.map(|(_, answer)| (*answer).to_owned())
            };
            converse(&stream.unwrap(), extensions, &answer, &|line| {
                let _test_is_over = tell.send(line);
            });
        }
    });
    (port, heard)
}

fn converse(
    mut stream: &TcpStream,
    extensions: &[&str],
    objection: &dyn Fn(&str) -> Option<String>,
    tell: &dyn Fn(String),
) {
    let mut lines = BufReader::new(stream).lines();
    let mut say = move |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    say(&objection("").unwrap_or_else(|| "220 mail.example.com".to_owned()));
    let mut is_data = false;
    while let Some(Ok(line)) = lines.next() {
        tell(line.clone());
        let answer = match line.as_str() {
            "." if is_data => {
                is_data = false;
                objection(".").unwrap_or_else(|| "250 taken".to_owned())
            }
            _ if is_data => continue,
            command => objection(command).unwrap_or_else(|| {
                let word = command.split(' ').next().unwrap();
                is_data = word == "DATA";
                match word {
                    "EHLO" => {
                        let all = ["mail.example.com"].iter().chain(extensions);
                        let all: Vec<String> = all.map(|one| format!("250-{one}")).collect();
                        format!("{}\r\n250 HELP", all.join("\r\n"))
                    }
                    "AUTH" => "235 welcome".to_owned(),
                    "DATA" => "354 go on".to_owned(),
                    _ => "250 yes".to_owned(),
                }
            }),
        };
        say(&answer);
    }
}

fn letter() -> Letter {
    Letter {
        subject: "Confirm your address".to_owned(),
        text: "Is this yours?\n.\nhttps://errors.example.com/x\n".to_owned(),
        html: Some("<p>Is this yours?</p>".to_owned()),
    }
}

/// A mailer, by Django's spelling of where mails go.
fn mailer(url: &str) -> Mailer {
    let url = url::Url::parse(url).unwrap();
    match url.scheme() {
        "dummymail" => return mailer_by(Transport::Nowhere),
        "filemail" => return mailer_by(Transport::Files(url.path().into())),
        _ => {}
    }
    let encryption = match url.scheme() {
        "smtp+tls" => Encryption::StartTls,
        "smtp+ssl" => Encryption::Implicit,
        _ => Encryption::None,
    };
    let plain = |part: &str| part.replace("%40", "@").replace("%20", " ");
    let credentials = (!url.username().is_empty()).then(|| Credentials {
        user: plain(url.username()),
        password: plain(url.password().unwrap_or_default()).into(),
    });
    mailer_by(Transport::Smtp(Smtp {
        host: url.host_str().unwrap().to_owned(),
        port: url.port().unwrap(),
        encryption,
        credentials,
        timeout: Duration::from_secs(5),
    }))
}

fn mailer_by(transport: Transport) -> Mailer {
    let from = Sender::parse("Errors <errors@example.com>").unwrap();
    mailer_of(MailConfig { transport, from, subject_prefix: "[Mishap] ".to_owned() })
}

fn mailer_of(config: MailConfig) -> Mailer {
    let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let clock = Arc::new(ManualClock::new(now));
    Mailer::new(config, clock, Arc::new(SeededRandom::new(1))).unwrap()
}

/// Everything the server heard until the mail was whole.
fn dialogue(heard: &Receiver<String>) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| line != ".") {
        lines.push(heard.recv().unwrap());
    }
    lines
}

#[tokio::test]
async fn a_mail_is_taken_whole() {
    let (port, heard) = server(&["8BITMIME"], &[]);
    let url = format!("smtp://127.0.0.1:{port}");
    mailer(&url).send(&letter(), "ada@example.com").await.unwrap();
    let lines = dialogue(&heard);
    let has = |line: &str| lines.iter().any(|heard| heard == line);
    for line in [
        "RCPT TO:<ada@example.com>",
        "From: Errors <errors@example.com>",
        "To: ada@example.com",
        "Subject: [Mishap] Confirm your address",
        "Date: Wed, 18 Nov 2026 11:06:40 +0000",
        "Auto-Submitted: auto-generated",
        "X-Mailer: Mishap",
        "Is this yours?",
        // A line with nothing but a dot would end the mail.
        "..",
        "<p>Is this yours?</p>",
    ] {
        assert!(has(line), "{line}\n{lines:#?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("MAIL FROM:<errors@example.com>")));
    let id = lines.iter().find(|line| line.starts_with("Message-ID: <")).unwrap();
    assert!(id.ends_with("@example.com>"), "{id}");
    assert!(lines.iter().any(|line| line.starts_with("Content-Type: multipart/alternative")));
    assert!(!lines.iter().any(|line| line.starts_with("AUTH")), "nobody asked who we are");
}

#[tokio::test]
async fn a_subject_carries_no_header() {
    let (port, heard) = server(&[], &[]);
    let subject = "x\r\nBcc: eve@example.com\r\n\r\nbody".to_owned();
    let letter = Letter { subject, html: None, ..letter() };
    let url = format!("smtp://127.0.0.1:{port}");
    mailer(&url).send(&letter, "ada@example.com").await.unwrap();
    let lines = dialogue(&heard);
    assert!(!lines.iter().any(|line| line.starts_with("Bcc")), "{lines:#?}");
    let recipients = lines.iter().filter(|line| line.starts_with("RCPT")).count();
    assert_eq!(recipients, 1);
}

#[tokio::test]
async fn a_password_is_told_to_the_server() {
    let (port, heard) = server(&["AUTH PLAIN LOGIN"], &[]);
    let url = format!("smtp://ada%40example.com:open%20sesame@127.0.0.1:{port}");
    mailer(&url).send(&letter(), "ada@example.com").await.unwrap();
    let lines = dialogue(&heard);
    let login = lines.iter().find_map(|line| line.strip_prefix("AUTH PLAIN ")).unwrap();
    assert_eq!(STANDARD.decode(login).unwrap(), b"\0ada@example.com\0open sesame");
}

/// What becomes of a mail: what can be done, and why.
async fn outcome(url: &str, to: &str) -> (&'static str, String) {
    match mailer(url).send(&letter(), to).await {
        Ok(()) => ("sent", String::new()),
        Err(error) => {
            let kind = match &error {
                SendError::Retry(_) => "retry",
                SendError::GiveUp(_) => "give up",
                SendError::Reconfigure(_) => "reconfigure",
            };
            (kind, Causes(&error).to_string())
        }
    }
}

#[tokio::test]
async fn errors_say_what_can_be_done() {
    type Case = (&'static [&'static str], &'static [(&'static str, &'static str)], &'static str);
    let cases: &[(Case, &str)] = &[
        ((&[], &[("RCPT", "450 mailbox busy")], "smtp"), "retry"),
        ((&[], &[("RCPT", "550 no such user")], "smtp"), "give up"),
        ((&[], &[("MAIL", "421 shutting down")], "smtp"), "retry"),
        ((&[], &[(".", "554 this is spam")], "smtp"), "give up"),
        ((&[], &[("", "421 too busy")], "smtp"), "retry"),
        ((&[], &[("MAIL", "530 log in first")], "smtp"), "reconfigure"),
        ((&["AUTH PLAIN"], &[("AUTH", "535 wrong password")], "smtp"), "reconfigure"),
        ((&["AUTH PLAIN"], &[("AUTH", "454 try later")], "smtp"), "retry"),
        // A login is wanted, and the server knows none.
        ((&[], &[], "smtp"), "reconfigure"),
        // Encryption is wanted, and the server has none: nothing is sent in the open.
        ((&[], &[], "smtp+tls"), "reconfigure"),
        // What answers is no TLS.
        ((&[], &[], "smtp+ssl"), "reconfigure"),
    ];
    for ((extensions, objections, scheme), expected) in cases {
        let (port, heard) = server(extensions, objections);
        let wants_login = extensions.contains(&"AUTH PLAIN") || objections.is_empty();
        let user = if wants_login { "ada:word@" } else { "" };
        let url = format!("{scheme}://{user}127.0.0.1:{port}");
        let (kind, text) = outcome(&url, "ada@example.com").await;
        assert_eq!(kind, *expected, "{objections:?} {scheme}: {text}");
        assert!(!text.contains("word@"), "{text}");
        let is_open = |line: &String| *scheme != "smtp" && line.starts_with("MAIL");
        assert!(!heard.try_iter().any(|line| is_open(&line)));
    }
}

#[tokio::test]
async fn who_is_not_there_may_be_there_later() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (kind, text) = outcome(&format!("smtp://127.0.0.1:{closed}"), "ada@example.com").await;
    assert_eq!(kind, "retry", "{text}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Smtp {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
        encryption: Encryption::None,
        credentials: None,
        timeout: Duration::from_millis(50),
    };
    let config = MailConfig {
        transport: Transport::Smtp(server),
        from: Sender::parse("errors@example.com").unwrap(),
        subject_prefix: String::new(),
    };
    let error = mailer_of(config).send(&letter(), "ada@example.com").await.unwrap_err();
    assert!(matches!(error, SendError::Retry(_)), "{error:?}");
}

#[tokio::test]
async fn an_address_that_is_none_is_given_up() {
    for to in ["", "ada", "ada@example.com\r\nBcc: eve@example.com", "a@b.c, d@e.f", "<a@b.c>"] {
        let (kind, text) = outcome("dummymail://", to).await;
        assert_eq!(kind, "give up", "{to:?}: {text}");
    }
    assert_eq!(outcome("dummymail://", "ada@example.com").await.0, "sent");
}

#[tokio::test]
async fn files_hold_whole_mails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("not/there yet");
    let mailer = mailer_by(Transport::Files(out.clone()));
    mailer.send(&letter(), "ada@example.com").await.unwrap();
    mailer.send(&letter(), "grace@example.com").await.unwrap();
    let mut files: Vec<_> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2, "{files:?}");
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("To: grace@example.com\r\n")), "{texts:?}");
    assert!(texts[0].contains("Is this yours?"));
    let (kind, text) = outcome("filemail:///dev/null/x", "ada@example.com").await;
    assert_eq!(kind, "reconfigure", "{text}");
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_console_shows_the_whole_mail() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    mailer_by(Transport::Console).send(&letter(), "ada@example.com").await.unwrap();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for part in [
        " INFO ",
        "To: ada@example.com",
        "Subject: [Mishap] Confirm your address",
        "https://errors.example.com/x",
    ] {
        assert!(log.contains(part), "{log}");
    }
}

#[test]
fn a_letter_is_not_printed() {
    assert!(!format!("{:?}", letter()).contains("errors.example.com"));
}
