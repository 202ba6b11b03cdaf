//! What cannot be shown, and what to do instead.

use maud::html;

use super::{narrow, text_link};
use crate::gallery::{Page, Sample};
use crate::shell::{Document, Shell};
use crate::{paths, sample};

/// What cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorPage {
    /// There is no such page (404).
    NotFound,
    /// It is not this person's (403).
    Forbidden,
    /// Nobody makes an account alone here (403).
    SignUpClosed,
    /// The link for the first account is too old, or not whole (403).
    FirstRunInvalid,
    /// The form was not from one of our pages, or from one that was open for long (403).
    StaleForm,
    /// Too often (429).
    TooManyRequests {
        /// When to come back, in seconds.
        retry_after: u64,
    },
    /// Something is wrong with the request (400), in words.
    BadRequest(String),
    /// Something is wrong with us (500).
    Failed {
        /// What to tell the administrator, if anything.
        reference: Option<String>,
    },
    /// The database is away (503).
    Unavailable,
}

impl ErrorPage {
    fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "There is no such page",
            Self::Forbidden => "This is not yours to see",
            Self::SignUpClosed => "Accounts are by invitation here",
            Self::FirstRunInvalid => "This link does not work",
            Self::StaleForm => "This form was open for too long",
            Self::TooManyRequests { .. } => "Slow down a little",
            Self::BadRequest(_) => "This request makes no sense",
            Self::Failed { .. } => "Something went wrong here",
            Self::Unavailable => "Back in a moment",
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::NotFound => "The address may be mistyped, or what was here may be gone. Ask \
                               for access if a colleague sees it and you do not."
                .to_owned(),
            Self::Forbidden => "Your account may not open this page. If it should, ask an \
                                administrator of this installation."
                .to_owned(),
            Self::SignUpClosed => {
                "Ask whoever runs this installation for an account, or a member of \
                                   your organization for an invitation."
                    .to_owned()
            }
            Self::FirstRunInvalid => "The link for the first account is in the log of the server. \
                                      Copy it whole; it works for 15 days, and each start of the \
                                      server prints a new one."
                .to_owned(),
            Self::StaleForm => "Nothing was changed. Go back, load the page anew and send it \
                                again; cookies must be allowed."
                .to_owned(),
            Self::TooManyRequests { retry_after } => {
                let wait = chrono::TimeDelta::seconds(i64::try_from(*retry_after).unwrap_or(60));
                let wait = crate::parts::duration(wait);
                format!("There were too many attempts. Try again in {wait}.")
            }
            Self::BadRequest(why) => why.clone(),
            Self::Failed { .. } => "The fault is ours and is written down. Trying again may \
                                    help."
                .to_owned(),
            Self::Unavailable => "The database cannot be reached. Events are kept meanwhile; \
                                  nothing is lost. Try again soon."
                .to_owned(),
        }
    }
}

impl Page for ErrorPage {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            p { bdi { (self.advice()) } }
            @if let Self::Failed { reference: Some(reference) } = self {
                p.help { "For your administrator: " code { (reference) } }
            }
            a.button href=(shell.site.url(paths::HOME)) { "Go to the start" }
        };
        let more = shell.person.is_none().then(|| {
            html! { p { (text_link(&shell.site, paths::SIGN_IN, "Sign in")) } }
        });
        shell.document(&Document { more, ..narrow(self.title(), None, content) })
    }

    fn samples() -> Vec<Sample<Self>> {
        vec![
            Sample { name: "not-found", page: Self::NotFound },
            Sample { name: "forbidden", page: Self::Forbidden },
            Sample { name: "sign-up-closed", page: Self::SignUpClosed },
            Sample { name: "first-run-invalid", page: Self::FirstRunInvalid },
            Sample { name: "stale-form", page: Self::StaleForm },
            Sample { name: "too-many", page: Self::TooManyRequests { retry_after: 300 } },
            Sample {
                name: "failed",
                page: Self::Failed {
                    reference: Some("5f0c2b1e9d7a4c3f8e6b1a2d3c4e5f60".to_owned()),
                },
            },
            Sample { name: "unavailable", page: Self::Unavailable },
            Sample { name: "hostile", page: Self::BadRequest(sample::MARKUP.to_owned()) },
        ]
    }
}
