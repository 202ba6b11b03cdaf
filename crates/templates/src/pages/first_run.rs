//! The first account and the first organization.

use maud::html;

use super::{card_form, narrow, new_password_fields, primary};
use crate::gallery::{Page, Sample};
use crate::parts::{Field, FieldKind, Problems, Secret};
use crate::shell::{Document, Shell};
use crate::{paths, sample};

/// The first account and the first organization. The form sends `key`, `email`, `password`,
/// `password_again` and `organization`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRun {
    /// Proves that whoever is here can read what the server printed, if that is asked for.
    pub key: Option<Secret>,
    /// The address so far.
    pub email: String,
    /// The organization's name so far.
    pub organization: String,
    /// What was wrong.
    pub problems: Problems,
}

impl Page for FirstRun {
    fn render(&self, shell: &Shell) -> String {
        let email = Field::new("email", "Your e-mail address", FieldKind::Email)
            .value(&self.email)
            .autocomplete("username")
            .problem(self.problems.of("email"))
            .focused();
        let [password, again] = new_password_fields(&self.problems);
        let organization = Field::new("organization", "Your organization", FieldKind::Text)
            .value(&self.organization)
            .help("A team, a company, a hobby. There can be more later.")
            .autocomplete("organization")
            .problem(self.problems.of("organization"));
        let form = html! {
            @if let Some(key) = &self.key { input type="hidden" name="key" value=(key.reveal()); }
            (self.problems.show())
            (email.show("first"))
            (Field { label: "Password".to_owned(), ..password }.show("first"))
            (Field { label: "Password again".to_owned(), ..again }.show("first"))
            (organization.show("first"))
            (primary("Start"))
        };
        let lead = "Nobody uses this installation yet. The first account is its administrator's.";
        let content = card_form(shell, paths::FIRST_RUN, &form);
        shell.document(&Document {
            has_problem: !self.problems.is_empty(),
            ..narrow("Welcome", Some(lead), content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let page = |email: &str, organization: &str, problems| Self {
            key: Some(Secret::new("0123456789abcdef")),
            email: email.to_owned(),
            organization: organization.to_owned(),
            problems,
        };
        vec![
            Sample { name: "empty", page: page("", "", Problems::none()) },
            Sample {
                name: "refused",
                page: page(
                    "ada@example.com",
                    "Example",
                    Problems::none().with("password", "This password is too common."),
                ),
            },
            Sample {
                name: "hostile",
                page: page(sample::MARKUP, sample::LONG, Problems::general(sample::MARKUP)),
            },
        ]
    }
}
