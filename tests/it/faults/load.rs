//! Clients that send without a break, and remember what they were told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mishap_cli::load::sample_event;
use mishap_core::random::{Random as _, SystemRandom};
use mishap_protocol::dsn::Dsn;
use mishap_testkit::builders::EnvelopeBuilder;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Distinct issues.
const ISSUES: u64 = 12;

/// What a client does between an answer and its next request.
const PAUSE: Duration = Duration::from_millis(40);

/// How long a client waits before it sends again what was not acknowledged.
const RETRY: Duration = Duration::from_millis(100);

/// How long a client waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What clients were told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    /// Events that were answered with 200.
    pub(crate) acknowledged: BTreeSet<Uuid>,
    /// Events that were not, up to the end: they may be stored or not.
    pub(crate) abandoned: BTreeSet<Uuid>,
    /// Answers, by status.
    pub(crate) answers: BTreeMap<u16, u64>,
    /// Requests that were sent and never answered.
    pub(crate) unanswered: u64,
}

impl Sent {
    /// Takes what other clients were told as well.
    pub(crate) fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.abandoned.extend(other.abandoned);
        for (status, count) in other.answers {
            *self.answers.entry(status).or_default() += count;
        }
        self.unanswered += other.unanswered;
    }
}

/// Clients at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<Sent>,
}

struct Shared {
    http: reqwest::Client,
    /// Servers of one project; a client that cannot connect goes to the next.
    servers: Vec<Dsn>,
    is_over: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

impl Load {
    /// Lets so many clients send to a server, each one event after the other. What is not
    /// acknowledged is sent again, with the same id.
    pub(crate) fn start(server: &Dsn, clients: u64) -> Self {
        Self::start_at(vec![server.clone()], clients)
    }

    /// The same, to several servers.
    pub(crate) fn start_at(servers: Vec<Dsn>, clients: u64) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().unwrap();
        let shared = Arc::new(Shared {
            http,
            servers,
            is_over: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        let spawned = (0..clients).map(|number| run(Arc::clone(&shared), number)).collect();
        Self { shared, clients: spawned }
    }

    /// Events acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Requests so far that were answered with anything else than 200.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Waits until so many more events are acknowledged.
    pub(crate) async fn goes_on_for(&self, events: u64) {
        let goal = self.acknowledged() + events;
        mishap_testkit::until("events are acknowledged", async || self.acknowledged() >= goal)
            .await;
    }

    /// Lets each client finish what it is at, and tells what they were told.
    pub(crate) async fn stop(mut self) -> Sent {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let mut sent = Sent::default();
        while let Some(one) = self.clients.join_next().await {
            sent.add(one.unwrap());
        }
        sent
    }
}

/// One client.
async fn run(shared: Arc<Shared>, number: u64) -> Sent {
    let mut sent = Sent::default();
    let mut server = 0;
    for variant in 0.. {
        if shared.is_over.load(Ordering::Relaxed) {
            break;
        }
        let id = SystemRandom.uuid();
        let event = sample_event((number + variant) % ISSUES, number * 1_000_000 + variant);
        let body = EnvelopeBuilder::of(&id.simple().to_string()).event(&event).build();
        if shared.deliver(&body, &mut server, &mut sent).await {
            shared.acknowledged.fetch_add(1, Ordering::Relaxed);
            sent.acknowledged.insert(id);
        } else {
            sent.abandoned.insert(id);
        }
        tokio::time::sleep(PAUSE).await;
    }
    sent
}

impl Shared {
    /// Sends a body until it is acknowledged; says whether it was.
    async fn deliver(&self, body: &[u8], server: &mut usize, sent: &mut Sent) -> bool {
        loop {
            let dsn = &self.servers[*server % self.servers.len()];
            let request = self
                .http
                .post(dsn.envelope_url())
                .header("X-Sentry-Auth", dsn.auth_header("load/1"))
                .body(body.to_vec());
            match request.send().await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    *sent.answers.entry(status).or_default() += 1;
                    if status == 200 {
                        return true;
                    }
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if error.is_connect() => *server += 1,
                Err(_broken) => sent.unanswered += 1,
            }
            if self.is_over.load(Ordering::Relaxed) {
                return false;
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}
