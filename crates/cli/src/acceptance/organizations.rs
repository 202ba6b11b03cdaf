//! Organizations: made, listed, renamed.

use anyhow::ensure;
use serde_json::json;

use super::Scene;
use super::api::{expect, text};

/// Makes the organization of this run.
pub(super) async fn check(scene: &mut Scene, name: &str) -> anyhow::Result<()> {
    let api = &scene.api;
    let made = api.post("organizations/", &json!({ "name": name })).await?;
    expect("the organization's name", &made["name"], &json!(name))?;
    let slug = text(&made["slug"], "the organization's slug")?;
    let listed = api.organizations().await?;
    ensure!(listed.iter().any(|it| it.slug == slug), "the organization is not listed");
    let shown = api.get(&format!("organizations/{slug}/")).await?;
    expect("the organization's id", &shown["id"], &made["id"])?;
    let body = json!({ "name": name, "openMembership": false });
    let changed = api.put(&format!("organizations/{slug}/"), &body).await?;
    expect("the organization's name", &changed["name"], &json!(name))?;
    scene.organization = slug;
    Ok(())
}
