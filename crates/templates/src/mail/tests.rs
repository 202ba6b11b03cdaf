use super::*;
use crate::sample;

#[test]
fn every_mail_has_samples() {
    let names: Vec<String> = samples().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), 27, "{names:?}");
}

#[test]
fn a_subject_is_one_line() {
    for (name, sender, mail) in samples() {
        let RenderedMail { subject, .. } = mail.render(&sender);
        assert!(!subject.chars().any(char::is_control), "{name}: {subject:?}");
        assert!(!subject.contains(['\u{2028}', '\u{202e}']), "{name}: {subject:?}");
        assert!((1..=160).contains(&subject.chars().count()), "{name}: {subject:?}");
    }
}

#[test]
fn both_bodies_say_the_same() {
    let usual = samples().into_iter().filter(|(name, ..)| name.ends_with("/typical"));
    for (name, sender, mail) in usual {
        let RenderedMail { text, html, subject } = mail.render(&sender);
        for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.starts_with("--")) {
            assert!(html.contains(paragraph), "{name}: {paragraph}");
        }
        assert!(html.contains(&format!("<title>{subject}</title>")), "{name}");
        assert!(text.ends_with("-- \nMishap\nhttps://errors.example.com/\n"), "{name}: {text}");
    }
}

#[test]
fn a_mail_says_what_it_is_about() {
    let text = |wanted: &str| {
        let mut samples = samples().into_iter();
        let (_, sender, mail) = samples.find(|(name, ..)| name == wanted).unwrap();
        let rendered = mail.render(&sender);
        format!("{}\n{}", rendered.subject, rendered.text)
    };
    let invitation = text("invitation/typical");
    assert!(invitation.starts_with("Invitation to Example Shop on Mishap\n"), "{invitation}");
    assert!(invitation.contains("ada@example.com invites you to Example Shop"), "{invitation}");
    assert!(invitation.contains("https://errors.example.com/accept/7/key"), "{invitation}");
    let changed = text("password-changed/typical");
    assert!(changed.contains("2026-11-18 11:06 UTC, Firefox on Linux"), "{changed}");
    assert!(!text("unknown-account-closed/typical").contains("register"));
}

#[test]
fn strangers_write_neither_markup_nor_lines() {
    for (name, sender, mail) in samples() {
        let RenderedMail { text, html, .. } = mail.render(&sender);
        assert!(!html.contains("<script") && !html.contains("<img"), "{name}");
        assert!(!html.contains(sample::RIGHT_TO_LEFT), "{name}");
        assert!(!text.contains('\r') && !text.contains("\nBcc") && !text.contains("\nSubject"));
        assert!(!text.contains("\n.\n"), "{name}: {text}");
    }
}

#[test]
fn a_mail_survives_the_journey_of_its_job() {
    for (name, _, mail) in samples() {
        let payload = serde_json::to_string(&mail).unwrap();
        assert_eq!(serde_json::from_str::<Mail>(&payload).unwrap(), mail, "{name}");
    }
    let mail = Mail::UnknownAccount { email: "a@b.c".to_owned(), sign_up: None };
    // Jobs of an older version may wait while a newer one starts: these names stay.
    let payload = r#"{"mail":"unknown_account","email":"a@b.c","sign_up":null}"#;
    assert_eq!(serde_json::to_string(&mail).unwrap(), payload);
}

#[test]
fn links_lead_to_the_web_and_are_not_printed() {
    for wrong in ["", "/login", "javascript:alert(1)", "mailto:a@b.c", "file:///x", "//x.y/"] {
        assert_eq!(MailLink::parse(wrong), Err(InvalidLink), "{wrong}");
    }
    assert!(serde_json::from_str::<MailLink>("\"javascript:x\"").is_err());
    let link = MailLink::parse("https://errors.example.com/reset/secret").unwrap();
    let mail = Mail::PasswordReset { email: "a@b.c".to_owned(), link: link.clone() };
    assert!(!format!("{mail:?}").contains("secret"));
    let sender = MailSender { name: "Mishap".to_owned(), home: link };
    assert!(!format!("{:?}", mail.render(&sender)).contains("secret"));
}
