//! Who gets an account, and how.

use secrecy::SecretString;

use super::sign_in::SignInProvider;
use super::{Environment, catalogue};

/// Who gets an account, and how.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Whether anybody may make an account, and unknown addresses may be invited.
    pub user_registration: bool,
    /// Whether somebody who signs in through another service for the first time gets an account.
    pub social_registration: bool,
    /// Whether anybody with an account may make organizations.
    pub organization_creation: bool,
    /// Whether only who has a verified address may invite.
    pub invite_requires_verification: bool,
    /// How many invitations one person may send.
    pub invite_limit: InviteLimit,
    /// Whether an invited person gets an account and is a member at once.
    pub attach_invited_users: bool,
    /// A superuser who is made with a new database.
    pub initial_user: Option<InitialUser>,
    /// Superusers whom `mishap ensure-api-users` makes or brings up to date, by their numbers.
    pub api_users: Vec<ApiUser>,
    /// Ways to sign in, by their names.
    pub sign_in_providers: Vec<SignInProvider>,
}

/// How many invitations one person may send in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InviteLimit {
    /// How many.
    pub count: u64,
    /// In how many seconds.
    pub interval_seconds: u64,
}

/// A superuser who is made with a new database.
#[derive(Debug, Clone)]
pub struct InitialUser {
    /// The address.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// A token, with the scope `org:admin`; 64 characters at most.
    pub token: Option<SecretString>,
}

/// A superuser whom `mishap ensure-api-users` makes or brings up to date.
#[derive(Debug, Clone)]
pub struct ApiUser {
    /// The number in the variables' names.
    pub index: u64,
    /// The address.
    pub email: String,
    /// The password; without one, only tokens work.
    pub password: Option<SecretString>,
    /// A token, with every scope; 64 characters at most.
    pub token: Option<SecretString>,
}

impl AccountSettings {
    /// Reads them.
    pub fn read(env: &mut Environment) -> Self {
        Self {
            user_registration: env.bool(&catalogue::USER_REGISTRATION),
            social_registration: env.bool(&catalogue::SOCIAL_REGISTRATION),
            organization_creation: env.bool(&catalogue::ORGANIZATION_CREATION),
            invite_requires_verification: env.bool(&catalogue::INVITE_REQUIRE_VERIFICATION),
            invite_limit: InviteLimit {
                count: env.number(&catalogue::INVITE_COUNT),
                interval_seconds: env.number(&catalogue::INVITE_INTERVAL),
            },
            attach_invited_users: env.bool(&catalogue::ATTACH_INVITED_USERS),
            initial_user: InitialUser::read(env),
            api_users: ApiUser::read_all(env),
            sign_in_providers: SignInProvider::read_all(env),
        }
    }
}

impl InitialUser {
    /// Reads it alone; a migration needs nothing else of these. GlitchTip makes the user only if both
    /// the address and the password are set.
    pub fn read(env: &mut Environment) -> Option<Self> {
        let email = env.optional(&catalogue::INITIAL_USER_EMAIL);
        let password = env.secret(&catalogue::INITIAL_USER_PASSWORD);
        let token = env.optional(&catalogue::INITIAL_USER_AUTH_TOKEN);
        match (email, password) {
            (Some(email), Some(password)) => {
                Some(Self { email, password, token: token.as_deref().and_then(trimmed) })
            }
            (Some(_), None) => {
                let warning = "INITIAL_USER_EMAIL makes nobody without INITIAL_USER_PASSWORD";
                env.warning(warning.to_owned());
                None
            }
            (None, _) => None,
        }
    }
}

impl ApiUser {
    /// Reads them alone, in the order of their numbers. Numbers without an address are left out, as in
    /// AppSRE's script.
    pub fn read_all(env: &mut Environment) -> Vec<Self> {
        let mut users = Vec::new();
        for part in env.parts(&catalogue::API_USER_EMAIL) {
            let email = env.member(&catalogue::API_USER_EMAIL, &part);
            let (Some(email), Ok(index)) = (email, part.parse()) else {
                continue;
            };
            let token = env.member(&catalogue::API_USER_TOKEN, &part);
            users.push(Self {
                index,
                email,
                password: env.member(&catalogue::API_USER_PASSWORD, &part).map(SecretString::from),
                token: token.as_deref().and_then(trimmed),
            });
        }
        users.sort_by_key(|user| user.index);
        users
    }
}

/// A token without the space around it, which no request could say.
fn trimmed(token: &str) -> Option<SecretString> {
    let token = token.trim();
    (!token.is_empty()).then(|| token.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use crate::settings::tests::{problems, settings, warnings};

    #[test]
    fn who_gets_an_account_has_glitchtip_s_defaults_and_names() {
        let accounts = settings([]).accounts;
        assert!(accounts.user_registration && accounts.social_registration);
        assert!(!accounts.organization_creation && !accounts.attach_invited_users);
        assert_eq!(
            (accounts.invite_limit.count, accounts.invite_limit.interval_seconds),
            (50, 300)
        );
        let closed = settings([("ENABLE_USER_REGISTRATION", "no")]).accounts;
        assert!(!closed.user_registration && !closed.social_registration);
        let social =
            [("ENABLE_USER_REGISTRATION", "no"), ("ENABLE_SOCIAL_APPS_USER_REGISTRATION", "yes")];
        assert!(settings(social).accounts.social_registration);
        // In spite of its words, the older name means organizations.
        for (open, creation, expected) in
            [("True", "False", true), ("False", "True", false), ("False", "False", false)]
        {
            let both = [
                ("ENABLE_OPEN_USER_REGISTRATION", open),
                ("ENABLE_ORGANIZATION_CREATION", creation),
            ];
            assert_eq!(
                settings(both).accounts.organization_creation,
                expected,
                "{open} {creation}"
            );
        }
        assert!(settings([("ENABLE_ORGANIZATION_CREATION", "1")]).accounts.organization_creation);
    }

    #[test]
    fn the_first_user_needs_a_password() {
        let email = ("INITIAL_USER_EMAIL", "a@example.com");
        assert!(settings([email]).accounts.initial_user.is_none());
        assert_eq!(warnings([email]).len(), 1);
        let user = settings([email, ("INITIAL_USER_PASSWORD", "p")]).accounts.initial_user.unwrap();
        assert_eq!((user.email.as_str(), user.password.expose_secret()), ("a@example.com", "p"));
        assert!(user.token.is_none());
    }

    #[test]
    fn api_users_are_found_by_their_numbers() {
        let file = std::env::temp_dir().join("mishap-settings-api-user");
        std::fs::write(&file, " secret\n").unwrap();
        let users = settings([
            ("APPSRE_API_USER_10_EMAIL", "ten@example.com"),
            ("APPSRE_API_USER_10_TOKEN_FILE", file.to_str().unwrap()),
            ("APPSRE_API_USER_2_EMAIL", "two@example.com"),
            ("APPSRE_API_USER_2_PASSWORD", "p"),
            ("APPSRE_API_USER_2_TOKEN", ""),
            ("APPSRE_API_USER_3_EMAIL", ""),
            ("APPSRE_API_USER_3_PASSWORD", "p"),
        ])
        .accounts
        .api_users;
        std::fs::remove_file(&file).unwrap();
        let shown: Vec<_> = users
            .iter()
            .map(|user| {
                let [password, token] = [&user.password, &user.token]
                    .map(|secret| secret.as_ref().map(|secret| secret.expose_secret()));
                (user.index, user.email.as_str(), password, token)
            })
            .collect();
        assert_eq!(
            shown,
            [
                (2, "two@example.com", Some("p"), None),
                (10, "ten@example.com", None, Some("secret"))
            ]
        );
        let long = "x".repeat(65);
        let problems = problems([
            ("APPSRE_API_USER_1_EMAIL", "nobody"),
            ("APPSRE_API_USER_2_EMAIL", "two@example.com"),
            ("APPSRE_API_USER_2_TOKEN", &long),
        ]);
        assert!(problems[0].contains("APPSRE_API_USER_1_EMAIL must be"), "{problems:?}");
        let too_long = "  APPSRE_API_USER_2_TOKEN must be a token of at most 64 characters";
        assert_eq!(problems[1..], [too_long]);
    }
}
