//! GitHub says who somebody is through its API.

use std::sync::Mutex;

use mishap_identity::provider::{HttpFuture, HttpRequest, HttpResponse};
use reqwest::StatusCode;

use super::*;

/// Its three endpoints, and what was asked of them.
#[derive(Default)]
struct GitHub {
    emails: Mutex<Value>,
    asked: Mutex<Vec<String>>,
}

impl GitHub {
    fn answer(&self, request: &HttpRequest) -> (u16, Value) {
        let url = request.uri().to_string();
        self.asked.lock().unwrap().push(url.clone());
        let authorization = request.headers().get("authorization");
        let is_known = authorization.is_some_and(|header| header == "Bearer gho_token");
        let body = String::from_utf8(request.body().clone()).unwrap();
        match url.as_str() {
            "https://github.com/login/oauth/access_token" => {
                let form: std::collections::HashMap<_, _> =
                    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                let is_ours = form["client_id"] == "mishap"
                    && form["client_secret"] == "the-client-secret"
                    && form["code"] == "a-code"
                    && !form["code_verifier"].is_empty();
                match is_ours {
                    true => (200, json!({ "access_token": "gho_token", "token_type": "bearer" })),
                    // It tells errors with the status of success.
                    false => (200, json!({ "error": "bad_verification_code" })),
                }
            }
            _ if !is_known => (401, json!({})),
            "https://api.github.com/user" => {
                let user = json!({
                    "id": 583_231, "login": "octocat", "name": null, "email": "x@evil.example",
                });
                (200, user)
            }
            "https://api.github.com/user/emails" => (200, self.emails.lock().unwrap().clone()),
            _ => (404, json!({})),
        }
    }
}

impl Http for GitHub {
    fn send(&self, request: HttpRequest) -> HttpFuture<'_> {
        let (status, body) = self.answer(&request);
        let mut response = HttpResponse::new(body.to_string().into_bytes());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let kind = reqwest::header::HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", kind);
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// The product with the preset, and a browser that is at GitHub; with what it brings back.
async fn at_github() -> (TestApp, Arc<GitHub>, Browser, String) {
    let github = Arc::new(GitHub::default());
    let options = Options { providers: github.clone(), ..Options::default() };
    let app = TestApp::start_with(options).await;
    set_up(&app, "hub", "github", json!({})).await;
    let mut browser = visitor(&app).await;
    let page = depart(&mut browser, "hub", "login").await;
    let query: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    assert_eq!(&page[..url::Position::AfterPath], "https://github.com/login/oauth/authorize");
    assert_eq!(query["scope"], "read:user user:email");
    assert_eq!(query["redirect_uri"], "http://mishap.test/accounts/hub/login/callback/");
    assert!(github.asked.lock().unwrap().is_empty(), "there is nothing to ask before");
    let state = query["state"].clone();
    (app, github, browser, state)
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_comes_from_github_with_the_address_that_it_vouches_for() {
    let (app, github, mut browser, state) = at_github().await;
    *github.emails.lock().unwrap() = json!([
        { "email": "other@example.com", "primary": false, "verified": true },
        { "email": JANE, "primary": true, "verified": true },
    ]);
    let back = format!("/accounts/hub/login/callback/?code=a-code&state={state}");
    browser.get(&back).await.expect(303);
    let session = get(&mut browser, "auth/session").await.expect(200).json();
    assert_eq!(session["data"]["user"]["email"], JANE);
    assert_eq!(session["data"]["methods"][0]["uid"], "583231");
    let identity = "SELECT provider, uid, email, username FROM identities";
    let expected =
        json!({ "provider": "hub", "uid": "583231", "email": JANE, "username": "octocat" });
    assert_eq!(app.database.rows(identity).await, [expected]);
    let address = "SELECT email, is_verified FROM user_emails";
    let expected = json!({ "email": JANE, "is_verified": true });
    assert_eq!(app.database.rows(address).await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_github_shows_and_does_not_vouch_for_is_not_believed() {
    let (app, github, mut browser, state) = at_github().await;
    person(&app, JANE).await;
    *github.emails.lock().unwrap() = json!([{ "email": JANE, "primary": true, "verified": false }]);
    let back = format!("/accounts/hub/login/callback/?code=a-code&state={state}");
    let answer = browser.get(&back).await.expect(303);
    assert!(answer.header("location").starts_with("/login/provider?"));
    get(&mut browser, "auth/session").await.expect(401);
    // Nor is one without any address asked for less.
    let page = depart(&mut browser, "hub", "login").await;
    *github.emails.lock().unwrap() = json!([]);
    let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let back = format!("/accounts/hub/login/callback/?code=a-code&state={state}");
    let answer = browser.get(&back).await.expect(303);
    let page = browser.get(answer.header("location")).await.expect(200);
    assert!(page.body.contains("told no e-mail address"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_github_refuses_signs_nobody_in() {
    let (app, _github, mut browser, state) = at_github().await;
    let back = format!("/accounts/hub/login/callback/?code=another-code&state={state}");
    let answer = browser.get(&back).await;
    assert_refused(&mut browser, answer, "provider_failed", "did not say who you are").await;
    assert_eq!(users(&app).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_is_the_same_below_a_path() {
    let github = Arc::new(GitHub::default());
    *github.emails.lock().unwrap() = json!([{ "email": JANE, "primary": true, "verified": true }]);
    let public_url = Url::parse("http://mishap.test/errors").unwrap();
    let options = Options { providers: github, public_url, ..Options::default() };
    let app = TestApp::start_with(options).await;
    set_up(&app, "hub", "github", json!({})).await;
    let mut browser = app.stranger();
    let page = browser.get("/errors/login?next=/errors/api/docs").await.expect(200);
    assert!(
        page.body.contains("name=\"callback_url\" value=\"/errors/api/docs\""),
        "{}",
        page.body
    );
    let redirect = format!("/errors{REDIRECT}");
    let fields = [("provider", "hub"), ("process", "login"), ("callback_url", "/errors/api/docs")];
    let answer = browser.post_form(&redirect, &fields).await.expect(302);
    let page = Url::parse(answer.header("location")).unwrap();
    let query: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    let callback = "/errors/accounts/hub/login/callback/";
    assert_eq!(query["redirect_uri"], format!("http://mishap.test{callback}"));
    let back = format!("{callback}?code=a-code&state={}", query["state"]);
    let answer = browser.get(&back).await.expect(303);
    assert_eq!(answer.header("location"), "/errors/api/docs");
    let answer = app.stranger().get(&back).await.expect(302);
    let address = "/errors/login?socialLoginError=true&error=unknown_state";
    assert_eq!(answer.header("location"), address);
}
