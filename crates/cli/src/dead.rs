//! `mishap dead`: envelopes that could not be digested.

use std::fmt;

use chrono::{DateTime, Utc};
use mishap_core::audit::Action;
use mishap_core::id::DeadLetterId;
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::dead_letters::{self, DroppedLetter, Selection};
use mishap_storage::{Conn, Result, transaction};
use serde::Serialize;
use serde_json::json;

use crate::command::{DeadCommand, DeadSelection};
use crate::operator::Operator;
use crate::output::{Output, table};

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
            let selection = selected(&selection);
            let retried = transaction(&mut conn, async |conn: &mut Conn| {
                let retried = dead_letters::retry(conn, &selection).await?;
                note(conn, Action::DeadLetterRetry, retried).await?;
                Ok(retried)
            })
            .await?;
            output.show(&Done { retried: Some(retried), dropped: None })
        }
        DeadCommand::Drop(selection) => {
            let selection = selected(&selection);
            let dropped = transaction(&mut conn, async |conn: &mut Conn| {
                let dropped = dead_letters::drop(conn, &selection, DroppedLetter::count).await?;
                note(conn, Action::DeadLetterDrop, dropped).await?;
                Ok(dropped)
            })
            .await?;
            output.show(&Done { retried: None, dropped: Some(dropped) })
        }
    }
}

async fn note(conn: &mut Conn, action: Action, letters: usize) -> Result<()> {
    if letters == 0 {
        return Ok(());
    }
    let target = Target {
        kind: "dead_letter",
        id: "some".to_owned(),
        label: "dead letters".to_owned(),
        organization: None,
    };
    let details = json!({ "letters": letters });
    audit::record(conn, &Actor::operator(), action, &target, &details).await
}

fn selected(selection: &DeadSelection) -> Selection {
    match selection.all {
        true => Selection::All,
        false => Selection::Only(selection.ids.iter().copied().map(DeadLetterId).collect()),
    }
}
