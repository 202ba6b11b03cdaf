//! What the API shows of what an SDK sent.

use mishap_testkit::TestApp;
use serde_json::{Value, json};

/// An issue and its newest event.
pub(super) struct Shown {
    /// The issue as it is listed.
    pub(super) issue: Value,
    /// The event, as the issue's page shows it.
    pub(super) event: Value,
    /// The event as it is stored.
    pub(super) stored: Value,
}

impl Shown {
    /// The only issue of the project.
    pub(super) async fn only_issue(app: &TestApp) -> Self {
        let owner = app.owner();
        let issues = owner.get("/api/0/organizations/shop-org/issues/").await.expect(200).json();
        let issues = issues.as_array().unwrap();
        assert_eq!(issues.len(), 1, "{issues:#?}");
        let issue = issues[0].clone();
        let id = issue["id"].as_str().unwrap();
        let path = format!("/api/0/issues/{id}/events/latest/");
        let event = owner.get(&path).await.expect(200).json();
        let event_id = event["eventID"].as_str().unwrap();
        let path = format!("/api/0/organizations/shop-org/issues/{id}/events/{event_id}/json/");
        let stored = owner.get(&path).await.expect(200).json();
        Self { issue, event, stored }
    }

    /// Checks what is the same in every language: what the scripts set on the scope.
    #[track_caller]
    pub(super) fn expect_scope(&self) {
        let Self { issue, event, stored } = self;
        assert_eq!(issue["level"], "error");
        for (tag, value) in [
            ("till", "left"),
            ("release", "shop@1.2.3"),
            ("dist", "7"),
            ("environment", "staging"),
            ("server_name", "till-1"),
            ("user.id", "42"),
            ("user.email", "ana@example.com"),
        ] {
            assert_eq!(self.tag(tag), Some(value), "{tag} in {:#}", event["tags"]);
        }
        assert_eq!(event["dist"], "7");
        assert_eq!(event["user"]["id"], "42");
        assert_eq!(event["user"]["username"], "ana");
        assert_eq!(event["context"]["items"], json!(0));
        assert_eq!(event["contexts"]["order"]["number"], json!(17));
        assert_eq!(stored["release"], "shop@1.2.3");
        assert_eq!(stored["environment"], "staging");
        assert_eq!(stored["server_name"], "till-1");
        let crumbs = self.entry("breadcrumbs")["values"].as_array().unwrap().clone();
        let crumb = crumbs.iter().find(|crumb| crumb["category"] == "cart").unwrap();
        assert_eq!(crumb["message"], "opened the cart");
        assert_eq!(crumb["level"], "info");
        assert_eq!(crumb["data"], json!({ "n": 1 }));
        assert!(crumb["timestamp"].is_string() || crumb["timestamp"].is_number());
    }

    /// The value of a tag.
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        let tags = self.event["tags"].as_array().unwrap();
        tags.iter().find(|tag| tag["key"] == key)?["value"].as_str()
    }

    /// The content of an entry of the event.
    #[track_caller]
    pub(super) fn entry(&self, kind: &str) -> &Value {
        let entries = self.event["entries"].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["type"] == kind);
        &entry.unwrap_or_else(|| panic!("no {kind} in {entries:#?}"))["data"]
    }

    /// The exceptions, the raised one last.
    #[track_caller]
    pub(super) fn exceptions(&self) -> &[Value] {
        self.entry("exception")["values"].as_array().unwrap()
    }

    /// The types and values of the exceptions, the raised one last.
    #[track_caller]
    pub(super) fn causes(&self) -> Vec<(&str, &str)> {
        self.exceptions()
            .iter()
            .map(|one| (one["type"].as_str().unwrap(), one["value"].as_str().unwrap()))
            .collect()
    }
}

/// The frames of an exception, the innermost last.
#[track_caller]
pub(super) fn frames(exception: &Value) -> &[Value] {
    exception["stacktrace"]["frames"].as_array().unwrap()
}

/// The source line on which a frame stood.
#[track_caller]
pub(super) fn line(frame: &Value) -> &str {
    let number = &frame["lineNo"];
    let lines = frame["context"].as_array().unwrap();
    lines.iter().find(|line| line[0] == *number).unwrap()[1].as_str().unwrap()
}

/// Checks that nothing of what was sent waits, is dead, or ended otherwise than listed here as
/// category, reason and how many.
pub(super) async fn expect_outcomes(app: &mut TestApp, expected: &[(&str, &str, i64)]) {
    let outcomes = app.outcomes().await;
    let outcomes: Vec<_> = outcomes
        .iter()
        .map(|(category, reason, quantity)| (category.as_str(), reason.as_str(), *quantity))
        .collect();
    assert_eq!(outcomes, expected);
    let mut conn = app.database.conn().await;
    assert_eq!(mishap_storage::inbox::count(&mut conn).await.unwrap(), 0);
    assert_eq!(mishap_storage::dead_letters::count(&mut conn).await.unwrap(), 0);
}
