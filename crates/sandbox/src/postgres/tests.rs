//! PostgreSQL as its owners use and hurt it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;
use crate::process::Process;
use crate::testing::{assert_gone, assert_soon, processes, sandbox, tools};

fn start(dir: &Path) -> Postgres {
    Postgres::start(&tools(), dir, &PostgresOptions::default()).unwrap()
}

fn durable() -> PostgresOptions {
    PostgresOptions { durable: true, extra: Vec::new() }
}

fn psql(postgres: &Postgres) -> Command {
    let mut psql = Command::new(postgres.bin().join("psql"));
    psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", &postgres.url(), "-c"]);
    psql
}

#[track_caller]
fn sql(postgres: &Postgres, statement: &str) -> String {
    let output = psql(postgres).arg(statement).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{statement}: {said}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A client whose backend is too busy to notice by itself that its parent is gone.
fn busy_client(postgres: &Postgres) -> Child {
    let long = "DO 'BEGIN WHILE clock_timestamp() < now() + interval ''60 s'' LOOP END LOOP; END'";
    let client = psql(postgres).arg(long).stderr(Stdio::null()).spawn().unwrap();
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^DO'";
    assert_soon(|| sql(postgres, busy) == "1");
    client
}

fn is_refused(port: u16) -> bool {
    let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// A process of the servers' user that lives until it is killed.
fn bystander() -> Child {
    let mut command =
        Account::of_servers().unwrap().command(Path::new("/bin/sleep"), Path::new("/"));
    command.arg("600").stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_new_server_has_an_empty_database_in_utf_8() {
    let sandbox = sandbox();
    let postgres = start(sandbox.path());
    assert_eq!(postgres.url(), format!("postgres://mishap@127.0.0.1:{}/mishap", postgres.port()));
    let who = "SELECT current_user, current_database(), pg_encoding_to_char(encoding), \
               datcollate, (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') \
               FROM pg_database WHERE datname = current_database()";
    assert_eq!(sql(&postgres, who), "mishap|mishap|UTF8|C.UTF-8|0");
    assert_eq!(sql(&postgres, "SHOW TimeZone"), "UTC");
}

#[test]
fn a_server_is_ready_when_its_own_process_says_so() {
    let status =
        |state| format!("123\n/data\n1795262400\n5432\n/socket\n127.0.0.1\n  1  2\n{state}\n");
    assert!(says_ready(&status("ready   "), 123));
    assert!(!says_ready(&status("ready   "), 12), "an earlier server said so");
    assert!(!says_ready(&status("starting"), 123));
    assert!(!says_ready("123\n/data\n", 123));
}

#[test]
fn data_outlive_the_server() {
    let sandbox = sandbox();
    let mut first = start(sandbox.path());
    sql(&first, "CREATE TABLE kept AS SELECT 42 AS answer");
    let mut busy = busy_client(&first);
    let family = processes(first.pid());
    assert!(family.len() > 1, "a PostgreSQL has children: {family:?}");
    first.stop().unwrap();
    assert_gone(&family);
    assert!(!busy.wait().unwrap().success());
    assert_eq!(first.pid(), None);
    first.stop().unwrap();
    drop(first);

    let second = start(sandbox.path());
    assert_eq!(sql(&second, "SELECT answer FROM kept"), "42");
}

#[test]
fn two_servers_share_nothing() {
    let (one, two) = (sandbox(), sandbox());
    let (one, two) = (start(one.path()), start(two.path()));
    sql(&one, "CREATE TABLE mine ()");
    assert_eq!(sql(&two, "SELECT to_regclass('mine') IS NULL"), "t");
    assert_ne!(one.port(), two.port());
}

#[test]
fn a_server_comes_back_on_its_port_after_a_crash() {
    let sandbox = sandbox();
    let mut postgres = Postgres::start(&tools(), sandbox.path(), &durable()).unwrap();
    sql(&postgres, "CREATE TABLE kept AS SELECT 42 AS answer");
    let mut busy = busy_client(&postgres);
    let (port, family) = (postgres.port(), processes(postgres.pid()));

    postgres.kill();
    assert_gone(&family);
    assert!(!busy.wait().unwrap().success());
    assert!(is_refused(port));
    assert_eq!(postgres.pid(), None);

    postgres.restart().unwrap();
    assert_eq!(postgres.port(), port);
    assert_eq!(sql(&postgres, "SELECT answer FROM kept"), "42");
}

#[test]
fn a_running_server_is_restarted_on_its_port() {
    let sandbox = sandbox();
    let mut postgres = start(sandbox.path());
    let (port, pid, family) = (postgres.port(), postgres.pid(), processes(postgres.pid()));
    postgres.restart().unwrap();
    assert_gone(&family);
    assert_eq!(postgres.port(), port);
    assert_ne!(postgres.pid(), pid);
    assert_eq!(sql(&postgres, "SELECT 1"), "1");
}

#[test]
fn a_paused_server_keeps_silent_until_it_is_resumed() {
    let sandbox = sandbox();
    let mut postgres = start(sandbox.path());
    let family = processes(postgres.pid());
    postgres.pause();
    assert!(family.iter().all(|process| process.is_paused()), "{family:?}");

    // A request for TLS, which the server answers with the letter N (PostgreSQL's protocol,
    // "SSLRequest").
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, postgres.port())).unwrap();
    client.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut answer = [0];
    assert_eq!(client.read(&mut answer).unwrap_err().kind(), ErrorKind::WouldBlock);

    postgres.resume();
    client.set_read_timeout(Some(crate::testing::SOON)).unwrap();
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");
    assert_soon(|| family.iter().all(|process| !process.is_paused()));

    postgres.pause();
    postgres.stop().unwrap();
    assert_gone(&family);
}

#[test]
fn a_dropped_server_leaves_no_process_paused_or_not() {
    let sandbox = sandbox();
    for paused in [false, true] {
        let postgres = start(sandbox.path());
        let family = processes(postgres.pid());
        if paused {
            postgres.pause();
        }
        drop(postgres);
        assert_gone(&family);
    }
}

#[test]
fn a_panic_takes_the_server_with_it() {
    let sandbox = sandbox();
    let mut family = Vec::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let postgres = start(sandbox.path());
        family = processes(postgres.pid());
        assert_eq!(postgres.pid(), None, "a test that fails");
    }));
    assert!(panicked.is_err());
    assert!(!family.is_empty());
    assert_gone(&family);
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let sandbox = sandbox();
    let first = start(sandbox.path());
    let second = Postgres::start(&tools(), sandbox.path(), &PostgresOptions::default());
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
    assert_eq!(sql(&first, "SELECT 1"), "1");
}

/// No test: the process that the next one kills. It does nothing where it is not expected.
#[test]
#[ignore = "run by a_server_whose_owner_was_killed_is_replaced"]
fn an_owner_waits_to_be_killed() {
    let dir = std::env::current_dir().unwrap();
    if !dir.join("expected").exists() {
        return;
    }
    let postgres = Postgres::start(&tools(), &dir, &durable()).unwrap();
    sql(&postgres, "CREATE TABLE kept AS SELECT 42 AS answer");
    fs::write(dir.join("pid.partial"), postgres.pid().unwrap().to_string()).unwrap();
    fs::rename(dir.join("pid.partial"), dir.join("pid")).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_server_whose_owner_was_killed_is_replaced() {
    let sandbox = sandbox();
    fs::write(sandbox.path().join("expected"), "").unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "postgres::tests::an_owner_waits_to_be_killed", "--ignored"])
        .current_dir(sandbox.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = sandbox.path().join("pid");
    assert_soon(|| pid.exists() || owner.try_wait().unwrap().is_some());
    let left = processes(fs::read_to_string(&pid).unwrap().parse().ok());
    owner.kill().unwrap();
    owner.wait().unwrap();
    // The server comes last; of its children some may have had their day.
    assert!(left.last().unwrap().is_alive(), "nobody has stopped it yet");

    let postgres = start(sandbox.path());
    assert_gone(&left);
    assert_eq!(sql(&postgres, "SELECT answer FROM kept"), "42");
}

#[test]
fn processes_that_got_the_numbers_of_a_dead_server_do_not_matter() {
    let sandbox = sandbox();
    let mut first = start(sandbox.path());
    first.kill();
    drop(first);
    let mut bystander = bystander();
    let process = Process::of(bystander.id()).unwrap();
    let home = sandbox.path().join("postgres");
    let status = fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    let (_, rest) = status.split_once('\n').unwrap();
    fs::write(home.join("data/postmaster.pid"), format!("{}\n{rest}", process.pid)).unwrap();
    fs::write(home.join("server.pid"), format!("{} 1\n", process.pid)).unwrap();

    let second = start(sandbox.path());
    assert_eq!(sql(&second, "SELECT 1"), "1");
    assert!(process.is_alive());
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[test]
fn options_reach_the_server() {
    let sandbox = sandbox();
    let shown = "SELECT string_agg(current_setting(name), ',') FROM unnest(ARRAY['fsync', \
                 'full_page_writes', 'synchronous_commit', 'max_connections']) AS name";
    for (options, settings) in [
        (PostgresOptions::default(), "off,off,off,100"),
        (durable(), "on,on,on,100"),
        (
            PostgresOptions {
                durable: true,
                extra: [("max_connections", "7"), ("synchronous_commit", "local")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
            },
            "on,on,local,7",
        ),
    ] {
        let postgres = Postgres::start(&tools(), sandbox.path(), &options).unwrap();
        assert_eq!(sql(&postgres, shown), settings, "{options:?}");
    }
}

#[test]
fn a_taken_port_is_given_up_for_another() {
    let sandbox = sandbox();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut choice = vec![ports::free().unwrap(), taken.local_addr().unwrap().port()];
    let mut ports = || choice.pop().ok_or(Error::NoPort);
    let options = PostgresOptions::default();
    let postgres = Postgres::start_on(&mut ports, &tools(), sandbox.path(), &options).unwrap();
    assert_ne!(postgres.port(), taken.local_addr().unwrap().port());
    assert_eq!(sql(&postgres, "SELECT 1"), "1");
}

#[test]
fn a_server_that_does_not_start_tells_the_end_of_its_log() {
    let sandbox = sandbox();
    let extra = vec![("shared_bufers".to_owned(), "1GB".to_owned())];
    let options = PostgresOptions { durable: false, extra };
    let error = Postgres::start(&tools(), sandbox.path(), &options).unwrap_err().to_string();
    assert!(error.starts_with("PostgreSQL did not start in "), "{error}");
    assert!(error.contains("unrecognized configuration parameter \"shared_bufers\""), "{error}");
}

#[test]
fn data_of_another_major_version_are_refused() {
    let sandbox = sandbox();
    drop(start(sandbox.path()));
    let data = sandbox.path().join("postgres/data");
    fs::write(data.join("PG_VERSION"), "9.6\n").unwrap();
    let error = Postgres::start(&tools(), sandbox.path(), &PostgresOptions::default()).unwrap_err();
    assert!(matches!(&error, Error::OtherVersion { theirs, .. } if theirs == "9.6"), "{error}");
}

#[test]
fn half_made_data_are_made_again() {
    let sandbox = sandbox();
    let partial = sandbox.path().join("postgres/data.partial");
    fs::create_dir_all(&partial).unwrap();
    fs::write(partial.join("PG_VERSION"), "").unwrap();
    assert_eq!(sql(&start(sandbox.path()), "SELECT 1"), "1");
    assert!(!partial.exists());
}

#[test]
fn data_can_be_made_without_a_template() {
    let (cache, sandbox) = (sandbox(), sandbox());
    let tools = Tools { cache: cache.path().join("new"), ..tools() };
    for dir in ["first", "second"] {
        let dir = sandbox.path().join(dir);
        let postgres = Postgres::start(&tools, &dir, &PostgresOptions::default()).unwrap();
        assert_eq!(sql(&postgres, "SELECT current_database()"), "mishap");
    }
    let names = fs::read_dir(&tools.cache).unwrap().map(|it| it.unwrap().file_name());
    let templates: Vec<_> = names.filter(|name| name != "lock").collect();
    assert_eq!(templates.len(), 1, "{templates:?}");
}

#[test]
fn a_standby_follows_its_primary_until_it_is_promoted() {
    let sandbox = sandbox();
    let mut primary = start(&sandbox.path().join("primary"));
    sql(&primary, "CREATE TABLE kept AS SELECT 42 AS answer");
    let dir = sandbox.path().join("standby");
    let options = PostgresOptions::default();
    let standby = Postgres::start_standby(&tools(), &dir, &options, &primary).unwrap();
    assert_eq!(sql(&standby, "SELECT pg_is_in_recovery()"), "t");
    sql(&primary, "UPDATE kept SET answer = 43");
    assert_soon(|| sql(&standby, "SELECT answer FROM kept") == "43");
    primary.kill();
    assert_eq!(sql(&standby, "SELECT pg_promote()"), "t");
    sql(&standby, "UPDATE kept SET answer = 44");
}

#[test]
fn the_socket_is_in_the_folder_if_its_path_is_short_enough() {
    let sandbox = sandbox();
    let long = sandbox.path().join("l".repeat(100));
    for (dir, has_socket) in [(sandbox.path(), true), (&long, false)] {
        let postgres = start(dir);
        let socket = dir.join(format!("postgres/socket/.s.PGSQL.{}", postgres.port()));
        assert_eq!(socket.exists(), has_socket, "{}", dir.display());
        assert_eq!(sql(&postgres, "SELECT 1"), "1");
    }
}

#[test]
fn roots_server_finds_a_place_when_nobody_cannot_reach_the_folder() {
    let closed = tempfile::tempdir().unwrap();
    let inner = fs::Permissions::from_mode(0o700);
    fs::set_permissions(closed.path(), inner).unwrap();
    let dir = closed.path().join("dir");
    let mut postgres = start(&dir);
    sql(&postgres, "CREATE TABLE kept AS SELECT 42 AS answer");
    postgres.stop().unwrap();
    drop(postgres);
    let postgres = start(&dir);
    assert_eq!(sql(&postgres, "SELECT answer FROM kept"), "42");
    drop(postgres);

    if nix::unistd::geteuid().is_root() {
        let place = fs::read_link(dir.join("postgres/elsewhere")).unwrap();
        assert!(place.join("data/PG_VERSION").exists());
        assert_eq!(fs::metadata(closed.path()).unwrap().permissions().mode() & 0o777, 0o700);
        fs::remove_dir_all(&place).unwrap();
    } else {
        assert!(dir.join("postgres/data/PG_VERSION").exists());
    }
}
