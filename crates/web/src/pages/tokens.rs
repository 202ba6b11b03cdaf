//! API tokens of one's account.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::TimeDelta;
use mishap_core::access::{Scope, Scopes};
use mishap_core::id::TokenId;
use mishap_core::secret::ApiToken;
use mishap_storage::accounts::tokens::{self, NewToken, Token};
use mishap_templates::pages::ApiTokens;
use mishap_templates::parts::{
    ActionForm, Badge, ButtonKind, Cell, Choice, Column, EmptyState, Field, FieldKind,
    Form as FormPart, Level, Problems, Row, Secret, Table,
};
use mishap_templates::paths;

use super::{Form, Screen};
use crate::account::Refusal;
use crate::account::token::{self, MAX_LABEL};
use crate::error::ApiError;

/// Tokens that are shown at most, the newest first.
const MAX_SHOWN: i64 = 200;

const COLUMNS: [&str; 7] =
    ["Label", "Ends with", "Scopes", "Made", "Expires", "Last used", "Delete"];

/// How long a token may count, in days; nothing for as long as it is not deleted.
const LIFETIMES: &[(&str, &str, Option<i64>)] = &[
    ("never", "Never", None),
    ("30", "After 30 days", Some(30)),
    ("90", "After 90 days", Some(90)),
    ("365", "After a year", Some(365)),
];

/// A token as somebody wants it.
#[derive(Debug, Default)]
pub(crate) struct TypedToken {
    /// What it is for.
    pub(crate) label: String,
    /// What it may do.
    pub(crate) scopes: Vec<Scope>,
    ends: String,
}

impl TypedToken {
    /// Reads the fields `label`, `scope` (several) and `ends`; with how many days the token is to last,
    /// or with all that is wrong.
    pub(crate) fn read(form: &Form) -> (Self, Result<Option<i64>, Problems>) {
        let asked: Vec<&str> = form.all("scope").collect();
        let scopes = Scope::ALL.iter().copied().filter(|scope| asked.contains(&scope.name()));
        let typed = Self {
            label: form.text("label").trim().to_owned(),
            scopes: scopes.collect(),
            ends: form.text("ends").to_owned(),
        };
        let lifetime = LIFETIMES.iter().find(|(value, ..)| *value == typed.ends);
        let mut problems = Problems::none();
        match typed.label.chars().count() {
            0 => problems = problems.with("label", "This field is required."),
            count if count > MAX_LABEL => {
                problems = problems.with("label", format!("At most {MAX_LABEL} characters."));
            }
            _ => {}
        }
        if typed.scopes.is_empty() {
            let text = "A token that may do nothing is of no use. Choose one at least.";
            problems = problems.with("scope", text);
        }
        if lifetime.is_none() {
            problems = problems.with("ends", "Choose one of these.");
        }
        let wanted = match lifetime {
            Some((.., days)) if problems.is_empty() => Ok(*days),
            _ => Err(problems),
        };
        (typed, wanted)
    }

    /// The questions, with the answers so far and what is wrong with them.
    pub(crate) fn fields(&self, problems: &Problems) -> Vec<Field> {
        let scope = |scope: &Scope| {
            Choice::new(scope.name(), scope.name()).chosen(self.scopes.contains(scope))
        };
        let chosen = if self.ends.is_empty() { "never" } else { self.ends.as_str() };
        let lifetime = |(value, label, _): &(&str, &str, _)| {
            Choice::new(*value, *label).chosen(*value == chosen)
        };
        vec![
            Field::new("label", "Label", FieldKind::Text)
                .value(&self.label)
                .help("What the token is for.")
                .problem(problems.of("label"))
                .autocomplete("off"),
            Field::new(
                "scope",
                "Scopes",
                FieldKind::Checkboxes(Scope::ALL.iter().map(scope).collect()),
            )
            .help("What it may do, within what the account may.")
            .problem(problems.of("scope")),
            Field::new(
                "ends",
                "Expires",
                FieldKind::Select(LIFETIMES.iter().map(lifetime).collect()),
            )
            .problem(problems.of("ends")),
        ]
    }
}

/// `GET /profile/auth-tokens`
pub(super) async fn show(screen: Screen) -> HttpResponse {
    let page = page(&screen, None, &TypedToken::default(), &Problems::none()).await;
    answer(screen, StatusCode::OK, page)
}

fn answer(
    mut screen: Screen,
    status: StatusCode,
    page: Result<ApiTokens, Refusal>,
) -> HttpResponse {
    match page {
        Ok(page) => {
            screen.return_to(paths::API_TOKENS.to_owned());
            screen.show_as(status, &page)
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

async fn page(
    screen: &Screen,
    made: Option<Secret>,
    typed: &TypedToken,
    problems: &Problems,
) -> Result<ApiTokens, Refusal> {
    let user = screen.visit.signed_in()?;
    let mut conn = screen.state.pool.get().await?;
    let found = tokens::list(&mut conn, user.id, None, MAX_SHOWN).await?;
    let now = screen.state.clock.now();
    Ok(ApiTokens {
        made,
        tokens: Table {
            caption: "Your API tokens".to_owned(),
            columns: Column::of(&COLUMNS),
            rows: found.items.iter().map(|token| row(token, now)).collect(),
            empty: EmptyState {
                title: "No tokens yet".to_owned(),
                next: "Make one for each program, so that you can take one back alone.".to_owned(),
                action: None,
            },
        },
        form: FormPart {
            id: "token",
            path: paths::API_TOKENS.to_owned(),
            problem: None,
            hidden: Vec::new(),
            fields: typed.fields(problems),
            submit: "Create token".to_owned(),
            cancel: None,
        },
    })
}

fn row(token: &Token, now: chrono::DateTime<chrono::Utc>) -> Row {
    let scopes: Vec<_> = match token.scopes() == Scopes::ALL {
        true => vec!["all"],
        false => token.scopes().iter().map(Scope::name).collect(),
    };
    let ends = match token.expires_at {
        None => Cell::text("Never"),
        Some(end) if end <= now => Cell::Badge(Badge::new(Level::Neutral, "Ended")),
        Some(end) => Cell::Moment(end),
    };
    let delete = ActionForm {
        kind: ButtonKind::Danger,
        object: Some(token::target(token).label),
        hidden: vec![("token".to_owned(), token.id.to_string())],
        ..ActionForm::new("Delete", paths::API_TOKENS_DELETE)
    };
    Row {
        link: None,
        cells: vec![
            Cell::text(token.label.as_str()),
            Cell::Code(token.hint.clone()),
            Cell::text(scopes.join(", ")),
            Cell::Ago(token.created_at),
            ends,
            token.last_used_at.map_or(Cell::Missing, Cell::Ago),
            Cell::Action(delete),
        ],
    }
}

/// `POST /profile/auth-tokens` — `label`, `scope` (several), `ends`.
pub(super) async fn create(mut screen: Screen, form: Form) -> HttpResponse {
    let (typed, wanted) = TypedToken::read(&form);
    let (status, page) = match wanted {
        Ok(days) => (StatusCode::OK, make(&screen, &typed, days).await),
        Err(problems) => {
            (StatusCode::UNPROCESSABLE_ENTITY, page(&screen, None, &typed, &problems).await)
        }
    };
    screen.keep_nothing();
    answer(screen, status, page)
}

async fn make(
    screen: &Screen,
    typed: &TypedToken,
    days: Option<i64>,
) -> Result<ApiTokens, Refusal> {
    let (state, user) = (&screen.state, screen.visit.signed_in()?);
    let secret = ApiToken::generate(state.random.as_ref());
    let new = NewToken {
        user: user.id,
        token: &secret,
        label: &typed.label,
        scopes: Scopes::of(&typed.scopes),
        expires_at: days.map(|days| state.clock.now() + TimeDelta::days(days)),
    };
    token::make(&mut *state.pool.get().await?, &screen.visit.actor(user), &new).await?;
    let made = Some(Secret::new(secret.reveal()));
    page(screen, made, &TypedToken::default(), &Problems::none()).await
}

/// `POST /profile/auth-tokens/delete` — `token`.
pub(super) async fn delete(mut screen: Screen, form: Form) -> HttpResponse {
    match remove(&screen, &form).await {
        Ok(label) => {
            screen.notice(Level::Ok, format!("The token {label} is deleted."));
            show(screen).await
        }
        Err(refusal) => screen.refuse(refusal),
    }
}

async fn remove(screen: &Screen, form: &Form) -> Result<String, Refusal> {
    let user = screen.visit.signed_in()?;
    let id: TokenId = form.text("token").parse().map_err(|_none| ApiError::NotFound)?;
    let (mut conn, actor) = (screen.state.pool.get().await?, screen.visit.actor(user));
    let gone = token::delete(&mut conn, &actor, user.id, id).await?;
    let gone = gone.ok_or(ApiError::NotFound)?;
    Ok(token::target(&gone).label)
}
