//! A network that can be hurt: a proxy before a server, which delays, withholds or cuts what passes.
//!
//! What is withheld is not lost: it comes when the way is free again, as it does over a real network,
//! which sends again what was not confirmed.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mishap_boot::shutdown::CancellationToken;
use mishap_boot::tasks::Tasks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

use crate::program::free_port;

/// Bytes that are passed on at once.
const PIECE: usize = 16 * 1024;

/// How what passes is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// It passes.
    Free,
    /// Each piece waits for so long.
    Delayed(Duration),
    /// So many bytes pass in a second, each way.
    Throttled(u32),
    /// Nothing comes through, and nobody is told: a black hole.
    Swallowed,
    /// Questions come through, and their answers do not: the connection is open by half.
    AnswersSwallowed,
    /// Connections are cut, and new ones too, as by a server that is not there.
    Refused,
}

/// Which way something goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

/// What is so for every connection.
#[derive(Debug, Clone, Copy)]
struct Road {
    traffic: Traffic,
    /// The port of the server that new connections lead to.
    server: u16,
    /// Connections below this number are cut.
    cut_below: u64,
    /// Connections below this number carry nothing any more, whatever the traffic.
    silent_below: u64,
}

impl Road {
    fn carries(&self, connection: u64, way: Way) -> bool {
        let is_held = match self.traffic {
            Traffic::Swallowed => true,
            Traffic::AnswersSwallowed => way == Way::ToClient,
            _ => false,
        };
        !is_held && connection >= self.silent_below
    }

    fn cuts(&self, connection: u64) -> bool {
        self.traffic == Traffic::Refused || connection < self.cut_below
    }
}

/// A proxy before a server of this machine.
pub struct Proxy {
    port: u16,
    road: watch::Sender<Road>,
    connections: Arc<AtomicU64>,
    tasks: Tasks,
}

impl Proxy {
    /// A proxy before the server on a port.
    pub async fn to(server: u16) -> Self {
        let port = free_port();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let road = Road { traffic: Traffic::Free, server, cut_below: 0, silent_below: 0 };
        let (road, watched) = watch::channel(road);
        let tasks = Tasks::new(CancellationToken::new());
        let proxy = Self { port, road, connections: Arc::default(), tasks: tasks.clone() };
        let connections = Arc::clone(&proxy.connections);
        proxy.tasks.spawn("proxy", async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = tasks.stop().cancelled() => return,
                };
                let Ok((client, _)) = accepted else {
                    continue;
                };
                let number = connections.fetch_add(1, Ordering::Relaxed);
                let (road, stop) = (watched.clone(), tasks.stop().clone());
                tasks.spawn("connection", async move {
                    tokio::select! {
                        () = carry(client, number, road) => {}
                        () = stop.cancelled() => {}
                    }
                });
            }
        });
        proxy
    }

    /// A server's URL with this proxy in the server's place.
    pub fn url(&self, server: &str) -> String {
        let mut url = Url::parse(server).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.into()
    }

    /// From now on, all connections are treated like this.
    pub fn set(&self, traffic: Traffic) {
        self.road.send_modify(|road| road.traffic = traffic);
    }

    /// Cuts the connections that there are; their ends hear of it.
    pub fn cut(&self) {
        let connections = self.connections();
        self.road.send_modify(|road| road.cut_below = connections);
    }

    /// The connections that there are carry nothing any more, as if somebody between their ends had
    /// forgotten them. New ones are not concerned.
    pub fn forget_connections(&self) {
        let connections = self.connections();
        self.road.send_modify(|road| road.silent_below = connections);
    }

    /// New connections lead to the server on another port. Those that there are stay.
    pub fn point_to(&self, server: u16) {
        self.road.send_modify(|road| road.server = server);
    }

    /// How often somebody has connected.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// One connection, from its beginning to its end.
async fn carry(mut client: TcpStream, number: u64, mut road: watch::Receiver<Road>) {
    let server = (Ipv4Addr::LOCALHOST, road.borrow().server);
    let travelled = road.clone();
    let is_cut = tokio::select! {
        biased;
        _ = road.wait_for(|road| road.cuts(number)) => true,
        _ended = carry_to(server, &mut client, number, travelled) => false,
    };
    if is_cut {
        // Whoever has something to say is told at once that nobody listens.
        let _is_gone = client.set_zero_linger();
    }
}

async fn carry_to(
    server: (Ipv4Addr, u16),
    client: &mut TcpStream,
    number: u64,
    mut road: watch::Receiver<Road>,
) -> io::Result<()> {
    // The client of a black hole does not even reach the server.
    drop(road.wait_for(|road| road.carries(number, Way::ToServer)).await);
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    tokio::try_join!(
        pass_on(&mut from_client, &mut to_server, (number, Way::ToServer), road.clone()),
        pass_on(&mut from_server, &mut to_client, (number, Way::ToClient), road),
    )?;
    Ok(())
}

/// Passes on what comes one way until it ends; the end is passed on as well.
async fn pass_on(
    from: &mut ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    (number, way): (u64, Way),
    mut road: watch::Receiver<Road>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        let open = road.wait_for(|road| road.carries(number, way)).await;
        let traffic = open.map_err(io::Error::other)?.traffic;
        match traffic {
            Traffic::Delayed(delay) => tokio::time::sleep(delay).await,
            Traffic::Throttled(bytes_per_second) => {
                let bytes = u32::try_from(length).unwrap();
                tokio::time::sleep(Duration::from_secs(1) * bytes / bytes_per_second).await;
            }
            _ => {}
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..length]).await?;
    }
}
