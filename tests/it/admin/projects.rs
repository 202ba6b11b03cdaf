//! Projects and their keys.

use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::{assert_audited, audited, change, send, staff, text_of};

async fn row(app: &TestApp) -> Value {
    let query = format!("SELECT * FROM projects WHERE id = {}", app.tenant.project);
    app.database.rows(&query).await.pop().unwrap()
}

fn path(app: &TestApp) -> String {
    format!("/admin/projects/{}/", app.tenant.project)
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_found_by_name_slug_and_number() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let other = app.database.tenant("other").await;
    for (search, shop, second) in [
        (String::new(), true, true),
        ("SHO".to_owned(), true, false),
        (other.project.to_string(), false, true),
        ("nothing".to_owned(), false, false),
    ] {
        let page = browser.get(&format!("/admin/projects/?search={search}")).await.expect(200);
        let found = |name: &str| page.body.contains(&format!("<bdi>{name}</bdi>"));
        assert_eq!((found("shop"), found("other")), (shop, second), "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_shows_how_much_it_has_and_how_long_it_is_kept() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    send(&app).await.expect(200);
    app.digest().await;
    let page = text_of(&browser.get(&path(&app)).await.expect(200));
    for text in [
        "Events stored, 30 days 1",
        "Issues so far 1",
        "Keeps events for not set here",
        "Grouping stack-1",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let whole = browser.get(&format!("/admin/organizations/{}/", app.tenant.organization)).await;
    assert!(text_of(&whole).contains("Events stored, 30 days 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_changed_and_what_changed_is_told() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let form = format!("{}edit/", path(&app));
    let fields = [
        ("name", "Web"),
        ("slug", "web"),
        ("platform", ""),
        ("throttle", "100"),
        ("grouping", "glitchtip"),
        ("retention", "30"),
    ];
    change(&mut browser, &form, &fields).await;
    let now = row(&app).await;
    let expected = json!({
        "name": "Web",
        "slug": "web",
        "platform": null,
        "event_throttle_rate": 100,
        "scrub_ip_addresses": false,
        "grouping_mechanism": 1,
        "retention_days": 30,
    });
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&now[column], value, "{column}");
    }
    let details = json!({
        "name": ["shop", "Web"],
        "slug": ["shop", "web"],
        "platform": ["python", null],
        "throttle": [0, 100],
        "scrub_addresses": [true, false],
        "grouping": ["stack-1", "glitchtip"],
        "retention_days": [null, 30],
    });
    assert_audited(&app, &browser, "project.update", "shop", details).await;
    let before = audited(&app).await.len();
    change(&mut browser, &form, &fields).await;
    assert_eq!(audited(&app).await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_project_is_said_and_nothing_changes() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    app.database.project(app.tenant.organization, "taken").await;
    let before = row(&app).await;
    let long = "x".repeat(65);
    for (name, slug, grouping, problem) in [
        ("", "shop", "stack-1", "This field is required."),
        (long.as_str(), "shop", "stack-1", "At most 64 characters."),
        ("x", "taken", "stack-1", "Another project of this organization has this slug."),
        ("x", "deleted.7", "stack-1", "Letters, digits, dashes and underscores only."),
        ("x", "shop", "stack-0", "Choose one of these."),
    ] {
        let fields = [("name", name), ("slug", slug), ("throttle", "0"), ("grouping", grouping)];
        let again = browser.post_form(&format!("{}edit/", path(&app)), &fields).await.expect(422);
        assert!(text_of(&again).contains(problem), "{problem}");
    }
    assert_eq!(row(&app).await, before);
    assert_eq!(audited(&app).await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_deleted_when_its_slug_was_typed() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let form = format!("{}delete/", path(&app));
    let again = browser.post_form(&form, &[("confirmation", "shops")]).await.expect(422);
    assert!(text_of(&again).contains("That is not its slug."));
    app.owner().get("/api/0/projects/shop-org/shop/").await.expect(200);
    change(&mut browser, &form, &[("confirmation", "shop")]).await;
    assert_audited(&app, &browser, "project.delete", "shop", json!({ "name": "shop" })).await;
    app.owner().get("/api/0/projects/shop-org/shop/").await.expect(404);
    browser.get(&path(&app)).await.expect(404);
    // The slug is free again.
    app.database.project(app.tenant.organization, "shop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_changed_and_deleted() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let keys = format!("{}keys/", path(&app));
    let fields = [("label", "Mobile"), ("active", "on"), ("count", "60"), ("window", "3600")];
    let page = change(&mut browser, &format!("{keys}new/"), &fields).await;
    let text = text_of(&page);
    assert!(text.contains("60 in an hour") && text.contains("@mishap.test/"), "{text}");
    let details = json!({ "active": true, "rate_limit": [60, 3600] });
    assert_audited(&app, &browser, "key.create", "Mobile", details).await;

    let columns = "label, is_active, rate_limit_count, rate_limit_window";
    let newest = format!("SELECT {columns} FROM project_keys ORDER BY id DESC LIMIT 1");
    let id = app.database.number("SELECT max(id) FROM project_keys").await;
    change(&mut browser, &format!("{keys}{id}/"), &[("label", "Phones")]).await;
    let expected = json!({
        "label": "Phones", "is_active": false, "rate_limit_count": null, "rate_limit_window": null,
    });
    assert_eq!(app.database.rows(&newest).await, [expected]);
    let details = json!({
        "label": ["Mobile", "Phones"], "active": [true, false], "rate_limit": [[60, 3600], null],
    });
    assert_audited(&app, &browser, "key.update", "Mobile", details).await;

    let public_key =
        app.database.rows("SELECT public_key FROM project_keys ORDER BY id DESC").await;
    let public_key = public_key[0]["public_key"].as_str().unwrap().replace('-', "");
    change(&mut browser, &format!("{keys}{id}/delete/"), &[]).await;
    assert_audited(&app, &browser, "key.delete", "Phones", json!({ "public_key": public_key }))
        .await;
    assert_eq!(app.database.number("SELECT count(*) FROM project_keys").await, 1);
    browser.get(&format!("{keys}{id}/")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_key_is_said() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let id = app.database.number("SELECT id FROM project_keys").await;
    for (count, window, problem) in [
        ("5", "", "A limit needs both, or neither."),
        ("", "60", "A limit needs both, or neither."),
        ("0", "60", "A whole number from 1 to 2147483647."),
        ("99999999999", "60", "A whole number from 1 to 2147483647."),
        ("5", "99999999", "A whole number from 1 to 31536000."),
    ] {
        for form in ["new/".to_owned(), format!("{id}/")] {
            let fields = [("label", "x"), ("count", count), ("window", window)];
            let again =
                browser.post_form(&format!("{}keys/{form}", path(&app)), &fields).await.expect(422);
            assert!(text_of(&again).contains(problem), "{count} {window}");
        }
    }
    assert_eq!(audited(&app).await, [] as [Value; 0]);
}
