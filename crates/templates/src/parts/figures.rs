//! Numbers, sizes and times, as people read them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use maud::{Markup, html};

/// A whole number with its thousands apart.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size, with at most one decimal.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of the unit.
    let mut size = bytes.saturating_mul(10) / 1024;
    let mut unit = 0;
    while size >= 10_240 && unit + 1 < UNITS.len() {
        size /= 1024;
        unit += 1;
    }
    let unit = UNITS.get(unit).copied().unwrap_or_default();
    if size < 100 {
        format!("{}.{} {unit}", size / 10, size % 10)
    } else {
        format!("{} {unit}", size / 10)
    }
}

/// A length of time in its largest unit.
pub(crate) fn duration(length: TimeDelta) -> String {
    let seconds = length.num_seconds().unsigned_abs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        86_400..5_184_000 => (seconds / 86_400, "day"),
        5_184_000..63_072_000 => (seconds / 2_592_000, "month"),
        _ => (seconds / 31_536_000, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", number(count))
}

fn since(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    let age = now - then;
    // Clocks of servers differ: what was written down a moment ago may lie a little ahead.
    if (-60..5).contains(&age.num_seconds()) {
        "just now".to_owned()
    } else if age < TimeDelta::zero() {
        format!("in {}", duration(age))
    } else {
        format!("{} ago", duration(age))
    }
}

/// How long ago; the moment itself on request.
pub(crate) fn relative(now: DateTime<Utc>, then: DateTime<Utc>) -> Markup {
    html! {
        time datetime=(machine(then)) title=(moment_text(then)) { (since(now, then)) }
    }
}

/// The moment, to the second.
pub(crate) fn moment(then: DateTime<Utc>) -> Markup {
    html! { time datetime=(machine(then)) { (moment_text(then)) } }
}

fn machine(then: DateTime<Utc>) -> String {
    then.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn moment_text(then: DateTime<Utc>) -> String {
    then.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
            (100_000, "100,000"),
        ] {
            assert_eq!(number(count), text);
        }
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn sizes_have_the_unit_that_fits() {
        for (size, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (20 * 1024, "20 KiB"),
            (1024 * 1024 - 1, "1023 KiB"),
            (5 * 1024 * 1024 * 1024, "5.0 GiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
        assert!(bytes(u64::MAX).ends_with(" PiB"), "{}", bytes(u64::MAX));
    }

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let now = crate::sample::now();
        for (seconds, text) in [
            (0, "just now"),
            (4, "just now"),
            (59, "59 seconds ago"),
            (60, "1 minute ago"),
            (7200, "2 hours ago"),
            (86_400, "1 day ago"),
            (90 * 86_400, "3 months ago"),
            (800 * 86_400, "2 years ago"),
            (-9, "just now"),
            (-3600, "in 1 hour"),
        ] {
            assert_eq!(since(now, now - TimeDelta::seconds(seconds)), text);
        }
    }
}
