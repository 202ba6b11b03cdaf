//! What was deleted goes for good, and nothing else does.

use std::collections::BTreeMap;

use mishap_boot::shutdown::CancellationToken;
use mishap_core::id::ProjectId;
use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope};
use mishap_outbound::mail::Transport;
use mishap_storage::inbox::NewEnvelope;
use mishap_storage::{jobs, organizations, projects, quotas, teams};
use mishap_testkit::builders::{EnvelopeBuilder, error_event, event_id};
use mishap_testkit::{Desk, TestDatabase, mail_room};
use mishap_worker::jobs::{JobContext, run_due};
use serde_json::{Value, json};

/// Lets the job run once.
async fn purge(database: &TestDatabase) {
    let context = JobContext {
        pool: database.pool.clone(),
        redis: None,
        retention_days: 30,
        mail: mail_room(Transport::Nowhere),
        audit_days: 365,
    };
    let mut conn = database.conn().await;
    jobs::push(&mut conn, "purge_deleted", Value::Null).await.unwrap();
    run_due(&context, &CancellationToken::new()).await.unwrap();
    assert_eq!(jobs::list(&mut conn, 10).await.unwrap().len(), 0);
}

/// Lets an hour go by since something was deleted.
async fn wait(database: &TestDatabase) {
    for table in ["projects", "organizations"] {
        let set = format!("UPDATE {table} SET deleted_at = deleted_at - interval '1 hour'");
        database.sql(&set).await;
    }
}

/// An event that leaves something in every table.
async fn put(desk: &Desk, project: ProjectId) {
    let id = event_id();
    let mut event = error_event("Broken", "it failed");
    event["release"] = json!("1.0");
    event["environment"] = json!("prod");
    event["tags"] = json!({ "shelf": "7" });
    event["user"] = json!({ "id": "42" });
    let envelope = EnvelopeBuilder::of(&id).event(&event).item("attachment", "x").build();
    desk.put(&[NewEnvelope { project, ..desk.envelope(&id, envelope) }]).await;
    desk.digest().await;
}

/// An envelope that was given up.
async fn bury(desk: &Desk, project: ProjectId) {
    let id = event_id();
    let envelope = EnvelopeBuilder::of(&id).event(&error_event("Broken", "x")).build();
    desk.put(&[NewEnvelope { project, ..desk.envelope(&id, envelope) }]).await;
    let columns =
        "project_id, received, event_id, coding, size, skip, client_ip, user_agent, payload";
    let moved = format!(
        "WITH gone AS (DELETE FROM inbox RETURNING *)
         INSERT INTO dead_letters (error, {columns}) SELECT 'poison', {columns} FROM gone"
    );
    desk.database.sql(&moved).await;
}

/// Rows of each table that name this number in a column, and rows that belong to no issue.
async fn rows_of(database: &TestDatabase, column: &str, id: i64) -> BTreeMap<String, i64> {
    let query = format!(
        "SELECT c.relname AS name, a.attname AS via FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('{column}', 'issue_id')
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND c.relname NOT IN ('outcomes', 'audit_log')"
    );
    let mut rows = BTreeMap::new();
    for table in database.rows(&query).await {
        let name = table["name"].as_str().unwrap();
        let which = match table["via"].as_str().unwrap() {
            "issue_id" => "issue_id NOT IN (SELECT id FROM issues)".to_owned(),
            column => format!("{column} = {id}"),
        };
        let count = database.number(&format!("SELECT count(*) FROM {name} WHERE {which}")).await;
        if count > 0 {
            *rows.entry(name.to_owned()).or_default() += count;
        }
    }
    rows
}

async fn limit(database: &TestDatabase, scope: QuotaScope, scope_id: i64) {
    let key = QuotaKey { scope, scope_id, categories: Categories::ALL, window_seconds: 60 };
    quotas::put(&mut *database.conn().await, &Quota { key, limit: 1 }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_goes_with_all_that_it_has_and_others_stay() {
    let desk = Desk::new().await;
    let (database, shop) = (&desk.database, desk.tenant.project);
    let till = database.project(desk.tenant.organization, "till").await.id;
    for project in [shop, till] {
        put(&desk, project).await;
        put(&desk, project).await;
        bury(&desk, project).await;
        limit(database, QuotaScope::Project, project.0).await;
    }
    let key = database.number("SELECT id FROM project_keys").await;
    limit(database, QuotaScope::Key, key).await;
    let mut conn = database.conn().await;
    let team = teams::insert(&mut conn, desk.tenant.organization, "team").await.unwrap().unwrap();
    teams::add_project(&mut conn, team, shop).await.unwrap();
    let of_till = rows_of(database, "project_id", till.0).await;
    let before = rows_of(database, "project_id", shop.0).await;
    for table in ["attachments", "dead_letters", "events", "issue_hashes", "issues"] {
        assert!(before.contains_key(table), "{table}: {before:?}");
    }

    assert!(projects::delete(&mut conn, shop).await.unwrap());
    // A worker may still know the project.
    purge(database).await;
    assert_eq!(rows_of(database, "project_id", shop.0).await, before);
    wait(database).await;
    for _ in 0..2 {
        purge(database).await;
        assert_eq!(rows_of(database, "project_id", shop.0).await, BTreeMap::new());
        assert_eq!(rows_of(database, "project_id", till.0).await, of_till);
        let left = "SELECT count(*) FROM projects WHERE deleted_at IS NOT NULL";
        assert_eq!(database.number(left).await, 0);
        let limits = quotas::list(&mut conn).await.unwrap();
        assert_eq!(limits.iter().map(|quota| quota.key.scope_id).collect::<Vec<_>>(), [till.0]);
        // What was in its dead letters ended, and is counted.
        desk.assert_all_accounted_for().await;
        assert_eq!(desk.outcomes().await["error/poison"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn however_much_a_project_has_it_goes_step_by_step() {
    let desk = Desk::new().await;
    let (database, shop) = (&desk.database, desk.tenant.project);
    let till = database.project(desk.tenant.organization, "till").await.id;
    put(&desk, shop).await;
    put(&desk, till).await;
    // More than a step of each.
    let many = format!(
        "INSERT INTO events (project_id, issue_id, received, event_id, level, body)
             SELECT project_id, issue_id, received, gen_random_uuid(), level, body
             FROM events, generate_series(1, 2500) WHERE project_id = {shop};
         INSERT INTO attachments (project_id, event_id, received, place, filename, size, body)
             SELECT project_id, gen_random_uuid(), received, place, filename, size, body
             FROM attachments, generate_series(1, 2500) WHERE project_id = {shop};
         INSERT INTO issues (organization_id, project_id, number, mechanism, issue_type, level,
                 title, culprit, metadata, first_seen, last_seen)
             SELECT organization_id, project_id, 1000 + n, mechanism, issue_type, level, title,
                 culprit, metadata, first_seen, last_seen
             FROM issues, generate_series(1, 500) n WHERE project_id = {shop}"
    );
    database.sql(&many).await;
    let of_till = rows_of(database, "project_id", till.0).await;
    projects::delete(&mut *database.conn().await, shop).await.unwrap();
    wait(database).await;
    purge(database).await;
    assert_eq!(rows_of(database, "project_id", shop.0).await, BTreeMap::new());
    assert_eq!(rows_of(database, "project_id", till.0).await, of_till);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_organization_goes_with_all_that_it_has_and_others_stay() {
    let desk = Desk::new().await;
    let database = &desk.database;
    let other = database.tenant("other").await;
    let shop = desk.tenant.organization;
    for project in [desk.tenant.project, other.project] {
        put(&desk, project).await;
    }
    let mut conn = database.conn().await;
    for organization in [shop, other.organization] {
        teams::insert(&mut conn, organization, "team").await.unwrap();
        limit(database, QuotaScope::Organization, organization.0).await;
    }
    let of_other = rows_of(database, "organization_id", other.organization.0).await;
    for table in ["environments", "issues", "members", "projects", "releases", "teams"] {
        assert!(of_other.contains_key(table), "{table}: {of_other:?}");
    }
    organizations::delete(&mut conn, shop).await.unwrap();
    purge(database).await;
    assert!(!rows_of(database, "organization_id", shop.0).await.is_empty());
    wait(database).await;
    for _ in 0..2 {
        purge(database).await;
        assert_eq!(rows_of(database, "organization_id", shop.0).await, BTreeMap::new());
        assert_eq!(rows_of(database, "project_id", desk.tenant.project.0).await, BTreeMap::new());
        assert_eq!(rows_of(database, "organization_id", other.organization.0).await, of_other);
        assert_eq!(database.number("SELECT count(*) FROM organizations").await, 1);
        let limits = quotas::list(&mut conn).await.unwrap();
        let limits: Vec<_> = limits.iter().map(|quota| quota.key.scope_id).collect();
        assert_eq!(limits, [other.organization.0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_was_deleted_counts_no_more() {
    let database = TestDatabase::new().await;
    let shop = database.tenant("shop").await;
    let other = database.tenant("other").await;
    let mut conn = database.conn().await;
    organizations::delete(&mut conn, other.organization).await.unwrap();
    let only = organizations::find_only(&mut conn).await.unwrap();
    assert_eq!(only.map(|organization| organization.id), Some(shop.organization));
    assert_eq!(mishap_storage::measures::totals(&mut conn).await.unwrap().organizations, 1);
    organizations::delete(&mut conn, shop.organization).await.unwrap();
    assert!(!organizations::exist(&mut conn).await.unwrap());
}
