//! Projects: made by a team, listed, shared with another team; their keys.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Scene;
use super::api::{column, expect, text};

/// Makes the project of this run, and learns where it takes events.
pub(super) async fn check(scene: &mut Scene) -> anyhow::Result<()> {
    let (api, organization) = (&scene.api, &scene.organization);
    let [first, second] = scene.teams.as_slice() else { anyhow::bail!("there are no two teams") };
    let body = json!({ "name": "Acceptance project", "platform": "python" });
    let made = api.post(&format!("teams/{organization}/{first}/projects/"), &body).await?;
    expect("the project's platform", &made["platform"], &json!("python"))?;
    let slug = text(&made["slug"], "the project's slug")?;
    let listed = api.list(&format!("organizations/{organization}/projects/")).await?;
    ensure!(column(&listed, "slug") == [slug.clone()], "the projects are {listed:?}");

    let team = format!("projects/{organization}/{slug}/teams/{second}/");
    let shared = api.post(&team, &json!({})).await?;
    let teams = teams_of(&shared)?;
    ensure!(teams == [first.as_str(), second.as_str()], "the project's teams are {teams:?}");
    api.delete(&team).await?;
    let listed = api.list(&format!("organizations/{organization}/projects/")).await?;
    let [listed] = listed.as_slice() else { anyhow::bail!("there are {} projects", listed.len()) };
    ensure!(teams_of(listed)? == [first.as_str()], "the project keeps a team that left");
    let shown = api.get(&format!("projects/{organization}/{slug}/")).await?;
    expect("the project's id", &shown["id"], &made["id"])?;

    let keys = format!("projects/{organization}/{slug}/keys/");
    let [key] = <[Value; 1]>::try_from(api.list(&keys).await?)
        .map_err(|keys| anyhow::anyhow!("a new project has {} keys", keys.len()))?;
    let dsn = text(&key["dsn"]["public"], "the DSN")?;
    scene.dsn = Some(dsn.parse().with_context(|| format!("{dsn} is no DSN"))?);
    let extra = api.post(&keys, &json!({ "name": "Extra" })).await?;
    let extra = text(&extra["id"], "the key's id")?;
    api.delete(&format!("{keys}{extra}/")).await?;
    ensure!(api.list(&keys).await?.len() == 1, "a deleted key is still listed");
    scene.project = slug;
    Ok(())
}

fn teams_of(project: &Value) -> anyhow::Result<Vec<&str>> {
    let teams = project["teams"].as_array().context("the project tells no teams")?;
    Ok(teams.iter().filter_map(|team| team["slug"].as_str()).collect())
}
