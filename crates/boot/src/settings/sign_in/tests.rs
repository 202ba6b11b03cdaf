use secrecy::ExposeSecret as _;

use super::*;
use crate::settings::tests::{problems, settings};

#[test]
fn ways_to_sign_in_are_found_by_their_names() {
    let providers = settings([
        ("MISHAP_SIGN_IN_MY_CORP_KIND", "openid_connect"),
        ("MISHAP_SIGN_IN_MY_CORP_NAME", "My Corp."),
        ("MISHAP_SIGN_IN_MY_CORP_CLIENT_ID", "tracker"),
        ("MISHAP_SIGN_IN_MY_CORP_SERVER_URL", "https://id.example.com/realms/corp"),
        ("MISHAP_SIGN_IN_MY_CORP_SCOPES", "openid, email groups"),
        ("MISHAP_SIGN_IN_MY_CORP_ROLES", "dev=shop:member, cn=ops=shop:Owner, audit=office:viewer"),
        ("MISHAP_SIGN_IN_HUB_KIND", "GitHub"),
        ("MISHAP_SIGN_IN_HUB_CLIENT_ID", "id"),
        ("MISHAP_SIGN_IN_HUB_CLIENT_SECRET", "$secret"),
    ])
    .accounts
    .sign_in_providers;
    let [hub, corp] = &providers[..] else { panic!("{providers:?}") };
    assert_eq!((hub.id.as_str(), hub.name.as_str(), hub.kind), ("hub", "HUB", SignInKind::GitHub));
    assert_eq!(hub.client_secret.as_ref().unwrap().expose_secret(), "$secret");
    assert_eq!((hub.groups_claim.as_str(), hub.scopes.len()), ("groups", 0));
    assert_eq!((corp.id.as_str(), corp.name.as_str()), ("my-corp", "My Corp."));
    assert_eq!(corp.server_url.as_ref().unwrap().as_str(), "https://id.example.com/realms/corp");
    assert_eq!(corp.scopes, ["openid", "email", "groups"]);
    let roles = corp.roles.iter().map(|role| {
        let GroupRole { group, organization, role } = role;
        format!("{group} {organization} {role}")
    });
    assert_eq!(
        roles.collect::<Vec<_>>(),
        ["dev shop member", "cn=ops shop owner", "audit office viewer"]
    );
}

#[test]
fn addresses_may_be_given_for_all_of_a_kind_as_in_glitchtip() {
    let providers = settings([
        ("SOCIALACCOUNT_PROVIDERS_gitlab_GITLAB_URL", "https://git.example.com"),
        ("SOCIALACCOUNT_PROVIDERS_microsoft_TENANT", "ours"),
        ("MISHAP_SIGN_IN_A_KIND", "gitlab"),
        ("MISHAP_SIGN_IN_A_CLIENT_ID", "id"),
        ("MISHAP_SIGN_IN_A_CLIENT_SECRET", "s"),
        ("MISHAP_SIGN_IN_B_KIND", "gitlab"),
        ("MISHAP_SIGN_IN_B_CLIENT_ID", "id"),
        ("MISHAP_SIGN_IN_B_CLIENT_SECRET", "s"),
        ("MISHAP_SIGN_IN_B_SERVER_URL", "https://other.example.com"),
        ("MISHAP_SIGN_IN_C_KIND", "microsoft"),
        ("MISHAP_SIGN_IN_C_CLIENT_ID", "id"),
        ("MISHAP_SIGN_IN_C_CLIENT_SECRET", "s"),
    ])
    .accounts
    .sign_in_providers;
    let urls = providers.iter().map(|provider| provider.server_url.as_ref().map(Url::as_str));
    let (git, other) = ("https://git.example.com/", "https://other.example.com/");
    assert_eq!(urls.collect::<Vec<_>>(), [Some(git), Some(other), None]);
    assert_eq!(providers[2].tenant.as_deref(), Some("ours"));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let kind = |kind| ("MISHAP_SIGN_IN_X_KIND", kind);
    let client = ("MISHAP_SIGN_IN_X_CLIENT_ID", "id");
    let none = ("UNRELATED", "");
    for (variables, expected) in [
        ([client, none, none], "KIND must be set"),
        ([kind("google"), none, none], "CLIENT_ID must be set"),
        ([kind("google"), client, none], "CLIENT_SECRET must be set"),
        ([kind("openid_connect"), client, none], "SERVER_URL must be set"),
        ([kind("okta"), client, none], "KIND must be openid_connect, github"),
        (
            [kind("openid_connect"), client, ("MISHAP_SIGN_IN_X_SERVER_URL", "id.example.com")],
            "SERVER_URL must be a URL",
        ),
    ] {
        let problems = problems(variables);
        let expected = format!("  MISHAP_SIGN_IN_X_{expected}");
        assert!(problems.iter().any(|problem| problem.starts_with(&expected)), "{problems:?}");
        assert!(problems.len() <= 2, "{problems:?}");
    }
    for roles in ["dev", "dev=shop", "dev=shop:king", "=shop:owner", "dev=:owner"] {
        let problems = problems([
            kind("github"),
            client,
            ("MISHAP_SIGN_IN_X_CLIENT_SECRET", "s"),
            ("MISHAP_SIGN_IN_X_ROLES", roles),
        ]);
        assert_eq!(problems.len(), 1, "{roles}: {problems:?}");
        assert!(problems[0].contains("MISHAP_SIGN_IN_X_ROLES must be"), "{problems:?}");
    }
}
