//! Members: invited, given a role, put into a team, removed.

use anyhow::ensure;
use serde_json::json;

use super::Scene;
use super::api::{column, expect, text};

/// Who is invited. `example.com` belongs to nobody (RFC 2606), so nobody gets a mail.
const GUEST: &str = "mishap-acceptance@example.com";

/// Takes a guest through a membership.
pub(super) async fn check(scene: &mut Scene) -> anyhow::Result<()> {
    let (api, organization) = (&scene.api, &scene.organization);
    let members = format!("organizations/{organization}/members/");
    let body = json!({ "email": GUEST, "orgRole": "member", "teamRoles": [], "sendInvite": false });
    let invited = api.post(&members, &body).await?;
    let id = text(&invited["id"], "the member's id")?;
    let listed = column(&api.list(&members).await?, "email");
    let mut expected = vec![GUEST.to_owned(), scene.caller.email.clone()];
    expected.sort();
    ensure!(listed == expected, "the members are {listed:?}");

    let member = format!("{members}{id}/");
    let promoted = api.put(&member, &json!({ "orgRole": "manager", "teamRoles": [] })).await?;
    expect("the member's role", &promoted["role"], &json!("manager"))?;
    let Some(team) = scene.teams.get(1) else { anyhow::bail!("there is no second team") };
    api.post(&format!("{member}teams/{team}/"), &json!({})).await?;
    let in_team =
        column(&api.list(&format!("teams/{organization}/{team}/members/")).await?, "email");
    ensure!(in_team == expected, "the members of the team are {in_team:?}");
    api.delete(&format!("{member}teams/{team}/")).await?;
    api.delete(&member).await?;
    let left = column(&api.list(&members).await?, "email");
    ensure!(left == [scene.caller.email.clone()], "after the guest left, the members are {left:?}");
    Ok(())
}
