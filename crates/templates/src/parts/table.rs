//! Tables, lists of facts, and the way through long lists.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::figures::moment;
use super::{ActionForm, Badge, EmptyState, Glyph, Level, bytes, number, relative};
use crate::link::Link;
use crate::shell::{Shell, Site};

/// A value, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing is there.
    Missing,
    /// A text.
    Text(String),
    /// A text for machines: an id, a name of a variable.
    Code(String),
    /// A text that leads somewhere.
    Link(String, Link),
    /// Several texts that lead somewhere.
    Links(Vec<(String, Link)>),
    /// A number of things.
    Number(u64),
    /// A size in bytes.
    Bytes(u64),
    /// A size in bytes, and its part of the largest, in per cent.
    Share(u64, u8),
    /// How long ago.
    Ago(DateTime<Utc>),
    /// A moment.
    Moment(DateTime<Utc>),
    /// A word with a level.
    Badge(Badge),
    /// Yes or no.
    Flag(bool),
    /// What can be done with the row at once.
    Action(ActionForm),
}

impl Cell {
    /// A text, or nothing.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Missing } else { Self::Text(text) }
    }

    /// Whether columns of it end at one line.
    fn is_figure(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Bytes(_) | Self::Share(..))
    }

    pub(crate) fn show(&self, shell: &Shell) -> Markup {
        match self {
            Self::Missing => html! { span.missing { "–" span.unseen { " none" } } },
            Self::Text(text) => html! { bdi { (text) } },
            Self::Code(text) => html! { code { bdi { (text) } } },
            Self::Link(text, link) => {
                html! { a href=(link.href(&shell.site)) { bdi { (text) } } }
            }
            Self::Links(links) if links.is_empty() => Self::Missing.show(shell),
            Self::Links(links) => html! {
                span.links {
                    @for (place, (text, link)) in links.iter().enumerate() {
                        @if place > 0 { ", " }
                        a href=(link.href(&shell.site)) { bdi { (text) } }
                    }
                }
            },
            Self::Number(count) => html! { (number(*count)) },
            Self::Bytes(size) => html! { (bytes(*size)) },
            Self::Share(size, percent) => html! {
                (bytes(*size)) " "
                svg.bar-of viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
                    rect width=(percent) height="6" {}
                }
            },
            Self::Ago(then) => relative(shell.now, *then),
            Self::Moment(then) => moment(*then),
            Self::Badge(badge) => badge.show(),
            Self::Flag(true) => html! { span.badge.ok { (Level::Ok.glyph().show()) "Yes" } },
            Self::Flag(false) => html! { span.missing { "No" } },
            Self::Action(action) => action.show(shell, "small"),
        }
    }
}

/// A column's heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its words.
    pub title: String,
}

impl Column {
    /// Several columns.
    pub fn of(titles: &[&str]) -> Vec<Self> {
        titles.iter().map(|title| Self { title: (*title).to_owned() }).collect()
    }
}

/// A row; the first cell says what it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where the first cell leads.
    pub link: Option<Link>,
    /// The cells, as many as there are columns.
    pub cells: Vec<Cell>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is about, for those who cannot see where it stands.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// What stands there without rows.
    pub empty: EmptyState,
}

impl Table {
    /// Figures stand under each other by their ends.
    fn is_of_figures(&self, column: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.cells.get(column));
        let mut known = cells.by_ref().filter(|cell| **cell != Cell::Missing).peekable();
        known.peek().is_some() && known.all(Cell::is_figure)
    }

    fn row(&self, row: &Row, shell: &Shell, ends: &[bool]) -> Markup {
        let class = |place: usize| ends.get(place).copied().unwrap_or_default().then_some("end");
        html! {
            tr {
                @for (place, cell) in row.cells.iter().enumerate() {
                    @if place == 0 {
                        th scope="row" class=[class(place)] {
                            @if let Some(link) = &row.link {
                                a href=(link.href(&shell.site)) { (cell.show(shell)) }
                            } @else {
                                (cell.show(shell))
                            }
                        }
                    } @else {
                        td class=[class(place)] { (cell.show(shell)) }
                    }
                }
            }
        }
    }

    pub(crate) fn show(&self, shell: &Shell) -> Markup {
        let ends: Vec<bool> =
            (0..self.columns.len()).map(|column| self.is_of_figures(column)).collect();
        html! {
            div.panel {
                @if self.rows.is_empty() {
                    (self.empty.show(&shell.site))
                } @else {
                    div.scroll role="region" aria-label=(self.caption) tabindex="0" {
                        table {
                            caption.unseen { (self.caption) }
                            thead {
                                tr {
                                    @for (column, end) in self.columns.iter().zip(&ends) {
                                        th scope="col" class=[end.then_some("end")] {
                                            (column.title)
                                        }
                                    }
                                }
                            }
                            tbody {
                                @for row in &self.rows { (self.row(row, shell, &ends)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A value with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The name.
    pub label: String,
    /// The value.
    pub value: Cell,
}

impl Fact {
    /// A value with its name.
    pub fn new(label: impl Into<String>, value: Cell) -> Self {
        Self { label: label.into(), value }
    }
}

/// Values with their names.
pub(crate) fn facts(facts: &[Fact], shell: &Shell) -> Markup {
    html! {
        dl.panel.facts {
            @for fact in facts {
                div { dt { (fact.label) } dd { (fact.value.show(shell)) } }
            }
        }
    }
}

/// The way through a long list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager {
    /// How much of what is shown (`51–100 of 1,204`).
    pub summary: String,
    /// Where the page before is.
    pub previous: Option<Link>,
    /// Where the page after is.
    pub next: Option<Link>,
}

impl Pager {
    pub(crate) fn show(&self, site: &Site) -> Markup {
        let is_short = self.previous.is_none() && self.next.is_none();
        html! {
            @if !is_short || !self.summary.is_empty() {
                nav.pager aria-label="Pages" {
                    p { (self.summary) }
                    @if !is_short {
                        ul {
                            li { (step(site, self.previous.as_ref(), "prev", &html! {
                                (Glyph::Previous.show()) "Previous"
                            })) }
                            li { (step(site, self.next.as_ref(), "next", &html! {
                                "Next" (Glyph::Next.show())
                            })) }
                        }
                    }
                }
            }
        }
    }
}

/// A step that can be taken, or its place.
fn step(site: &Site, link: Option<&Link>, rel: &str, content: &Markup) -> Markup {
    html! {
        @if let Some(link) = link {
            a.button href=(link.href(site)) rel=(rel) { (content) }
        } @else {
            span.button.off { (content) }
        }
    }
}
