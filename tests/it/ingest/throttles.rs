//! GlitchTip's throttle: a percentage of events to refuse, of a project and of its organization.

use mishap_core::id::EventId;
use mishap_core::quota::Throttle;
use mishap_testkit::TestApp;
use mishap_testkit::builders::{EnvelopeBuilder, event_id, message_event, uuid};

async fn throttled(table: &str, percent: u8) -> TestApp {
    let app = TestApp::start().await;
    app.database.sql(&format!("UPDATE {table} SET event_throttle_rate = {percent}")).await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_throttle_refuses_everything_for_ten_minutes() {
    for table in ["projects", "organizations"] {
        let mut app = throttled(table, 100).await;
        let report = EnvelopeBuilder::of(&event_id()).item("client_report", "{}").build();
        let event = EnvelopeBuilder::of(&event_id()).event(&message_event("hi")).build();
        for body in [event, report] {
            let answer = app.send_envelope(body).await.expect(429);
            assert_eq!(answer.header("retry-after"), "600", "{table}");
            assert_eq!(answer.header("x-sentry-rate-limits"), "", "{table}");
        }
        assert_eq!(app.settled(2).await, ["default throttled 2"], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_refuses_its_share_by_the_event_s_id() {
    let mut app = throttled("projects", 50).await;
    let throttle = Throttle::new(50);
    let (mut kept, mut refused) = (0, 0);
    while kept < 3 || refused < 3 {
        let id = event_id();
        let body = EnvelopeBuilder::of(&id)
            .event(&message_event("hi"))
            .item("attachment", "of the event")
            .build();
        let answer = app.send_envelope(body).await;
        if throttle.refuses(EventId(uuid(&id))) {
            assert_eq!(answer.expect(429).header("retry-after"), "162");
            refused += 1;
        } else {
            answer.expect(200);
            kept += 1;
        }
    }
    let expected = [
        format!("error ok {kept}"),
        format!("error throttled {refused}"),
        format!("attachment ok {kept}"),
        format!("attachment throttled {refused}"),
    ];
    assert_eq!(app.settled(2 * (kept + refused)).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_throttle_refuses_nothing() {
    let mut app = throttled("projects", 0).await;
    for _ in 0..20 {
        let body = EnvelopeBuilder::of(&event_id()).event(&message_event("hi")).build();
        app.send_envelope(body).await.expect(200);
    }
    assert_eq!(app.settled(20).await, ["error ok 20"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_dump_is_accepted_and_forgotten() {
    let mut app = throttled("projects", 100).await;
    app.send_to("minidump", &[], "MDMP and more").await.expect(200);
    assert_eq!(app.settled(1).await, ["default throttled 1"]);
}
