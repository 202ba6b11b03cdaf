//! What clients are told of the installation before anybody signs in.

use actix_web::web::{Data, Json};
use mishap_storage::accounts::users;

use super::model::settings::SettingsResponse;
use crate::AppState;
use crate::config::Instance;
use crate::error::ApiError;

/// `GET /api/settings/` — what is switched on, and who may come in. The first person always may.
pub(super) async fn show(state: Data<AppState>) -> Result<Json<SettingsResponse>, ApiError> {
    let is_new = !users::exist(&mut *state.pool.get().await?).await?;
    let rules = &state.config.accounts;
    let Instance {
        name,
        environment,
        version,
        time_zone,
        is_paid,
        sentry_dsn,
        sentry_traces_sample_rate,
        plausible_url,
        plausible_domain,
        chatwoot_website_token,
        chatwoot_identity_token: _,
        shows_metrics: _,
    } = state.config.instance.clone();
    Ok(Json(SettingsResponse {
        // None can be set up yet.
        social_apps: Vec::new(),
        billing_enabled: false,
        i_paid_for_glitchtip: is_paid,
        enable_user_registration: rules.is_open || is_new,
        enable_social_apps_user_registration: rules.is_open_for_providers || is_new,
        enable_organization_creation: rules.makes_organizations,
        stripe_public_key: None,
        plausible_url,
        plausible_domain,
        chatwoot_website_token,
        sentry_dsn,
        sentry_traces_sample_rate,
        environment,
        version,
        server_time_zone: time_zone,
        glitchtip_instance_name: name,
    }))
}
