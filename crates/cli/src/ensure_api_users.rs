//! `mishap ensure-api-users`: superusers that a deployment names in its environment, as AppSRE's
//! script makes them at each start of a web container.

use std::fmt;

use anyhow::{Context as _, bail};
use mishap_boot::settings::{ApiUser, DatabaseSettings};
use mishap_core::access::{Scope, Scopes};
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_core::random::{Random, SystemRandom};
use mishap_core::secret::ApiToken;
use mishap_identity::password::{self, PasswordHash, Verified};
use mishap_storage::accounts::sessions;
use mishap_storage::accounts::tokens::{self, NewToken};
use mishap_storage::accounts::users::{self, NewUser, Rights, User};
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, Result, transaction};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::json;

use crate::output::{Output, table};
use crate::{accounts, operator};

/// What the tokens are called that are made here; others of the same account are left alone.
const LABEL: &str = "ensure-api-users";

/// What a superuser may do.
const RIGHTS: Rights = Rights { is_active: true, is_staff: true, is_superuser: true };

/// A superuser as the deployment wants it.
struct Wanted {
    email: EmailAddress,
    /// The password and a hash of it, which is used if the stored one is of another.
    password: Option<(String, PasswordHash)>,
    token: Option<ApiToken>,
}

/// What became of an account, its password or its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Became {
    Made,
    Changed,
    Unchanged,
    /// There is none, or none was asked for.
    None,
}

#[derive(Debug, Serialize)]
struct Ensured {
    email: String,
    account: Became,
    password: Became,
    token: Became,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct AllEnsured(Vec<Ensured>);

impl Became {
    fn name(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::None => "none",
        }
    }
}

impl fmt::Display for AllEnsured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("No APPSRE_API_USER_n_EMAIL is set.");
        }
        let heading = ["email", "account", "password", "token"].map(str::to_owned).to_vec();
        let row = |ensured: &Ensured| {
            let Ensured { email, account, password, token } = ensured;
            let became = [account, password, token].map(|became| became.name().to_owned());
            [vec![email.clone()], became.to_vec()].concat()
        };
        let rows: Vec<_> = std::iter::once(heading).chain(self.0.iter().map(row)).collect();
        f.write_str(&table(&rows))
    }
}

pub(crate) async fn run(output: Output) -> anyhow::Result<()> {
    let (database, api_users) =
        operator::settings(|env| (DatabaseSettings::read(env), ApiUser::read_all(env)))?;
    let random = SystemRandom;
    let mut wanted = Vec::new();
    for user in &api_users {
        wanted.push((user.index, Wanted::of(user, &random)?));
    }
    let pool = operator::pool(&database)?;
    let mut conn = operator::conn(&pool, &database).await?;
    operator::expect_schema(&mut conn).await?;
    let mut all = Vec::new();
    for (index, wanted) in wanted {
        match wanted.ensure(&mut conn).await? {
            Some(ensured) => all.push(ensured),
            None => bail!("APPSRE_API_USER_{index}_TOKEN is the token of another account"),
        }
    }
    output.show(&AllEnsured(all))
}

impl Wanted {
    fn of(user: &ApiUser, random: &dyn Random) -> anyhow::Result<Self> {
        let ApiUser { index, email, password, token } = user;
        let email = EmailAddress::parse(email)
            .with_context(|| format!("APPSRE_API_USER_{index}_EMAIL cannot be used"))?;
        let hashed = |password: &secrecy::SecretString| {
            let password = password.expose_secret();
            anyhow::Ok((password.to_owned(), password::hash(password, random)?))
        };
        let password = password.as_ref().map(hashed).transpose();
        Ok(Self {
            email,
            password: password
                .with_context(|| format!("APPSRE_API_USER_{index}_PASSWORD cannot be used"))?,
            token: token.as_ref().map(|token| ApiToken::new(token.expose_secret())),
        })
    }

    /// Makes the account as it is wanted; nothing if the token belongs to another account. Several may
    /// do so at once: all but one wait for the row of the account, and then find nothing to do.
    async fn ensure(&self, conn: &mut Conn) -> Result<Option<Ensured>> {
        transaction(conn, async |conn: &mut Conn| {
            let known_token = match &self.token {
                Some(token) => tokens::find_by_hash(conn, token.hash()).await?,
                None => None,
            };
            // After the token: an account that another container makes between the two has no token here
            // yet, which is no conflict but a reason to begin again.
            let known = users::lock_by_email(conn, self.email.as_str()).await?;
            let owner = known_token.as_ref().map(|token| token.user_id);
            if owner.is_some_and(|owner| known.as_ref().is_none_or(|user| user.id != owner)) {
                return Ok(None);
            }
            let (account, user) = match known {
                Some(user) => (self.give_rights(conn, &user).await?, user),
                None => (Became::Made, self.make(conn).await?),
            };
            let password = match account {
                Became::Made if self.password.is_some() => Became::Made,
                Became::Made => Became::None,
                _ => self.set_password(conn, &user).await?,
            };
            let token = match &self.token {
                Some(token) => give_token(conn, &user, token, known_token).await?,
                None => Became::None,
            };
            Ok(Some(Ensured { email: user.email, account, password, token }))
        })
        .await
    }

    async fn make(&self, conn: &mut Conn) -> Result<User> {
        let new = NewUser {
            email: self.email.as_str(),
            name: "",
            password_hash: self.password.as_ref().map(|(_, hash)| hash.as_str()),
            is_superuser: true,
            is_staff: true,
        };
        // Whoever makes the same account at the same moment lets this transaction begin again.
        let user = users::insert(conn, &new).await?;
        record(conn, Action::AccountCreate, &Target::account(&user), &json!({})).await?;
        Ok(user)
    }

    async fn give_rights(&self, conn: &mut Conn, user: &User) -> Result<Became> {
        let had = user.rights();
        if had == RIGHTS {
            return Ok(Became::Unchanged);
        }
        users::set_rights(conn, user.id, RIGHTS).await?;
        let details = accounts::difference(had, RIGHTS);
        record(conn, Action::AccountUpdate, &Target::account(user), &details).await?;
        Ok(Became::Changed)
    }

    /// Everybody who signed in with another password is signed out.
    async fn set_password(&self, conn: &mut Conn, user: &User) -> Result<Became> {
        let stored = users::password_hash(conn, user.id).await?.map(PasswordHash::from_stored);
        let stored = stored.filter(PasswordHash::is_usable);
        let (is_same, hash) = match (&self.password, &stored) {
            (None, None) => return Ok(Became::None),
            (None, Some(_)) => (false, None),
            (Some((password, hash)), stored) => match password::verify(password, stored.as_ref()) {
                Verified::Yes { needs_rehash: false } => return Ok(Became::Unchanged),
                Verified::Yes { needs_rehash: true } => (true, Some(hash.as_str())),
                Verified::No => (false, Some(hash.as_str())),
            },
        };
        users::set_password(conn, user.id, hash).await?;
        if is_same {
            return Ok(Became::Unchanged);
        }
        sessions::delete_others(conn, user.id, None).await?;
        record(conn, Action::PasswordChange, &Target::account(user), &json!({})).await?;
        Ok(Became::Changed)
    }
}

/// Gives an account this token in place of the one that it was given before.
async fn give_token(
    conn: &mut Conn,
    user: &User,
    token: &ApiToken,
    known: Option<tokens::Token>,
) -> Result<Became> {
    let replaced = tokens::delete_labelled(conn, user.id, LABEL, token.hash()).await?;
    for token in &replaced {
        record(conn, Action::TokenDelete, &Target::token(user, token), &json!({})).await?;
    }
    let is_right = |token: &tokens::Token| {
        token.label == LABEL && token.scopes() == Scopes::ALL && token.expires_at.is_none()
    };
    let details = json!({ "scopes": Scopes::ALL.iter().map(Scope::name).collect::<Vec<_>>() });
    match known {
        Some(token) if is_right(&token) => Ok(Became::Unchanged),
        Some(token) => {
            tokens::update(conn, token.id, LABEL, Scopes::ALL).await?;
            record(conn, Action::TokenCreate, &Target::token(user, &token), &details).await?;
            Ok(Became::Changed)
        }
        None => {
            let new = NewToken {
                user: user.id,
                token,
                label: LABEL,
                scopes: Scopes::ALL,
                expires_at: None,
            };
            let made = tokens::insert(conn, &new).await?;
            record(conn, Action::TokenCreate, &Target::token(user, &made), &details).await?;
            Ok(if replaced.is_empty() { Became::Made } else { Became::Changed })
        }
    }
}

async fn record(
    conn: &mut Conn,
    action: Action,
    target: &Target,
    details: &serde_json::Value,
) -> Result<()> {
    audit::record(conn, &Actor::operator(), action, target, details).await
}
