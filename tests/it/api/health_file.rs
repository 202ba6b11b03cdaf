//! The file that probes look at which cannot ask by HTTP.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use mishap_testkit::builders::event_id;
use mishap_testkit::{Program, TestDatabase, built_program, free_port, shared, until};
use tokio::task::block_in_place;

/// A program that is told of a file, and is ready.
fn started(name: &str, database: &TestDatabase, file: &Path, log: &Path) -> Program {
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("REDIS_URL", shared().redis_url.as_str()),
        ("MISHAP_REDIS_PREFIX", &event_id()),
        ("PORT", &free_port().to_string()),
        ("GLITCHTIP_URL", "http://localhost"),
        ("VTASKS_HEALTH_CHECK_FILE", file.to_str().unwrap()),
    ];
    let mut program =
        Program::prepare(&built_program(name), &environment).logging_to(log.to_owned());
    program.spawn();
    block_in_place(|| program.wait_until_ready());
    program
}

/// When a file was written last; nothing if there is none.
fn written(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|found| found.modified()).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_and_beat_touch_a_file_again_and_again_and_web_does_not() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
    let (file, log) = (folder.path().join("health"), folder.path().join("log"));
    for name in ["mishap-worker", "mishap-beat"] {
        let program = started(name, &database, &file, &log);
        until("it is there", async || written(&file).is_some()).await;
        let first = written(&file);
        until("it is touched once more", async || written(&file) > first).await;
        fs::remove_file(&file).unwrap();
        until("it is there again", async || written(&file).is_some()).await;
        drop(program);
        fs::remove_file(&file).unwrap();
    }
    let _web = started("mishap-web", &database, &file, &log);
    assert_eq!(written(&file), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_touch_its_file_says_so_once_and_goes_on() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
    let (away, log) = (folder.path().join("away"), folder.path().join("log"));
    let file = away.join("health");
    let mut worker = started("mishap-worker", &database, &file, &log);
    let complaints = || {
        let lines = fs::read_to_string(&log).unwrap();
        lines.lines().filter(|line| line.contains("VTASKS_HEALTH_CHECK_FILE")).count()
    };
    until("it says so", async || complaints() > 0).await;
    fs::create_dir(&away).unwrap();
    until("it touches it after all", async || written(&file).is_some()).await;
    assert!(worker.is_ready() && worker.is_alive());
    let (_, was_orderly) = block_in_place(|| worker.stop());
    assert!(was_orderly);
    assert_eq!(complaints(), 1);
}
