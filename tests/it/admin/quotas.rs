//! Limits.

use mishap_testkit::TestApp;
use serde_json::{Value, json};

use super::{assert_audited, audited, change, staff, text_of};

async fn rows(app: &TestApp) -> Vec<Value> {
    let columns = "scope, scope_id, categories, window_seconds, max_items";
    app.database.rows(&format!("SELECT {columns} FROM quotas ORDER BY scope, scope_id")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_set_replaced_shown_and_removed() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let (organization, project) = (app.tenant.organization.0, app.tenant.project.0);
    for (scope, code, of, page, name) in [
        ("instance", 0, 0, "/admin/quotas/".to_owned(), "the whole installation"),
        (
            "organization",
            1,
            organization,
            format!("/admin/organizations/{organization}/"),
            "shop org",
        ),
        ("project", 2, project, format!("/admin/projects/{project}/"), "shop"),
    ] {
        let number = of.to_string();
        let subject = [("scope", scope), ("of", number.as_str())];
        let form =
            browser.get(&format!("/admin/quotas/new/?scope={scope}&of={of}")).await.expect(200);
        assert!(text_of(&form).contains(&format!("For {name}.")), "{scope}");
        for (limit, was) in [("5", Value::Null), ("7", json!(5))] {
            let mut fields = vec![("category", "error"), ("limit", limit), ("window", "3600")];
            fields.extend(subject);
            let shown = change(&mut browser, "/admin/quotas/new/", &fields).await;
            assert!(text_of(&shown).contains(&format!("error {limit} an hour")), "{scope}");
            let now: i64 = limit.parse().unwrap();
            let target = format!("error of {name}, in an hour");
            assert_audited(&app, &browser, "quota.change", &target, json!({ "limit": [was, now] }))
                .await;
        }
        let expected = json!({
            "scope": code, "scope_id": of, "categories": 2, "window_seconds": 3600, "max_items": 7,
        });
        assert_eq!(rows(&app).await, [expected]);
        let page = browser.get(&page).await.expect(200);
        assert!(page.body.contains("/admin/quotas/remove/"), "{scope}");

        let mut fields = vec![("categories", "2"), ("window", "3600")];
        fields.extend(subject);
        change(&mut browser, "/admin/quotas/remove/", &fields).await;
        let target = format!("error of {name}, in an hour");
        assert_audited(&app, &browser, "quota.change", &target, json!({ "limit": [7, null] }))
            .await;
        assert_eq!(rows(&app).await, [] as [Value; 0]);
        // What is gone already is not removed again, and not told twice.
        let before = audited(&app).await.len();
        change(&mut browser, "/admin/quotas/remove/", &fields).await;
        assert_eq!(audited(&app).await.len(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_limit_is_refused() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    for (limit, window, problem) in [
        ("", "60", "This field is required."),
        ("-1", "60", "A whole number from 0 to"),
        ("5", "61", "Choose one of these."),
    ] {
        let fields = [("scope", "instance"), ("of", "0"), ("limit", limit), ("window", window)];
        let again = browser.post_form("/admin/quotas/new/", &fields).await.expect(422);
        assert!(text_of(&again).contains(problem), "{limit} {window}");
    }
    for (scope, of) in
        [("instance", "1"), ("key", "1"), ("project", "999999"), ("x", "1"), ("", "")]
    {
        let fields = [("scope", scope), ("of", of), ("limit", "5"), ("window", "60")];
        browser.post_form("/admin/quotas/new/", &fields).await.expect(404);
        let fields = [("scope", scope), ("of", of), ("categories", "0"), ("window", "60")];
        browser.post_form("/admin/quotas/remove/", &fields).await.expect(404);
    }
    let fields = [("scope", "instance"), ("of", "0"), ("categories", "x"), ("window", "60")];
    browser.post_form("/admin/quotas/remove/", &fields).await.expect(404);
    assert_eq!(rows(&app).await, [] as [Value; 0]);
    assert_eq!(audited(&app).await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_limits_are_on_one_page() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let (organization, project) = (app.tenant.organization.0, app.tenant.project.0);
    app.database
        .sql(&format!(
            "INSERT INTO quotas (scope, scope_id, categories, window_seconds, max_items) VALUES
                 (0, 0, 0, 60, 600000), (1, {organization}, 2, 3600, 100), (2, {project}, 0, 7, 1),
                 (1, 999999, 0, 60, 5)"
        ))
        .await;
    let text = text_of(&browser.get("/admin/quotas/").await.expect(200));
    for row in [
        "everything 600,000 a minute",
        "shop org organization error 100 an hour",
        "shop-org/shop project everything 1 7 seconds",
        "organization 999999 organization everything 5 a minute",
    ] {
        assert!(text.contains(row), "{row} in {text}");
    }
}
