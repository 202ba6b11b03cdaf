//! A worker's desk: envelopes are laid straight into the inbox, and digested when the test says so.
//! No server runs, and tests say when something was received.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mishap_core::clock::{Clock as _, SystemClock};
use mishap_core::id::{DictionaryId, EventId, IssueId, ProjectId};
use mishap_core::tally::Tally;
use mishap_protocol::envelope::Envelope;
use mishap_storage::inbox::{NewEnvelope, PayloadCoding, Ticket};
use mishap_storage::{Pool, bodies, inbox, outcomes, tallies};
use mishap_worker::digest::Digester;
use serde_json::Value;

use crate::builders::{EnvelopeBuilder, event_id, uuid};
use crate::database::{Tenant, TestDatabase, config};

/// What the digest and the fold write, but for outcomes.
const TABLES: [&str; 13] = [
    "attachments",
    "dead_letters",
    "environment_projects",
    "environments",
    "events",
    "issue_changes",
    "issue_hashes",
    "issue_hours",
    "issue_people",
    "issue_tags",
    "issues",
    "release_projects",
    "releases",
];

/// A worker's desk.
pub struct Desk {
    /// Its database.
    pub database: TestDatabase,
    /// A first organization with the project `shop`.
    pub tenant: Tenant,
    digester: Mutex<std::sync::Arc<Digester>>,
    items: AtomicI64,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its id, as 32 digits.
    pub id: String,
    /// Its issue.
    pub issue: IssueId,
    /// The dictionary that the body is compressed with.
    pub dictionary: Option<DictionaryId>,
    /// Bytes of the compressed body.
    pub packed: usize,
    /// The body, opened.
    pub body: Value,
}

impl Desk {
    /// A desk with a database of its own.
    pub async fn new() -> Self {
        let database = TestDatabase::new().await;
        let tenant = database.tenant("shop").await;
        let digester = Mutex::new(digester(&database.url).into());
        Self { database, tenant, digester, items: AtomicI64::new(0) }
    }

    /// Another worker: it has connections of its own and remembers nothing yet.
    pub fn colleague(&self) -> Digester {
        digester(&self.database.url)
    }

    /// Lets the worker at the desk forget what it knows of projects and names.
    pub fn forget(&self) {
        *self.digester.lock().unwrap() = self.colleague().into();
    }

    /// An envelope to the first project, as it is laid into the inbox.
    pub fn envelope(&self, id: &str, bytes: impl Into<Vec<u8>>) -> NewEnvelope {
        let bytes: Vec<u8> = bytes.into();
        NewEnvelope {
            project: self.tenant.project,
            event_id: Some(EventId(uuid(id))),
            coding: PayloadCoding::Plain,
            size: bytes.len().try_into().unwrap(),
            skip: Vec::new(),
            client_ip: None,
            user_agent: None,
            received: None,
            payload: bytes.into(),
        }
    }

    /// An envelope with one event.
    pub fn envelope_of(&self, id: &str, event: &Value) -> NewEnvelope {
        self.envelope(id, EnvelopeBuilder::of(id).event(event).build())
    }

    /// Lays envelopes into the inbox.
    pub async fn put(&self, envelopes: &[NewEnvelope]) -> Vec<Ticket> {
        let items: i64 =
            envelopes.iter().map(|envelope| items_in(&envelope.payload, &envelope.skip)).sum();
        self.items.fetch_add(items, Ordering::Relaxed);
        let mut conn = self.database.conn().await;
        inbox::accept(&mut conn, envelopes, &Tally::default()).await.unwrap()
    }

    /// Lays an event into the inbox; returns its new id.
    pub async fn put_event(&self, event: &Value) -> String {
        let id = event_id();
        self.put(&[self.envelope_of(&id, event)]).await;
        id
    }

    /// Lays an event into the inbox that was received then.
    pub async fn put_event_at(&self, id: &str, event: &Value, received: DateTime<Utc>) {
        let received = Some(received);
        self.put(&[NewEnvelope { received, ..self.envelope_of(id, event) }]).await;
    }

    /// Digests everything that waits, and folds; says how many envelopes waited.
    pub async fn digest(&self) -> usize {
        let digester = std::sync::Arc::clone(&self.digester.lock().unwrap());
        let mut rows = 0;
        loop {
            match digester.digest_oldest(Duration::ZERO).await.unwrap() {
                0 => break,
                digested => rows += digested,
            }
        }
        self.fold().await;
        rows
    }

    /// Folds the statistics until nothing waits.
    pub async fn fold(&self) {
        let mut conn = self.database.conn().await;
        while tallies::fold(&mut conn).await.unwrap().tallies > 0 {}
    }

    /// How items ended so far: `category/reason` and how many.
    pub async fn outcomes(&self) -> BTreeMap<String, i64> {
        let mut conn = self.database.conn().await;
        let totals = outcomes::totals(&mut conn, None).await.unwrap();
        totals
            .into_iter()
            .map(|total| (format!("{}/{}", total.category.name(), total.reason), total.quantity))
            .collect()
    }

    /// Sees to it that every item ever laid into the inbox has ended, still waits, or is a dead
    /// letter.
    pub async fn assert_all_accounted_for(&self) {
        self.fold().await;
        let ended: i64 = self.outcomes().await.values().sum();
        let waiting = self.items_of("inbox").await;
        let dead = self.items_of("dead_letters").await;
        let received = self.items.load(Ordering::Relaxed);
        assert_eq!(
            received,
            ended + waiting + dead,
            "{ended} ended, {waiting} wait, {dead} are dead: {:?}",
            self.outcomes().await,
        );
    }

    async fn items_of(&self, table: &str) -> i64 {
        let rows = self.database.rows(&format!("SELECT payload, skip FROM {table}")).await;
        rows.iter()
            .map(|row| {
                let skip = row["skip"].as_str().map(unhex).unwrap_or_default();
                let skip: Vec<u16> =
                    skip.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
                items_in(&unhex(row["payload"].as_str().unwrap()), &skip)
            })
            .sum()
    }

    /// The stored events, the oldest first, with their bodies opened.
    pub async fn events(&self) -> Vec<StoredEvent> {
        let rows = self.database.rows(
            "SELECT event_id, issue_id, dictionary_id, body FROM events ORDER BY received, event_id",
        );
        let mut conn = self.database.conn().await;
        let mut events = Vec::new();
        for row in rows.await {
            let dictionary = row["dictionary_id"].as_i64().map(DictionaryId);
            let prepared = match dictionary {
                Some(id) => bodies::dictionary(&mut conn, id).await.unwrap(),
                None => None,
            };
            let packed = unhex(row["body"].as_str().unwrap());
            let plain = bodies::unpack(&packed, prepared.as_ref()).unwrap();
            events.push(StoredEvent {
                id: row["event_id"].as_str().unwrap().replace('-', ""),
                issue: IssueId(row["issue_id"].as_i64().unwrap()),
                dictionary,
                packed: packed.len(),
                body: serde_json::from_slice(&plain).unwrap(),
            });
        }
        events
    }

    /// The issues of the first project, the lowest number first.
    pub async fn issues(&self) -> Vec<Value> {
        let ProjectId(project) = self.tenant.project;
        let query = format!("SELECT * FROM issues WHERE project_id = {project} ORDER BY number");
        self.database.rows(&query).await
    }

    /// Every row that the digest and the fold write, but for outcomes: equal if nothing changed.
    pub async fn contents(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut contents = BTreeMap::new();
        for table in TABLES {
            let rows = self.database.rows(&format!("SELECT * FROM {table}")).await;
            let mut rows: Vec<String> = rows.iter().map(Value::to_string).collect();
            rows.sort_unstable();
            contents.insert(table, rows);
        }
        contents
    }
}

/// A worker's digester with connections of its own.
fn digester(url: &str) -> Digester {
    mishap_process::install_encryption();
    let runtime = tokio::runtime::Handle::current();
    Digester::new(Pool::new(&config(url, 4), &runtime).unwrap())
}

/// Whole items of an envelope that were not refused.
fn items_in(payload: &[u8], skip: &[u16]) -> i64 {
    let envelope = Envelope::read_beginning(payload).unwrap_or_default();
    let taken = envelope.items.iter().enumerate().filter(|(place, item)| {
        item.is_whole && !skip.iter().any(|skip| usize::from(*skip) == *place)
    });
    taken.count().try_into().unwrap()
}

/// The bytes that PostgreSQL prints as `\x` and digits.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("\\x").unwrap().as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap();
    digits.chunks(2).map(|two| (digit(two[0]) * 16 + digit(two[1])).try_into().unwrap()).collect()
}

/// The machine's time, to the microsecond, as PostgreSQL keeps it.
pub fn now() -> DateTime<Utc> {
    let now = SystemClock.now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap()
}
