//! Lists of issues.

use mishap_core::id::ProjectId;
use mishap_core::issue::IssueStatus;
use mishap_storage::issues::{IssueFilter, MAX_HITS, list};
use mishap_testkit::{Tenant, TestDatabase};

/// Issues of the shop, several in the same minute and some at the same moment.
async fn seeded(database: &TestDatabase, issues: usize) -> Tenant {
    let shop = database.tenant("shop").await;
    let seed = format!(
        "INSERT INTO issues (organization_id, project_id, number, mechanism, issue_type, level,
             status, title, culprit, metadata, first_seen, last_seen)
         SELECT {}, {}, n, 2, 1, 4, n % 3, 'Error', '', '{{}}', now(),
             now() - n / 2 * interval '7 seconds'
         FROM generate_series(1, {issues}) AS n",
        shop.organization, shop.project
    );
    database.sql(&seed).await;
    shop
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_forth_and_back_show_every_issue_once_and_in_order() {
    let database = TestDatabase::new().await;
    let shop = seeded(&database, 47).await;
    let mut conn = database.conn().await;
    for project in [None, Some(shop.project)] {
        for (status, expected) in [(None, 47), (Some(IssueStatus::Resolved), 16)] {
            let filter = IssueFilter { project, status };
            let (mut forth, mut back) = (Vec::new(), Vec::new());
            let mut cursor = None;
            let last = loop {
                let found = list(&mut conn, shop.organization, &filter, cursor, 5).await.unwrap();
                assert_eq!(found.hits, expected);
                forth.extend(found.page.items.iter().map(|issue| (issue.last_seen, issue.id)));
                match found.page.next {
                    Some(next) => cursor = Some(next),
                    None => break found.page,
                }
            };
            let mut page = last;
            loop {
                let mut items: Vec<_> =
                    page.items.iter().map(|issue| (issue.last_seen, issue.id)).collect();
                items.append(&mut back);
                back = items;
                let Some(previous) = page.previous else {
                    break;
                };
                let found = list(&mut conn, shop.organization, &filter, Some(previous), 5).await;
                page = found.unwrap().page;
            }
            assert_eq!(i64::try_from(forth.len()).unwrap(), expected, "{filter:?}");
            assert!(forth.is_sorted_by(|a, b| a > b), "{filter:?}: {forth:?}");
            assert_eq!(back, forth, "{filter:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hits_are_counted_up_to_a_bound() {
    let database = TestDatabase::new().await;
    let shop = seeded(&database, 1100).await;
    let mut conn = database.conn().await;
    for (status, expected) in [(None, MAX_HITS), (Some(IssueStatus::Resolved), 367)] {
        let filter = IssueFilter { project: None, status };
        let found = list(&mut conn, shop.organization, &filter, None, 10).await.unwrap();
        assert_eq!(found.hits, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_another_organization_shows_and_counts_nothing() {
    let database = TestDatabase::new().await;
    let shop = seeded(&database, 20).await;
    let stranger = database.tenant("stranger").await;
    let mut conn = database.conn().await;
    let own = IssueFilter { project: Some(shop.project), status: None };
    let next = list(&mut conn, shop.organization, &own, None, 5).await.unwrap().page.next;
    assert!(next.is_some());
    for project in [shop.project, ProjectId(4711)] {
        for cursor in [None, next] {
            let filter = IssueFilter { project: Some(project), status: None };
            let found = list(&mut conn, stranger.organization, &filter, cursor, 5).await.unwrap();
            assert_eq!((found.page.items.len(), found.hits), (0, 0), "{project} {cursor:?}");
        }
    }
}
