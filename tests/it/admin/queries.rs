//! No page asks the database once for each row that it shows.

use mishap_testkit::{Browser, Line, Options, TestApp, TestDatabase};

use super::staff;

/// Makes so many of everything that pages list.
async fn grow(app: &TestApp, from: i64, to: i64) {
    let organization = app.tenant.organization;
    let (project, user) = (app.tenant.project, app.tenant.user);
    let statements = [
        format!(
            "INSERT INTO users (email) SELECT 'u' || n || '@x.co' FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO organizations (name, slug) SELECT 'o' || n, 'o' || n FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO members (organization_id, email, role) SELECT {organization}, 'm' || n || '@x.co', 0 FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO members (organization_id, user_id, role) SELECT o.id, {user}, 0 FROM organizations o WHERE o.id <> {organization} ON CONFLICT DO NOTHING"
        ),
        format!(
            "INSERT INTO teams (organization_id, slug) SELECT {organization}, 't' || n FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO project_teams (project_id, team_id) SELECT {project}, id FROM teams ON CONFLICT DO NOTHING"
        ),
        format!(
            "INSERT INTO projects (organization_id, name, slug) SELECT {organization}, 'p' || n, 'p' || n FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO project_keys (project_id, public_key) SELECT {project}, gen_random_uuid() FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO api_tokens (user_id, token_hash, scopes) SELECT {user}, decode(md5(n::text), 'hex'), 0 FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO user_emails (user_id, email) SELECT {user}, 'e' || n || '@x.co' FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO sessions (key_hash, user_id, expires_at) SELECT decode(md5('s' || n), 'hex'), {user}, now() + interval '1 day' FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO sign_in_providers (slug, kind, name, client_id, client_secret) SELECT 's' || n, 'github', 'x', 'x', 'x' FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO authenticators (user_id, kind, data) SELECT {user}, 3, '{{}}' FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO quotas (scope, scope_id, categories, window_seconds, max_items) SELECT 1, {organization}, 0, n, 5 FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO dead_letters (project_id, received, error, coding, size, payload) SELECT {project}, now(), '', 0, 1, '' FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO jobs (name, payload, is_dead) SELECT 'j' || n, '{{}}', true FROM generate_series({from}, {to}) n"
        ),
        format!(
            "INSERT INTO audit_log (actor, action, target_kind, target_id, target) SELECT 'x', 'account.update', 'account', id::text, email FROM users WHERE id >= {from}"
        ),
    ];
    for statement in statements {
        app.database.sql(&statement).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_many_rows_takes_as_many_statements_as_one_of_few() {
    let own = TestDatabase::new().await;
    let line = Line::to(&own.url).await;
    let database = Some(TestDatabase::at(line.url.clone()));
    let app = TestApp::start_with(Options { database, ..Options::default() }).await;
    let mut browser = staff(&app).await;
    let (organization, project, user) =
        (app.tenant.organization, app.tenant.project, app.tenant.user);
    let pages = [
        "/admin/".to_owned(),
        "/admin/users/".to_owned(),
        format!("/admin/users/{user}/"),
        "/admin/tokens/".to_owned(),
        "/admin/providers/".to_owned(),
        "/admin/organizations/".to_owned(),
        format!("/admin/organizations/{organization}/"),
        format!("/admin/organizations/{organization}/members/"),
        format!("/admin/organizations/{organization}/teams/"),
        format!("/admin/organizations/{organization}/projects/"),
        "/admin/projects/".to_owned(),
        format!("/admin/projects/{project}/"),
        "/admin/quotas/".to_owned(),
        "/admin/dead-letters/".to_owned(),
        "/admin/jobs/".to_owned(),
        "/admin/partitions/".to_owned(),
        "/admin/audit/".to_owned(),
    ];
    grow(&app, 1, 2).await;
    let mut few = Vec::new();
    for page in &pages {
        few.push(statements(&mut browser, &line, page).await);
    }
    grow(&app, 3, 40).await;
    for (page, few) in pages.iter().zip(few) {
        let many = statements(&mut browser, &line, page).await;
        assert_eq!(many, few, "{page}");
        assert!((2..=20).contains(&many), "{page} takes {many} statements");
    }
}

/// How many statements a page takes. The first time on a connection more is asked: types are looked
/// up.
async fn statements(browser: &mut Browser, line: &Line, page: &str) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..8 {
        let before = line.sent_by("web");
        browser.get(page).await.expect(200);
        least = least.min(line.sent_by("web") - before);
    }
    least
}
