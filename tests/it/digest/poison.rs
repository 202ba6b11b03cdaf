//! What cannot be digested is set aside, and holds nobody up.

use mishap_core::outcome::Reason;
use mishap_protocol::envelope::DataCategory;
use mishap_storage::dead_letters::{self, Selection};
use mishap_storage::inbox::{self, NewEnvelope, PayloadCoding};
use mishap_testkit::Desk;
use mishap_testkit::builders::{error_event, event_id};

/// Makes PostgreSQL refuse issues whose title says so.
const REFUSE: &str = "
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF new.title LIKE '%poison%' THEN RAISE EXCEPTION 'it does not agree with me'; END IF;
        RETURN new;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON issues FOR EACH ROW EXECUTE FUNCTION refuse()";

/// A desk with ten envelopes of which one is poison; its id.
async fn poisoned() -> (Desk, String) {
    let desk = Desk::new().await;
    desk.database.sql(REFUSE).await;
    let poison = event_id();
    let envelopes: Vec<_> = (0..10)
        .map(|n| match n {
            6 => desk.envelope_of(&poison, &error_event("CartError", "poison")),
            _ => desk.envelope_of(&event_id(), &error_event(["Ape", "Bee"][n % 2], "it failed")),
        })
        .collect();
    desk.put(&envelopes).await;
    desk.digest().await;
    (desk, poison)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_envelope_is_found_among_good_ones_and_set_aside_with_its_error() {
    let (desk, poison) = poisoned().await;
    assert_eq!(desk.events().await.len(), 9);
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 9)].into());
    let mut conn = desk.database.conn().await;
    assert!(inbox::is_empty(&mut conn).await.unwrap());
    let letters = dead_letters::list(&mut conn, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].event_id().unwrap().0.simple().to_string(), poison);
    assert!(letters[0].error.contains("it does not agree with me"), "{}", letters[0].error);
    assert_eq!(letters[0].project_id, desk.tenant.project);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_digested_when_its_cause_is_gone() {
    let (desk, poison) = poisoned().await;
    let mut conn = desk.database.conn().await;
    let received = "SELECT extract(epoch FROM received) * 1000000 FROM";
    let arrived = desk.database.number(&format!("{received} dead_letters")).await;
    assert_eq!(dead_letters::retry(&mut conn, &Selection::All).await.unwrap(), 1);
    assert_eq!(dead_letters::count(&mut conn).await.unwrap(), 0);
    desk.assert_all_accounted_for().await;
    desk.digest().await;
    assert_eq!(dead_letters::count(&mut conn).await.unwrap(), 1);

    desk.database.sql("DROP TRIGGER refuse ON issues").await;
    dead_letters::retry(&mut conn, &Selection::All).await.unwrap();
    desk.digest().await;
    assert_eq!(dead_letters::count(&mut conn).await.unwrap(), 0);
    let stored = desk.events().await;
    assert_eq!(stored.len(), 10);
    assert!(stored.iter().any(|event| event.id == poison));
    let of_poison = format!("{received} events WHERE event_id = '{poison}'");
    assert_eq!(desk.database.number(&of_poison).await, arrived);
    assert_eq!(desk.outcomes().await, [("error/ok".to_owned(), 10)].into());
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_counted_when_it_is_dropped() {
    let (desk, _) = poisoned().await;
    let mut conn = desk.database.conn().await;
    let none = Selection::Only(Vec::new());
    let count = |letter: &dead_letters::DroppedLetter, tally: &mut mishap_core::tally::Tally| {
        tally.count(letter.project, letter.received, DataCategory::Error, Reason::Poison, 1);
    };
    assert_eq!(dead_letters::drop(&mut conn, &none, count).await.unwrap(), 0);
    let id = dead_letters::list(&mut conn, 10).await.unwrap()[0].id;
    let dropped = dead_letters::drop(&mut conn, &Selection::Only(vec![id]), count).await.unwrap();
    assert_eq!((dropped, dead_letters::count(&mut conn).await.unwrap()), (1, 0));
    desk.assert_all_accounted_for().await;
    let expected = [("error/ok".to_owned(), 9), ("error/poison".to_owned(), 1)];
    assert_eq!(desk.outcomes().await, expected.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_even_be_opened_is_set_aside() {
    let desk = Desk::new().await;
    let good = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    let no_envelope = desk.envelope(&event_id(), "this is no envelope");
    let lying = NewEnvelope { size: 10, ..good.clone() };
    let unknown = NewEnvelope { coding: PayloadCoding::Other(99), ..good.clone() };
    desk.put(&[no_envelope, good, lying, unknown]).await;
    desk.digest().await;
    assert_eq!(desk.events().await.len(), 1);
    let mut conn = desk.database.conn().await;
    let letters = dead_letters::list(&mut conn, 10).await.unwrap();
    assert_eq!(letters.len(), 3);
    assert_eq!(desk.database.number("SELECT max(coding) FROM dead_letters").await, 99);
    assert!(letters.iter().all(|letter| !letter.error.is_empty()));
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_outlived_several_workers_is_set_aside() {
    let desk = Desk::new().await;
    let envelope = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    let mut conn = desk.database.conn().await;
    desk.put(&[envelope]).await;
    assert_eq!(inbox::suspect_oldest(&mut conn, 100).await.unwrap(), 1);
    // Each of these workers dies of it.
    for attempt in 1..=5 {
        let suspect = inbox::try_suspect(&mut conn).await.unwrap().unwrap();
        assert_eq!(suspect.attempts, attempt);
        // Nobody else takes it in a batch of many meanwhile.
        assert_eq!(desk.colleague().digest_oldest(std::time::Duration::ZERO).await.unwrap(), 0);
    }
    let worker = desk.colleague();
    assert!(worker.digest_suspect().await.unwrap());
    assert!(!worker.digest_suspect().await.unwrap());
    assert_eq!(desk.events().await.len(), 0);
    let letters = dead_letters::list(&mut conn, 10).await.unwrap();
    assert!(letters[0].error.contains("5 attempts"), "{}", letters[0].error);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_that_does_no_harm_is_digested() {
    let desk = Desk::new().await;
    let envelope = desk.envelope_of(&event_id(), &error_event("CartError", "the cart is empty"));
    desk.put(&[envelope]).await;
    let mut conn = desk.database.conn().await;
    inbox::suspect_oldest(&mut conn, 100).await.unwrap();
    assert!(desk.colleague().digest_suspect().await.unwrap());
    assert_eq!(desk.events().await.len(), 1);
    desk.assert_all_accounted_for().await;
}
