//! How the installation is, and how it is set up.

use mishap_storage::{jobs, partitions};
use mishap_testkit::{Options, TestApp};

use super::{staff, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_what_is_wrong_first() {
    let settings = vec![("MISHAP_MAX_BACKLOG_ROWS", "10")];
    let options = Options { settings, redis: true, ..Options::default() };
    let app = TestApp::start_with(options).await;
    let mut browser = staff(&app).await;
    let text = text_of(&browser.get("/admin/").await.expect(200));
    for part in [
        "Beat None has ever led. Start mishap-beat. Failing",
        "Redis No worker reads hints. Start mishap-worker. Look here",
        "Backlog Nothing waits to be digested. Well",
        "Dead letters Everything could be digested. Well",
        "Jobs None was given up. Well",
        "Schema It is what this version needs. Well",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.find("Beat None").unwrap() < text.find("Backlog Nothing").unwrap());

    let mut conn = app.database.conn().await;
    let (holder, term) = (uuid::Uuid::from_u128(7), std::time::Duration::from_secs(600));
    jobs::acquire(&mut conn, "beat", holder, term).await.unwrap();
    partitions::ensure_ahead(&mut conn, app.now(), 2).await.unwrap();
    app.database
        .sql(
            "INSERT INTO inbox (slot, received, project_id, coding, size, payload)
                 SELECT 0, now() - interval '2 minutes', 1, 0, 1, '' FROM generate_series(1, 20);
             INSERT INTO dead_letters (project_id, received, error, coding, size, payload)
                 VALUES (1, now(), '', 0, 1, '');
             INSERT INTO outcomes (project_id, hour, category, reason, quantity)
                 SELECT 1, date_trunc('hour', now()), 1, 0, 600000;
             INSERT INTO schedule VALUES ('make_partitions', now())",
        )
        .await;
    let text = text_of(&browser.get("/admin/").await.expect(200));
    for part in [
        "Beat One leads, for the 1st time. Well",
        "20 envelopes wait, the oldest for 12",
        "That is too much: nothing more is taken. Failing",
        "1 envelope could not be digested. Look here",
        "make_partitions 0 0 0",
        "00000000-0000-0000-0000-000000000007",
        "events 3 events_",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("Events a minute 0"), "{text}");
    jobs::release(&mut conn, "beat", holder).await.unwrap();
    let text = text_of(&browser.get("/admin/").await.expect(200));
    assert!(text.contains("Beat None leads."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_shown_with_their_times() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let mut conn = app.database.conn().await;
    partitions::ensure_ahead(&mut conn, app.now(), 1).await.unwrap();
    let text = text_of(&browser.get("/admin/partitions/").await.expect(200));
    let day = app.now().format("%Y%m%d");
    let time = app.now().format("%Y-%m-%d 00:00:00 UTC");
    for table in ["events", "attachments", "issue_hours"] {
        let row = format!("{table}_{day} Now {time}");
        assert!(text.contains(&row), "{row} in {text}");
    }
    assert!(text.contains("Ahead") && text.contains("One for each month."));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_and_secrets_are_not() {
    let settings = vec![
        ("SECRET_KEY", "do-not-tell"),
        ("DATABASE_URL", "postgres://user:do-not-tell@db/x"),
        ("EMAIL_URL", "smtp://user:do-not-tell@mail:25"),
        ("VALKEY_URL", "redis://:do-not-tell@cache/0"),
        ("GLITCHTIP_INSTANCE_NAME", "<b>Shop</b>"),
        ("UWSGI_WORKERS", "4"),
    ];
    let app = TestApp::start_with(Options { settings, ..Options::default() }).await;
    let mut browser = staff(&app).await;
    let page = browser.get("/admin/configuration/").await.expect(200);
    assert!(!page.body.contains("do-not-tell"));
    assert!(page.body.contains("&lt;b&gt;Shop&lt;/b&gt;") && !page.body.contains("<b>Shop"));
    let text = text_of(&page);
    for part in
        ["SECRET_KEY", "set, not shown", "UWSGI_WORKERS", "Has no effect here.", "environment"]
    {
        assert!(text.contains(part), "{part}");
    }
}
