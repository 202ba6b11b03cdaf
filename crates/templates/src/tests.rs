//! What holds for every page in every state.

use std::collections::{BTreeMap, BTreeSet};

use html5gum::{Token, Tokenizer};

use crate::gallery::{Exhibit, exhibits_of_all};
use crate::shell::{CsrfToken, Theme};
use crate::{Shell, Site, assets, paths, sample};

/// A start tag.
#[derive(Debug, Clone)]
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

impl Tag {
    fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    fn is(&self, name: &str) -> bool {
        self.name == name
    }

    fn has(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
    }

    fn is_hidden_input(&self) -> bool {
        self.is("input") && (self.get("type") == Some("hidden") || self.has("hidden"))
    }
}

/// What a document is made of, in order.
#[derive(Debug, Clone)]
enum Piece {
    Start(Tag),
    End(String),
    Text(String),
}

/// Elements without an end.
const VOID: &[&str] = &["input", "meta", "link", "br", "hr", "img"];

/// Reads a document as a browser does; whatever a browser would have to guess fails.
fn read(name: &str, html: &str) -> Vec<Piece> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let tokenizer = Tokenizer::new(html);
    let mut pieces = Vec::new();
    for token in tokenizer {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let attributes = tag.attributes.iter();
                let attributes =
                    attributes.map(|(name, value)| (text(name), text(&value.value))).collect();
                pieces.push(Piece::Start(Tag { name: text(&tag.name), attributes }));
            }
            Token::EndTag(tag) => pieces.push(Piece::End(text(&tag.name))),
            Token::String(string) => pieces.push(Piece::Text(text(&string.value))),
            Token::Comment(_) => panic!("{name}: a comment"),
            Token::Error(error) => panic!("{name}: {error:?}"),
            Token::Doctype(_) => {}
        }
    }
    pieces
}

fn tags(pieces: &[Piece]) -> Vec<&Tag> {
    fn start(piece: &Piece) -> Option<&Tag> {
        match piece {
            Piece::Start(tag) => Some(tag),
            Piece::End(_) | Piece::Text(_) => None,
        }
    }
    pieces.iter().filter_map(start).collect()
}

/// Each element of a kind, with what is in it.
fn elements<'p>(pieces: &'p [Piece], name: &str) -> Vec<(&'p Tag, &'p [Piece])> {
    let mut found = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let Piece::Start(tag) = piece else { continue };
        if !tag.is(name) {
            continue;
        }
        let mut depth = 0_u32;
        let end = pieces[place..].iter().position(|piece| {
            match piece {
                Piece::Start(inner) if inner.is(name) => depth += 1,
                Piece::End(inner) if inner == name => depth -= 1,
                Piece::Start(_) | Piece::End(_) | Piece::Text(_) => {}
            }
            depth == 0
        });
        found.push((tag, &pieces[place + 1..place + end.unwrap()]));
    }
    found
}

fn text_of(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Start(_) | Piece::End(_) => String::new(),
    };
    pieces.iter().map(text).collect()
}

/// Every page in every state, read.
fn all() -> Vec<(Exhibit, Vec<Piece>)> {
    let read = |exhibit: Exhibit| {
        let html = exhibit.render(&exhibit.shell);
        let pieces = read(&exhibit.name, &html);
        (exhibit, pieces)
    };
    exhibits_of_all().into_iter().map(read).collect()
}

#[test]
fn every_page_has_samples_and_is_in_the_gallery() {
    let names: Vec<String> = exhibits_of_all().into_iter().map(|exhibit| exhibit.name).collect();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "two exhibits have one name");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let pages: usize = ["pages", "admin"]
        .iter()
        .flat_map(|part| files(&folder.join(part)))
        .map(|file| std::fs::read_to_string(file).unwrap().matches("impl Page for").count())
        .sum();
    let kinds: BTreeSet<&str> =
        names.iter().filter_map(|name| name.split_once('/')).map(|(page, _)| page).collect();
    assert_eq!(kinds.len(), pages, "each page is shown: {kinds:?}");
    for kind in kinds {
        assert!(names.contains(&format!("{kind}/hostile")), "{kind} has no hostile sample");
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn tags_are_balanced() {
    for (exhibit, pieces) in all() {
        let mut open: Vec<&str> = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Start(tag) if VOID.contains(&tag.name.as_str()) => {}
                Piece::Start(tag) => open.push(&tag.name),
                Piece::End(name) => assert_eq!(open.pop(), Some(name.as_str()), "{}", exhibit.name),
                Piece::Text(_) => {}
            }
        }
        assert_eq!(open, [""; 0], "{}", exhibit.name);
    }
}

#[test]
fn a_page_has_a_language_a_title_a_main_part_and_one_heading() {
    for (exhibit, pieces) in all() {
        let name = &exhibit.name;
        let tags = tags(&pieces);
        let count = |name: &str| tags.iter().filter(|tag| tag.is(name)).count();
        assert_eq!((count("h1"), count("main"), count("title")), (1, 1, 1), "{name}");
        assert_eq!(tags[0].get("lang"), Some("en"), "{name}");
        let (_, title) = elements(&pieces, "title")[0];
        let (_, heading) = elements(&pieces, "h1")[0];
        assert!(text_of(title).contains(text_of(heading).trim()), "{name}: {title:?}");
        assert!(text_of(title).contains(exhibit.shell.site.name()), "{name}");
        let skip = tags.iter().find(|tag| tag.is("a")).unwrap();
        assert_eq!(skip.get("href"), Some("#main"), "{name}: the first link skips");
    }
}

#[test]
fn headings_skip_no_level() {
    for (exhibit, pieces) in all() {
        let mut before = 2;
        for tag in tags(&pieces) {
            let Some(level) = tag.name.strip_prefix('h').and_then(|level| level.parse().ok())
            else {
                continue;
            };
            assert!(level <= before + 1, "{}: h{level} after h{before}", exhibit.name);
            before = level;
        }
    }
}

#[test]
fn every_question_has_a_label_and_points_to_its_explanations() {
    for (exhibit, pieces) in all() {
        let name = &exhibit.name;
        let tags = tags(&pieces);
        let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: an id is there twice: {ids:?}");
        let labels: BTreeSet<&str> =
            tags.iter().filter(|tag| tag.is("label")).filter_map(|tag| tag.get("for")).collect();
        let inside: Vec<&Tag> = elements(&pieces, "label")
            .into_iter()
            .flat_map(|(_, inside)| self::tags(inside))
            .collect();
        for tag in tags.iter().filter(|tag| ["input", "select", "textarea"].contains(&&*tag.name)) {
            if tag.is_hidden_input() {
                continue;
            }
            let is_inside = inside.iter().any(|inner| std::ptr::eq(*inner, *tag));
            let is_named = tag.get("id").is_some_and(|id| labels.contains(id));
            assert!(is_inside || is_named, "{name}: {tag:?} has no label");
        }
        for tag in &tags {
            for reference in ["aria-describedby", "aria-labelledby", "for", "popovertarget"] {
                for id in tag.get(reference).unwrap_or_default().split_whitespace() {
                    assert!(unique.contains(id), "{name}: {reference} points to no {id}");
                }
            }
            if tag.get("aria-invalid") == Some("true") {
                let described_by = tag.get("aria-describedby").unwrap_or_default();
                assert!(described_by.ends_with("-problem"), "{name}: {tag:?} does not say why");
            }
        }
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (exhibit, pieces) in all() {
        for (form, inside) in elements(&pieces, "form") {
            let name = &exhibit.name;
            let tokens = tags(inside);
            let mut tokens =
                tokens.iter().filter(|tag| tag.get("name") == Some("csrfmiddlewaretoken"));
            match form.get("method") {
                Some("post") => {
                    let token = tokens.next().unwrap_or_else(|| panic!("{name}: {form:?}"));
                    assert_eq!(token.get("value"), Some("sampleToken0123456789sampleToken"));
                }
                // What is in the address is in logs and histories.
                Some("get") => assert!(tokens.next().is_none(), "{name}: {form:?}"),
                other => panic!("{name}: a form with the method {other:?}"),
            }
            assert!(form.has("action"), "{name}: {form:?}");
        }
    }
}

#[test]
fn nothing_is_inline_and_nothing_is_asked_of_others() {
    for (exhibit, pieces) in all() {
        let name = &exhibit.name;
        let root = exhibit.shell.site.url(paths::STATIC);
        for tag in tags(&pieces) {
            for (attribute, value) in &tag.attributes {
                assert!(!attribute.starts_with("on"), "{name}: {tag:?}");
                assert_ne!(attribute, "style", "{name}: {tag:?}");
                let is_file = attribute == "src" || (tag.is("link") && attribute == "href");
                assert!(!is_file || value.starts_with(&root), "{name}: {tag:?}");
                let leads = attribute == "href" || attribute == "action";
                assert!(!leads || crate::link::safe_url(value).is_some(), "{name}: {tag:?}");
            }
            let foreign = ["style", "img", "iframe", "object", "embed", "base", "font"];
            assert!(!foreign.contains(&tag.name.as_str()), "{name}: {tag:?}");
        }
        for (script, inside) in elements(&pieces, "script") {
            assert!(script.has("src") && script.has("defer"), "{name}: {script:?}");
            assert_eq!(text_of(inside), "", "{name}");
        }
    }
}

#[test]
fn every_address_is_below_the_installation_s_root() {
    for exhibit in exhibits_of_all() {
        let site = Site::new("/some/where", "Mishap");
        let shell = Shell { site, ..exhibit.shell.clone() };
        let html = exhibit.render(&shell);
        for tag in tags(&read(&exhibit.name, &html)) {
            for attribute in ["href", "action", "src", "data-options"] {
                let Some(address) = tag.get(attribute) else { continue };
                let is_below = address.starts_with("/some/where/") || address.starts_with('#');
                assert!(is_below, "{}: {tag:?}", exhibit.name);
            }
        }
    }
}

#[test]
fn texts_of_strangers_stay_texts() {
    let mut shown = 0;
    for (exhibit, pieces) in all() {
        let html = exhibit.render(&exhibit.shell);
        assert!(!html.contains("<script>"), "{}", exhibit.name);
        assert!(!html.contains("<img"), "{}", exhibit.name);
        let tags = tags(&pieces);
        let in_texts = text_of(&pieces).matches(sample::MARKUP).count();
        let in_values = tags.iter().flat_map(|tag| tag.attributes.values());
        let in_values = in_values.filter(|value| value.contains(sample::MARKUP)).count();
        shown += in_texts + in_values;
        assert_eq!(elements(&pieces, "script").len(), 1, "{}", exhibit.name);
    }
    assert!(shown > 100, "the hostile samples are shown: {shown}");
}

#[test]
fn secrets_are_on_the_page_they_are_for_and_in_no_address() {
    let html = |name: &str| {
        let exhibit = exhibits_of_all().into_iter().find(|exhibit| exhibit.name == name).unwrap();
        exhibit.render(&exhibit.shell)
    };
    assert!(html("totp-setup/typical").contains("JBSW Y3DP"));
    assert!(html("recovery-codes/typical").contains("00001234"));
    assert!(!html("admin-config/typical").contains("SECRET_KEY="));
    let password = html("sign-in/refused");
    assert!(!password.contains("type=\"password\" value"), "a password is not sent back");
}

#[test]
fn the_theme_is_the_person_s_choice() {
    let exhibits = exhibits_of_all();
    let exhibit = exhibits.first().unwrap();
    for (theme, expected) in
        [(Theme::System, None), (Theme::Light, Some("light")), (Theme::Dark, Some("dark"))]
    {
        let shell = Shell { theme, ..exhibit.shell.clone() };
        let pieces = read("theme", &exhibit.render(&shell));
        let tags = tags(&pieces);
        assert_eq!(tags[0].get("data-theme"), expected);
        let pressed: Vec<_> = tags
            .iter()
            .filter(|tag| tag.get("aria-pressed") == Some("true"))
            .filter_map(|tag| tag.get("value"))
            .collect();
        assert_eq!(pressed, [theme.name()]);
    }
}

#[test]
fn who_is_signed_in_can_sign_out_and_only_staff_sees_the_administration() {
    let exhibits = exhibits_of_all();
    let exhibit = exhibits.iter().find(|exhibit| exhibit.name == "security/typical").unwrap();
    let admin = "href=\"/admin/\"";
    let html = exhibit.render(&exhibit.shell);
    assert!(html.contains(admin) && html.contains("action=\"/logout\""));
    let mut shell = exhibit.shell.clone();
    shell.person.as_mut().unwrap().is_staff = false;
    assert!(!exhibit.render(&shell).contains(admin));
    shell.person = None;
    let html = exhibit.render(&shell);
    assert!(!html.contains("action=\"/logout\"") && html.contains("href=\"/login\""));
}

#[test]
fn a_token_that_looks_like_markup_is_escaped() {
    let shell = Shell { csrf_token: CsrfToken::new("\"><script>"), ..Shell::sample_of_stranger() };
    let exhibits = exhibits_of_all();
    let html = exhibits.first().unwrap().render(&shell);
    assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;\""));
}

#[test]
fn pages_are_small() {
    use std::io::Write as _;
    for exhibit in exhibits_of_all().iter().filter(|exhibit| exhibit.name.ends_with("/typical")) {
        let html = exhibit.render(&exhibit.shell);
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        zip.write_all(html.as_bytes()).unwrap();
        let size = zip.finish().unwrap().len();
        assert!(size <= 35 * 1024, "{}: {size} bytes", exhibit.name);
    }
}

#[test]
fn every_class_has_a_style() {
    let style = assets::asset("mishap.css").unwrap();
    let style = std::str::from_utf8(style.bytes).unwrap();
    let mut unknown = BTreeSet::new();
    for (_, pieces) in all() {
        for tag in tags(&pieces) {
            for class in tag.get("class").unwrap_or_default().split_whitespace() {
                if !style.contains(&format!(".{class}")) {
                    unknown.insert(class.to_owned());
                }
            }
        }
    }
    assert_eq!(unknown, BTreeSet::new());
}
