//! The files that pages need: one style sheet, one script, one icon.
//!
//! Pages ask for them under names that contain a hash of the content, so that they may be cached
//! for ever.

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;

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
    /// The content, packed by gzip.
    pub gzipped: &'static [u8],
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
        let packed = PACKED.iter().find(|packed| packed.file == self);
        let name = packed.map(|packed| packed.name.as_str());
        site.url(&format!("{}{}", paths::STATIC, name.unwrap_or_default()))
    }
}

/// A file, the name that pages use for it, and its content packed by gzip.
struct Packed {
    file: File,
    name: String,
    gzipped: Vec<u8>,
}

static PACKED: LazyLock<[Packed; 3]> = LazyLock::new(|| {
    File::ALL.map(|file| {
        let (.., text) = file.content();
        Packed { file, name: file.hashed_name(), gzipped: gzip(text.as_bytes()) }
    })
});

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let _never = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The file with this name below [`paths::STATIC`], with its hash (`mishap.0123456789abcdef.css`) or
/// without (`favicon.svg`).
pub fn asset(name: &str) -> Option<Asset> {
    PACKED.iter().find_map(|packed| {
        let (stem, end, content_type, text) = packed.file.content();
        let is_hashed = name == packed.name;
        let is_plain = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.')) == Some(end);
        let (bytes, gzipped) = (text.as_bytes(), packed.gzipped.as_slice());
        (is_hashed || is_plain).then_some(Asset { bytes, gzipped, content_type, is_hashed })
    })
}

/// The hashed names of all files.
pub fn names() -> impl Iterator<Item = &'static str> {
    PACKED.iter().map(|packed| packed.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let size = |name| asset(name).unwrap().gzipped.len();
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
