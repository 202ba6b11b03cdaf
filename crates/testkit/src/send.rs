//! Sends what SDKs send, and looks at what became of it.

use serde_json::Value;

use crate::{Answer, TestApp};

impl TestApp {
    /// Sends an envelope under the first project's key.
    pub async fn send_envelope(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.send_to("envelope", &[], body).await
    }

    /// Sends a body to an ingest endpoint of the first project, under its key.
    pub async fn send_to(
        &self,
        endpoint: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let auth = self.dsn().auth_header("test/1");
        let mut all = vec![("X-Sentry-Auth", auth.as_str())];
        all.extend_from_slice(headers);
        self.anonymous().send(&self.ingest_path(endpoint), &all, body.into()).await
    }

    /// The path of an ingest endpoint with the first project's key in its query.
    pub fn keyed_path(&self, endpoint: &str) -> String {
        format!("{}?sentry_key={}", self.ingest_path(endpoint), self.tenant.public_key)
    }

    /// An event of the first project as the API shows it.
    pub async fn shown_event(&self, event_id: &str) -> Value {
        let path = self.event_path(event_id);
        self.owner().get(&path).await.expect(200).json()
    }

    /// Whether there is such an event in the first project.
    pub async fn has_event(&self, event_id: &str) -> bool {
        let answer = self.owner().get(&self.event_path(event_id)).await;
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{answer:?}");
        answer.status.as_u16() == 200
    }

    /// An event of the first project as it is stored: its whole JSON.
    pub async fn stored_event(&self, event_id: &str) -> Value {
        let issue = self.shown_event(event_id).await["groupID"].clone();
        let organization = &self.tenant.organization_slug;
        let issue = issue.as_str().unwrap();
        let path =
            format!("/api/0/organizations/{organization}/issues/{issue}/events/{event_id}/json/");
        self.owner().get(&path).await.expect(200).json()
    }

    fn event_path(&self, event_id: &str) -> String {
        let (organization, project) = (&self.tenant.organization_slug, &self.tenant.project_slug);
        format!("/api/0/projects/{organization}/{project}/events/{event_id}/")
    }
}
