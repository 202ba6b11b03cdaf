//! A new account.

use maud::html;

use super::{
    Provider, card_form, narrow, new_password_fields, next_field, primary, provider_forms,
    text_link, with_next,
};
use crate::gallery::{Page, Sample};
use crate::parts::{Field, FieldKind, Problems};
use crate::shell::{Document, Shell};
use crate::{paths, sample};

/// A new account. The form sends `email`, `password`, `password_again` and `next`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignUp {
    /// The address that was tried.
    pub email: String,
    /// What was wrong.
    pub problems: Problems,
    /// Where to go afterwards.
    pub next: Option<String>,
    /// Who else can say who a person is.
    pub providers: Vec<Provider>,
}

impl Page for SignUp {
    fn render(&self, shell: &Shell) -> String {
        let next = self.next.as_deref();
        let email = Field::new("email", "E-mail address", FieldKind::Email)
            .value(&self.email)
            .autocomplete("username")
            .problem(self.problems.of("email"))
            .focused();
        let [password, again] = new_password_fields(&self.problems);
        let form = html! {
            (next_field(next))
            (self.problems.show())
            (email.show("sign-up"))
            (Field { label: "Password".to_owned(), ..password }.show("sign-up"))
            (Field { label: "Password again".to_owned(), ..again }.show("sign-up"))
            (primary("Create account"))
        };
        let content = html! {
            (card_form(shell, paths::SIGN_UP, &form))
            @if !self.providers.is_empty() {
                div.stack {
                    p.or { "or" }
                    (provider_forms(shell, &self.providers, next))
                }
            }
        };
        let more = html! {
            p {
                "Already have an account? "
                (text_link(&shell.site, &with_next(paths::SIGN_IN, next), "Sign in"))
            }
        };
        shell.document(&Document {
            has_problem: !self.problems.is_empty(),
            more: Some(more),
            ..narrow("Create an account", None, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let github = Provider { id: "github".to_owned(), name: "GitHub".to_owned() };
        vec![
            Sample { name: "empty", page: Self::default() },
            Sample {
                name: "refused",
                page: Self {
                    email: "ada@example.com".to_owned(),
                    problems: Problems::none()
                        .with("email", "There is an account with this address already.")
                        .with("password", "This password is too common."),
                    next: Some("/accept/12/abc/".to_owned()),
                    providers: vec![github],
                },
            },
            Sample {
                name: "hostile",
                page: Self {
                    email: sample::MARKUP.to_owned(),
                    problems: Problems::general(sample::MARKUP).with("email", sample::LONG),
                    next: Some(sample::MARKUP.to_owned()),
                    providers: vec![Provider {
                        id: "x".to_owned(),
                        name: sample::RIGHT_TO_LEFT.to_owned(),
                    }],
                },
            },
        ]
    }
}
