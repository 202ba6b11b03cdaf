//! What people want to be told.

use mishap_core::access::Role;
use mishap_testkit::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_problems, assert_refused, audited};

const NOTIFICATIONS: &str = "/api/0/users/me/notifications/";

const ALERTS: &str = "/api/0/users/me/notifications/alerts/";

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_wanted_by_default_until_somebody_says_otherwise() {
    let app = TestApp::start().await;
    let client = app.owner();
    let wants = |wants: bool| json!({ "subscribeByDefault": wants });
    assert_eq!(client.get(NOTIFICATIONS).await.expect(200).json(), wants(true));
    let put = async |body: Value| client.json(Method::PUT, NOTIFICATIONS, &body).await;
    assert_eq!(
        put(json!({ "subscribe_by_default": false })).await.expect(200).json(),
        wants(false)
    );
    assert_eq!(client.get(NOTIFICATIONS).await.json(), wants(false));
    // Whoever is named, it is oneself.
    let other = app.database.account("a@example.com").await;
    let path = format!("/api/0/users/{}/notifications/", other.user);
    assert_eq!(client.get(&path).await.expect(200).json(), wants(false));
    assert_eq!(app.client(&other.token).get(NOTIFICATIONS).await.json(), wants(true));
    assert_eq!(put(json!({})).await.expect(200).json(), wants(true));
    let wrong = put(json!({ "subscribeByDefault": "perhaps" })).await;
    assert_problems(&wrong, &[("bool_parsing", "subscribeByDefault")]);
    client.get("/api/0/users/you/notifications/").await.expect(422);
    assert_refused(&app.anonymous().get(NOTIFICATIONS).await, 401, "Unauthorized");
    let entries = audited(&app).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["action"], "account.update");
    assert_eq!(entries[0]["details"], json!({ "subscribeByDefault": false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_chosen_and_the_choice_taken_back() {
    let app = TestApp::start().await;
    let client = app.owner();
    let project = app.tenant.project.to_string();
    let second = app.database.project(app.tenant.organization, "second").await.id.to_string();
    let choose = async |project: &str, status: i64| {
        let body = json!({ project: status });
        client.json(Method::PUT, ALERTS, &body).await.expect(204).body
    };
    assert_eq!(client.get(ALERTS).await.expect(200).json(), json!({}));
    assert_eq!(choose(&project, 1).await, "");
    choose(&second, 0).await;
    assert_eq!(client.get(ALERTS).await.json(), json!({ &project: 1, &second: 0 }));
    choose(&project, 0).await;
    choose(&second, -1).await;
    // That there is nothing to be taken back is no failure.
    choose(&second, -1).await;
    let own = format!("/api/0/users/{}/notifications/alerts/", app.tenant.user);
    assert_eq!(client.get(&own).await.expect(200).json(), json!({ &project: 0 }));
    let entries = audited(&app).await;
    assert_eq!(entries.len(), 4);
    let expected = json!({ "project": app.tenant.project, "wantsAlerts": true });
    assert_eq!(entries[0]["details"], expected);
    let expected = json!({ "project": second.parse::<i64>().unwrap(), "wantsAlerts": null });
    assert_eq!(entries[3]["details"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_choice_is_refused() {
    let app = TestApp::start().await;
    let client = app.owner();
    let project = app.tenant.project.to_string();
    let put = async |body: Value| client.json(Method::PUT, ALERTS, &body).await;
    let text = "Invalid alert format, expected one value";
    for body in [json!({}), json!([]), json!({ &project: 1, "2": 1 }), json!({ "shop": 1 })] {
        assert_refused(&put(body).await, 422, text);
    }
    let text = "Invalid status, must be -1, 0, or 1";
    for status in [json!(2), json!(-2), json!(null), json!(true), json!(0.5), json!({})] {
        assert_refused(&put(json!({ &project: status })).await, 422, text);
    }
    // Projects that one cannot see are not there, as those that are deleted.
    let other = app.database.tenant("other").await;
    for unknown in [other.project.to_string(), "0".to_owned(), "-7".to_owned()] {
        assert_refused(&put(json!({ unknown: 1 })).await, 404, "Not Found");
    }
    app.database.sql("UPDATE projects SET deleted_at = now()").await;
    assert_refused(&put(json!({ &project: 1 })).await, 404, "Not Found");
    assert!(audited(&app).await.is_empty());
    let path = format!("/api/0/users/{}/notifications/alerts/", other.user);
    assert_refused(&client.get(&path).await, 404, "Not Found");
    let answer = client.json(Method::PUT, &path, &json!({ &project: 1 })).await;
    assert_refused(&answer, 404, "Not Found");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_chooses_for_themselves_whatever_the_role() {
    let app = TestApp::start().await;
    let email = "viewer@example.com";
    let viewer = app.database.member(app.tenant.organization, email, Role::Viewer).await;
    let project = app.tenant.project.to_string();
    let client = app.client(&viewer.token);
    client.json(Method::PUT, ALERTS, &json!({ &project: 0 })).await.expect(204);
    assert_eq!(client.get(ALERTS).await.json(), json!({ &project: 0 }));
    assert_eq!(app.owner().get(ALERTS).await.json(), json!({}));
}
