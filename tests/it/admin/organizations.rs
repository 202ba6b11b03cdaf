//! Organizations.

use mishap_storage::organizations;
use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::{assert_audited, audited, change, send, staff, text_of};

/// An organization's row.
async fn row(app: &TestApp, id: i64) -> Value {
    let query = format!("SELECT * FROM organizations WHERE id = {id}");
    app.database.rows(&query).await.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_found_by_name_and_slug() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let mut conn = app.database.conn().await;
    let gone = organizations::insert(&mut conn, "Gone", &["gone".to_owned()]).await.unwrap();
    organizations::delete(&mut conn, gone.id).await.unwrap();
    organizations::insert(&mut conn, "Research", &["labs".to_owned()]).await.unwrap();
    for (search, shop, research) in
        [("", true, true), ("ESEAR", false, true), ("lab", false, true), ("shop-o", true, false)]
    {
        let page = browser.get(&format!("/admin/organizations/?search={search}")).await.expect(200);
        let found = |name: &str| page.body.contains(&format!("<bdi>{name}</bdi>"));
        assert_eq!((found("shop org"), found("Research")), (shop, research), "{search}");
        assert!(!found("Gone"));
    }
    browser.get(&format!("/admin/organizations/{}/", gone.id)).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_with_an_owner_or_without() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let path = "/admin/organizations/new/";
    let fields = [("name", "Research"), ("owner", "OWNER@shop.example.com")];
    let page = change(&mut browser, path, &fields).await;
    assert!(page.body.contains("Research"));
    let members = "SELECT m.user_id, m.role, m.is_primary_owner FROM members m
        JOIN organizations o ON o.id = m.organization_id WHERE o.slug = 'research'";
    let owner = json!({ "user_id": app.tenant.user.0, "role": 3, "is_primary_owner": true });
    assert_eq!(app.database.rows(members).await, [owner]);
    let details = json!({ "owner": "owner@shop.example.com" });
    assert_audited(&app, &browser, "organization.create", "research", details).await;

    change(&mut browser, path, &[("name", "Empty")]).await;
    assert_audited(&app, &browser, "organization.create", "empty", json!({ "owner": null })).await;

    for (fields, problem) in [
        ([("name", ""), ("owner", "")], "This field is required."),
        ([("name", "X"), ("owner", "nobody@example.com")], "No account has this address."),
    ] {
        let again = browser.post_form(path, &fields).await.expect(422);
        assert!(text_of(&again).contains(problem), "{problem}");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_changed_and_what_changed_is_told() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let id = app.tenant.organization.0;
    let path = format!("/admin/organizations/{id}/edit/");
    let fields = [
        ("name", " The <Shop> "),
        ("slug", "the-shop"),
        ("throttle", "25"),
        ("scrub", "on"),
        ("second_factor", "on"),
        ("retention", "7"),
    ];
    let page = change(&mut browser, &path, &fields).await;
    assert!(page.body.contains("The &lt;Shop&gt;") && page.body.contains("25 % throttled"));
    let now = row(&app, id).await;
    let expected = json!({
        "name": "The <Shop>",
        "slug": "the-shop",
        "is_accepting_events": false,
        "event_throttle_rate": 25,
        "scrub_ip_addresses": true,
        "open_membership": false,
        "require_second_factor": true,
        "retention_days": 7,
    });
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&now[column], value, "{column}");
    }
    let details = json!({
        "name": ["shop org", "The <Shop>"],
        "slug": ["shop-org", "the-shop"],
        "accepting_events": [true, false],
        "throttle": [0, 25],
        "scrub_addresses": [false, true],
        "open_membership": [true, false],
        "require_second_factor": [false, true],
        "retention_days": [null, 7],
    });
    assert_audited(&app, &browser, "organization.update", "shop-org", details).await;
    // What is sent to it is refused now.
    send(&app).await.expect(403);
    // The same again is no change.
    let before = audited(&app).await.len();
    change(&mut browser, &path, &fields).await;
    assert_eq!(audited(&app).await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_organization_is_said_and_nothing_changes() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    app.database.tenant("other").await;
    let id = app.tenant.organization.0;
    let before = row(&app, id).await;
    let path = format!("/admin/organizations/{id}/edit/");
    for (name, slug, throttle, problem) in [
        ("", "shop-org", "0", "This field is required."),
        ("x", "a b", "0", "Letters, digits, dashes and underscores only."),
        ("x", "deleted.1", "0", "Letters, digits, dashes and underscores only."),
        ("x", "other-org", "0", "Another organization has this slug."),
        ("x", "shop-org", "101", "A whole number from 0 to 100."),
        ("x", "shop-org", "-1", "A whole number from 0 to 100."),
        ("x", "shop-org", "many", "A whole number from 0 to 100."),
        ("x", "shop-org", "", "This field is required."),
    ] {
        let fields = [("name", name), ("slug", slug), ("throttle", throttle)];
        let again = browser.post_form(&path, &fields).await.expect(422);
        assert!(text_of(&again).contains(problem), "{name} {slug} {throttle}");
    }
    for days in ["0", "31", "-1", "week"] {
        let fields = [("name", "x"), ("slug", "shop-org"), ("throttle", "0"), ("retention", days)];
        let again = browser.post_form(&path, &fields).await.expect(422);
        assert!(text_of(&again).contains("A whole number from 1 to 30."), "{days}");
        assert!(again.body.contains(&format!("value=\"{days}\"")), "{days} is still there");
    }
    assert_eq!(row(&app, id).await, before);
    assert_eq!(audited(&app).await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_deleted_when_its_slug_was_typed() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let path = format!("/admin/organizations/{}/", app.tenant.organization);
    for typed in ["", "shop", "SHOP-ORG"] {
        let again = browser
            .post_form(&format!("{path}delete/"), &[("confirmation", typed)])
            .await
            .expect(422);
        assert!(text_of(&again).contains("That is not its slug."), "{typed}");
    }
    app.owner().get("/api/0/organizations/shop-org/").await.expect(200);
    let deleted =
        change(&mut browser, &format!("{path}delete/"), &[("confirmation", " shop-org ")]).await;
    assert!(text_of(&deleted).contains("gone from everybody's sight"));
    let details = json!({ "name": "shop org", "projects": 1 });
    assert_audited(&app, &browser, "organization.delete", "shop-org", details).await;
    app.owner().get("/api/0/organizations/shop-org/").await.expect(404);
    browser.get(&path).await.expect(404);
    browser.post_form(&format!("{path}delete/"), &[("confirmation", "shop-org")]).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_and_projects_of_an_organization_are_shown() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let mut conn = app.database.conn().await;
    let team = mishap_storage::teams::insert(&mut conn, app.tenant.organization, "backend").await;
    mishap_storage::teams::add_project(&mut conn, team.unwrap().unwrap(), app.tenant.project)
        .await
        .unwrap();
    let path = format!("/admin/organizations/{}/", app.tenant.organization);
    let teams = browser.get(&format!("{path}teams/")).await.expect(200);
    assert!(text_of(&teams).contains("backend 0 1"));
    let projects = browser.get(&format!("{path}projects/")).await.expect(200);
    assert!(projects.body.contains(&format!("href=\"/admin/projects/{}/\"", app.tenant.project)));
    let project =
        browser.get(&format!("/admin/projects/{}/", app.tenant.project)).await.expect(200);
    assert!(text_of(&project).contains("Teams backend"));
}
