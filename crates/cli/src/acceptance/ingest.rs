//! From an SDK's request to an issue that can be read.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use mishap_core::id::EventId;
use mishap_core::random::{Random as _, SystemRandom};
use mishap_protocol::dsn::{Dsn, PublicKey};
use serde_json::{Value, json};

use super::Scene;
use super::api::expect;
use crate::send::{Sender, id_in, test_event};

/// How often is looked whether something shows.
const POLL: Duration = Duration::from_millis(100);

/// Sends the same error twice, and looks for one issue with two events.
pub(super) async fn check(scene: &mut Scene) -> anyhow::Result<()> {
    let sender = Sender::new(scene.dsn()?)?;
    let mut events = Vec::new();
    for _ in 0..2 {
        let envelope = test_event("An acceptance test");
        let id = EventId(id_in(&envelope).context("the test event has no id")?);
        let acknowledged = sender.send(envelope).await?;
        ensure!(acknowledged == Some(id.to_string()), "the answer names {acknowledged:?}");
        events.push(id);
    }
    let base = format!("projects/{}/{}", scene.organization, scene.project);
    let issue = until(scene, "one issue has two events", async || {
        let issues = scene.api.list(&format!("{base}/issues/")).await?;
        let [issue] = issues.as_slice() else { return Ok(None) };
        Ok((issue["count"] == "2").then(|| issue.clone()))
    });
    let issue = issue.await?;
    expect("the issue's title", &issue["title"], &json!("TestError: An acceptance test"))?;
    expect("the issue's level", &issue["level"], &json!("error"))?;
    for event in events {
        let shown = scene.api.get(&format!("{base}/events/{event}/")).await?;
        expect("the event's issue", &shown["groupID"], &issue["id"])?;
    }
    let organization = format!("organizations/{}/issues/", scene.organization);
    ensure!(scene.api.list(&organization).await?.len() == 1, "the organization lists other issues");
    refuses_strangers(scene).await
}

/// A key that nobody has opens nothing.
async fn refuses_strangers(scene: &Scene) -> anyhow::Result<()> {
    let dsn = scene.dsn()?;
    let key = PublicKey(SystemRandom.uuid());
    let stranger = Dsn::new(dsn.base(), key, dsn.project_id());
    let sent = Sender::new(&stranger)?.send(test_event("A stranger's")).await;
    ensure!(sent.is_err(), "an event with an unknown key was accepted");
    Ok(())
}

/// Waits until something shows.
async fn until(
    scene: &Scene,
    what: &str,
    look: impl AsyncFn() -> anyhow::Result<Option<Value>>,
) -> anyhow::Result<Value> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if began.elapsed() > scene.patience {
            bail!("waited {} s in vain until {what}", scene.patience.as_secs());
        }
        tokio::time::sleep(POLL).await;
    }
}
