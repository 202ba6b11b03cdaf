//! The fuzzer's properties, on its corpus and on mutations of it: the same functions that
//! `tests/fuzz` runs for hours, for seconds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod corpus;
mod mutation;

use mishap_tests::fuzz::{self, Target};

use self::corpus::{Input, corpus};
use self::mutation::Mutator;

/// Checks every input of a target's corpus.
fn replay(target: Target) {
    for Input { name, bytes } in corpus(target) {
        blame(&name, &bytes, || (target.check)(&bytes));
    }
}

/// Checks this many inputs made of a target's corpus, the same ones each time.
fn mutate(target: Target, inputs: usize) {
    let seeds: Vec<Vec<u8>> = corpus(target).into_iter().map(|input| input.bytes).collect();
    let mut mutator = Mutator::new(&seeds);
    for number in 0..inputs {
        let input = mutator.next();
        blame(&format!("mutation {number}"), &input, || (target.check)(&input));
    }
}

/// Says which input a property does not hold for.
fn blame(name: &str, bytes: &[u8], check: impl FnOnce()) {
    struct Blame<'a>(&'a str, &'a [u8]);
    impl Drop for Blame<'_> {
        #[expect(clippy::print_stderr, reason = "where the failure itself is printed")]
        fn drop(&mut self) {
            if std::thread::panicking() {
                let beginning = &self.1[..self.1.len().min(4096)];
                eprintln!("the input is {}: {}", self.0, beginning.escape_ascii());
            }
        }
    }
    let _blame = Blame(name, bytes);
    check();
}

#[test]
fn every_header_query_and_dsn_of_the_corpus_is_read_safely() {
    replay(fuzz::AUTH);
}

#[test]
fn every_mutated_header_query_and_dsn_is_read_safely() {
    mutate(fuzz::AUTH, 20_000);
}

#[test]
fn every_body_of_the_corpus_is_inflated_in_bounds() {
    replay(fuzz::COMPRESSION);
}

#[test]
fn every_mutated_body_is_inflated_in_bounds() {
    mutate(fuzz::COMPRESSION, 1_500);
}

#[test]
fn every_envelope_of_the_corpus_is_framed_the_same_however_it_arrives() {
    replay(fuzz::ENVELOPE);
}

#[test]
fn every_mutated_envelope_is_framed_the_same_however_it_arrives() {
    mutate(fuzz::ENVELOPE, 4_000);
}

#[test]
fn every_event_of_the_corpus_is_digested_the_same_each_time() {
    replay(fuzz::EVENT);
}

#[test]
fn every_mutated_event_is_digested_the_same_each_time() {
    mutate(fuzz::EVENT, 3_000);
}

#[test]
fn every_target_has_a_corpus_and_a_fuzzer_and_every_fuzzer_a_target() {
    let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
    for folder in ["fixtures/fuzz", "fuzz/fuzz_targets"] {
        assert_eq!(corpus::names_in(folder), names, "{folder}");
    }
}
