//! What was received is never lost sight of: each item ended somehow, or it still waits.

use std::collections::HashSet;

use mishap_protocol::compression::inflate;
use mishap_protocol::envelope::Envelope;
use mishap_storage::inbox::PayloadCoding;
use serde_json::Value;

use crate::TestApp;

/// Largest envelope that is opened, in bytes.
const MAX_ENVELOPE: usize = 256 << 20;

impl TestApp {
    /// Items that wait in the inbox.
    pub async fn waiting_items(&self) -> i64 {
        self.items_of("inbox").await
    }

    /// Items in dead letters.
    pub async fn dead_items(&self) -> i64 {
        self.items_of("dead_letters").await
    }

    /// Checks that each of the items that were sent is accounted for, before and after digesting
    /// what waits, and says how they ended: `"error ok 1"` for each category and reason.
    ///
    /// A request of which nothing could be read counts as one. Stops the server.
    #[track_caller]
    pub fn settled(&mut self, received: i64) -> impl Future<Output = Vec<String>> {
        let caller = std::panic::Location::caller();
        async move {
            self.check_balance(received, caller).await;
            self.digest().await;
            self.check_balance(received, caller).await;
            let outcomes = self.outcomes().await;
            outcomes
                .iter()
                .map(|(category, reason, quantity)| format!("{category} {reason} {quantity}"))
                .collect()
        }
    }

    async fn check_balance(&mut self, received: i64, caller: &std::panic::Location<'_>) {
        let outcomes = self.outcomes().await;
        let ended: i64 = outcomes.iter().map(|(_, _, quantity)| quantity).sum();
        let (waiting, dead) = (self.waiting_items().await, self.dead_items().await);
        assert_eq!(
            received,
            ended + waiting + dead,
            "at {caller}: received = {ended} outcomes + {waiting} waiting + {dead} dead; {outcomes:?}"
        );
    }

    async fn items_of(&self, table: &str) -> i64 {
        let columns = "coding, encode(payload, 'hex') AS payload, encode(skip, 'hex') AS skip";
        let rows = self.database.rows(&format!("SELECT {columns} FROM {table}")).await;
        let items = rows.iter().map(items).sum::<usize>();
        items.try_into().unwrap()
    }
}

/// Items of an envelope as it is stored that are to be digested.
fn items(row: &Value) -> usize {
    let coding = PayloadCoding::from_code(row["coding"].as_i64().unwrap().try_into().unwrap());
    let payload = bytes(&row["payload"]);
    let (plain, _cut) = inflate(&coding.codings().unwrap(), &payload, MAX_ENVELOPE);
    let envelope = Envelope::read(&plain).unwrap();
    let skipped = bytes(&row["skip"]);
    let skipped: HashSet<usize> = skipped
        .chunks_exact(2)
        .map(|place| u16::from_le_bytes(place.try_into().unwrap()).into())
        .collect();
    let places = envelope.items.iter().enumerate();
    places.filter(|(place, item)| item.is_whole && !skipped.contains(place)).count()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap_or_default().as_bytes();
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap();
    let pairs = digits.chunks_exact(2);
    pairs.map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap()).collect()
}
