//! Addresses that may be put into a page.

use std::sync::LazyLock;

use url::Url;

use crate::shell::Site;

/// What a relative address is read against; `None` never, but a constant cannot be parsed.
static HERE: LazyLock<Option<Url>> = LazyLock::new(|| Url::parse("https://here.invalid/").ok());

/// Reads an address as a browser would.
fn read(address: &str) -> Option<Url> {
    Url::options().base_url(HERE.as_ref()).parse(address).ok()
}

/// The address, if it is one that a click may follow: `http`, `https`, `mailto` or relative.
///
/// Browsers ignore blanks before and line ends within a scheme, and so does this.
pub fn safe_url(address: &str) -> Option<&str> {
    let url = read(address)?;
    matches!(url.scheme(), "http" | "https" | "mailto").then_some(address)
}

/// The address, if it leads to this installation whatever its host: a path, with or without a query.
///
/// This is what may be followed after signing in (`next`): anything else would let a stranger's link
/// lead away from here.
pub fn local_path(address: &str) -> Option<&str> {
    let is_odd = |letter: char| letter == '\\' || letter.is_control();
    let is_path = address.starts_with('/') && !address.contains(is_odd);
    let stays = is_path && read(address)?.origin() == HERE.as_ref()?.origin();
    stays.then_some(address)
}

/// Where a click leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Within(String),
    Elsewhere(String),
}

impl Link {
    /// A path of this installation, from its root (`/admin/users/7?tab=keys`).
    pub fn within(path: impl Into<String>) -> Self {
        Self(Kind::Within(path.into()))
    }

    /// An address of anywhere, if it may be followed ([`safe_url`]).
    pub fn elsewhere(address: impl Into<String>) -> Option<Self> {
        let address = address.into();
        safe_url(&address).is_some().then_some(Self(Kind::Elsewhere(address)))
    }

    /// What stands in `href`.
    pub fn href(&self, site: &Site) -> String {
        match &self.0 {
            Kind::Within(path) => site.url(path),
            Kind::Elsewhere(address) => address.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_addresses_are_followed() {
        for address in [
            "https://example.com/a?b#c",
            "HTTP://example.com",
            "mailto:ada@example.com",
            "/issues/7",
            "issues?page=2",
            "#top",
            "//example.com/",
            "",
        ] {
            assert_eq!(safe_url(address), Some(address), "{address}");
        }
        for address in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://here.invalid/x",
            "https://",
        ] {
            assert_eq!(safe_url(address), None, "{address:?}");
        }
        assert_eq!(Link::elsewhere("javascript:alert(1)"), None);
    }

    #[test]
    fn only_paths_stay_here() {
        for path in ["/", "/issues?query=a%20b", "/a//b", "/login#x"] {
            assert_eq!(local_path(path), Some(path));
        }
        for path in [
            "",
            "issues",
            "//example.com",
            "///example.com",
            "/\\example.com",
            "/\t/example.com",
            "/\u{b}/example.com",
            "/issues\u{7f}",
            "/issues\0",
            "https://here.invalid/",
            "javascript:alert(1)",
        ] {
            assert_eq!(local_path(path), None, "{path:?}");
        }
    }

    #[test]
    fn links_within_get_the_installation_s_path() {
        let site = Site::new("/errors/", "Mishap");
        assert_eq!(Link::within("/admin/").href(&site), "/errors/admin/");
        let elsewhere = Link::elsewhere("https://example.com/").unwrap();
        assert_eq!(elsewhere.href(&site), "https://example.com/");
    }
}
