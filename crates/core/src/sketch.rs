//! Counts distinct people in a few bytes.
//!
//! Up to [`EXACT`] people are counted exactly; beyond that a HyperLogLog sketch of 4,096 registers
//! estimates their number within about 1.6 %. Either way adding the same person again changes
//! nothing, and sketches of parts can be joined.

use mishap_protocol::event::Event;

/// People counted exactly.
pub const EXACT: usize = 256;

/// Registers of the sketch, as a power of two.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;

const EXACT_TAG: u8 = 0;
const SKETCH_TAG: u8 = 1;

/// A set of people that can say how many they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeopleSketch {
    /// Sorted hashes.
    Exact(Vec<u64>),
    /// The longest run of zero bits seen by each register, plus one.
    Registers(Box<[u8]>),
}

impl Default for PeopleSketch {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

/// Whom an event hit: the first of id, address, name and IP address that it tells.
pub fn person(event: &Event<'_>) -> Option<u64> {
    let user = event.user.as_ref()?;
    let known = [
        ("id", &user.id),
        ("email", &user.email),
        ("username", &user.username),
        ("ip", &user.ip_address),
    ];
    known.into_iter().find_map(|(kind, text)| {
        let text = text.as_deref().filter(|text| !text.is_empty())?;
        Some(person_hash(&format!("{kind}:{text}")))
    })
}

/// The hash by which a person is counted.
fn person_hash(person: &str) -> u64 {
    let hash = blake3::hash(person.as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl PeopleSketch {
    /// Adds a person; says whether that changed anything.
    pub fn add(&mut self, hash: u64) -> bool {
        match self {
            Self::Exact(hashes) => {
                let Err(place) = hashes.binary_search(&hash) else {
                    return false;
                };
                hashes.insert(place, hash);
                if hashes.len() > EXACT {
                    let mut registers = vec![0; REGISTERS].into_boxed_slice();
                    for hash in hashes {
                        raise(&mut registers, *hash);
                    }
                    *self = Self::Registers(registers);
                }
                true
            }
            Self::Registers(registers) => raise(registers, hash),
        }
    }

    /// How many people there are.
    pub fn count(&self) -> u64 {
        match self {
            Self::Exact(hashes) => hashes.len() as u64,
            Self::Registers(registers) => estimate(registers),
        }
    }

    /// The stored form: a tag and the hashes, or a tag and the registers.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Exact(hashes) => std::iter::once(EXACT_TAG)
                .chain(hashes.iter().flat_map(|hash| hash.to_le_bytes()))
                .collect(),
            Self::Registers(registers) => {
                std::iter::once(SKETCH_TAG).chain(registers.iter().copied()).collect()
            }
        }
    }

    /// Reads the stored form; nothing if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        match *tag {
            EXACT_TAG => {
                let (hashes, odd) = rest.as_chunks();
                let hashes = hashes.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
                odd.is_empty().then_some(Self::Exact(hashes))
            }
            SKETCH_TAG => (rest.len() == REGISTERS).then(|| Self::Registers(rest.into())),
            _ => None,
        }
    }
}

/// Enters a hash into its register; says whether the register rose.
fn raise(registers: &mut [u8], hash: u64) -> bool {
    let place = usize::try_from(hash >> (64 - PRECISION)).unwrap_or_default();
    let rest = (hash << PRECISION) | (1 << (PRECISION - 1));
    let run = u8::try_from(rest.leading_zeros() + 1).unwrap_or(u8::MAX);
    match registers.get_mut(place) {
        Some(register) if *register < run => {
            *register = run;
            true
        }
        _ => false,
    }
}

/// The HyperLogLog estimate, by counting empty registers while there are many.
fn estimate(registers: &[u8]) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "4096 fits")]
    let size = registers.len() as f64;
    let empty = registers.iter().filter(|register| **register == 0).count();
    let sum: f64 = registers.iter().map(|register| 2_f64.powi(-i32::from(*register))).sum();
    let raw = 0.7213 / (1.0 + 1.079 / size) * size * size / sum;
    #[expect(clippy::cast_precision_loss, reason = "at most 4096")]
    let estimate =
        if raw <= 2.5 * size && empty > 0 { size * (size / empty as f64).ln() } else { raw };
    #[expect(clippy::cast_possible_truncation, reason = "far below 2^63")]
    #[expect(clippy::cast_sign_loss, reason = "never negative")]
    let count = estimate.round() as u64;
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_who_the_event_tells_first() {
        let person_in = |user: &str| {
            let document = format!(r#"{{"user":{user}}}"#);
            person(&Event::read(&document).unwrap())
        };
        let by_id = person_in(r#"{"id":"7","email":"a@example.com"}"#);
        assert_eq!(by_id, Some(person_hash("id:7")));
        assert_eq!(by_id, person_in(r#"{"id":7,"ip_address":"1.2.3.4"}"#));
        assert_eq!(
            person_in(r#"{"id":"","ip_address":"1.2.3.4"}"#),
            Some(person_hash("ip:1.2.3.4"))
        );
        assert_eq!(person_in("{}"), None);
        assert_ne!(person_in(r#"{"id":"x"}"#), person_in(r#"{"username":"x"}"#));
    }

    fn sketch(people: u32) -> PeopleSketch {
        let mut sketch = PeopleSketch::default();
        for person in 0..people {
            sketch.add(person_hash(&format!("id:{person}")));
        }
        sketch
    }

    #[test]
    fn few_people_are_counted_exactly_and_once() {
        let mut few = sketch(200);
        assert_eq!(few.count(), 200);
        assert!(!few.add(person_hash("id:7")));
        assert_eq!(few.count(), 200);
    }

    #[test]
    fn many_people_are_estimated_closely() {
        for people in [257, 1_000, 10_000, 50_000, 200_000] {
            let count = sketch(people).count();
            let error = count.abs_diff(u64::from(people)) * 1000 / u64::from(people);
            assert!(error < 40, "{people}: {count}");
        }
    }

    #[test]
    fn the_stored_form_is_the_same_set() {
        for people in [0, 1, 256, 257, 5_000] {
            let mut stored = sketch(people);
            let bytes = stored.to_bytes();
            assert_eq!(PeopleSketch::from_bytes(&bytes).as_ref(), Some(&stored));
            assert!(!stored.add(person_hash("id:0")) || people == 0);
        }
        assert_eq!(PeopleSketch::from_bytes(&[]), None);
        assert_eq!(PeopleSketch::from_bytes(&[0, 1]), None);
        assert_eq!(PeopleSketch::from_bytes(&[1, 1]), None);
        assert_eq!(PeopleSketch::from_bytes(&[9]), None);
    }
}
