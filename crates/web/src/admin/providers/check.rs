//! Asks a sign-in provider for all that a sign-in needs, and tells in words what was found.

use actix_web::HttpResponse;
use mishap_identity::provider::{Check, Finding, Verdict};
use mishap_storage::accounts::providers;
use mishap_templates::admin::{DetailPage, SectionBody};
use mishap_templates::parts::{ActionForm, Badge, Cell, DangerZone, Level, Pager, Row};

use super::{PATH, path_of, test_button};
use crate::account::Refusal;
use crate::account::provider::Provider;
use crate::admin::Administrator;
use crate::admin::administrator::{impossible, missing};
use crate::admin::parts::{above, badge, nothing, plain_row, section, table};
use crate::pages::Form;

/// `POST /admin/providers/test/` — `provider`: its slug.
pub(in crate::admin) async fn check(admin: Administrator, form: Form) -> HttpResponse {
    match tested(&admin, form.text("provider")).await {
        Ok((path, page)) => admin.at(path).show(&page),
        Err(refusal) => admin.refuse(refusal),
    }
}

async fn tested(admin: &Administrator, slug: &str) -> Result<(String, DetailPage), Refusal> {
    let (path, provider) = named(admin, slug).await?;
    let config = &provider.config;
    let findings = admin.state().providers.check(config).await;
    let empty = nothing("Nothing was asked", "There is nothing to ask.");
    let rows = findings.iter().map(shown).collect();
    let columns = ["What was asked", "Result", "What it means", "Particulars"];
    let (level, result, lead) = whole(&findings);
    let mut parents = vec![above("Sign-in providers", PATH)];
    if path != PATH {
        parents.push(above(&config.name, &path));
    }
    let page = DetailPage {
        title: format!("Test of {}", config.name),
        lead: Some(lead.to_owned()),
        badges: vec![Badge::new(level, result)],
        parents,
        links: Vec::new(),
        actions: vec![ActionForm {
            label: "Test again".to_owned(),
            object: None,
            ..test_button(&config.slug, &config.name)
        }],
        tabs: Vec::new(),
        sections: vec![section(
            "Findings",
            SectionBody::Table(table("Findings", &columns, rows, empty)),
        )],
        pager: Pager::default(),
        dangers: DangerZone { actions: Vec::new() },
    };
    Ok((path, page))
}

/// A provider of the environment or of the database, switched on or off, and where it is shown.
async fn named(admin: &Administrator, slug: &str) -> Result<(String, Provider), Refusal> {
    let fixed = &admin.state().config.providers;
    if let Some(provider) = fixed.iter().find(|provider| provider.config.slug == slug) {
        return Ok((PATH.to_owned(), provider.clone()));
    }
    let rows = providers::list(&mut *admin.conn().await?).await?;
    let row = rows.iter().find(|row| row.slug == slug).ok_or_else(missing)?;
    let unreadable = || impossible("This version of the program cannot read this provider.");
    Ok((path_of(row.id), Provider::of_row(row).ok_or_else(unreadable)?))
}

/// What the findings say together.
fn whole(findings: &[Finding]) -> (Level, &'static str, &'static str) {
    let has = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
    if has(Verdict::Bad) {
        (Level::Error, "Does not work", "Nobody can sign in through it as it is.")
    } else if has(Verdict::Doubtful) {
        let lead = "It should work; something is not as it usually is. Whether the client id and \
                    the secret are right, only a sign-in tells.";
        (Level::Warning, "Should work", lead)
    } else {
        let lead = "All that a sign-in needs was found. Whether the client id and the secret are \
                    right, only a sign-in tells.";
        (Level::Ok, "Works", lead)
    }
}

fn shown(finding: &Finding) -> Row {
    let (level, word) = match finding.verdict {
        Verdict::Good => (Level::Ok, "Good"),
        Verdict::Doubtful => (Level::Warning, "Doubtful"),
        Verdict::Bad => (Level::Error, "Wrong"),
    };
    plain_row(vec![
        Cell::text(question(finding.check)),
        badge(level, word),
        Cell::text(sentence(finding.check, finding.verdict)),
        Cell::text(&finding.detail),
    ])
}

/// What was looked at.
fn question(check: Check) -> &'static str {
    match check {
        Check::Configuration => "Configuration",
        Check::Reachable => "Answer",
        Check::Issuer => "Issuer",
        Check::AuthorizationEndpoint => "Sign-in page",
        Check::TokenEndpoint => "Token endpoint",
        Check::Keys => "Keys",
        Check::Algorithms => "Signatures",
        Check::CodeFlow => "Flow",
        Check::Pkce => "PKCE",
        Check::Scopes => "Scopes",
    }
}

/// What a verdict means, and what to do about it.
fn sentence(check: Check, verdict: Verdict) -> &'static str {
    match (check, verdict) {
        (Check::Configuration, Verdict::Good) => "It is complete.",
        (Check::Configuration, _) => "It cannot work: edit the provider.",
        (Check::Reachable, Verdict::Good) => "The provider answers, and can be understood.",
        (Check::Reachable, _) => {
            "There is no answer that can be understood. Is the address right, and can this server \
             reach it?"
        }
        (Check::Issuer, Verdict::Good) => "The provider is the one whose address is set.",
        (Check::Issuer, _) => {
            "The provider calls itself something else. Set its address as it calls itself."
        }
        (Check::AuthorizationEndpoint, Verdict::Good) => "Browsers are sent there, encrypted.",
        (Check::AuthorizationEndpoint, Verdict::Doubtful) => {
            "Browsers are sent there without encryption, which is for trials only."
        }
        (Check::AuthorizationEndpoint, Verdict::Bad) => {
            "Browsers would be sent there without encryption."
        }
        (Check::TokenEndpoint, Verdict::Good) => "The secret is sent there, encrypted.",
        (Check::TokenEndpoint, Verdict::Doubtful) => {
            "The secret is sent there without encryption, which is for trials only."
        }
        (Check::TokenEndpoint, Verdict::Bad) => {
            "The secret would be sent there without encryption."
        }
        (Check::Keys, Verdict::Good) => "There are keys to verify with who signed in.",
        (Check::Keys, _) => "There is no key to verify with who signed in.",
        (Check::Algorithms, Verdict::Good) => "It signs in a way that is verified here.",
        (Check::Algorithms, Verdict::Doubtful) => "It does not say how it signs.",
        (Check::Algorithms, Verdict::Bad) => {
            "It signs in no way that is verified here. Choose RS256 or ES256 at the provider."
        }
        (Check::CodeFlow, Verdict::Good) => "It gives codes, as it should.",
        (Check::CodeFlow, Verdict::Doubtful) => "It does not say whether it gives codes.",
        (Check::CodeFlow, Verdict::Bad) => {
            "It gives no codes. Allow the authorization code flow at the provider."
        }
        (Check::Pkce, Verdict::Good) => "Codes are bound to the sign-in that asked for them.",
        (Check::Pkce, _) => "It does not say that it binds codes to the sign-in; most do anyway.",
        (Check::Scopes, Verdict::Good) => "It knows all that it is asked for.",
        (Check::Scopes, _) => "It does not say that it knows all that it is asked for.",
    }
}
