//! Dead letters.

use mishap_testkit::TestApp;
use mishap_testkit::builders::{event_id, message_event};
use serde_json::json;

use super::{assert_audited, audited, change, staff, text_of};

/// Adds so many dead letters, each with an event and a session; says their numbers.
async fn letters(app: &TestApp, count: i64) -> Vec<i64> {
    for _ in 0..count {
        let id = event_id();
        let body = mishap_testkit::builders::EnvelopeBuilder::of(&id)
            .event(&message_event("hello"))
            .item("session", "{}")
            .build();
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        app.database
            .sql(&format!(
                "INSERT INTO dead_letters (project_id, received, error, event_id, coding, size,
                     payload, client_ip, user_agent)
                 VALUES ({}, now(), E'it failed\\nand why', '{id}', 0, {}, '\\x{hex}', '203.0.113.9',
                     'sentry.python/2')",
                app.tenant.project,
                body.len(),
            ))
            .await;
    }
    let rows = app.database.rows("SELECT id FROM dead_letters ORDER BY id").await;
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_shows_why_and_what_it_is_but_not_what_it_says() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let letter = letters(&app, 1).await[0];
    let list = browser.get("/admin/dead-letters/").await.expect(200);
    assert!(text_of(&list).contains("shop-org/shop it failed"), "{}", text_of(&list));
    assert!(list.body.contains("class=\"count\">1<"), "the sections say how many there are");
    let page = browser.get(&format!("/admin/dead-letters/{letter}/")).await.expect(200);
    let text = text_of(&page);
    for part in
        ["it failed and why", "203.0.113.9", "sentry.python/2", "event", "session", "shop-org/shop"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!page.body.contains("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_cannot_be_read_is_shown_too() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    for (coding, payload) in [(99, "00"), (0, "ff00"), (1, "1f8b0800"), (2, "28b52ffd")] {
        app.database
            .sql(&format!(
                "INSERT INTO dead_letters (project_id, received, error, coding, size, payload)
                 VALUES (999999, now(), '', {coding}, 5, '\\x{payload}')"
            ))
            .await;
        let letter = app.database.number("SELECT max(id) FROM dead_letters").await;
        let page = browser.get(&format!("/admin/dead-letters/{letter}/")).await.expect(200);
        assert!(text_of(&page).contains("number 999999, which is gone"));
    }
    browser.get("/admin/dead-letters/").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_or_all_are_digested_again() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let letters = letters(&app, 3).await;
    let path = format!("/admin/dead-letters/{}/", letters[1]);
    let page = change(&mut browser, &format!("{path}retry/"), &[]).await;
    assert!(text_of(&page).contains("Dead letters that are digested again: 1."));
    let target = format!("dead letter {}", letters[1]);
    assert_audited(&app, &browser, "dead_letter.retry", &target, json!({ "letters": 1 })).await;
    browser.post_form(&format!("{path}retry/"), &[]).await.expect(404);
    change(&mut browser, "/admin/dead-letters/retry/", &[]).await;
    assert_audited(&app, &browser, "dead_letter.retry", "dead letters", json!({ "letters": 2 }))
        .await;
    assert_eq!(app.digest().await, 3);
    assert_eq!(app.database.number("SELECT count(*) FROM events").await, 3);
    // There are none left, and nothing is told of that.
    let before = audited(&app).await.len();
    change(&mut browser, "/admin/dead-letters/retry/", &[]).await;
    assert_eq!(audited(&app).await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_counted_as_lost() {
    let mut app = TestApp::start().await;
    {
        let mut browser = staff(&app).await;
        let letters = letters(&app, 1).await;
        let path = format!("/admin/dead-letters/{}/drop/", letters[0]);
        change(&mut browser, &path, &[]).await;
        let target = format!("dead letter {}", letters[0]);
        assert_audited(&app, &browser, "dead_letter.drop", &target, json!({ "letters": 1 })).await;
        browser.post_form(&path, &[]).await.expect(404);
    }
    let lost = |category: &str| (category.to_owned(), "poison".to_owned(), 1);
    assert_eq!(app.outcomes().await, [lost("error"), lost("session")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_dropped_after_that_was_typed() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    letters(&app, 45).await;
    let path = "/admin/dead-letters/drop/";
    browser.get(path).await.expect(200);
    browser.post_form(path, &[("confirmation", "yes")]).await.expect(422);
    assert_eq!(app.database.number("SELECT count(*) FROM dead_letters").await, 45);
    let page = change(&mut browser, path, &[("confirmation", "drop")]).await;
    assert!(text_of(&page).contains("Dead letters that were dropped for good: 45."));
    assert_eq!(app.database.number("SELECT count(*) FROM dead_letters").await, 0);
    let told: i64 =
        audited(&app).await.iter().map(|entry| entry["details"]["letters"].as_i64().unwrap()).sum();
    assert_eq!(told, 45);
}
