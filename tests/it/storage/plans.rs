//! Every query that a request or a loop waits for finds its rows through an index.
//!
//! The database itself counts the rows and index entries that a query looks at, so this tests the
//! very functions that the product calls. A scan or a sort of a large table cannot stay within the
//! bounds given here.

use std::time::Duration;

use chrono::TimeDelta;
use mishap_core::clock::{Clock as _, SystemClock};
use mishap_core::id::{EventId, IssueId, MemberId, OrganizationId, ProjectId, UserId};
use mishap_core::issue::IssueStatus;
use mishap_core::page::Cursor;
use mishap_core::secret::TokenHash;
use mishap_protocol::dsn::PublicKey;
use mishap_storage::accounts::{tokens, users};
use mishap_storage::environments::Visibility;
use mishap_storage::events as find;
use mishap_storage::issues::IssueFilter;
use mishap_storage::projects::{TeamFilter, keys, policies};
use mishap_storage::purge::Kept;
use mishap_storage::{
    Conn, bodies, dead_letters, environments, inbox, issues, jobs, members, organizations,
    partitions, projects, purge, teams,
};
use mishap_testkit::sql::{execute, texts};
use mishap_testkit::{TestDatabase, desk};
use uuid::Uuid;

/// Many of everything: organization 1 has 20,000 issues, half of them in its project 1 and 60 in its
/// project 6001, and there are many others.
const SEED: &str = "
    INSERT INTO users (email, name)
        SELECT format('user-%s@example.com', n), 'User' FROM generate_series(1, 3000) n;
    INSERT INTO organizations (name, slug)
        SELECT format('Org %s', n), format('org-%s', n) FROM generate_series(1, 3000) n;
    INSERT INTO members (organization_id, user_id, role)
        SELECT n, n, 0 FROM generate_series(1, 3000) n;
    INSERT INTO api_tokens (user_id, token_hash, scopes)
        SELECT n, decode(lpad(to_hex(n), 64, '0'), 'hex'), 0 FROM generate_series(1, 3000) n;
    INSERT INTO projects (organization_id, name, slug)
        SELECT 1 + (n - 1) / 20, format('Project %s', n), format('project-%s', n)
        FROM generate_series(1, 6000) n;
    INSERT INTO projects (organization_id, name, slug) VALUES (1, 'Small', 'small');
    INSERT INTO project_keys (project_id, public_key)
        SELECT id, lpad(to_hex(id), 32, '0')::uuid FROM projects;
    INSERT INTO issues (organization_id, project_id, number, mechanism, issue_type, level, status,
            title, culprit, metadata, first_seen, last_seen, events)
        SELECT 1 + (n - 1) / 20000, CASE WHEN n % 333 = 0 THEN 6001 WHEN n % 4 < 2 THEN 1 ELSE 2 + n % 19 END, n, 2, 1, 4,
            n % 2, 'Error', '', '{}', now(), now() - n * interval '37 seconds', 1
        FROM generate_series(1, 20000) n;
    INSERT INTO issues (organization_id, project_id, number, mechanism, issue_type, level, title,
            culprit, metadata, first_seen, last_seen, events)
        SELECT 2 + n % 200, 21 + (n % 200) * 20, n, 2, 1, 4, 'Error', '', '{}', now(),
            now() - n * interval '41 seconds', 1
        FROM generate_series(1, 10000) n;
    INSERT INTO issue_people (issue_id, people, sketch) SELECT id, 1, '' FROM issues;
    INSERT INTO issue_hashes (project_id, mechanism, hash, issue_id, decides)
        SELECT project_id, 2, gen_random_uuid(), id, true FROM issues;
    INSERT INTO events (project_id, issue_id, received, event_id, level, body)
        SELECT i.project_id, i.id, now() - day * interval '1 day',
            lpad(to_hex(day * 100000 + i.id), 32, '0')::uuid, 4, ''
        FROM generate_series(0, 9) AS day, issues i WHERE i.id % 3 = 0;
    INSERT INTO teams (organization_id, slug)
        SELECT 1 + n % 3000, format('team-%s', n) FROM generate_series(1, 15000) n;
    INSERT INTO team_members (team_id, member_id)
        SELECT t.id, m.id FROM teams t JOIN members m USING (organization_id);
    INSERT INTO project_teams (project_id, team_id)
        SELECT p.id, t.id FROM projects p JOIN teams t USING (organization_id);
    INSERT INTO environments (organization_id, name)
        SELECT 1 + n % 300, format('environment-%s', n) FROM generate_series(1, 3000) n;
    INSERT INTO environment_projects (environment_id, project_id)
        SELECT e.id, p.id FROM environments e JOIN projects p USING (organization_id);
    INSERT INTO dead_letters (project_id, received, error, coding, size, payload)
        SELECT 1 + n % 20, now(), '', 0, 1, '' FROM generate_series(1, 5000) n;
    INSERT INTO jobs (name, payload, run_at, is_dead)
        SELECT 'job', '{}', now() - n * interval '1 second', n % 2 = 0
        FROM generate_series(1, 5000) n;
    INSERT INTO inbox (slot, received, project_id, coding, size, payload)
        SELECT n % 4, now() - (6000 - n) * interval '1 second', 1, 0, 1, ''
        FROM generate_series(1, 5000) n;
    ANALYZE";

/// Rows of tables and entries of indexes that this session looked at so far.
const LOOKED_AT: &str = "
    SELECT sum(pg_stat_get_xact_tuples_returned(oid))::text AS json FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')";

/// Runs queries and counts what they look at.
struct Meter(Conn);

impl Meter {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let mut conn = database.connect().await;
        for day in 0..10 {
            let time = desk::now() - TimeDelta::days(day);
            partitions::ensure(&mut conn, &partitions::EVENTS, time).await.unwrap();
        }
        execute(&mut conn, SEED).await.unwrap();
        // What is counted is kept until the transaction ends.
        execute(&mut conn, "BEGIN").await.unwrap();
        Self(conn)
    }

    async fn looked_at(&mut self) -> i64 {
        texts(&mut self.0, LOOKED_AT.to_owned()).await.unwrap()[0].parse().unwrap()
    }

    /// Runs a query that may look at this many rows and entries. It runs more than five times, after
    /// which a prepared statement may get one plan for all values.
    async fn check(&mut self, what: &str, most: i64, query: impl AsyncFn(&mut Conn)) {
        for run in 1..=8 {
            let before = self.looked_at().await;
            query(&mut self.0).await;
            let looked_at = self.looked_at().await - before;
            assert!(
                (1..=most).contains(&looked_at),
                "{what}: {looked_at} of at most {most} in run {run}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_of_rows_looked_at_would_show_a_scan() {
    let mut meter = Meter::new().await;
    let before = meter.looked_at().await;
    execute(&mut meter.0, "SELECT sum(events) FROM issues").await.unwrap();
    assert!(meter.looked_at().await - before >= 30_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_issues_look_at_a_page_and_count_a_thousand() {
    let mut meter = Meter::new().await;
    let organization = OrganizationId(1);
    for project in [None, Some(ProjectId(1)), Some(ProjectId(6001))] {
        for status in [None, Some(IssueStatus::Unresolved), Some(IssueStatus::Resolved)] {
            let filter = IssueFilter { project, status };
            let first = issues::list(&mut meter.0, organization, &filter, None, 25).await.unwrap();
            let after = first.page.next.unwrap();
            let second =
                issues::list(&mut meter.0, organization, &filter, Some(after), 25).await.unwrap();
            assert!(second.page.items.len() >= 5);
            let before = Cursor { is_backward: true, ..after };
            for cursor in [None, Some(after), Some(before)] {
                // Half of the issues have each status, and four tables take part.
                let what = format!("{filter:?} {cursor:?}");
                let query = async |conn: &mut Conn| {
                    issues::list(conn, organization, &filter, cursor, 25).await.unwrap();
                };
                meter.check(&what, 2700, query).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_without_looking_at_others() {
    let mut meter = Meter::new().await;
    let issue = IssueId(3000);
    let latest = find::latest(&mut meter.0, issue).await.unwrap().unwrap();
    let (project, id) = (latest.project_id, latest.event_id());
    // Each of ten partitions may be asked once.
    let most = 25;
    meter.check("latest", most, async |conn| drop(find::latest(conn, issue).await.unwrap())).await;
    meter.check("oldest", most, async |conn| drop(find::oldest(conn, issue).await.unwrap())).await;
    meter
        .check("in issue", most, async |conn| {
            assert!(find::by_id_in_issue(conn, project, issue, id).await.unwrap().is_some());
        })
        .await;
    meter
        .check("in project", most, async |conn| {
            assert!(find::by_id_in_project(conn, project, id).await.unwrap().is_some());
            let unknown = EventId(Uuid::from_u128(1 << 100));
            assert!(find::by_id_in_project(conn, project, unknown).await.unwrap().is_none());
        })
        .await;
    meter
        .check("neighbours", most, async |conn| {
            assert!(find::neighbours(conn, &latest).await.unwrap().previous.is_some());
        })
        .await;
    meter
        .check("hashes", most, async |conn| {
            assert_eq!(find::hashes(conn, issue).await.unwrap().len(), 1);
        })
        .await;
    meter
        .check("samples", 1000, async |conn| {
            let since = desk::now() - TimeDelta::days(2);
            assert!(!bodies::samples(conn, project, since, 50).await.unwrap().is_empty());
        })
        .await;
    meter
        .check("issue", 30, async |conn| {
            assert!(issues::find_for_member(conn, issue, UserId(1)).await.unwrap().is_some());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_tenant_is_found_without_looking_at_others() {
    let mut meter = Meter::new().await;
    let (organization, user, project) = (OrganizationId(7), UserId(7), ProjectId(130));
    let key = PublicKey(Uuid::from_u128(130));
    let all = TeamFilter::default();
    meter
        .check("projects", 100, async |conn| {
            let page = projects::list(conn, organization, &all, None, 5).await.unwrap();
            let next = page.next.unwrap();
            projects::list(conn, organization, &all, Some(next), 5).await.unwrap();
        })
        .await;
    meter
        .check("projects of a member", 100, async |conn| {
            let page = projects::list_for_member(conn, user, None, 5).await.unwrap();
            assert_eq!(page.items.len(), 5);
        })
        .await;
    meter
        .check("project", 10, async |conn| {
            assert!(projects::find(conn, organization, "project-130").await.unwrap().is_some());
        })
        .await;
    meter
        .check("keys", 10, async |conn| {
            assert_eq!(keys::list(conn, project, None, 50).await.unwrap().items.len(), 1);
            assert!(keys::find(conn, key).await.unwrap().is_some());
        })
        .await;
    meter
        .check("policy of a key", 30, async |conn| {
            assert_eq!(policies::of_keys(conn, &[(project, key)]).await.unwrap().len(), 1);
        })
        .await;
    meter
        .check("policy of a project", 10, async |conn| {
            assert_eq!(policies::of_projects(conn, &[project]).await.unwrap().len(), 1);
        })
        .await;
    meter
        .check("organizations", 20, async |conn| {
            let page = organizations::list_for_member(conn, user, None, 50).await.unwrap();
            assert_eq!(page.items.len(), 1);
            let found = organizations::find_for_member(conn, "org-7", user).await.unwrap();
            assert!(found.is_some());
        })
        .await;
    meter
        .check("token", 10, async |conn| {
            let mut hash = [0; 32];
            hash[31] = 7;
            assert!(
                tokens::find_owner(conn, TokenHash(hash), SystemClock.now())
                    .await
                    .unwrap()
                    .is_some()
            );
        })
        .await;
    meter
        .check("user", 10, async |conn| {
            let found = users::find_by_email(conn, "USER-7@example.com").await.unwrap();
            assert!(found.is_some());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_teams_and_projects_have_is_found_without_looking_at_others() {
    let mut meter = Meter::new().await;
    let (organization, member, project) = (OrganizationId(7), MemberId(7), ProjectId(130));
    let first = teams::list(&mut meter.0, organization, member, None, 1).await.unwrap();
    let (team, after) = (first.items[0].id, first.next);
    meter
        .check("teams", 60, async |conn| {
            let page = teams::list(conn, organization, member, after, 50).await.unwrap();
            assert_eq!((page.items.len(), page.items[0].members), (4, 1));
        })
        .await;
    meter
        .check("a team", 20, async |conn| {
            let slug = &first.items[0].slug;
            assert!(teams::find(conn, organization, slug, member).await.unwrap().is_some());
        })
        .await;
    meter
        .check("teams of a project", 60, async |conn| {
            let page = teams::list_of_project(conn, organization, project, member, after, 50)
                .await
                .unwrap();
            assert_eq!(page.items.len(), 4);
        })
        .await;
    meter
        .check("what hangs on teams and projects", 250, async |conn| {
            assert_eq!(teams::of_projects(conn, &[project]).await.unwrap()[&project].len(), 5);
            assert_eq!(teams::projects_of(conn, &[team]).await.unwrap()[&team].len(), 20);
            let own = teams::own_projects(conn, UserId(7), &[project]).await.unwrap();
            assert!(own.contains(&project));
        })
        .await;
    meter
        .check("members of a team", 30, async |conn| {
            let page = members::list_of_team(conn, team, None, 50).await.unwrap();
            assert_eq!(page.items.len(), 1);
        })
        .await;
    meter
        .check("projects of a team", 100, async |conn| {
            let page = projects::list_of_team(conn, team, None, 5).await.unwrap();
            assert_eq!(page.items.len(), 5);
        })
        .await;
    meter
        .check("projects by teams", 500, async |conn| {
            let inside = vec![first.items[0].slug.clone()];
            let filter = TeamFilter { inside: inside.clone(), outside: Vec::new() };
            let found = projects::list(conn, organization, &filter, None, 5).await.unwrap();
            assert_eq!(found.items.len(), 5);
            let filter = TeamFilter { inside: Vec::new(), outside: inside };
            assert_eq!(projects::count(conn, organization, &filter).await.unwrap(), 0);
        })
        .await;
    for visibility in [Visibility::All, Visibility::Visible] {
        meter
            .check("environments", 100, async |conn| {
                let page =
                    environments::list(conn, organization, visibility, None, 5).await.unwrap();
                let next = page.next;
                let page =
                    environments::list(conn, organization, visibility, next, 5).await.unwrap();
                assert_eq!(page.items.len(), 5);
            })
            .await;
        meter
            .check("environments of a project", 60, async |conn| {
                let page = environments::list_of_project(conn, project, visibility, None, 5)
                    .await
                    .unwrap();
                assert_eq!(page.items.len(), 5);
            })
            .await;
    }
    meter
        .check("an environment of a project", 10, async |conn| {
            let name = "environment-6";
            let found = environments::find_in_project(conn, organization, project, name).await;
            assert!(found.unwrap().is_some());
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_is_found_without_looking_at_others() {
    let mut meter = Meter::new().await;
    // It has 10,000 issues, and 3,300 of 10,000 events of each day; a step takes 200 and 1,000. What
    // is taken in the same transaction is looked at again.
    let project = ProjectId(1);
    let partitions = partitions::list(&mut meter.0, Kept::Events.table()).await.unwrap();
    execute(&mut meter.0, "UPDATE projects SET deleted_at = now() - interval '1 day' WHERE id = 1")
        .await
        .unwrap();
    meter
        .check("the next project", 10, async |conn| {
            let next = purge::next_project(conn, Duration::from_secs(60)).await.unwrap();
            assert_eq!(next, Some(project));
        })
        .await;
    meter
        .check("events", 8000, async |conn| {
            purge::take_from_partition(conn, Kept::Events, &partitions[0], &[project])
                .await
                .unwrap();
            purge::take_from_partition(conn, Kept::Attachments, &partitions[0], &[project])
                .await
                .unwrap();
        })
        .await;
    meter
        .check("issues", 6000, async |conn| {
            for step in purge::OF_PROJECT {
                purge::take(conn, step, project.0).await.unwrap();
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_found_without_looking_at_all_of_it() {
    let mut meter = Meter::new().await;
    meter
        .check("the oldest of the inbox", 300, async |conn| {
            let oldest = inbox::claim_oldest(conn, Duration::from_secs(5), 100).await.unwrap();
            assert_eq!(oldest.len(), 100);
            assert_eq!(inbox::claim(conn, &oldest[..10]).await.unwrap().len(), 10);
        })
        .await;
    meter
        .check("the backlog", 20, async |conn| {
            assert!(inbox::backlog(conn).await.unwrap().rows >= 5000);
            assert!(!inbox::is_empty(conn).await.unwrap());
        })
        .await;
    meter
        .check("a suspect", 60, async |conn| {
            inbox::suspect_oldest(conn, 1).await.unwrap();
            assert!(inbox::try_suspect(conn).await.unwrap().is_some());
        })
        .await;
    meter
        .check("a job", 20, async |conn| {
            assert!(jobs::lease(conn, Duration::from_secs(60)).await.unwrap().is_some());
        })
        .await;
    meter
        .check("jobs", 120, async |conn| {
            assert_eq!(jobs::list(conn, 50).await.unwrap().len(), 50);
        })
        .await;
    meter
        .check("dead letters", 120, async |conn| {
            assert_eq!(dead_letters::list(conn, 50).await.unwrap().len(), 50);
        })
        .await;
}
