//! What a row of a table of endpoints asks of whoever calls.

use mishap_core::access::{Role, Scope};

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// How well the caller must be known.
    pub who: Who,
    /// A token needs any one of these; none are listed where every token will do.
    pub scopes: &'static [Scope],
    /// What the caller must at least be in the organization in the path.
    pub role: Option<Role>,
    /// What somebody hears who is less than that.
    pub otherwise: Otherwise,
    /// Whether the caller must be staff.
    pub staff: bool,
    /// Whether the caller must be a superuser too; only pages ask for that.
    pub superuser: bool,
    /// Whether a person looks: whoever is signed out is led to the sign-in page, and a refusal is a
    /// page too. Forms prove by themselves where they come from.
    pub page: bool,
    /// Whether changes need proof that they come from a page of ours even if nobody is asked who they
    /// are.
    pub proof: bool,
}

/// How well a caller must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody is asked.
    Everybody,
    /// Whoever is known is told more.
    Anybody,
    /// Somebody with a token or a session.
    Caller,
    /// Somebody with a session: tokens do not count.
    Person,
}

/// What somebody hears who is not what the row asks for in the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Otherwise {
    /// A stranger hears 404, a member whose role is too small 403.
    Refused,
    /// Both hear 404.
    Hidden,
    /// A stranger sees an empty list (GlitchTip; reconcilers rely on it).
    EmptyList,
}

/// Nobody is asked who they are.
pub const fn everybody() -> Permission {
    Permission {
        who: Who::Everybody,
        scopes: &[],
        role: None,
        otherwise: Otherwise::Refused,
        staff: false,
        superuser: false,
        page: false,
        proof: false,
    }
}

/// A caller with one of these scopes; every token will do if none are listed.
pub const fn by_scope(scopes: &'static [Scope]) -> Permission {
    Permission { who: Who::Caller, scopes, ..everybody() }
}

/// A member of the organization in the path, whatever the role, with one of these scopes.
pub const fn member(scopes: &'static [Scope]) -> Permission {
    by_role(Role::Viewer, scopes)
}

/// A member of the organization in the path with at least this role, and one of these scopes.
pub const fn by_role(role: Role, scopes: &'static [Scope]) -> Permission {
    Permission { role: Some(role), ..by_scope(scopes) }
}

/// Staff, with a token or a session.
pub const fn staff() -> Permission {
    Permission { staff: true, ..by_scope(&[]) }
}

/// Staff, in a session: a page.
pub const fn staff_page() -> Permission {
    Permission { page: true, ..staff().in_person() }
}

/// A superuser, in a session: a page that changes who gets in.
pub const fn superuser_page() -> Permission {
    Permission { superuser: true, ..staff_page() }
}

impl Permission {
    /// Whoever is known is told more; nobody is refused.
    pub const fn or_anybody(self) -> Self {
        Self { who: Who::Anybody, ..self }
    }

    /// Changes must come from a page of ours.
    pub const fn with_proof(self) -> Self {
        Self { proof: true, ..self }
    }

    /// Only in a session.
    pub const fn in_person(self) -> Self {
        Self { who: Who::Person, ..self }
    }

    /// Whoever is too little hears that there is no such thing.
    pub const fn or_hidden(self) -> Self {
        Self { otherwise: Otherwise::Hidden, ..self }
    }

    /// Strangers see an empty list.
    pub const fn or_empty(self) -> Self {
        Self { otherwise: Otherwise::EmptyList, ..self }
    }
}
