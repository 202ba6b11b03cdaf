use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::*;

/// A request as a server heard it.
struct Heard {
    head: String,
    body: String,
}

/// A server that answers each request with what `answer` says for its path, and tells what it heard.
/// It ends with the test's process.
fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> (u16, Receiver<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = hear(&stream);
            let path = request.head.split(' ').nth(1).unwrap().to_owned();
            // Whoever is not interested in more hangs up.
            let _hung_up = stream.write_all(&answer(&path));
            let _test_is_over = tell.send(request);
        }
    });
    (port, heard)
}

fn hear(stream: &TcpStream) -> Heard {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "the head ends: {head}");
    }
    let length = head.to_lowercase();
    let length = length
        .split_once("content-length: ")
        .map_or(0, |(_, rest)| rest.split_once('\r').unwrap().0.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Heard { head, body: String::from_utf8(body).unwrap() }
}

fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-Kind: sample\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn moved(to: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

fn client(policy: Policy) -> Client {
    Client::new(policy).unwrap()
}

/// May reach 127.0.0.1, and nothing else that is not public.
fn neighbour() -> Policy {
    Policy { allowed: vec!["127.0.0.1/32".parse().unwrap()], ..Policy::default() }
}

fn address(text: &str) -> WebAddress {
    WebAddress::parse(text).unwrap()
}

async fn get(policy: Policy, url: &str) -> Result<Response, Error> {
    client(policy).get(&address(url), &[]).await
}

#[test]
fn addresses_of_the_web_have_a_scheme_and_a_host() {
    for text in ["http://example.com", "https://user:word@example.com:8443/a?b", "HTTP://[::1]/"] {
        assert!(WebAddress::parse(text).is_ok(), "{text}");
    }
    for text in ["", "example.com", "/path", "ftp://example.com", "file:///etc/passwd", "http://"] {
        assert_eq!(WebAddress::parse(text), Err(InvalidAddress), "{text}");
    }
}

#[tokio::test]
async fn what_is_not_public_is_refused_however_it_is_written() {
    let (port, _heard) = server(|_| ok("secret"));
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "169.254.169.254",
    ] {
        let error = get(Policy::default(), &format!("http://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{host}: {error:?}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_host_and_not_where_it_leads() {
    let error = get(Policy::default(), "http://localhost:1/").await.unwrap_err();
    assert_eq!(error.to_string(), "localhost is not a public address");
}

#[tokio::test]
async fn an_operator_can_allow_networks_or_everything() {
    let (port, _heard) = server(|_| ok("hello"));
    let everything = Policy { allow_private: true, ..Policy::default() };
    for (policy, host) in [
        (neighbour(), "127.0.0.1"),
        (neighbour(), "[::ffff:127.0.0.1]"),
        (everything.clone(), "127.0.0.1"),
        (everything, "localhost"),
    ] {
        let response = get(policy, &format!("http://{host}:{port}/")).await.unwrap();
        assert_eq!((response.status, &response.body[..]), (200, &b"hello"[..]), "{host}");
        assert_eq!(response.header("x-kind"), Some("sample"));
        assert!(response.is_success() && !response.is_truncated);
    }
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_address() {
    for to in [
        "http://127.0.0.2/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.2]/",
        "//10.0.0.1/",
    ] {
        let (port, _heard) = server(move |_| moved(to));
        let error = get(neighbour(), &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{to}: {error:?}");
    }
    let (port, _heard) = server(|_| moved("file:///etc/passwd"));
    let response = get(neighbour(), &format!("http://127.0.0.1:{port}/")).await.unwrap();
    assert_eq!((response.status, response.body.len()), (302, 0), "nobody goes there");
}

#[tokio::test]
async fn a_name_behind_a_redirect_is_resolved_under_guard() {
    // The first address is allowed by its number; the name leads to another one.
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        hear(&stream);
        stream.write_all(&moved(&format!("http://localhost:{port}/"))).unwrap();
    });
    let policy = Policy { allowed: vec!["127.0.0.2/32".parse().unwrap()], ..Policy::default() };
    let error = get(policy, &format!("http://127.0.0.2:{port}/")).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn redirects_are_followed_so_often_and_no_more() {
    let (port, _heard) = server(|path| match path {
        "/1" => moved("/2"),
        "/2" => moved("/3"),
        _ => ok("there"),
    });
    let url = format!("http://127.0.0.1:{port}/1");
    let response = get(Policy { max_redirects: 2, ..neighbour() }, &url).await.unwrap();
    assert_eq!(response.body, "there");
    let error = get(Policy { max_redirects: 1, ..neighbour() }, &url).await.unwrap_err();
    assert!(matches!(error, Error::TooManyRedirects), "{error:?}");
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let (port, _heard) = server(|_| ok(&"x".repeat(100_000)));
    let url = format!("http://127.0.0.1:{port}/");
    let response = get(Policy { max_body: 1000, ..neighbour() }, &url).await.unwrap();
    assert_eq!((response.body.len(), response.is_truncated), (1000, true));
    let response = get(Policy { max_body: 100_000, ..neighbour() }, &url).await.unwrap();
    assert_eq!((response.body.len(), response.is_truncated), (100_000, false));
}

#[tokio::test]
async fn a_body_and_headers_are_sent() {
    let (port, heard) = server(|_| ok(""));
    let url = address(&format!("http://127.0.0.1:{port}/hook?a=b"));
    let headers = [("Content-Type", "application/json"), ("X-Token", "t")];
    let body = Bytes::from_static(b"{\"text\":\"hi\"}");
    client(neighbour()).post(&url, &headers, body).await.unwrap();
    let Heard { head, body } = heard.recv().unwrap();
    assert!(head.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{head}");
    let head = head.to_lowercase();
    for header in ["content-type: application/json", "x-token: t", "user-agent: mishap"] {
        assert!(head.contains(&format!("{header}\r\n")), "{head}");
    }
    assert_eq!(body, "{\"text\":\"hi\"}");
}

#[tokio::test]
async fn a_header_cannot_carry_another_one() {
    let url = address("http://127.0.0.1:1/");
    let headers = [("X-Token", "secret\r\nHost: elsewhere")];
    let error = client(neighbour()).get(&url, &headers).await.unwrap_err();
    assert_eq!(error.to_string(), "\"X-Token\" is not a header that can be sent");
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let policy = Policy { timeout: Duration::from_millis(50), ..neighbour() };
    let error = get(policy, &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout), "{error:?}");
}

#[tokio::test]
async fn who_is_not_there_or_talks_nonsense_is_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = get(neighbour(), &format!("http://127.0.0.1:{closed}/")).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
    let (port, _heard) = server(|_| b"220 mail.example.com ESMTP\r\n".to_vec());
    let error = get(neighbour(), &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert!(matches!(error, Error::Answer(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("127.0.0.1"), "addresses may hold passwords: {error:?}");
}

#[tokio::test]
async fn a_proxy_is_used_only_if_it_is_named() {
    let (port, heard) = server(|_| ok("by proxy"));
    let proxy = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let policy = Policy { proxy: Some(proxy), ..Policy::default() };
    let response = get(policy.clone(), "http://example.com/x").await.unwrap();
    assert_eq!(response.body, "by proxy");
    assert!(heard.recv().unwrap().head.starts_with("GET http://example.com/x "));
    let error = get(policy, "http://10.0.0.1/").await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}
