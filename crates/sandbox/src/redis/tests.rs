//! Redis as its owners use and hurt it.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;

use super::*;
use crate::testing::{SOON, assert_gone, processes, sandbox, tools};

fn start(dir: &Path) -> Redis {
    Redis::start(&tools(), dir, &RedisOptions::default()).unwrap()
}

fn options<const N: usize>(extra: [(&str, &str); N]) -> RedisOptions {
    RedisOptions { extra: extra.map(|(name, value)| (name.to_owned(), value.to_owned())).into() }
}

#[track_caller]
fn say(redis: &Redis, command: &str) -> String {
    let answer = ask(redis.port(), &format!("{command}\r\nQUIT\r\n")).unwrap();
    // The last line is the answer to QUIT.
    answer.strip_suffix("\r\n+OK\r\n").unwrap().trim_end().replace("\r\n", " ")
}

#[test]
fn a_new_redis_is_empty_and_keeps_nothing_on_disk() {
    let sandbox = sandbox();
    let redis = start(sandbox.path());
    assert_eq!(redis.url(), format!("redis://127.0.0.1:{}/0", redis.port()));
    assert_eq!(say(&redis, "DBSIZE"), ":0");
    assert_eq!(say(&redis, "CONFIG GET save"), "*2 $4 save $0");
    assert_eq!(say(&redis, "CONFIG GET appendonly"), "*2 $10 appendonly $2 no");
}

#[test]
fn a_stopped_redis_is_gone_and_comes_back_empty_on_its_port() {
    let sandbox = sandbox();
    let mut redis = start(sandbox.path());
    say(&redis, "SET key value");
    let (port, family) = (redis.port(), processes(redis.pid()));
    redis.stop().unwrap();
    assert_gone(&family);
    assert_eq!(redis.pid(), None);
    assert_eq!(ask(port, "PING\r\n").unwrap_err().kind(), ErrorKind::ConnectionRefused);
    redis.restart().unwrap();
    assert_eq!(redis.port(), port);
    assert_eq!(say(&redis, "EXISTS key"), ":0");
}

#[test]
fn a_redis_that_appends_comes_back_from_a_crash_with_its_keys() {
    let sandbox = sandbox();
    let appending = options([("appendonly", "yes"), ("appendfsync", "always")]);
    let mut redis = Redis::start(&tools(), sandbox.path(), &appending).unwrap();
    assert_eq!(say(&redis, "SET key value"), "+OK");
    let (port, family) = (redis.port(), processes(redis.pid()));
    redis.kill();
    assert_gone(&family);
    redis.restart().unwrap();
    assert_eq!(redis.port(), port);
    assert_eq!(say(&redis, "GET key"), "$5 value");
    drop(redis);

    let redis = Redis::start(&tools(), sandbox.path(), &appending).unwrap();
    assert_eq!(say(&redis, "GET key"), "$5 value", "also for the next owner");
}

#[test]
fn settings_reach_the_server() {
    let sandbox = sandbox();
    let some = [("save", "60 1"), ("maxmemory", "5mb"), ("appendfsync", "no")];
    let emptied = [("save", "60 1"), ("save", ""), ("maxmemory", "6mb")];
    for (extra, setting, answer) in [
        (some, "save", "*2 $4 save $4 60 1"),
        (some, "maxmemory", "*2 $9 maxmemory $7 5242880"),
        (some, "appendfsync", "*2 $11 appendfsync $2 no"),
        (emptied, "save", "*2 $4 save $0"),
        (emptied, "maxmemory", "*2 $9 maxmemory $7 6291456"),
    ] {
        let redis = Redis::start(&tools(), sandbox.path(), &options(extra)).unwrap();
        assert_eq!(say(&redis, &format!("CONFIG GET {setting}")), answer, "{extra:?}");
    }
}

#[test]
fn a_paused_redis_keeps_silent_until_it_is_resumed() {
    let sandbox = sandbox();
    let redis = start(sandbox.path());
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).unwrap();
    redis.pause();
    client.write_all(b"PING\r\n").unwrap();
    client.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut answer = [0; 7];
    assert_eq!(client.read(&mut answer).unwrap_err().kind(), ErrorKind::WouldBlock);
    redis.resume();
    client.set_read_timeout(Some(SOON)).unwrap();
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"+PONG\r\n");
}

#[test]
fn a_dropped_redis_leaves_no_process_paused_or_not() {
    let sandbox = sandbox();
    for paused in [false, true] {
        let redis = start(sandbox.path());
        let family = processes(redis.pid());
        if paused {
            redis.pause();
        }
        drop(redis);
        assert_gone(&family);
    }
}

#[test]
fn a_left_behind_redis_is_stopped_by_the_next_owner() {
    let (sandbox, other) = (sandbox(), sandbox());
    let left = start(other.path());
    let family = processes(left.pid());
    // As if its owner had been killed, the record is all that tells of it.
    let home = sandbox.path().join("redis");
    fs::create_dir(&home).unwrap();
    fs::copy(other.path().join("redis/server.pid"), home.join("server.pid")).unwrap();
    left.pause();
    let redis = start(sandbox.path());
    assert_gone(&family);
    assert_eq!(say(&redis, "DBSIZE"), ":0");
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let sandbox = sandbox();
    let first = start(sandbox.path());
    let second = Redis::start(&tools(), sandbox.path(), &RedisOptions::default());
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
    assert_eq!(say(&first, "DBSIZE"), ":0");
}

#[test]
fn a_taken_port_is_given_up_for_another_even_if_a_redis_answers_there() {
    let (sandbox, other) = (sandbox(), sandbox());
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let redis = start(other.path());
    let good = ports::free().unwrap();
    let mut choice = vec![good, redis.port(), taken.local_addr().unwrap().port()];
    let mut ports = || choice.pop().ok_or(Error::NoPort);
    let default = RedisOptions::default();
    let redis = Redis::start_on(&mut ports, &tools(), sandbox.path(), &default).unwrap();
    assert_eq!(redis.port(), good);
    assert_eq!(say(&redis, "DBSIZE"), ":0");
}

#[test]
fn a_redis_that_does_not_start_tells_the_end_of_its_log() {
    let sandbox = sandbox();
    let wrong = options([("maxmemori", "5mb")]);
    let error = Redis::start(&tools(), sandbox.path(), &wrong).unwrap_err().to_string();
    assert!(error.starts_with("Redis did not start in "), "{error}");
    assert!(error.contains("Bad directive"), "{error}");
}
