//! The process's metrics, for those who can only reach the main port.

use actix_web::web::{self, Data, ServiceConfig};

use crate::AppState;
use crate::error::ApiError;
use crate::respond::MetricsText;

/// `GET /api/0/observability/django/` — the metrics, for staff.
pub(super) async fn show(state: Data<AppState>) -> MetricsText {
    MetricsText(state.metrics.render())
}

/// `GET /metrics` — the same, for whoever asks, if the operator wants it so.
async fn show_to_everybody(state: Data<AppState>) -> Result<MetricsText, ApiError> {
    match state.config.instance.shows_metrics {
        true => Ok(show(state).await),
        false => Err(ApiError::NotFound),
    }
}

/// Routes what is not below the API's prefix; its name is that of django-prometheus.
pub(super) fn routes(config: &mut ServiceConfig) {
    let metrics = web::resource(["/metrics", "/metrics/"]).name("prometheus-django-metrics");
    config.service(metrics.route(web::get().to(show_to_everybody)));
}
