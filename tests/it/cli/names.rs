//! One executable that is called by several names, as in an image.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use mishap_testkit::{Program, TestDatabase, Typed, built_program, free_port};
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::tidy::workspace;

/// A folder with a link of this name to the executable.
fn called(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    symlink(built_program("mishap"), &path).unwrap();
    (folder, path)
}

fn environment<'s>(database: &'s TestDatabase, port: &'s str) -> Vec<(&'s str, &'s str)> {
    let url = database.url.as_str();
    vec![("DATABASE_URL", url), ("REDIS_URL", ""), ("PORT", port), ("LOG_LEVEL", "error")]
}

/// What a program says of itself once it is ready.
async fn metrics_of(name: &str, role: Option<&str>) -> String {
    let database = TestDatabase::new().await;
    let port = free_port().to_string();
    let mut environment = environment(&database, &port);
    environment.extend(role.map(|role| ("SERVER_ROLE", role)));
    let (_folder, path) = called(name);
    let mut program = Program::prepare(&path, &environment);
    program.spawn();
    block_in_place(|| program.wait_until_ready());
    let metrics = program.metrics();
    let (_, ended_well) = block_in_place(|| program.stop());
    assert!(ended_well);
    metrics
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_program_makes_it_that_program() {
    for role in ["web", "worker", "beat"] {
        let metrics = metrics_of(&format!("mishap-{role}"), None).await;
        assert!(metrics.contains(&format!("role=\"{role}\"")), "{role}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn glitchtip_s_start_script_does_what_the_role_says() {
    assert!(metrics_of("start.sh", None).await.contains("role=\"web\""));
    assert!(metrics_of("start.sh", Some("web")).await.contains("role=\"web\""));
    assert!(metrics_of("start.sh", Some("beat")).await.contains("role=\"beat\""));
    let everything = metrics_of("start.sh", Some("all_in_one")).await;
    assert!(everything.contains("role=\"serve\""), "{everything}");
    // GlitchTip 6 has no process of its own for the schedule.
    for (name, role) in [("start.sh", Some("worker")), ("run-celery-with-beat.sh", None)] {
        let worker = metrics_of(name, role).await;
        assert!(worker.contains("role=\"worker\""), "{name}: {worker}");
        assert!(worker.contains("glitchtip_beat_ticks_total"), "{name}: {worker}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn glitchtip_s_init_containers_find_their_commands() {
    let database = TestDatabase::empty().await;
    let applied = "SELECT count(*) FROM __diesel_schema_migrations";
    let mut environment = environment(&database, "8000");
    environment.push(("APPSRE_API_USER_1_EMAIL", "automation@example.com"));
    let (_folder, migrate) = called("run-migrate.sh");
    Typed::at(migrate, &environment).run(&[]).expect(0);
    let migrations = database.number(applied).await;
    assert!(migrations > 0);
    let (_folder, manage) = called("manage.py");
    Typed::at(manage.clone(), &environment).run(&["migrate"]).expect(0);
    assert_eq!(database.number(applied).await, migrations);
    let (_folder, python) = called("python3");
    let python = Typed::at(python, &environment);
    python.run(&["appsre/create-api-users.py"]).expect(0);
    let made = "SELECT count(*) FROM users WHERE email = 'automation@example.com'";
    assert_eq!(database.number(made).await, 1);
    python.run(&["appsre/cleanup-notifications.py"]).expect(0);

    for said in [python.run(&["-c", "1"]), Typed::at(manage, &environment).run(&["shell"])] {
        let said = said.expect(1);
        assert!(said.err.contains("GlitchTip's image"), "{}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_the_image_is_a_name_that_means_something() {
    let mut folders = vec![workspace().join("deploy/image")];
    let mut names = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if entry.file_type().unwrap().is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                assert_eq!(target.to_str().unwrap(), "/usr/local/bin/mishap");
                names.push(entry.file_name().into_string().unwrap());
            }
        }
    }
    names.sort();
    let links = [
        "manage.py",
        "mishap-beat",
        "mishap-web",
        "mishap-worker",
        "python3",
        "run-celery-with-beat.sh",
        "run-migrate.sh",
        "start.sh",
    ];
    assert_eq!(names, links);
}
