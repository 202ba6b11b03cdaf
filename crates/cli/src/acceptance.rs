//! `mishap acceptance`: whether a server does what its users rely on, asked from outside.
//!
//! It knows the server by its address and a token, makes an organization of its own, goes through
//! one area after the other, and takes everything away again, also when something fails. The exit
//! code is the verdict.

mod api;
mod ingest;
mod metrics;
mod organizations;
mod pages;
mod people;
mod projects;
mod report;
mod server;
mod teams;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::TimeDelta;
use mishap_boot::settings::AcceptanceSettings;
use mishap_core::clock::{Clock as _, SystemClock};
use mishap_core::random::{Random as _, SystemRandom};
use mishap_protocol::dsn::Dsn;
use secrecy::ExposeSecret as _;

use self::api::Api;
use self::report::Report;
use crate::command::AcceptanceOptions;
use crate::operator::settings;
use crate::output::Output;

/// What the names of organizations begin with that belong to a run.
const NAME: &str = "Mishap acceptance";

/// An organization of a run that began so long ago was left behind.
const LEFT_BEHIND: TimeDelta = TimeDelta::hours(1);

/// What areas work on, and what they leave to those after them.
struct Scene {
    api: Api,
    /// Who the token is.
    caller: Caller,
    /// How long the server may take until something shows.
    patience: Duration,
    organization: String,
    teams: Vec<String>,
    project: String,
    dsn: Option<Dsn>,
}

/// Whose token it is.
#[derive(Debug, Default)]
struct Caller {
    email: String,
    /// Whether the metrics may be read.
    is_staff: bool,
}

impl Scene {
    /// Where the project takes events.
    fn dsn(&self) -> anyhow::Result<&Dsn> {
        self.dsn.as_ref().context("the project has no DSN")
    }
}

pub(crate) async fn run(options: &AcceptanceOptions, output: Output) -> anyhow::Result<()> {
    let set = settings(AcceptanceSettings::read)?;
    let token = options.token.clone().or_else(|| Some(set.token?.expose_secret().to_owned()));
    let token = token.context("say with --token or GLITCHTIP_API_USER_TOKEN who asks")?;
    let url = options.url.clone().unwrap_or(set.url);
    let mut scene = Scene {
        api: Api::new(&url, token)?,
        caller: Caller::default(),
        patience: Duration::from_secs(options.timeout),
        organization: String::new(),
        teams: Vec::new(),
        project: String::new(),
        dsn: None,
    };
    let name = format!("{NAME} {}", &SystemRandom.uuid().simple().to_string().split_at(8).0);
    let mut report = Report::new(url.as_str());
    let checked = check(&mut scene, &name, &mut report).await;
    let began = Instant::now();
    let cleaned = clean_up(&scene.api, &name).await;
    report.add("clean-up", began, cleaned);
    output.show(&report)?;
    checked.and(report.verdict())
}

/// Goes through the areas, up to the first that fails.
async fn check(scene: &mut Scene, name: &str, report: &mut Report) -> anyhow::Result<()> {
    macro_rules! areas {
        ($($what:literal => $check:expr;)*) => {
            $(
                let began = Instant::now();
                let checked = $check.await;
                if !report.add($what, began, checked) {
                    return report.verdict();
                }
            )*
        };
    }
    areas! {
        "server" => server::check(scene);
        "left behind" => clean_left_behind(&scene.api);
        "organizations" => organizations::check(scene, name);
        "teams" => teams::check(scene);
        "projects" => projects::check(scene);
        "people" => people::check(scene);
        "ingest" => ingest::check(scene);
        "pages" => pages::check(scene);
    }
    if !scene.caller.is_staff {
        report.skip("metrics", "the token's owner is not staff and may not read them");
        return Ok(());
    }
    areas! {
        "metrics" => metrics::check(scene);
    }
    Ok(())
}

/// Takes away what runs left behind that could not clean up.
async fn clean_left_behind(api: &Api) -> anyhow::Result<()> {
    let now = SystemClock.now();
    for organization in api.organizations().await? {
        let is_old = now - organization.date_created > LEFT_BEHIND;
        if organization.name.starts_with(NAME) && is_old {
            api.delete(&format!("organizations/{}/", organization.slug)).await?;
        }
    }
    Ok(())
}

/// Takes the organization of this run away, if it came so far.
async fn clean_up(api: &Api, name: &str) -> anyhow::Result<()> {
    let mine = |organization: &api::Organization| organization.name == name;
    for organization in api.organizations().await?.into_iter().filter(mine) {
        let path = format!("organizations/{}/", organization.slug);
        api.delete(&path).await?;
        api.expect_missing(&path).await?;
    }
    anyhow::ensure!(
        !api.organizations().await?.iter().any(mine),
        "the organization is still listed"
    );
    Ok(())
}
