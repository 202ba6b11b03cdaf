//! What led to an event, its breadcrumbs: by them events have the sizes that an installation sees.

use serde_json::json;

use super::body::Piece;
use super::events::{Draw, statement};
use crate::command::LoadCoding;

/// Different trails, of which each belongs to as many events.
const TRAILS: u32 = 200;

/// The size that half of all events have at most, in bytes.
const MEDIAN: f64 = 12.0 * 1024.0;

/// How much faster than chances sizes grow: with this, one event in a hundred has 200 KiB or more.
const SPREAD: f64 = 0.6123;

/// Bytes of a breadcrumb that says little.
const CRUMB: usize = 180;

/// The most breadcrumbs that SDKs keep.
const MAX_CRUMBS: usize = 100;

/// Beginnings of events, the shortest first.
pub(super) struct Trails(Vec<Piece>);

impl Trails {
    /// Trails before so many bytes.
    pub(super) fn new(behind: usize, coding: LoadCoding) -> Self {
        let trail = |number: u32| {
            let share = (f64::from(number) + 0.5) / f64::from(TRAILS);
            let draw = Draw::new(u64::from(number));
            Piece::new(trail(size(share).saturating_sub(behind), &draw).as_bytes(), coding)
        };
        Self((0..TRAILS).map(trail).collect())
    }

    /// The trail that is longer than this share of them.
    pub(super) fn longer_than(&self, share: f64) -> &Piece {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 200")]
        let place = (share.clamp(0.0, 1.0) * f64::from(TRAILS)) as usize;
        let last = self.0.len() - 1;
        self.0.get(place.min(last)).unwrap_or_else(|| unreachable!("there are trails"))
    }
}

/// The bytes that this share of the events does not exceed: a log-logistic distribution, which has
/// the long tail that real events have.
fn size(share: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive")]
    let bytes = (MEDIAN * (share / (1.0 - share)).powf(SPREAD)) as usize;
    bytes
}

/// The beginning of an event's JSON, of about so many bytes: few breadcrumbs, or many, or many long ones.
fn trail(bytes: usize, draw: &Draw) -> String {
    let count = (bytes / CRUMB).clamp(1, MAX_CRUMBS);
    let longer_by = (bytes / count).saturating_sub(CRUMB);
    let crumb = |_place| {
        let message = statement(draw, 40 + longer_by);
        json!({
            "timestamp": 1_767_225_550.0_f64, "category": "query", "level": "info",
            "type": "default", "message": message, "data": { "rows": draw.below(1000) },
        })
    };
    let crumbs: Vec<_> = (0..count).map(crumb).collect();
    format!("{{\"breadcrumbs\":{},", json!({ "values": crumbs }))
}
