//! Ten gigabytes of zeros, plain and in every coding, against the real program: it answers early,
//! and its memory does not follow.

use mishap_testkit::builders::{envelope, message_event};
use mishap_testkit::{Program, TestDatabase, Wire, WireAnswer, free_port, proc};
use url::Url;

use super::zeros::{self, Pieces};

const GIGABYTES: usize = 10;

/// How much memory a bomb may cost, in bytes.
const ALLOWED: u64 = 64 << 20;

/// An envelope with one whole event, and the beginning of a payload without an end.
const BEGINNING: &str =
    "{}\n{\"type\":\"event\"}\n{\"message\":\"hi\"}\n{\"type\":\"attachment\"}\n";

/// The real web program, with a database and a project.
pub(super) struct Web {
    pub(super) program: Program,
    pub(super) url: Url,
    path: String,
    _database: TestDatabase,
}

impl Web {
    pub(super) async fn start() -> Self {
        let database = TestDatabase::new().await;
        let tenant = database.tenant("shop").await;
        let port = free_port();
        let environment = [
            ("DATABASE_URL", database.url.as_str()),
            ("REDIS_URL", ""),
            ("PORT", &port.to_string()),
            ("MISHAP_WEB_THREADS", "1"),
            ("LOG_LEVEL", "error"),
        ];
        let program = Program::start("mishap-web", &environment);
        let url = Url::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let key = tenant.public_key;
        let path = format!("/api/{}/envelope/?sentry_key={key}", tenant.project);
        let web = Self { program, url, path, _database: database };
        // What is made only once is there before anything is measured.
        assert_eq!(web.send_one().await, 200);
        web
    }

    /// The path of an ingest endpoint, with the key.
    pub(super) fn path(&self, endpoint: &str) -> String {
        self.path.replace("/envelope/", &format!("/{endpoint}/"))
    }

    /// Sends a good envelope.
    pub(super) async fn send_one(&self) -> u16 {
        let body = envelope(&message_event("hi")).1;
        let length = body.len().to_string();
        let mut wire = Wire::connect(&self.url).await;
        wire.write(Wire::post(&self.path, &[("Content-Length", &length)])).await;
        wire.write(body).await;
        wire.answer().await.unwrap().status
    }

    /// Sends a body in chunks until the server answers; says what, and how much it took.
    async fn send(&self, endpoint: &str, coding: &str, pieces: Pieces) -> (WireAnswer, u64) {
        let mut wire = Wire::connect(&self.url).await;
        let headers = [("Transfer-Encoding", "chunked"), ("Content-Encoding", coding)];
        wire.write(Wire::post(&self.path(endpoint), &headers)).await;
        let mut sent = 0;
        'all: for piece in pieces {
            for chunk in piece.chunks(64 * 1024) {
                if wire.has_news().await || !wire.write_chunk(chunk).await {
                    break 'all;
                }
                sent += chunk.len() as u64;
                tokio::task::yield_now().await;
            }
        }
        wire.write_chunk(b"").await;
        (wire.answer().await.expect("an answer"), sent)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_gigabytes_of_zeros_are_refused_in_every_coding_without_taking_memory() {
    let web = Web::start().await;
    let before = proc::peak_memory(web.program.pid());
    for (header, codings) in [
        ("gzip", &["gzip"][..]),
        ("x-gzip", &["gzip"]),
        ("deflate", &["deflate"]),
        ("deflate", &["deflate-raw"]),
        ("br", &["br"]),
        ("zstd", &["zstd"]),
        ("gzip, gzip", &["gzip", "gzip"]),
        ("gzip, zstd", &["gzip", "zstd"]),
        ("zstd, gzip", &["zstd", "gzip"]),
        ("zstd, zstd, zstd", &["zstd", "zstd", "zstd"]),
        ("br, deflate", &["br", "deflate"]),
    ] {
        for beginning in ["", BEGINNING] {
            let mut pieces = zeros::plain(beginning, GIGABYTES);
            for coding in codings {
                pieces = zeros::coded(coding, pieces);
            }
            let (answer, sent) = web.send("envelope", header, pieces).await;
            assert!(matches!(answer.status, 400 | 413), "{header}: {answer:?}");
            let risen = proc::peak_memory(web.program.pid()).saturating_sub(before);
            assert!(risen < ALLOWED, "{header}: {risen} more bytes after {sent}");
        }
    }
    assert_eq!(web.send_one().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_announces_ten_gigabytes_is_refused_without_being_read() {
    let web = Web::start().await;
    let zeros = vec![0; 64 * 1024];
    for endpoint in ["envelope", "store", "security", "minidump"] {
        let mut wire = Wire::connect(&web.url).await;
        let length = (GIGABYTES << 30).to_string();
        wire.write(Wire::post(&web.path(endpoint), &[("Content-Length", &length)])).await;
        let mut sent = 0;
        while !wire.has_news().await && wire.write(&zeros).await {
            sent += 64 * 1024;
            assert!(sent < 64 << 20, "{endpoint}: the server goes on reading");
        }
        assert_eq!(wire.answer().await.unwrap().status, 413, "{endpoint}");
        wire.closed().await;
    }
    assert_eq!(web.send_one().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_gigabytes_of_plain_zeros_are_refused_before_they_take_memory() {
    for (endpoint, beginning) in [
        ("envelope", ""),
        ("envelope", BEGINNING),
        ("store", "{"),
        ("security", ""),
        ("minidump", ""),
    ] {
        // A process of its own: an allocator keeps what it once had.
        let web = Web::start().await;
        let before = proc::peak_memory(web.program.pid());
        let pieces = zeros::plain(beginning, GIGABYTES);
        let (answer, sent) = web.send(endpoint, "identity", pieces).await;
        assert!(matches!(answer.status, 400 | 413), "{endpoint}: {answer:?}");
        assert!(sent < 256 << 20, "{endpoint}: {sent}");
        let risen = proc::peak_memory(web.program.pid()).saturating_sub(before);
        assert!(risen < ALLOWED, "{endpoint}: {risen} more bytes after {sent}");
        assert_eq!(web.send_one().await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_behind_the_inner_coding_is_not_inflated_without_end() {
    let web = Web::start().await;
    // A whole envelope, and ten gigabytes that gzip takes for garbage behind it.
    let inner = mishap_testkit::compress::gzip(BEGINNING.as_bytes());
    let zeros = zeros::plain("", GIGABYTES).filter(|piece| !piece.is_empty());
    let pieces: Pieces = Box::new(std::iter::once(inner).chain(zeros));
    let pieces = zeros::gathered(zeros::coded("zstd", pieces), 4096);
    let (answer, _) = web.send("envelope", "gzip, zstd", pieces).await;
    assert_eq!(answer.status, 413, "{answer:?}");
}
