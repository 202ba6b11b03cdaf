//! Many things of a kind.

use maud::html;

use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{
    ActionForm, Badge, ButtonKind, Cell, Choice, Column, EmptyState, Field, FieldKind, Level,
    LinkButton, Pager, Row, Table, search_form,
};
use crate::sample::{self, minutes_ago};
use crate::shell::{Crumb, Document, Layout, Shell};

/// How things are looked for (GET).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The list's own path.
    pub path: String,
    /// The search box, if texts can be looked for.
    pub query: Option<Field>,
    /// Selects.
    pub filters: Vec<Field>,
}

/// Many things of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPage {
    /// What they are.
    pub title: String,
    /// A sentence about them.
    pub lead: Option<String>,
    /// The pages above.
    pub parents: Vec<Crumb>,
    /// What can be done with all at once.
    pub forms: Vec<ActionForm>,
    /// What can be done with all, most important last.
    pub actions: Vec<LinkButton>,
    /// How they are looked for.
    pub search: Option<Search>,
    /// The things.
    pub table: Table,
    /// The way through them.
    pub pager: Pager,
}

impl Page for ListPage {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            @if let Some(Search { path, query, filters }) = &self.search {
                (search_form(&shell.site, path, query.as_ref(), filters))
            }
            (self.table.show(shell))
            (self.pager.show(&shell.site))
        };
        let has_actions = !(self.forms.is_empty() && self.actions.is_empty());
        let actions = html! {
            @for form in &self.forms { (form.show(shell, "")) }
            @for action in &self.actions { (action.show(&shell.site)) }
        };
        shell.document(&Document {
            parents: &self.parents,
            lead: self.lead.as_ref().map(|lead| html! { (lead) }),
            actions: has_actions.then_some(actions),
            ..Document::new(&self.title, Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        let usual = users(&[
            ("ada@example.com", "Ada Lovelace", true, 12),
            ("grace@example.com", "Grace Hopper", true, 2_880),
            ("linus@example.org", "", false, 400_000),
        ]);
        let empty = Self {
            pager: Pager::default(),
            table: Table { rows: Vec::new(), ..usual.table.clone() },
            ..usual.clone()
        };
        let mut long = usual.clone();
        let rows = long.table.rows.clone();
        long.table.rows = rows.into_iter().cycle().take(25).collect();
        vec![
            Sample { name: "empty", page: empty },
            Sample { name: "typical", page: long },
            Sample {
                name: "hostile",
                page: users(&[
                    (sample::MARKUP, sample::MARKUP, true, -500),
                    (sample::LONG_ADDRESS, sample::LONG, false, 0),
                    (sample::RIGHT_TO_LEFT, sample::RIGHT_TO_LEFT, true, 1),
                ]),
            },
        ]
    }
}

/// A list of accounts.
fn users(rows: &[(&str, &str, bool, i64)]) -> ListPage {
    let row = |(place, (email, name, is_active, minutes)): (usize, &(&str, &str, bool, i64))| {
        let shop =
            |slug: &str| (slug.to_owned(), Link::within(format!("/admin/organizations/{slug}/")));
        let badge = if *is_active {
            Badge::new(Level::Ok, "Active")
        } else {
            Badge::new(Level::Neutral, "Blocked")
        };
        Row {
            link: Some(Link::within(format!("/admin/users/{place}/"))),
            cells: vec![
                Cell::text(*email),
                Cell::text(*name),
                Cell::Badge(badge),
                Cell::Links(vec![shop("example-shop"), shop("research")]),
                Cell::Flag(place == 0),
                Cell::Number(u64::try_from(place).unwrap_or_default() * 1_234),
                Cell::Ago(minutes_ago(*minutes)),
                Cell::Action(ActionForm {
                    object: Some((*email).to_owned()),
                    ..ActionForm::new("Reset", "/admin/users/reset")
                }),
            ],
        }
    };
    let button = |label: &str, path: &str, kind| LinkButton {
        label: label.to_owned(),
        link: Link::within(path),
        kind,
    };
    let select = |name: &str, label: &str, choices: &[(&str, &str)]| {
        let choices = choices.iter().map(|(value, label)| Choice::new(*value, *label)).collect();
        Field::new(name, label, FieldKind::Select(choices))
    };
    ListPage {
        title: "Users".to_owned(),
        lead: Some("Everybody who can sign in, in all organizations.".to_owned()),
        parents: Vec::new(),
        forms: vec![ActionForm::new("Sign everybody out", "/admin/users/sign-out")],
        actions: vec![
            button("Export CSV", "/admin/users.csv", ButtonKind::Plain),
            button("New user", "/admin/users/new", ButtonKind::Primary),
        ],
        search: Some(Search {
            path: "/admin/users/".to_owned(),
            query: Some(
                Field::new("query", "Search", FieldKind::Text)
                    .value(rows.first().map(|_| "example.com").unwrap_or_default()),
            ),
            filters: vec![
                select("state", "State", &[("", "Any"), ("active", "Active"), ("no", "Blocked")]),
                select("staff", "Administrator", &[("", "Any"), ("yes", "Yes"), ("no", "No")]),
            ],
        }),
        table: Table {
            caption: "Users".to_owned(),
            columns: Column::of(&[
                "E-mail address",
                "Name",
                "State",
                "Organizations",
                "Administrator",
                "Events, 30 days",
                "Last seen",
                "Password",
            ]),
            rows: rows.iter().enumerate().map(row).collect(),
            empty: EmptyState {
                title: "Nobody matches".to_owned(),
                next: "Look for a part of an address or a name, or take a filter away.".to_owned(),
                action: Some(button("Show all users", "/admin/users/", ButtonKind::Plain)),
            },
        },
        pager: Pager {
            summary: "26–50 of 1,204".to_owned(),
            previous: Some(Link::within("/admin/users/?page=1")),
            next: Some(Link::within("/admin/users/?page=3&query=a&b=\"")),
        },
    }
}
