//! Nothing: the tests are in `it`, the bench is in `bench`.
