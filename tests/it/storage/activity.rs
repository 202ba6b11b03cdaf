//! What a load test asks before and after.

use mishap_core::outcome::Reason;
use mishap_storage::measures::activity::{Fates, activity, fates, settings};
use mishap_storage::partitions;
use mishap_testkit::Desk;
use mishap_testkit::desk::now;

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_project_s_events_leaves_other_projects_out() {
    let desk = Desk::new().await;
    let (organization, project) = (desk.tenant.organization, desk.tenant.project);
    let other = desk.database.project(organization, "other").await.id;
    let hour = now().to_rfc3339();
    let (ok, duplicate) = (Reason::Ok.code(), Reason::Duplicate.code());
    let mut conn = desk.database.conn().await;
    partitions::ensure(&mut conn, &partitions::OUTCOMES, now()).await.unwrap();
    partitions::ensure(&mut conn, &partitions::ATTACHMENTS, now()).await.unwrap();
    // Of the other project ten times as much of everything.
    for (project, times) in [(project, 1), (other, 10)] {
        let text = format!(
            "INSERT INTO issues (organization_id, project_id, number, mechanism, issue_type, level,
                 title, culprit, metadata, first_seen, last_seen, events)
                 SELECT {organization}, {project}, n, 2, 1, 4, 'Error', '', '{{}}', now(), now(),
                     3 * {times} FROM generate_series(1, 2) n;
             INSERT INTO outcomes (project_id, hour, category, reason, quantity)
                 VALUES ({project}, '{hour}', 1, {ok}, 6 * {times}),
                     ({project}, '{hour}', 1, {duplicate}, 2 * {times});
             INSERT INTO attachments (project_id, event_id, received, place, filename, size, body)
                 SELECT {project}, gen_random_uuid(), now(), 0, 'a', 1, 'x'
                 FROM generate_series(1, 3 * {times});
             INSERT INTO dead_letters (project_id, received, error, coding, size, payload)
                 SELECT {project}, now(), 'it hurt', 0, 1, 'x' FROM generate_series(1, 4 * {times});
             INSERT INTO inbox (slot, received, project_id, coding, size, payload)
                 SELECT n % 4, now(), {project}, 0, 1, 'x' FROM generate_series(1, 5 * {times}) n"
        );
        desk.database.sql(&text).await;
    }
    let wanted = Fates { stored: 6, duplicates: 2, attachments: 3, dead: 4, waiting: 5 };
    assert_eq!(fates(&mut conn, project).await.unwrap(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_how_much_it_wrote_and_how_it_is_set() {
    let desk = Desk::new().await;
    let mut conn = desk.database.conn().await;
    let before = activity(&mut conn).await.unwrap();
    desk.database
        .sql("CREATE TABLE much AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        .await;
    let after = activity(&mut conn).await.unwrap();
    assert!(after.wal_bytes > before.wal_bytes, "{before:?} {after:?}");
    assert!(after.transactions >= before.transactions);
    let set = settings(&mut conn).await.unwrap();
    assert_eq!(set.len(), 8, "{set:?}");
    let connections = set.iter().find(|setting| setting.name == "max_connections").unwrap();
    assert!(connections.value.parse::<u32>().unwrap() > 0);
}
