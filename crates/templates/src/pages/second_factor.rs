//! After the password: a code, or a passkey.

use maud::html;

use super::{card_form, narrow, next_field, passkey_form, primary, text_link};
use crate::gallery::{Page, Sample};
use crate::parts::{Field, FieldKind, Problems};
use crate::shell::{Document, Shell};
use crate::{paths, sample};

/// After the password: a code, or a passkey. The form sends `code` and `next`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecondFactor {
    /// What was wrong.
    pub problems: Problems,
    /// Where to go afterwards.
    pub next: Option<String>,
    /// Whether the person has an authenticator app.
    pub has_app: bool,
    /// Whether the person has a passkey.
    pub has_passkey: bool,
}

impl Page for SecondFactor {
    fn render(&self, shell: &Shell) -> String {
        let next = self.next.as_deref();
        let (label, help) = if self.has_app {
            let help = "The six digits that your authenticator app shows, or a recovery code.";
            ("Code", help)
        } else {
            ("Recovery code", "One of the codes that you kept for the day your passkey is away.")
        };
        let code = Field::new("code", label, FieldKind::OneTimeCode)
            .help(help)
            .autocomplete("one-time-code")
            .problem(self.problems.of("code"));
        let code = if self.has_app { code.focused() } else { code };
        let form = html! {
            (next_field(next))
            (self.problems.show())
            (code.show("second-factor"))
            (primary("Continue"))
        };
        let content = html! {
            @if self.has_passkey {
                (passkey_form(
                    shell,
                    paths::SECOND_FACTOR_PASSKEY,
                    paths::PASSKEY_SECOND_FACTOR_OPTIONS,
                    next,
                ))
            }
            (card_form(shell, paths::SECOND_FACTOR, &form))
        };
        let lead = "Your password was right. One more step keeps your account yours.";
        shell.document(&Document {
            has_problem: !self.problems.is_empty(),
            more: Some(html! {
                p { (text_link(&shell.site, paths::SIGN_IN, "Sign in as somebody else")) }
            }),
            ..narrow("Confirm that it is you", Some(lead), content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let usual = Self { has_app: true, has_passkey: true, ..Self::default() };
        vec![
            Sample { name: "typical", page: usual.clone() },
            Sample { name: "app-only", page: Self { has_passkey: false, ..usual.clone() } },
            Sample { name: "passkey-only", page: Self { has_app: false, ..usual.clone() } },
            Sample {
                name: "refused",
                page: Self {
                    problems: Problems::none()
                        .with("code", "This code is not right, or it was used before."),
                    ..usual.clone()
                },
            },
            Sample {
                name: "hostile",
                page: Self {
                    problems: Problems::general(sample::MARKUP).with("code", sample::LONG),
                    next: Some(sample::MARKUP.to_owned()),
                    ..usual
                },
            },
        ]
    }
}
