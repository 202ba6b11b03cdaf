//! Who may ask for what, tried from both sides of each endpoint.

use mishap_core::access::{Role, Scope};
use mishap_testkit::{Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

use super::in_role;

/// An endpoint, and what it takes to get through.
pub(super) struct Door {
    method: Method,
    path: String,
    body: Value,
    scopes: &'static [Scope],
    role: Role,
    refusal: Value,
    is_list: bool,
    status: u16,
}

impl Door {
    /// A door for members who only look, with a token that has one of these scopes.
    pub(super) fn new(method: Method, path: &str, scopes: &'static [Scope]) -> Self {
        Self {
            method,
            path: format!("/api/0/{path}"),
            body: json!({}),
            scopes,
            role: Role::Viewer,
            refusal: json!({ "detail": "forbidden" }),
            is_list: false,
            status: 200,
        }
    }

    /// Whoever is less than this is refused.
    pub(super) fn takes(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Whoever is less than this hears that there is no such thing.
    pub(super) fn hides_below(self, role: Role) -> Self {
        Self { role, refusal: json!({ "detail": "Not Found" }), ..self }
    }

    /// Strangers see an empty list.
    pub(super) fn lists(self) -> Self {
        Self { is_list: true, ..self }
    }

    /// What is sent.
    pub(super) fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// What those hear who may.
    pub(super) fn answers(self, status: u16) -> Self {
        Self { status, ..self }
    }

    async fn expect(&self, client: &Client, status: u16, body: &Value, who: &str) {
        let answer = client.json(self.method.clone(), &self.path, &self.body).await;
        let heard = (answer.status.as_u16(), answer.json());
        assert_eq!(heard, (status, body.clone()), "{} {} as {who}", self.method, self.path);
    }
}

/// Tries each door, in this order: with nothing, as a stranger, with too small a role, with the wrong
/// scopes, and at last as somebody who may.
pub(super) async fn try_all(app: &TestApp, doors: &[Door]) {
    let stranger = app.database.tenant("stranger").await;
    let stranger = app.client(&stranger.token);
    let mut scoped = Vec::new();
    for scope in Scope::ALL {
        scoped.push((scope, app.with_scopes(&[*scope]).await));
    }
    let mut roles = Vec::new();
    for role in Role::ALL {
        roles.push((role, in_role(app, *role).await));
    }
    for door in doors {
        let unknown = match door.method.is_safe() {
            true => (401, json!({ "detail": "Unauthorized" })),
            false => (403, json!({ "detail": "CSRF check Failed" })),
        };
        door.expect(&app.anonymous(), unknown.0, &unknown.1, "nobody").await;
        let empty = match door.is_list {
            true => (200, json!([])),
            false => (404, json!({ "detail": "Not Found" })),
        };
        door.expect(&stranger, empty.0, &empty.1, "a stranger").await;
        let refused = if door.refusal["detail"] == "forbidden" { 403 } else { 404 };
        for (role, client) in roles.iter().filter(|(role, _)| **role < door.role) {
            door.expect(client, refused, &door.refusal, role.name()).await;
        }
        let denied = json!({ "detail": "Permission denied" });
        for (scope, client) in scoped.iter().filter(|(scope, _)| !door.scopes.contains(scope)) {
            door.expect(client, 403, &denied, scope.name()).await;
        }
        let (_, allowed) = roles.iter().find(|(role, _)| **role == door.role).unwrap();
        let answer = allowed.json(door.method.clone(), &door.path, &door.body).await;
        assert_eq!(answer.status.as_u16(), door.status, "{} {}", door.method, answer.body);
    }
}
