//! The product as it runs, in the test's own process: a web server on a free port, and a digest that
//! works when the test says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mishap_boot::settings::{Environment, Settings};
use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use mishap_core::access::{Scope, Scopes};
use mishap_core::admission::{Backlog, SizeLimits};
use mishap_core::clock::{Clock as _, ManualClock, SystemClock};
use mishap_core::id::UserId;
use mishap_core::random::SystemRandom;
use mishap_core::secret::ApiToken;
use mishap_core::signing::SigningKey;
use mishap_identity::provider::Http;
use mishap_outbound::mail::{MailConfig, Mailer, Sender, Transport};
use mishap_protocol::dsn::Dsn;
use mishap_queue::{Keys, Redis, RedisConfig};
use mishap_storage::accounts::tokens;
use mishap_storage::{DatabaseConfig, Pool, tallies};
use mishap_templates::mail::{MailLink, MailSender};
use mishap_web::config::{AccountRules, AppConfig, Instance};
use mishap_web::ingest::{IngestConfig, Patience};
use mishap_web::outside::Unreachable;
use mishap_web::{AppState, HEAD_TIMEOUT, RunningServer, Services, WebConfig};
use mishap_worker::digest::Digester;
use mishap_worker::jobs::{JobContext, MailRoom};
use url::Url;

use crate::browser::Browser;
use crate::client::Client;
use crate::database::{Tenant, TestDatabase, config as database_config};
use crate::servers::shared;

/// What a test wants to be different.
pub struct Options {
    /// How large things may be.
    pub sizes: SizeLimits,
    /// How long clients may take to send a body.
    pub patience: Patience,
    /// How long the head of a request may take.
    pub head_timeout: Duration,
    /// How much may wait.
    pub max_backlog: Backlog,
    /// Whether ingest is stopped.
    pub freeze: bool,
    /// Whether there is a Redis.
    pub redis: bool,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// The address that clients and people use. Tests reach the server by another one, unless they say
    /// the port too.
    pub public_url: Url,
    /// The port, if not any.
    pub port: u16,
    /// Origins besides its own whose pages may change something.
    pub trusted_origins: Vec<String>,
    /// Variables of the environment, as an operator sets them; what stands here besides counts more.
    pub settings: Vec<(&'static str, &'static str)>,
    /// Who may make accounts and organizations.
    pub accounts: AccountRules,
    /// What answers for sign-in providers.
    pub providers: Arc<dyn Http>,
    /// What clients are told of the installation, if not what the settings say.
    pub instance: Option<Instance>,
    /// Where PostgreSQL is, if not where the shared one is.
    pub database: Option<TestDatabase>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sizes: SizeLimits::default(),
            patience: Patience::default(),
            head_timeout: HEAD_TIMEOUT,
            max_backlog: Backlog { rows: 200_000, oldest_seconds: 900 },
            freeze: false,
            redis: false,
            trusted_proxies: Vec::new(),
            public_url: Url::parse("http://mishap.test").unwrap(),
            port: 0,
            trusted_origins: Vec::new(),
            settings: Vec::new(),
            accounts: AccountRules::default(),
            providers: Arc::new(Unreachable),
            instance: None,
            database: None,
        }
    }
}

/// The product as it runs.
pub struct TestApp {
    /// Its database.
    pub database: TestDatabase,
    /// Its Redis, if it has one; the keys are the test's own.
    pub redis: Option<Redis>,
    /// The clock of web. It stands where the machine's clock stood when the test began.
    pub clock: Arc<ManualClock>,
    /// Where it is.
    pub url: Url,
    /// Where it says that it is.
    pub public_url: Url,
    /// A first organization.
    pub tenant: Tenant,
    digester: Digester,
    server: Option<RunningServer>,
    tasks: Tasks,
}

impl TestApp {
    /// Starts it, with a first organization and project called `shop`.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts it as a test wants it.
    pub async fn start_with(options: Options) -> Self {
        mishap_process::install_encryption();
        let database = match options.database {
            Some(database) => database,
            None => TestDatabase::new().await,
        };
        let tenant = database.tenant("shop").await;
        let redis = options.redis.then(test_redis);
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let tasks = Tasks::new(CancellationToken::new());
        let runtime = tokio::runtime::Handle::current();
        let pool = |name: &str, connections| {
            let config = DatabaseConfig {
                application_name: name.to_owned(),
                ..database_config(&database.url, connections)
            };
            Pool::new(&config, &runtime).unwrap()
        };
        let listen = SocketAddr::from(([127, 0, 0, 1], options.port));
        let mut config = AppConfig::from_settings(
            &settings(&options.public_url, &options.settings),
            SigningKey::new(b"test"),
        );
        config.accounts = options.accounts;
        if let Some(instance) = options.instance {
            config.instance = instance;
        }
        config.trusted_origins.extend(options.trusted_origins);
        let more: Vec<_> =
            options.trusted_proxies.iter().map(|network| network.parse().unwrap()).collect();
        config.trusted_proxies.extend_from_slice(&more);
        let (public_url, trusted_proxies) =
            (config.public_url.clone(), config.trusted_proxies.clone());
        let server = mishap_web::start(
            WebConfig {
                listen,
                threads: 1,
                head_timeout: options.head_timeout,
                state: AppState::new(
                    pool("web", 4),
                    config,
                    Services {
                        clock: clock.clone(),
                        random: Arc::new(SystemRandom),
                        http: options.providers,
                        metrics: mishap_boot::metrics::Metrics::apart().unwrap(),
                        redis: redis.clone(),
                    },
                ),
                ingest: IngestConfig {
                    pool: pool("ingest", 3),
                    redis: redis.clone(),
                    clock: clock.clone(),
                    random: Arc::new(SystemRandom),
                    sizes: options.sizes,
                    patience: options.patience,
                    max_backlog: options.max_backlog,
                    freeze: options.freeze,
                    trusted_proxies,
                },
            },
            &tasks,
        )
        .unwrap();
        let url = Url::parse(&format!("http://{}", server.address)).unwrap();
        let digester = Digester::new(pool("worker", 6));
        let server = Some(server);
        Self { database, redis, clock, url, public_url, tenant, digester, server, tasks }
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(self.url.clone(), None)
    }

    /// A client with the first organization's token.
    pub fn owner(&self) -> Client {
        self.client(&self.tenant.token)
    }

    /// A client with a token.
    pub fn client(&self, token: &str) -> Client {
        Client::new(self.url.clone(), Some(token))
    }

    /// A client with a token of the owner's that has only these scopes.
    pub async fn with_scopes(&self, scopes: &[Scope]) -> Client {
        let token = ApiToken::generate(&SystemRandom);
        let (mut conn, scopes) = (self.database.conn().await, Scopes::of(scopes));
        tokens::upsert(&mut conn, self.tenant.user, &token, "", scopes).await.unwrap();
        self.client(token.reveal())
    }

    /// A browser in which nobody is signed in, and that has no cookie yet.
    pub fn stranger(&self) -> Browser {
        Browser::new(self)
    }

    /// A browser in which an account is signed in, for a day of web's clock.
    pub async fn browser(&self, user: UserId) -> Browser {
        Browser::sign_in(self, user).await
    }

    /// The first project's DSN, as an SDK would be given it.
    pub fn dsn(&self) -> Dsn {
        self.tenant.dsn(&self.url)
    }

    /// The path of an ingest endpoint of the first project, such as `envelope`.
    pub fn ingest_path(&self, endpoint: &str) -> String {
        format!("/api/{}/{endpoint}/", self.tenant.project)
    }

    /// Digests everything that waits, and folds the statistics; says how many envelopes waited.
    pub async fn digest(&self) -> usize {
        let mut rows = 0;
        loop {
            let digested = self.digester.digest_oldest(Duration::ZERO).await.unwrap();
            if digested == 0 {
                break;
            }
            rows += digested;
        }
        self.fold().await;
        rows
    }

    /// Digests, for tests of digesting itself.
    pub fn digester(&self) -> &Digester {
        &self.digester
    }

    /// Folds the statistics until nothing waits, those of requests that were just refused included.
    pub async fn fold(&self) {
        let mut conn = self.database.conn().await;
        while tallies::fold(&mut conn).await.unwrap().tallies > 0 {}
    }

    /// What jobs work with.
    pub fn jobs(&self) -> JobContext {
        JobContext {
            pool: self.database.pool.clone(),
            redis: self.redis.clone(),
            retention_days: 30,
            mail: mail_room(Transport::Nowhere),
            audit_days: 365,
        }
    }

    /// The time by web's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Stops the server in order; what was counted is written.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await.unwrap();
        }
        self.tasks.stop().cancel();
        assert!(self.tasks.finish(Duration::from_secs(20)).await, "a background task hangs");
    }

    /// How items ended so far, by category and reason, once everything is counted. Stops the server:
    /// it writes down what it refused.
    pub async fn outcomes(&mut self) -> Vec<(String, String, i64)> {
        self.stop().await;
        self.fold().await;
        let mut conn = self.database.conn().await;
        let totals = mishap_storage::outcomes::totals(&mut conn, None).await.unwrap();
        totals
            .into_iter()
            .map(|total| {
                (total.category.name().to_owned(), total.reason.name().to_owned(), total.quantity)
            })
            .collect()
    }
}

/// What sends mails by this way.
pub fn mail_room(transport: Transport) -> MailRoom {
    let from = Sender::parse("Mishap <errors@mishap.test>").unwrap();
    let config = MailConfig { transport, from, subject_prefix: String::new() };
    let mailer = Mailer::new(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let home = MailLink::parse("http://mishap.test").unwrap();
    MailRoom { mailer, sender: MailSender { name: "Mishap".to_owned(), home } }
}

/// What an operator set, for a server that people know by this address.
fn settings(public_url: &Url, variables: &[(&str, &str)]) -> Settings {
    let mut environment = Environment::of([("GLITCHTIP_URL", public_url.as_str())]);
    for (name, value) in variables {
        environment.set(name, value);
    }
    let settings = Settings::read(&mut environment);
    environment.check().unwrap();
    settings
}

/// Redis with keys of a test's own.
pub fn test_redis() -> Redis {
    let prefix = format!("test-{}:", uuid::Uuid::from_u128(random_bits()));
    redis_at(&shared().redis_url, &prefix)
}

/// Redis at a URL, with keys behind a prefix.
pub fn redis_at(url: &str, prefix: &str) -> Redis {
    let keys = Keys::new(prefix);
    Redis::new(&RedisConfig { url: url.to_owned().into(), keys }).unwrap()
}

fn random_bits() -> u128 {
    use mishap_core::random::Random as _;
    SystemRandom.uuid().as_u128()
}
