//! The files that pages need: one style sheet, one script, one icon.
//!
//! Pages ask for them under names that contain a hash of the content, so that they may be cached
//! for ever.

use std::sync::LazyLock;

use crate::paths;
use crate::shell::Site;

/// All style; the order of the layers is at its beginning.
const STYLE: &str = concat!(
    include_str!("../assets/style/tokens.css"),
    include_str!("../assets/style/elements.css"),
    include_str!("../assets/style/shell.css"),
    include_str!("../assets/style/forms.css"),
    include_str!("../assets/style/parts.css"),
);

/// What a file of [`paths::STATIC`] is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// The content.
    pub bytes: &'static [u8],
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// Whether the name contains the content's hash: what is under it never changes.
    pub is_hashed: bool,
}

/// A file that pages ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    Style,
    Script,
    Icon,
}

impl File {
    const ALL: [Self; 3] = [Self::Style, Self::Script, Self::Icon];

    /// Name, end of the name, type and content.
    fn content(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Style => ("mishap", "css", "text/css; charset=utf-8", STYLE),
            Self::Script => {
                let script = include_str!("../assets/mishap.js");
                ("mishap", "js", "text/javascript; charset=utf-8", script)
            }
            Self::Icon => {
                ("favicon", "svg", "image/svg+xml", include_str!("../assets/favicon.svg"))
            }
        }
    }

    fn hashed_name(self) -> String {
        let (stem, end, _, text) = self.content();
        let hash = blake3::hash(text.as_bytes()).to_hex();
        format!("{stem}.{}.{end}", mishap_core::text::truncated(&hash, 16))
    }

    /// Where the file is.
    pub(crate) fn url(self, site: &Site) -> String {
        let name = NAMES.iter().find(|(file, _)| *file == self).map(|(_, name)| name.as_str());
        site.url(&format!("{}{}", paths::STATIC, name.unwrap_or_default()))
    }
}

/// Each file and the name that pages use for it.
static NAMES: LazyLock<[(File, String); 3]> =
    LazyLock::new(|| File::ALL.map(|file| (file, file.hashed_name())));

/// The file with this name below [`paths::STATIC`], with its hash (`mishap.0123456789abcdef.css`) or
/// without (`favicon.svg`).
pub fn asset(name: &str) -> Option<Asset> {
    NAMES.iter().find_map(|(file, hashed)| {
        let (stem, end, content_type, text) = file.content();
        let is_hashed = name == hashed;
        let is_plain = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.')) == Some(end);
        (is_hashed || is_plain).then_some(Asset { bytes: text.as_bytes(), content_type, is_hashed })
    })
}

/// The hashed names of all files.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(_, name)| name.as_str())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn zipped(bytes: &[u8]) -> usize {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().len()
    }

    #[test]
    fn files_are_found_by_either_name_and_no_other() {
        for name in names() {
            assert!(asset(name).unwrap().is_hashed, "{name}");
        }
        let icon = asset("favicon.svg").unwrap();
        assert!(!icon.is_hashed);
        assert_eq!(icon.content_type, "image/svg+xml");
        for name in ["", "mishap", "mishap.", "mishap.css.js", "../mishap.css", "mishap.0.css"] {
            assert_eq!(asset(name), None, "{name}");
        }
    }

    #[test]
    fn a_page_s_files_stay_within_their_budget() {
        let size = |name| zipped(asset(name).unwrap().bytes);
        assert!(size("mishap.css") <= 18 * 1024, "{}", size("mishap.css"));
        assert!(size("mishap.js") <= 12 * 1024, "{}", size("mishap.js"));
        assert!(size("favicon.svg") <= 1024, "{}", size("favicon.svg"));
    }

    #[test]
    fn the_style_sheet_asks_nobody_for_anything() {
        for foreign in ["@import", "url(", "http:", "https:", "@font-face"] {
            assert!(!STYLE.contains(foreign), "{foreign}");
        }
    }
}
