//! Who may do what.

use std::fmt;

use crate::issue::stored_enum;

stored_enum! {
    /// What a member is in an organization; GlitchTip's numbers, the mightier the larger. The viewer
    /// is ours.
    Role {
        /// Looks, and changes nothing.
        Viewer = -1, "viewer";
        /// Works on issues.
        Member = 0, "member";
        /// Also manages projects and teams.
        Admin = 1, "admin";
        /// Also manages members.
        Manager = 2, "manager";
        /// May do everything.
        Owner = 3, "owner";
    }
}

/// Declares the scopes with their bits and names.
macro_rules! scopes {
    ($($scope:ident = $bit:literal, $name:literal;)+) => {
        /// A right that an API token can have; GlitchTip's bits.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Scope { $($scope,)+ }

        impl Scope {
            /// Every scope.
            pub const ALL: &[Self] = &[$(Self::$scope,)+];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$scope => $name,)+ }
            }

            /// The scope with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$scope),)+ _ => None }
            }

            fn bit(self) -> i64 {
                1 << match self { $(Self::$scope => $bit,)+ }
            }
        }
    };
}

scopes! {
    ProjectRead = 0, "project:read";
    ProjectWrite = 1, "project:write";
    ProjectAdmin = 2, "project:admin";
    ProjectReleases = 3, "project:releases";
    TeamRead = 4, "team:read";
    TeamWrite = 5, "team:write";
    TeamAdmin = 6, "team:admin";
    EventRead = 7, "event:read";
    EventWrite = 8, "event:write";
    EventAdmin = 9, "event:admin";
    OrgRead = 10, "org:read";
    OrgWrite = 11, "org:write";
    OrgAdmin = 12, "org:admin";
    MemberRead = 13, "member:read";
    MemberWrite = 14, "member:write";
    MemberAdmin = 15, "member:admin";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(i64);

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self(0xffff);

    /// The set with these members.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// The set that stored bits stand for.
    pub fn from_bits(bits: i64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The stored bits.
    pub fn bits(self) -> i64 {
        self.0
    }

    /// Whether the set has at least one of these.
    pub fn has_any(self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| self.0 & scope.bit() != 0)
    }

    /// The members.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.0 & scope.bit() != 0)
    }
}

impl Role {
    /// What people call it; `roleName` in a member.
    pub fn label(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Member => "Member",
            Self::Admin => "Admin",
            Self::Manager => "Manager",
            Self::Owner => "Owner",
        }
    }

    /// What a member of this role may do, by GlitchTip's names; `access` in an organization.
    pub fn access(self) -> Vec<&'static str> {
        let from = |role: Self, names: &[&'static str]| {
            if self >= role { names.to_vec() } else { Vec::new() }
        };
        [
            from(
                Self::Viewer,
                &["event:read", "project:read", "team:read", "member:read", "org:read"],
            ),
            from(Self::Member, &["event:write", "event:admin", "project:releases"]),
            from(
                Self::Admin,
                &["project:write", "project:admin", "team:write", "team:admin", "org:integrations"],
            ),
            from(Self::Manager, &["member:write", "member:admin", "org:write"]),
            from(Self::Owner, &["org:admin"]),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_glitchtip_s_bits() {
        assert_eq!(Scopes::of(&[Scope::EventRead]).bits(), 128);
        assert_eq!(Scopes::of(Scope::ALL), Scopes::ALL);
        assert_eq!(Scopes::ALL.bits(), 65535);
        let some = Scopes::from_bits(129);
        assert_eq!(some.iter().collect::<Vec<_>>(), [Scope::ProjectRead, Scope::EventRead]);
        assert!(some.has_any(&[Scope::EventAdmin, Scope::EventRead]));
        assert!(!some.has_any(&[Scope::OrgRead]));
        for scope in Scope::ALL {
            assert_eq!(Scope::from_name(scope.name()), Some(*scope));
        }
        assert_eq!(Scope::from_name("org:integrations"), None);
    }

    #[test]
    fn each_role_may_do_what_the_one_below_may() {
        let mut below: Vec<&str> = Vec::new();
        for role in Role::ALL {
            let access = role.access();
            assert!(below.iter().all(|name| access.contains(name)), "{role}");
            below = access;
        }
        assert_eq!(below.len(), 17);
    }
}
