//! Addresses that are no page and no endpoint.

use std::io::Read as _;

use flate2::read::GzDecoder;
use mishap_testkit::TestApp;
use mishap_testkit::builders::message_event;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_s_root_leads_to_where_tokens_are_made() {
    let app = TestApp::start().await;
    for path in ["/api/", "/api"] {
        let answer = app.anonymous().get(path).await.expect(302);
        assert_eq!(answer.header("location"), "/profile/auth-tokens");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_s_json_is_found_under_the_address_of_its_page() {
    let app = TestApp::start().await;
    let (id, body) = mishap_testkit::builders::envelope(&message_event("hello"));
    app.send_envelope(body).await.expect(200);
    app.digest().await;
    let issue = app.shown_event(&id).await["groupID"].as_str().unwrap().to_owned();
    for slash in ["/", ""] {
        let path = format!("/organizations/shop-org/issues/{issue}/events/{id}/json{slash}");
        let answer = app.anonymous().get(&path).await.expect(302);
        let location = answer.header("location");
        assert_eq!(
            location,
            format!("/api/0/organizations/shop-org/issues/{issue}/events/{id}/json/")
        );
        assert_eq!(app.owner().get(location).await.expect(200).json()["event_id"], id);
    }
    // Whatever stands in the path goes on as it came.
    let odd = "/organizations/a%0d%0aSet-Cookie:%20b/issues/1/events/%2f%2e/json/";
    let answer = app.anonymous().get(odd).await.expect(302);
    assert_eq!(answer.header("location"), format!("/api/0{odd}"));
    app.anonymous().get("/organizations/a/issues/one/events/b/json/").await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nowhere_is_not_found_in_json_by_programs_and_on_a_page_by_people() {
    let app = TestApp::start().await;
    for path in ["/api/0/projects/x/y/nothing/", "/api/nothing", "/api/0/internal/health/"] {
        let answer = app.owner().get(path).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }), "{path}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let answer = app.owner().send(path, &[], Vec::new()).await.expect(404);
        assert_eq!(answer.json(), json!({ "detail": "Not Found" }), "{path}");
    }
    for path in ["/nothing", "/static/nothing.css", "/login/nothing", "/.env"] {
        let answer = app.anonymous().get(path).await.expect(404);
        assert!(answer.body.contains("There is no such page"), "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_whose_name_says_what_is_in_them_are_kept_for_good() {
    let app = TestApp::start().await;
    let page = app.anonymous().get("/login").await.expect(200).body;
    let (_, rest) = page.split_once("/static/mishap.").unwrap();
    let (hashed, _) = rest.split_once('"').unwrap();
    for (file, caching) in [
        (format!("mishap.{hashed}"), "max-age=315360000, public, immutable"),
        ("mishap.css".to_owned(), "max-age=60, public"),
    ] {
        let answer = app.anonymous().get(&format!("/static/{file}")).await.expect(200);
        assert_eq!(answer.header("cache-control"), caching, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_packed_for_whoever_unpacks_them() {
    let app = TestApp::start().await;
    let get = async |file: &str, accepted: &str| {
        let request = app.anonymous().request(Method::GET, &format!("/static/{file}"));
        let answer = request.header("accept-encoding", accepted).send().await.unwrap();
        let vary = answer.headers()["vary"].to_str().unwrap();
        assert!(vary.ends_with("Accept-Encoding"), "{vary}");
        let coding =
            answer.headers().get("content-encoding").map(|it| it.to_str().unwrap().to_owned());
        (coding, answer.bytes().await.unwrap())
    };
    for file in ["mishap.css", "mishap.js", "favicon.svg"] {
        let (_, plain) = get(file, "identity").await;
        for accepted in ["gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1"] {
            let (coding, packed) = get(file, accepted).await;
            assert_eq!(coding.as_deref(), Some("gzip"), "{accepted}");
            let mut unpacked = Vec::new();
            GzDecoder::new(packed.as_ref()).read_to_end(&mut unpacked).unwrap();
            assert!(unpacked == plain && packed.len() < plain.len(), "{file}");
        }
        for accepted in ["br", "gzip;q=0", "identity;q=1, gzip;q=0.5", "nonsense"] {
            assert_eq!(get(file, accepted).await, (None, plain.clone()), "{accepted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn password_managers_find_where_passwords_are_changed() {
    let app = TestApp::start().await;
    let answer = app.anonymous().get("/.well-known/change-password").await.expect(302);
    assert_eq!(answer.header("location"), "/profile/security");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_says_that_its_json_is_utf_8() {
    let app = TestApp::start().await;
    for (path, status) in
        [("/api/0/", 200), ("/api/0/organizations/", 200), ("/api/0/issues/999999/", 404)]
    {
        let answer = app.owner().get(path).await.expect(status);
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{path}");
    }
}
