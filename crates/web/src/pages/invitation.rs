//! Accepting an invitation.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use mishap_templates::pages::{AcceptInvitation, Invitation};
use mishap_templates::parts::Secret;

use super::{Form, Screen};
use crate::account::invitation::{self, Invited};
use crate::account::{Refusal, sign_up};

/// `GET /accept/{member}/{token}/`
pub(super) async fn show(mut screen: Screen, path: Path<(i64, String)>) -> HttpResponse {
    screen.keep_nothing();
    match page(&screen, &path).await {
        Ok(page) => screen.show(&page),
        Err(refusal) => invalid(screen, refusal),
    }
}

/// What whoever looks at it can do with an invitation.
async fn page(screen: &Screen, path: &(i64, String)) -> Result<AcceptInvitation, Refusal> {
    let (member, token) = path;
    let state = &screen.state;
    let mut conn = state.pool.get().await?;
    let invited = invitation::find(&mut conn, state, *member, token).await?;
    let shown = shown(&invited, token);
    let Some(user) = &screen.visit.account else {
        let can_sign_up = sign_up::is_open(&mut conn, state).await?;
        return Ok(AcceptInvitation::SignedOut { invitation: shown, can_sign_up });
    };
    let email = user.email.clone();
    if invitation::is_member(&mut conn, &invited, user).await? {
        return Ok(AcceptInvitation::Member { invitation: shown, email });
    }
    if !invitation::has_address(&mut conn, user, invited.member.address()).await? {
        return Ok(AcceptInvitation::WrongAccount { invitation: shown, email });
    }
    Ok(AcceptInvitation::SignedIn { invitation: shown, email })
}

fn shown(invited: &Invited, token: &str) -> Invitation {
    Invitation {
        membership: invited.member.id.0,
        token: Secret::new(token),
        organization: invited.organization.name.clone(),
        role: invited.member.role.label().to_owned(),
        email: invited.member.address().to_owned(),
    }
}

/// `POST /accept/{member}/{token}/`
pub(super) async fn accept(
    mut screen: Screen,
    path: Path<(i64, String)>,
    _form: Form,
) -> HttpResponse {
    screen.keep_nothing();
    let page = match page(&screen, &path).await {
        Ok(page) => page,
        Err(refusal) => return invalid(screen, refusal),
    };
    match page {
        AcceptInvitation::SignedIn { invitation, .. } => match join(&screen, &path).await {
            Ok(()) => screen.show(&AcceptInvitation::Joined { invitation }),
            Err(refusal) => invalid(screen, refusal),
        },
        // Somebody signed in or out since the page was shown.
        other => screen.show_as(StatusCode::FORBIDDEN, &other),
    }
}

async fn join(screen: &Screen, path: &(i64, String)) -> Result<(), Refusal> {
    let (member, token) = path;
    let user = screen.visit.signed_in()?;
    let mut conn = screen.state.pool.get().await?;
    let invited = invitation::find(&mut conn, &screen.state, *member, token).await?;
    invitation::accept(&mut conn, &invited, user, &screen.visit.actor(user)).await
}

fn invalid(screen: Screen, refusal: Refusal) -> HttpResponse {
    match refusal {
        Refusal::Problems(problems)
            if problems.iter().any(|one| one.code == "invalid_invitation") =>
        {
            screen.show_as(StatusCode::NOT_FOUND, &AcceptInvitation::Invalid)
        }
        other => screen.refuse(other),
    }
}
