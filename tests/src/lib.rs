//! What the fuzzer and the integration test both call: the tests are in `it`, the bench is in
//! `bench`.

pub mod fuzz;
