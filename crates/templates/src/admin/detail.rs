//! One thing: its facts, what belongs to it, what can be done with it.

use maud::{Markup, html};

use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{
    ActionForm, Badge, ButtonKind, Cell, Column, Danger, DangerZone, EmptyState, Fact, Form, Level,
    LinkButton, Pager, Row, Table, facts, number, secret_block,
};
use crate::sample::{self, minutes_ago};
use crate::shell::{Crumb, Document, Layout, Shell};

/// A page beside this one about the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its name.
    pub label: String,
    /// Where it is.
    pub link: Link,
    /// How many things are on it.
    pub count: Option<u64>,
    /// Whether it is this one.
    pub is_current: bool,
}

/// A part of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// A sentence about it.
    pub explanation: Option<String>,
    /// What can be done with it.
    pub actions: Vec<ActionForm>,
    /// What can be done with it by going somewhere.
    pub links: Vec<LinkButton>,
    /// What it says.
    pub body: SectionBody,
}

/// What a part of the page says.
#[derive(Debug, Clone, PartialEq)]
pub enum SectionBody {
    /// Values with their names.
    Facts(Vec<Fact>),
    /// What belongs to the thing.
    Table(Table),
    /// A text to copy: its name on the page, and itself.
    Copy(&'static str, String),
    /// A form.
    Form(Form),
}

/// One thing.
#[derive(Debug, Clone, PartialEq)]
pub struct DetailPage {
    /// What it is called.
    pub title: String,
    /// What kind of thing it is.
    pub lead: Option<String>,
    /// How it is.
    pub badges: Vec<Badge>,
    /// The pages above.
    pub parents: Vec<Crumb>,
    /// What can be done with it by going somewhere.
    pub links: Vec<LinkButton>,
    /// What can be done with it at once.
    pub actions: Vec<ActionForm>,
    /// The pages beside.
    pub tabs: Vec<Tab>,
    /// The parts.
    pub sections: Vec<Section>,
    /// The way through the last part, if that is a long list.
    pub pager: Pager,
    /// What cannot be undone.
    pub dangers: DangerZone,
}

fn tabs(tabs: &[Tab], shell: &Shell) -> Markup {
    html! {
        nav.tabs aria-label="About this" {
            ul {
                @for tab in tabs {
                    li {
                        a href=(tab.link.href(&shell.site))
                            aria-current=[tab.is_current.then_some("page")] {
                            (tab.label)
                            @if let Some(count) = tab.count { span.count { (number(count)) } }
                        }
                    }
                }
            }
        }
    }
}

impl Section {
    fn show(&self, shell: &Shell) -> Markup {
        html! {
            section.section {
                header {
                    div {
                        h2 { bdi { (self.title) } }
                        @if !(self.actions.is_empty() && self.links.is_empty()) {
                            div.buttons {
                                @for action in &self.actions { (action.show(shell, "small")) }
                                @for link in &self.links { (link.show_small(&shell.site)) }
                            }
                        }
                    }
                    @if let Some(explanation) = &self.explanation { p { (explanation) } }
                }
                @match &self.body {
                    SectionBody::Facts(values) => (facts(values, shell)),
                    SectionBody::Table(table) => (table.show(shell)),
                    SectionBody::Copy(id, text) => (secret_block(id, text)),
                    SectionBody::Form(form) => {
                        div.panel { div.pad { (form.show(shell)) } }
                    }
                }
            }
        }
    }

    fn has_problem(&self) -> bool {
        matches!(&self.body, SectionBody::Form(form) if form.has_problem())
    }
}

impl Page for DetailPage {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            @if !self.tabs.is_empty() { (tabs(&self.tabs, shell)) }
            @for section in &self.sections { (section.show(shell)) }
            (self.pager.show(&shell.site))
            (self.dangers.show(shell))
        };
        let actions = html! {
            @for action in &self.actions { (action.show(shell, "")) }
            @for link in &self.links { (link.show(&shell.site)) }
        };
        let has_actions = !(self.actions.is_empty() && self.links.is_empty());
        let is_wrong = self.dangers.actions.iter().any(|danger| danger.problem.is_some());
        shell.document(&Document {
            has_problem: is_wrong || self.sections.iter().any(Section::has_problem),
            parents: &self.parents,
            beside: Some(html! { @for badge in &self.badges { (badge.show()) } }),
            lead: self.lead.as_ref().map(|lead| html! { bdi { (lead) } }),
            actions: has_actions.then_some(actions),
            ..Document::new(&self.title, Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let bare = Self {
            title: "ada@example.com".to_owned(),
            lead: None,
            badges: Vec::new(),
            parents: Vec::new(),
            links: Vec::new(),
            actions: Vec::new(),
            tabs: Vec::new(),
            sections: Vec::new(),
            pager: Pager::default(),
            dangers: DangerZone { actions: Vec::new() },
        };
        vec![
            Sample { name: "empty", page: bare },
            Sample { name: "typical", page: organization("Example Shop", "example-shop", None) },
            Sample {
                name: "hostile",
                page: organization(
                    sample::MARKUP,
                    sample::RIGHT_TO_LEFT,
                    Some(format!("This is not {}.", sample::MARKUP)),
                ),
            },
            Sample { name: "long", page: organization(sample::LONG, sample::LONG, None) },
        ]
    }
}

fn organization(name: &str, slug: &str, problem: Option<String>) -> DetailPage {
    let tab = |label: &str, count, is_current| Tab {
        label: label.to_owned(),
        link: Link::within(format!("/admin/organizations/7/?tab={label}")),
        count,
        is_current,
    };
    let key = |label: &str, is_active| Row {
        link: Some(Link::within("/admin/keys/3/")),
        cells: vec![
            Cell::text(label),
            Cell::Code("0123456789abcdef0123456789abcdef".to_owned()),
            Cell::Badge(if is_active {
                Badge::new(Level::Ok, "Active")
            } else {
                Badge::new(Level::Neutral, "Disabled")
            }),
            if is_active { Cell::Number(60_000) } else { Cell::Missing },
            Cell::Ago(minutes_ago(3)),
        ],
    };
    DetailPage {
        title: name.to_owned(),
        lead: Some(format!("Organization {slug}")),
        badges: vec![
            Badge::new(Level::Ok, "Accepting events"),
            Badge::new(Level::Warning, "Over its quota"),
        ],
        parents: vec![Crumb {
            label: "Organizations".to_owned(),
            link: Link::within("/admin/organizations/"),
        }],
        links: vec![LinkButton {
            label: "Edit".to_owned(),
            link: Link::within("/admin/organizations/7/edit"),
            kind: ButtonKind::Primary,
        }],
        actions: vec![ActionForm::new("Stop accepting events", "/admin/organizations/7/stop")],
        tabs: vec![
            tab("Overview", None, true),
            tab("Members", Some(24), false),
            tab("Projects", Some(1_204), false),
            tab("Audit", None, false),
        ],
        sections: vec![
            Section {
                title: "Facts".to_owned(),
                explanation: None,
                actions: Vec::new(),
                links: Vec::new(),
                body: SectionBody::Facts(vec![
                    Fact::new("Name", Cell::text(name)),
                    Fact::new("Slug", Cell::Code(slug.to_owned())),
                    Fact::new("Since", Cell::Moment(minutes_ago(600_000))),
                    Fact::new("Open membership", Cell::Flag(true)),
                    Fact::new("Scrubs addresses", Cell::Flag(false)),
                    Fact::new("Events, 30 days", Cell::Number(18_230_417)),
                    Fact::new("Stored", Cell::Bytes(73_400_320_000)),
                    Fact::new("Plan", Cell::Missing),
                ]),
            },
            Section {
                title: "Keys".to_owned(),
                explanation: Some("What the projects' SDKs send with.".to_owned()),
                actions: vec![ActionForm::new("Turn all off", "/admin/organizations/7/off")],
                links: vec![LinkButton {
                    label: "New key".to_owned(),
                    link: Link::within("/admin/organizations/7/keys"),
                    kind: ButtonKind::Plain,
                }],
                body: SectionBody::Table(Table {
                    caption: "Keys".to_owned(),
                    columns: Column::of(&["Label", "Public key", "State", "Limit an hour", "Used"]),
                    rows: vec![key("Default", true), key(name, false)],
                    empty: no_keys(),
                }),
            },
            Section {
                title: "Alerts".to_owned(),
                explanation: None,
                actions: Vec::new(),
                links: Vec::new(),
                body: SectionBody::Table(Table {
                    caption: "Alerts".to_owned(),
                    columns: Column::of(&["Alert"]),
                    rows: Vec::new(),
                    empty: no_keys(),
                }),
            },
            Section {
                title: "DSN".to_owned(),
                explanation: Some("What an SDK is told.".to_owned()),
                actions: Vec::new(),
                links: Vec::new(),
                body: SectionBody::Copy(
                    "dsn",
                    "https://0123456789abcdef0123456789abcdef@errors.example.com/7".to_owned(),
                ),
            },
        ],
        pager: Pager {
            summary: "50 keys on this page".to_owned(),
            previous: None,
            next: Some(Link::within("/admin/organizations/7/?cursor=x")),
        },
        dangers: DangerZone {
            actions: vec![
                Danger {
                    id: "reset",
                    title: "Sign everybody out".to_owned(),
                    explanation: "All members have to sign in again.".to_owned(),
                    submit: "Sign out".to_owned(),
                    path: "/admin/organizations/7/sign-out".to_owned(),
                    phrase: None,
                    problem: None,
                },
                Danger {
                    id: "delete",
                    title: "Delete this organization".to_owned(),
                    explanation: "With 1,204 projects and all their events. There is no way back."
                        .to_owned(),
                    submit: "Delete".to_owned(),
                    path: "/admin/organizations/7/delete".to_owned(),
                    phrase: Some(slug.to_owned()),
                    problem,
                },
            ],
        },
    }
}

fn no_keys() -> EmptyState {
    EmptyState {
        title: "No alerts yet".to_owned(),
        next: "An alert tells people when a project has too many errors. Projects make their own."
            .to_owned(),
        action: None,
    }
}
