//! `mishap dev`: everything here, on a private PostgreSQL and Redis, with a first project.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use mishap_boot::settings::catalogue::{
    DATABASE_HOST, DATABASE_URL, LISTEN, LOG_LEVEL, PORT, PUBLIC_URL, REDIS_HOST, REDIS_URL,
    Setting, WEB_METRICS_PORT,
};
use mishap_boot::settings::{Environment, LogSettings, Settings};
use mishap_boot::{logs, shutdown};
use mishap_core::random::{Random, SystemRandom};
use mishap_core::secret::ApiToken;
use mishap_process::Process;
use mishap_sandbox::{Postgres, PostgresOptions, Redis, RedisOptions, Tools};
use mishap_storage::migrations;

use crate::bootstrap::{Bootstrapped, bootstrap};
use crate::command::{BootstrapOptions, DevOptions};
use crate::operator::Operator;
use crate::output::say;
use crate::serve::serve;

/// How long until everything must be up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The private servers; they stop when they are dropped.
#[derive(Default)]
struct Servers {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
}

pub(crate) fn main(options: &DevOptions) -> anyhow::Result<()> {
    let mut env = Environment::of_process();
    default(&mut env, &LOG_LEVEL, "warn");
    default(&mut env, &LISTEN, "127.0.0.1");
    let logging = LogSettings::read(&mut env);
    logs::begin(&logging)?;
    std::fs::create_dir_all(&options.dir)
        .with_context(|| format!("cannot make {}", options.dir.display()))?;
    let dir = std::path::absolute(&options.dir)?;
    let mut servers = start_servers(&mut env, &dir)?;
    choose_ports(&mut env)?;
    let settings = Settings::read(&mut env);
    let note = write_note(&mut env, &dir)?;
    mishap_process::log_warnings(&env.check()?);
    let credentials = credentials(&dir)?;
    let result = mishap_process::block_on(run(settings, &dir, &credentials));
    drop(note);
    stop_servers(&mut servers)?;
    say("Stopped.");
    result
}

/// Sets a variable that is not set.
fn default(env: &mut Environment, setting: &Setting, value: &str) {
    if let (false, Some(name)) = (env.is_set(setting), setting.names.first()) {
        env.set(name, value);
    }
}

/// Starts what the environment does not name.
fn start_servers(env: &mut Environment, dir: &Path) -> anyhow::Result<Servers> {
    let mut servers = Servers::default();
    let tools = Tools { path: env.search_path(), cache: dir.join("tools") };
    if !env.is_set(&DATABASE_URL) && !env.is_set(&DATABASE_HOST) {
        let options = PostgresOptions { durable: true, ..PostgresOptions::default() };
        let postgres = Postgres::start(&tools, dir, &options)?;
        default(env, &DATABASE_URL, &postgres.url());
        servers.postgres = Some(postgres);
    }
    if !env.is_set(&REDIS_URL) && !env.is_set(&REDIS_HOST) {
        let redis = Redis::start(&tools, dir, &RedisOptions::default())?;
        default(env, &REDIS_URL, &redis.url());
        servers.redis = Some(redis);
    }
    Ok(servers)
}

/// In good order: what is written is written.
fn stop_servers(servers: &mut Servers) -> anyhow::Result<()> {
    if let Some(redis) = &mut servers.redis {
        redis.stop()?;
    }
    if let Some(postgres) = &mut servers.postgres {
        postgres.stop()?;
    }
    Ok(())
}

/// The usual ports if they are free, others if not.
fn choose_ports(env: &mut Environment) -> anyhow::Result<()> {
    for setting in [&PORT, &WEB_METRICS_PORT] {
        if !env.is_set(setting) {
            let usual: u16 = env.number(setting);
            let port = free_port(usual)?.to_string();
            default(env, setting, &port);
        }
    }
    if !env.is_set(&PUBLIC_URL) {
        // There may be an address before the port.
        let listen = env.text(&PORT);
        let port = listen.rsplit(':').next().unwrap_or_default();
        default(env, &PUBLIC_URL, &format!("http://localhost:{port}"));
    }
    Ok(())
}

fn free_port(usual: u16) -> anyhow::Result<u16> {
    let bind = |port| TcpListener::bind(SocketAddr::new(crate::command::LOCALHOST, port));
    let listener = bind(usual).or_else(|_taken| bind(0)).context("there is no free port")?;
    Ok(listener.local_addr()?.port())
}

/// The file with what the other commands need to know; removed when everything stops.
struct Note(PathBuf);

impl Drop for Note {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// The first account's password and token, the same each time.
struct Credentials {
    password: String,
    token: String,
}

fn write_note(env: &mut Environment, dir: &Path) -> anyhow::Result<Note> {
    let mut text = String::new();
    for setting in [&DATABASE_URL, &REDIS_URL, &PUBLIC_URL] {
        let name = setting.names.first().copied().unwrap_or_default();
        text.push_str(&format!("{name}={}\n", env.text(setting)));
    }
    let path = dir.join("mishap.env");
    write_secret(&path, &text)?;
    Ok(Note(path))
}

fn credentials(dir: &Path) -> anyhow::Result<Credentials> {
    let path = dir.join("credentials");
    if let Ok(text) = std::fs::read_to_string(&path)
        && let Some((password, token)) = text.trim().split_once(' ')
    {
        return Ok(Credentials { password: password.to_owned(), token: token.to_owned() });
    }
    let password: String = SystemRandom.uuid().simple().to_string().chars().take(16).collect();
    let token = ApiToken::generate(&SystemRandom).reveal().to_owned();
    write_secret(&path, &format!("{password} {token}\n"))?;
    Ok(Credentials { password, token })
}

fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let open =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = open.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

async fn run(settings: Settings, dir: &Path, credentials: &Credentials) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    let probes = settings.web.metrics;
    let process = Process::begin("dev", settings, probes, stop).await?;
    let (served, welcomed) =
        tokio::join!(serve(&process), welcome_in_the_end(&process, dir, credentials));
    process.end().await;
    served.and(welcomed)
}

async fn welcome_in_the_end(
    process: &Process,
    dir: &Path,
    credentials: &Credentials,
) -> anyhow::Result<()> {
    let welcomed = tokio::select! {
        () = process.stop().cancelled() => return Ok(()),
        welcomed = tokio::time::timeout(PATIENCE, welcome(process, credentials)) => welcomed,
    };
    let bootstrapped = match welcomed {
        Ok(Ok(bootstrapped)) => bootstrapped,
        failed => {
            process.stop().cancel();
            failed.context("not everything came up in time")??;
            return Ok(());
        }
    };
    say(&greeting(&bootstrapped, credentials, dir));
    Ok(())
}

/// Waits until everything is up, and makes the first project.
async fn welcome(process: &Process, credentials: &Credentials) -> anyhow::Result<Bootstrapped> {
    let pool = process.pool("cli", 2)?;
    migrations::wait_until_current(&pool, |_what| {}).await;
    let operator =
        Operator { settings: process.settings.clone(), pool, random: process.random.clone() };
    let options = BootstrapOptions {
        email: "admin@example.com".to_owned(),
        password: Some(credentials.password.clone()),
        org: "Mishap".to_owned(),
        project: "First".to_owned(),
        token: Some(credentials.token.clone()),
    };
    let bootstrapped = bootstrap(&operator, &options).await?;
    while !process.health.is_ready() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(bootstrapped)
}

fn greeting(made: &Bootstrapped, credentials: &Credentials, dir: &Path) -> String {
    let mishap = std::env::current_exe().map_or_else(
        |_unknown| "mishap".to_owned(),
        |path| match dir.parent().and_then(|here| path.strip_prefix(here).ok()) {
            Some(relative) => relative.display().to_string(),
            None => path.display().to_string(),
        },
    );
    format!(
        "
Mishap is running at {url}

  Login    {email}, password {password}
  Token    {token}
  DSN      {dsn}

Send a test error:

  {mishap} send {dsn}

See it:

  {mishap} issues
  curl -H 'Authorization: Bearer {token}' {url}/api/0/organizations/{organization}/issues/

Ctrl-C stops everything; the data stay in {dir}.
",
        url = made.url,
        email = made.email,
        password = credentials.password,
        token = made.token,
        dsn = made.dsn,
        organization = made.organization,
        dir = dir.display(),
    )
}
