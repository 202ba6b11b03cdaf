//! What is shown once: the secret of an authenticator app, and recovery codes.

use maud::html;

use super::{code_form, samples};
use crate::gallery::{Page, Sample};
use crate::parts::{Level, Problems, QrCode, Secret, copy_button, notice, secret_block};
use crate::paths;
use crate::shell::{Crumb, Document, Layout, Shell};

/// Sets an authenticator app up. The form sends `code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpSetup {
    /// The address that the app reads off the screen, as a picture.
    pub qr: Option<QrCode>,
    /// The secret in base32, for typing.
    pub secret: Secret,
    /// What was wrong.
    pub problems: Problems,
}

/// The page above.
fn security_crumb() -> [Crumb; 1] {
    [Crumb { label: "Account security".to_owned(), link: crate::Link::within(paths::SECURITY) }]
}

/// Groups of four are easier to type.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

impl Page for TotpSetup {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            (self.problems.show())
            div.set-up {
                @if let Some(qr) = &self.qr { div { (qr.show("QR code for your authenticator app")) } }
                div {
                    ol.steps {
                        li { "Open an authenticator app on your phone: any will do." }
                        @if self.qr.is_some() {
                            li { "Add an account, and point the camera at the code." }
                        } @else {
                            li { "Add an account, and type this key." }
                        }
                        li { "Type the six digits that the app shows." }
                    }
                    div.stack {
                        p.help #secret-label {
                            @if self.qr.is_some() { "No camera? Type this key instead." }
                            @else { "The key" }
                        }
                        (secret_block("totp-secret", &grouped(self.secret.reveal())))
                    }
                    (code_form(&self.problems).show(shell))
                }
            }
        };
        shell.document(&Document {
            has_problem: !self.problems.is_empty(),
            parents: &security_crumb(),
            ..Document::new("Set up an authenticator app", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        samples::totp_setup()
    }
}

/// New recovery codes, shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// The codes.
    pub codes: Vec<Secret>,
}

impl Page for RecoveryCodes {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            (notice(Level::Warning, &html! {
                "This is the only time that you see them. Codes from before do not work any more."
            }))
            div.secret {
                ul.recovery #recovery-codes {
                    @for code in &self.codes { li { code { (code.reveal()) } "\n" } }
                }
                (copy_button("recovery-codes"))
            }
            div.buttons {
                a.button.primary href=(shell.site.url(paths::SECURITY)) { "I have kept them" }
            }
        };
        let lead = "With one of these you get in when your phone or your passkey is away. Keep \
                    them where you keep passwords, or print this page. Each works once.";
        shell.document(&Document {
            parents: &security_crumb(),
            lead: Some(html! { (lead) }),
            ..Document::new("Your recovery codes", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        samples::recovery_codes()
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn a_secret_is_shown_in_groups_of_four() {
        assert_eq!(grouped("JBSWY3DPEH"), "JBSW Y3DP EH");
        assert_eq!(grouped(""), "");
    }
}
