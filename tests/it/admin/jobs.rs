//! Jobs that were given up.

use mishap_core::id::JobId;
use mishap_storage::jobs;
use mishap_testkit::TestApp;
use serde_json::json;

use super::{assert_audited, audited, change, staff, text_of};

/// Adds a mail that could not be sent, with a secret link.
async fn failed(app: &TestApp, to: &str) -> JobId {
    let mut conn = app.database.conn().await;
    let mail =
        json!({ "to": to, "mail": { "PasswordReset": { "link": "https://x/secret-link" } } });
    let job = jobs::push(&mut conn, "send_mail", mail).await.unwrap();
    jobs::fail(&mut conn, job, "550 no such user", None).await.unwrap();
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_mail_shows_for_whom_it_was_and_why_but_not_what_it_said() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let job = failed(&app, "ada@example.com").await;
    jobs::push(&mut *app.database.conn().await, "waits", json!({})).await.unwrap();
    for path in ["/admin/jobs/".to_owned(), format!("/admin/jobs/{job}/"), "/admin/".to_owned()] {
        let page = browser.get(&path).await.expect(200);
        let text = text_of(&page);
        assert!(text.contains("send_mail") && text.contains("550 no such user"), "{path}: {text}");
        assert!(!page.body.contains("secret-link"), "{path}");
    }
    let page = browser.get("/admin/jobs/").await.expect(200);
    assert!(page.body.contains("ada@example.com") && !page.body.contains("waits"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_or_all_begin_again() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let job = failed(&app, "ada@example.com").await;
    for to in ["b@example.com", "c@example.com"] {
        failed(&app, to).await;
    }
    change(&mut browser, &format!("/admin/jobs/{job}/retry/"), &[]).await;
    let target = format!("send_mail {job}");
    assert_audited(&app, &browser, "job.retry", &target, json!({ "jobs": 1 })).await;
    let mut conn = app.database.conn().await;
    let leased = jobs::lease(&mut conn, std::time::Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!((leased.id, leased.attempts), (job, 1), "it begins from the beginning");
    browser.post_form(&format!("/admin/jobs/{job}/retry/"), &[]).await.expect(404);
    change(&mut browser, "/admin/jobs/retry/", &[]).await;
    assert_audited(&app, &browser, "job.retry", "failed jobs", json!({ "jobs": 2 })).await;
    assert_eq!(app.database.number("SELECT count(*) FROM jobs WHERE is_dead").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_deleted_and_one_that_waits_is_not() {
    let app = TestApp::start().await;
    let mut browser = staff(&app).await;
    let job = failed(&app, "ada@example.com").await;
    let waits = jobs::push(&mut *app.database.conn().await, "waits", json!({})).await.unwrap();
    change(&mut browser, &format!("/admin/jobs/{job}/delete/"), &[]).await;
    let details = json!({ "recipient": "ada@example.com" });
    assert_audited(&app, &browser, "job.delete", &format!("send_mail {job}"), details).await;
    let before = audited(&app).await;
    browser.post_form(&format!("/admin/jobs/{job}/delete/"), &[]).await.expect(404);
    browser.post_form(&format!("/admin/jobs/{waits}/delete/"), &[]).await.expect(404);
    assert_eq!(audited(&app).await, before);
    assert_eq!(app.database.number("SELECT count(*) FROM jobs").await, 1);
}
