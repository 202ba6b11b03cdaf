//! Lists, page by page.

use mishap_core::access::Role;
use mishap_core::random::{Random as _, SystemRandom};
use mishap_protocol::dsn::PublicKey;
use mishap_storage::names::{SeenName, see_environments};
use mishap_storage::projects::keys;
use mishap_storage::{members, organizations, projects, teams};
use mishap_testkit::builders::error_event;
use mishap_testkit::{Answer, TestApp};
use serde_json::{Value, json};
use url::Url;

/// One way out of a page, as clients read it.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    path: String,
    has_results: bool,
}

/// The links of a page: the way back, then the way on.
fn links(answer: &Answer) -> [Link; 2] {
    let links: Vec<Link> = answer
        .header("link")
        .split(", ")
        .zip(["previous", "next"])
        .map(|(link, rel)| {
            let parts: Vec<&str> = link.split("; ").collect();
            let url = parts[0].strip_prefix('<').unwrap().strip_suffix('>').unwrap();
            let url = Url::parse(url).unwrap();
            assert_eq!(url.host_str(), Some("mishap.test"), "links are absolute");
            assert_eq!(parts[1], format!("rel=\"{rel}\""));
            let has_results = parts[2] == "results=\"true\"";
            let cursor = url.query_pairs().find(|(name, _)| name == "cursor");
            if has_results {
                let cursor = cursor.unwrap().1.into_owned();
                assert_eq!(parts[3], format!("cursor=\"{cursor}\""));
            } else {
                assert_eq!((parts[2], parts.len()), ("results=\"false\"", 3));
            }
            let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
            Link { path: format!("{}{query}", url.path()), has_results }
        })
        .collect();
    links.try_into().unwrap()
}

fn names(answer: &Answer, member: &str) -> Vec<String> {
    let items = answer.json();
    items.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

/// Walks through a list to its end and back, two items at a time.
async fn check_pages(app: &TestApp, path: &str, member: &str, expected: &[&str]) {
    let client = app.owner();
    let whole = client.get(path).await.expect(200);
    assert_eq!(names(&whole, member), expected, "{path}");
    assert_eq!(whole.header("x-hits"), expected.len().to_string(), "{path}");
    assert_eq!(whole.header("x-max-hits"), "1000");
    assert!(!links(&whole).iter().any(|link| link.has_results), "{path}");

    let mut next = Link { path: format!("{path}?limit=2"), has_results: true };
    let mut forward = Vec::new();
    let mut last = None;
    while next.has_results {
        let page = client.get(&next.path).await.expect(200);
        assert_eq!(page.header("x-hits"), expected.len().to_string(), "{}", next.path);
        forward.push(names(&page, member));
        let [previous, following] = links(&page);
        assert_eq!(previous.has_results, forward.len() > 1, "{path}");
        (last, next) = (Some(previous), following);
    }
    let pages: Vec<Vec<String>> =
        expected.chunks(2).map(|page| page.iter().map(|&name| name.to_owned()).collect()).collect();
    assert_eq!(forward, pages, "{path}");

    let mut previous = last.unwrap();
    for page in pages.iter().rev().skip(1) {
        assert!(previous.has_results, "{path}");
        let back = client.get(&previous.path).await.expect(200);
        assert_eq!(&names(&back, member), page, "{path}");
        previous = links(&back).into_iter().next().unwrap();
    }
    assert!(!previous.has_results, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_paged_by_name() {
    let app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    for name in ["zebra", "apple", "milk", "bread"] {
        let made = organizations::insert(&mut conn, name, &[name.to_owned()]).await.unwrap();
        members::put(&mut conn, made.id, app.tenant.user, Role::Member).await.unwrap();
    }
    organizations::insert(&mut conn, "not mine", &["not-mine".to_owned()]).await.unwrap();
    let names = ["apple", "bread", "milk", "shop org", "zebra"];
    check_pages(&app, "/api/0/organizations/", "name", &names).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_paged_by_name() {
    let app = TestApp::start().await;
    for name in ["zebra", "apple", "milk", "bread"] {
        app.database.project(app.tenant.organization, name).await;
    }
    app.database.tenant("other").await;
    let names = ["apple", "bread", "milk", "shop", "zebra"];
    check_pages(&app, "/api/0/projects/", "name", &names).await;
    check_pages(&app, "/api/0/organizations/shop-org/projects/", "name", &names).await;
    let mut conn = app.database.conn().await;
    let organization = app.tenant.organization;
    let team = teams::insert(&mut conn, organization, "team").await.unwrap().unwrap();
    for name in names {
        let project = projects::find(&mut conn, organization, name).await.unwrap().unwrap();
        teams::add_project(&mut conn, team, project.id).await.unwrap();
    }
    check_pages(&app, "/api/0/teams/shop-org/team/projects/", "name", &names).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_paged_with_the_newest_first() {
    let app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    for label in ["second", "third", "fourth"] {
        let key = PublicKey(SystemRandom.uuid());
        keys::insert(&mut conn, app.tenant.project, key, label).await.unwrap();
    }
    let path = "/api/0/projects/shop-org/shop/keys/";
    check_pages(&app, path, "label", &["fourth", "third", "second", "Default"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_are_paged_with_the_last_seen_first() {
    let app = TestApp::start().await;
    for error in ["A", "B", "C", "D", "E", "B"] {
        super::send(&app, &error_event(error, "x")).await;
    }
    let titles = ["B: x", "E: x", "D: x", "C: x", "A: x"];
    for path in ["/api/0/organizations/shop-org/issues/", "/api/0/projects/shop-org/shop/issues/"] {
        check_pages(&app, path, "title", &titles).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_seen_at_the_same_moment_are_on_one_page_each() {
    let app = TestApp::start().await;
    for error in ["A", "B", "C", "D", "E"] {
        super::send(&app, &error_event(error, "x")).await;
    }
    app.database.sql("UPDATE issues SET last_seen = '2026-01-01T00:00:00Z'").await;
    let titles = ["E: x", "D: x", "C: x", "B: x", "A: x"];
    check_pages(&app, "/api/0/organizations/shop-org/issues/", "title", &titles).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parameters_of_a_list_go_on_in_its_links() {
    let app = TestApp::start().await;
    for error in ["A", "B"] {
        super::send(&app, &error_event(error, "x")).await;
    }
    let path = "/api/0/organizations/shop-org/issues/?query=is%3Aunresolved&limit=1";
    let page = app.owner().get(path).await.expect(200);
    let [_, next] = links(&page);
    assert!(next.path.ends_with("&limit=1&query=is%3Aunresolved"), "{}", next.path);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_be_understood_is_refused_with_the_parameter_s_name() {
    let app = TestApp::start().await;
    for (query, location, message) in [
        ("cursor=nonsense", "cursor", "Invalid cursor."),
        ("limit=many", "limit", "Input should be a valid integer"),
        ("query=is%3Abroken", "query", "Only is:unresolved"),
    ] {
        let path = format!("/api/0/organizations/shop-org/issues/?{query}");
        let problem = app.owner().get(&path).await.expect(422).json()["detail"][0].clone();
        assert_eq!(problem["loc"], json!(["query", location]), "{query}");
        assert!(problem["msg"].as_str().unwrap().contains(message), "{query}: {problem}");
    }
    for query in ["cursor=", "limit=0", "limit=", "limit=1000", "query="] {
        let path = format!("/api/0/organizations/shop-org/issues/?{query}");
        let shown: Value = app.owner().get(&path).await.expect(200).json();
        assert_eq!(shown, json!([]), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_and_their_members_are_paged_with_the_newest_first() {
    let app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    let organization = app.tenant.organization;
    let slugs = ["a", "b", "c", "d", "e"];
    let mut made = Vec::new();
    for slug in slugs {
        let team = teams::insert(&mut conn, organization, slug).await.unwrap().unwrap();
        teams::add_project(&mut conn, team, app.tenant.project).await.unwrap();
        made.push(team);
    }
    let mut emails = Vec::new();
    for n in 0..5 {
        let email = format!("{n}@example.com");
        let account = app.database.member(organization, &email, Role::Member).await;
        let member = members::find_by_user(&mut conn, organization, account.user).await.unwrap();
        teams::add_member(&mut conn, &made[..1], member.unwrap().id).await.unwrap();
        emails.push(email);
    }
    let newest = ["e", "d", "c", "b", "a"];
    check_pages(&app, "/api/0/organizations/shop-org/teams/", "slug", &newest).await;
    check_pages(&app, "/api/0/projects/shop-org/shop/teams/", "slug", &newest).await;
    let emails: Vec<&str> = emails.iter().rev().map(String::as_str).collect();
    check_pages(&app, "/api/0/teams/shop-org/a/members/", "email", &emails).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_are_paged_with_the_newest_first() {
    let app = TestApp::start().await;
    let mut conn = app.database.conn().await;
    let (organization, project) = (app.tenant.organization, app.tenant.project);
    for name in ["a", "b", "c", "d", "e"] {
        let seen = SeenName { organization, project, name: name.to_owned() };
        see_environments(&mut conn, &[seen]).await.unwrap();
    }
    let newest = ["e", "d", "c", "b", "a"];
    for path in [
        "/api/0/organizations/shop-org/environments/",
        "/api/0/projects/shop-org/shop/environments/",
    ] {
        check_pages(&app, path, "name", &newest).await;
    }
}
