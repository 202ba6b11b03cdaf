//! The audit log, and copies of it.

use mishap_testkit::Browser;
use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::{assert_audited, staff, text_of};

/// Writes entries: so many, of a few people, over as many hours.
async fn entries(app: &TestApp, count: i64) {
    app.database
        .sql(&format!(
            "INSERT INTO audit_log (at, actor_id, actor, action, target_kind, target_id, target,
                 organization_id, client_ip, details)
             SELECT '2026-01-01T00:30:00Z'::timestamptz + n * interval '1 hour', n,
                 CASE WHEN n % 2 = 0 THEN 'Ada@example.com' ELSE 'grace@example.com' END,
                 CASE WHEN n % 3 = 0 THEN 'member.update' ELSE 'project.update' END,
                 CASE WHEN n % 3 = 0 THEN 'member' ELSE 'project' END, '{}',
                 format('thing-%s', n % 5), CASE WHEN n % 4 = 0 THEN {} END, '198.51.100.7',
                 '{{\"role\": [\"member\", \"admin\"]}}'
             FROM generate_series(1, {count}) n",
            app.tenant.project, app.tenant.organization,
        ))
        .await;
}

/// How many entries a page shows.
async fn shown(browser: &mut Browser, query: &str) -> usize {
    let page = browser.get(&format!("/admin/audit/?{query}")).await.expect(200);
    page.body.matches("198.51.100.7").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_found_by_who_did_what_to_whom_and_when() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    entries(&app, 40).await;
    for (query, count) in [
        ("", 40),
        ("actor=ADA", 20),
        ("actor=grace%40example.com", 20),
        ("actor=%25", 0),
        ("target=thing-1", 8),
        ("target=thing", 40),
        ("target=hing", 0),
        ("action=member.", 13),
        ("action=member.update", 13),
        ("action=project.update&actor=ada", 14),
        ("organization=shop-org", 10),
        ("organization=nothing", 0),
        ("from=2026-01-02", 17),
        ("until=2026-01-01", 23),
        ("from=2026-01-01&until=2026-01-01", 23),
        ("from=nonsense", 40),
    ] {
        assert_eq!(shown(&mut browser, query).await, count, "{query}");
    }
    let page = browser.get("/admin/audit/?actor=ada&action=project.update").await.expect(200);
    assert!(page.body.contains(&format!("href=\"/admin/projects/{}/\"", app.tenant.project)));
    assert!(text_of(&page).contains("role : member → became admin"));
    // What is gone is not led to.
    app.database.sql("UPDATE projects SET deleted_at = now()").await;
    let page = browser.get("/admin/audit/").await.expect(200);
    assert!(!page.body.contains("/admin/projects/1/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_walked_through_page_by_page() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    entries(&app, 120).await;
    let mut path = "/admin/audit/?actor=ada".to_owned();
    let mut sizes = Vec::new();
    loop {
        let page = browser.get(&path).await.expect(200);
        sizes.push(page.body.matches("198.51.100.7").count());
        let next = page.body.split("<a ").find(|link| link.contains("rel=\"next\""));
        let Some(next) = next else { break };
        let (_, rest) = next.split_once("href=\"").unwrap();
        path = rest.split_once('"').unwrap().0.replace("&amp;", "&");
    }
    assert_eq!(sizes, [50, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_every_entry_that_was_asked_for_in_either_format() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    entries(&app, 1300).await;
    let path = "/admin/audit/export/";
    let copy = browser.post_form(path, &[("format", "ndjson"), ("actor", "ada")]).await.expect(200);
    assert_eq!(copy.header("content-type"), "application/x-ndjson");
    assert_eq!(copy.header("cache-control"), "no-store");
    assert!(copy.header("content-disposition").starts_with("attachment; filename=\"audit-"));
    let lines: Vec<Value> =
        copy.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 650);
    let ids: Vec<_> = lines.iter().map(|line| line["id"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "each once, the newest first");
    let expected = json!({
        "id": 1300,
        "at": "2026-02-24T04:30:00.000000Z",
        "actor": "Ada@example.com",
        "actor_id": 1300,
        "client_ip": "198.51.100.7",
        "action": "project.update",
        "target_kind": "project",
        "target_id": app.tenant.project.to_string(),
        "target": "thing-0",
        "organization_id": app.tenant.organization.0,
        "details": { "role": ["member", "admin"] },
    });
    assert_eq!(lines[0], expected);
    let details = json!({ "actor": "ada", "format": "ndjson" });
    assert_audited(&app, &browser, "audit.export", "", details).await;

    let copy =
        browser.post_form(path, &[("format", "csv"), ("action", "member.")]).await.expect(200);
    assert_eq!(copy.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = copy.body.lines().collect();
    assert_eq!(lines.len(), 1 + 433);
    assert!(lines[0].starts_with("at,actor,actor_id,client_ip,action,"), "{}", lines[0]);
    assert!(lines[1].contains("\"{\"\"role\"\":[\"\"member\"\",\"\"admin\"\"]}\""), "{}", lines[1]);
    // The entry of a copy is in the next one.
    let all = browser.post_form(path, &[("format", "csv"), ("action", "audit.")]).await.expect(200);
    assert_eq!(all.body.lines().count(), 1 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_nothing_and_one_of_no_format() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let path = "/admin/audit/export/";
    let copy = browser
        .post_form(path, &[("format", "csv"), ("organization", "nothing")])
        .await
        .expect(200);
    assert_eq!(copy.body.lines().count(), 1);
    browser.post_form(path, &[("format", "xlsx")]).await.expect(400);
    browser.post_form(path, &[]).await.expect(400);
    assert_eq!(app.database.number("SELECT count(*) FROM audit_log").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_a_copy_are_no_formulas() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    app.database
        .sql(
            "INSERT INTO audit_log (actor, action, target_kind, target_id, target)
             VALUES ('=HYPERLINK(\"http://x\")', 'account.create', 'account', '', '@SUM(1)')",
        )
        .await;
    let fields = [("format", "csv"), ("action", "account.")];
    let copy = browser.post_form("/admin/audit/export/", &fields).await.expect(200);
    assert!(
        copy.body.contains("\"'=HYPERLINK(\"\"http://x\"\")\"")
            && copy.body.contains("\"'@SUM(1)\"")
    );
}
