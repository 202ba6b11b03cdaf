//! What a command says: for people, or as JSON.

use std::fmt::Display;
use std::io::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// How a command says what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// For people.
    Human,
    /// One JSON value.
    Json,
}

impl Output {
    /// Says the result of a command.
    pub(crate) fn show(self, result: &(impl Serialize + Display)) -> anyhow::Result<()> {
        let text = match self {
            Self::Human => result.to_string(),
            Self::Json => serde_json::to_string(result)?,
        };
        say(&text);
        Ok(())
    }
}

/// Writes lines to standard output. A reader who has seen enough is no failure.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _gone = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
}

/// A time, to the second.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Bytes, in the unit that suits.
pub(crate) fn bytes(bytes: i64) -> String {
    const UNITS: [(i64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.into_iter().find(|(size, _)| bytes >= *size);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(size, name)| {
            // Tenths, rounded down.
            let tenths = i128::from(bytes) * 10 / i128::from(size);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

/// Lines of cells, aligned in columns; the first line is the heading. What would tell a terminal to
/// do something is replaced: cells say what strangers wrote.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let plain = |cell: &String| cell.replace(char::is_control, "\u{fffd}");
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(plain).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_suits() {
        let sizes = [0, 1023, 1024, 1536, 1 << 20, i64::MAX];
        let expected = ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "8589934591.9 GiB"];
        assert_eq!(sizes.map(bytes), expected);
    }

    #[test]
    fn cells_stand_in_columns() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = table(&[row(["id", "what", "n"]), row(["12", "ä", "3"])]);
        assert_eq!(text, "id  what  n\n12  ä     3");
        assert_eq!(table(&[]), "");
        assert_eq!(table(&[row(["\u{1b}[2J", "a\nb", "c"])]), "\u{fffd}[2J  a\u{fffd}b  c");
    }
}
