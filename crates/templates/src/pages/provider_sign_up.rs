//! A new account for somebody who came from a sign-in provider.

use maud::html;

use super::{card_form, narrow, next_field, primary, text_link, with_next};
use crate::gallery::{Page, Sample};
use crate::parts::{Field, FieldKind, Problems};
use crate::shell::{Document, Shell};
use crate::{paths, sample};

/// What the provider told of the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestAddress {
    /// Nothing that can be used.
    Untold,
    /// One that an account has already.
    Taken(String),
}

/// Asks for the address of a new account. The form sends `email` and `next`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSignUp {
    /// What people call the provider.
    pub provider: String,
    /// What it told.
    pub address: GuestAddress,
    /// The address that was tried.
    pub email: String,
    /// What was wrong.
    pub problems: Problems,
    /// Where to go afterwards.
    pub next: Option<String>,
}

impl Page for ProviderSignUp {
    fn render(&self, shell: &Shell) -> String {
        let next = self.next.as_deref();
        let email = Field::new("email", "E-mail address", FieldKind::Email)
            .value(&self.email)
            .autocomplete("email")
            .problem(self.problems.of("email"))
            .focused();
        let form = html! {
            (next_field(next))
            (self.problems.show())
            (email.show("guest"))
            (primary("Create account"))
        };
        let sign_in = with_next(paths::SIGN_IN, next);
        let lead = html! {
            @match &self.address {
                GuestAddress::Untold => {
                    bdi { (self.provider) } " knows you, but told no e-mail address. "
                    "Which one should your account have?"
                }
                GuestAddress::Taken(address) => {
                    "An account has the address " strong { bdi { (address) } } " already. If it is "
                    "yours, " (text_link(&shell.site, &sign_in, "sign in as usual")) ", and connect "
                    bdi { (self.provider) } " under “Account security”. For another account, enter "
                    "another address."
                }
            }
        };
        let more = html! { p { (text_link(&shell.site, &sign_in, "Back to signing in")) } };
        shell.document(&Document {
            has_problem: !self.problems.is_empty(),
            lead: Some(lead),
            more: Some(more),
            ..narrow("One more step", None, card_form(shell, paths::PROVIDER_SIGN_UP, &form))
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let usual = Self {
            provider: "Example SSO".to_owned(),
            address: GuestAddress::Untold,
            email: String::new(),
            problems: Problems::none(),
            next: None,
        };
        let taken = |address: &str| GuestAddress::Taken(address.to_owned());
        vec![
            Sample { name: "empty", page: usual.clone() },
            Sample {
                name: "taken",
                page: Self {
                    address: taken("ada@example.com"),
                    next: Some("/shop/issues?query=is:unresolved".to_owned()),
                    ..usual.clone()
                },
            },
            Sample {
                name: "refused",
                page: Self {
                    email: "ada@".to_owned(),
                    problems: Problems::none().with("email", "Enter an e-mail address."),
                    ..usual
                },
            },
            Sample {
                name: "hostile",
                page: Self {
                    provider: sample::MARKUP.to_owned(),
                    address: taken(sample::LONG),
                    email: sample::MARKUP.to_owned(),
                    problems: Problems::general(sample::LONG).with("email", sample::RIGHT_TO_LEFT),
                    next: Some(sample::MARKUP.to_owned()),
                },
            },
        ]
    }
}
