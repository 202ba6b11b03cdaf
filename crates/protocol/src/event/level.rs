//! How bad an event is.

use super::Notes;
use crate::json::{Json, Malformed, Reader};

/// Severity, in GlitchTip's order and numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum Level {
    /// A sample, of old SDKs.
    Sample = 0,
    /// For developers.
    Debug = 1,
    /// Nothing wrong.
    Info = 2,
    /// Something may be wrong.
    Warning = 3,
    /// Something is wrong.
    Error = 4,
    /// The program ended.
    Fatal = 5,
}

impl Level {
    /// Every level, the mildest first.
    pub const ALL: [Self; 6] =
        [Self::Sample, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Fatal];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The level that a word means, whatever logging library it comes from.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "sample" => Self::Sample,
            "debug" | "trace" | "verbose" => Self::Debug,
            "info" | "information" | "log" | "notice" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "error" | "err" => Self::Error,
            "fatal" | "critical" | "crit" | "alert" | "emergency" | "emerg" | "panic" => {
                Self::Fatal
            }
            _ => return None,
        })
    }

    /// The level that a number of Python's logging library means.
    fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            10..20 => Self::Debug,
            20..30 => Self::Info,
            30..40 => Self::Warning,
            40..50 => Self::Error,
            50..60 => Self::Fatal,
            _ => return None,
        })
    }

    pub(super) fn read<'a>(
        reader: &mut Reader<'a>,
        notes: &mut Notes<'a>,
        name: &'static str,
    ) -> Result<Option<Self>, Malformed> {
        let value = reader.value()?;
        let level = match &value {
            Json::Null => return Ok(None),
            Json::Integer(number) => Self::from_number(*number),
            Json::String(word) => {
                Self::from_word(word).or_else(|| Self::from_number(word.trim().parse().ok()?))
            }
            Json::Bool(_) | Json::Decimal(_) | Json::Array(_) | Json::Object(_) => None,
        };
        if level.is_none() {
            notes.invalid(name, value);
        }
        Ok(level)
    }
}
