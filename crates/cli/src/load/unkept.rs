//! What SDKs send besides events, and what the server counts and does not keep: transactions,
//! sessions and reports of what was discarded.

use std::sync::atomic::{AtomicUsize, Ordering};

use mishap_core::random::Random;
use serde_json::{Value, json};

use super::body::{Body, BodyMaker, Piece};
use super::events::Draw;
use crate::command::LoadCoding;

/// Different transactions.
const TRANSACTIONS: u64 = 64;

/// Spans of the largest transaction.
const MAX_SPANS: u64 = 60;

/// Items that are sent again and again.
pub(super) struct Unkept {
    transactions: Vec<Piece>,
    session: Piece,
    client_report: Piece,
    next: AtomicUsize,
    coding: LoadCoding,
}

impl Unkept {
    pub(super) fn new(seed: u64, coding: LoadCoding) -> Self {
        let draw = Draw::new(seed);
        let transactions =
            (0..TRANSACTIONS).map(|_| item("transaction", &transaction(&draw), coding));
        Self {
            transactions: transactions.collect(),
            session: item("session", &session(), coding),
            client_report: item("client_report", &client_report(), coding),
            next: AtomicUsize::new(0),
            coding,
        }
    }

    pub(super) fn transaction(&self, random: &dyn Random) -> Body {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.transactions.len();
        let maker = BodyMaker::new(self.coding);
        let maker = maker.text(&format!("{{\"event_id\":\"{}\"}}\n", random.uuid().simple()));
        self.transactions.iter().skip(place).take(1).fold(maker, BodyMaker::piece).finish()
    }

    pub(super) fn session(&self) -> Body {
        BodyMaker::new(self.coding).text("{}\n").piece(&self.session).finish()
    }

    pub(super) fn client_report(&self) -> Body {
        BodyMaker::new(self.coding).text("{}\n").piece(&self.client_report).finish()
    }
}

fn item(kind: &str, payload: &Value, coding: LoadCoding) -> Piece {
    let payload = payload.to_string();
    let length = payload.len();
    let text = format!("{{\"type\":\"{kind}\",\"length\":{length}}}\n{payload}\n");
    Piece::new(text.as_bytes(), coding)
}

fn transaction(draw: &Draw) -> Value {
    let trace = draw.hex(32);
    let span = |_place| {
        json!({
            "span_id": draw.hex(16), "parent_span_id": draw.hex(16), "trace_id": trace,
            "op": "db.query", "description": super::events::statement(draw, 100),
            "start_timestamp": 1_767_225_600.0_f64, "timestamp": 1_767_225_600.1_f64,
            "status": "ok", "data": { "db.system": "postgresql" },
        })
    };
    let spans: Vec<_> = (0..draw.below(MAX_SPANS)).map(span).collect();
    json!({
        "type": "transaction", "platform": "python", "transaction": "/api/order/{id}/",
        "start_timestamp": 1_767_225_600.0_f64, "timestamp": 1_767_225_601.0_f64,
        "contexts": { "trace": { "trace_id": trace, "span_id": draw.hex(16), "op": "http.server" } },
        "spans": spans,
    })
}

fn session() -> Value {
    json!({
        "sid": "5c1f0f0a7d4b4b0e9f3d1c2b3a495867", "init": true, "status": "exited", "errors": 0,
        "started": "2026-01-01T00:00:00Z", "timestamp": "2026-01-01T00:00:30Z", "duration": 30.0,
        "attrs": { "release": "shop@2.1.0", "environment": "production" },
    })
}

fn client_report() -> Value {
    json!({
        "timestamp": "2026-01-01T00:00:00Z",
        "discarded_events": [
            { "reason": "ratelimit_backoff", "category": "error", "quantity": 3 },
            { "reason": "sample_rate", "category": "transaction", "quantity": 200 },
        ],
    })
}

#[cfg(test)]
mod tests {
    use mishap_core::random::SeededRandom;
    use mishap_protocol::envelope::{Envelope, ItemType};

    use super::*;

    #[test]
    fn each_envelope_has_one_item_of_its_type() {
        let unkept = Unkept::new(1, LoadCoding::Gzip);
        let random = SeededRandom::new(1);
        for (body, item_type) in [
            (unkept.transaction(&random), ItemType::Transaction),
            (unkept.transaction(&random), ItemType::Transaction),
            (unkept.session(), ItemType::Session),
            (unkept.client_report(), ItemType::ClientReport),
        ] {
            let plain = body.inflated();
            let envelope = Envelope::read(&plain).unwrap();
            let types: Vec<_> = envelope.items.iter().map(|it| &it.header.item_type).collect();
            assert_eq!(types, [&item_type]);
            assert!(serde_json::from_slice::<Value>(&envelope.items[0].payload).is_ok());
        }
    }
}
