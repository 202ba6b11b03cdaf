//! What a request did, told on the page that it leads to.
//!
//! The address of that page carries a code, and a number at most: a stranger's link can show one of
//! these sentences to an administrator, and nothing else.

use mishap_templates::parts::{Level, number};

/// Declares what can be done, with its code and what is then said.
macro_rules! done {
    ($($what:ident = $code:literal, $sentence:literal;)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum What { $($what,)+ }

        impl What {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$what,)+];

            fn code(self) -> &'static str {
                match self { $(Self::$what => $code,)+ }
            }

            fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$what),)+ _ => None }
            }

            /// What is said; `#` stands for how many there were.
            fn sentence(self) -> &'static str {
                match self { $(Self::$what => $sentence,)+ }
            }
        }
    };
}

done! {
    UserActivated = "user-activated", "The account may be used again.";
    UserDeactivated = "user-deactivated",
        "The account may not be used any more. Its sessions have ended, and its tokens do not count.";
    StaffGranted = "staff-granted", "The account may open these pages now.";
    StaffTaken = "staff-taken", "The account may not open these pages any more.";
    SuperuserGranted = "superuser-granted", "The account is a superuser now.";
    SuperuserTaken = "superuser-taken", "The account is no superuser any more.";
    SignedOut = "signed-out", "Browsers that were signed out: #.";
    FactorsReset = "factors-reset",
        "The second factors are gone. The next sign-in asks for the password only.";
    AddressVerified = "address-verified", "The address counts as the account's own now.";
    TokenDeleted = "token-deleted", "The token is gone. Whatever used it is refused from now on.";
    OrganizationCreated = "organization-created", "The organization is made.";
    OrganizationChanged = "organization-changed", "The organization is changed.";
    OrganizationDeleted = "organization-deleted",
        "The organization is gone from everybody's sight. What belonged to it is removed bit by bit.";
    Invited = "invited", "The invitation is open. Hand the link over in a way that only the invited person can read.";
    RoleChanged = "role-changed", "The role is changed.";
    OwnerChanged = "owner-changed", "The organization has another primary owner.";
    MemberRemoved = "member-removed", "The member is removed. What the account did stays.";
    InvitationWithdrawn = "invitation-withdrawn", "The invitation is withdrawn. Its link opens nothing any more.";
    ProjectChanged = "project-changed", "The project is changed.";
    ProjectDeleted = "project-deleted",
        "The project is gone from everybody's sight. What belonged to it is removed bit by bit.";
    KeyCreated = "key-created", "The key is made. It counts within a few seconds.";
    KeyChanged = "key-changed", "The key is changed. That counts within a few seconds.";
    KeyDeleted = "key-deleted", "The key is gone. What is sent with it is refused within a few seconds.";
    QuotaSet = "quota-set", "The limit is set. It counts within a few seconds.";
    QuotaRemoved = "quota-removed", "The limit is removed.";
    LettersRetried = "letters-retried", "Dead letters that are digested again: #. Those that fail again come back.";
    LettersDropped = "letters-dropped", "Dead letters that were dropped for good: #.";
    JobsRetried = "jobs-retried", "Jobs that begin again: #.";
    ProviderCreated = "provider-created", "The provider is set up. Register the redirect URI with it, and test it.";
    ProviderChanged = "provider-changed", "The provider is changed. That counts from the next sign-in.";
    ProviderDeleted = "provider-deleted", "The provider is gone. Nobody can sign in through it any more.";
    JobDeleted = "job-deleted", "The job is gone, and is not done.";
}

/// What was done, and to how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Done {
    what: What,
    count: Option<u64>,
}

impl From<What> for Done {
    fn from(what: What) -> Self {
        Self { what, count: None }
    }
}

impl Done {
    /// The parameter with the code.
    pub(super) const CODE: &str = "done";

    /// The parameter with how many there were.
    pub(super) const COUNT: &str = "count";

    /// Something was done to so many.
    pub(super) fn to(what: What, count: usize) -> Self {
        Self { what, count: Some(u64::try_from(count).unwrap_or(u64::MAX)) }
    }

    /// What an address says, if it is one of ours.
    pub(super) fn read(query: &[(String, String)]) -> Option<Self> {
        let value = |name| query.iter().find(|(asked, _)| asked == name).map(|(_, value)| value);
        let what = What::from_code(value(Self::CODE)?)?;
        Some(Self { what, count: value(Self::COUNT).and_then(|count| count.parse().ok()) })
    }

    /// The address of a page that says it.
    pub(super) fn at(self, path: &str) -> String {
        let mark = if path.contains('?') { '&' } else { '?' };
        let code = self.what.code();
        match self.count {
            Some(count) => format!("{path}{mark}{}={code}&{}={count}", Self::CODE, Self::COUNT),
            None => format!("{path}{mark}{}={code}", Self::CODE),
        }
    }

    /// What is said.
    pub(super) fn sentence(self) -> String {
        let count = self.count.map_or_else(|| "some".to_owned(), number);
        self.what.sentence().replace('#', &count)
    }

    /// Whether it went well.
    pub(super) fn level(self) -> Level {
        match (self.what.sentence().contains('#'), self.count) {
            (true, Some(0)) => Level::Info,
            _ => Level::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Option<Done> {
        let (_, query) = address.split_once('?').unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
        Done::read(&pairs.collect::<Vec<_>>())
    }

    #[test]
    fn what_was_done_is_read_from_the_address_that_says_it() {
        for what in What::ALL {
            let done = Done::from(*what);
            assert_eq!(read(&done.at("/admin/")), Some(done));
            let counted = Done::to(*what, 1234);
            assert_eq!(read(&counted.at("/admin/?a=b")), Some(counted));
            assert!(!counted.sentence().contains('#'));
        }
        assert!(Done::to(What::JobsRetried, 1234).sentence().contains("1,234"));
    }

    #[test]
    fn an_address_says_nothing_else() {
        for query in ["", "?done=", "?done=%3Cscript%3E", "?done=user-activated%20", "?count=1"] {
            assert_eq!(read(query), None, "{query}");
        }
        let done = read("?done=letters-dropped&count=%3Cscript%3E").unwrap();
        assert_eq!(done.sentence(), "Dead letters that were dropped for good: some.");
    }
}
