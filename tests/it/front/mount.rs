//! An installation that lives under a path of its host.

use mishap_protocol::dsn::Dsn;
use mishap_testkit::TestApp;
use mishap_testkit::builders::{envelope, message_event};
use serde_json::json;

use super::with_settings;

const URL: (&str, &str) = ("GLITCHTIP_URL", "https://h.example.com/sub");

/// What a path is called by proxies that leave the installation's path in it, and by those that take
/// it off.
fn spellings(path: &str) -> [String; 2] {
    [format!("/sub{path}"), path.to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_there_and_lead_to_each_other() {
    let app = with_settings(&[URL]).await;
    for path in spellings("/login") {
        let page = app.anonymous().get(&path).await.expect(200);
        let cookies = page.headers.get_all("set-cookie");
        for cookie in cookies {
            assert!(cookie.to_str().unwrap().contains("Path=/sub/"), "{path}: {cookie:?}");
        }
        assert!(page.headers.contains_key("set-cookie"));
        for attribute in ["href=\"/", "action=\"/", "src=\"/", "data-options=\"/"] {
            let mut links = page.body.split(attribute).skip(1).peekable();
            assert!(links.peek().is_some(), "{path} has no {attribute}");
            assert!(links.all(|link| link.starts_with("sub/")), "{path}: {attribute}");
        }
        let (_, file) = page.body.split_once("href=\"/sub/static/").unwrap();
        let (file, _) = file.split_once('"').unwrap();
        for path in spellings(&format!("/static/{file}")) {
            app.anonymous().get(&path).await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_led_on_stays_inside() {
    let app = with_settings(&[URL]).await;
    for (path, status, location) in [
        ("/", 303, "/sub/login"),
        ("", 303, "/sub/login"),
        ("/profile/security", 303, "/sub/login?next=%2Fprofile%2Fsecurity"),
        ("/api/", 302, "/sub/profile/auth-tokens"),
        (
            "/organizations/o/issues/1/events/e/json/",
            302,
            "/sub/api/0/organizations/o/issues/1/events/e/json/",
        ),
    ] {
        for path in spellings(path) {
            let answer = app.anonymous().get(&path).await.expect(status);
            assert_eq!(answer.header("location"), location, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_there_and_its_addresses_can_be_followed() {
    let app = with_settings(&[URL]).await;
    app.database.project(app.tenant.organization, "second").await;
    for path in spellings("/api/0/projects/?limit=1") {
        let page = app.owner().get(&path).await.expect(200);
        let link = page.header("link");
        let (_, next) = link.split_once(", <https://h.example.com").unwrap();
        let (next, _) = next.split_once('>').unwrap();
        assert!(next.starts_with("/sub/api/0/projects/?cursor="), "{next}");
        assert_eq!(app.owner().get(next).await.expect(200).json()[0]["slug"], "shop");
    }
    for path in spellings("/api/0/nothing/") {
        let answer = app.owner().get(&path).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }));
    }
    app.owner().get("/subway/api/0/").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_finds_its_way_by_the_dsn() {
    let app = with_settings(&[URL]).await;
    let keys = app.owner().get("/sub/api/0/projects/shop-org/shop/keys/").await.expect(200).json();
    let dsn = keys[0]["dsn"]["public"].as_str().unwrap();
    let (project, key) = (app.tenant.project, app.tenant.public_key);
    assert_eq!(dsn, format!("https://{key}@h.example.com/sub/{project}"));
    let auth = dsn.parse::<Dsn>().unwrap().auth_header("test/1");
    for path in spellings(&app.ingest_path("envelope")) {
        let (id, body) = envelope(&message_event("hello"));
        app.anonymous().send(&path, &[("X-Sentry-Auth", &auth)], body).await.expect(200);
        app.digest().await;
        assert!(app.has_event(&id).await, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn base_path_says_the_same() {
    let app = with_settings(&[("BASE_PATH", "/sub/")]).await;
    for path in spellings("/") {
        assert_eq!(app.anonymous().get(&path).await.header("location"), "/sub/login", "{path}");
    }
    let app = TestApp::start().await;
    app.anonymous().get("/sub/login").await.expect(404);
}
