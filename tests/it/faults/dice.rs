//! Moments and an order that a seed decides.

use std::time::Duration;

use mishap_core::random::{Random as _, SeededRandom, SystemRandom};

/// Random, and the same again for the same seed.
pub(crate) struct Dice(SeededRandom);

impl Dice {
    /// Dice of a seed that is told, so that a run can be repeated as far as machines let it.
    #[expect(clippy::print_stdout, reason = "whoever repeats a run needs to know it")]
    pub(crate) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self(SeededRandom::new(seed))
    }

    /// Dice of any seed.
    pub(crate) fn any() -> Self {
        Self::new(u64::from(SystemRandom.uuid().as_fields().0))
    }

    /// A number below a bound.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % bound
    }

    /// Waits for any time up to this.
    pub(crate) async fn wait_up_to(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(self.below(milliseconds))).await;
    }

    /// Puts things in any order.
    pub(crate) fn shuffle<T>(&self, things: &mut [T]) {
        for place in (1..things.len()).rev() {
            let other = usize::try_from(self.below(place as u64 + 1)).unwrap();
            things.swap(place, other);
        }
    }
}
