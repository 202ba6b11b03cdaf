//! Checklist: "timestamp drift". Everything is ordered by when it arrived; what is shown is the
//! client's time, moved by the error of its clock.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use mishap_testkit::TestApp;
use mishap_testkit::builders::{EnvelopeBuilder, event_id};
use serde_json::{Value, json};

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The event as it is stored, and when it was received.
async fn stored(app: &TestApp, header: Value, event: Value) -> (Value, DateTime<Utc>) {
    let id = event_id();
    let mut header = header;
    header["event_id"] = json!(id);
    let body = EnvelopeBuilder::new(&header).event(&event).build();
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    let received = app.shown_event(&id).await["dateReceived"].as_str().unwrap().to_owned();
    (app.stored_event(&id).await, received.parse().unwrap())
}

/// How far the shown time is from a point in time.
#[track_caller]
fn off(event: &Value, from: DateTime<Utc>) -> TimeDelta {
    let shown: DateTime<Utc> = event["datetime"].as_str().unwrap().parse().unwrap();
    (shown - from).abs()
}

fn kinds(event: &Value) -> Vec<&str> {
    let errors = event["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["type"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_time_is_understood() {
    let app = TestApp::start().await;
    let time = app.now() - TimeDelta::hours(2);
    let time = DateTime::from_timestamp(time.timestamp(), 0).unwrap();
    let seconds = time.timestamp();
    for spelling in [
        json!(seconds),
        json!(seconds as f64),
        json!(seconds * 1000),
        json!(seconds.to_string()),
        json!(text(time)),
        json!(time.format("%Y-%m-%dT%H:%M:%S").to_string()),
        json!(time.format("%Y-%m-%d %H:%M:%S").to_string()),
        json!(time.format("%Y-%m-%dT%H:%M:%S.123456789Z").to_string()),
        json!((time + TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%S+01:00").to_string()),
    ] {
        let event = json!({ "timestamp": spelling });
        let (event, _) = stored(&app, json!({}), event).await;
        assert!(off(&event, time) < TimeDelta::seconds(1), "{spelling}: {event}");
        assert!(kinds(&event).is_empty(), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_invalid_time_is_when_the_event_arrived() {
    let app = TestApp::start().await;
    for (said, errors) in [
        (json!(null), vec![]),
        (json!("yesterday"), vec!["invalid_data"]),
        (json!([1]), vec!["invalid_data"]),
        (json!(true), vec!["invalid_data"]),
    ] {
        let (event, received) = stored(&app, json!({}), json!({ "timestamp": said })).await;
        assert!(off(&event, received) < TimeDelta::milliseconds(2), "{said}: {event}");
        assert_eq!(kinds(&event), errors, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_of_a_client_s_clock_is_taken_out() {
    let app = TestApp::start().await;
    for hours in [-5, 5] {
        let wrong_now = app.now() + TimeDelta::hours(hours);
        let happened = wrong_now - TimeDelta::seconds(30);
        let event = json!({ "timestamp": text(happened), "breadcrumbs": [
            { "timestamp": text(happened), "message": "before" }] });
        let header = json!({ "sent_at": text(wrong_now) });
        let (event, received) = stored(&app, header, event).await;
        let expected = received - TimeDelta::seconds(30);
        assert!(off(&event, expected) < TimeDelta::seconds(1), "{event}");
        assert_eq!(kinds(&event), ["clock_drift"]);
        let crumb = event["breadcrumbs"]["values"][0]["timestamp"].as_str().unwrap();
        let crumb: DateTime<Utc> = crumb.parse().unwrap();
        assert!((crumb - expected).abs() < TimeDelta::seconds(1), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_error_of_a_clock_is_left_alone() {
    let app = TestApp::start().await;
    let wrong_now = app.now() - TimeDelta::seconds(40);
    let event = json!({ "timestamp": text(wrong_now) });
    let (event, _) = stored(&app, json!({ "sent_at": text(wrong_now) }), event).await;
    assert!(off(&event, wrong_now) < TimeDelta::seconds(1), "{event}");
    assert!(kinds(&event).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_from_the_future_is_from_now() {
    let app = TestApp::start().await;
    let event = json!({ "timestamp": text(app.now() + TimeDelta::days(2)) });
    let (event, received) = stored(&app, json!({}), event).await;
    assert!(off(&event, received) < TimeDelta::milliseconds(2), "{event}");
    assert_eq!(kinds(&event), ["future_timestamp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_event_of_an_offline_device_keeps_its_time() {
    let app = TestApp::start().await;
    let happened = app.now() - TimeDelta::days(45);
    let header = json!({ "sent_at": text(app.now()) });
    let (event, _) = stored(&app, header, json!({ "timestamp": text(happened) })).await;
    assert!(off(&event, happened) < TimeDelta::milliseconds(2), "{event}");
    assert!(kinds(&event).is_empty(), "{event}");
}
