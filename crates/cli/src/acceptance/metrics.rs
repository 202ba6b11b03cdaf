//! The metrics that dashboards, objectives and autoscalers ask for.

use anyhow::ensure;

use super::Scene;

/// Series that must be there once something was received.
const NEEDED: &[&str] = &[
    "django_http_requests_total_by_view_transport_method_total{",
    "django_http_requests_total_by_method_total{",
    "django_http_requests_latency_seconds_by_view_method_bucket{",
    "django_http_responses_total_by_status_total{",
    "glitchtip_ingest_items_total{",
];

/// Looks at the metrics.
pub(super) async fn check(scene: &mut Scene) -> anyhow::Result<()> {
    let metrics = scene.api.text_of("observability/django/").await?;
    for series in NEEDED {
        ensure!(metrics.lines().any(|line| line.starts_with(series)), "there is no {series}…}}");
    }
    Ok(())
}
