//! Redis as an operator, or a mistake, handles it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use mishap_sandbox::Redis;

/// Says something to a Redis, and returns what it answers.
pub(crate) fn say(redis: &Redis, command: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.strip_suffix("+OK\r\n").unwrap().trim_end().to_owned()
}

/// Tells a Redis to do something, which it must.
pub(crate) fn tell(redis: &Redis, command: &str) {
    let answer = say(redis, command);
    assert!(answer.starts_with("+OK"), "{command}: {answer}");
}

/// Forgets all hints, as if Redis had no room for them.
pub(crate) fn trim_hints(redis: &Redis) {
    for stream in ["inbox", "jobs"] {
        let answer = say(redis, &format!("XTRIM mishap:{{hints}}:{stream} MAXLEN 0"));
        assert!(answer.starts_with(':'), "{answer}");
    }
}

/// Lets Redis refuse whatever takes memory.
pub(crate) fn fill(redis: &Redis) {
    tell(redis, "CONFIG SET maxmemory-policy noeviction");
    tell(redis, "CONFIG SET maxmemory 1");
}

/// Gives Redis its memory back.
pub(crate) fn make_room(redis: &Redis) {
    tell(redis, "CONFIG SET maxmemory 0");
}
