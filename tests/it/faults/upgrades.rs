//! A release and the one before run side by side, on the schema of the newer one.
//!
//! With `MISHAP_BEFORE` set in the environment, the one before is that whose programs are in this
//! folder; `make upgrade` builds those of before the newest migration. Otherwise this source takes
//! both parts, and what is tried is how releases replace each other.

use std::path::PathBuf;

use mishap_boot::shutdown::CancellationToken;
use mishap_protocol::dsn::Dsn;
use mishap_testkit::{Installation, InstallationOptions, Program, Release, Typed, free_port};
use tokio::task::{JoinHandle, block_in_place};
use url::Url;

use super::load::Load;
use super::oracle::{Accounts, check};
use super::stops::{read, stop};

/// Clients that send.
const CLIENTS: u64 = 6;

/// Events that are acknowledged while the programs are such a mixture.
const EVENTS: u64 = 60;

/// An installation of which each program can be replaced by that of another release.
struct Fleet {
    installation: Installation,
    before: Release,
    now: Release,
    /// Where web is, and where its successor is to be.
    ports: [u16; 2],
}

impl Fleet {
    /// Starts the release before.
    async fn start() -> Self {
        let now = Release::this();
        #[expect(clippy::disallowed_methods, reason = "a setting of the test, not of the product")]
        let folder = std::env::var_os("MISHAP_BEFORE").map(PathBuf::from);
        let before = folder.map_or_else(|| now.clone(), Release::at);
        let options =
            InstallationOptions { release: Some(before.clone()), ..InstallationOptions::default() };
        let installation = Installation::start_with(&options).await;
        let port = installation.url.port().unwrap();
        Self { installation, before, now, ports: [port, free_port()] }
    }

    /// Everywhere where web is, now or later.
    fn urls(&self) -> [Url; 2] {
        self.ports.map(|port| Url::parse(&format!("http://127.0.0.1:{port}")).unwrap())
    }

    /// As a rollout does: the new one starts, and when it is ready, the old one is told to stop.
    fn replace(&mut self, name: &str, release: &Release) {
        let [_, url] = self.urls();
        // There is no router here: web is where it says that it is.
        let own = [("PORT", &*self.ports[1].to_string()), ("GLITCHTIP_URL", url.as_str())];
        let mut next = self.installation.another_of(release, name, &own);
        block_in_place(|| {
            next.spawn();
            next.wait_until_ready();
        });
        let place = match name {
            "mishap-web" => {
                self.ports.reverse();
                &mut self.installation.web
            }
            "mishap-worker" => &mut self.installation.worker,
            _ => &mut self.installation.beat,
        };
        let mut last: Program = std::mem::replace(place, next);
        stop(&mut last);
    }

    /// Lets the release that web is of judge what stands. How it is accepted may be new; how it is
    /// smoked is not.
    fn is_accepted(&self, web: &Release) {
        let [url, _] = self.urls();
        let tenant = &self.installation.tenant;
        let environment =
            [("GLITCHTIP_URL", url.as_str()), ("GLITCHTIP_API_USER_TOKEN", &tenant.token)];
        let mishap = Typed::at(web.program("mishap"), &environment);
        let dsn = tenant.dsn(&url).to_string();
        let token = format!("--token={}", tenant.token);
        mishap.run(&["smoke", "--dsn", &dsn, &token]).expect(0);
        if *web == self.now {
            mishap.run(&["acceptance"]).expect(0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_replace_each_other_there_and_back_and_fail_no_request() {
    let mut fleet = Fleet::start().await;
    let (before, now) = (fleet.before.clone(), fleet.now.clone());
    let servers: Vec<Dsn> =
        fleet.urls().iter().map(|url| fleet.installation.tenant.dsn(url)).collect();
    let load = Load::start_at(servers, CLIENTS);
    let reading = CancellationToken::new();
    let reader =
        read(fleet.urls().to_vec(), fleet.installation.tenant.token.clone(), reading.clone());
    #[expect(clippy::disallowed_methods, reason = "it is awaited below")]
    let reader: JoinHandle<u64> = tokio::spawn(reader);
    load.goes_on_for(EVENTS).await;
    for (name, release) in [
        // Beat is the one that migrates.
        ("mishap-beat", &now),
        ("mishap-worker", &now),
        ("mishap-web", &now),
        // Back, on the schema that stays; then there again.
        ("mishap-worker", &before),
        ("mishap-web", &before),
        ("mishap-beat", &before),
        ("mishap-web", &now),
        ("mishap-beat", &now),
        ("mishap-worker", &now),
    ] {
        fleet.replace(name, release);
        load.goes_on_for(EVENTS).await;
    }
    let sent = load.stop().await;
    reading.cancel();
    let statuses: Vec<u16> = sent.answers.keys().copied().collect();
    assert_eq!((statuses, sent.unanswered), (vec![200], 0));
    assert!(reader.await.unwrap() > 10);
    fleet.installation.until_settled().await;
    check(&fleet.installation.database, &sent, Accounts::Exact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mixture_of_two_releases_is_accepted() {
    let mut fleet = Fleet::start().await;
    let (before, now) = (fleet.before.clone(), fleet.now.clone());
    fleet.replace("mishap-beat", &now);
    let superuser = "UPDATE users SET is_superuser = true, is_staff = true";
    fleet.installation.database.sql(superuser).await;
    fleet.is_accepted(&before);
    for (name, release, web) in [
        ("mishap-worker", &now, &before),
        ("mishap-web", &now, &now),
        ("mishap-worker", &before, &now),
        ("mishap-web", &before, &before),
    ] {
        fleet.replace(name, release);
        fleet.is_accepted(web);
    }
}
