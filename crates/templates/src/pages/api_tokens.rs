//! API tokens of one's account.

use maud::html;

use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{
    ActionForm, Badge, Cell, Choice, Column, EmptyState, Field, FieldKind, Form, Level, Problems,
    Row, Secret, Table, notice, secret_block,
};
use crate::shell::{Document, Layout, Shell};
use crate::{paths, sample};

/// API tokens of one's account.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiTokens {
    /// The token that was made just now; nobody sees it again.
    pub made: Option<Secret>,
    /// The tokens.
    pub tokens: Table,
    /// What another one is to be.
    pub form: Form,
}

impl Page for ApiTokens {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            @if let Some(made) = &self.made {
                (notice(Level::Ok, &html! {
                    "The token is made. Copy it now: only its hash is kept, and it is not shown again."
                }))
                (secret_block("token", made.reveal()))
            }
            (self.tokens.show(shell))
            section.section {
                header {
                    h2 { "New token" }
                    p { "A program with it may do what you may, within its scopes." }
                }
                div.panel { div.pad { (self.form.show(shell)) } }
            }
        };
        let lead = html! {
            "They are sent as " code { "Authorization: Bearer …" } ". "
            a href=(Link::within(paths::API_REFERENCE).href(&shell.site)) { "What the API can do" }
        };
        shell.document(&Document {
            lead: Some(lead),
            has_problem: self.form.fields.iter().any(|field| field.problem.is_some()),
            ..Document::new("API tokens", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let delete = |label: &str| {
            let action = ActionForm { object: Some(label.to_owned()), ..delete_form(7) };
            Cell::Action(action)
        };
        let row = |label: &str, is_over: bool| Row {
            link: None,
            cells: vec![
                Cell::text(label),
                Cell::Code("5e6f7a8b".to_owned()),
                Cell::text("project:read, event:read"),
                match is_over {
                    true => Cell::Badge(Badge::new(Level::Neutral, "Ended")),
                    false => Cell::text("Never"),
                },
                Cell::Ago(sample::minutes_ago(400)),
                delete(label),
            ],
        };
        let page = |made, rows| Self { made, tokens: table(rows), form: form(&Problems::none()) };
        let secret = Secret::new("0123456789abcdef".repeat(4));
        vec![
            Sample { name: "empty", page: page(None, Vec::new()) },
            Sample {
                name: "typical",
                page: page(Some(secret), vec![row("Deployments", false), row("", true)]),
            },
            Sample {
                name: "refused",
                page: Self {
                    form: form(&Problems::none().with("scope", "Choose one at least.")),
                    ..page(None, vec![row("Deployments", false)])
                },
            },
            Sample { name: "hostile", page: page(None, vec![row(sample::MARKUP, false)]) },
            Sample { name: "long", page: page(None, vec![row(sample::LONG, false)]) },
        ]
    }
}

fn delete_form(token: i64) -> ActionForm {
    ActionForm {
        hidden: vec![("token".to_owned(), token.to_string())],
        ..ActionForm::new("Delete", paths::API_TOKENS_DELETE)
    }
}

fn table(rows: Vec<Row>) -> Table {
    Table {
        caption: "Your API tokens".to_owned(),
        columns: Column::of(&["Label", "Ends with", "Scopes", "Expires", "Last used", "Delete"]),
        rows,
        empty: EmptyState {
            title: "No tokens yet".to_owned(),
            next: "Make one for each program, so that you can take one back alone.".to_owned(),
            action: None,
        },
    }
}

fn form(problems: &Problems) -> Form {
    let scopes = ["project:read", "project:write", "event:read", "org:read"];
    let scopes = scopes.map(|name| Choice::new(name, name)).to_vec();
    Form {
        id: "token",
        path: paths::API_TOKENS.to_owned(),
        problem: None,
        hidden: Vec::new(),
        fields: vec![
            Field::new("label", "Label", FieldKind::Text).help("What the token is for."),
            Field::new("scope", "Scopes", FieldKind::Checkboxes(scopes))
                .problem(problems.of("scope")),
        ],
        submit: "Create token".to_owned(),
        cancel: None,
    }
}
