//! From an SDK's request to what the API shows.

mod first_event;
mod own_failures;
