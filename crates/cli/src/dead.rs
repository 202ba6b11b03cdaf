//! `mishap dead`: envelopes that could not be digested.

use std::fmt;

use chrono::{DateTime, Utc};
use mishap_core::id::DeadLetterId;
use mishap_core::outcome::Reason;
use mishap_core::tally::Tally;
use mishap_protocol::compression::inflate;
use mishap_protocol::envelope::{DataCategory, Envelope};
use mishap_storage::dead_letters::{self, DroppedLetter, Selection};
use serde::Serialize;

use crate::command::{DeadCommand, DeadSelection};
use crate::operator::Operator;
use crate::output::{Output, table};

/// Largest envelope that is opened to be counted, in bytes.
const MAX_ENVELOPE: usize = 64 << 20;

#[derive(Debug, Serialize)]
struct Letter {
    id: i64,
    project: i64,
    event_id: Option<String>,
    received: DateTime<Utc>,
    failed_at: DateTime<Utc>,
    bytes: i32,
    error: String,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Letters(Vec<Letter>);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no dead letters.");
        }
        let heading = ["id", "project", "event", "received", "bytes", "error"];
        let row = |letter: &Letter| {
            vec![
                letter.id.to_string(),
                letter.project.to_string(),
                letter.event_id.clone().unwrap_or_default(),
                letter.received.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                letter.bytes.to_string(),
                letter.error.clone(),
            ]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.0.iter().map(row))
            .collect();
        f.write_str(&table(&rows))
    }
}

#[derive(Debug, Serialize)]
struct Done {
    retried: Option<usize>,
    dropped: Option<usize>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(retried) = self.retried {
            write!(f, "{retried} dead letters will be digested again.")?;
        }
        self.dropped.iter().try_for_each(|dropped| write!(f, "Dropped {dropped} dead letters."))
    }
}

pub(crate) async fn run(command: DeadCommand, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    match command {
        DeadCommand::List { limit } => {
            let letters = dead_letters::list(&mut conn, limit.clamp(1, 10_000)).await?;
            let letter = |letter: dead_letters::DeadLetter| Letter {
                id: letter.id.0,
                project: letter.project_id.0,
                event_id: letter.event_id().map(|id| id.to_string()),
                received: letter.received,
                failed_at: letter.failed_at,
                bytes: letter.size,
                error: letter.error,
            };
            output.show(&Letters(letters.into_iter().map(letter).collect()))
        }
        DeadCommand::Retry(selection) => {
            let retried = dead_letters::retry(&mut conn, &selected(&selection)).await?;
            output.show(&Done { retried: Some(retried), dropped: None })
        }
        DeadCommand::Drop(selection) => {
            let dropped = dead_letters::drop(&mut conn, &selected(&selection), count_items).await?;
            output.show(&Done { retried: None, dropped: Some(dropped) })
        }
    }
}

fn selected(selection: &DeadSelection) -> Selection {
    match selection.all {
        true => Selection::All,
        false => Selection::Only(selection.ids.iter().copied().map(DeadLetterId).collect()),
    }
}

/// Counts the items of an envelope that is given up. What cannot be read counts as one.
fn count_items(letter: &DroppedLetter, tally: &mut Tally) {
    let codings = letter.coding.codings().unwrap_or_default();
    let (plain, _broken_off) = inflate(&codings, &letter.payload, MAX_ENVELOPE);
    let envelope = Envelope::read_beginning(&plain).unwrap_or_default();
    let mut counted = 0;
    for (place, item) in envelope.items.iter().enumerate() {
        let is_skipped = letter.skip.iter().any(|skip| usize::from(*skip) == place);
        if item.is_whole && !is_skipped {
            let category = item.header.item_type.category();
            tally.count(letter.project, letter.received, category, Reason::Poison, 1);
            counted += 1;
        }
    }
    if counted == 0 {
        tally.count(letter.project, letter.received, DataCategory::Default, Reason::Poison, 1);
    }
}
