//! What people type, checked field by field, so that they are told at once all that is wrong.

use mishap_core::email::EmailAddress;
use mishap_identity::password::strength::{Owner, weaknesses};

use super::refusal::Problem;

/// Letters of an organization's name at most (GlitchTip).
const MAX_NAME: usize = 200;

/// A text that must not be empty.
pub(crate) fn required<'t>(typed: &'t str, param: &'static str) -> Result<&'t str, Vec<Problem>> {
    if typed.is_empty() { Err(vec![Problem::required(param)]) } else { Ok(typed) }
}

/// An address.
pub(crate) fn email(typed: &str) -> Result<EmailAddress, Vec<Problem>> {
    let typed = required(typed, "email")?;
    EmailAddress::parse(typed).map_err(|_invalid| vec![Problem::invalid_email()])
}

/// The name of an organization.
pub(crate) fn organization(typed: &str) -> Result<&str, Vec<Problem>> {
    let name = required(typed.trim(), "organization")?;
    if name.chars().count() > MAX_NAME {
        return Err(vec![Problem::too_long("organization", MAX_NAME)]);
    }
    Ok(name)
}

/// A password that is to be good enough for its owner.
pub(crate) fn new_password<'t>(
    typed: &'t str,
    param: &'static str,
    owner: Owner<'_>,
) -> Result<&'t str, Vec<Problem>> {
    let typed = required(typed, param)?;
    let weak: Vec<_> = weaknesses(typed, owner).into_iter().collect();
    if weak.is_empty() {
        return Ok(typed);
    }
    Err(weak.into_iter().map(|weakness| Problem::weak(weakness, param)).collect())
}

/// Two fields, or what is wrong with either.
pub(crate) fn both<A, B>(
    a: Result<A, Vec<Problem>>,
    b: Result<B, Vec<Problem>>,
) -> Result<(A, B), Vec<Problem>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err([a.err(), b.err()].into_iter().flatten().flatten().collect()),
    }
}
