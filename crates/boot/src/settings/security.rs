//! What signs, what browsers are told, and whose pages may do what.

use secrecy::SecretString;

use super::Environment;
use super::catalogue::{self, Setting};
use super::kind::items;

/// The key that GlitchTip has if nobody sets one.
const NO_KEY: &str = "change_me";

/// What signs, what browsers are told, and whose pages may do what.
#[derive(Debug, Clone)]
pub struct SecuritySettings {
    /// What things are signed with; if there is none, one is to be made and kept in the database.
    pub secret_key: Option<SecretString>,
    /// Former keys whose signatures still count.
    pub secret_key_fallbacks: Vec<SecretString>,
    /// Hosts that requests may be for: `*` is any, `.example.com` that domain and those below it.
    pub allowed_hosts: Vec<String>,
    /// Further origins whose pages may change something with a session; the host may begin with
    /// `*.`.
    pub csrf_trusted_origins: Vec<String>,
    /// Whose pages may read answers.
    pub cors: Cors,
    /// What pages may load.
    pub csp: ContentSecurityPolicy,
    /// How browsers insist on https.
    pub hsts: Hsts,
    /// The cookie of a session.
    pub session: SessionCookie,
}

/// Whose pages may read answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Everybody's.
    pub allow_all: bool,
    /// Those of these origins, if not everybody's.
    pub origins: Vec<String>,
}

/// What pages may load.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentSecurityPolicy {
    /// Directives and their sources, in the order in which they are to be said; those without
    /// sources are left out. Sources are ASCII and hold no semicolon.
    pub directives: Vec<(&'static str, Vec<String>)>,
    /// Where browsers report what was refused.
    pub report_uri: Option<String>,
    /// How many of a hundred answers ask for reports.
    pub report_percentage: f64,
    /// Whether nothing is refused, only reported.
    pub report_only: bool,
}

/// How browsers insist on https.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hsts {
    /// How long; 0 for not at all.
    pub seconds: u64,
    /// Whether browsers' makers may know.
    pub preload: bool,
    /// Whether the hosts below are meant, too.
    pub include_subdomains: bool,
}

/// The cookie of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie {
    /// How long a session lasts, in seconds.
    pub age_seconds: u64,
    /// Whether browsers send it by https only.
    pub secure: bool,
    /// When browsers send it along from another site.
    pub same_site: SameSite,
}

/// When a browser sends a cookie along from another site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// When somebody follows a link.
    Lax,
    /// Never.
    Strict,
    /// Always; browsers want it to be `Secure` then.
    None,
}

impl SecuritySettings {
    /// Reads them. `is_https`: whether people come by https.
    pub fn read(env: &mut Environment, is_https: bool) -> Self {
        let mut allowed_hosts = env.list(&catalogue::ALLOWED_HOSTS);
        allowed_hosts.extend(env.optional(&catalogue::POD_IP));
        let fallbacks = env.list(&catalogue::SECRET_KEY_FALLBACKS);
        Self {
            secret_key: secret_key(env),
            secret_key_fallbacks: fallbacks.into_iter().map(SecretString::from).collect(),
            allowed_hosts,
            csrf_trusted_origins: env.list(&catalogue::CSRF_TRUSTED_ORIGINS),
            cors: Cors {
                allow_all: env.bool(&catalogue::CORS_ALLOW_ALL),
                origins: env.list(&catalogue::CORS_WHITELIST),
            },
            csp: ContentSecurityPolicy::read(env),
            hsts: Hsts {
                seconds: env.number(&catalogue::HSTS_SECONDS),
                preload: env.bool(&catalogue::HSTS_PRELOAD),
                include_subdomains: env.bool(&catalogue::HSTS_INCLUDE_SUBDOMAINS),
            },
            session: SessionCookie::read(env, is_https),
        }
    }
}

fn secret_key(env: &mut Environment) -> Option<SecretString> {
    let key = env.optional(&catalogue::SECRET_KEY)?;
    if key == NO_KEY {
        env.warning(format!("SECRET_KEY is {NO_KEY}, which is none: one is made and kept"));
        return None;
    }
    Some(key.into())
}

impl ContentSecurityPolicy {
    fn read(env: &mut Environment) -> Self {
        let directives: [(_, &Setting); 9] = [
            ("default-src", &catalogue::CSP_DEFAULT_SRC),
            ("style-src", &catalogue::CSP_STYLE_SRC),
            ("style-src-elem", &catalogue::CSP_STYLE_SRC_ELEM),
            ("font-src", &catalogue::CSP_FONT_SRC),
            ("connect-src", &catalogue::CSP_CONNECT_SRC),
            ("script-src", &catalogue::CSP_SCRIPT_SRC),
            ("img-src", &catalogue::CSP_IMG_SRC),
            ("frame-src", &catalogue::CSP_FRAME_SRC),
            ("worker-src", &catalogue::CSP_WORKER_SRC),
        ];
        let directives = directives.map(|(directive, setting)| {
            let text = env.text(setting);
            let sources = items(&text).flat_map(str::split_ascii_whitespace);
            (directive, sources.map(str::to_owned).collect::<Vec<_>>())
        });
        let said = directives.into_iter().filter(|(_, sources)| !sources.is_empty());
        Self {
            directives: said.collect(),
            report_uri: env.optional(&catalogue::CSP_REPORT_URI),
            report_percentage: env.number(&catalogue::CSP_REPORT_PERCENTAGE),
            report_only: env.bool(&catalogue::CSP_REPORT_ONLY),
        }
    }
}

impl SessionCookie {
    fn read(env: &mut Environment, is_https: bool) -> Self {
        let secure = match env.is_set(&catalogue::SESSION_COOKIE_SECURE) {
            true => env.bool(&catalogue::SESSION_COOKIE_SECURE),
            false => is_https,
        };
        let same_site = match env.word(&catalogue::SESSION_COOKIE_SAMESITE).as_str() {
            "strict" => SameSite::Strict,
            "none" => SameSite::None,
            _ => SameSite::Lax,
        };
        Self { age_seconds: env.number(&catalogue::SESSION_COOKIE_AGE), secure, same_site }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::settings::tests::{problems, settings, warnings};

    #[test]
    fn a_key_that_everybody_knows_is_none() {
        assert!(settings([]).security.secret_key.is_none());
        assert!(settings([("SECRET_KEY", "")]).security.secret_key.is_none());
        assert!(settings([("SECRET_KEY", NO_KEY)]).security.secret_key.is_none());
        assert_eq!(warnings([("SECRET_KEY", NO_KEY)]).len(), 1);
        let security =
            settings([("SECRET_KEY", "new"), ("SECRET_KEY_FALLBACKS", "old,older")]).security;
        assert_eq!(security.secret_key.unwrap().expose_secret(), "new");
        let fallbacks = security.secret_key_fallbacks.iter().map(SecretString::expose_secret);
        assert_eq!(fallbacks.collect::<Vec<_>>(), ["old", "older"]);
    }

    #[test]
    fn the_pod_s_address_is_one_more_host() {
        assert_eq!(settings([]).security.allowed_hosts, ["*"]);
        let both = [("ALLOWED_HOSTS", "a.com, .b.com,"), ("POD_IP", "10.1.2.3")];
        assert_eq!(settings(both).security.allowed_hosts, ["a.com", ".b.com", "10.1.2.3"]);
    }

    #[test]
    fn a_policy_says_what_is_set_and_nothing_else() {
        let said = |csp: ContentSecurityPolicy| {
            let directives = csp.directives.into_iter();
            let said = directives.map(|(name, sources)| format!("{name} {}", sources.join(" ")));
            said.collect::<Vec<_>>().join("; ")
        };
        assert_eq!(
            said(settings([]).security.csp),
            "default-src 'self'; style-src 'self'; font-src 'self' data:; connect-src 'self'; \
             script-src 'self'; img-src 'self'; frame-src 'self'"
        );
        let csp = settings([
            ("CSP_DEFAULT_SRC", "'none'"),
            ("CSP_IMG_SRC", ""),
            ("CSP_WORKER_SRC", "'self',blob: https://a.com"),
            ("CSP_REPORT_PERCENTAGE", "0.5"),
            ("CSP_REPORT_ONLY", "True"),
        ])
        .security
        .csp;
        assert!(csp.report_only);
        assert!((csp.report_percentage - 0.5).abs() < f64::EPSILON);
        let said = said(csp);
        assert!(said.starts_with("default-src 'none'; style-src 'self'; font-src"), "{said}");
        assert!(said.ends_with("worker-src 'self' blob: https://a.com"), "{said}");
        assert!(!said.contains("img-src"), "{said}");
        assert_eq!(problems([("CSP_IMG_SRC", "'self'; script-src *")]).len(), 1);
        assert_eq!(problems([("CSP_REPORT_PERCENTAGE", "101")]).len(), 1);
    }

    #[test]
    fn a_cookie_is_secure_if_people_come_by_https_or_if_it_is_said() {
        let session = |variables: [(&str, &str); 2]| settings(variables).security.session;
        let (https, http) = (("GLITCHTIP_URL", "https://a.com"), ("GLITCHTIP_URL", "http://a.com"));
        assert!(session([https, ("X", "")]).secure);
        assert!(!session([http, ("X", "")]).secure);
        assert!(session([http, ("SESSION_COOKIE_SECURE", "True")]).secure);
        assert!(!session([https, ("SESSION_COOKIE_SECURE", "False")]).secure);
        let lasting =
            session([("SESSION_COOKIE_AGE", "60"), ("SESSION_COOKIE_SAMESITE", "strict")]);
        assert_eq!((lasting.age_seconds, lasting.same_site), (60, SameSite::Strict));
        assert_eq!(problems([("SESSION_COOKIE_SAMESITE", "maybe")]).len(), 1);
    }

    #[test]
    fn origins_need_a_scheme() {
        let origins = ("CSRF_TRUSTED_ORIGINS", "https://a.com, https://*.b.com:8443");
        let trusted = settings([origins]).security.csrf_trusted_origins;
        assert_eq!(trusted, ["https://a.com", "https://*.b.com:8443"]);
        for wrong in ["a.com", "https://", "https://a.com/path", "https://a\u{7}.com"] {
            assert_eq!(problems([("CORS_ORIGIN_WHITELIST", wrong)]).len(), 1, "{wrong}");
        }
    }
}
