//! People and automation accounts, how they sign in, and their tokens.

pub mod alert_choices;
pub mod authenticators;
pub mod emails;
pub mod identities;
pub mod identity_roles;
pub mod providers;
pub mod sessions;
pub mod tokens;
pub mod users;
