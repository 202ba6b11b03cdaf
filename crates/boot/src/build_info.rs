//! What program this is.

/// The version of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source revision, if the build was told.
pub fn revision() -> &'static str {
    option_env!("MISHAP_REVISION").unwrap_or("unknown")
}
