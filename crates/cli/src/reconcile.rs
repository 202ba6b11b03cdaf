//! `mishap reconcile`: whether as many events are stored as were counted.

use std::fmt;

use anyhow::bail;
use chrono::{DateTime, TimeDelta, Utc};
use mishap_storage::oversight;
use mishap_storage::reconciliation::{self, Difference, Hours};
use serde::Serialize;

use crate::command::ReconcileOptions;
use crate::operator::{Operator, expect_schema};
use crate::output::{Output, table, time};

/// Hours that are compared at once.
const STEP: TimeDelta = TimeDelta::days(1);

#[derive(Debug, Serialize)]
struct Reconciled {
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    differences: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    project: String,
    hour: DateTime<Utc>,
    stored: i64,
    counted: i64,
}

impl fmt::Display for Reconciled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (since, until) = (time(self.since), time(self.until));
        if self.differences.is_empty() {
            return write!(f, "Stored and counted events agree from {since} to {until}.");
        }
        let heading = ["hour", "project", "stored", "counted"];
        let row = |it: &Shown| {
            vec![time(it.hour), it.project.clone(), it.stored.to_string(), it.counted.to_string()]
        };
        let rows: Vec<_> = std::iter::once(heading.map(str::to_owned).to_vec())
            .chain(self.differences.iter().map(row))
            .collect();
        write!(f, "Compared from {since} to {until}:\n{}", table(&rows))
    }
}

pub(crate) async fn run(options: &ReconcileOptions, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    expect_schema(&mut conn).await?;
    let kept = operator.settings.retention_days;
    let days = options.days.unwrap_or(kept).min(kept);
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let Hours { since, until } = reconciliation::comparable(&mut conn, days).await?;
    let (mut differences, mut from) = (Vec::new(), since);
    while from < until {
        let hours = Hours { since: from, until: until.min(from + STEP) };
        differences.extend(reconciliation::differences(&mut conn, hours).await?);
        from = hours.until;
    }
    let projects: Vec<_> = differences.iter().map(|it| it.project).collect();
    let names = oversight::projects::names(&mut conn, &projects).await?;
    let shown = |it: Difference| Shown {
        project: names.get(&it.project).map_or_else(
            || it.project.to_string(),
            |name| format!("{}/{}", name.organization, name.project),
        ),
        hour: it.hour,
        stored: it.stored,
        counted: it.counted,
    };
    let hours = differences.len();
    let differences = differences.into_iter().map(shown).collect();
    output.show(&Reconciled { since, until, differences })?;
    if hours > 0 {
        bail!("stored and counted events differ in {hours} hours of projects");
    }
    Ok(())
}
