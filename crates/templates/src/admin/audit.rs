//! Who did what.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::Search;
use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{
    ActionForm, Choice, EmptyState, Field, FieldKind, Pager, relative, search_form,
};
use crate::sample::{self, minutes_ago};
use crate::shell::{Document, Layout, Shell};

/// Who did what, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// How entries are looked for.
    pub search: Option<Search>,
    /// Ways to take a copy of what is found.
    pub exports: Vec<ActionForm>,
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// The way through them.
    pub pager: Pager,
}

/// Somebody did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who: an address, a token's label, or a process.
    pub actor: String,
    /// Where they were.
    pub address: Option<String>,
    /// What they did, as a machine says it (`member.role_changed`).
    pub action: String,
    /// What they did it to.
    pub object: String,
    /// Where that is, if it still is.
    pub link: Option<Link>,
    /// What is different.
    pub changes: Vec<Change>,
}

/// One thing is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub field: String,
    /// How it was.
    pub before: Option<String>,
    /// How it is.
    pub after: Option<String>,
}

impl Change {
    fn show(&self) -> Markup {
        html! {
            li.change {
                bdi { (self.field) } ": "
                @if let Some(before) = &self.before {
                    del { bdi { (before) } }
                    " " span aria-hidden="true" { "→" } span.unseen { "became" } " "
                }
                @if let Some(after) = &self.after { ins { bdi { (after) } } } @else { "nothing" }
            }
        }
    }
}

impl AuditEntry {
    fn show(&self, shell: &Shell) -> Markup {
        html! {
            tr {
                td.fit { (relative(shell.now, self.at)) }
                td {
                    bdi { (self.actor) }
                    @if let Some(address) = &self.address { p.help { bdi { (address) } } }
                }
                th scope="row" { code { (self.action) } }
                td {
                    @if let Some(link) = &self.link {
                        a href=(link.href(&shell.site)) { bdi { (self.object) } }
                    } @else {
                        bdi { (self.object) }
                    }
                    @if !self.changes.is_empty() {
                        ul { @for change in &self.changes { (change.show()) } }
                    }
                }
            }
        }
    }
}

impl Page for AuditPage {
    fn render(&self, shell: &Shell) -> String {
        let empty = EmptyState {
            title: "Nothing was done".to_owned(),
            next: "What people and tokens change is written down here. If you are looking for \
                   something, take a filter away."
                .to_owned(),
            action: None,
        };
        let content = html! {
            @if let Some(Search { path, query, filters }) = &self.search {
                (search_form(&shell.site, path, query.as_ref(), filters))
            }
            div.panel {
                @if self.entries.is_empty() {
                    (empty.show(&shell.site))
                } @else {
                    div.scroll role="region" aria-label="Audit log" tabindex="0" {
                        table.top {
                            caption.unseen { "Audit log" }
                            thead {
                                tr {
                                    th scope="col" { "When" }
                                    th scope="col" { "Who" }
                                    th scope="col" { "Did" }
                                    th scope="col" { "To" }
                                }
                            }
                            tbody { @for entry in &self.entries { (entry.show(shell)) } }
                        }
                    }
                }
            }
            (self.pager.show(&shell.site))
        };
        let exports = html! { @for export in &self.exports { (export.show(shell, "")) } };
        shell.document(&Document {
            actions: (!self.exports.is_empty()).then_some(exports),
            ..Document::new("Audit log", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let kinds = vec![Choice::new("", "Anything"), Choice::new("member", "Members")];
        let search = Search {
            path: "/admin/audit/".to_owned(),
            query: Some(Field::new("query", "Search", FieldKind::Text)),
            filters: vec![Field::new("kind", "About", FieldKind::Select(kinds))],
        };
        let empty = Self {
            search: Some(search.clone()),
            exports: Vec::new(),
            entries: Vec::new(),
            pager: Pager::default(),
        };
        let export = ActionForm {
            hidden: vec![("query".to_owned(), sample::MARKUP.to_owned())],
            ..ActionForm::new("Export as CSV", "/admin/audit/export")
        };
        let pager = Pager {
            summary: "Newest first".to_owned(),
            previous: None,
            next: Some(Link::within("/admin/audit/?cursor=x")),
        };
        let exports = vec![export];
        let page = |entries| Self {
            entries,
            pager: pager.clone(),
            exports: exports.clone(),
            ..empty.clone()
        };
        vec![
            Sample { name: "empty", page: empty.clone() },
            Sample {
                name: "typical",
                page: page(vec![
                    entry("ada@example.com", "grace@example.com", "member", "admin"),
                    AuditEntry {
                        actor: "beat".to_owned(),
                        address: None,
                        action: "partition.dropped".to_owned(),
                        object: "events_20260823".to_owned(),
                        link: None,
                        changes: Vec::new(),
                        at: minutes_ago(600),
                    },
                    entry("token “CI”", "checkout", "60", "600"),
                ]),
            },
            Sample {
                name: "hostile",
                page: page(vec![
                    entry(sample::MARKUP, sample::MARKUP, sample::MARKUP, sample::RIGHT_TO_LEFT),
                    entry(sample::LONG_ADDRESS, sample::LONG, sample::LONG, sample::LONG),
                ]),
            },
        ]
    }
}

fn entry(actor: &str, object: &str, before: &str, after: &str) -> AuditEntry {
    let change = |before: Option<&str>, after: Option<&str>| Change {
        field: "role".to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    AuditEntry {
        at: minutes_ago(42),
        actor: actor.to_owned(),
        address: Some("198.51.100.17".to_owned()),
        action: "member.role_changed".to_owned(),
        object: object.to_owned(),
        link: Some(Link::within("/admin/members/7/")),
        changes: vec![change(Some(before), Some(after)), change(None, Some(after))],
    }
}
