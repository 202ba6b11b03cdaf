//! Who may call an endpoint, in words.

use mishap_core::access::Role;

use crate::access::{Otherwise, Permission, Who};

/// Who may, in a few sentences.
pub(crate) fn sentences(permission: &Permission) -> String {
    let mut sentences = vec![format!("{}.", who(permission))];
    if !permission.scopes.is_empty() {
        let scopes = scopes(permission);
        sentences.push(format!("A token needs one of these scopes: {scopes}."));
    }
    sentences.extend(role(permission));
    sentences.join(" ")
}

/// How well the caller must be known.
fn who(permission: &Permission) -> &'static str {
    match permission.who {
        Who::Everybody if permission.proof => {
            "Anybody; changes must come from a page of this installation"
        }
        Who::Everybody => "Anybody",
        Who::Anybody => "Anybody; whoever is known is told more",
        Who::Caller if permission.staff => "Staff with a token or a session",
        Who::Caller => "Whoever has a token or a session",
        Who::Person if permission.staff => "Staff with a session; tokens do not count",
        Who::Person => "Whoever has a session; tokens do not count",
    }
}

/// The scopes of which a token needs one.
pub(crate) fn scopes(permission: &Permission) -> String {
    let names: Vec<_> = permission.scopes.iter().map(|scope| scope.name()).collect();
    names.join(", ")
}

fn role(permission: &Permission) -> Option<String> {
    let least = match permission.role? {
        Role::Viewer => "Only for members of the organization".to_owned(),
        role => format!("Only for members of the organization with the role {role} or above"),
    };
    let otherwise = match permission.otherwise {
        Otherwise::Refused => ".",
        Otherwise::Hidden => "; others hear that there is no such thing.",
        Otherwise::EmptyList => "; strangers see an empty list.",
    };
    Some(format!("{least}{otherwise}"))
}

#[cfg(test)]
mod tests {
    use mishap_core::access::Scope;

    use super::*;
    use crate::access::{by_role, by_scope, everybody, member};

    #[test]
    fn an_operator_reads_who_may() {
        const READ: &[Scope] = &[Scope::OrgRead, Scope::OrgAdmin];
        for (permission, words) in [
            (everybody(), "Anybody."),
            (by_scope(&[]), "Whoever has a token or a session."),
            (by_scope(&[]).in_person(), "Whoever has a session; tokens do not count."),
            (
                member(READ).or_empty(),
                "Whoever has a token or a session. A token needs one of these scopes: org:read, \
                 org:admin. Only for members of the organization; strangers see an empty list.",
            ),
            (
                by_role(Role::Manager, &[]).or_hidden(),
                "Whoever has a token or a session. Only for members of the organization with the role \
                 manager or above; others hear that there is no such thing.",
            ),
        ] {
            assert_eq!(sentences(&permission), words);
        }
    }
}
