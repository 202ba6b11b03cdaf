//! What was found.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

/// What became of each area.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    url: String,
    passed: bool,
    areas: Vec<Area>,
}

#[derive(Debug, Serialize)]
struct Area {
    name: &'static str,
    milliseconds: u128,
    /// What was wrong, if anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// Why it was not looked at, if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'static str>,
}

impl Report {
    /// Nothing was looked at yet.
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), passed: true, areas: Vec::new() }
    }

    /// Adds an area; says whether it is as it should be.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        began: Instant,
        checked: anyhow::Result<()>,
    ) -> bool {
        let failure = checked.err().map(|error| format!("{error:#}"));
        let passed = failure.is_none();
        self.passed &= passed;
        let milliseconds = began.elapsed().as_millis();
        self.areas.push(Area { name, milliseconds, failure, skipped: None });
        passed
    }

    /// Adds an area that cannot be looked at.
    pub(super) fn skip(&mut self, name: &'static str, why: &'static str) {
        self.areas.push(Area { name, milliseconds: 0, failure: None, skipped: Some(why) });
    }

    /// Fails if an area did.
    pub(super) fn verdict(&self) -> anyhow::Result<()> {
        let failed: Vec<_> =
            self.areas.iter().filter(|area| area.failure.is_some()).map(|area| area.name).collect();
        anyhow::ensure!(failed.is_empty(), "not accepted: {}", failed.join(", "));
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Area { name, milliseconds, failure, skipped } in &self.areas {
            match (failure, skipped) {
                (Some(failure), _) => writeln!(f, "FAILED   {name}: {failure}")?,
                (None, Some(why)) => writeln!(f, "skipped  {name}: {why}")?,
                (None, None) => writeln!(f, "ok       {name} ({milliseconds} ms)")?,
            }
        }
        let verdict = if self.passed { "accepted" } else { "not accepted" };
        write!(f, "{} is {verdict}.", self.url)
    }
}
