//! What SDKs send: read, admitted, made durable, acknowledged.
//!
//! The path of an envelope: `credentials` say under which key it comes, `policies` what its
//! project wants, `receive` reads it and decides item by item, `limits` takes what the quotas
//! allow, and `intake` makes it durable. Then, and only then, the client hears 200.

mod body;
mod cors;
mod credentials;
mod envelope;
mod intake;
mod last_use;
mod limits;
mod memory;
mod minidump;
mod policies;
mod receive;
mod refusal;
mod security;
mod store;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use ipnet::IpNet;
use mishap_boot::tasks::Tasks;
use mishap_core::admission::{Backlog, Refusals, SizeLimits};
use mishap_core::clock::Clock;
use mishap_core::id::{EventId, ProjectId};
use mishap_core::outcome::{Outcome, Reason};
use mishap_core::policy::KeyPolicy;
use mishap_core::quota::{QuotaScope, RateLimit};
use mishap_core::random::Random;
use mishap_core::scrub;
use mishap_protocol::dsn::PublicKey;
use mishap_protocol::envelope::DataCategory;
use mishap_queue::Redis;
use mishap_storage::Pool;
use mishap_storage::inbox::NewEnvelope;

pub use self::body::Patience;
use self::intake::Intake;
use self::last_use::LastUse;
use self::limits::Limits;
use self::memory::Memory;
use self::policies::{Known, Policies};
use self::receive::Received;
pub use self::refusal::Refusal;
use self::refusal::spread;
use crate::client;

/// Bodies larger than this are packed on a thread of their own, in bytes.
const PACK_APART: u64 = 128 * 1024;

/// How long clients wait while the backlog is too long.
const BACKLOG_RETRY: Duration = Duration::from_secs(60);

/// Longest user agent that is kept, in characters.
const MAX_USER_AGENT: usize = 512;

/// What projects are sent to.
const ENDPOINTS: [&str; 5] = ["envelope", "store", "security", "csp-report", "minidump"];

/// What ingest needs from outside.
pub struct IngestConfig {
    /// Connections that only ingest uses, so that nothing else can hold it up.
    pub pool: Pool,
    /// The fast path, if there is one.
    pub redis: Option<Redis>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// How large things may be.
    pub sizes: SizeLimits,
    /// How long clients may take to send a body.
    pub patience: Patience,
    /// How much may wait.
    pub max_backlog: Backlog,
    /// Whether ingest is stopped.
    pub freeze: bool,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// Takes what SDKs send.
pub struct Ingest {
    policies: Arc<Policies>,
    intake: Intake,
    limits: Arc<Limits>,
    last_use: Arc<LastUse>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sizes: SizeLimits,
    patience: Patience,
    freeze: bool,
    trusted_proxies: Vec<IpNet>,
    memory: Memory,
}

/// What was done with an envelope that could be read; its items are counted.
#[derive(Debug)]
struct Taken {
    /// The id that is answered.
    event_id: Option<EventId>,
    /// Limits that are used up now.
    limits: Vec<RateLimit>,
    /// Why nothing was kept, if the client should hear of it.
    refused: Option<Refusal>,
}

impl Ingest {
    /// Starts ingest and its background tasks on the current runtime.
    pub fn start(config: IngestConfig, tasks: &Tasks) -> Arc<Self> {
        let IngestConfig {
            pool,
            redis,
            clock,
            random,
            sizes,
            patience,
            max_backlog,
            freeze,
            trusted_proxies,
        } = config;
        let policies = Arc::new(Policies::new(pool.clone(), Arc::clone(&clock)));
        let limits = Arc::new(Limits::new(pool.clone(), Arc::clone(&clock), max_backlog));
        let last_use = Arc::new(LastUse::new(pool.clone()));
        let (intake, committer, hints) = intake::intake(pool, redis.clone(), Arc::clone(&random));

        let stop = tasks.stop().clone();
        let lookups = Arc::clone(&policies);
        tasks.spawn("policies", async move {
            tokio::select! {
                () = lookups.keep_looking_up() => {}
                () = stop.cancelled() => {}
            }
        });
        let exchanged = Arc::clone(&limits);
        tasks.every("limits", limits::PERIOD, move || {
            let limits = Arc::clone(&exchanged);
            async move { limits.refresh().await }
        });
        tasks.spawn("last use", Arc::clone(&last_use).keep_writing(tasks.stop().clone()));
        tasks.spawn("group commit", committer.run(tasks.stop().clone()));
        if let Some(redis) = redis {
            tasks.spawn("hints", intake::pass_hints(hints, redis));
        }
        Arc::new(Self {
            policies,
            intake,
            limits,
            last_use,
            clock,
            random,
            sizes,
            patience,
            freeze,
            trusted_proxies,
            memory: Memory::new(),
        })
    }

    /// Decides whether anything sent to a project under a key may be taken now.
    async fn admit(&self, project: ProjectId, key: PublicKey) -> Result<Arc<KeyPolicy>, Refusal> {
        if self.freeze {
            return Err(Refusal::Maintenance);
        }
        let policy = match self.policies.find(project, key).await {
            Known::Policy(policy) => policy,
            Known::Unknown => return Err(Refusal::UnknownKey(project.0)),
            Known::Unavailable => return Err(Refusal::Unavailable),
        };
        let now = self.clock.now();
        if !policy.is_open(now) {
            return Err(Refusal::Disabled);
        }
        if let Some(throttle) = policy.throttled(None) {
            return Err(Refusal::Throttled { retry_after: throttle.retry_after() });
        }
        if self.limits.is_backlog_full() {
            let mut draw = [0];
            self.random.fill(&mut draw);
            let [draw] = draw;
            return Err(Refusal::Backpressure { retry_after: spread(BACKLOG_RETRY, draw) });
        }
        if let Some(limit) = self.limits.closed(&policy) {
            return Err(Refusal::RateLimited(limit));
        }
        self.last_use.note(policy.key, now);
        Ok(policy)
    }

    /// Takes what the limits allow of an envelope, and makes it durable. Every item is counted.
    async fn take(
        &self,
        request: &HttpRequest,
        policy: &KeyPolicy,
        mut received: Received,
    ) -> Taken {
        let event_id = received
            .event_id()
            .or_else(|| received.has_event().then(|| EventId(self.random.uuid())));
        let mut refused = None;
        if let Some(throttle) = policy.throttled(event_id) {
            refused = Some(Refusal::Throttled { retry_after: throttle.retry_after() });
            received.refuse(|_| Some(Reason::Throttled));
        }
        received.refuse(|item| match self.limits.take(policy, item.category) {
            Ok(()) => None,
            Err(limit) => {
                refused = Some(Refusal::RateLimited(limit));
                Some(limit.reason)
            }
        });
        let limits = self.limits.active(policy);
        if received.kept.is_empty() {
            self.count_items(policy.project, &[], &received.refused);
            return Taken { event_id, limits, refused };
        }
        let kept: Vec<DataCategory> = received.kept.iter().map(|item| item.category).collect();
        let mut lost = received.refused.clone();
        match self.keep(request, policy, event_id, received).await {
            Ok(()) => {
                self.count_items(policy.project, &kept, &lost);
                Taken { event_id, limits, refused: None }
            }
            Err(refusal) => {
                for category in kept {
                    lost.add(category, refusal.reason());
                }
                self.count_items(policy.project, &[], &lost);
                Taken { event_id, limits, refused: Some(refusal) }
            }
        }
    }

    /// Makes an envelope durable.
    async fn keep(
        &self,
        request: &HttpRequest,
        policy: &KeyPolicy,
        event_id: Option<EventId>,
        received: Received,
    ) -> Result<(), Refusal> {
        let is_large = received.inflated > PACK_APART;
        let pack = move || received.pack(event_id);
        let packed = if is_large {
            web::block(pack).await.map_err(|_cancelled| Refusal::Unavailable)?
        } else {
            pack()
        };
        let packed = packed.map_err(|_memory| Refusal::Unavailable)?;
        let client_ip = client::address(request, &self.trusted_proxies);
        let envelope = NewEnvelope {
            project: policy.project,
            event_id,
            coding: packed.coding,
            size: packed.size,
            skip: packed.skip,
            client_ip: if policy.scrub_ip_addresses {
                client_ip.and_then(scrub::anonymized)
            } else {
                client_ip
            },
            user_agent: user_agent(request),
            received: None,
            payload: packed.payload,
        };
        self.intake.accept(envelope).await.map_err(|_not_durable| Refusal::Unavailable)
    }

    /// Counts a request of which nothing was taken.
    fn settle(&self, project: ProjectId, taken: Result<Taken, Refusal>) -> Result<Taken, Refusal> {
        if let Err(refusal) = &taken {
            self.count_refusal(project, refusal);
        }
        taken
    }

    /// Counts items that were kept in the metrics, and those that were refused for good.
    fn count_items(&self, project: ProjectId, kept: &[DataCategory], refused: &Refusals) {
        for category in kept {
            note(*category, Reason::Ok, 1);
        }
        if refused.is_empty() {
            return;
        }
        let now = self.clock.now();
        self.intake.count(|tally| {
            for (category, reason, quantity) in refused.iter() {
                note(category, reason, quantity);
                tally.count(project, now, category, reason, quantity);
            }
        });
    }

    fn count_refusal(&self, project: ProjectId, refusal: &Refusal) {
        // Who has no key of a project must not make rows in its name.
        let project = if refusal.is_anonymous() { ProjectId(0) } else { project };
        let (category, reason) = (DataCategory::Default, refusal.reason());
        note(category, reason, 1);
        let now = self.clock.now();
        self.intake.count(|tally| tally.count(project, now, category, reason, 1));
        if refusal.is_client_fault() {
            tracing::debug!(project.id = project.0, %reason, "refused a request: {refusal}");
        }
    }
}

fn user_agent(request: &HttpRequest) -> Option<String> {
    let agent = request.headers().get("user-agent")?.to_str().ok()?;
    Some(mishap_core::text::truncated(agent, MAX_USER_AGENT).to_owned())
}

/// Notes items in the metrics.
fn note(category: DataCategory, reason: Reason, quantity: u64) {
    let outcome = match reason.outcome() {
        Outcome::Accepted | Outcome::Duplicate => "accepted",
        Outcome::Filtered | Outcome::Dropped => "dropped",
        Outcome::RateLimited | Outcome::Invalid => "rejected",
    };
    metrics::counter!(
        "glitchtip_ingest_items_total",
        "type" => category.name(),
        "outcome" => outcome,
        "reason" => reason.name()
    )
    .increment(quantity);
    if reason.outcome() == Outcome::RateLimited {
        let scope = match reason {
            Reason::QuotaKey => QuotaScope::Key.name(),
            Reason::QuotaProject => QuotaScope::Project.name(),
            Reason::QuotaOrganization | Reason::Throttled => QuotaScope::Organization.name(),
            _ => QuotaScope::Instance.name(),
        };
        metrics::counter!(
            "glitchtip_throttled_total",
            "scope" => scope,
            "reason" => reason.name()
        )
        .increment(quantity);
    }
}

/// Whether a path is one of ingest's, whose answers say by themselves which browsers may read them.
pub(crate) fn is_path(path: &str) -> bool {
    path.strip_prefix("/api/").and_then(|path| path.split_once('/')).is_some_and(
        |(project, endpoint)| {
            let endpoint = endpoint.strip_suffix('/').unwrap_or(endpoint);
            (1..=18).contains(&project.len())
                && project.bytes().all(|byte| byte.is_ascii_digit())
                && ENDPOINTS.contains(&endpoint)
        },
    )
}

/// Every ingest route, with the last slash or without, never by a redirect: several SDKs lose the
/// body on the way.
pub fn routes(config: &mut ServiceConfig) {
    // As many digits as are sure to be a number; no project ever has more.
    let project = "/api/{project:\\d{1,18}}";
    for (name, view, handler) in [
        ("envelope", "api:event_envelope", web::post().to(envelope::envelope)),
        ("store", "api:event_store", web::post().to(store::store)),
        ("security", "api:event_security", web::post().to(security::security)),
        ("csp-report", "api:event_security", web::post().to(security::security)),
        ("minidump", "api:event_minidump", web::post().to(minidump::minidump)),
    ] {
        let paths = [format!("{project}/{name}/"), format!("{project}/{name}")];
        config.service(
            web::resource(paths)
                .name(view)
                .wrap(actix_web::middleware::from_fn(cors::allow_every_origin))
                .route(handler)
                .default_service(web::to(method_not_allowed)),
        );
    }
}

async fn method_not_allowed() -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header(("Allow", "POST, OPTIONS"))
        .json(serde_json::json!({ "detail": "Method Not Allowed", "causes": [] }))
}
