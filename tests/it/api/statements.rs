//! How often a request asks the database: as often for a long list as for a short one.

use std::collections::BTreeMap;

use mishap_testkit::{Line, Options, TestApp, TestDatabase};
use serde_json::Value;

/// Lists of which each is as long as there are things of its kind.
const LISTS: [&str; 11] = [
    "organizations/",
    "organizations/shop-org/members/",
    "organizations/shop-org/teams/",
    "organizations/shop-org/projects/",
    "organizations/shop-org/environments/",
    "projects/",
    "projects/shop-org/shop/environments/",
    "projects/shop-org/shop/keys/",
    "projects/shop-org/shop/teams/",
    "teams/shop-org/team-1/members/",
    "teams/shop-org/team-1/projects/",
];

/// Makes more of everything. The first team has every member and every project.
async fn fill(app: &TestApp, numbers: std::ops::RangeInclusive<u32>) {
    let organization = app.tenant.organization;
    let (project, user) = (app.tenant.project, app.tenant.user);
    let n = format!("generate_series({}, {}) n", numbers.start(), numbers.end());
    let sql = format!(
        "INSERT INTO users (email, name) SELECT format('user-%s@example.com', n), 'User' FROM {n};
         INSERT INTO organizations (name, slug) SELECT format('org %s', n), format('org-%s', n) FROM {n};
         INSERT INTO members (organization_id, user_id, role)
             SELECT id, {user}, 0 FROM organizations ON CONFLICT DO NOTHING;
         INSERT INTO members (organization_id, user_id, role)
             SELECT {organization}, id, 0 FROM users ON CONFLICT DO NOTHING;
         INSERT INTO identities (user_id, provider, uid)
             SELECT id, 'sso', id FROM users ON CONFLICT DO NOTHING;
         INSERT INTO teams (organization_id, slug)
             SELECT {organization}, format('team-%s', n) FROM {n};
         INSERT INTO projects (organization_id, name, slug)
             SELECT {organization}, format('project %s', n), format('project-%s', n) FROM {n};
         INSERT INTO project_keys (project_id, public_key)
             SELECT {project}, gen_random_uuid() FROM {n};
         INSERT INTO team_members (team_id, member_id)
             SELECT t.id, m.id FROM teams t JOIN members m USING (organization_id)
             WHERE t.slug = 'team-1' OR m.user_id = {user} ON CONFLICT DO NOTHING;
         INSERT INTO project_teams (project_id, team_id)
             SELECT p.id, t.id FROM projects p, teams t
             WHERE p.id = {project} OR t.slug = 'team-1' ON CONFLICT DO NOTHING;
         INSERT INTO environments (organization_id, name)
             SELECT {organization}, format('environment %s', n) FROM {n};
         INSERT INTO environment_projects (environment_id, project_id)
             SELECT id, {project} FROM environments ON CONFLICT DO NOTHING"
    );
    app.database.sql(&sql).await;
}

/// How many statements each list takes.
async fn statements(app: &TestApp, line: &Line, limit: usize) -> BTreeMap<&'static str, u64> {
    let mut statements = BTreeMap::new();
    for list in LISTS {
        let path = format!("/api/0/{list}?limit={limit}");
        let before = line.sent_by("web");
        let page = app.owner().get(&path).await.expect(200).json();
        assert_eq!(page.as_array().unwrap().len(), limit, "{list}");
        statements.insert(list, line.sent_by("web") - before);
    }
    let whole = "organizations/shop-org/";
    let before = line.sent_by("web");
    let shown = app.owner().get(&format!("/api/0/{whole}")).await.expect(200).json();
    let length = |member: &str| shown[member].as_array().map_or(0, Vec::<Value>::len);
    assert!(length("projects") > limit && length("teams") > limit);
    statements.insert(whole, line.sent_by("web") - before);
    statements
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_takes_as_many_statements_however_long_it_is() {
    let database = TestDatabase::new().await;
    let line = Line::to(&database.url).await;
    let database = Some(TestDatabase::at(line.url.clone()));
    let app = TestApp::start_with(Options { database, ..Options::default() }).await;
    // The first request notes that the token is used.
    app.owner().get("/api/0/organizations/").await.expect(200);
    fill(&app, 1..=3).await;
    let few = statements(&app, &line, 2).await;
    fill(&app, 4..=300).await;
    let many = statements(&app, &line, 100).await;
    assert_eq!(few, many);
    // Who asks and in what organization are two, the page and its count are two more; and what hangs
    // on its items is asked of all of them at once.
    assert!(many.values().all(|statements| (3..=6).contains(statements)), "{many:?}");
}
