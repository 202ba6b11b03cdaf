//! Names that strangers choose stay names.

use mishap_testkit::TestApp;

use super::{change, staff, superuser, text_of, word};

/// What must never become part of a page.
const MARKUP: &str = r#"</title><script>alert("1")</script><img src=x onerror=alert(1)>'&amp;"#;

/// Gives everything that strangers can name this name.
async fn name_everything(app: &TestApp) {
    let quoted = MARKUP.replace('\'', "''");
    let statements = [
        "UPDATE users SET name = '#', email = '#' || id WHERE NOT is_staff",
        "INSERT INTO user_emails (user_id, email) SELECT id, '#' FROM users",
        "INSERT INTO identities (user_id, provider, uid, email) SELECT id, '#', '#' || id, '#' FROM users",
        "INSERT INTO sign_in_providers (slug, kind, name, client_id, client_secret, settings)
             VALUES ('#', 'github', '#', '#', '#', jsonb_build_object('tenant', '#', 'scopes',
                 jsonb_build_array('#'), 'groups_claim', '#', 'roles', jsonb_build_array(
                 jsonb_build_object('group', '#', 'organization', '#', 'role', 'admin'))))",
        "INSERT INTO authenticators (user_id, kind, name, data) SELECT id, 3, '#', '{}' FROM users",
        "INSERT INTO sessions (key_hash, user_id, client_ip, user_agent, expires_at)
             SELECT decode(md5(id::text), 'hex'), id, '#', '#', now() + interval '1 day' FROM users",
        "UPDATE organizations SET name = '#'",
        "INSERT INTO members (organization_id, email, role) SELECT id, '#', 0 FROM organizations",
        "INSERT INTO teams (organization_id, slug) SELECT id, '#' FROM organizations",
        "INSERT INTO project_teams (project_id, team_id) SELECT p.id, t.id FROM projects p, teams t",
        "UPDATE projects SET name = '#', platform = '#'",
        "UPDATE project_keys SET label = '#'",
        "UPDATE api_tokens SET label = '#', hint = '#'",
        "INSERT INTO dead_letters (project_id, received, error, coding, size, payload, client_ip,
             user_agent) SELECT id, now(), '#', 0, 1,
             convert_to('{}' || E'\\n' || '{\"type\":\"attachment\",\"filename\":\"<script>alert(2)\"}'
                 || E'\\nx\\n', 'utf8'), '#', '#' FROM projects",
        "INSERT INTO jobs (name, payload, is_dead, last_error)
             VALUES ('#', jsonb_build_object('to', '#'), true, '#')",
        "INSERT INTO quotas (scope, scope_id, categories, window_seconds, max_items)
             SELECT 1, id, 0, 60, 5 FROM organizations",
        "INSERT INTO audit_log (actor, action, target_kind, target_id, target, client_ip, details)
             VALUES ('#', '#', '#', '1', '#', '#', jsonb_build_object('#', '#', 'x', jsonb_build_array('#', '#')))",
    ];
    for statement in statements {
        app.database.sql(&statement.replace('#', &quoted)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_becomes_markup_on_any_page() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    name_everything(&app).await;
    let number =
        async |table: &str| app.database.number(&format!("SELECT min(id) FROM {table}")).await;
    let (user, organization, project) =
        (app.tenant.user, app.tenant.organization, app.tenant.project);
    let (key, letter) = (number("project_keys").await, number("dead_letters").await);
    let provider = number("sign_in_providers").await;
    let (job, member) = (number("jobs").await, number("members WHERE user_id IS NULL").await);
    let search = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect::<String>();
    let pages = [
        ("/admin/", true),
        ("/admin/users/", true),
        (&format!("/admin/users/?search={search}"), true),
        (
            &format!("/admin/users/?state={search}&staff={search}&cursor={search}&done={search}"),
            true,
        ),
        (&format!("/admin/users/{user}/"), true),
        (&format!("/admin/users/{user}/tokens/new/"), true),
        ("/admin/tokens/", true),
        (&format!("/admin/tokens/?search={search}"), true),
        ("/admin/organizations/", true),
        (&format!("/admin/organizations/?search={search}"), true),
        (&format!("/admin/organizations/{organization}/"), true),
        (&format!("/admin/organizations/{organization}/edit/"), true),
        (&format!("/admin/organizations/{organization}/members/"), true),
        (&format!("/admin/organizations/{organization}/members/{member}/"), true),
        (&format!("/admin/organizations/{organization}/teams/"), true),
        (&format!("/admin/organizations/{organization}/projects/"), true),
        (&format!("/admin/organizations/{organization}/invite/"), true),
        ("/admin/projects/", true),
        (&format!("/admin/projects/{project}/"), true),
        (&format!("/admin/projects/{project}/edit/"), true),
        (&format!("/admin/projects/{project}/keys/new/"), true),
        (&format!("/admin/projects/{project}/keys/{key}/"), true),
        ("/admin/quotas/", true),
        (&format!("/admin/quotas/new/?scope=organization&of={organization}"), true),
        ("/admin/dead-letters/", true),
        (&format!("/admin/dead-letters/{letter}/"), true),
        ("/admin/jobs/", true),
        (&format!("/admin/jobs/{job}/"), true),
        ("/admin/audit/", true),
        (
            &format!(
                "/admin/audit/?actor={search}&target={search}&from={search}&organization={search}"
            ),
            true,
        ),
        ("/admin/providers/", true),
        (&format!("/admin/providers/{provider}/"), true),
        (&format!("/admin/providers/{provider}/edit/"), true),
        ("/admin/partitions/", false),
        ("/admin/configuration/", false),
    ];
    for (path, has_names) in pages {
        let page = browser.get(path).await.expect(200);
        assert_eq!(page.body.contains("&lt;script&gt;alert("), has_names, "{path}");
        for part in ["<script>alert", "<img src=x", "</title><"] {
            // The page's own title ends once.
            let own = usize::from(part == "</title><");
            assert_eq!(page.body.matches(part).count(), own, "{path}: {part}");
        }
        assert_eq!(page.body.matches("<script").count(), 1, "{path} has the one script");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_comes_back_as_text() {
    let app = TestApp::start().await;
    let mut browser = superuser(&app).await;
    let (user, organization) = (app.tenant.user, app.tenant.organization);
    for path in [
        "/admin/users/new/".to_owned(),
        "/admin/organizations/new/".to_owned(),
        format!("/admin/organizations/{organization}/edit/"),
        format!("/admin/organizations/{organization}/invite/"),
        format!("/admin/organizations/{organization}/delete/"),
        format!("/admin/projects/{}/edit/", app.tenant.project),
        format!("/admin/users/{user}/tokens/new/"),
        "/admin/dead-letters/drop/".to_owned(),
        "/admin/providers/new/".to_owned(),
    ] {
        let names = [
            "email",
            "name",
            "owner",
            "slug",
            "throttle",
            "role",
            "roles",
            "kind",
            "client_id",
            "server_url",
            "tenant",
            "scopes",
            "groups_claim",
            "platform",
            "grouping",
            "label",
            "scope",
            "ends",
            "confirmation",
        ];
        let long = MARKUP.repeat(20);
        let fields: Vec<_> = names.iter().map(|name| (*name, long.as_str())).collect();
        let again = browser.post_form(&path, &fields).await.expect(422);
        assert!(
            !again.body.contains("<script>alert") && !again.body.contains("<img src=x"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_no_database_keeps_are_left_out() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let page = browser.get("/admin/users/?search=%00shop%00").await.expect(200);
    assert!(page.body.contains("<bdi>owner@shop.example.com"));
    browser.get("/admin/audit/?actor=%00&target=%ff&organization=%00").await.expect(200);
    let name = format!("a\0b {}", word());
    change(&mut browser, "/admin/organizations/new/", &[("name", &name)]).await;
    browser.get(&format!("/admin/users/?search={}", "x".repeat(4000))).await.expect(200);
    let long = "x".repeat(100_000);
    browser.post_form("/admin/organizations/new/", &[("name", &long)]).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_an_address_shows_one_of_our_sentences_or_nothing() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    for (query, sentence) in [
        ("done=user-activated", Some("The account may be used again.")),
        ("done=letters-dropped&count=1234", Some("dropped for good: 1,234.")),
        ("done=letters-dropped&count=many%20thanks", Some("dropped for good: some.")),
        ("done=hello%20world", None),
        ("notice=hello", None),
    ] {
        let page = browser.get(&format!("/admin/users/?search=x&{query}")).await.expect(200);
        match sentence {
            Some(sentence) => assert!(page.body.contains(sentence), "{query}"),
            None => {
                assert!(!page.body.contains("class=\"notice"), "{query}");
                assert!(!text_of(&page).contains("hello"), "{query}");
            }
        }
        // The theme's form returns to the page without it.
        assert!(page.body.contains("name=\"next\" value=\"/admin/users/?search=x"), "{query}");
        assert!(!page.body.contains("value=\"/admin/users/?search=x&amp;done"), "{query}");
        assert!(page.body.contains(browser.csrf_cookie.as_deref().unwrap()));
    }
}
