//! What can be read of the API.

use std::collections::BTreeSet;

use mishap_testkit::TestApp;
use mishap_web::{allauth, api};
use serde_json::{Value, json};

use super::with_settings;

const PAGES: [&str; 3] = ["/api/openapi.json", "/api/docs", "/api/docs/permissions"];

/// Every operation of the document: its method, its path, and itself.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

/// Every reference to a schema.
fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_tells_of_every_endpoint() {
    let app = with_settings(&[
        ("GLITCHTIP_URL", "https://errors.example.com/sub"),
        ("GLITCHTIP_VERSION", "6.2.6"),
    ])
    .await;
    let answer = app.anonymous().get("/api/openapi.json").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let document = answer.json();
    assert_eq!(document["info"]["version"], "6.2.6");
    assert_eq!(document["servers"], json!([{ "url": "https://errors.example.com/sub" }]));

    let operations = operations(&document);
    let tables = [api::endpoints(), api::unversioned_endpoints(), allauth::endpoints()];
    assert_eq!(operations.len(), tables.iter().map(Vec::len).sum::<usize>());
    let ids: BTreeSet<&str> = operations
        .iter()
        .map(|(.., operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), operations.len(), "each has a name of its own");
    for (method, path, operation) in operations {
        let parameters = operation["parameters"].as_array().unwrap();
        for segment in path.split('/').filter_map(|segment| segment.strip_prefix('{')) {
            let name = segment.strip_suffix('}').unwrap();
            let is_named =
                |parameter: &&Value| parameter["name"] == name && parameter["in"] == "path";
            assert!(parameters.iter().any(|parameter| is_named(&parameter)), "{method} {path}");
        }
        let answers = operation["responses"].as_object().unwrap();
        let is_told = answers.keys().any(|status| status.starts_with('2') || status == "default");
        assert!(is_told, "{method} {path} says what it gives");
    }
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_the_description_without_a_script() {
    let app = TestApp::start().await;
    let document = app.anonymous().get("/api/openapi.json").await.expect(200).json();
    let page = app.anonymous().get("/api/docs").await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.body.contains(&format!("id=\"{id}\"")), "{method} {path}");
        assert!(page.body.contains(&format!("<bdi>{path}</bdi>")), "{path}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(page.body.contains(&format!("id=\"shape-{name}\"")), "{name}");
    }
    for words in [
        "list of <a href=\"#shape-OrganizationResponse\">OrganizationResponse</a>",
        "teamRoles[].teamSlug",
        "Only for members of the organization with the role manager or above.",
    ] {
        assert!(page.body.contains(words), "{words}");
    }
    assert_eq!(page.body.matches("<script").count(), 1, "the one that all pages have");
    assert!(!page.body.contains("http://") && !page.body.contains("https://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_reads_who_may_call_what() {
    let app = TestApp::start().await;
    let document = app.anonymous().get("/api/openapi.json").await.expect(200).json();
    let page = app.anonymous().get("/api/docs/permissions").await.expect(200);
    for (method, path, _) in operations(&document) {
        let row = format!("<bdi>{} {path}</bdi>", method.to_uppercase());
        assert!(page.body.contains(&row), "{row}");
    }
    for words in ["org:read, org:write, org:admin", "Manager", "Empty list"] {
        assert!(page.body.contains(words), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_keep_the_description_back() {
    let app = with_settings(&[("ENABLE_OPENAPI", "False")]).await;
    for path in PAGES {
        app.anonymous().get(path).await.expect(404);
    }
}
