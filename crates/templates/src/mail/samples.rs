//! Each mail, as usual and at its worst.

use super::{Mail, MailLink, MailSender, SecondFactorChange};
use crate::sample;

/// An address for samples; text that is none becomes a part of one.
fn link(path: &str) -> Option<MailLink> {
    MailLink::parse(&format!("https://errors.example.com/{path}")).ok()
}

/// Each mail, as usual and at its worst, with its name and who it is from.
pub fn samples() -> Vec<(String, MailSender, Mail)> {
    let usual = mails("ada@example.com", "Example Shop", "Firefox on Linux", "key");
    let worst = mails(sample::MARKUP, sample::RIGHT_TO_LEFT, sample::LONG, sample::MARKUP);
    let lines = mails("a@b.c\r\nBcc: d@e.f", "x\nSubject: y\u{2028}z", "\r\n.\r\n", "\r\nBcc: x");
    let named = |kind: &str, site: &str, mails: Option<Vec<(&str, Mail)>>| {
        let home = link("");
        let sender = home.map(|home| MailSender { name: site.to_owned(), home });
        let mails = mails.into_iter().flatten().zip(sender.into_iter().cycle());
        mails
            .map(|((name, mail), sender)| (format!("{name}/{kind}"), sender, mail))
            .collect::<Vec<_>>()
    };
    [
        named("typical", "Mishap", usual),
        named("hostile", sample::MARKUP, worst),
        named("lines", "a\r\nb", lines),
    ]
    .concat()
}

fn mails(
    email: &str,
    organization: &str,
    client: &str,
    key: &str,
) -> Option<Vec<(&'static str, Mail)>> {
    let email = email.to_owned();
    let client = Some(client.to_owned());
    let at = sample::now();
    Some(vec![
        (
            "confirm-address",
            Mail::ConfirmAddress {
                email: email.clone(),
                link: link(&format!("profile/confirm-email/{key}"))?,
            },
        ),
        (
            "password-reset",
            Mail::PasswordReset {
                email: email.clone(),
                link: link(&format!("reset-password/set-new-password/{key}"))?,
            },
        ),
        (
            "unknown-account",
            Mail::UnknownAccount { email: email.clone(), sign_up: Some(link("register")?) },
        ),
        ("unknown-account-closed", Mail::UnknownAccount { email: email.clone(), sign_up: None }),
        (
            "invitation",
            Mail::Invitation {
                organization: organization.to_owned(),
                inviter: Some(email.clone()),
                role: "Member".to_owned(),
                link: link(&format!("accept/7/{key}"))?,
            },
        ),
        (
            "invitation-by-nobody",
            Mail::Invitation {
                organization: organization.to_owned(),
                inviter: None,
                role: "Owner".to_owned(),
                link: link(&format!("accept/7/{key}"))?,
            },
        ),
        (
            "password-changed",
            Mail::PasswordChanged {
                email: email.clone(),
                at,
                client: client.clone(),
                forgotten: link("reset-password")?,
            },
        ),
        (
            "second-factor-changed",
            Mail::SecondFactorChanged {
                email: email.clone(),
                change: SecondFactorChange::RecoveryCodeUsed,
                at,
                client,
                security: link("profile/security")?,
            },
        ),
        ("test", Mail::Test { by: email, at }),
    ])
}
