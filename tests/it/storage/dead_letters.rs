//! Dead letters as an operator sees them.

use mishap_storage::dead_letters::{Poison, Selection, bury, count, drop, list, retry};
use mishap_storage::inbox::{self, NewEnvelope};
use mishap_testkit::Desk;
use mishap_testkit::builders::{event_id, message_event};
use mishap_testkit::sql::execute;

/// Buries three envelopes; the ids that their clients were answered.
async fn buried(desk: &Desk) -> Vec<String> {
    let ids: Vec<String> = (0..3).map(|_| event_id()).collect();
    let envelopes: Vec<_> = ids
        .iter()
        .map(|id| NewEnvelope {
            skip: vec![1, 2],
            user_agent: Some("agent".to_owned()),
            ..desk.envelope_of(id, &message_event("hello"))
        })
        .collect();
    let tickets = desk.put(&envelopes).await;
    let mut conn = desk.database.conn().await;
    execute(&mut conn, "BEGIN").await.unwrap();
    let rows = inbox::claim(&mut conn, &tickets).await.unwrap();
    let error = "bad \0 luck, ".repeat(2000);
    let poison: Vec<_> = rows.into_iter().map(|row| Poison { row, error: error.clone() }).collect();
    bury(&mut conn, &poison).await.unwrap();
    execute(&mut conn, "COMMIT").await.unwrap();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_are_listed_first_with_a_bounded_error() {
    let desk = Desk::new().await;
    let ids = buried(&desk).await;
    let mut conn = desk.database.conn().await;
    assert!(inbox::is_empty(&mut conn).await.unwrap());
    assert_eq!(count(&mut conn).await.unwrap(), 3);
    let letters = list(&mut conn, 2).await.unwrap();
    let listed: Vec<_> =
        letters.iter().map(|letter| letter.event_id().unwrap().0.simple().to_string()).collect();
    assert_eq!(listed, [ids[2].clone(), ids[1].clone()]);
    for letter in letters {
        assert!(letter.error.starts_with("bad  luck"), "{}", letter.error);
        assert!(letter.error.chars().count() <= 4000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retried_is_what_was_received() {
    let desk = Desk::new().await;
    buried(&desk).await;
    let columns =
        "received, project_id, event_id, coding, size, skip, client_ip, user_agent, payload";
    let letters = format!("SELECT {columns} FROM dead_letters ORDER BY event_id");
    let letters = desk.database.rows(&letters).await;
    let mut conn = desk.database.conn().await;
    let id = list(&mut conn, 10).await.unwrap()[1].id;
    assert_eq!(retry(&mut conn, &Selection::Only(vec![id])).await.unwrap(), 1);
    assert_eq!(retry(&mut conn, &Selection::Only(vec![id])).await.unwrap(), 0);
    assert_eq!(retry(&mut conn, &Selection::All).await.unwrap(), 2);
    assert_eq!(count(&mut conn).await.unwrap(), 0);
    let rows = format!("SELECT {columns} FROM inbox ORDER BY event_id");
    assert_eq!(desk.database.rows(&rows).await, letters);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_chosen_is_dropped() {
    let desk = Desk::new().await;
    buried(&desk).await;
    let mut conn = desk.database.conn().await;
    let id = list(&mut conn, 10).await.unwrap()[1].id;
    let seen = std::sync::Mutex::new(Vec::new());
    let note = |letter: &mishap_storage::dead_letters::DroppedLetter,
                _: &mut mishap_core::tally::Tally| {
        seen.lock().unwrap().push((letter.skip.clone(), letter.payload.len()));
    };
    assert_eq!(drop(&mut conn, &Selection::Only(vec![id]), note).await.unwrap(), 1);
    assert_eq!(drop(&mut conn, &Selection::All, note).await.unwrap(), 2);
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|(skip, bytes)| *skip == [1, 2] && *bytes > 0), "{seen:?}");
    assert_eq!(seen.len(), 3);
}
