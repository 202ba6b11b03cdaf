//! What the product calls things and what it decides.
//!
//! The functional core: vocabulary and pure decisions, each of which could be explained without a
//! computer. It does no IO, knows no async, no SQL and no HTTP, and takes time and randomness from
//! its callers.
//!
//! # Glossary
//!
//! - **organization**, **project**, **key**: who receives events; a key's public half is in a DSN.
//! - **account**: who signs in; **member**: an account's place in an organization, with a **role**
//!   ([`access`]); **team**: members who look after projects.
//! - **scope**: what an API token may do ([`access`]).
//! - **envelope**: what an SDK sends; it has **items**, and an item has a data **category**.
//! - **admission**: which items of an envelope are taken ([`admission`]).
//! - **quota**, **throttle**: how much is taken ([`quota`]).
//! - **outcome**: how an item ended, with a **reason** ([`outcome`]).
//! - **event**: one error, message or report; **issue**: events with one cause ([`issue`]).
//! - **grouping**: deciding which issue an event belongs to, by a **mechanism** ([`grouping`]).
//! - **headline**: what an event is called ([`title`]).
//! - **scrubbing**: keeping secrets out of what is stored ([`scrub`]).
//! - **tally**: sums that wait to be added to the statistics ([`tally`]).
//! - **inbox**: envelopes that were acknowledged and wait to be digested.
//! - **digest**: making stored events and issues out of the inbox.
//! - **dead letter**: an envelope that could not be digested, kept for the operator; what was in
//!   one that is given up is counted ([`abandoned`]).

#![deny(clippy::indexing_slicing)]

pub mod abandoned;
pub mod access;
pub mod admission;
pub mod audit;
pub mod causes;
pub mod clock;
pub mod email;
pub mod function_name;
pub mod grouping;
pub mod id;
pub mod issue;
pub mod normalize;
pub mod outcome;
pub mod page;
pub mod policy;
pub mod quota;
pub mod random;
pub mod scrub;
pub mod secret;
pub mod signing;
pub mod sketch;
pub mod slug;
pub mod tally;
pub mod text;
pub mod title;
