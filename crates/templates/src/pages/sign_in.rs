//! Address and password, or another way in.

use maud::html;

use super::{
    Provider, card_form, narrow, next_field, passkey_form, primary, provider_forms, text_link,
    with_next,
};
use crate::gallery::{Page, Sample};
use crate::parts::{Field, FieldKind, Problems};
use crate::shell::{Document, Shell};
use crate::{paths, sample};

/// Address and password, or another way in. The form sends `email`, `password` and `next`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIn {
    /// The address that was tried.
    pub email: String,
    /// What was wrong.
    pub problems: Problems,
    /// Where to go afterwards; see [`crate::link::local_path`].
    pub next: Option<String>,
    /// Who else can say who a person is.
    pub providers: Vec<Provider>,
    /// Whether strangers may make an account.
    pub can_sign_up: bool,
}

impl Page for SignIn {
    fn render(&self, shell: &Shell) -> String {
        let next = self.next.as_deref();
        let email = Field::new("email", "E-mail address", FieldKind::Email)
            .value(&self.email)
            .autocomplete("username")
            .problem(self.problems.of("email"));
        let password = Field::new("password", "Password", FieldKind::Password)
            .autocomplete("current-password")
            .problem(self.problems.of("password"));
        let (email, password) = if self.email.is_empty() {
            (email.focused(), password)
        } else {
            (email, password.focused())
        };
        let form = html! {
            (next_field(next))
            (self.problems.show())
            (email.show("sign-in"))
            (password.show("sign-in"))
            (primary("Sign in"))
        };
        let content = html! {
            (card_form(shell, paths::SIGN_IN, &form))
            div.stack {
                p.or { "or" }
                (provider_forms(shell, &self.providers, next))
                (passkey_form(shell, paths::SIGN_IN_PASSKEY, paths::PASSKEY_SIGN_IN_OPTIONS, next))
            }
        };
        let more = html! {
            p { (text_link(&shell.site, paths::PASSWORD_FORGOTTEN, "Forgot your password?")) }
            @if self.can_sign_up {
                p {
                    "New here? "
                    (text_link(&shell.site, &with_next(paths::SIGN_UP, next), "Create an account"))
                }
            }
        };
        shell.document(&Document {
            has_problem: !self.problems.is_empty(),
            more: Some(more),
            ..narrow("Sign in", None, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let provider = |id: &str, name: &str| Provider { id: id.to_owned(), name: name.to_owned() };
        let usual = Self {
            providers: vec![provider("github", "GitHub"), provider("corporate", "Example SSO")],
            can_sign_up: true,
            next: Some("/shop/issues?query=is:unresolved".to_owned()),
            ..Self::default()
        };
        vec![
            Sample { name: "empty", page: Self::default() },
            Sample { name: "typical", page: usual.clone() },
            Sample {
                name: "refused",
                page: Self {
                    email: "ada@example.com".to_owned(),
                    problems: Problems::general(
                        "The e-mail address and the password do not belong together.",
                    ),
                    ..usual.clone()
                },
            },
            Sample {
                name: "hostile",
                page: Self {
                    email: sample::MARKUP.to_owned(),
                    problems: Problems::general(sample::LONG)
                        .with("email", sample::MARKUP)
                        .with("password", sample::RIGHT_TO_LEFT),
                    next: Some(format!("/x?{}", sample::MARKUP)),
                    providers: vec![
                        provider(sample::MARKUP, sample::MARKUP),
                        provider("long", sample::LONG),
                    ],
                    can_sign_up: true,
                },
            },
        ]
    }
}
