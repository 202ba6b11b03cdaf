//! What clients are told of the installation.

use mishap_testkit::{Options, TestApp};
use mishap_web::config::{AccountRules, Instance};
use serde_json::{Value, json};

use super::assert_members;

const SETTINGS: &str = "/api/settings/";

async fn shown(app: &TestApp) -> Value {
    app.anonymous().get(SETTINGS).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_is_told_what_the_installation_is() {
    let app = TestApp::start().await;
    let answer = app.anonymous().get(SETTINGS).await.expect(200);
    let names = [
        "socialApps",
        "billingEnabled",
        "iPaidForGlitchTip",
        "enableUserRegistration",
        "enableSocialAppsUserRegistration",
        "enableOrganizationCreation",
        "stripePublicKey",
        "plausibleUrl",
        "plausibleDomain",
        "chatwootWebsiteToken",
        "sentryDSN",
        "sentryTracesSampleRate",
        "environment",
        "version",
        "serverTimeZone",
        "glitchtipInstanceName",
    ];
    assert_members(&answer, &names);
    let expected = json!({
        "socialApps": [],
        "billingEnabled": false,
        "iPaidForGlitchTip": false,
        "enableUserRegistration": true,
        "enableSocialAppsUserRegistration": true,
        "enableOrganizationCreation": false,
        "stripePublicKey": null,
        "plausibleUrl": null,
        "plausibleDomain": null,
        "chatwootWebsiteToken": null,
        "sentryDSN": null,
        "sentryTracesSampleRate": 0.01,
        "environment": null,
        "version": env!("CARGO_PKG_VERSION"),
        "serverTimeZone": "UTC",
        "glitchtipInstanceName": null,
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(app.anonymous().get("/api/settings").await.expect(200).json(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_said_is_told() {
    let instance = Instance {
        name: Some("Acme".to_owned()),
        environment: Some("production".to_owned()),
        version: "6.2.6".to_owned(),
        time_zone: "Europe/Prague".to_owned(),
        is_paid: true,
        sentry_dsn: Some("https://key@errors.example.com/1".to_owned()),
        sentry_traces_sample_rate: 0.5,
        plausible_url: Some("https://plausible.example.com".to_owned()),
        plausible_domain: Some("errors.example.com".to_owned()),
        chatwoot_website_token: Some("website".to_owned()),
        chatwoot_identity_token: Some("hidden-token".into()),
        shows_metrics: true,
    };
    let accounts = AccountRules { makes_organizations: true, ..AccountRules::default() };
    let app =
        TestApp::start_with(Options { instance: Some(instance), accounts, ..Options::default() })
            .await;
    let shown = shown(&app).await;
    for (member, value) in [
        ("glitchtipInstanceName", json!("Acme")),
        ("environment", json!("production")),
        ("version", json!("6.2.6")),
        ("serverTimeZone", json!("Europe/Prague")),
        ("iPaidForGlitchTip", json!(true)),
        ("sentryDSN", json!("https://key@errors.example.com/1")),
        ("sentryTracesSampleRate", json!(0.5)),
        ("plausibleUrl", json!("https://plausible.example.com")),
        ("plausibleDomain", json!("errors.example.com")),
        ("chatwootWebsiteToken", json!("website")),
        ("enableOrganizationCreation", json!(true)),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
    assert!(!shown.to_string().contains("hidden-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_person_may_always_come_in() {
    let accounts =
        AccountRules { is_open: false, is_open_for_providers: false, ..AccountRules::default() };
    let app = TestApp::start_with(Options { accounts, ..Options::default() }).await;
    let registration = async || {
        let shown = shown(&app).await;
        let members = ["enableUserRegistration", "enableSocialAppsUserRegistration"];
        members.map(|member| shown[member].as_bool().unwrap())
    };
    assert_eq!(registration().await, [false, false]);
    app.database.sql("DELETE FROM users").await;
    assert_eq!(registration().await, [true, true]);
}
