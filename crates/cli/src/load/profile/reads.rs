//! What people look at while others send.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mishap_core::random::{Random as _, SystemRandom};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::reader::Reader;
use crate::load::sending::{Pace, Stretch};
use crate::load::tally::Answers;

/// Longer than any load test.
const FOREVER: Duration = Duration::from_secs(30 * 86_400);

/// What issues are searched by.
const QUERY: &str = "is:unresolved";

/// Something that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum View {
    IssueList,
    IssueDetail,
    Search,
    ProjectList,
}

impl View {
    const ALL: [Self; 4] = [Self::IssueList, Self::IssueDetail, Self::Search, Self::ProjectList];

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::IssueList => "issue list",
            Self::IssueDetail => "issue detail",
            Self::Search => "search",
            Self::ProjectList => "project list",
        }
    }
}

/// How requests for each view were answered.
pub(super) type Views = BTreeMap<View, Answers>;

/// Somebody who reads.
pub(super) struct Reads {
    client: reqwest::Client,
    api: Url,
    organization: String,
    token: String,
    rate: f64,
    next: AtomicUsize,
    /// Numbers of the issues in the last list.
    issues: Mutex<Vec<String>>,
    views: Mutex<Views>,
}

#[derive(Deserialize)]
struct ListedIssue {
    id: String,
}

impl Reads {
    /// So many requests a second to the server at this address.
    pub(super) fn new(server: &Url, reader: &Reader, rate: u32) -> anyhow::Result<Self> {
        let base = server.as_str().trim_end_matches('/');
        Ok(Self {
            client: crate::send::client()?,
            api: Url::parse(&format!("{base}/api/0/"))?,
            organization: reader.organization.clone(),
            token: reader.token.reveal().to_owned(),
            rate: f64::from(rate),
            next: AtomicUsize::new(0),
            issues: Mutex::default(),
            views: Mutex::default(),
        })
    }

    /// Reads for as long as it is asked to. As with what is sent, latency counts from when a request
    /// was due.
    pub(super) async fn keep_reading(&self) -> Infallible {
        let stretch = Stretch { rate: Some(self.rate), length: FOREVER, max_events: u64::MAX };
        let pace = Pace::new(stretch, Instant::now());
        let one = || self.read_on(&pace);
        tokio::join!(one(), one(), one(), one());
        std::future::pending().await
    }

    /// How requests were answered since this was last asked.
    pub(super) fn take(&self) -> Views {
        std::mem::take(&mut *self.views())
    }

    async fn read_on(&self, pace: &Pace) {
        while let Some(due) = pace.next() {
            tokio::time::sleep_until(due).await;
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let view = View::ALL.into_iter().cycle().nth(turn % View::ALL.len());
            self.read(view.unwrap_or(View::IssueList), due).await;
        }
    }

    async fn read(&self, view: View, due: Instant) {
        // Before there is a first issue, there is none to be shown.
        let Some(url) = self.url(view) else { return };
        match self.get(url).await {
            Ok((status, body)) => {
                let latency = due.elapsed();
                let bytes = body.len() as u64;
                self.views().entry(view).or_default().answer(status, latency, bytes);
                if view == View::IssueList {
                    self.remember(&body);
                }
            }
            Err(_no_answer) => self.views().entry(view).or_default().unanswered += 1,
        }
    }

    async fn get(&self, url: Url) -> reqwest::Result<(u16, bytes::Bytes)> {
        let response = self.client.get(url).bearer_auth(&self.token).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.bytes().await?))
    }

    /// Where a view is; nothing if there is nothing to be looked at.
    fn url(&self, view: View) -> Option<Url> {
        let organization = format!("organizations/{}", self.organization);
        let path = match view {
            View::IssueList | View::Search => format!("{organization}/issues/"),
            View::IssueDetail => format!("issues/{}/", self.any_issue()?),
            View::ProjectList => format!("{organization}/projects/"),
        };
        let mut url = self.api.join(&path).ok()?;
        if view == View::Search {
            url.query_pairs_mut().append_pair("query", QUERY);
        }
        Some(url)
    }

    fn any_issue(&self) -> Option<String> {
        let issues = self.issues.lock().unwrap_or_else(PoisonError::into_inner);
        any(&issues).cloned()
    }

    fn remember(&self, list: &[u8]) {
        // What is no list has a status that says so.
        if let Ok(listed) = serde_json::from_slice::<Vec<ListedIssue>>(list) {
            let mut issues = self.issues.lock().unwrap_or_else(PoisonError::into_inner);
            *issues = listed.into_iter().map(|issue| issue.id).collect();
        }
    }

    fn views(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of several.
fn any<T>(all: &[T]) -> Option<&T> {
    let mut place = [0; 4];
    SystemRandom.fill(&mut place);
    let place = usize::try_from(u32::from_le_bytes(place)).unwrap_or_default();
    all.get(place.checked_rem(all.len())?)
}

/// All of several.
pub(super) fn sum<'v>(all: impl IntoIterator<Item = &'v Views>) -> Views {
    let mut sum = Views::new();
    for (view, answers) in all.into_iter().flatten() {
        sum.entry(*view).or_default().add(answers);
    }
    sum
}

/// How all requests were answered, whatever was looked at.
pub(super) fn all(views: &Views) -> Answers {
    let mut all = Answers::default();
    views.values().for_each(|answers| all.add(answers));
    all
}
