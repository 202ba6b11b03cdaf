//! Recovery codes: ten codes to be used once each, when the other factor is lost.
//!
//! They are derived from one seed, as GlitchTip's are (GlitchTip's API, recovery codes), so that
//! codes that people have printed stay good.

use std::fmt;

use mishap_core::random::Random;
use ring::hmac;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::typed_code;

/// How many codes there are.
pub const RECOVERY_CODES: usize = 10;

/// A code is less than this: it has eight digits.
const CODES_BELOW: u32 = 100_000_000;

/// The length of the seed in bytes, before they are written in hexadecimal.
const SEED_BYTES: usize = 40;

/// Somebody's recovery codes. In storage they are `{"seed": "…", "used_mask": 0}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    seed: Seed,
    /// The bit `1 << n` stands for the code number `n`.
    used_mask: u32,
}

impl RecoveryCodes {
    /// New codes.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; SEED_BYTES];
        random.fill(&mut bytes);
        let seed = Seed(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        Self { seed, used_mask: 0 }
    }

    /// The codes that are left, to be shown to their owner.
    pub fn unused(&self) -> Vec<String> {
        self.unused_numbered().map(|(_, code)| code).collect()
    }

    /// Uses a typed code up: whether it was one of those that are left. The caller stores the rest.
    #[must_use]
    pub fn use_up(&mut self, typed: &str) -> bool {
        let Some(typed) = typed_code::digits(typed) else { return false };
        let mut matching = 0;
        for (bit, code) in self.unused_numbered() {
            if bool::from(code.as_bytes().ct_eq(typed.as_bytes())) {
                matching = bit;
            }
        }
        self.used_mask |= matching;
        matching != 0
    }

    /// The codes that are left, each with its bit.
    fn unused_numbered(&self) -> impl Iterator<Item = (u32, String)> {
        let codes = self.seed.codes().into_iter().enumerate();
        codes.map(|(n, code)| (1 << n, code)).filter(|(bit, _)| self.used_mask & bit == 0)
    }
}

/// 80 hexadecimal digits. They are not printed by `{:?}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Seed(String);

impl Seed {
    /// Code `n` is made of the first four bytes of an HMAC over the numbers up to `n`, each three
    /// characters wide with a comma behind. The key is the text of the seed, not its bytes.
    fn codes(&self) -> [String; RECOVERY_CODES] {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.as_bytes());
        let mut numbers = hmac::Context::with_key(&key);
        std::array::from_fn(|n| {
            numbers.update(format!("{n:3},").as_bytes());
            let tag = numbers.clone().sign();
            let first = tag.as_ref().iter().take(4);
            let value = first.fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
            format!("{:08}", value % CODES_BELOW)
        })
    }
}

impl TryFrom<String> for Seed {
    type Error = BadSeed;

    fn try_from(text: String) -> Result<Self, BadSeed> {
        let is_seed =
            text.len() == 2 * SEED_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_seed { Ok(Self(text)) } else { Err(BadSeed) }
    }
}

impl From<Seed> for String {
    fn from(seed: Seed) -> Self {
        seed.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What was stored is no seed.
#[derive(Debug, thiserror::Error)]
#[error("the seed of recovery codes is not 80 hexadecimal digits")]
struct BadSeed;

#[cfg(test)]
mod tests {
    use mishap_core::random::SeededRandom;
    use serde_json::json;

    use super::*;

    /// What django-allauth makes of `0123456789abcdef` five times.
    const KNOWN: [&str; RECOVERY_CODES] = [
        "64942586", "03959085", "07990366", "16418492", "08962862", "26762693", "03257366",
        "85808163", "85026242", "60612046",
    ];

    fn known(used_mask: u32) -> RecoveryCodes {
        let seed = "0123456789abcdef".repeat(5);
        serde_json::from_value(json!({"seed": seed, "used_mask": used_mask})).unwrap()
    }

    #[test]
    fn codes_are_those_that_glitchtip_gives() {
        assert_eq!(known(0).unused(), KNOWN);
        assert_eq!(known(0b10_0000_0101).unused(), [&KNOWN[1..2], &KNOWN[3..9]].concat());
        assert!(known(0b11_1111_1111).unused().is_empty());
    }

    #[test]
    fn a_code_counts_once() {
        let mut codes = known(0);
        assert!(codes.use_up(" 0395-9085 "));
        assert!(!codes.use_up("03959085"));
        assert!(codes.use_up("60612046"));
        assert_eq!(codes, known(0b10_0000_0010));
    }

    #[test]
    fn other_texts_are_no_codes() {
        let mut codes = known(0);
        for typed in ["", "00000000", "3959085", "003959085", "0395908", "64942586a", "6494258６"]
        {
            assert!(!codes.use_up(typed), "{typed}");
        }
        assert_eq!(codes, known(0));
    }

    #[test]
    fn new_codes_are_random_and_survive_storage() {
        let random = SeededRandom::new(1);
        let codes = RecoveryCodes::generate(&random);
        assert_eq!(codes.unused().len(), RECOVERY_CODES);
        assert_ne!(codes.unused(), RecoveryCodes::generate(&random).unused());
        let stored = serde_json::to_value(&codes).unwrap();
        assert_eq!(stored["used_mask"], 0);
        assert_eq!(stored["seed"].as_str().unwrap().len(), 80);
        assert_eq!(serde_json::from_value::<RecoveryCodes>(stored).unwrap(), codes);
    }

    #[test]
    fn what_allauth_stores_besides_does_not_matter() {
        let seed = "0123456789abcdef".repeat(5);
        let stored = json!({"seed": seed, "used_mask": 1, "viewed_at": 1_700_000_000.5});
        assert_eq!(serde_json::from_value::<RecoveryCodes>(stored).unwrap(), known(1));
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for seed in [String::new(), "0123456789abcdef".repeat(4), "0123456789abcdeg".repeat(5)] {
            let stored = json!({"seed": seed, "used_mask": 0});
            assert!(serde_json::from_value::<RecoveryCodes>(stored).is_err(), "{seed}");
        }
    }

    #[test]
    fn seeds_are_not_printed() {
        let printed = format!("{:?}", known(0));
        assert!(!printed.contains("abcdef"), "{printed}");
    }
}
