//! What events make of issues.

use chrono::{TimeDelta, Utc};
use mishap_core::grouping::GroupingMechanism;
use mishap_core::id::IssueId;
use mishap_core::issue::IssueStatus;
use mishap_storage::issues::set_status;
use mishap_testkit::builders::{error_event, event_id, message_event};
use mishap_testkit::{Desk, desk};
use serde_json::{Value, json};

async fn set(desk: &Desk, status: IssueStatus) {
    let issue = IssueId(desk.issues().await[0]["id"].as_i64().unwrap());
    let mut conn = desk.database.conn().await;
    assert!(set_status(&mut conn, issue, status, Some(desk.tenant.user)).await.unwrap());
}

async fn history(desk: &Desk) -> Vec<Value> {
    let rows = "SELECT change, replace(event_id::text, '-', '') AS event, user_id, reason \
                FROM issue_changes ORDER BY id";
    desk.database.rows(rows).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_issue_that_is_seen_again_is_unresolved_and_its_history_says_why() {
    let desk = Desk::new().await;
    let event = error_event("CartError", "the cart is empty");
    let first = desk.put_event(&event).await;
    desk.digest().await;
    set(&desk, IssueStatus::Resolved).await;
    let again = desk.put_event(&event).await;
    desk.digest().await;

    assert_eq!(desk.issues().await[0]["status"], IssueStatus::Unresolved.code());
    let user = desk.tenant.user.0;
    assert_eq!(
        history(&desk).await,
        [
            json!({ "change": 0, "event": first, "user_id": null,
                "reason": "an event with a new grouping hash" }),
            json!({ "change": 2, "event": null, "user_id": user, "reason": "set by hand" }),
            json!({ "change": 1, "event": again, "user_id": null,
                "reason": "an event after the issue was resolved" }),
        ]
    );
    // It is back now: the next events are nothing special.
    desk.put_event(&event).await;
    desk.digest().await;
    assert_eq!(history(&desk).await.len(), 3);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_at_once_are_one_regression() {
    let desk = Desk::new().await;
    let event = error_event("CartError", "the cart is empty");
    desk.put_event(&event).await;
    desk.digest().await;
    set(&desk, IssueStatus::Resolved).await;
    for _ in 0..5 {
        desk.put_event(&event).await;
    }
    desk.digest().await;
    let changes: Vec<_> = history(&desk).await.iter().map(|row| row["change"].clone()).collect();
    assert_eq!(changes, [0, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_does_not_bring_a_resolved_issue_back() {
    let desk = Desk::new().await;
    let envelope = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    desk.put(std::slice::from_ref(&envelope)).await;
    desk.digest().await;
    set(&desk, IssueStatus::Resolved).await;
    desk.put(&[envelope]).await;
    desk.digest().await;
    assert_eq!(desk.issues().await[0]["status"], IssueStatus::Resolved.code());
    assert_eq!(history(&desk).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_issue_stays_ignored_and_still_counts() {
    let desk = Desk::new().await;
    let event = error_event("CartError", "the cart is empty");
    desk.put_event(&event).await;
    desk.digest().await;
    set(&desk, IssueStatus::Ignored).await;
    desk.put_event(&event).await;
    desk.digest().await;
    let issue = &desk.issues().await[0];
    assert_eq!((&issue["status"], &issue["events"]), (&json!(2), &json!(2)));
    assert_eq!(history(&desk).await.len(), 2);
}

/// An error with a culprit, a message and a function of its own.
fn failed_in(function: &str, value: &str) -> Value {
    let mut event = error_event("CartError", value);
    event["transaction"] = json!("/checkout");
    event["exception"]["values"][0]["stacktrace"]["frames"][0]["function"] = json!(function);
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_mechanism_never_splits_an_issue() {
    use GroupingMechanism::{GlitchTip, Stack1};
    let set_mechanism = async |desk: &Desk, mechanism: GroupingMechanism| {
        let code = mechanism.code();
        desk.database.sql(&format!("UPDATE projects SET grouping_mechanism = {code}")).await;
        desk.forget();
    };
    // What is one issue under the first mechanism is two under the second.
    let same_stack = [failed_in("add", "the cart is empty"), failed_in("add", "the cart is full")];
    let same_title =
        [failed_in("add", "the cart is empty"), failed_in("remove", "the cart is empty")];
    for (first, second, events) in
        [(Stack1, GlitchTip, same_stack), (GlitchTip, Stack1, same_title)]
    {
        let fresh = Desk::new().await;
        set_mechanism(&fresh, second).await;
        for event in &events {
            fresh.put_event(event).await;
        }
        fresh.digest().await;
        assert_eq!(fresh.issues().await.len(), 2, "{second} alone");

        let desk = Desk::new().await;
        set_mechanism(&desk, first).await;
        for mechanism in [first, second, first] {
            set_mechanism(&desk, mechanism).await;
            for event in &events {
                desk.put_event(event).await;
                desk.digest().await;
            }
        }
        let issues = desk.issues().await;
        assert_eq!(issues.len(), 1, "{first}, then {second}");
        assert_eq!(issues[0]["events"], 6);
        desk.assert_all_accounted_for().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_and_last_seen_hold_in_whatever_order_events_are_digested() {
    let desk = Desk::new().await;
    let noon = desk::now() - TimeDelta::hours(6);
    let at = |minutes| noon + TimeDelta::minutes(minutes);
    let event = |level: &str| {
        let mut event = message_event("the stock is low");
        event["level"] = json!(level);
        event
    };
    // Batch by batch; the newest of all comes second, the oldest beside a newer one.
    for batch in [&[10][..], &[30, 20], &[5, 25], &[15]] {
        for minutes in batch {
            let level = if *minutes == 30 { "fatal" } else { "info" };
            desk.put_event_at(&event_id(), &event(level), at(*minutes)).await;
        }
        desk.digest().await;
    }
    let issue = &desk.issues().await[0];
    let time = |member: &str| issue[member].as_str().unwrap().parse::<chrono::DateTime<Utc>>();
    assert_eq!(time("first_seen"), Ok(at(5)));
    assert_eq!(time("last_seen"), Ok(at(30)));
    // What the issue is called and how bad it is comes from the newest.
    assert_eq!((&issue["level"], &issue["events"]), (&json!(5), &json!(6)));
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_is_called_what_its_newest_event_is_called() {
    let desk = Desk::new().await;
    let start = desk::now();
    let titles = async || -> Vec<Value> {
        desk.issues().await.into_iter().map(|issue| issue["title"].clone()).collect()
    };
    for (minutes, value, title) in [
        (0, "first", "CartError: first"),
        (10, "newest", "CartError: newest"),
        (5, "late", "CartError: newest"),
    ] {
        let received = start - TimeDelta::hours(1) + TimeDelta::minutes(minutes);
        desk.put_event_at(&event_id(), &failed_in("add", value), received).await;
        desk.digest().await;
        assert_eq!(titles().await, [title]);
    }
}
