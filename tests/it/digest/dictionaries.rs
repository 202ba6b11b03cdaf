//! Compression dictionaries: trained, taken into use, and kept as long as they are needed.

use chrono::Days;
use mishap_boot::shutdown::CancellationToken;
use mishap_outbound::mail::Transport;
use mishap_storage::{bodies, jobs};
use mishap_testkit::builders::event_id;
use mishap_testkit::{Desk, desk, mail_room};
use mishap_worker::jobs::{JobContext, run_due};
use serde_json::{Value, json};

/// An event that is like the others of its project.
fn event(n: usize) -> Value {
    let frames: Vec<Value> = (0..12)
        .map(|frame| {
            json!({
                "function": format!("step_{frame}"),
                "module": "shop.cart.checkout.steps",
                "filename": "shop/cart/checkout/steps.py",
                "context_line": format!("    return total(cart, step={frame})"),
                "lineno": n % 7 + frame,
                "in_app": true,
            })
        })
        .collect();
    json!({
        "platform": "python",
        "exception": { "values": [{
            "type": format!("Error{}", n % 5),
            "value": format!("order {n} failed"),
            "stacktrace": { "frames": frames },
        }]},
    })
}

async fn put(desk: &Desk, numbers: std::ops::Range<usize>) {
    let envelopes: Vec<_> = numbers.map(|n| desk.envelope_of(&event_id(), &event(n))).collect();
    desk.put(&envelopes).await;
    desk.digest().await;
}

async fn run(desk: &Desk, job: &str) {
    let context = JobContext {
        pool: desk.database.pool.clone(),
        redis: None,
        retention_days: 30,
        mail: mail_room(Transport::Nowhere),
        audit_days: 365,
    };
    let mut conn = desk.database.conn().await;
    jobs::push(&mut conn, job, Value::Null).await.unwrap();
    run_due(&context, &CancellationToken::new()).await.unwrap();
    assert_eq!(jobs::count(&mut conn).await.unwrap(), jobs::JobCounts::default());
}

/// A desk with events, and a dictionary trained on them.
async fn trained() -> Desk {
    let desk = Desk::new().await;
    put(&desk, 0..200).await;
    // As if it had been a busy week.
    desk.database.sql("UPDATE outcomes SET quantity = 5000").await;
    run(&desk, "train_dictionaries").await;
    assert_eq!(desk.database.number("SELECT count(*) FROM dictionaries").await, 1);
    desk.forget();
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trained_dictionary_is_taken_into_use_and_older_bodies_are_still_read() {
    let desk = trained().await;
    let before = desk.events().await;
    put(&desk, 200..220).await;
    let after = desk.events().await;
    assert_eq!((before.len(), after.len()), (200, 220));
    assert!(before.iter().all(|event| event.dictionary.is_none()));
    assert_eq!(after[..200], before[..]);
    let fresh = &after[200..];
    assert!(fresh.iter().all(|event| event.dictionary.is_some()));
    let packed = |events: &[mishap_testkit::StoredEvent]| {
        events.iter().map(|event| event.packed).sum::<usize>() / events.len()
    };
    assert!(packed(fresh) * 2 < packed(&before), "{} {}", packed(fresh), packed(&before));
    let value = &fresh[0].body["exception"]["values"][0]["value"];
    assert!(value.as_str().unwrap().starts_with("order 2"), "{value}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_much_traffic_gets_no_dictionary() {
    let desk = Desk::new().await;
    put(&desk, 0..20).await;
    run(&desk, "train_dictionaries").await;
    assert_eq!(desk.database.number("SELECT count(*) FROM dictionaries").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_not_trained_again_before_its_time() {
    let desk = trained().await;
    run(&desk, "train_dictionaries").await;
    let tried =
        "SELECT count(*) FROM projects WHERE dictionary_tried_at > now() - interval '1 day'";
    assert_eq!(desk.database.number(tried).await, 1);
    desk.database.sql("UPDATE projects SET dictionary_tried_at = now() - interval '8 days'").await;
    run(&desk, "train_dictionaries").await;
    assert_eq!(desk.database.number(tried).await, 1);
    // A second one would save nothing over the first.
    assert_eq!(desk.database.number("SELECT count(*) FROM dictionaries").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_dictionary_is_kept_as_long_as_events_may_need_it() {
    let desk = trained().await;
    put(&desk, 200..210).await;
    let mut conn = desk.database.conn().await;
    bodies::put_dictionary(&mut conn, desk.tenant.project, Some(b"another one")).await.unwrap();
    let before = |days| desk::now().checked_sub_days(Days::new(days)).unwrap();
    assert_eq!(bodies::delete_replaced(&mut conn, before(32)).await.unwrap(), 0);
    desk.database.sql("UPDATE dictionaries SET trained_at = now() - interval '40 days'").await;
    assert_eq!(bodies::delete_replaced(&mut conn, before(32)).await.unwrap(), 1);
    // The newest stays, however old.
    assert_eq!(desk.database.number("SELECT count(*) FROM dictionaries").await, 1);
    assert_eq!(bodies::delete_replaced(&mut conn, before(0)).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dictionary_is_trained_on_one_event_of_each_issue_before_a_second() {
    let desk = Desk::new().await;
    put(&desk, 0..40).await;
    let mut conn = desk.database.conn().await;
    let since = desk::now().checked_sub_days(Days::new(1)).unwrap();
    let project = desk.tenant.project;
    // The events are of five issues, by the type of their error.
    let samples = bodies::samples(&mut conn, project, since, 5).await.unwrap();
    let mut types: Vec<Value> = samples
        .iter()
        .map(|(body, _)| serde_json::from_slice(&bodies::unpack(body, None).unwrap()).unwrap())
        .map(|event: Value| event["exception"]["values"][0]["type"].clone())
        .collect();
    types.sort_by_key(Value::to_string);
    types.dedup();
    assert_eq!(types.len(), 5, "{types:?}");
}
