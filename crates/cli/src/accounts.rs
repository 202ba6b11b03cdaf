//! `mishap user`: accounts.

mod show;

use std::fmt;
use std::io::Read as _;

use anyhow::{Context as _, bail};
use mishap_core::audit::Action;
use mishap_core::email::EmailAddress;
use mishap_identity::password::{self, PasswordHash};
use mishap_storage::accounts::users::{self, NewUser, Rights, User};
use mishap_storage::accounts::{authenticators, emails, sessions};
use mishap_storage::audit::{self, Actor, Target};
use mishap_storage::{Conn, Result, transaction};
use mishap_web::links;
use serde::Serialize;
use serde_json::{Value, json};

use crate::command::{PasswordOptions, UserCommand};
use crate::deletion;
use crate::operator::Operator;
use crate::output::Output;

/// The longest input that a password is read from, in bytes.
const MAX_INPUT: u64 = 64 << 10;

#[derive(Debug, Serialize)]
struct Made {
    id: i64,
    email: String,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made the account {} (number {}).", self.email, self.id)
    }
}

/// What became of an account.
#[derive(Debug, Serialize)]
struct Done {
    email: String,
    is_changed: bool,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Debug, Serialize)]
struct Link {
    email: String,
    link: String,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.link)
    }
}

pub(crate) async fn run(command: UserCommand, output: Output) -> anyhow::Result<()> {
    let operator = Operator::new()?;
    let mut conn = operator.conn().await?;
    let conn: &mut Conn = &mut conn;
    let done = match command {
        UserCommand::Create { email, name, password, superuser } => {
            let password = password.read()?;
            let new = NewAccount { email: &email, name: &name, password: password.as_deref() };
            let user = create(conn, &operator, new, superuser).await?;
            return output.show(&Made { id: user.id.0, email: user.email });
        }
        UserCommand::List { limit } => return output.show(&show::list(conn, limit).await?),
        UserCommand::Show { email } => {
            let user = find(conn, &email).await?;
            return output.show(&show::account(conn, &user).await?);
        }
        UserCommand::ResetLink { email }
        | UserCommand::Password { email, password_stdin: false } => {
            let user = find(conn, &email).await?;
            let link = reset_link(conn, &operator, &user).await?;
            return output.show(&Link { email: user.email, link });
        }
        UserCommand::Password { email, password_stdin: true } => {
            let user = find(conn, &email).await?;
            set_password(conn, &operator, user, &password_on_input()?).await?
        }
        UserCommand::Deactivate { email } => {
            change_rights(conn, &email, |had| Rights { is_active: false, ..had }).await?
        }
        UserCommand::Activate { email } => {
            change_rights(conn, &email, |had| Rights { is_active: true, ..had }).await?
        }
        UserCommand::Staff { email, is } => {
            change_rights(conn, &email, |had| Rights { is_staff: is.is_on(), ..had }).await?
        }
        UserCommand::Superuser { email, is } => {
            let is_superuser = is.is_on();
            let change = |had: Rights| Rights {
                is_superuser,
                is_staff: had.is_staff || is_superuser,
                ..had
            };
            change_rights(conn, &email, change).await?
        }
        UserCommand::Delete { email, consent: _ } => {
            let user = find(conn, &email).await?;
            return output.show(&deletion::account(conn, &user).await?);
        }
        UserCommand::ResetSecondFactors { email } => remove_second_factors(conn, &email).await?,
        UserCommand::SignOut { email } => sign_out(conn, &email).await?,
    };
    output.show(&done)
}

/// The account that signs in with this address.
pub(crate) async fn find(conn: &mut Conn, email: &str) -> anyhow::Result<User> {
    let user = users::find_for_sign_in(conn, email.trim()).await?;
    user.with_context(|| format!("there is no account with the address {email}"))
}

/// An account to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewAccount<'a> {
    pub(crate) email: &'a str,
    pub(crate) name: &'a str,
    pub(crate) password: Option<&'a str>,
}

/// Makes an account. What an operator says is its address need not be proven.
pub(crate) async fn create(
    conn: &mut Conn,
    operator: &Operator,
    new: NewAccount<'_>,
    superuser: bool,
) -> anyhow::Result<User> {
    let NewAccount { email, name, password } = new;
    let Ok(email) = EmailAddress::parse(email) else {
        bail!("{email:?} is no e-mail address");
    };
    if emails::is_taken(conn, email.as_str(), None).await? {
        bail!("there is an account with the address {email} already");
    }
    let hash = |password| password::hash(password, operator.random.as_ref());
    let password_hash = password.map(hash).transpose()?;
    let new = NewUser {
        email: email.as_str(),
        name,
        password_hash: password_hash.as_ref().map(PasswordHash::as_str),
        is_superuser: superuser,
        is_staff: superuser,
    };
    let details = json!({ "is_superuser": superuser });
    let user = transaction(conn, async |conn: &mut Conn| {
        let user = users::insert(conn, &new).await?;
        emails::insert(conn, user.id, new.email, true, true).await?;
        note(conn, Action::AccountCreate, &user, &details).await?;
        Ok(user)
    });
    Ok(user.await?)
}

impl PasswordOptions {
    fn read(self) -> anyhow::Result<Option<String>> {
        if self.password_stdin { password_on_input().map(Some) } else { Ok(self.password) }
    }
}

/// The password on standard input, without the end of its line.
fn password_on_input() -> anyhow::Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
    read.context("the password cannot be read")?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    if text.is_empty() {
        bail!("there is no password on standard input");
    }
    Ok(text)
}

async fn set_password(
    conn: &mut Conn,
    operator: &Operator,
    user: User,
    password: &str,
) -> anyhow::Result<Done> {
    let hash = password::hash(password, operator.random.as_ref())?;
    transaction(conn, async |conn: &mut Conn| {
        users::set_password(conn, user.id, Some(hash.as_str())).await?;
        sessions::delete_others(conn, user.id, None).await?;
        note(conn, Action::PasswordChange, &user, &json!({})).await
    })
    .await?;
    let text = format!("Set the password of {}.", user.email);
    Ok(Done { email: user.email, is_changed: true, text })
}

async fn reset_link(conn: &mut Conn, operator: &Operator, user: &User) -> anyhow::Result<String> {
    if !user.is_active {
        bail!("{} may not be used; see mishap user activate", user.email);
    }
    let config = operator.web_config(conn).await?;
    let now = mishap_storage::now(conn).await?;
    let link = links::password_reset(conn, &config, user, now).await?;
    note(conn, Action::PasswordResetLink, user, &json!({})).await?;
    Ok(link)
}

/// Gives an account other rights. An account that may not be used has no sessions.
async fn change_rights(
    conn: &mut Conn,
    email: &str,
    change: impl Fn(Rights) -> Rights + Send + Sync,
) -> anyhow::Result<Done> {
    let User { email, .. } = find(conn, email).await?;
    let is_changed = transaction(conn, async |conn: &mut Conn| {
        let Some(user) = users::lock_by_email(conn, &email).await? else {
            return Ok(false);
        };
        let (had, has) = (user.rights(), change(user.rights()));
        if had == has {
            return Ok(false);
        }
        users::set_rights(conn, user.id, has).await?;
        if !has.is_active {
            sessions::delete_others(conn, user.id, None).await?;
        }
        note(conn, Action::AccountUpdate, &user, &difference(had, has)).await?;
        Ok(true)
    })
    .await?;
    let text = if is_changed { "Changed" } else { "Nothing is to be changed about" };
    Ok(Done { text: format!("{text} {email}."), email, is_changed })
}

/// What changed, each with what it was and what it is.
pub(crate) fn difference(had: Rights, has: Rights) -> Value {
    let pairs = [
        ("is_active", had.is_active, has.is_active),
        ("is_staff", had.is_staff, has.is_staff),
        ("is_superuser", had.is_superuser, has.is_superuser),
    ];
    let changed = pairs.into_iter().filter(|(_, had, has)| had != has);
    changed.map(|(name, had, has)| (name.to_owned(), json!([had, has]))).collect()
}

async fn remove_second_factors(conn: &mut Conn, email: &str) -> anyhow::Result<Done> {
    let user = find(conn, email).await?;
    let removed = transaction(conn, async |conn: &mut Conn| {
        let factors = authenticators::lock(conn, user.id).await?;
        let ids: Vec<_> = factors.iter().map(|factor| factor.id).collect();
        let removed = authenticators::delete(conn, user.id, &ids).await?;
        if removed > 0 {
            let details = json!({ "removed": removed });
            note(conn, Action::SecondFactorRemove, &user, &details).await?;
        }
        Ok(removed)
    })
    .await?;
    let text = format!("Removed {removed} second factors of {}.", user.email);
    Ok(Done { email: user.email, is_changed: removed > 0, text })
}

async fn sign_out(conn: &mut Conn, email: &str) -> anyhow::Result<Done> {
    let user = find(conn, email).await?;
    let ended = transaction(conn, async |conn: &mut Conn| {
        let ended = sessions::delete_others(conn, user.id, None).await?;
        if ended > 0 {
            note(conn, Action::SignOut, &user, &json!({ "sessions": ended })).await?;
        }
        Ok(ended)
    })
    .await?;
    let text = format!("Ended {ended} sessions of {}.", user.email);
    Ok(Done { email: user.email, is_changed: ended > 0, text })
}

async fn note(conn: &mut Conn, action: Action, user: &User, details: &Value) -> Result<()> {
    audit::record(conn, &Actor::operator(), action, &Target::account(user), details).await
}
