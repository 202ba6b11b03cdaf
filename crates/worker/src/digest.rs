//! The digest: from rows of the inbox to issues and events.
//!
//! A batch goes one way: claim its rows, open them, see the names they bring, record what they hold,
//! bury what cannot be digested, finish the rows. All of it is one transaction, so a batch that is
//! broken off has never happened, and one that is digested twice changes nothing the second time.

mod event;
mod names;
mod open;
mod projects;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use mishap_core::causes::Causes;
use mishap_process::reports;
use mishap_storage::bodies::Packer;
use mishap_storage::dead_letters::{self, Poison};
use mishap_storage::events::record::{Recorded, record};
use mishap_storage::inbox::{self, InboxRow, Suspect, Ticket};
use mishap_storage::{Conn, Error, ErrorClass, Pool, Result, tallies, transaction};

use self::names::{KnownNames, NewNames};
use self::open::open;
use self::projects::ProjectCache;

/// Rows in one batch at most.
pub const MAX_ROWS: usize = 100;

/// Bytes in one batch at most, inflated; a larger row is a batch of its own.
pub const MAX_BYTES: u64 = 4 << 20;

/// A row that was tried alone this often is buried.
const MAX_ATTEMPTS: i16 = 5;

/// Digests batches. Several may do so at once, in one process and in many.
pub struct Digester {
    pool: Pool,
    projects: ProjectCache,
    names: KnownNames,
}

/// Which rows a batch takes.
#[derive(Debug, Clone)]
enum Claim {
    /// These, as far as nobody else has them.
    These(Vec<Ticket>),
    /// The oldest ones of at least this age.
    Oldest(Duration),
}

/// What became of a batch that was committed.
struct Digested {
    recorded: Recorded,
    buried: usize,
    /// Whether a report of our own was among the rows.
    is_own: bool,
    names: NewNames,
    /// How long each row had waited when it was claimed.
    waited: Vec<Duration>,
}

impl Digester {
    /// A digester that takes its connections from `pool`.
    pub fn new(pool: Pool) -> Self {
        Self { pool, projects: ProjectCache::new(), names: KnownNames::new() }
    }

    /// Digests these rows, as far as nobody else has them; says how many there were.
    pub async fn digest(&self, tickets: Vec<Ticket>) -> Result<usize> {
        self.digest_claim(Claim::These(tickets)).await
    }

    /// Digests a batch of the oldest rows that are at least `age` old; says how many there were.
    pub async fn digest_oldest(&self, age: Duration) -> Result<usize> {
        self.digest_claim(Claim::Oldest(age)).await
    }

    /// Digests one row that may bring a worker down, alone; says whether there was one.
    ///
    /// The attempt is counted before it begins. A row that did not survive several is buried.
    pub async fn digest_suspect(&self) -> Result<bool> {
        let mut conn = self.pool.get().await?;
        let Some(Suspect { ticket, attempts }) = inbox::try_suspect(&mut conn).await? else {
            return Ok(false);
        };
        drop(conn);
        if attempts > MAX_ATTEMPTS {
            let error = format!("{MAX_ATTEMPTS} attempts to digest it did not come to an end");
            self.bury(ticket, &error).await?;
        } else {
            self.digest(vec![ticket]).await?;
        }
        Ok(true)
    }

    async fn digest_claim(&self, claim: Claim) -> Result<usize> {
        let claimed = Mutex::default();
        let mut conn = self.pool.get().await?;
        let result = self.transact(&mut conn, &claim, &claimed).await;
        drop(conn);
        let claimed = claimed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let rows = claimed.len();
        match result {
            Ok(()) => {}
            Err(error) if error.class() == ErrorClass::Unavailable => return Err(error),
            Err(error) => Box::pin(self.bisect(claimed, error)).await?,
        }
        Ok(rows)
    }

    /// Finds the row that a batch failed because of, by digesting its halves.
    async fn bisect(&self, mut tickets: Vec<Ticket>, failure: Error) -> Result<()> {
        tracing::warn!(
            rows = tickets.len(),
            error = %Causes(&failure),
            "a batch failed and is divided"
        );
        match tickets.as_slice() {
            [] => Err(failure),
            [ticket] if failure.class() == ErrorClass::Fault => {
                self.bury(*ticket, &Causes(&failure).to_string()).await
            }
            [ticket] => {
                // Somebody was in its way five times; it is tried alone, and not for ever.
                let mut conn = self.pool.get().await?;
                inbox::suspect(&mut conn, &[*ticket]).await
            }
            _ => {
                let second = tickets.split_off(tickets.len() / 2);
                self.digest_claim(Claim::These(tickets)).await?;
                self.digest_claim(Claim::These(second)).await?;
                Ok(())
            }
        }
    }

    async fn bury(&self, ticket: Ticket, error: &str) -> Result<()> {
        let mut conn = self.pool.get().await?;
        let buried = transaction(&mut conn, async |conn: &mut Conn| {
            let rows = inbox::claim(conn, &[ticket]).await?;
            let is_own = rows.iter().any(is_own_report);
            let poison: Vec<Poison> =
                rows.into_iter().map(|row| Poison { row, error: error.to_owned() }).collect();
            dead_letters::bury(conn, &poison).await?;
            Ok((poison.len(), is_own))
        })
        .await?;
        let (rows, is_own) = buried;
        note_buried(rows, is_own);
        Ok(())
    }

    /// Digests a batch in one transaction. `claimed` holds its rows, also when it failed.
    async fn transact(
        &self,
        conn: &mut Conn,
        claim: &Claim,
        claimed: &Mutex<Vec<Ticket>>,
    ) -> Result<()> {
        let began = Instant::now();
        let digested = transaction(conn, async |conn: &mut Conn| {
            let rows = claim_rows(conn, claim).await?;
            *claimed.lock().unwrap_or_else(PoisonError::into_inner) =
                rows.iter().map(|row| row.ticket).collect();
            if rows.is_empty() {
                return Ok(None);
            }
            let is_own = rows.iter().any(is_own_report);
            reports::silently_if(is_own, self.digest_rows(conn, rows)).await.map(Some)
        })
        .await?;
        if let Some(Digested { recorded, buried, is_own, names, waited }) = digested {
            self.names.remember(names);
            note_buried(buried, is_own);
            note_recorded(&recorded, &waited, began.elapsed());
        }
        Ok(())
    }

    /// The way of a batch.
    async fn digest_rows(&self, conn: &mut Conn, rows: Vec<InboxRow>) -> Result<Digested> {
        let tickets: Vec<Ticket> = rows.iter().map(|row| row.ticket).collect();
        let waited = rows.iter().map(|row| row.waited).collect();
        let is_own = rows.iter().any(is_own_report);
        let projects = self.projects.of(conn, &rows).await?;
        // Milliseconds of work: the connections of other tasks must not wait for it.
        let opened = tokio::task::block_in_place(|| {
            let mut packer = Packer::new()?;
            Ok::<_, Error>(open(rows, &projects, &mut packer))
        })?;
        let names = self.names.see(conn, &opened).await?;
        let mut tally = opened.tally;
        let recorded = record(conn, opened.events, opened.attachments, &mut tally).await?;
        dead_letters::bury(conn, &opened.poison).await?;
        tallies::write(conn, &tally).await?;
        inbox::finish(conn, &tickets).await?;
        Ok(Digested { recorded, buried: opened.poison.len(), is_own, names, waited })
    }
}

async fn claim_rows(conn: &mut Conn, claim: &Claim) -> Result<Vec<InboxRow>> {
    match claim {
        Claim::These(tickets) => inbox::claim(conn, tickets).await,
        Claim::Oldest(age) => {
            let limit = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX);
            let mut tickets = inbox::claim_oldest(conn, *age, limit).await?;
            tickets.truncate(batch_length(&tickets));
            inbox::claim(conn, &tickets).await
        }
    }
}

/// How many of these rows make one batch; at least one.
pub fn batch_length(tickets: &[Ticket]) -> usize {
    let mut bytes = 0;
    let fits = |ticket: &&Ticket| {
        bytes += u64::from(ticket.size);
        bytes <= MAX_BYTES
    };
    tickets.iter().take(MAX_ROWS).take_while(fits).count().max(1).min(tickets.len())
}

/// Whether an envelope is a report of our own failures.
fn is_own_report(row: &InboxRow) -> bool {
    reports::is_own(row.envelope.user_agent.as_deref())
}

/// Tells of dead letters. If a report of ours may be among them, that is no failure to report.
fn note_buried(rows: usize, is_own: bool) {
    if rows > 0 {
        if is_own {
            tracing::warn!(rows, "reports could not be digested and became dead letters");
        } else {
            tracing::error!(rows, "envelopes could not be digested and became dead letters");
        }
        counter!("glitchtip_dead_letters_total").increment(rows as u64);
    }
}

fn note_recorded(recorded: &Recorded, waited: &[Duration], took: Duration) {
    counter!("glitchtip_events_digested_total", "result" => "stored").increment(recorded.stored);
    counter!("glitchtip_events_digested_total", "result" => "duplicate")
        .increment(recorded.duplicates);
    counter!("glitchtip_issues_total", "change" => "new").increment(recorded.new.len() as u64);
    counter!("glitchtip_issues_total", "change" => "regressed")
        .increment(recorded.regressed.len() as u64);
    let digest_seconds = histogram!("glitchtip_event_digest_seconds");
    for waited in waited {
        digest_seconds.record(*waited + took);
    }
    histogram!("glitchtip_digest_batch_seconds").record(took);
    #[expect(clippy::cast_precision_loss, reason = "a hundred at most")]
    histogram!("glitchtip_digest_batch_rows").record(waited.len() as f64);
}
