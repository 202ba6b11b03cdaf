//! The inbox: what was acknowledged waits here, and its slots take turns.

use std::time::Duration;

use mishap_core::admission::Backlog;
use mishap_core::tally::Tally;
use mishap_storage::inbox::{self, NewEnvelope, Overflowed};
use mishap_testkit::Desk;
use mishap_testkit::builders::{event_id, message_event};
use mishap_testkit::sql::execute;
use uuid::Uuid;

/// One row in each slot.
const ONE_IN_EACH: &str = "INSERT INTO inbox (slot, received, project_id, coding, size, payload)
    SELECT slot, now(), 1, 0, 1, 'x' FROM generate_series(0, 3) AS slot";

async fn used_slots(desk: &Desk) -> i64 {
    let used = "SELECT count(*) FROM generate_series(0, 3) AS slot
        WHERE pg_relation_size(format('inbox_%s', slot)::regclass) > 0";
    desk.database.number(used).await
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_that_are_empty_and_behind_are_truncated() {
    let desk = Desk::new().await;
    desk.database.sql(ONE_IN_EACH).await;
    let mut conn = desk.database.conn().await;
    assert_eq!(inbox::rotate(&mut conn).await.unwrap(), 0);
    assert_eq!(inbox::count(&mut conn).await.unwrap(), 4);
    desk.database.sql("DELETE FROM inbox").await;
    // Writers may still be at the present slot and the one before.
    assert_eq!(inbox::rotate(&mut conn).await.unwrap(), 2);
    assert_eq!(used_slots(&desk).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_somebody_is_using_is_left_for_the_next_time() {
    let desk = Desk::new().await;
    desk.database.sql(ONE_IN_EACH).await;
    desk.database.sql("DELETE FROM inbox").await;
    let mut reader = desk.database.connect().await;
    execute(&mut reader, "BEGIN; SELECT count(*) FROM inbox").await.unwrap();
    let mut conn = desk.database.conn().await;
    assert_eq!(inbox::rotate(&mut conn).await.unwrap(), 0);
    execute(&mut reader, "COMMIT").await.unwrap();
    assert_eq!(inbox::rotate(&mut conn).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_what_was_refused_are_written_together_or_not_at_all() {
    let desk = Desk::new().await;
    let mut refused = Tally::default();
    let category = mishap_protocol::envelope::DataCategory::Error;
    let reason = mishap_core::outcome::Reason::TooLarge;
    refused.count(desk.tenant.project, mishap_testkit::desk::now(), category, reason, 1);
    let good = desk.envelope_of(&event_id(), &message_event("hello"));
    let bad = NewEnvelope { user_agent: Some("\0".to_owned()), ..good.clone() };
    let mut conn = desk.database.conn().await;
    assert!(inbox::accept(&mut conn, &[good.clone(), bad], &refused).await.is_err());
    assert!(inbox::is_empty(&mut conn).await.unwrap());
    desk.fold().await;
    assert!(desk.outcomes().await.is_empty());
    assert_eq!(inbox::accept(&mut conn, &[good], &refused).await.unwrap().len(), 1);
    desk.fold().await;
    assert_eq!(desk.outcomes().await, [("error/too_large".to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_row_is_the_envelope_that_was_accepted() {
    let desk = Desk::new().await;
    let envelope = NewEnvelope {
        coding: inbox::PayloadCoding::Gzip,
        size: 4711,
        skip: vec![0, 3, 65535],
        client_ip: Some("2001:db8::7".parse().unwrap()),
        user_agent: Some("an agent".to_owned()),
        ..desk.envelope(&event_id(), vec![0x1f, 0x8b, 0, 0xff])
    };
    let mut conn = desk.database.conn().await;
    let envelopes = std::slice::from_ref(&envelope);
    let tickets = inbox::accept(&mut conn, envelopes, &Tally::default()).await.unwrap();
    execute(&mut conn, "BEGIN").await.unwrap();
    let row = inbox::claim(&mut conn, &tickets).await.unwrap().remove(0);
    execute(&mut conn, "ROLLBACK").await.unwrap();
    assert_eq!(row.ticket, tickets[0]);
    let expected = NewEnvelope { received: Some(row.received), ..envelope };
    assert_eq!(format!("{:?}", row.envelope), format!("{expected:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_batch_have_an_order() {
    let desk = Desk::new().await;
    let envelopes: Vec<_> =
        (0..50).map(|_| desk.envelope_of(&event_id(), &message_event("hello"))).collect();
    desk.put(&envelopes).await;
    let rows = desk.database.rows("SELECT event_id FROM inbox ORDER BY received").await;
    let stored: Vec<_> =
        rows.iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect();
    let sent: Vec<_> = envelopes.iter().map(|new| new.event_id.unwrap().0.to_string()).collect();
    assert_eq!(stored, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backlog_tells_how_much_waits_and_for_how_long() {
    let desk = Desk::new().await;
    let mut conn = desk.database.conn().await;
    assert_eq!(inbox::backlog(&mut conn).await.unwrap(), Backlog::default());
    let envelope = desk.envelope_of(&event_id(), &message_event("hello"));
    let an_hour_ago = mishap_testkit::desk::now() - chrono::TimeDelta::hours(1);
    desk.put(&[NewEnvelope { received: Some(an_hour_ago), ..envelope.clone() }]).await;
    desk.put(&[envelope.clone(), envelope]).await;
    let backlog = inbox::backlog(&mut conn).await.unwrap();
    assert_eq!(backlog.rows, 3);
    assert!((3600..4200).contains(&backlog.oldest_seconds), "{backlog:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_the_overflow_is_taken_once_however_often_it_is_drained() {
    let desk = Desk::new().await;
    let mut conn = desk.database.conn().await;
    let entry = |n: u128| Overflowed {
        id: Uuid::from_u128(n),
        waited: Duration::from_secs(60),
        envelope: desk.envelope_of(&event_id(), &message_event("hello")),
    };
    let (first, second) = (entry(1), entry(2));
    let taken = inbox::accept_overflow(&mut conn, std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(taken.len(), 1);
    let backlog = inbox::backlog(&mut conn).await.unwrap();
    assert!(backlog.oldest_seconds >= 60, "it was received when it came to the overflow");
    let again = inbox::accept_overflow(&mut conn, &[first, second]).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(inbox::count(&mut conn).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_rows_are_claimed_by_age_and_not_those_of_others() {
    let desk = Desk::new().await;
    let envelope = desk.envelope_of(&event_id(), &message_event("hello"));
    let ago = |seconds| Some(mishap_testkit::desk::now() - chrono::TimeDelta::seconds(seconds));
    for seconds in [600, 500, 400] {
        desk.put(&[NewEnvelope { received: ago(seconds), ..envelope.clone() }]).await;
    }
    let (mut first, mut second) = (desk.database.connect().await, desk.database.connect().await);
    execute(&mut first, "BEGIN").await.unwrap();
    let oldest = inbox::claim_oldest(&mut first, Duration::from_secs(450), 1).await.unwrap();
    assert_eq!(oldest.len(), 1);
    let others = inbox::claim_oldest(&mut second, Duration::from_secs(450), 10).await.unwrap();
    assert_eq!(others.len(), 1);
    assert!(others[0].id > oldest[0].id);
    execute(&mut first, "ROLLBACK").await.unwrap();
}
