//! What clients are told of the installation before anybody signs in.

use actix_web::web::{Data, Json};
use futures_util::future::join_all;
use mishap_storage::accounts::users;

use super::model::settings::{SettingsResponse, SocialAppResponse};
use crate::AppState;
use crate::account::provider::{self, Provider};
use crate::config::Instance;
use crate::error::ApiError;

/// `GET /api/settings/` — what is switched on, and who may come in. The first person always may.
pub(super) async fn show(state: Data<AppState>) -> Result<Json<SettingsResponse>, ApiError> {
    let social_apps = social_apps(&state).await?;
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
        social_apps,
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

/// Sign-in providers, by name. One that does not answer soon is shown without its address.
async fn social_apps(state: &AppState) -> Result<Vec<SocialAppResponse>, ApiError> {
    let providers = provider::list(state).await?;
    let shown = async |provider: &Provider| {
        let config = &provider.config;
        let url = state.providers.authorization_endpoint(state, config).await;
        SocialAppResponse {
            scopes: config.asked_scopes().into_iter().map(str::to_owned).collect(),
            authorize_url: url.map(String::from),
            name: config.name.clone(),
            client_id: config.client_id.clone(),
            provider: config.slug.clone(),
        }
    };
    Ok(join_all(providers.iter().map(shown)).await)
}
