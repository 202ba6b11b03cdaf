//! What a project and a key together are allowed.

use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope};
use mishap_protocol::dsn::PublicKey;
use mishap_storage::projects::policies::{of_keys, of_projects};
use mishap_storage::{projects, quotas};
use mishap_testkit::TestDatabase;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_its_own_project_only() {
    let database = TestDatabase::new().await;
    let (shop, till) = (database.tenant("shop").await, database.tenant("till").await);
    let unknown = PublicKey(Uuid::from_u128(7));
    let asked = [
        (shop.project, shop.public_key),
        (till.project, till.public_key),
        (shop.project, till.public_key),
        (till.project, shop.public_key),
        (shop.project, unknown),
    ];
    let mut conn = database.conn().await;
    let found = of_keys(&mut conn, &asked).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[&asked[0]].organization, shop.organization);
    assert_eq!(found[&asked[1]].project, till.project);
    assert!(found.values().all(|policy| policy.accepts && policy.quotas.is_empty()));
    assert!(of_keys(&mut conn, &[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_switches_it_off_nothing_is_accepted() {
    let database = TestDatabase::new().await;
    let shop = database.tenant("shop").await;
    let asked = (shop.project, shop.public_key);
    let mut conn = database.conn().await;
    for (off, on) in [
        ("project_keys SET is_active = false", "project_keys SET is_active = true"),
        ("projects SET deleted_at = now()", "projects SET deleted_at = NULL"),
        (
            "organizations SET is_accepting_events = false",
            "organizations SET is_accepting_events = true",
        ),
    ] {
        database.sql(&format!("UPDATE {off}")).await;
        assert!(!of_keys(&mut conn, &[asked]).await.unwrap()[&asked].accepts, "{off}");
        database.sql(&format!("UPDATE {on}")).await;
        assert!(of_keys(&mut conn, &[asked]).await.unwrap()[&asked].accepts, "{on}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_under_its_own_limit_and_those_above_it_but_nobody_else_s() {
    let database = TestDatabase::new().await;
    let (shop, till) = (database.tenant("shop").await, database.tenant("till").await);
    let mut conn = database.conn().await;
    let categories = Categories::ALL;
    let quota = |scope, scope_id, limit| Quota {
        key: QuotaKey { scope, scope_id, categories, window_seconds: 60 },
        limit,
    };
    let mine = [
        quota(QuotaScope::Instance, 0, 1000),
        quota(QuotaScope::Organization, shop.organization.0, 500),
        quota(QuotaScope::Project, shop.project.0, 100),
    ];
    let theirs = [
        quota(QuotaScope::Organization, till.organization.0, 1),
        quota(QuotaScope::Project, till.project.0, 1),
    ];
    for quota in mine.iter().chain(&theirs) {
        quotas::put(&mut conn, quota).await.unwrap();
    }
    database.sql("UPDATE project_keys SET rate_limit_count = 10, rate_limit_window = 60").await;
    let asked = (shop.project, shop.public_key);
    let policy = of_keys(&mut conn, &[asked]).await.unwrap().remove(&asked).unwrap();
    let limits: Vec<_> = policy.quotas.iter().map(|quota| quota.limit).collect();
    assert_eq!(limits, [1000, 500, 100, 10]);
    assert_eq!(policy.quotas[3].key.scope_id, policy.key.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_leaves_out_projects_that_were_deleted() {
    let database = TestDatabase::new().await;
    let (shop, till) = (database.tenant("shop").await, database.tenant("till").await);
    database.sql("UPDATE projects SET deleted_at = now() WHERE slug = 'till'").await;
    let mut conn = database.conn().await;
    let found = of_projects(&mut conn, &[shop.project, till.project]).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&shop.project]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_found_switched_and_listed_page_by_page() {
    let database = TestDatabase::new().await;
    let shop = database.tenant("shop").await;
    let mut conn = database.conn().await;
    for n in 1..=4 {
        let key = PublicKey(Uuid::from_u128(n));
        projects::keys::insert(&mut conn, shop.project, key, &format!("key {n}")).await.unwrap();
    }
    let mut labels = Vec::new();
    let mut cursor = None;
    loop {
        let page = projects::keys::list(&mut conn, shop.project, cursor, 2).await.unwrap();
        labels.extend(page.items.into_iter().map(|key| key.label));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(labels, ["key 4", "key 3", "key 2", "key 1", "Default"]);
    assert!(projects::keys::set_active(&mut conn, shop.public_key, false).await.unwrap());
    let unknown = PublicKey(Uuid::from_u128(99));
    assert!(!projects::keys::set_active(&mut conn, unknown, false).await.unwrap());
    let first = projects::keys::find_first(&mut conn).await.unwrap().unwrap();
    assert_eq!(first.label, "key 1");
    assert!(projects::keys::find(&mut conn, unknown).await.unwrap().is_none());
}
