//! Puts the web process together and runs it.

mod listener;

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer, web};
use mishap_boot::health::Readiness;
use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use mishap_core::admission::{Backlog, SizeLimits};
use mishap_process::Process;
use mishap_storage::accounts::users;
use mishap_storage::migrations::{self, WaitsFor};
use mishap_storage::{Error, ErrorClass, Pool};
use tokio::time::Instant;

use crate::account::first_run;
use crate::config::AppConfig;
use crate::front::{self, Front};
use crate::ingest::{self, Ingest, IngestConfig, Patience};
use crate::observe::{METRICS, Observer, observe};
use crate::outside::ProviderHttp;
use crate::{AppState, Services, admin, allauth, api, links, pages, reference};

/// How long requests in flight may take to end after the last connection was accepted.
const LAST_REQUESTS: Duration = Duration::from_secs(20);

/// How long actix's accepting thread may take to accept those who have connected.
const ACCEPTING: Duration = Duration::from_millis(50);

/// How long it may take to hear that it is to pause. It would complain about a socket that is shut down.
const PAUSING: Duration = Duration::from_millis(2);

/// How long no request may have come before nobody counts as using a connection any more.
const QUIET: Duration = Duration::from_millis(500);

/// How often it is looked whether they have.
const QUIET_POLL: Duration = Duration::from_millis(20);

/// How long what ingest does in the background may take after that.
const FINISH: Duration = Duration::from_secs(4);

/// How long the process may take to end after it has drained.
pub const ENDS_WITHIN: Duration =
    LAST_REQUESTS.saturating_add(FINISH).saturating_add(mishap_process::FINISH);

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the head of a request may take.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections to PostgreSQL that only ingest uses.
const INGEST_CONNECTIONS: usize = 3;

/// How long to wait before PostgreSQL is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// How often pools are measured.
const POOL_METRICS: Duration = Duration::from_secs(5);

/// What a server is made of.
pub struct WebConfig {
    /// Where it listens; port 0 picks one.
    pub listen: SocketAddr,
    /// Threads that serve requests.
    pub threads: usize,
    /// How long the head of a request may take.
    pub head_timeout: Duration,
    /// What the API shares.
    pub state: AppState,
    /// What ingest needs.
    pub ingest: IngestConfig,
}

/// A server that is listening.
pub struct RunningServer {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    /// The listening socket once more: actix only stops asking it for connections.
    listener: TcpListener,
    observer: Data<Observer>,
    done: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl RunningServer {
    /// Goes on accepting for that long. Clients are sent here until whoever sends them has heard that
    /// the process is not ready, and not all of them would try another one.
    ///
    /// Every answer is the last one on its connection, so those in use end one after the other.
    pub async fn drain(&self, time: Duration) {
        self.observer.close_connections();
        tokio::time::sleep(time).await;
    }

    /// Stops accepting, lets requests in flight end, and returns when they have.
    ///
    /// Whoever connects now is refused at once and goes elsewhere; a connection that was only left
    /// waiting would fail in the end. Connections in use end as they do while it drains; those that
    /// wait for a next request are not waited for: proxies keep them for minutes.
    pub async fn stop(self) -> std::io::Result<()> {
        match listener::hold_back(&self.listener) {
            Ok(()) => tokio::time::sleep(ACCEPTING).await,
            Err(error) => tracing::debug!("who connects in this moment fails: {error}"),
        }
        self.handle.pause().await;
        tokio::time::sleep(PAUSING).await;
        listener::refuse(&self.listener)?;
        self.observer.close_connections();
        if tokio::time::timeout(LAST_REQUESTS, self.until_quiet()).await.is_err() {
            tracing::warn!(requests = self.observer.in_flight(), "requests did not end in time");
        }
        self.handle.stop(false).await;
        self.done.await.map_err(std::io::Error::other)?
    }

    /// Waits until no request is served, and none has come for a while.
    async fn until_quiet(&self) {
        let mut begun = self.observer.begun();
        let mut quiet_since = Instant::now();
        while quiet_since.elapsed() < QUIET {
            tokio::time::sleep(QUIET_POLL).await;
            let begun_now = self.observer.begun();
            if begun_now != begun || self.observer.in_flight() > 0 {
                begun = begun_now;
                quiet_since = Instant::now();
            }
        }
    }
}

/// Starts listening. The background tasks of ingest run under `tasks`.
pub fn start(config: WebConfig, tasks: &Tasks) -> std::io::Result<RunningServer> {
    let random = Arc::clone(&config.ingest.random);
    let describes_api = config.state.config.front.describes_api;
    let front = Data::new(Front::new(&config.state.config, Arc::clone(&random)));
    let state = Data::new(config.state);
    let ingest = Data::from(Ingest::start(config.ingest, tasks));
    let observer = Data::new(Observer::new(random));
    let listener = TcpListener::bind(config.listen)?;
    let address = listener.local_addr()?;
    let stopping = listener.try_clone()?;
    let observing = observer.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(ingest.clone())
            .app_data(observing.clone())
            .app_data(front.clone())
            .app_data(front::unreadable_paths())
            .wrap(from_fn(front::front))
            .wrap(from_fn(observe))
            .wrap(from_fn(front::unmount))
            .configure(crate::health::routes)
            .configure(ingest::routes)
            .configure(api::routes)
            .configure(|routes| {
                if describes_api {
                    reference::routes(routes);
                }
            })
            .configure(allauth::routes)
            .configure(pages::routes)
            .configure(admin::routes)
            .default_service(web::to(front::not_found))
    })
    .workers(config.threads.max(1))
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(config.head_timeout)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    #[expect(clippy::disallowed_methods, reason = "awaited by whoever holds the server")]
    let done = tokio::spawn(server);
    Ok(RunningServer { address, handle, listener: stopping, observer, done })
}

/// Runs the program `mishap-web` as its command line says.
pub fn main() -> ExitCode {
    mishap_process::main("web", |settings| settings.web.metrics, run)
}

/// Runs the web process until it is told to stop, and then until what it took is answered.
pub async fn run(process: &Process) -> anyhow::Result<()> {
    mishap_boot::metrics::describe(METRICS);
    let ready = process.health.part("web");
    let connections = process.settings.database.max_connections;
    let ingest_pool = process.pool("ingest", INGEST_CONNECTIONS)?;
    let api_pool = process.pool("web", connections.saturating_sub(INGEST_CONNECTIONS).max(1))?;
    let app_config = tokio::select! {
        () = process.stop().cancelled() => return Ok(()),
        config = app_config_in_the_end(process, &api_pool, &ready) => config?,
    };
    measure_pools(&process.tasks, [("ingest", ingest_pool.clone()), ("web", api_pool.clone())]);

    // What ingest does in the background goes on until the last request is answered.
    let background = Tasks::new(CancellationToken::new());
    let config = WebConfig {
        listen: process.settings.web.listen,
        threads: process.settings.web.threads,
        head_timeout: HEAD_TIMEOUT,
        state: AppState::new(
            api_pool,
            app_config,
            Services {
                clock: Arc::clone(&process.clock),
                random: Arc::clone(&process.random),
                http: Arc::new(ProviderHttp::new()?),
                metrics: process.metrics.clone(),
                redis: process.redis.clone(),
            },
        ),
        ingest: ingest_config(process, ingest_pool),
    };
    let server = start(config, &background)?;
    tracing::info!(address = %server.address, "listening");
    ready.ready();
    tokio::select! {
        () = async {
            process.stop().cancelled().await;
            ready.not_ready("was told to stop");
            server.drain(process.settings.web.drain).await;
        } => {}
        // A part of it failed.
        () = background.stop().cancelled() => ready.not_ready("has failed"),
    }
    server.stop().await?;
    background.stop().cancel();
    if !background.finish(FINISH).await {
        tracing::warn!("ingest did not end in time");
    }
    Ok(())
}

/// Waits for PostgreSQL and the schema as long as it takes, also if PostgreSQL goes away once more.
async fn app_config_in_the_end(
    process: &Process,
    pool: &Pool,
    ready: &Readiness,
) -> anyhow::Result<AppConfig> {
    let is_away = |error: &anyhow::Error| {
        error.downcast_ref().map(Error::class) == Some(ErrorClass::Unavailable)
    };
    loop {
        migrations::wait_until_current(pool, |what| ready.not_ready(what.phrase())).await;
        match app_config(process, pool).await {
            Err(error) if is_away(&error) => {
                ready.not_ready(WaitsFor::Server.phrase());
                tracing::warn!("waiting for PostgreSQL: {error:#}");
                tokio::time::sleep(PAUSE).await;
            }
            config => return config,
        }
    }
}

async fn app_config(process: &Process, pool: &Pool) -> anyhow::Result<AppConfig> {
    let settings = &process.settings;
    let mut conn = pool.get().await?;
    let random = process.random.as_ref();
    let signing_key = links::signing_key(&mut conn, &settings.security, random).await?;
    let config = AppConfig::from_settings(settings, signing_key);
    if !users::exist(&mut conn).await? {
        let link = first_run::link(&config, process.clock.now());
        tracing::info!("there is no account yet; make the first one at {link}");
    }
    Ok(config)
}

fn ingest_config(process: &Process, pool: Pool) -> IngestConfig {
    let settings = &process.settings.ingest;
    IngestConfig {
        pool,
        redis: process.redis.clone(),
        clock: Arc::clone(&process.clock),
        random: Arc::clone(&process.random),
        sizes: SizeLimits {
            event: settings.max_event_bytes,
            attachment: settings.max_attachment_bytes,
            attachments: settings.max_attachment_bytes.saturating_mul(2),
            body: settings.max_body_bytes,
            inflated: settings.max_inflated_bytes,
        },
        patience: Patience::default(),
        max_backlog: Backlog {
            rows: settings.max_backlog_rows,
            oldest_seconds: settings.max_backlog_seconds,
        },
        freeze: settings.freeze,
        trusted_proxies: process.settings.web.trusted_proxies.clone(),
    }
}

fn measure_pools<const N: usize>(tasks: &Tasks, pools: [(&'static str, Pool); N]) {
    tasks.every("pool metrics", POOL_METRICS, move || {
        for (name, pool) in &pools {
            let sizes = pool.sizes();
            for (state, connections) in
                [("idle", sizes.idle), ("busy", sizes.open - sizes.idle), ("max", sizes.max)]
            {
                #[expect(clippy::cast_precision_loss, reason = "a handful")]
                metrics::gauge!("glitchtip_db_pool_connections", "pool" => *name, "state" => state)
                    .set(connections as f64);
            }
        }
        std::future::ready(())
    });
}
