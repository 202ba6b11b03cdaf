//! A client that is not polite: what it writes is what goes over the wire.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// How long the server may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer as it came over the wire.
#[derive(Debug, Clone)]
pub struct WireAnswer {
    /// Its status.
    pub status: u16,
    /// Its head, as it was sent.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl WireAnswer {
    /// A header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
    }
}

impl Wire {
    /// Connects to a server.
    pub async fn connect(url: &Url) -> Self {
        let address = (url.host_str().unwrap(), url.port().unwrap());
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    /// The head of a `POST`, up to its empty line.
    pub fn post(path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head
    }

    /// Writes bytes; false if the server does not take them any more.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        in_time(self.stream.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Says that nothing more will be written.
    pub async fn finish_writing(&mut self) {
        in_time(self.stream.shutdown()).await.unwrap();
    }

    /// Writes a chunk of a body that is sent in chunks; an empty one ends it.
    pub async fn write_chunk(&mut self, bytes: &[u8]) -> bool {
        self.write(format!("{:x}\r\n", bytes.len())).await
            && self.write(bytes).await
            && self.write("\r\n").await
    }

    /// Whether the server has something to say, or has closed the connection.
    pub async fn has_news(&mut self) -> bool {
        if !self.read.is_empty() {
            return true;
        }
        let mut piece = [0; 4096];
        match self.stream.try_read(&mut piece) {
            Ok(read) => {
                self.read.extend(piece.iter().take(read));
                true
            }
            Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }

    /// The next answer; nothing if the connection was closed without one.
    pub async fn answer(&mut self) -> Option<WireAnswer> {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            if !self.read_more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end + 4).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = WireAnswer { status, head, body: Vec::new() };
        let length = answer.header("content-length").parse().unwrap_or(0);
        while self.read.len() < length && self.read_more().await {}
        answer.body = self.read.drain(..length.min(self.read.len())).collect();
        Some(answer)
    }

    /// Waits until the server closes the connection.
    pub async fn closed(&mut self) {
        while self.read_more().await {}
    }

    async fn read_more(&mut self) -> bool {
        self.read.reserve(16 * 1024);
        matches!(in_time(self.stream.read_buf(&mut self.read)).await, Ok(read) if read > 0)
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("the server neither answers nor closes")
}
