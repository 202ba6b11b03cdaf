//! `mishap smoke`: sends one event and waits until it can be read.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use mishap_core::id::{EventId, ProjectId};
use mishap_protocol::dsn::Dsn;
use mishap_storage::{events, projects};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::command::SmokeOptions;
use crate::operator::Operator;
use crate::output::Output;
use crate::send::{Sender, client, id_in, test_event};

/// How often is looked whether the event is there.
const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, Serialize)]
struct Passed {
    event_id: String,
    acknowledged_ms: u64,
    readable_ms: u64,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The event {} was acknowledged after {} ms and could be read after {} ms.",
            self.event_id, self.acknowledged_ms, self.readable_ms
        )
    }
}

pub(crate) async fn run(options: &SmokeOptions, output: Output) -> anyhow::Result<()> {
    let operator = match (&options.dsn, &options.token) {
        (Some(_), Some(_)) => None,
        _ => Some(Operator::new()?),
    };
    let dsn = match (&options.dsn, &operator) {
        (Some(dsn), _) => dsn.clone(),
        (None, Some(operator)) => first_dsn(operator).await?,
        (None, None) => bail!("say with --dsn where to send"),
    };
    let envelope = test_event("A smoke test");
    let event_id = EventId(id_in(&envelope).context("the test event has no id")?);
    let began = Instant::now();
    Sender::new(&dsn)?.send(envelope).await?;
    let acknowledged = began.elapsed();
    let reader = Reader::new(options, operator, &dsn).await?;
    while !reader.can_read(event_id).await? {
        if began.elapsed() > Duration::from_secs(options.timeout) {
            bail!("the event {event_id} cannot be read after {} s", options.timeout);
        }
        tokio::time::sleep(POLL).await;
    }
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    output.show(&Passed {
        event_id: event_id.to_string(),
        acknowledged_ms: milliseconds(acknowledged),
        readable_ms: milliseconds(began.elapsed()),
    })
}

async fn first_dsn(operator: &Operator) -> anyhow::Result<Dsn> {
    let mut conn = operator.conn().await?;
    let found = projects::keys::find_first(&mut conn).await?;
    let key = found.context("there is no project with a key that is on")?;
    Ok(Dsn::new(&operator.settings.public_url, key.public_key(), key.project_id.0))
}

/// Where it is looked whether an event can be read.
enum Reader {
    Api { client: reqwest::Client, project: Url, token: String },
    Database { operator: Box<Operator>, project: ProjectId },
}

#[derive(Deserialize)]
struct ListedProject {
    id: String,
    slug: String,
    organization: ListedOrganization,
}

#[derive(Deserialize)]
struct ListedOrganization {
    slug: String,
}

impl Reader {
    async fn new(
        options: &SmokeOptions,
        operator: Option<Operator>,
        dsn: &Dsn,
    ) -> anyhow::Result<Self> {
        let Some(token) = options.token.clone() else {
            let operator = operator.context("there is no database to look at")?;
            let project = ProjectId(dsn.project_id());
            return Ok(Self::Database { operator: Box::new(operator), project });
        };
        let base = options.url.as_ref().unwrap_or(dsn.base()).as_str().trim_end_matches('/');
        let client = client()?;
        let list = format!("{base}/api/0/projects/?limit=100");
        let response = client.get(&list).bearer_auth(&token).send().await?.error_for_status()?;
        let projects: Vec<ListedProject> = response.json().await?;
        let id = dsn.project_id().to_string();
        let project = projects.into_iter().find(|project| project.id == id);
        let project = project.context("the token may not read the DSN's project")?;
        let (organization, slug) = (project.organization.slug, project.slug);
        let project = Url::parse(&format!("{base}/api/0/projects/{organization}/{slug}/"))?;
        Ok(Self::Api { client, project, token })
    }

    async fn can_read(&self, event_id: EventId) -> anyhow::Result<bool> {
        match self {
            Self::Api { client, project, token } => {
                let url = project.join(&format!("events/{event_id}/"))?;
                let response = client.get(url).bearer_auth(token).send().await?;
                if response.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(false);
                }
                response.error_for_status()?;
                Ok(true)
            }
            Self::Database { operator, project } => {
                let mut conn = operator.conn().await?;
                let found = events::by_id_in_project(&mut conn, *project, event_id).await?;
                Ok(found.is_some())
            }
        }
    }
}
