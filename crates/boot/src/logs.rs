//! Logs: lines for people on a terminal, JSON elsewhere.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Identity, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

use crate::settings::{LogFormat, LogSettings};

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level or its directives cannot be read.
    #[error("LOG_LEVEL must be a level or directives such as info,mishap_web=debug, not {0:?}")]
    Level(String),
    /// Somebody set logging up already.
    #[error("logging is set up already")]
    Again(#[from] tracing_subscriber::util::TryInitError),
}

/// Begins logging to standard error.
pub fn begin(settings: &LogSettings) -> Result<(), LogError> {
    begin_with(settings, Identity::new().boxed())
}

/// The same, and lets something else see what is said, whatever is logged of it.
pub fn begin_with(
    settings: &LogSettings,
    other: Box<dyn Layer<Registry> + Send + Sync>,
) -> Result<(), LogError> {
    let level = settings.level.as_str();
    let targets: Targets =
        level.parse().map_err(|_unreadable| LogError::Level(level.to_owned()))?;
    let is_text = match settings.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Json => false,
        LogFormat::Text => true,
    };
    let layer = if is_text {
        fmt::layer().with_writer(std::io::stderr).with_span_events(FmtSpan::NONE).boxed()
    } else {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .boxed()
    };
    Registry::default().with(other).with(layer.with_filter(targets)).try_init()?;
    Ok(())
}
