//! What accounts look like to an operator.

use std::fmt;

use chrono::{DateTime, Utc};
use mishap_storage::accounts::authenticators::{self, Kind};
use mishap_storage::accounts::users::{self, User};
use mishap_storage::accounts::{emails, identities, sessions, tokens};
use mishap_storage::{Conn, Result, members};
use serde::Serialize;

use crate::output::{table, time};

/// Accounts listed at most.
const MAX_LISTED: i64 = 10_000;

/// An account in a list.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    id: i64,
    email: String,
    name: String,
    is_active: bool,
    is_staff: bool,
    is_superuser: bool,
    has_password: bool,
    created: DateTime<Utc>,
    last_login: Option<DateTime<Utc>>,
}

/// Accounts, the newest first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct List(Vec<Listed>);

impl From<User> for Listed {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            email: user.email,
            name: user.name,
            is_active: user.is_active,
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
            has_password: user.has_password,
            created: user.created_at,
            last_login: user.last_login_at,
        }
    }
}

impl Listed {
    /// What it is, in words.
    fn is(&self) -> String {
        let words = [
            (!self.is_active, "inactive"),
            (self.is_superuser, "superuser"),
            (self.is_staff && !self.is_superuser, "staff"),
            (!self.has_password, "no password"),
        ];
        let words = words.into_iter().filter_map(|(is, word)| is.then_some(word));
        words.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("There are no accounts.");
        }
        let heading = ["id", "email", "name", "is", "last sign-in"].map(str::to_owned).to_vec();
        let row = |user: &Listed| {
            let (id, last_login) = (user.id.to_string(), user.last_login.map(time));
            let last_login = last_login.unwrap_or_default();
            vec![id, user.email.clone(), user.name.clone(), user.is(), last_login]
        };
        let rows: Vec<_> = std::iter::once(heading).chain(self.0.iter().map(row)).collect();
        f.write_str(&table(&rows))
    }
}

pub(super) async fn list(conn: &mut Conn, limit: i64) -> Result<List> {
    let users = users::list(conn, limit.clamp(1, MAX_LISTED)).await?;
    Ok(List(users.into_iter().map(Listed::from).collect()))
}

/// An account, with what belongs to it.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    #[serde(flatten)]
    user: Listed,
    addresses: Vec<Address>,
    second_factors: Vec<&'static str>,
    sign_in_providers: Vec<String>,
    organizations: Vec<Place>,
    sessions: usize,
    tokens: i64,
}

#[derive(Debug, Serialize)]
struct Address {
    email: String,
    is_verified: bool,
    is_primary: bool,
}

#[derive(Debug, Serialize)]
struct Place {
    organization: String,
    role: &'static str,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = &self.user;
        let address = |address: &Address| {
            let words = [(address.is_primary, "primary"), (!address.is_verified, "not proven")];
            let words = words.into_iter().filter_map(|(is, word)| is.then_some(word));
            match words.collect::<Vec<_>>().join(", ") {
                words if words.is_empty() => address.email.clone(),
                words => format!("{} ({words})", address.email),
            }
        };
        let place = |place: &Place| format!("{} ({})", place.organization, place.role);
        let rows = [
            ("Account", format!("{} (number {})", user.email, user.id)),
            ("Name", user.name.clone()),
            ("Is", user.is()),
            ("Made", time(user.created)),
            ("Last sign-in", user.last_login.map_or_else(|| "never".to_owned(), time)),
            ("Addresses", joined(self.addresses.iter().map(address))),
            ("Second factors", self.second_factors.join(", ")),
            ("Signs in with", self.sign_in_providers.join(", ")),
            ("Organizations", joined(self.organizations.iter().map(place))),
            ("Sessions", self.sessions.to_string()),
            ("Tokens", self.tokens.to_string()),
        ];
        let rows = rows.map(|(name, value)| {
            vec![format!("{name}:"), if value.is_empty() { "–".to_owned() } else { value }]
        });
        f.write_str(&table(&rows))
    }
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

pub(super) async fn account(conn: &mut Conn, user: &User) -> Result<Account> {
    let now = mishap_storage::now(conn).await?;
    let addresses = emails::list(conn, user.id).await?;
    let factors = authenticators::list(conn, user.id).await?;
    let mut identities = identities::list_of_users(conn, &[user.id]).await?;
    let identities = identities.remove(&user.id).unwrap_or_default();
    let places = members::list_of_user(conn, user.id).await?;
    let address = |address: emails::UserEmail| Address {
        email: address.email,
        is_verified: address.is_verified,
        is_primary: address.is_primary,
    };
    let kind = |factor: &authenticators::Authenticator| match factor.kind() {
        Some(Kind::Totp) => "app",
        Some(Kind::RecoveryCodes) => "recovery codes",
        Some(Kind::Passkey) => "passkey",
        None => "unknown",
    };
    let place = |(organization, role): (String, mishap_core::access::Role)| Place {
        organization,
        role: role.name(),
    };
    Ok(Account {
        addresses: addresses.into_iter().map(address).collect(),
        second_factors: factors.iter().map(kind).collect(),
        sign_in_providers: identities.into_iter().map(|identity| identity.provider).collect(),
        organizations: places.into_iter().map(place).collect(),
        sessions: sessions::list(conn, user.id, now).await?.len(),
        tokens: tokens::count(conn, user.id).await?,
        user: user.clone().into(),
    })
}
