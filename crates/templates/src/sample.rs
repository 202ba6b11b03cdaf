//! Texts that samples are made of, among them what strangers may send.

use chrono::{DateTime, TimeDelta, Utc};

/// Markup that must never become part of a page.
pub const MARKUP: &str =
    "</title><script>alert('sample')</script><img src=x onerror=alert(1)>\"'&amp;{{7*7}}";

/// No place to break, and longer than any screen.
pub const LONG: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// From right to left, with an override that would turn everything after it around.
pub const RIGHT_TO_LEFT: &str = "فريق الاختبار \u{202e}gpj.exe";

/// An address as long as they get.
pub const LONG_ADDRESS: &str = "a.very.long.name.that.somebody.really.has.at.work.because.of.rules\
    @mail.subsidiary.of-a-company-with-a-remarkably-long-name.example.com";

/// Now, for samples.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

/// So many minutes ago, for samples.
pub fn minutes_ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}
