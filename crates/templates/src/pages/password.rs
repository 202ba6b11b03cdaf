//! A forgotten password, and a new one.

use maud::html;

use super::{card_form, narrow, new_password_fields, primary, text_link};
use crate::gallery::{Page, Sample};
use crate::parts::{Field, FieldKind, Problems, Secret};
use crate::shell::{Document, Shell};
use crate::{paths, sample};

/// Asks for a mail with a link. The form sends `email`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordForgotten {
    /// Which address?
    Ask {
        /// The address that was tried.
        email: String,
        /// What was wrong.
        problems: Problems,
    },
    /// A mail is on its way, whether or not there is an account.
    Sent {
        /// Where to.
        email: String,
    },
}

impl Page for PasswordForgotten {
    fn render(&self, shell: &Shell) -> String {
        let back = html! { p { (text_link(&shell.site, paths::SIGN_IN, "Back to signing in")) } };
        let document = match self {
            Self::Ask { email, problems } => {
                let email = Field::new("email", "E-mail address", FieldKind::Email)
                    .value(email)
                    .autocomplete("username")
                    .problem(problems.of("email"))
                    .focused();
                let form = html! {
                    (problems.show())
                    (email.show("forgotten"))
                    (primary("Send a link"))
                };
                let lead = "We will mail you a link with which you can choose a new password.";
                let content = card_form(shell, paths::PASSWORD_FORGOTTEN, &form);
                let document = narrow("Forgot your password?", Some(lead), content);
                Document { has_problem: !problems.is_empty(), ..document }
            }
            Self::Sent { email } => {
                let content = html! {
                    div.stack {
                        p {
                            "If there is an account for " strong { bdi { (email) } }
                            ", a mail with a link is on its way. The link works once, for three days."
                        }
                        p { "Nothing there after a few minutes? Look among the spam, or try again." }
                    }
                };
                narrow("Look into your mail", None, content)
            }
        };
        shell.document(&Document { more: Some(back), ..document })
    }

    fn samples() -> Vec<Sample<Self>> {
        let ask = |email: &str, problems| Self::Ask { email: email.to_owned(), problems };
        let sent = |email: &str| Self::Sent { email: email.to_owned() };
        vec![
            Sample { name: "empty", page: ask("", Problems::none()) },
            Sample {
                name: "refused",
                page: ask(
                    "ada@",
                    Problems::none().with("email", "This is not a whole e-mail address."),
                ),
            },
            Sample { name: "sent", page: sent("ada@example.com") },
            Sample { name: "hostile", page: sent(sample::MARKUP) },
        ]
    }
}

/// Chooses a new password. The form sends `password` and `password_again`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordReset {
    /// The link is good.
    Choose {
        /// The key of the link.
        key: Secret,
        /// Whose password it is, for password managers.
        email: String,
        /// What was wrong.
        problems: Problems,
    },
    /// The link is used up, too old, or never was one.
    Invalid,
}

impl Page for PasswordReset {
    fn render(&self, shell: &Shell) -> String {
        match self {
            Self::Choose { key, email, problems } => {
                let fields = new_password_fields(problems);
                let form = html! {
                    (problems.show())
                    // Password managers need to know for whom the password is.
                    input type="text" name="username" value=(email) autocomplete="username"
                        hidden aria-hidden="true" tabindex="-1";
                    @for field in &fields { (field.show("reset")) }
                    (primary("Set password"))
                };
                let lead = "You will be signed out everywhere else.";
                let path = paths::password_reset(key.reveal());
                shell.document(&Document {
                    has_problem: !problems.is_empty(),
                    ..narrow("Choose a new password", Some(lead), card_form(shell, &path, &form))
                })
            }
            Self::Invalid => {
                let content = html! {
                    p {
                        "It may have been used already, or be older than three days. "
                        "Ask for a new one: that takes a minute."
                    }
                    a.button.primary href=(shell.site.url(paths::PASSWORD_FORGOTTEN)) {
                        "Send a new link"
                    }
                };
                shell.document(&narrow("This link does not work any more", None, content))
            }
        }
    }

    fn samples() -> Vec<Sample<Self>> {
        let choose = |email: &str, problems| Self::Choose {
            key: Secret::new("4f-c9x2k1-0123456789abcdef"),
            email: email.to_owned(),
            problems,
        };
        vec![
            Sample { name: "typical", page: choose("ada@example.com", Problems::none()) },
            Sample {
                name: "refused",
                page: choose(
                    "ada@example.com",
                    Problems::none()
                        .with("password", "This password is too short: at least 8 characters.")
                        .with("password_again", "The two passwords are not the same."),
                ),
            },
            Sample { name: "invalid", page: Self::Invalid },
            Sample {
                name: "hostile",
                page: choose(sample::MARKUP, Problems::general(sample::MARKUP)),
            },
        ]
    }
}
