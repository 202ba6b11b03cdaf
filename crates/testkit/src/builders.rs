//! Builds what SDKs send.

use mishap_core::random::{Random as _, SystemRandom};
use serde_json::{Value, json};
use uuid::Uuid;

pub use crate::compress::gzip;

/// A new event id, as 32 hexadecimal digits.
pub fn event_id() -> String {
    SystemRandom.uuid().simple().to_string()
}

/// A small error with one exception and one frame of the program's own.
pub fn error_event(exception: &str, value: &str) -> Value {
    json!({
        "platform": "python",
        "exception": { "values": [{
            "type": exception,
            "value": value,
            "stacktrace": { "frames": [{
                "function": format!("raise_{exception}"),
                "module": "shop.cart",
                "filename": "shop/cart.py",
                "in_app": true,
            }]},
        }]},
    })
}

/// A message.
pub fn message_event(message: &str) -> Value {
    json!({ "platform": "python", "level": "info", "message": message })
}

/// An envelope, item by item.
#[derive(Debug, Clone)]
pub struct EnvelopeBuilder(Vec<u8>);

impl EnvelopeBuilder {
    /// An envelope with this header.
    pub fn new(header: &Value) -> Self {
        Self(format!("{header}\n").into_bytes())
    }

    /// An envelope of an event with this id.
    pub fn of(event_id: &str) -> Self {
        Self::new(&json!({ "event_id": event_id }))
    }

    /// Adds an item with its length.
    #[must_use]
    pub fn item(self, item_type: &str, payload: impl AsRef<[u8]>) -> Self {
        self.item_with(&json!({ "type": item_type }), payload)
    }

    /// Adds an item with this header and its length.
    #[must_use]
    pub fn item_with(mut self, header: &Value, payload: impl AsRef<[u8]>) -> Self {
        let payload = payload.as_ref();
        let mut header = header.clone();
        header["length"] = payload.len().into();
        self.0.extend(format!("{header}\n").into_bytes());
        self.0.extend(payload);
        self.0.push(b'\n');
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn event(self, event: &Value) -> Self {
        self.item("event", event.to_string())
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend(bytes.as_ref());
        self
    }

    /// The envelope.
    pub fn build(self) -> Vec<u8> {
        self.0
    }
}

/// An envelope with one event of a new id; the id too.
pub fn envelope(event: &Value) -> (String, Vec<u8>) {
    let id = event_id();
    let envelope = EnvelopeBuilder::of(&id).event(event).build();
    (id, envelope)
}

/// An id from its digits.
pub fn uuid(digits: &str) -> Uuid {
    digits.parse().unwrap()
}
