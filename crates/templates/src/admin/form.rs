//! Makes a thing, or changes it.

use maud::html;

use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{Choice, Field, FieldKind, Form};
use crate::sample;
use crate::shell::{Crumb, Document, Layout, Shell};

/// Makes a thing, or changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormPage {
    /// What it does.
    pub title: String,
    /// A sentence about it.
    pub lead: Option<String>,
    /// The pages above.
    pub parents: Vec<Crumb>,
    /// The form.
    pub form: Form,
}

impl Page for FormPage {
    fn render(&self, shell: &Shell) -> String {
        shell.document(&Document {
            has_problem: self.form.has_problem(),
            parents: &self.parents,
            lead: self.lead.as_ref().map(|lead| html! { (lead) }),
            ..Document::new(&self.title, Layout::Wide, self.form.show(shell))
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        vec![
            Sample { name: "empty", page: token("", None) },
            Sample { name: "typical", page: token("Deployments", None) },
            Sample { name: "refused", page: token("Deployments", Some("There is one already.")) },
            Sample { name: "hostile", page: token(sample::MARKUP, Some(sample::MARKUP)) },
        ]
    }
}

fn token(label: &str, problem: Option<&str>) -> FormPage {
    let scopes = ["project:read", "project:write", "project:releases", "event:read", "org:read"];
    let scopes = scopes.iter().map(|scope| Choice::new(*scope, *scope).chosen(scope.len() == 10));
    let people = ["ada@example.com", "grace@example.com", label];
    let people = people.iter().map(|email| Choice::new(*email, *email).chosen(*email == label));
    let ends = vec![
        Choice::new("never", "Never").chosen(true),
        Choice::new("year", "After a year").help("Whoever uses it is told a week before."),
    ];
    FormPage {
        title: "New API token".to_owned(),
        lead: Some("The token is shown once, on the next page.".to_owned()),
        parents: vec![Crumb {
            label: "API tokens".to_owned(),
            link: Link::within("/admin/tokens/"),
        }],
        form: Form {
            id: "token",
            path: "/admin/tokens/".to_owned(),
            problem: problem.map(str::to_owned),
            hidden: vec![("from".to_owned(), label.to_owned())],
            fields: vec![
                Field::new("label", "Label", FieldKind::Text)
                    .value(label)
                    .help("What it is for.")
                    .problem(problem),
                Field::new("user", "User", FieldKind::Select(people.collect())),
                Field::new("scopes", "Scopes", FieldKind::Checkboxes(scopes.collect()))
                    .help("What the token may do.")
                    .problem(problem),
                Field::new("ends", "Ends", FieldKind::Radio(ends)),
                Field::new("limit", "Requests a minute", FieldKind::Number).optional(),
                Field::new("hook", "Web address", FieldKind::Url)
                    .value(problem.unwrap_or_default())
                    .problem(problem)
                    .optional(),
                Field::new("note", "Note", FieldKind::Lines(4))
                    .value(format!("\nFor {label}"))
                    .optional(),
                Field::new("active", "Active", FieldKind::Checkbox { is_checked: true })
                    .help("A token that is not active lets nobody in.")
                    .optional(),
                Field::new("id", "Number", FieldKind::ReadOnly).value("1204"),
            ],
            submit: "Create token".to_owned(),
            cancel: Some(Link::within("/admin/tokens/")),
        },
    }
}
