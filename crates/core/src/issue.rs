//! Issues: events that have the same cause, as far as grouping can tell.

use std::fmt;

/// Declares an enum that is stored as a small number and named on the wire.
macro_rules! stored_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $wire:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i16)]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $wire,)+ }
            }

            /// The stored code.
            pub fn code(self) -> i16 {
                self as i16
            }

            /// The value that a name stands for.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($wire => Some(Self::$variant),)+ _ => None }
            }

            /// The value that a stored code stands for.
            pub fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use stored_enum;

stored_enum! {
    /// What kind of events an issue has; GlitchTip's numbers, which take part in its hash.
    IssueType {
        /// A message.
        Default = 0, "default";
        /// An exception.
        Error = 1, "error";
        /// A security report.
        Csp = 2, "csp";
    }
}

stored_enum! {
    /// Where an issue stands; GlitchTip's numbers.
    IssueStatus {
        /// Somebody should look at it.
        Unresolved = 0, "unresolved";
        /// Somebody says it will not happen again.
        Resolved = 1, "resolved";
        /// It happens and nobody minds.
        Ignored = 2, "ignored";
    }
}

stored_enum! {
    /// What happened to an issue.
    IssueChange {
        /// It was seen for the first time.
        FirstSeen = 0, "first_seen";
        /// It was resolved and seen again.
        Regressed = 1, "regressed";
        /// Somebody resolved it.
        Resolved = 2, "resolved";
        /// Somebody reopened it.
        Unresolved = 3, "unresolved";
        /// Somebody ignored it.
        Ignored = 4, "ignored";
    }
}

impl IssueStatus {
    /// What a new event makes of an issue in this state.
    ///
    /// A resolved issue comes back; an ignored one stays ignored, however often it happens.
    pub fn after_event(self) -> (Self, Option<IssueChange>) {
        match self {
            Self::Resolved => (Self::Unresolved, Some(IssueChange::Regressed)),
            Self::Unresolved | Self::Ignored => (self, None),
        }
    }
}

/// An issue's name within its project: `SHOP-1V`, the number in base 32 with digits `0`–`9`, `A`–`V`
/// (GlitchTip).
pub fn short_name(project_slug: &str, number: i64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        let digit = usize::try_from(rest % 32).unwrap_or_default();
        digits.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
        rest /= 32;
        if rest == 0 {
            break;
        }
    }
    let number: String = digits.into_iter().rev().map(char::from).collect();
    format!("{}-{number}", project_slug.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_event_reopens_only_what_was_resolved() {
        assert_eq!(
            IssueStatus::Resolved.after_event(),
            (IssueStatus::Unresolved, Some(IssueChange::Regressed))
        );
        for status in [IssueStatus::Unresolved, IssueStatus::Ignored] {
            assert_eq!(status.after_event(), (status, None));
        }
    }

    #[test]
    fn short_names_count_in_base_32() {
        for (number, digits) in
            [(1, "1"), (9, "9"), (10, "A"), (31, "V"), (32, "10"), (1023, "VV"), (1024, "100")]
        {
            assert_eq!(short_name("my-shop", number), format!("MY-SHOP-{digits}"));
        }
    }
}
