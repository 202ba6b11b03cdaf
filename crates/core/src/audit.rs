//! What is worth remembering of what people did.

/// Declares the actions with their stored names.
macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal;)+) => {
        /// Something that somebody did. The names are stored, and never given to another action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $action,)+ }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$action,)+];

            /// The stored name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$action => $name,)+ }
            }

            /// The action of a stored name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.name() == name)
            }
        }
    };
}

actions! {
    /// Signed in.
    SignIn = "account.sign_in";
    /// Failed to sign in too often.
    SignInThrottled = "account.sign_in_throttled";
    /// Ended sessions.
    SignOut = "account.sign_out";
    /// Made an account.
    AccountCreate = "account.create";
    /// Changed an account.
    AccountUpdate = "account.update";
    /// Deleted an account.
    AccountDelete = "account.delete";
    /// Chose a new password.
    PasswordChange = "account.password_change";
    /// Asked for a link to choose a new password, or was given one.
    PasswordResetLink = "account.password_reset_link";
    /// Added, changed or removed an address.
    AddressChange = "account.address_change";
    /// Added a second factor.
    SecondFactorAdd = "account.second_factor_add";
    /// Removed a second factor.
    SecondFactorRemove = "account.second_factor_remove";
    /// Signed in, or proved who it is, by a recovery code.
    RecoveryCodeUse = "account.recovery_code_use";
    /// Linked an account with a sign-in provider, or unlinked it.
    IdentityChange = "account.identity_change";
    /// Made an API token.
    TokenCreate = "token.create";
    /// Deleted an API token.
    TokenDelete = "token.delete";
    /// Made an organization.
    OrganizationCreate = "organization.create";
    /// Changed an organization.
    OrganizationUpdate = "organization.update";
    /// Deleted an organization.
    OrganizationDelete = "organization.delete";
    /// Invited somebody.
    MemberInvite = "member.invite";
    /// Accepted an invitation, or came in through a sign-in provider.
    MemberJoin = "member.join";
    /// Changed a member's role.
    MemberUpdate = "member.update";
    /// Removed a member, or left.
    MemberRemove = "member.remove";
    /// Handed ownership on.
    OwnershipTransfer = "member.ownership_transfer";
    /// Made a team.
    TeamCreate = "team.create";
    /// Changed a team.
    TeamUpdate = "team.update";
    /// Deleted a team.
    TeamDelete = "team.delete";
    /// Put a member into a team.
    TeamMemberAdd = "team.member_add";
    /// Took a member out of a team.
    TeamMemberRemove = "team.member_remove";
    /// Made a project.
    ProjectCreate = "project.create";
    /// Changed a project.
    ProjectUpdate = "project.update";
    /// Deleted a project.
    ProjectDelete = "project.delete";
    /// Gave a project to a team.
    ProjectTeamAdd = "project.team_add";
    /// Took a project from a team.
    ProjectTeamRemove = "project.team_remove";
    /// Made a project key.
    KeyCreate = "key.create";
    /// Changed a project key.
    KeyUpdate = "key.update";
    /// Made a project key that takes the place of another.
    KeyRotate = "key.rotate";
    /// Deleted a project key.
    KeyDelete = "key.delete";
    /// Hid an environment of a project, or showed it again.
    EnvironmentUpdate = "environment.update";
    /// Set or removed a quota.
    QuotaChange = "quota.change";
    /// Added a sign-in provider.
    ProviderCreate = "provider.create";
    /// Changed a sign-in provider.
    ProviderUpdate = "provider.update";
    /// Removed a sign-in provider.
    ProviderDelete = "provider.delete";
    /// Retried dead letters.
    DeadLetterRetry = "dead_letter.retry";
    /// Dropped dead letters.
    DeadLetterDrop = "dead_letter.drop";
    /// Let jobs that were given up begin again.
    JobRetry = "job.retry";
    /// Deleted a job that was given up.
    JobDelete = "job.delete";
    /// Took a copy of the audit log.
    AuditExport = "audit.export";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let names: HashSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        assert!(names.iter().all(|name| name.split('.').count() == 2));
    }
}
