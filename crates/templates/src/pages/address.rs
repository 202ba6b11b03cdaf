//! Confirms an e-mail address.

use maud::html;

use super::{narrow, primary};
use crate::gallery::{Page, Sample};
use crate::parts::Secret;
use crate::shell::Shell;
use crate::{paths, sample};

/// Confirms an address. Opening the link changes nothing, since programs that look at mails open
/// links too; the button does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmAddress {
    /// The link is good.
    Ask {
        /// The key of the link.
        key: Secret,
        /// The address.
        email: String,
    },
    /// It is done.
    Done {
        /// The address.
        email: String,
    },
    /// The link is too old, or never was one.
    Invalid,
}

impl Page for ConfirmAddress {
    fn render(&self, shell: &Shell) -> String {
        let onward = html! {
            @if shell.person.is_some() {
                a.button.primary href=(shell.site.url(paths::HOME)) { "Continue" }
            } @else {
                a.button.primary href=(shell.site.url(paths::SIGN_IN)) { "Sign in" }
            }
        };
        shell.document(&match self {
            Self::Ask { key, email } => {
                let path = paths::confirm_address(key.reveal());
                let content = html! {
                    p { "Is " strong { bdi { (email) } } " yours, and may we write to it?" }
                    (shell.post(&path, "", &primary("Confirm address")))
                };
                narrow("Confirm your address", None, content)
            }
            Self::Done { email } => {
                let content = html! {
                    p { strong { bdi { (email) } } " is yours. Thank you." }
                    (onward)
                };
                narrow("Address confirmed", None, content)
            }
            Self::Invalid => {
                let content = html! {
                    p {
                        "Links like this one work for three days. Sign in and ask for a new one "
                        "in your account."
                    }
                    (onward)
                };
                narrow("This link does not work any more", None, content)
            }
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let ask =
            |email: &str| Self::Ask { key: Secret::new("MQ:1x2y:key"), email: email.to_owned() };
        vec![
            Sample { name: "typical", page: ask("ada@example.com") },
            Sample { name: "done", page: Self::Done { email: "ada@example.com".to_owned() } },
            Sample { name: "invalid", page: Self::Invalid },
            Sample { name: "hostile", page: ask(sample::MARKUP) },
            Sample { name: "long", page: ask(sample::LONG_ADDRESS) },
        ]
    }
}
