//! Whatever changes something must prove that it comes from a page of ours.

use mishap_testkit::{Answer, Browser, Options, TestApp};
use serde_json::json;
use url::Url;

use super::{at, jane, post, visitor};

/// Says nothing that makes sense, for what is refused before that is looked at.
async fn is_let_through(browser: &mut Browser) -> bool {
    let answer = post(browser, "auth/login", json!({})).await;
    match answer.status.as_u16() {
        400 => true,
        403 => {
            assert_refusal(&answer);
            false
        }
        other => panic!("{other}: {}", answer.body),
    }
}

fn assert_refusal(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.body.contains("CSRF verification failed"), "{}", answer.body);
}

type Bend = fn(&mut Browser);

async fn check(app: &TestApp, cases: &[(&str, Bend, bool)]) {
    for (what, bend, is_good) in cases {
        let mut browser = visitor(app).await;
        bend(&mut browser);
        assert_eq!(is_let_through(&mut browser).await, *is_good, "{what}");
    }
}

fn say(browser: &mut Browser, origin: Option<&str>, referer: Option<&str>) {
    browser.origin = origin.map(str::to_owned);
    browser.says = referer.map(|referer| ("referer", referer.to_owned())).into_iter().collect();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_said_twice() {
    let app = TestApp::start().await;
    let cases: [(&str, Bend, bool); 8] = [
        ("as it should be", |_| {}, true),
        ("no header", |b| b.csrf_header = None, false),
        ("an empty header", |b| b.csrf_header = Some(String::new()), false),
        ("a wrong header", |b| b.csrf_header = Some("a".repeat(32)), false),
        ("half of it", |b| b.csrf_header.as_mut().unwrap().truncate(16), false),
        ("no cookie", |b| b.csrf_cookie = None, false),
        (
            "both empty",
            |b| (b.csrf_cookie, b.csrf_header) = (Some(String::new()), Some(String::new())),
            false,
        ),
        (
            "both short",
            |b| (b.csrf_cookie, b.csrf_header) = (Some("a".into()), Some("a".into())),
            false,
        ),
    ];
    check(&app, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_are_refused() {
    let app = TestApp::start().await;
    let cases: [(&str, Bend, bool); 8] = [
        ("another site", |b| say(b, Some("http://evil.test"), None), false),
        ("with TLS", |b| say(b, Some("https://mishap.test"), None), false),
        ("on another port", |b| say(b, Some("http://mishap.test:8000"), None), false),
        ("of nobody", |b| say(b, Some("null"), None), false),
        ("of no scheme", |b| say(b, Some("mishap.test"), None), false),
        ("the referrer is ours", |b| say(b, None, Some("http://mishap.test/login")), true),
        ("the referrer is not ours", |b| say(b, None, Some("http://evil.test/login")), false),
        ("nothing is said, without TLS", |b| say(b, None, None), true),
    ];
    check(&app, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_browser_has_to_say_where_it_comes_from() {
    let public_url = Url::parse("https://mishap.test").unwrap();
    let app = TestApp::start_with(Options { public_url, ..Options::default() }).await;
    let cases: [(&str, Bend, bool); 7] = [
        ("as it should be", |_| {}, true),
        ("nothing", |b| say(b, None, None), false),
        ("the referrer is ours", |b| say(b, None, Some("https://mishap.test/login")), true),
        ("the referrer is not ours", |b| say(b, None, Some("https://evil.test/")), false),
        ("the referrer lacks TLS", |b| say(b, None, Some("http://mishap.test/")), false),
        ("the referrer is no address", |b| say(b, None, Some("mishap.test")), false),
        (
            "the origin counts first",
            |b| {
                say(b, Some("https://evil.test"), Some("https://mishap.test/login"));
            },
            false,
        ),
    ];
    check(&app, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_be_reached_by_another_name() {
    let public_url = Url::parse("https://mishap.test").unwrap();
    let trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    let app =
        TestApp::start_with(Options { public_url, trusted_proxies, ..Options::default() }).await;
    for (host, origin, forwarded_proto, is_good) in [
        // As it is without any proxy, such as through a tunnel.
        ("localhost:8000", "http://localhost:8000", None, true),
        ("other.test", "https://other.test", Some("https"), true),
        ("other.test", "https://other.test", None, true),
        ("other.test", "http://other.test", Some("https"), false),
        ("other.test", "https://evil.test", Some("https"), false),
        // Whoever is between could make a page without TLS.
        ("mishap.test", "http://mishap.test", None, false),
    ] {
        let mut browser = visitor(&app).await;
        browser.origin = Some(origin.to_owned());
        browser.says = vec![("host", host.to_owned())];
        browser.says.extend(forwarded_proto.map(|it| ("x-forwarded-proto", it.to_owned())));
        assert_eq!(is_let_through(&mut browser).await, is_good, "{origin} at {host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_may_trust_other_origins() {
    let trusted = ["https://front.test", "https://*.apps.test"].map(str::to_owned);
    let options = Options { trusted_origins: trusted.to_vec(), ..Options::default() };
    let app = TestApp::start_with(options).await;
    for (origin, is_good) in [
        ("https://front.test", true),
        ("https://a.apps.test", true),
        ("http://front.test", false),
        ("https://front.test.evil.test", false),
        ("https://apps.test", false),
        ("https://evilapps.test", false),
    ] {
        let mut browser = visitor(&app).await;
        browser.origin = Some(origin.to_owned());
        assert_eq!(is_let_through(&mut browser).await, is_good, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_changes_something_asks_for_proof() {
    let app = TestApp::start().await;
    let mut browser = jane(&app).await;
    browser.csrf_header = None;
    for endpoint in mishap_web::allauth::endpoints() {
        if endpoint.method.is_safe() {
            continue;
        }
        let method = reqwest::Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
        let path = at(endpoint.path.trim_start_matches('/'));
        assert_refusal(&browser.send(method, &path, &json!({})).await.expect(403));
    }
}
