//! The process's metrics, for those who can only reach the main port.

use std::sync::{Mutex, PoisonError};

use actix_web::web::{self, Data, ServiceConfig};
use chrono::{DateTime, TimeDelta, Utc};
use mishap_boot::metrics::Family;
use mishap_process::tenants;
use mishap_storage::measures;

use crate::AppState;
use crate::error::ApiError;
use crate::respond::MetricsText;

/// How long what was read of the database counts: scrapers must not cost it a query each.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// What was measured longer ago than this is not printed any more, in hours.
const KEPT_HOURS: i32 = 1;

/// What was last read of what beat measured, and when.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Option<(DateTime<Utc>, Vec<Family>)>>);

impl Remembered {
    /// GlitchTip's gauges, as beat last measured them. Without PostgreSQL, what was known before.
    async fn families(&self, state: &AppState) -> Vec<Family> {
        let now = state.clock.now();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((read, families)) if now - read < FRESH => return families,
            Some(_) | None => {}
        }
        let read = async {
            let mut conn = state.pool.get().await?;
            measures::latest_tenants(&mut conn, KEPT_HOURS).await
        };
        let families = match read.await {
            Ok(latest) => latest.as_ref().map(tenants::families).unwrap_or_default(),
            Err(_away) => known.map(|(_, families)| families).unwrap_or_default(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, families.clone()));
        families
    }
}

/// `GET /api/0/observability/django/` — the metrics, for staff.
pub(super) async fn show(state: Data<AppState>) -> MetricsText {
    let families = state.remembered.families(&state).await;
    MetricsText(state.metrics.render_with(&families))
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
