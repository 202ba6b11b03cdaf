//! Mails that a real server takes, and what follows when it does not.

mod server;

use std::time::Duration;

use mishap_boot::shutdown::CancellationToken;
use mishap_outbound::mail::{Encryption, Smtp, Transport};
use mishap_storage::accounts::emails;
use mishap_testkit::{Answer, Browser, Program, TestApp, mail_room, until};
use mishap_worker::jobs::{JobContext, run_due};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::block_in_place;
use url::form_urlencoded;

use self::server::MailServer;

const JANE: &str = "jane@example.com";
const ADA: &str = "ada@example.com";
const MEMBERS: &str = "/api/0/organizations/shop-org/members/";

/// The worker as an operator starts it, to send by STARTTLS to a server that wants a password.
fn worker(app: &TestApp, server: &MailServer, authority: &str) -> Program {
    let url = format!("smtp+tls://mishap:open%20sesame%20%2F%201@localhost:{}", server.port);
    let environment = [
        ("DATABASE_URL", app.database.url.as_str()),
        ("REDIS_URL", ""),
        ("GLITCHTIP_URL", app.public_url.as_str()),
        ("EMAIL_URL", &url),
        ("DEFAULT_FROM_EMAIL", "Störungen <errors@mishap.test>"),
        ("SSL_CERT_FILE", authority),
        ("LOG_LEVEL", "error"),
    ];
    block_in_place(|| Program::start("mishap-worker", &environment))
}

async fn invite(app: &TestApp, email: &str) {
    let body = json!({ "email": email, "orgRole": "member" });
    app.owner().json(Method::POST, MEMBERS, &body).await.expect(201);
}

/// Checks what is the same in every mail, and what is different; returns the link in it.
#[track_caller]
fn check(mail: &Value, to: &str, subject: &str, says: &str) -> String {
    assert_eq!(mail["sender"], "errors@mishap.test");
    assert_eq!(mail["recipients"], json!([to]));
    let headers = &mail["headers"];
    assert_eq!(headers["from"], "Störungen <errors@mishap.test>");
    assert_eq!(headers["to"], to);
    assert_eq!(headers["subject"], subject);
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert!(headers["message-id"].as_str().unwrap().ends_with("@mishap.test>"), "{headers}");
    assert!(headers["date"].is_string(), "{headers}");
    assert_eq!(mail["kind"], "multipart/alternative");
    let kinds: Vec<_> = mail["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["text/plain", "text/html"], "what comes last is shown");
    let content = |part: usize| mail["parts"][part]["content"].as_str().unwrap();
    let (text, html) = (content(0), content(1));
    assert!(text.contains(says), "{text}");
    assert!(html.contains(says), "{html}");
    let link = text.lines().find(|line| line.starts_with("http://mishap.test/")).unwrap();
    assert!(html.contains(&format!("<a href=\"{link}\"")), "{html}");
    link.strip_prefix("http://mishap.test").unwrap().to_owned()
}

/// Sends the form of a page that was looked at, as a browser without scripts does.
async fn submit(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(path).await.expect(200).body;
    assert!(page.contains(&format!("action=\"{path}\"")), "{page}");
    let (_, token) = page.split_once("name=\"csrfmiddlewaretoken\" value=\"").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("csrfmiddlewaretoken", token).extend_pairs(fields);
    browser.csrf_header = None;
    let kind = ("content-type", "application/x-www-form-urlencoded");
    browser.client().send(path, &[kind], form.finish().into_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_and_their_links_can_be_followed() {
    let app = TestApp::start().await;
    let ada = app.database.account(ADA).await;
    let jane = app.database.account(JANE).await.user;
    let mut conn = app.database.conn().await;
    emails::insert(&mut conn, jane, JANE, true, true).await.unwrap();
    let name = json!({ "name": "Kaufhaus Köln" });
    app.owner().json(Method::PUT, "/api/0/organizations/shop-org/", &name).await.expect(200);

    invite(&app, ADA).await;
    submit(&mut app.stranger(), "/reset-password", &[("email", JANE)]).await.expect(200);
    let mut signed_in = app.browser(jane).await;
    let second = "second@example.com";
    signed_in
        .send(Method::POST, "/_allauth/browser/v1/account/email", &json!({ "email": second }))
        .await
        .expect(200);

    let folder = tempfile::tempdir().unwrap();
    let mut server = MailServer::guarded(folder.path()).await;
    let worker = worker(&app, &server, folder.path().join("authority.pem").to_str().unwrap());
    let [invitation, reset, confirmation] =
        [server.next().await, server.next().await, server.next().await];
    let counted = "glitchtip_job_total{job=\"send_mail\",outcome=\"ok\"} 3";
    until("the mails are counted", async || {
        block_in_place(|| worker.metrics()).lines().any(|line| line == counted)
    })
    .await;
    drop(worker);
    for mail in [&invitation, &reset, &confirmation] {
        assert_eq!((&mail["is_encrypted"], &mail["is_known"]), (&json!(true), &json!(true)));
    }

    let link = check(
        &invitation,
        ADA,
        "Invitation to Kaufhaus Köln on Mishap",
        "owner@shop.example.com invites you to Kaufhaus Köln on Mishap.",
    );
    let organization = "/api/0/organizations/shop-org/";
    app.client(&ada.token).get(organization).await.expect(404);
    submit(&mut app.browser(ada.user).await, &link, &[]).await.expect(200);
    app.client(&ada.token).get(organization).await.expect(200);

    let says = "Somebody forgot the password of jane@example.com.";
    let link = check(&reset, JANE, "A new password for Mishap", says);
    let password = "correct horse battery staple";
    let fields = [("password", password), ("password_again", password)];
    submit(&mut app.stranger(), &link, &fields).await.expect(200);
    app.stranger().give_password(JANE, password).await.expect(200);

    let says = "Is second@example.com yours? Then confirm it:";
    let link = check(&confirmation, second, "Confirm your address for Mishap", says);
    submit(&mut app.stranger(), &link, &[]).await.expect(200);
    let proven = emails::list(&mut conn, jane).await.unwrap();
    assert!(proven.iter().any(|one| one.email == second && one.is_verified), "{proven:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_its_name_gets_neither_mail_nor_password() {
    let app = TestApp::start().await;
    invite(&app, ADA).await;
    let [ours, theirs] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let _trusted = MailServer::guarded(ours.path()).await;
    let server = MailServer::guarded(theirs.path()).await;
    let worker = worker(&app, &server, ours.path().join("authority.pem").to_str().unwrap());
    until("the mail was tried", async || left(&app).await[0]["last_error"].is_string()).await;
    drop(worker);
    let waiting = left(&app).await;
    assert_eq!((&waiting[0]["is_dead"], &waiting[0]["is_later"]), (&json!(false), &json!(true)));
    let error = waiting[0]["last_error"].as_str().unwrap();
    assert!(error.starts_with("the mail server's settings are wrong"), "{error}");
    assert!(error.contains("invalid peer certificate"), "{error}");
}

/// What jobs work with that send to a server without encryption.
fn jobs(app: &TestApp, server: &MailServer) -> JobContext {
    let transport = Transport::Smtp(Smtp {
        host: "127.0.0.1".to_owned(),
        port: server.port,
        encryption: Encryption::None,
        credentials: None,
        timeout: Duration::from_secs(60),
    });
    JobContext { mail: mail_room(transport), ..app.jobs() }
}

/// What became of the mails: how often each was tried, whether it was given up, whether it waits for
/// a later time, and why.
async fn left(app: &TestApp) -> Vec<Value> {
    let query = "SELECT attempts, is_dead, run_at > now() AS is_later, last_error FROM jobs";
    app.database.rows(query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_cannot_be_taken_now_is_sent_later() {
    let app = TestApp::start().await;
    let mut server = MailServer::open().await;
    let (jobs, stop) = (jobs(&app, &server), CancellationToken::new());
    invite(&app, "busy@example.com").await;
    run_due(&jobs, &stop).await.unwrap();
    assert_eq!(server.next().await, json!({ "refused": "busy@example.com", "code": 451 }));
    let waiting = left(&app).await;
    let [job] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!((&job["attempts"], &job["is_dead"]), (&json!(1), &json!(false)));
    assert_eq!(job["is_later"], true);
    let error = job["last_error"].as_str().unwrap();
    assert!(error.contains("come again later"), "{error}");

    // It is not tried before its time, and then once.
    run_due(&jobs, &stop).await.unwrap();
    assert_eq!(left(&app).await, waiting);
    app.database.sql("UPDATE jobs SET run_at = now()").await;
    run_due(&jobs, &stop).await.unwrap();
    let mail = server.next().await;
    assert_eq!(mail["recipients"], json!(["busy@example.com"]));
    assert_eq!((&mail["is_encrypted"], &mail["is_known"]), (&json!(false), &json!(false)));
    assert_eq!(left(&app).await, [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_good_is_given_up_and_holds_no_other_up() {
    let app = TestApp::start().await;
    let mut server = MailServer::open().await;
    let (jobs, stop) = (jobs(&app, &server), CancellationToken::new());
    invite(&app, "nobody@example.com").await;
    invite(&app, ADA).await;
    run_due(&jobs, &stop).await.unwrap();
    assert_eq!(server.next().await, json!({ "refused": "nobody@example.com", "code": 550 }));
    assert_eq!(server.next().await["recipients"], json!([ADA]));
    let given_up = left(&app).await;
    let [job] = given_up.as_slice() else { panic!("{given_up:?}") };
    assert_eq!((&job["attempts"], &job["is_dead"]), (&json!(1), &json!(true)));
    let error = job["last_error"].as_str().unwrap();
    assert!(error.contains("there is no such mailbox"), "{error}");
    app.database.sql("UPDATE jobs SET run_at = now()").await;
    run_due(&jobs, &stop).await.unwrap();
    assert_eq!(left(&app).await[0]["attempts"], 1);
}
