//! `mishap top`: which projects receive most, and what becomes of it.

use std::collections::BTreeMap;
use std::fmt;

use mishap_core::outcome::Outcome;
use mishap_storage::outcomes::{self, Flow};
use serde::Serialize;

use crate::command::TopOptions;
use crate::operator::{Operator, expect_schema};
use crate::output::{Output, table};

/// What came without a valid key belongs to no project.
const NO_PROJECT: &str = "(no valid key)";

/// The columns beside the sum, in order.
const OUTCOMES: [Outcome; 6] = [
    Outcome::Accepted,
    Outcome::Duplicate,
    Outcome::Filtered,
    Outcome::RateLimited,
    Outcome::Invalid,
    Outcome::Dropped,
];

#[derive(Debug, Serialize)]
struct Top {
    hours: i32,
    projects: Vec<Busy>,
}

#[derive(Debug, Serialize)]
struct Busy {
    organization: Option<String>,
    project: Option<String>,
    received: i64,
    outcomes: BTreeMap<&'static str, i64>,
    reasons: BTreeMap<&'static str, i64>,
}

impl fmt::Display for Top {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.projects.is_empty() {
            return write!(f, "Nothing was received in the last {} hours.", self.hours);
        }
        let mut heading = vec!["project".to_owned(), "received".to_owned()];
        heading.extend(OUTCOMES.map(|outcome| outcome.name().replace('_', " ")));
        let row = |busy: &Busy| {
            let mut cells = vec![busy.name(), busy.received.to_string()];
            let count = |outcome: Outcome| busy.outcomes.get(outcome.name()).unwrap_or(&0);
            cells.extend(OUTCOMES.map(|outcome| count(outcome).to_string()));
            cells
        };
        let rows: Vec<_> = std::iter::once(heading).chain(self.projects.iter().map(row)).collect();
        f.write_str(&table(&rows))
    }
}

impl Busy {
    fn of(flows: &[Flow]) -> Self {
        let (organization, project) = flows.iter().find_map(|it| it.project.clone()).unzip();
        let (mut outcomes, mut reasons) = (BTreeMap::new(), BTreeMap::new());
        for flow in flows {
            *outcomes.entry(flow.reason.outcome().name()).or_default() += flow.quantity;
            *reasons.entry(flow.reason.name()).or_default() += flow.quantity;
        }
        let received = flows.iter().map(|flow| flow.quantity).sum();
        Self { organization, project, received, outcomes, reasons }
    }

    fn name(&self) -> String {
        match (&self.organization, &self.project) {
            (Some(organization), Some(project)) => format!("{organization}/{project}"),
            _ => NO_PROJECT.to_owned(),
        }
    }
}

pub(crate) async fn run(options: &TopOptions, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    expect_schema(&mut conn).await?;
    let limit = options.limit.clamp(1, 10_000);
    let flows = outcomes::flows(&mut conn, options.hours, limit).await?;
    let projects = flows.chunk_by(|one, next| one.project == next.project).map(Busy::of);
    output.show(&Top { hours: options.hours, projects: projects.collect() })
}
