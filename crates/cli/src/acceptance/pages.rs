//! What people see first.

use anyhow::ensure;

use super::Scene;

/// Looks at the page to sign in.
pub(super) async fn check(scene: &mut Scene) -> anyhow::Result<()> {
    let page = scene.api.text("/login").await?;
    ensure!(page.contains("<form"), "/login shows no form");
    Ok(())
}
