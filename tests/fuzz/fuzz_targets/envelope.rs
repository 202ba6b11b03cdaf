//! See `mishap_tests::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (mishap_tests::fuzz::ENVELOPE.check)(bytes));
