//! The server is there, and knows who asks.

use anyhow::ensure;

use super::Scene;
use super::api::text;

/// What is open to everybody, and who the token is.
pub(super) async fn check(scene: &mut Scene) -> anyhow::Result<()> {
    let api = &scene.api;
    let health = api.text("/_health/").await?;
    ensure!(health == "ok", "/_health/ says {health}");
    api.text("/api/settings/").await?;
    let status = api.status_for_strangers("organizations/").await?;
    ensure!(status == 401, "whoever has no token may list organizations: {status}");
    let me = api.get("users/me/").await?;
    scene.caller.email = text(&me["email"], "the caller's address")?;
    let metrics = api.find("observability/django/").await;
    scene.caller.is_staff = me["isSuperuser"] == true || metrics.is_ok();
    Ok(())
}
