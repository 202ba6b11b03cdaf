//! What the acceptance suite needs to know.

use secrecy::SecretString;
use url::Url;

use super::{Environment, catalogue, public_url};

/// Which server is asked, and by whom.
#[derive(Debug, Clone)]
pub struct AcceptanceSettings {
    /// The server's address.
    pub url: Url,
    /// A token of an account that may make organizations.
    pub token: Option<SecretString>,
}

impl AcceptanceSettings {
    /// Reads what the suite needs to know, and nothing else.
    pub fn read(env: &mut Environment) -> Self {
        Self { url: public_url(env), token: env.secret(&catalogue::ACCEPTANCE_TOKEN) }
    }
}
