//! What is around every page: the head, the bar, the sections, the foot.

use std::fmt;

use chrono::{DateTime, Utc};
use maud::{DOCTYPE, Markup, html};

use crate::assets::File;
use crate::link::Link;
use crate::parts::{Glyph, Level, notice, number};
use crate::{paths, sample};

mod frame;

pub use self::frame::Crumb;
pub(crate) use self::frame::{Document, Layout};

/// The installation, as its pages need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Empty, or with a slash at its beginning and none at its end.
    root: String,
    name: String,
}

impl Site {
    /// An installation that lives under a path of its host (`/` or empty: the whole host), and what
    /// it calls itself (empty: Mishap).
    pub fn new(root: &str, name: &str) -> Self {
        let root = root.trim_matches('/');
        let root = if root.is_empty() { String::new() } else { format!("/{root}") };
        let name = if name.trim().is_empty() { "Mishap" } else { name.trim() };
        Self { root, name: name.to_owned() }
    }

    /// What stands in `href` and `action` for a path of this installation.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.root, path.trim_start_matches('/'))
    }

    /// What the installation calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Whether pages are light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the person's system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// What forms and the cookie say.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads what a form or the cookie says.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

/// Proves that a form is from one of our pages. It is never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct CsrfToken(String);

impl CsrfToken {
    /// The token of the request that is answered.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfToken(…)")
    }
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The person's address.
    pub email: String,
    /// Whether the administrator's pages are theirs.
    pub is_staff: bool,
}

/// A sentence about what the last request did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether it went well.
    pub level: Level,
    /// The sentence.
    pub text: String,
}

/// A group of sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavigationGroup {
    /// What they have in common.
    pub title: String,
    /// The sections.
    pub items: Vec<NavigationItem>,
}

/// A section at the side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavigationItem {
    /// Its name.
    pub label: String,
    /// Where it is.
    pub link: Link,
    /// How many things in it want to be looked at.
    pub count: Option<u64>,
    /// Whether the page belongs to it.
    pub is_current: bool,
}

/// The sections at the side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    /// What they are sections of.
    pub label: String,
    /// The sections.
    pub groups: Vec<NavigationGroup>,
}

/// What all pages that answer one request have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// The installation.
    pub site: Site,
    /// Who is signed in.
    pub person: Option<Person>,
    /// Light or dark.
    pub theme: Theme,
    /// Goes into each form.
    pub csrf_token: CsrfToken,
    /// Path and query of the page, from the installation's root: where the theme's form returns to.
    /// A page that holds a secret has none, and no such form: its address is the secret, or shows
    /// another one each time.
    pub here: Option<String>,
    /// What the last request did.
    pub notices: Vec<Notice>,
    /// The sections at the side.
    pub navigation: Option<Navigation>,
    /// What ages are reckoned from.
    pub now: DateTime<Utc>,
}

impl Shell {
    /// The hidden field that each form with POST has.
    fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name="csrfmiddlewaretoken" value=(self.csrf_token.0); }
    }

    /// A form that changes something.
    pub(crate) fn post(&self, path: &str, class: &str, content: &Markup) -> Markup {
        html! {
            form method="post" action=(self.site.url(path)) class=[class_name(class)] {
                (self.csrf_field())
                (content)
            }
        }
    }

    /// A form that the script fills with what a passkey says; without the script it is not there.
    pub(crate) fn passkey(&self, form: &PasskeyForm<'_>) -> Markup {
        let problem = match form.purpose {
            "create" => "No passkey was made. You can try again.",
            _ => "The passkey was not used. You can try again.",
        };
        html! {
            form.stack.scripted method="post" action=(self.site.url(form.path))
                data-passkey=(form.purpose) data-options=(self.site.url(form.options)) {
                (self.csrf_field())
                input type="hidden" name="credential";
                (form.fields)
                div {
                    button.button type="submit" { (Glyph::Key.show()) (form.label) }
                }
                p.problem role="alert" data-problem hidden { (Glyph::Error.show()) (problem) }
            }
        }
    }

    fn notices(&self) -> Markup {
        html! { @for one in &self.notices { (notice(one.level, &html! { (one.text) })) } }
    }

    fn theme_switch(&self, here: &str) -> Markup {
        let content = html! {
            input type="hidden" name="next" value=(here);
            fieldset {
                legend.unseen { "Theme" }
                @for theme in Theme::ALL {
                    button type="submit" name="theme" value=(theme.name())
                        aria-pressed=(if theme == self.theme { "true" } else { "false" }) {
                        (theme.label())
                    }
                }
            }
        };
        self.post(paths::THEME, "theme", &content)
    }

    fn brand(&self) -> Markup {
        html! { a.brand href=(self.site.url(paths::HOME)) { (mark()) bdi { (self.site.name) } } }
    }

    fn head(&self, title: &str) -> Markup {
        let scheme = match self.theme {
            Theme::System => "light dark",
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(scheme);
                meta name="robots" content="noindex";
                title { (title) " · " (self.site.name) }
                link rel="stylesheet" href=(File::Style.url(&self.site));
                link rel="icon" type="image/svg+xml" href=(File::Icon.url(&self.site));
                script src=(File::Script.url(&self.site)) defer {}
            }
        }
    }

    fn bar(&self) -> Markup {
        html! {
            header.bar {
                @if self.navigation.is_some() {
                    button.button.quiet.opens-sections type="button" popovertarget="sections" {
                        (Glyph::Menu.show()) span.unseen { "Sections" }
                    }
                }
                (self.brand())
                @if let Some(person) = &self.person {
                    button.button.quiet type="button" popovertarget="account" {
                        bdi { (person.email) } (Glyph::Down.show())
                    }
                    div.menu #account popover {
                        p { "Signed in as " bdi { (person.email) } }
                        a href=(self.site.url(paths::SECURITY)) { "Account security" }
                        a href=(self.site.url(paths::API_TOKENS)) { "API tokens" }
                        @if person.is_staff {
                            a href=(self.site.url(paths::ADMIN)) { "Administration" }
                        }
                        (self.post(paths::SIGN_OUT, "", &html! {
                            button type="submit" { "Sign out" }
                        }))
                    }
                } @else {
                    a.button href=(self.site.url(paths::SIGN_IN)) { "Sign in" }
                }
            }
        }
    }

    fn sections(&self) -> Markup {
        html! {
            @if let Some(navigation) = &self.navigation {
                nav.sections #sections popover aria-label=(navigation.label) {
                    @for group in &navigation.groups {
                        div {
                            h2 { (group.title) }
                            ul { @for item in &group.items { li { (self.section(item)) } } }
                        }
                    }
                }
            }
        }
    }

    fn section(&self, item: &NavigationItem) -> Markup {
        let current = item.is_current.then_some("page");
        html! {
            a href=(item.link.href(&self.site)) aria-current=[current] {
                (item.label)
                @if let Some(count) = item.count { span.count { (number(count)) } }
            }
        }
    }

    /// The whole document.
    pub(crate) fn document(&self, document: &Document<'_>) -> String {
        let theme = (self.theme != Theme::System).then(|| self.theme.name());
        let title = document.title_with_problem();
        let is_wide = matches!(document.layout, Layout::Wide);
        let foot = html! {
            @if is_wide || self.here.is_some() {
                footer.foot {
                    @if is_wide { span { (self.site.name) } }
                    @if let Some(here) = &self.here { (self.theme_switch(here)) }
                }
            }
        };
        let skip = html! { a.skip href="#main" { "Skip to the content" } };
        html! {
            (DOCTYPE)
            html lang="en" data-theme=[theme] {
                (self.head(&title))
                @match document.layout {
                    Layout::Narrow => {
                        body.narrow {
                            div {
                                (skip)
                                header { (self.brand()) }
                                main #main tabindex="-1" {
                                    (self.notices())
                                    div { h1 { (document.heading()) } (document.lead()) }
                                    (document.content)
                                }
                                @if let Some(more) = &document.more {
                                    nav.more aria-label="Other ways" { (more) }
                                }
                            }
                            (foot)
                        }
                    }
                    Layout::Wide => {
                        body.wide {
                            div { (skip) (self.bar()) }
                            div.columns {
                                (self.sections())
                                main #main tabindex="-1" {
                                    (document.head(&self.site))
                                    (self.notices())
                                    (document.content)
                                }
                            }
                            (foot)
                        }
                    }
                }
            }
        }
        .into_string()
    }
}

/// A form for a passkey.
pub(crate) struct PasskeyForm<'f> {
    /// Where it goes.
    pub(crate) path: &'f str,
    /// What the script does: `get` or `create`.
    pub(crate) purpose: &'static str,
    /// Where the script gets the challenge.
    pub(crate) options: &'f str,
    /// What stands on the button.
    pub(crate) label: &'f str,
    /// What else the form says.
    pub(crate) fields: Markup,
}

/// The class attribute, unless there is none.
fn class_name(class: &str) -> Option<&str> {
    (!class.is_empty()).then_some(class)
}

/// Our mark: a trace, one frame of which slipped.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 32 32" aria-hidden="true" {
            rect width="32" height="32" rx="7" fill="#1a56c4" {}
            g fill="#fff" {
                rect x="7" y="6.5" width="18" height="4" rx="2" {}
                rect x="7" y="21.5" width="18" height="4" rx="2" {}
            }
            rect x="9.5" y="14" width="18" height="4" rx="2" fill="#ffd166"
                transform="rotate(16 18.5 16)" {}
        }
    }
}

impl Shell {
    /// A shell for a sample: nobody is signed in.
    pub fn sample_of_stranger() -> Self {
        Self {
            site: Site::new("", "Mishap"),
            person: None,
            theme: Theme::System,
            csrf_token: CsrfToken::new("sampleToken0123456789sampleToken"),
            here: Some("/".to_owned()),
            notices: Vec::new(),
            navigation: None,
            now: sample::now(),
        }
    }

    /// A shell for a sample: an administrator is signed in.
    pub fn sample() -> Self {
        let person = Person { email: "ada@example.com".to_owned(), is_staff: true };
        Self { person: Some(person), ..Self::sample_of_stranger() }
    }

    /// A shell for a sample, with the worst names there are.
    pub fn sample_hostile() -> Self {
        let person = Person { email: sample::LONG_ADDRESS.to_owned(), is_staff: true };
        let notice = |level, text: &str| Notice { level, text: text.to_owned() };
        Self {
            site: Site::new("/errors", sample::MARKUP),
            person: Some(person),
            here: Some(format!("/?query={}", sample::MARKUP)),
            notices: vec![
                notice(Level::Ok, "The invitation was sent."),
                notice(Level::Error, sample::MARKUP),
            ],
            ..Self::sample_of_stranger()
        }
    }
}

impl Navigation {
    /// The administrator's sections, for samples.
    pub fn sample() -> Self {
        let item = |(label, path, count): (&str, &str, Option<u64>)| NavigationItem {
            label: label.to_owned(),
            link: Link::within(path),
            count,
            is_current: path == "/admin/users/",
        };
        let group = |title: &str, items: &[(&str, &str, Option<u64>)]| NavigationGroup {
            title: title.to_owned(),
            items: items.iter().copied().map(item).collect(),
        };
        Self {
            label: "Administration".to_owned(),
            groups: vec![
                group(
                    "Installation",
                    &[
                        ("Status", "/admin/", None),
                        ("Configuration", "/admin/configuration/", None),
                        ("Dead letters", "/admin/dead-letters/", Some(12)),
                        ("Jobs", "/admin/jobs/", None),
                        ("Audit log", "/admin/audit/", None),
                    ],
                ),
                group(
                    "People",
                    &[
                        ("Users", "/admin/users/", None),
                        ("Addresses", "/admin/addresses/", None),
                        ("Members", "/admin/members/", None),
                        ("API tokens", "/admin/tokens/", None),
                        ("Second factors", "/admin/second-factors/", None),
                        ("Sign-in providers", "/admin/providers/", None),
                    ],
                ),
                group(
                    "Data",
                    &[
                        ("Organizations", "/admin/organizations/", None),
                        ("Teams", "/admin/teams/", None),
                        ("Projects", "/admin/projects/", None),
                        ("Alerts", "/admin/alerts/", None),
                        ("Releases", "/admin/releases/", None),
                    ],
                ),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_may_live_under_a_path() {
        for (root, path, url) in [
            ("", "/login", "/login"),
            ("/", "/", "/"),
            ("errors", "/login", "/errors/login"),
            ("/errors/", "/", "/errors/"),
            ("/a/b", "admin/", "/a/b/admin/"),
            // Two slashes would lead to another host.
            ("", "//example.com", "/example.com"),
        ] {
            assert_eq!(Site::new(root, "").url(path), url, "{root} {path}");
        }
        assert_eq!(Site::new("", " ").name(), "Mishap");
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", CsrfToken::new("secret")), "CsrfToken(…)");
    }

    #[test]
    fn themes_are_read_as_they_are_written() {
        for theme in Theme::ALL {
            assert_eq!(Theme::parse(theme.name()), Some(theme));
        }
        assert_eq!(Theme::parse("\" onload=x"), None);
    }
}
