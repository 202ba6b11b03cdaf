//! Says things to the world: mail, and the one guarded HTTP client.
//!
//! Whatever goes out goes out here, and only from jobs: nobody's request waits for the world.
//!
//! - [`http`]: fetches addresses that people give, without reaching what is not public.
//! - [`mail`]: sends mails as Django's settings say.

pub mod http;
pub mod mail;
