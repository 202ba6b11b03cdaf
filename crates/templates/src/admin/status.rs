//! How the installation is.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use crate::gallery::{Page, Sample};
use crate::link::Link;
use crate::parts::{
    Badge, Cell, Column, EmptyState, Fact, Level, Row, Table, duration, facts, number, relative,
};
use crate::sample::{self, minutes_ago};
use crate::shell::{Document, Layout, Shell};

/// How the installation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPage {
    /// What was looked at, worst first.
    pub health: Vec<Health>,
    /// What waits to be digested.
    pub backlog: Backlog,
    /// What could not be digested.
    pub dead_letters: u64,
    /// Where those are.
    pub dead_letters_link: Link,
    /// What waits to be done.
    pub queues: Vec<JobQueue>,
    /// What was said to the world.
    pub deliveries: Vec<DeliveryChannel>,
    /// The largest tables, largest first.
    pub tables: Vec<TableSize>,
    /// What is kept by the day or month.
    pub partitions: Vec<PartitionedTable>,
    /// PostgreSQL, Redis and what else has a version.
    pub versions: Vec<(String, String)>,
}

/// Something was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// What.
    pub name: String,
    /// How it is.
    pub level: Level,
    /// How it is, in words.
    pub text: String,
}

/// What waits to be digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many envelopes.
    pub waiting: u64,
    /// How long the oldest has waited.
    pub oldest: Option<TimeDelta>,
    /// Events taken in the last minute.
    pub accepted_per_minute: u64,
    /// Items refused in the last minute.
    pub refused_per_minute: u64,
}

/// Jobs of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobQueue {
    /// The kind.
    pub name: String,
    /// How many wait.
    pub waiting: u64,
    /// How many run.
    pub running: u64,
    /// How many were given up.
    pub failed: u64,
    /// When one was last due by the schedule.
    pub last_due: Option<DateTime<Utc>>,
}

/// One way of telling people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryChannel {
    /// The way.
    pub name: String,
    /// How many wait, those included that are tried again.
    pub waiting: u64,
    /// How many of those have failed before.
    pub failing: u64,
    /// How many were given up.
    pub failed: u64,
    /// Why the last one that failed did.
    pub last_problem: Option<String>,
}

/// How large a table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// Rows, as the database guesses.
    pub rows: u64,
    /// Bytes without indexes.
    pub bytes: u64,
    /// Bytes of its indexes.
    pub index_bytes: u64,
}

/// A table in partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionedTable {
    /// Its name.
    pub name: String,
    /// How many partitions there are.
    pub partitions: u64,
    /// The oldest one's name.
    pub oldest: String,
    /// The newest one's name.
    pub newest: String,
    /// Until when there are partitions.
    pub until: DateTime<Utc>,
}

fn text_table(caption: &str, columns: &[&str], rows: Vec<Vec<Cell>>, empty: &str) -> Table {
    Table {
        caption: caption.to_owned(),
        columns: Column::of(columns),
        rows: rows.into_iter().map(|cells| Row { link: None, cells }).collect(),
        empty: EmptyState {
            title: "Nothing to show".to_owned(),
            next: empty.to_owned(),
            action: None,
        },
    }
}

fn part(title: &str, content: &Markup) -> Markup {
    html! { section.section { header { h2 { (title) } } (content) } }
}

/// A part of the whole in per cent.
fn percent(part: u64, whole: u64) -> u8 {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    u8::try_from(percent.min(100)).unwrap_or(100)
}

impl StatusPage {
    fn health(&self) -> Markup {
        html! {
            ul.panel.list {
                @for one in &self.health {
                    li {
                        div { p.title { (one.name) } p { bdi { (one.text) } } }
                        (Badge::new(one.level, word(one.level)).show())
                    }
                }
            }
        }
    }

    fn tiles(&self, shell: &Shell) -> Markup {
        let oldest = self.backlog.oldest.map_or_else(
            || "none".to_owned(),
            |age| if age.num_seconds() < 1 { "under a second".to_owned() } else { duration(age) },
        );
        html! {
            dl.tiles {
                div { dt { "Envelopes waiting" } dd { (number(self.backlog.waiting)) } }
                div { dt { "Oldest of them" } dd { (oldest) } }
                div { dt { "Events a minute" } dd { (number(self.backlog.accepted_per_minute)) } }
                div { dt { "Refused a minute" } dd { (number(self.backlog.refused_per_minute)) } }
                div {
                    dt { "Dead letters" }
                    dd {
                        a href=(self.dead_letters_link.href(&shell.site)) {
                            (number(self.dead_letters))
                        }
                    }
                }
            }
        }
    }

    fn queues(&self) -> Table {
        let rows = self.queues.iter().map(|queue| {
            vec![
                Cell::Code(queue.name.clone()),
                Cell::Number(queue.waiting),
                Cell::Number(queue.running),
                Cell::Number(queue.failed),
                queue.last_due.map_or(Cell::Missing, Cell::Ago),
            ]
        });
        let columns = ["Job", "Waiting", "Running", "Given up", "Last due"];
        text_table("Jobs", &columns, rows.collect(), "No job was ever asked for.")
    }

    fn deliveries(&self) -> Table {
        let rows = self.deliveries.iter().map(|channel| {
            vec![
                Cell::text(&channel.name),
                Cell::Number(channel.waiting),
                Cell::Number(channel.failing),
                Cell::Number(channel.failed),
                channel.last_problem.as_ref().map_or(Cell::Missing, Cell::text),
            ]
        });
        let columns = ["Channel", "Waiting", "Tried again", "Given up", "Last problem"];
        let empty = "Mails and web hooks are counted here once there are any.";
        text_table("Deliveries", &columns, rows.collect(), empty)
    }

    fn tables(&self) -> Table {
        let size = |table: &TableSize| table.bytes.saturating_add(table.index_bytes);
        let largest = self.tables.iter().map(size).max().unwrap_or_default();
        let rows = self.tables.iter().map(|table| {
            vec![
                Cell::Code(table.name.clone()),
                Cell::Number(table.rows),
                Cell::Bytes(table.bytes),
                Cell::Bytes(table.index_bytes),
                Cell::Share(size(table), percent(size(table), largest)),
            ]
        });
        let columns = ["Table", "Rows, about", "Data", "Indexes", "Together"];
        text_table("Tables by size", &columns, rows.collect(), "The tables were not measured yet.")
    }

    fn partitions(&self) -> Table {
        let rows = self.partitions.iter().map(|table| {
            vec![
                Cell::Code(table.name.clone()),
                Cell::Number(table.partitions),
                Cell::Code(table.oldest.clone()),
                Cell::Code(table.newest.clone()),
                Cell::Ago(table.until),
            ]
        });
        let columns = ["Table", "Partitions", "Oldest", "Newest", "Run out"];
        text_table("Partitions", &columns, rows.collect(), "There are no partitions yet.")
    }

    fn versions(&self) -> Vec<Fact> {
        let fact =
            |(name, version): &(String, String)| Fact::new(name, Cell::Code(version.clone()));
        self.versions.iter().map(fact).collect()
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Fatal => "Down",
        Level::Error => "Failing",
        Level::Warning => "Look here",
        Level::Info => "Note",
        Level::Ok => "Well",
        Level::Neutral => "Off",
    }
}

impl Page for StatusPage {
    fn render(&self, shell: &Shell) -> String {
        let content = html! {
            (self.tiles(shell))
            @if !self.health.is_empty() { (part("Health", &self.health())) }
            (part("Jobs", &self.queues().show(shell)))
            (part("Deliveries", &self.deliveries().show(shell)))
            (part("Tables", &self.tables().show(shell)))
            (part("Partitions", &self.partitions().show(shell)))
            @if !self.versions.is_empty() {
                (part("Versions", &facts(&self.versions(), shell)))
            }
        };
        let lead = html! { "As it was " (relative(shell.now, shell.now)) "." };
        shell.document(&Document {
            lead: Some(lead),
            ..Document::new("Status", Layout::Wide, content)
        })
    }

    fn samples() -> Vec<Sample<Self>> {
        vec![
            Sample { name: "empty", page: empty() },
            Sample { name: "typical", page: usual("The SMTP server refused us.") },
            Sample { name: "hostile", page: usual(sample::MARKUP) },
        ]
    }
}

fn empty() -> StatusPage {
    StatusPage {
        health: Vec::new(),
        backlog: Backlog {
            waiting: 0,
            oldest: None,
            accepted_per_minute: 0,
            refused_per_minute: 0,
        },
        dead_letters: 0,
        dead_letters_link: Link::within("/admin/dead-letters/"),
        queues: Vec::new(),
        deliveries: Vec::new(),
        tables: Vec::new(),
        partitions: Vec::new(),
        versions: Vec::new(),
    }
}

fn usual(problem: &str) -> StatusPage {
    let health = |name: &str, level, text: &str| Health {
        name: name.to_owned(),
        level,
        text: text.to_owned(),
    };
    let queue = |name: &str, waiting, failed| JobQueue {
        name: name.to_owned(),
        waiting,
        running: 1,
        failed,
        last_due: Some(minutes_ago(2)),
    };
    let table = |name: &str, rows, bytes, index_bytes| TableSize {
        name: name.to_owned(),
        rows,
        bytes,
        index_bytes,
    };
    StatusPage {
        health: vec![
            health("Mail", Level::Error, problem),
            health("Backlog", Level::Warning, "The oldest envelope has waited for 4 minutes."),
            health("PostgreSQL", Level::Ok, "Answers in 2 ms; 14 of 60 connections are used."),
            health("Redis", Level::Ok, "Answers in 1 ms."),
        ],
        backlog: Backlog {
            waiting: 18_204,
            oldest: Some(TimeDelta::seconds(252)),
            accepted_per_minute: 61_530,
            refused_per_minute: 12,
        },
        dead_letters: 3,
        queues: vec![queue("send-mail", 4, 2), queue("drop-partitions", 0, 0)],
        deliveries: vec![
            DeliveryChannel {
                name: "Mail".to_owned(),
                waiting: 412,
                failing: 40,
                failed: 3,
                last_problem: Some(problem.to_owned()),
            },
            DeliveryChannel {
                name: "Web hooks".to_owned(),
                waiting: 1_204,
                failing: 0,
                failed: 0,
                last_problem: None,
            },
        ],
        tables: vec![
            table("events", 48_204_112, 73_400_320_000, 9_100_000_000),
            table("issue_hours", 9_204_112, 1_400_320_000, 900_000_000),
            table("issues", 204_112, 140_320_000, 90_000_000),
        ],
        partitions: vec![PartitionedTable {
            name: "events".to_owned(),
            partitions: 97,
            oldest: "events_20260823".to_owned(),
            newest: "events_20261128".to_owned(),
            until: minutes_ago(-10_080),
        }],
        versions: vec![
            ("PostgreSQL".to_owned(), "17.6".to_owned()),
            ("Redis".to_owned(), "8.0.3".to_owned()),
        ],
        ..empty()
    }
}
