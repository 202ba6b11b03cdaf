//! Quotas, and what several processes let in together.

use mishap_core::quota::{Categories, Quota, QuotaKey, QuotaScope, Usage};
use mishap_protocol::envelope::DataCategory;
use mishap_storage::quotas;
use mishap_testkit::TestDatabase;
use tokio::task::JoinSet;

fn key(scope_id: i64, categories: &[DataCategory]) -> QuotaKey {
    QuotaKey {
        scope: QuotaScope::Project,
        scope_id,
        categories: Categories::of(categories),
        window_seconds: 60,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_gives_the_sum_of_all_processes_by_quota_and_window() {
    let database = TestDatabase::new().await;
    let mut processes = JoinSet::new();
    for process in 0..4 {
        let pool = database.pool.clone();
        processes.spawn(async move {
            let mut conn = pool.get().await.unwrap();
            for _ in 0..25 {
                // In another order by each process.
                let mut usage: Vec<_> = (0..8)
                    .map(|n| Usage { key: key(n, &[]), window_start: 600 + n % 2 * 60, used: 3 })
                    .collect();
                usage.rotate_left(process * 2);
                let sums = quotas::exchange(&mut conn, &usage).await.unwrap();
                assert_eq!(sums.len(), 8);
                assert!(sums.iter().all(|sum| sum.used >= 3 && sum.used % 3 == 0));
            }
        });
    }
    processes.join_all().await;
    let mut conn = database.conn().await;
    let asked = [
        Usage { key: key(1, &[]), window_start: 660, used: 0 },
        Usage { key: key(1, &[]), window_start: 600, used: 7 },
        Usage { key: key(1, &[DataCategory::Error]), window_start: 660, used: 1 },
    ];
    let mut sums = quotas::exchange(&mut conn, &asked).await.unwrap();
    sums.sort_by_key(|sum| sum.used);
    assert_eq!(sums, [asked[2], asked[1], Usage { used: 4 * 25 * 3, ..asked[0] }]);
    assert_eq!(quotas::exchange(&mut conn, &[]).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_forgotten_when_they_ended_long_ago() {
    let database = TestDatabase::new().await;
    let now = mishap_testkit::desk::now().timestamp();
    let mut conn = database.conn().await;
    let at = |scope_id, window_start, window_seconds| Usage {
        key: QuotaKey { window_seconds, ..key(scope_id, &[]) },
        window_start,
        used: 1,
    };
    let day = 24 * 3600;
    let (long_ago, lately, long) =
        (at(1, now - day, 60), at(2, now - 120, 60), at(3, now - 20 * day, 30 * 24 * 3600));
    quotas::exchange(&mut conn, &[long_ago, lately, long]).await.unwrap();
    assert_eq!(quotas::purge(&mut conn).await.unwrap(), 1);
    let kept = database.rows("SELECT scope_id FROM quota_usage ORDER BY 1").await;
    assert_eq!(
        kept.iter().map(|row| row["scope_id"].as_i64().unwrap()).collect::<Vec<_>>(),
        [2, 3]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_set_changed_and_removed() {
    let database = TestDatabase::new().await;
    let mut conn = database.conn().await;
    let quota = |limit| Quota { key: key(1, &[DataCategory::Error]), limit };
    quotas::put(&mut conn, &quota(10)).await.unwrap();
    quotas::put(&mut conn, &quota(20)).await.unwrap();
    quotas::put(&mut conn, &Quota { key: key(1, &[]), limit: 5 }).await.unwrap();
    let listed = quotas::list(&mut conn).await.unwrap();
    assert_eq!(listed, [Quota { key: key(1, &[]), limit: 5 }, quota(20)]);
    assert!(quotas::remove(&mut conn, &quota(0).key).await.unwrap());
    assert!(!quotas::remove(&mut conn, &quota(0).key).await.unwrap());
    assert_eq!(quotas::list(&mut conn).await.unwrap().len(), 1);
}
