//! Who may call what, for people who run the installation.

use maud::html;

use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{Cell, Column, EmptyState, Row, Table};
use crate::shell::{Crumb, Document, Layout, Shell};
use crate::{paths, sample};

/// Who may call what.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiPermissions {
    /// Tables with their titles.
    pub tables: Vec<(String, Table)>,
}

impl Page for ApiPermissions {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            @for (title, table) in &self.tables {
                section.section {
                    header { h2 { bdi { (title) } } }
                    (table.show(shell))
                }
            }
        };
        let lead = "A request is checked from left to right: who asks, what the token may do, and \
                    what its owner is in the organization.";
        let reference = Link::within(paths::API_REFERENCE);
        shell.document(&Document {
            parents: &[Crumb { label: "API".to_owned(), link: reference }],
            lead: Some(html! { (lead) }),
            ..Document::new("Permissions", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let page = |title: &str, name: &str| Self {
            tables: vec![(
                title.to_owned(),
                Table {
                    caption: format!("Who may call what below {title}"),
                    columns: Column::of(&["Endpoint", "Who"]),
                    rows: vec![Row {
                        link: None,
                        cells: vec![Cell::Code(name.to_owned()), Cell::text("Anybody")],
                    }],
                    empty: EmptyState {
                        title: "Nothing is here".to_owned(),
                        next: "No endpoint is served.".to_owned(),
                        action: None,
                    },
                },
            )],
        };
        vec![
            Sample { name: "typical", page: page("Below /api/0", "GET /api/0/") },
            Sample { name: "hostile", page: page(sample::MARKUP, sample::MARKUP) },
            Sample { name: "long", page: page(sample::LONG, sample::LONG) },
        ]
    }
}
