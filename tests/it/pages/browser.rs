//! A real browser walks through the pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use mishap_core::signing::{Purpose, SigningKey};
use mishap_testkit::{Options, TestApp, free_port};
use tokio::process::Command;
use tokio::time::timeout;
use url::Url;

use crate::sdks::install::node_packages;

/// Where Debian's package puts the browser.
const CHROMIUM: &str = "/usr/bin/chromium";

/// How long the walk may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(500);

/// Where pictures of the pages are put, if somebody wants to look at them.
#[expect(
    clippy::disallowed_methods,
    reason = "whether to take pictures is no setting of the product"
)]
fn pictures() -> Option<PathBuf> {
    std::env::var_os("MISHAP_PICTURES")?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("pictures");
    fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

/// The pages need no mouse, no ear and no luck: nothing is said on the console, nothing is loaded from
/// elsewhere, axe finds no barrier, in both themes and on small screens.
#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_way() {
    assert!(
        Path::new(CHROMIUM).exists(),
        "there is no {CHROMIUM}: install Chromium (Debian: apt-get install chromium)"
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/pages/browser");
    let packages = {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || node_packages("browser", &folder)).await.unwrap()
    };
    let port = free_port();
    let address = format!("http://localhost:{port}");
    let public_url = Url::parse(&address).unwrap();
    let app = TestApp::start_with(Options { public_url, port, ..Options::default() }).await;
    app.database.sql("DELETE FROM users; DELETE FROM organizations").await;
    let key = SigningKey::new(b"test").sign(Purpose::FirstRun, 0, &[], app.now());
    let mut command = Command::new("node");
    command
        .arg(folder.join("walk.js"))
        .env("NODE_PATH", packages)
        .env("CHROMIUM", CHROMIUM)
        .env("ADDRESS", &address)
        .env("FIRST_RUN", format!("{address}/register/first?key={key}"))
        .env("NOW", app.now().timestamp().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(pictures) = pictures() {
        command.env("PICTURES", pictures);
    }
    let child = command.spawn().unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = output.unwrap().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}\n{stdout}{stderr}");
    assert_eq!(stdout.lines().last(), Some("done"), "{stdout}{stderr}");
    let looked = stdout.lines().filter(|line| line.starts_with("looked at ")).count();
    assert!(looked >= 35, "{looked} pages were looked at:\n{stdout}");
}
