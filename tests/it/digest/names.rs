//! Releases and environments that events name.

use mishap_storage::inbox::NewEnvelope;
use mishap_storage::names::{SeenName, see_environments, see_releases};
use mishap_testkit::builders::{error_event, event_id};
use mishap_testkit::sql::execute;
use mishap_testkit::{Desk, until};
use serde_json::{Value, json};
use tokio::task::JoinSet;

fn event_of(release: &str, environment: &str) -> Value {
    let mut event = error_event("CartError", "the cart is empty");
    event["release"] = json!(release);
    event["environment"] = json!(environment);
    event
}

/// Which project has which name, in a readable form.
async fn linked(desk: &Desk) -> Vec<String> {
    let rows = desk.database.rows(
        "SELECT p.slug || ' ' || n.kind || ' ' || n.name AS link FROM (
             SELECT 'release' AS kind, r.version AS name, project_id
             FROM releases r JOIN release_projects ON release_id = r.id
             UNION ALL
             SELECT 'environment', e.name, project_id
             FROM environments e JOIN environment_projects ON environment_id = e.id
         ) AS n JOIN projects p ON p.id = n.project_id ORDER BY 1",
    );
    rows.await.iter().map(|row| row["link"].as_str().unwrap().to_owned()).collect()
}

/// Another project of the first organization.
async fn second_project(desk: &Desk) -> mishap_core::id::ProjectId {
    desk.database.project(desk.tenant.organization, "till").await.id
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_made_once_and_found_again() {
    let desk = Desk::new().await;
    let till = second_project(&desk).await;
    for _ in 0..2 {
        desk.put_event(&event_of("shop@1", "production")).await;
        desk.put_event(&event_of("shop@2", "production")).await;
        let envelope = desk.envelope_of(&event_id(), &event_of("shop@2", "staging"));
        desk.put(&[NewEnvelope { project: till, ..envelope }]).await;
        desk.digest().await;
        desk.forget();
    }
    assert_eq!(
        linked(&desk).await,
        [
            "shop environment production",
            "shop release shop@1",
            "shop release shop@2",
            "till environment staging",
            "till release shop@2",
        ]
    );
    assert_eq!(desk.database.number("SELECT count(*) FROM releases").await, 2);
    assert_eq!(desk.database.number("SELECT count(*) FROM environments").await, 2);
    desk.assert_all_accounted_for().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_workers_see_first_at_once_belongs_to_both_their_projects() {
    let desk = Desk::new().await;
    let till = second_project(&desk).await;
    let organization = desk.tenant.organization;
    let seen = |project| vec![SeenName { organization, project, name: "new".to_owned() }];
    let mut first = desk.database.connect().await;
    execute(&mut first, "BEGIN").await.unwrap();
    see_releases(&mut first, &seen(desk.tenant.project)).await.unwrap();
    see_environments(&mut first, &seen(desk.tenant.project)).await.unwrap();
    let mut workers = JoinSet::new();
    let (mut second, of_till) = (desk.database.connect().await, seen(till));
    workers.spawn(async move {
        see_releases(&mut second, &of_till).await.unwrap();
        see_environments(&mut second, &of_till).await.unwrap();
    });
    until("the second worker waits for the first", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        desk.database.number(waiting).await == 1
    })
    .await;
    execute(&mut first, "COMMIT").await.unwrap();
    workers.join_all().await;
    let expected =
        ["shop environment new", "shop release new", "till environment new", "till release new"];
    assert_eq!(linked(&desk).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_is_cut_and_kept() {
    let desk = Desk::new().await;
    desk.put_event(&event_of(&"ü".repeat(5000), &"é".repeat(5000))).await;
    desk.digest().await;
    assert_eq!(desk.events().await.len(), 1);
    assert_eq!(linked(&desk).await.len(), 2);
}
