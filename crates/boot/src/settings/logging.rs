//! How a program logs.

use super::kind::level;
use super::{Environment, catalogue};

/// How a program logs; known before everything else, so that problems can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// The least level that is logged, or directives such as `info,mishap_web=debug`.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, for machines elsewhere.
    Auto,
    /// JSON, one object a line.
    Json,
    /// For people.
    Text,
}

impl LogSettings {
    /// Reads the settings of logging.
    pub fn read(env: &mut Environment) -> Self {
        let format = match env.word(&catalogue::LOG_FORMAT).as_str() {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            _ => LogFormat::Auto,
        };
        let text = env.text(&catalogue::LOG_LEVEL);
        Self { level: level(&text).unwrap_or(text), format }
    }
}
