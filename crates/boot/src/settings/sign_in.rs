//! Ways to sign in through other services, from variables.

use std::collections::BTreeSet;

use secrecy::SecretString;
use url::Url;

use super::Environment;
use super::catalogue::{self, Setting};
use super::kind::items;

/// What a member of an organization can be.
const ROLES: &[&str] = &["viewer", "member", "admin", "manager", "owner"];

/// All that can be said about one way to sign in.
const FAMILY: &[&Setting] = &[
    &catalogue::SIGN_IN_KIND,
    &catalogue::SIGN_IN_NAME,
    &catalogue::SIGN_IN_CLIENT_ID,
    &catalogue::SIGN_IN_CLIENT_SECRET,
    &catalogue::SIGN_IN_SERVER_URL,
    &catalogue::SIGN_IN_TENANT,
    &catalogue::SIGN_IN_SCOPES,
    &catalogue::SIGN_IN_GROUPS_CLAIM,
    &catalogue::SIGN_IN_ROLES,
];

/// A way to sign in through another service.
#[derive(Debug, Clone)]
pub struct SignInProvider {
    /// What stands in its addresses: the NAME of its variables in small letters, with dashes.
    pub id: String,
    /// Through whom.
    pub kind: SignInKind,
    /// What people see.
    pub name: String,
    /// What the service calls this installation.
    pub client_id: String,
    /// The secret that belongs to it. Only with OpenID Connect may there be none.
    pub client_secret: Option<SecretString>,
    /// Where the service is. OpenID Connect always has one: the issuer, or its discovery document.
    pub server_url: Option<Url>,
    /// The tenant, with Microsoft.
    pub tenant: Option<String>,
    /// What is asked for; nothing for what is usual.
    pub scopes: Vec<String>,
    /// The claim that lists a person's groups.
    pub groups_claim: String,
    /// Who becomes what.
    pub roles: Vec<GroupRole>,
}

/// Through whom somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInKind {
    /// Whoever speaks OpenID Connect.
    OpenIdConnect,
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Google.
    Google,
    /// Microsoft.
    Microsoft,
}

/// What people of a group become in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRole {
    /// The group, as the service calls it.
    pub group: String,
    /// The organization's name in URLs.
    pub organization: String,
    /// `viewer`, `member`, `admin`, `manager` or `owner`.
    pub role: String,
}

impl SignInProvider {
    /// Reads all of them, in the order of their names.
    pub(super) fn read_all(env: &mut Environment) -> Vec<Self> {
        let gitlab_url = env.optional(&catalogue::GITLAB_URL);
        let microsoft_tenant = env.optional(&catalogue::MICROSOFT_TENANT);
        let parts: BTreeSet<_> = FAMILY.iter().flat_map(|setting| env.parts(setting)).collect();
        let mut providers = Vec::new();
        for part in parts {
            let Some(mut provider) = Self::read(env, &part) else {
                continue;
            };
            match provider.kind {
                SignInKind::GitLab if provider.server_url.is_none() => {
                    provider.server_url = gitlab_url.as_deref().and_then(parsed);
                }
                SignInKind::Microsoft if provider.tenant.is_none() => {
                    provider.tenant = microsoft_tenant.clone();
                }
                _ => {}
            }
            providers.push(provider);
        }
        providers
    }

    /// Reads one; nothing, if something must be said that is not.
    fn read(env: &mut Environment, part: &str) -> Option<Self> {
        let kind = env.member(&catalogue::SIGN_IN_KIND, part);
        let client_id = env.member(&catalogue::SIGN_IN_CLIENT_ID, part);
        let client_secret = env.member(&catalogue::SIGN_IN_CLIENT_SECRET, part);
        let server_url = env.member(&catalogue::SIGN_IN_SERVER_URL, part);
        let roles = roles(env, part);
        must_be_set(env, &catalogue::SIGN_IN_KIND, part);
        must_be_set(env, &catalogue::SIGN_IN_CLIENT_ID, part);
        let kind = SignInKind::of(&kind?);
        match kind {
            SignInKind::OpenIdConnect => must_be_set(env, &catalogue::SIGN_IN_SERVER_URL, part),
            _ => must_be_set(env, &catalogue::SIGN_IN_CLIENT_SECRET, part),
        }
        let scopes = env.member(&catalogue::SIGN_IN_SCOPES, part).unwrap_or_default();
        let is_between = |letter: char| letter == ',' || letter.is_whitespace();
        Some(Self {
            id: part.to_ascii_lowercase().replace('_', "-"),
            kind,
            name: env.member(&catalogue::SIGN_IN_NAME, part).unwrap_or_else(|| part.to_owned()),
            client_id: client_id?,
            client_secret: client_secret.map(SecretString::from),
            server_url: server_url.as_deref().and_then(parsed),
            tenant: env.member(&catalogue::SIGN_IN_TENANT, part),
            scopes: scopes
                .split(is_between)
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned)
                .collect(),
            groups_claim: env.member(&catalogue::SIGN_IN_GROUPS_CLAIM, part).unwrap_or_default(),
            roles,
        })
    }
}

impl SignInKind {
    /// The catalogue lets no other word through.
    fn of(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "github" => Self::GitHub,
            "gitlab" => Self::GitLab,
            "google" => Self::Google,
            "microsoft" => Self::Microsoft,
            _ => Self::OpenIdConnect,
        }
    }
}

fn parsed(url: &str) -> Option<Url> {
    Url::parse(url.trim()).ok()
}

/// Notes it if nothing is set. What is set and cannot be used was noted already.
fn must_be_set(env: &mut Environment, setting: &Setting, part: &str) {
    let found = env.find(setting, part);
    if found.is_none_or(|found| found.value.is_ok_and(|value| value.is_empty())) {
        env.problem_of(setting, part, "must be set");
    }
}

/// Who becomes what; a group's name may hold an equals sign.
fn roles(env: &mut Environment, part: &str) -> Vec<GroupRole> {
    let mut roles = Vec::new();
    let text = env.member(&catalogue::SIGN_IN_ROLES, part).unwrap_or_default();
    for item in items(&text) {
        let role = item.rsplit_once('=').and_then(|(group, rest)| {
            let (organization, role) = rest.split_once(':')?;
            let (group, organization) = (group.trim(), organization.trim());
            let role = ROLES.iter().find(|known| known.eq_ignore_ascii_case(role.trim()))?;
            let is_said = !group.is_empty() && !organization.is_empty();
            is_said.then(|| GroupRole {
                group: group.to_owned(),
                organization: organization.to_owned(),
                role: (*role).to_owned(),
            })
        });
        match role {
            Some(role) => roles.push(role),
            None => {
                let must = "must be group=organization-slug:role, separated by commas, with the \
                            roles viewer, member, admin, manager and owner";
                env.problem_of(&catalogue::SIGN_IN_ROLES, part, format!("{must}, not {item:?}"));
            }
        }
    }
    roles
}

#[cfg(test)]
mod tests;
