//! Teams: made, listed, deleted; whoever makes one is in it.

use anyhow::ensure;
use serde_json::json;

use super::Scene;
use super::api::{column, expect};

/// Makes two teams that stay.
pub(super) async fn check(scene: &mut Scene) -> anyhow::Result<()> {
    let (api, organization) = (&scene.api, &scene.organization);
    let path = format!("organizations/{organization}/teams/");
    let teams = ["first-team", "second-team"];
    for slug in teams {
        let made = api.post(&path, &json!({ "slug": slug })).await?;
        expect("the team's slug", &made["slug"], &json!(slug))?;
    }
    api.post(&path, &json!({ "slug": "short-lived" })).await?;
    api.delete(&format!("teams/{organization}/short-lived/")).await?;
    let listed = column(&api.list(&path).await?, "slug");
    ensure!(listed == teams, "the teams are {listed:?}");
    let members = api.list(&format!("teams/{organization}/{}/members/", teams[0])).await?;
    let members = column(&members, "email");
    ensure!(members == [scene.caller.email.clone()], "the members of a new team are {members:?}");
    scene.teams = teams.map(str::to_owned).to_vec();
    Ok(())
}
