//! Which organizations somebody belongs to, by what their provider tells of them.

use std::collections::BTreeMap;

use mishap_core::access::Role;
use serde_json::Value;

use super::Claims;

/// Who has this among their claims belongs to that organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRule {
    /// The name of a claim: `groups`. With dots it may lead into objects: `realm_access.roles`.
    pub claim: String,
    /// What the claim is, or has among its values. Letters count as they are written.
    pub value: String,
    /// The slug of the organization.
    pub organization: String,
    /// The role in it.
    pub role: Role,
}

/// The organizations that the rules give somebody, each with the mightiest of the roles.
pub fn memberships<'r>(claims: &Claims, rules: &'r [RoleRule]) -> BTreeMap<&'r str, Role> {
    let mut roles = BTreeMap::new();
    for rule in rules.iter().filter(|rule| holds(claims, &rule.claim, &rule.value)) {
        let role = roles.entry(rule.organization.as_str()).or_insert(rule.role);
        *role = rule.role.max(*role);
    }
    roles
}

fn holds(claims: &Claims, name: &str, wanted: &str) -> bool {
    let is_wanted = |value: &Value| match value {
        Value::String(text) => text == wanted,
        Value::Bool(is_true) => wanted == if *is_true { "true" } else { "false" },
        Value::Number(number) => number.to_string() == wanted,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    match find(claims, name) {
        Some(Value::Array(values)) => values.iter().any(is_wanted),
        Some(value) => is_wanted(value),
        None => false,
    }
}

/// A claim: by its whole name, which may have dots (`https://example.com/groups`), or else step by
/// step.
fn find<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, step| value.get(step))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(claim: &str, value: &str, organization: &str, role: Role) -> RoleRule {
        let [claim, value, organization] = [claim, value, organization].map(str::to_owned);
        RoleRule { claim, value, organization, role }
    }

    #[test]
    fn rules_give_organizations_and_roles() {
        let claims = json!({
            "groups": ["developers", "Leads", 7],
            "department": "shop",
            "is_staff": true,
            "realm_access": {"roles": ["tracker-admin"]},
            "https://example.com/groups": ["namespaced"],
            "nested": [["developers"]],
            "nothing": null,
        });
        let claims = claims.as_object().unwrap();
        for (claim, value, is_given) in [
            ("groups", "developers", true),
            ("groups", "Leads", true),
            ("groups", "leads", false),
            ("groups", "develop", false),
            ("groups", "7", true),
            ("groups", "", false),
            ("groups.0", "developers", false),
            ("department", "shop", true),
            ("department", "s", false),
            ("is_staff", "true", true),
            ("realm_access.roles", "tracker-admin", true),
            ("realm_access", "roles", false),
            ("realm_access.roles.more", "tracker-admin", false),
            ("https://example.com/groups", "namespaced", true),
            ("nested", "developers", false),
            ("nothing", "null", false),
            ("absent", "", false),
            ("", "", false),
        ] {
            let rules = [rule(claim, value, "shop", Role::Member)];
            let given = memberships(claims, &rules);
            assert_eq!(given.contains_key("shop"), is_given, "{claim} {value}");
        }
    }

    #[test]
    fn the_mightiest_role_counts() {
        let claims = json!({"groups": ["a", "b", "c"]});
        let rules = [
            rule("groups", "a", "shop", Role::Admin),
            rule("groups", "b", "shop", Role::Manager),
            rule("groups", "c", "shop", Role::Member),
            rule("groups", "d", "shop", Role::Owner),
            rule("groups", "c", "office", Role::Member),
        ];
        let given = memberships(claims.as_object().unwrap(), &rules);
        assert_eq!(given, BTreeMap::from([("office", Role::Member), ("shop", Role::Manager)]));
    }
}
