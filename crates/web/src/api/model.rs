//! What clients read, in GlitchTip's words and order.

pub mod event;
pub mod issue;
pub mod organization;
pub mod project;

use chrono::{DateTime, SecondsFormat, Timelike as _, Utc};
use serde::{Serialize, Serializer};

/// A time as GlitchTip prints it: UTC, milliseconds cut rather than rounded, and left out when there
/// are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub DateTime<Utc>);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = self.0.nanosecond() / 1000;
        let format = if micros == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        serializer.serialize_str(&self.0.to_rfc3339_opts(format, true))
    }
}

/// An avatar, which nobody has.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AvatarResponse {
    avatar_type: &'static str,
    avatar_uuid: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_milliseconds() {
        let print = |micros: i64| {
            let time = DateTime::from_timestamp_micros(1_704_164_645_000_000 + micros).unwrap();
            serde_json::to_string(&Timestamp(time)).unwrap()
        };
        assert_eq!(print(678_901), r#""2024-01-02T03:04:05.678Z""#);
        assert_eq!(print(999_999), r#""2024-01-02T03:04:05.999Z""#);
        assert_eq!(print(0), r#""2024-01-02T03:04:05Z""#);
        assert_eq!(print(7), r#""2024-01-02T03:04:05.000Z""#);
    }
}
