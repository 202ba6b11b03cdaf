//! What large bodies may take of the memory, all of them together.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::refusal::Refusal;

/// What they may take together, in bytes.
const LARGE_BODIES: u64 = 96 << 20;

/// What is given out at once, in bytes.
const PORTION: u64 = 64 << 10;

/// How long a body waits for more, all in all. It keeps what it has meanwhile: of several that wait
/// for each other, the first to give up lets the others go on.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often what was received is there while it is packed: as it came, and as it is stored.
pub(super) const PACKING: u64 = 2;

/// The memory for large bodies, in portions.
pub(super) struct Memory(Semaphore);

/// What one body has of it, until it is durable or refused.
pub(super) struct Share<'m> {
    memory: &'m Semaphore,
    portions: u32,
    patience: Duration,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self(Semaphore::new(portions(LARGE_BODIES) as usize))
    }

    /// The share of a body that is not yet large.
    pub(super) fn share(&self) -> Share<'_> {
        Share { memory: &self.0, portions: 0, patience: PATIENCE }
    }
}

impl Share<'_> {
    /// Waits until the body has so many bytes, unless it has them already.
    pub(super) async fn grow_to(&mut self, bytes: u64) -> Result<(), Refusal> {
        let (wanted, more) = self.portions_up_to(bytes);
        if more == 0 {
            return Ok(());
        }
        let began = Instant::now();
        let given = tokio::time::timeout(self.patience, self.memory.acquire_many(more)).await;
        self.patience = self.patience.saturating_sub(began.elapsed());
        let Ok(Ok(given)) = given else {
            return Err(Refusal::Unavailable);
        };
        given.forget();
        self.portions = wanted;
        Ok(())
    }

    /// The same, at once or not at all: for what is there already, which waiting would only keep.
    pub(super) fn grow_at_once_to(&mut self, bytes: u64) -> Result<(), Refusal> {
        let (wanted, more) = self.portions_up_to(bytes);
        let given = self.memory.try_acquire_many(more).map_err(|_none| Refusal::Unavailable)?;
        given.forget();
        self.portions = self.portions.max(wanted);
        Ok(())
    }

    /// How many portions so many bytes are, and how many of them are missing.
    fn portions_up_to(&self, bytes: u64) -> (u32, u32) {
        let wanted = portions(bytes.min(LARGE_BODIES));
        (wanted, wanted.saturating_sub(self.portions))
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.memory.add_permits(self.portions as usize);
    }
}

fn portions(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(PORTION)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bodies_have_no_more_together_than_there_is() {
        let memory = Memory::new();
        let (mut one, mut other) = (memory.share(), memory.share());
        one.grow_to(LARGE_BODIES - PORTION).await.unwrap();
        one.grow_to(1).await.unwrap();
        other.grow_to(PORTION).await.unwrap();
        assert!(matches!(other.grow_to(PORTION + 1).await, Err(Refusal::Unavailable)));
        assert!(matches!(other.grow_at_once_to(PORTION + 1), Err(Refusal::Unavailable)));
        drop(one);
        other.grow_at_once_to(LARGE_BODIES).unwrap();
        other.grow_to(LARGE_BODIES).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_wants_more_than_there_is_gets_all_of_it() {
        let memory = Memory::new();
        memory.share().grow_to(u64::MAX).await.unwrap();
        memory.share().grow_to(LARGE_BODIES + 1).await.unwrap();
    }
}
