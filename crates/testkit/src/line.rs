//! A line to PostgreSQL on which somebody listens: it counts the statements that go over it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What a client sends first if it would like to encrypt (PostgreSQL's protocol, 55.7).
const SSL_REQUEST: u32 = 80_877_103;

/// A line to a database.
pub struct Line {
    /// Who connects here is connected with the database.
    pub url: String,
    counts: Counts,
    tasks: Tasks,
}

/// Statements by the `application_name` of whoever sent them.
type Counts = Arc<Mutex<HashMap<String, u64>>>;

impl Line {
    /// A line to the database at a URL.
    pub async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).unwrap();
        let database = SocketAddr::from(([127, 0, 0, 1], url.port().unwrap()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let tasks = Tasks::new(CancellationToken::new());
        let line = Self { url: url.into(), counts: Counts::default(), tasks: tasks.clone() };
        let counts = Arc::clone(&line.counts);
        line.tasks.spawn("line", async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = tasks.stop().cancelled() => return,
                };
                let (client, _) = accepted.unwrap();
                let server = TcpStream::connect(database).await.unwrap();
                let counts = Arc::clone(&counts);
                tasks.spawn("connection", async move {
                    // Whichever end hangs up first.
                    let _ended = connect(client, server, &counts).await;
                });
            }
        });
        line
    }

    /// Statements that went over the line so far from those who go by this name.
    pub fn sent_by(&self, application: &str) -> u64 {
        self.counts.lock().unwrap().get(application).copied().unwrap_or_default()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

async fn connect(client: TcpStream, server: TcpStream, counts: &Counts) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let name = greet(&mut from_client, &mut to_client, &mut from_server, &mut to_server).await?;
    tokio::select! {
        listened = listen(&mut from_client, &mut to_server, &name, counts) => listened,
        copied = copy(&mut from_server, &mut to_client) => copied.map(drop),
    }
}

/// Passes the first messages on, and says what the client calls itself.
async fn greet(
    from_client: &mut OwnedReadHalf,
    to_client: &mut OwnedWriteHalf,
    from_server: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
) -> std::io::Result<String> {
    loop {
        let length = from_client.read_u32().await?;
        let mut message = vec![0; usize::try_from(length).unwrap() - 4];
        from_client.read_exact(&mut message).await?;
        to_server.write_all(&[&length.to_be_bytes(), message.as_slice()].concat()).await?;
        if message != SSL_REQUEST.to_be_bytes() {
            let words: Vec<&[u8]> = message[4..].split(|byte| *byte == 0).collect();
            let mut pairs = words.chunks(2);
            let name = pairs.find(|pair| pair[0] == b"application_name").map(|pair| pair[1]);
            return Ok(String::from_utf8_lossy(name.unwrap_or_default()).into_owned());
        }
        to_client.write_u8(from_server.read_u8().await?).await?;
    }
}

/// Passes on what the client says, and counts what it wants to be executed.
async fn listen(
    from_client: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
    name: &str,
    counts: &Counts,
) -> std::io::Result<()> {
    loop {
        let kind = from_client.read_u8().await?;
        let length = from_client.read_u32().await?;
        let mut message = vec![0; usize::try_from(length).unwrap() + 1];
        message[0] = kind;
        message[1..5].copy_from_slice(&length.to_be_bytes());
        from_client.read_exact(&mut message[5..]).await?;
        // A prepared statement, or a text.
        if matches!(kind, b'E' | b'Q') {
            *counts.lock().unwrap().entry(name.to_owned()).or_default() += 1;
        }
        to_server.write_all(&message).await?;
    }
}
