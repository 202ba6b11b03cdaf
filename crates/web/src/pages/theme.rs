//! Light or dark.

use actix_web::HttpResponse;
use mishap_templates::shell::Theme;

use super::{Form, Screen};

/// `POST /profile/theme` — keeps the theme, and returns to the page.
pub(super) async fn choose(mut screen: Screen, form: Form) -> HttpResponse {
    screen.choose_theme(Theme::parse(form.text("theme")).unwrap_or_default());
    screen.lead_on(form.optional("next"))
}
