//! All pages in all their states, for tests and for eyes.

use crate::shell::{Navigation, Shell};
use crate::{admin, pages};

/// A whole HTML document.
pub trait Page: Sized + 'static {
    /// The document's text.
    fn render(&self, shell: &Shell) -> String;

    /// States worth looking at: empty, usual, and with the worst that strangers may send.
    fn samples() -> Vec<Sample<Self>>;
}

/// A state of a page.
#[derive(Debug)]
pub struct Sample<P> {
    /// What is special about it.
    pub name: &'static str,
    /// The page.
    pub page: P,
}

/// One state, in the order of the product.
pub struct Exhibit {
    /// The page's and the state's name: `sign-in/typical`.
    pub name: String,
    /// The shell that fits.
    pub shell: Shell,
    render: Box<dyn Fn(&Shell) -> String>,
}

impl Exhibit {
    /// The document in a shell, which may differ from the exhibit's own.
    pub fn render(&self, shell: &Shell) -> String {
        (self.render)(shell)
    }
}

fn exhibits<P: Page>(name: &str, shell: &Shell) -> Vec<Exhibit> {
    let exhibit = |sample: Sample<P>| Exhibit {
        name: format!("{name}/{}", sample.name),
        shell: shell.clone(),
        render: Box::new(move |shell| sample.page.render(shell)),
    };
    P::samples().into_iter().map(exhibit).collect()
}

/// Every page with every sample.
pub fn exhibits_of_all() -> Vec<Exhibit> {
    let stranger = Shell::sample_of_stranger();
    let person = Shell::sample();
    let admin = Shell { navigation: Some(Navigation::sample()), ..person.clone() };
    let all = [
        exhibits::<pages::SignIn>("sign-in", &stranger),
        exhibits::<pages::SignUp>("sign-up", &stranger),
        exhibits::<pages::ProviderSignUp>("provider-sign-up", &stranger),
        exhibits::<pages::SecondFactor>("second-factor", &stranger),
        exhibits::<pages::PasswordForgotten>("password-forgotten", &stranger),
        exhibits::<pages::PasswordReset>("password-reset", &stranger),
        exhibits::<pages::ConfirmAddress>("confirm-address", &stranger),
        exhibits::<pages::AcceptInvitation>("accept-invitation", &stranger),
        exhibits::<pages::SignedOut>("signed-out", &stranger),
        exhibits::<pages::FirstRun>("first-run", &stranger),
        exhibits::<pages::ErrorPage>("error", &stranger),
        exhibits::<pages::ApiReference>("api-reference", &stranger),
        exhibits::<pages::ApiPermissions>("api-permissions", &stranger),
        exhibits::<pages::ApiTokens>("api-tokens", &person),
        exhibits::<pages::Security>("security", &person),
        exhibits::<pages::TotpSetup>("totp-setup", &person),
        exhibits::<pages::RecoveryCodes>("recovery-codes", &person),
        exhibits::<admin::ListPage>("admin-list", &admin),
        exhibits::<admin::DetailPage>("admin-detail", &admin),
        exhibits::<admin::FormPage>("admin-form", &admin),
        exhibits::<admin::StatusPage>("admin-status", &admin),
        exhibits::<admin::ConfigPage>("admin-config", &admin),
        exhibits::<admin::AuditPage>("admin-audit", &admin),
    ];
    all.into_iter().flatten().map(in_hostile_shell).collect()
}

/// The worst page is shown in the worst shell.
fn in_hostile_shell(exhibit: Exhibit) -> Exhibit {
    if !exhibit.name.ends_with("/hostile") {
        return exhibit;
    }
    let hostile = Shell::sample_hostile();
    let person = exhibit.shell.person.as_ref().and(hostile.person.clone());
    let navigation = exhibit.shell.navigation.clone();
    Exhibit { shell: Shell { person, navigation, ..hostile }, ..exhibit }
}
