//! The form of a sign-in provider.

use mishap_core::access::Role;
use mishap_identity::provider::ProviderKind;
use mishap_storage::accounts::providers::ProviderRow;
use mishap_templates::admin::FormPage;
use mishap_templates::link::Link;
use mishap_templates::parts::{Choice, Field, FieldKind, Form as FormPart, Problems};
use url::Url;

use super::{PATH, kind_label, path_of};
use crate::account::provider::{KINDS, StoredRole, StoredSettings};
use crate::admin::answers::Answers;
use crate::admin::parts::above;
use crate::pages::Form;

/// Longest name that people see, in characters.
const MAX_NAME: usize = 100;

/// Longest slug, in characters.
const MAX_SLUG: usize = 50;

/// Longest of the other texts, in characters.
const MAX_TEXT: usize = 2000;

/// Groups that may have a role, at most.
const MAX_ROLES: usize = 200;

/// What was typed.
#[derive(Debug, Default)]
pub(super) struct Typed {
    kind: String,
    name: String,
    slug: String,
    client_id: String,
    pub(super) server_url: String,
    pub(super) tenant: String,
    pub(super) scopes: String,
    pub(super) groups_claim: String,
    /// A group in each line.
    pub(super) roles: String,
    is_enabled: bool,
}

/// What a provider is to be.
pub(super) struct Wanted {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) client_id: String,
    /// Nothing if it stays.
    pub(super) client_secret: Option<String>,
    pub(super) settings: StoredSettings,
    pub(super) is_enabled: bool,
}

impl Typed {
    /// An empty form.
    pub(super) fn new() -> Self {
        Self {
            kind: "openid_connect".to_owned(),
            groups_claim: "groups".to_owned(),
            is_enabled: true,
            ..Self::default()
        }
    }

    /// What a provider is now.
    pub(super) fn of(row: &ProviderRow) -> Self {
        let settings: StoredSettings =
            serde_json::from_value(row.settings.clone()).unwrap_or_default();
        let line = |role: &StoredRole| {
            let StoredRole { group, organization, role } = role;
            format!("{group} = {organization}:{role}")
        };
        Self {
            kind: row.kind.clone(),
            name: row.name.clone(),
            slug: row.slug.clone(),
            client_id: row.client_id.clone(),
            server_url: settings.server_url.map(String::from).unwrap_or_default(),
            tenant: settings.tenant.unwrap_or_default(),
            scopes: settings.scopes.join(" "),
            groups_claim: settings.groups_claim,
            roles: settings.roles.iter().map(line).collect::<Vec<_>>().join("\n"),
            is_enabled: row.is_enabled,
        }
    }

    /// What stands in a form that was sent; the slug of a provider that is there stays.
    pub(super) fn sent(form: &Form, row: Option<&ProviderRow>) -> Self {
        let text = |name| form.text(name).to_owned();
        Self {
            kind: text("kind"),
            name: text("name"),
            slug: row.map_or_else(|| text("slug"), |row| row.slug.clone()),
            client_id: text("client_id"),
            server_url: text("server_url"),
            tenant: text("tenant"),
            scopes: text("scopes"),
            groups_claim: text("groups_claim"),
            roles: text("roles"),
            is_enabled: !form.text("enabled").is_empty(),
        }
    }
}

/// Reads the form, of a new provider or of one that is there.
pub(super) fn read(form: &Form, row: Option<&ProviderRow>) -> Result<Wanted, Problems> {
    let mut answers = Answers::of(form);
    let kinds: Vec<_> = KINDS.iter().map(|known| (known.0, *known)).collect();
    let chosen = answers.choice("kind", &kinds);
    let slug = match row {
        // People are linked with it, and the provider knows its address.
        Some(row) => row.slug.clone(),
        None => answers.slug("slug", MAX_SLUG),
    };
    let name = answers.text("name", 1..=MAX_NAME);
    let client_id = answers.text("client_id", 1..=MAX_TEXT);
    let secret = answers.text("client_secret", 0..=MAX_TEXT);
    let settings = StoredSettings {
        server_url: server_url(&mut answers, chosen.map(|(_, kind)| kind)),
        tenant: Some(answers.text("tenant", 0..=253)).filter(|tenant| !tenant.is_empty()),
        scopes: words(&answers.text("scopes", 0..=MAX_TEXT)),
        groups_claim: answers.text("groups_claim", 0..=MAX_TEXT),
        roles: roles(&mut answers, form.text("roles")),
    };
    if let Some((_, kind)) = chosen {
        check_kind(&mut answers, kind, &settings, secret.is_empty() && row.is_none());
    }
    let is_enabled = answers.is_on("enabled");
    let (kind, _) = answers.finish(chosen)?;
    let client_secret = Some(secret).filter(|secret| !secret.is_empty() || row.is_none());
    Ok(Wanted { kind, name, slug, client_id, client_secret, settings, is_enabled })
}

fn server_url(answers: &mut Answers<'_>, kind: Option<ProviderKind>) -> Option<Url> {
    let is_required = kind == Some(ProviderKind::OpenIdConnect);
    let text = answers.text("server_url", usize::from(is_required)..=MAX_TEXT);
    if text.is_empty() {
        return None;
    }
    let is_of_the_web =
        |url: &Url| matches!(url.scheme(), "http" | "https") && url.username().is_empty();
    let url = Url::parse(&text).ok().filter(is_of_the_web);
    if url.is_none() {
        answers.problem("server_url", "A whole address that begins with https://.");
    }
    url
}

/// What some kinds need, and others have not.
fn check_kind(
    answers: &mut Answers<'_>,
    kind: ProviderKind,
    settings: &StoredSettings,
    lacks_secret: bool,
) {
    if lacks_secret && kind != ProviderKind::OpenIdConnect {
        let text = format!("{} gives a secret together with the client id.", kind_label(kind));
        answers.problem("client_secret", text);
    }
    let has_own_address = matches!(kind, ProviderKind::Google | ProviderKind::Microsoft);
    if has_own_address && settings.server_url.is_some() {
        let text = format!("Leave this empty: it is known where {} is.", kind_label(kind));
        answers.problem("server_url", text);
    }
    if kind != ProviderKind::Microsoft && settings.tenant.is_some() {
        answers.problem("tenant", "Leave this empty: only Microsoft has tenants.");
    }
}

fn words(text: &str) -> Vec<String> {
    let is_between = |letter: char| letter == ',' || letter.is_whitespace();
    text.split(is_between).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Who becomes what, a group in each line; a group's name may hold an equals sign.
fn roles(answers: &mut Answers<'_>, text: &str) -> Vec<StoredRole> {
    let mut roles = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match role(line) {
            Some(role) => roles.push(role),
            None => {
                let line: String = line.chars().take(80).collect();
                let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
                let text = format!(
                    "“{line}” is not: group = organization:role, with the role {}.",
                    names.join(", ")
                );
                answers.problem("roles", text);
            }
        }
    }
    if roles.len() > MAX_ROLES {
        answers.problem("roles", format!("At most {MAX_ROLES} lines."));
    }
    roles
}

fn role(line: &str) -> Option<StoredRole> {
    let (group, rest) = line.rsplit_once('=')?;
    let (organization, role) = rest.split_once(':')?;
    let [group, organization, role] =
        [group, organization, role].map(|part| part.trim().to_owned());
    let role = Role::from_name(&role.to_ascii_lowercase())?.name().to_owned();
    let is_said = !group.is_empty() && !organization.is_empty();
    is_said.then_some(StoredRole { group, organization, role })
}

/// The page of the form.
pub(super) fn page(typed: &Typed, row: Option<&ProviderRow>, problems: &Problems) -> FormPage {
    let all = above("Sign-in providers", PATH);
    let (title, parents, back) = match row {
        None => ("New sign-in provider", vec![all], PATH.to_owned()),
        Some(row) => {
            let path = path_of(row.id);
            ("Edit sign-in provider", vec![all, above(&row.name, &path)], path)
        }
    };
    let action = if row.is_some() { "edit/" } else { "new/" };
    FormPage {
        title: title.to_owned(),
        lead: Some("Test it afterwards: the provider's page has a button for that.".to_owned()),
        parents,
        form: FormPart {
            id: "provider",
            path: format!("{back}{action}"),
            problem: None,
            hidden: Vec::new(),
            fields: fields(typed, row.is_some(), problems),
            submit: if row.is_some() { "Save" } else { "Create provider" }.to_owned(),
            cancel: Some(Link::within(back)),
        },
    }
}

fn fields(typed: &Typed, is_there: bool, problems: &Problems) -> Vec<Field> {
    let field = |name: &str, label: &str, kind, value: &str| {
        Field::new(name, label, kind).value(value).problem(problems.of(name)).autocomplete("off")
    };
    let text = |name: &str, label: &str, value: &str| field(name, label, FieldKind::Text, value);
    let kind = |(name, kind): &(&str, ProviderKind)| {
        Choice::new(*name, kind_label(*kind)).chosen(*name == typed.kind)
    };
    let secret_help = match is_there {
        true => "Leave this empty to keep the one that is there. It is never shown.",
        false => {
            "What the provider gave together with it: all do but some with OpenID Connect. It is \
             never shown again."
        }
    };
    let secret = Field::new("client_secret", "Client secret", FieldKind::Password)
        .help(secret_help)
        .problem(problems.of("client_secret"))
        .autocomplete("new-password")
        .optional();
    let slug = match is_there {
        true => Field::new("slug", "Slug", FieldKind::ReadOnly)
            .value(&typed.slug)
            .help("It stands in the redirect URI, and people are linked with it, so it stays."),
        false => text("slug", "Slug", &typed.slug)
            .help("Its name in addresses, for good: the redirect URI has it."),
    };
    vec![
        field("kind", "Kind", FieldKind::Select(KINDS.iter().map(kind).collect()), ""),
        text("name", "Name", &typed.name).help("What stands on the button: Continue with …"),
        slug,
        text("client_id", "Client id", &typed.client_id)
            .help("What the provider calls this installation."),
        secret,
        field("server_url", "Address", FieldKind::Url, &typed.server_url)
            .help(
                "OpenID Connect needs it: the issuer, or its discovery document. GitHub and GitLab \
                 have one only if it is a server of your own.",
            )
            .optional(),
        text("tenant", "Tenant", &typed.tenant)
            .help("With Microsoft: whose accounts may come, if not everybody's.")
            .optional(),
        text("scopes", "Scopes", &typed.scopes)
            .help("What is asked for, with blanks between. Without any, what is usual.")
            .optional(),
        text("groups_claim", "Groups claim", &typed.groups_claim)
            .help("Which claim lists a person's groups. Dots lead into it: realm_access.roles.")
            .optional(),
        field("roles", "Groups and roles", FieldKind::Lines(4), &typed.roles)
            .help("A line for each group that belongs somewhere: group = organization:role")
            .optional(),
        Field::new(
            "enabled",
            "People may come from there",
            FieldKind::Checkbox { is_checked: typed.is_enabled },
        )
        .help("Otherwise its button is gone, and sign-ins that have begun end in nothing.")
        .optional(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_a_group_becomes() {
        let read = |line: &str| {
            let StoredRole { group, organization, role } = role(line)?;
            Some(format!("{group}|{organization}|{role}"))
        };
        for (line, expected) in [
            ("developers = shop:member", Some("developers|shop|member")),
            ("cn=leads,dc=x=shop : Manager", Some("cn=leads,dc=x|shop|manager")),
            ("auditors=shop:viewer", Some("auditors|shop|viewer")),
            ("developers = shop", None),
            ("developers : shop", None),
            ("= shop:member", None),
            ("developers = :member", None),
            ("developers = shop:king", None),
        ] {
            assert_eq!(read(line).as_deref(), expected, "{line}");
        }
    }
}
