//! Points in time, in every spelling that SDKs use.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};

use crate::json::{Json, Malformed, Reader};

/// Numbers above this are milliseconds: as seconds they would lie past the year 2600.
const MAX_SECONDS: f64 = 2e10;

/// Reads a point in time.
///
/// Accepted are seconds since 1970 with a fraction, milliseconds since then, and ISO 8601 with a
/// `T` or a space, with an offset or without (then it is UTC), with a fraction of any length. The
/// inner error is the value that is none of these.
pub fn read<'a>(
    reader: &mut Reader<'a>,
) -> Result<Result<Option<DateTime<Utc>>, Json<'a>>, Malformed> {
    let value = reader.value()?;
    if value.is_null() {
        return Ok(Ok(None));
    }
    Ok(match from_json(&value) {
        Some(time) => Ok(Some(time)),
        None => Err(value),
    })
}

/// As [`read`], for a value already read.
pub fn from_json(value: &Json<'_>) -> Option<DateTime<Utc>> {
    let time = match value {
        #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 it is no date anyway")]
        Json::Integer(number) => from_epoch(*number as f64),
        Json::Decimal(token) => from_epoch(token.parse().ok()?),
        Json::String(text) => {
            let text = text.trim();
            iso8601(text).or_else(|| from_epoch(text.parse().ok()?))
        }
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    time.filter(can_be_written)
}

/// A time moved by some duration; nothing if that leads beyond what can be written.
pub fn moved(time: DateTime<Utc>, by: TimeDelta) -> Option<DateTime<Utc>> {
    time.checked_add_signed(by).filter(can_be_written)
}

/// A year is written with four digits; an offset may lead beyond them.
fn can_be_written(time: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year())
}

/// The time as it is written into stored events: UTC, microseconds.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn from_epoch(number: f64) -> Option<DateTime<Utc>> {
    let seconds = if number.abs() > MAX_SECONDS { number / 1000.0 } else { number };
    if !seconds.is_finite() || seconds.abs() > MAX_SECONDS {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let micros = (seconds * 1e6).round() as i64;
    DateTime::from_timestamp_micros(micros)
}

fn iso8601(text: &str) -> Option<DateTime<Utc>> {
    let mut scan = Scan(text.as_bytes());
    let year = scan.digits(4)?;
    scan.one_of(b"-")?;
    let month = scan.digits(2)?;
    scan.one_of(b"-")?;
    let day = scan.digits(2)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    if scan.0.is_empty() {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    scan.one_of(b"Tt ")?;
    let hour = scan.digits(2)?;
    scan.one_of(b":")?;
    let minute = scan.digits(2)?;
    let second = if scan.one_of(b":").is_some() { scan.digits(2)? } else { 0 };
    let micros = if scan.one_of(b".,").is_some() { scan.fraction()? } else { 0 };
    // A leap second is the last microsecond of its minute.
    let (second, micros) = if second == 60 { (59, 999_999) } else { (second, micros) };
    let time = date.and_time(NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?);
    time.and_utc().checked_sub_signed(scan.offset()?)
}

/// What is left of the text.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn one_of(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !wanted.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }

    fn digit(&mut self) -> Option<u32> {
        self.one_of(b"0123456789").map(|digit| u32::from(digit - b'0'))
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// Digits behind the point, as microseconds; what is finer is cut.
    fn fraction(&mut self) -> Option<u32> {
        let mut micros = self.digit()? * 100_000;
        let mut unit = 10_000;
        while let Some(digit) = self.digit() {
            micros += digit * unit;
            unit /= 10;
        }
        Some(micros)
    }

    /// `Z`, `+01:00`, `+0100`, `+01`, ` UTC` or nothing.
    fn offset(&mut self) -> Option<TimeDelta> {
        while self.one_of(b" ").is_some() {}
        if matches!(self.0, b"" | b"Z" | b"z" | b"UTC" | b"GMT") {
            return Some(TimeDelta::zero());
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.digits(2)?;
        let _colon = self.one_of(b":");
        let minutes = if self.0.is_empty() { 0 } else { self.digits(2)? };
        if !self.0.is_empty() || hours > 23 || minutes > 59 {
            return None;
        }
        Some(TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, expected: Option<&str>) {
        let read = read(&mut Reader::new(document)).unwrap();
        assert_eq!(read.ok().flatten().map(rfc3339).as_deref(), expected, "{document}");
    }

    #[test]
    fn every_spelling_of_a_time_is_read() {
        let noon = Some("2026-11-21T12:00:00.000000Z");
        for document in [
            "1795262400",
            "1795262400.0",
            "1795262400000",
            r#""1795262400""#,
            r#""2026-11-21T12:00:00Z""#,
            r#""2026-11-21T12:00:00""#,
            r#""2026-11-21 12:00:00""#,
            r#""2026-11-21 12:00:00 UTC""#,
            r#""2026-11-21T13:30:00+01:30""#,
            r#""2026-11-21T10:00:00.000-0200""#,
            r#""2026-11-21T14:00+02""#,
            r#""2026-11-21T12:00:00.000000000Z""#,
        ] {
            check(document, noon);
        }
        check("1795262400.123456", Some("2026-11-21T12:00:00.123456Z"));
        check(r#""2026-11-21T12:00:00.1234567Z""#, Some("2026-11-21T12:00:00.123456Z"));
        check(r#""2026-12-31T23:59:60Z""#, Some("2026-12-31T23:59:59.999999Z"));
        check(r#""2026-11-21""#, Some("2026-11-21T00:00:00.000000Z"));
    }

    #[test]
    fn what_is_no_time_is_handed_back() {
        for document in [
            "true",
            "[]",
            "1e300",
            r#""yesterday""#,
            r#""2026-13-01T00:00:00Z""#,
            r#""2026-11-21T25:00:00Z""#,
            r#""2026-11-21T12:00:00+99:00""#,
            r#""9999-12-31T23:00:00-01:00""#,
            r#""0000-01-01T00:00:00+00:01""#,
            r#""2026-11-21T12:00:00Zjunk""#,
        ] {
            check(document, None);
            assert!(read(&mut Reader::new(document)).unwrap().is_err(), "{document}");
        }
        assert_eq!(read(&mut Reader::new("null")), Ok(Ok(None)));
    }
}
