//! What every answer looks like: members and their order, headers, cookies.

use mishap_testkit::{Answer, Options, TestApp};
use reqwest::header::SET_COOKIE;
use serde_json::json;
use url::Url;

use super::{JANE, PASSWORD, at, get, person, seconds, visitor};

const UNCACHED: &str = "max-age=0, no-cache, no-store, must-revalidate, private";

/// The attributes of a cookie, sorted.
fn attributes(answer: &Answer, name: &str) -> Vec<String> {
    let cookies = answer.headers.get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    let begin = format!("{name}=");
    let cookie = cookies.filter(|cookie| cookie.starts_with(&begin)).collect::<Vec<_>>();
    assert_eq!(cookie.len(), 1, "{name}: {cookie:?}");
    let mut parts: Vec<String> = cookie[0].split("; ").skip(1).map(str::to_owned).collect();
    parts.sort_unstable();
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_told() {
    let app = TestApp::start().await;
    let answer = get(&mut app.stranger(), "config").await.expect(200);
    let expected = "{\"status\":200,\"data\":{\
        \"account\":{\"login_methods\":[\"email\"],\"is_open_for_signup\":true,\
        \"email_verification_by_code_enabled\":false,\"login_by_code_enabled\":false,\
        \"password_reset_by_code_enabled\":false,\"authentication_method\":\"email\"},\
        \"socialaccount\":{\"providers\":[]},\
        \"mfa\":{\"supported_types\":[\"totp\",\"webauthn\",\"recovery_codes\"],\
        \"passkey_login_enabled\":true}}}";
    assert_eq!(answer.body, expected);
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_hears_how_to() {
    let app = TestApp::start().await;
    let answer = get(&mut app.stranger(), "auth/session").await.expect(401);
    let expected = "{\"status\":401,\"data\":{\"flows\":[{\"id\":\"login\"},{\"id\":\"signup\"},\
        {\"id\":\"mfa_login_webauthn\"}]},\"meta\":{\"is_authenticated\":false}}";
    assert_eq!(answer.body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_hears_who_and_how() {
    let app = TestApp::start().await;
    let user = person(&app, JANE).await;
    let mut browser = app.stranger();
    let answer = browser.give_password(JANE, PASSWORD).await.expect(200);
    let expected = format!(
        "{{\"status\":200,\"data\":{{\"user\":{{\"id\":{user},\"display\":\"{JANE}\",\
         \"email\":\"{JANE}\",\"has_usable_password\":true}},\
         \"methods\":[{{\"method\":\"password\",\"at\":{},\"email\":\"{JANE}\"}}]}},\
         \"meta\":{{\"is_authenticated\":true}}}}",
        seconds(&app)
    );
    assert_eq!(answer.body, expected);
    let again = get(&mut browser, "auth/session").await.expect(200);
    assert_eq!(again.body, expected);

    // Without an address that is the first one, there is none to show.
    app.database.sql("UPDATE user_emails SET is_primary = false").await;
    let shown = get(&mut browser, "auth/session").await.expect(200).json();
    assert_eq!(shown["data"]["user"].get("email"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_for_caches() {
    let app = TestApp::start().await;
    let mut browser = visitor(&app).await;
    let client = browser.client();
    let unreadable = client.send(&at("auth/login"), &[], b"{".to_vec()).await.expect(400);
    let unproven = app.anonymous().send(&at("auth/login"), &[], Vec::new()).await.expect(403);
    for answer in [
        get(&mut browser, "config").await.expect(200),
        get(&mut browser, "auth/session").await.expect(401),
        get(&mut browser, "account/authenticators").await.expect(401),
        get(&mut browser, "auth/password/reset").await.expect(400),
        get(&mut browser, "auth/login").await.expect(405),
        unreadable,
        unproven,
    ] {
        assert_eq!(answer.header("cache-control"), UNCACHED, "{}", answer.status);
        assert_ne!(answer.header("expires"), "", "{}", answer.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_of_the_api_is_refused() {
    let app = TestApp::start().await;
    let browser = visitor(&app).await;
    let client = browser.client();
    for body in ["{", "[]", "\"text\"", "null", "{\"email\": \"\\ud800\"}"] {
        let answer = client.send(&at("auth/login"), &[], body.into()).await.expect(400);
        assert_eq!(answer.json(), json!({ "detail": "Cannot parse request body" }), "{body}");
    }
    let answer = client.get(&at("auth/login")).await.expect(405);
    assert_eq!((answer.body.as_str(), answer.header("allow")), ("", "POST"));
    for path in ["/_allauth/app/v1/config", &at("nothing"), &at("config/"), &at("")] {
        client.get(path).await.expect(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_look_tells_the_token() {
    let app = TestApp::start().await;
    for endpoint in ["config", "auth/session", "auth/password/reset", "account/authenticators"] {
        let mut browser = app.stranger();
        let answer = get(&mut browser, endpoint).await;
        let expected = ["Max-Age=31449600", "Path=/", "SameSite=Lax"];
        assert_eq!(attributes(&answer, "csrftoken"), expected, "{endpoint}");
        let token = browser.csrf_cookie.clone().unwrap();
        assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        // A browser that has one keeps it.
        get(&mut browser, endpoint).await;
        assert_eq!(browser.csrf_cookie, Some(token), "{endpoint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_none_is_replaced() {
    let app = TestApp::start().await;
    for planted in ["", "short", "with space and 32 characters ....", &"a".repeat(65)] {
        let mut browser = app.stranger();
        browser.csrf_cookie = Some(planted.to_owned());
        get(&mut browser, "config").await;
        assert_eq!(browser.csrf_cookie.unwrap().len(), 32, "{planted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_s_cookie_is_kept_from_scripts_and_other_sites() {
    for (url, path, is_secure) in [
        ("http://mishap.test", "Path=/", false),
        ("https://mishap.test", "Path=/", true),
        ("https://mishap.test/errors", "Path=/errors/", true),
    ] {
        let public_url = Url::parse(url).unwrap();
        let app = TestApp::start_with(Options { public_url, ..Options::default() }).await;
        person(&app, JANE).await;
        let answer = app.stranger().give_password(JANE, PASSWORD).await.expect(200);
        let mut expected = vec!["HttpOnly", "Max-Age=1209600", path, "SameSite=Lax"];
        expected.extend(is_secure.then_some("Secure"));
        assert_eq!(attributes(&answer, "sessionid"), expected, "{url}");
        assert_eq!(attributes(&answer, "csrftoken").contains(&"Secure".to_owned()), is_secure);
    }
}
