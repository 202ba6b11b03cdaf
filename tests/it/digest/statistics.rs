//! What is counted of events.

use chrono::{DurationRound as _, TimeDelta};
use mishap_core::sketch::EXACT;
use mishap_core::tally::{MAX_TAG_VALUES, OTHER_VALUES};
use mishap_testkit::builders::{error_event, event_id, message_event};
use mishap_testkit::{Desk, desk};
use serde_json::{Value, json};

fn event_of(user: usize, shard: usize) -> Value {
    let mut event = message_event("the stock is low");
    event["user"] = json!({ "id": user });
    event["tags"] = json!({ "shard": format!("s{shard}") });
    event
}

async fn put_all(desk: &Desk, events: impl Iterator<Item = Value>) {
    let envelopes: Vec<_> = events.map(|event| desk.envelope_of(&event_id(), &event)).collect();
    desk.put(&envelopes).await;
    desk.digest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_so_many_values_and_the_others_are_counted_together() {
    let desk = Desk::new().await;
    put_all(&desk, (0..60).map(|n| event_of(1, n))).await;
    put_all(&desk, (0..MAX_TAG_VALUES + 30).map(|n| event_of(1, n))).await;
    put_all(&desk, (500..510).map(|n| event_of(1, n))).await;
    let counted = async |condition: &str| {
        let query = "SELECT coalesce(sum(events), 0) FROM issue_tags WHERE key = 'shard'";
        desk.database.number(&format!("{query} AND {condition}")).await
    };
    let values = "SELECT count(*) FROM issue_tags WHERE key = 'shard'";
    let cap = i64::try_from(MAX_TAG_VALUES).unwrap();
    assert_eq!(desk.database.number(values).await, cap + 1);
    // Nothing is lost, what is known goes on counting, and the rest is one number.
    assert_eq!(counted("true").await, 60 + cap + 30 + 10);
    assert_eq!(counted("value = 's7'").await, 2);
    assert_eq!(counted(&format!("value = '{OTHER_VALUES}'")).await, 40);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_counted_once_each_and_estimated_when_they_are_many() {
    let desk = Desk::new().await;
    let people = async || desk.database.number("SELECT people FROM issue_people").await;
    put_all(&desk, (0..100).map(|n| event_of(n % 50, 0))).await;
    assert_eq!(people().await, 50);
    put_all(&desk, (0..100).map(|n| event_of(n, 0))).await;
    assert_eq!(people().await, 100);
    let many = EXACT + 244;
    put_all(&desk, (0..many).map(|n| event_of(n, 0))).await;
    let estimated = people().await;
    let many = i64::try_from(many).unwrap();
    assert!((estimated - many).abs() * 20 < many, "{estimated} instead of {many}");
    put_all(&desk, (0..100).map(|n| event_of(n, 0))).await;
    assert_eq!(people().await, estimated);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_counted_in_the_hour_in_which_they_were_received() {
    let desk = Desk::new().await;
    let hour = desk::now().duration_trunc(TimeDelta::hours(1)).unwrap() - TimeDelta::hours(30);
    let event = error_event("CartError", "the cart is empty");
    let received = [(0, 0), (0, 59 * 60 + 59), (1, 0), (26, 0), (26, 10), (26, 20)];
    for (hours, seconds) in received {
        let time = hour + TimeDelta::hours(hours) + TimeDelta::seconds(seconds);
        desk.put_event_at(&event_id(), &event, time).await;
    }
    desk.digest().await;
    for (table, column) in [("issue_hours", "events"), ("outcomes", "quantity")] {
        let since = hour.to_rfc3339();
        let query = format!(
            "SELECT extract(epoch FROM hour - '{since}')::int / 3600 AS hour, {column} AS events
             FROM {table} ORDER BY 1"
        );
        let counted: Vec<_> = desk.database.rows(&query).await;
        let expected = [(0, 2), (1, 1), (26, 3)];
        assert_eq!(
            counted,
            expected.map(|(hour, events)| json!({ "hour": hour, "events": events }))
        );
    }
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_remembers_when_its_first_event_came() {
    let desk = Desk::new().await;
    let first = desk::now() - TimeDelta::hours(1);
    for minutes in [0, 20] {
        let received = first + TimeDelta::minutes(minutes);
        desk.put_event_at(&event_id(), &message_event("hello"), received).await;
        desk.digest().await;
    }
    let rows = desk.database.rows("SELECT first_event_at FROM projects").await;
    let noted = rows[0]["first_event_at"].as_str().unwrap();
    assert_eq!(noted.parse::<chrono::DateTime<chrono::Utc>>().unwrap(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_of_an_issue_that_was_deleted_are_left_out_and_the_others_are_kept() {
    let desk = Desk::new().await;
    let worker = desk.colleague();
    let mut tickets = Vec::new();
    for kind in ["CartError", "PayError"] {
        let envelope = desk.envelope_of(&event_id(), &error_event(kind, "it failed"));
        tickets.extend(desk.put(&[envelope]).await);
    }
    worker.digest(tickets).await.unwrap();
    desk.database.sql("DELETE FROM issues WHERE number = 1").await;
    desk.fold().await;
    assert_eq!(desk.database.number("SELECT sum(events) FROM issue_hours").await, 1);
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 2)].into());
}
