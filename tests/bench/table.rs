//! What the bench prints.

use std::fmt;

/// The measured table, in Markdown.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    measured: String,
    good: &'static str,
    aim: &'static str,
}

impl Table {
    /// Adds a row, and shows it at once.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        measured: impl Into<String>,
        good: &'static str,
        aim: &'static str,
    ) {
        let row = Row { what: what.into(), measured: measured.into(), good, aim };
        println!("{}: {}", row.what, row.measured);
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | good | aim |")?;
        writeln!(f, "|---|---|---|---|")?;
        for Row { what, measured, good, aim } in &self.rows {
            writeln!(f, "| {what} | {measured} | {good} | {aim} |")?;
        }
        Ok(())
    }
}
