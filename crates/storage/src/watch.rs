//! Watches a connection of a pool, and ends it when it is of no use any more.
//!
//! A server that dies says so, or the system notices. Two things nobody notices: a proxy between here
//! and the server that forgot the connection and goes on taking what is sent, and a server that takes
//! no writes any more because another one took over, while connections to it stayed open.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use tokio_postgres::Connection;
use tokio_postgres::tls::TlsStream;

/// How much longer than a statement may take its answer is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// How long a connection to a server that takes no writes is kept. The next one may lead to another
/// server; if it does not, it can be read from as well.
const READING: Duration = Duration::from_secs(5);

/// How often it is looked whether it is time.
const LOOK: Duration = Duration::from_secs(1);

/// What PostgreSQL says of its own accord, from version 14 on, while it takes no writes.
const READS_ONLY: [&str; 2] = ["default_transaction_read_only", "in_hot_standby"];

/// What is known of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Since when an answer is awaited. Whoever awaited it may have gone meanwhile.
    asked_at: Option<Instant>,
    /// Since when its server takes no writes.
    reads_only_since: Option<Instant>,
}

impl Watch {
    /// Drives a connection until it ends, or is of no use any more.
    pub(crate) async fn drive<S, T>(self, connection: Connection<S, T>, statement_timeout: Duration)
    where
        Connection<S, T>: Unpin,
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
        T: TlsStream + Unpin,
    {
        tokio::select! {
            // Whoever uses it hears of its end from the statement that fails.
            () = self.listen(connection) => {}
            why = self.until_useless(statement_timeout) => {
                tracing::warn!(why, "a connection to PostgreSQL is given up");
            }
        }
    }

    async fn listen<S, T>(&self, mut connection: Connection<S, T>)
    where
        Connection<S, T>: Unpin,
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
        T: TlsStream + Unpin,
    {
        std::future::poll_fn(|context| {
            loop {
                match connection.poll_message(context) {
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => break,
                }
            }
            let says = |name: &str| connection.parameter(name) == Some("on");
            self.note(READS_ONLY.into_iter().any(says));
            Poll::Pending
        })
        .await;
    }

    fn note(&self, reads_only: bool) {
        let mut known = self.known();
        if !reads_only {
            known.reads_only_since = None;
        } else if known.reads_only_since.is_none() {
            known.reads_only_since = Some(Instant::now());
        }
    }

    /// Returns when the connection is of no use any more, and says why.
    async fn until_useless(&self, statement_timeout: Duration) -> &'static str {
        let is_over = |since: Option<Instant>, time| since.is_some_and(|at| at.elapsed() > time);
        loop {
            tokio::time::sleep(LOOK).await;
            let known = self.known();
            if is_over(known.asked_at, statement_timeout + GRACE) {
                return "its server does not answer";
            }
            if known.asked_at.is_none() && is_over(known.reads_only_since, READING) {
                return "its server takes no writes";
            }
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.known().asked_at.get_or_insert_with(Instant::now);
            }
            InstrumentationEvent::FinishQuery { .. } => self.known().asked_at = None,
            _ => {}
        }
    }
}
