//! Every endpoint has its last slash or does without it, and redirects nobody: some clients would lose
//! what they send, and others do not follow.

use mishap_testkit::TestApp;
use mishap_web::access::Who;
use mishap_web::endpoint::Endpoint;
use mishap_web::{allauth, api};

use super::ask;

/// A path with something in the place of each parameter.
fn filled(path: &str) -> String {
    let fill = |segment: &str| match segment.strip_prefix('{').map(|rest| rest.split_once(':')) {
        None => segment.to_owned(),
        Some(None) => "x".to_owned(),
        Some(Some((_, pattern))) if pattern.ends_with(r"\d+}") => "1".to_owned(),
        Some(Some(_)) => "12345678-1234-4234-8234-123456789abc".to_owned(),
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_is_there_with_its_last_slash_and_without() {
    let app = TestApp::start().await;
    let all =
        |prefix, endpoints: Vec<Endpoint>| endpoints.into_iter().map(move |row| (prefix, row));
    let api = all(api::PREFIX, api::endpoints());
    for (prefix, endpoint) in api.chain(all(allauth::PREFIX, allauth::endpoints())) {
        let path = format!("{prefix}{}", filled(endpoint.path));
        let bare = path.trim_end_matches('/');
        let mut answers = Vec::new();
        for path in [bare, &format!("{bare}/")] {
            if prefix == allauth::PREFIX && path.ends_with('/') {
                continue;
            }
            let method = endpoint.method.as_str().parse().unwrap();
            let answer = ask(&app.anonymous(), method, path, &[]).await;
            let status = answer.status.as_u16();
            let is_safe = endpoint.method.is_safe();
            let asked = match endpoint.permission.who {
                // Nobody gets further without saying who they are; what is not there is not found.
                Who::Caller | Who::Person if is_safe => status == 401,
                Who::Caller | Who::Person => status == 403,
                // What a link or a hash names may not be there.
                Who::Everybody | Who::Anybody if endpoint.path.contains('{') => {
                    !matches!(status, 300..400 | 405 | 500..)
                }
                Who::Everybody | Who::Anybody => !matches!(status, 300..400 | 404 | 405 | 500..),
            };
            assert!(asked, "{} {path}: {answer:?}", endpoint.method);
            answers.push(status);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{} {path}", endpoint.method);
    }
}
