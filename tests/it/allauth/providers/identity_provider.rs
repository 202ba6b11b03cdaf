//! A real identity provider, as a company runs it: `oidc-provider-mock`, in a process of its own.

use std::process::Stdio;

use mishap_testkit::Answer;
use reqwest::redirect::Policy;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use url::Url;

use crate::sdks::install;

/// The provider; it ends with the test.
pub(crate) struct IdentityProvider {
    /// Its issuer.
    pub(crate) url: String,
    http: reqwest::Client,
    _process: Child,
    /// It would fail if nobody listened; what it says of a test fits into the pipe.
    _said: Lines<BufReader<ChildStderr>>,
}

impl IdentityProvider {
    /// Starts it on a free port.
    pub(crate) async fn start() -> Self {
        mishap_testkit::install_encryption();
        let packages = tokio::task::spawn_blocking(install::oidc_provider).await.unwrap();
        let mut process = Command::new("python3")
            .args(["-S", "-m", "oidc_provider_mock", "--require-nonce", "true", "--port", "0"])
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = loop {
            let line = said.next_line().await.unwrap().unwrap();
            let place = line.split_once("running on ").map(|(_, rest)| rest);
            if let Some(url) = place.and_then(|rest| rest.split([' ', '"']).next()) {
                break url.to_owned();
            }
        };
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { url, http, _process: process, _said: said }
    }

    /// Lets it know somebody, and what to tell of them.
    pub(crate) async fn knows(&self, sub: &str, claims: &Value) {
        let url = format!("{}/users/{sub}", self.url);
        Answer::of(self.http.put(url).json(claims)).await.expect(204);
    }

    /// Somebody signs in on its page, and is sent back: to which path.
    pub(crate) async fn authorize(&self, page: &Url, sub: &str) -> String {
        Answer::of(self.http.get(page.clone())).await.expect(200);
        self.press(page, &format!("sub={sub}")).await
    }

    /// Somebody says no on its page.
    pub(crate) async fn deny(&self, page: &Url) -> String {
        self.press(page, "action=deny").await
    }

    async fn press(&self, page: &Url, form: &str) -> String {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let request = self.http.post(page.clone()).header(kind.0, kind.1).body(form.to_owned());
        let answer = Answer::of(request).await.expect(302);
        let back = answer.header("location").strip_prefix("http://mishap.test");
        back.unwrap().to_owned()
    }
}
