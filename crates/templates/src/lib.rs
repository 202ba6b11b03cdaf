//! Pages and mails, typed, and the files they need.
//!
//! A page is a struct of what it shows. Whoever answers a request fills it, without knowing HTML, and
//! calls [`Page::render`] with the [`Shell`] that all pages of that request share. Everything from
//! outside is escaped; every address goes through [`Site::url`], so that an installation may live
//! under a path of its host; nothing is inline, so that the policy `default-src 'self'` holds. Pages
//! work without the script, which only makes them easier.
//!
//! | what | where |
//! |---|---|
//! | the frame around every page | [`shell`] |
//! | what pages are made of | [`parts`] |
//! | signing in, one's account, the API's reference | [`pages`] |
//! | the administrator's pages | [`admin`] |
//! | mails | [`mail`] |
//! | style sheet, script, icon | [`assets`] |
//! | which address is where | [`paths`], [`link`] |
//!
//! To look at everything: `cargo run -p mishap-templates --example gallery FOLDER`.

pub mod admin;
pub mod assets;
pub mod gallery;
pub mod link;
pub mod mail;

pub mod pages;
pub mod parts;
pub mod paths;
pub mod sample;
pub mod shell;

#[cfg(test)]
mod tests;

pub use self::gallery::{Page, Sample};
pub use self::link::Link;
pub use self::shell::{Shell, Site};
