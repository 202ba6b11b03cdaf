use std::collections::BTreeMap;

use html5gum::{Token, Tokenizer};
use mishap_testkit::{Answer, Browser};

/// A page, as a browser reads it.
pub(super) struct Document {
    pieces: Vec<Piece>,
}

/// What a page is made of, in order.
enum Piece {
    Start(Tag),
    End(String),
    Text(String),
}

/// A start tag.
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
}

/// Attributes that name an address.
const ADDRESSES: [&str; 5] = ["href", "src", "action", "formaction", "data-options"];

impl Document {
    /// Reads the body of an answer.
    pub(super) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{}", answer.body);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut pieces = Vec::new();
        for token in Tokenizer::new(&answer.body) {
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
                Token::Doctype(_) => {}
                Token::Comment(_) | Token::Error(_) => panic!("{token:?} in {}", answer.body),
            }
        }
        Self { pieces }
    }

    /// All start tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Start(tag) => Some(tag),
            Piece::End(_) | Piece::Text(_) => None,
        })
    }

    /// The text of the first element that is looked for; it holds no other of its kind.
    fn text_of(&self, is_wanted: impl Fn(&Tag) -> bool) -> Option<String> {
        let is_start = |piece: &Piece| matches!(piece, Piece::Start(tag) if is_wanted(tag));
        let start = self.pieces.iter().position(is_start)?;
        let Piece::Start(Tag { name, .. }) = &self.pieces[start] else { return None };
        let inside = self.pieces[start + 1..]
            .iter()
            .take_while(|piece| !matches!(piece, Piece::End(end) if end == name));
        Some(inside.filter_map(Piece::text).collect())
    }

    /// What it is called.
    pub(super) fn heading(&self) -> String {
        self.text_of(|tag| tag.name == "h1").unwrap()
    }

    /// What the browser's tab says.
    pub(super) fn title(&self) -> String {
        self.text_of(|tag| tag.name == "title").unwrap()
    }

    /// The text of an element with an id.
    pub(super) fn text_at(&self, id: &str) -> Option<String> {
        self.text_of(|tag| tag.get("id") == Some(id))
    }

    /// All text, blanks made one.
    pub(super) fn text(&self) -> String {
        let texts = self.pieces.iter().map(|piece| piece.text().unwrap_or(" "));
        texts.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What is said of the whole: whether it is a problem, and the words.
    pub(super) fn notices(&self) -> Vec<(bool, String)> {
        let mut notices = Vec::new();
        for (place, piece) in self.pieces.iter().enumerate() {
            let Piece::Start(tag) = piece else { continue };
            if tag.get("class").is_some_and(|class| class.starts_with("notice ")) {
                let rest = &self.pieces[place..];
                let words = rest.iter().filter_map(Piece::text).next().unwrap();
                notices.push((tag.get("role") == Some("alert"), words.to_owned()));
            }
        }
        notices
    }

    /// What is wrong, by field; nothing is the whole. A screen reader is told of each at its field.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let general = self.notices().into_iter().filter(|(is_problem, _)| *is_problem);
        let mut problems: Vec<_> = general.map(|(_, words)| (String::new(), words)).collect();
        for tag in self.tags().filter(|tag| tag.get("aria-invalid") == Some("true")) {
            let ids = tag.get("aria-describedby").unwrap_or_default().split(' ');
            let id = ids.into_iter().find(|id| id.ends_with("-problem")).unwrap();
            problems.push((tag.get("name").unwrap().to_owned(), self.text_at(id).unwrap()));
        }
        let is_shown = self.title().starts_with("Problem: ");
        assert_eq!(is_shown, !problems.is_empty(), "the tab says so: {}", self.title());
        problems
    }

    /// Every address on the page.
    pub(super) fn addresses(&self) -> Vec<&str> {
        let named = |tag| ADDRESSES.into_iter().filter_map(move |name| Tag::get(tag, name));
        self.tags().flat_map(named).collect()
    }

    /// Where the links lead that are called so.
    pub(super) fn link(&self, words: &str) -> &str {
        let mut href = None;
        for piece in &self.pieces {
            match piece {
                Piece::Start(tag) if tag.name == "a" => href = tag.get("href"),
                Piece::Text(text) if text.trim() == words && href.is_some() => {
                    return href.unwrap();
                }
                Piece::End(name) if name == "a" => href = None,
                _ => {}
            }
        }
        panic!("no link is called {words}: {}", self.text());
    }

    /// The one form that goes there, as it is before anything is typed.
    pub(super) fn form(&self, action: &str) -> Form {
        let mut forms = self.forms().into_iter().filter(|form| form.action == action);
        let form = forms.next();
        let form = form.unwrap_or_else(|| panic!("no form goes to {action}: {}", self.text()));
        assert!(forms.next().is_none(), "two forms go to {action}");
        form
    }

    /// Every form that changes something.
    pub(super) fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        let mut is_inside = false;
        for piece in &self.pieces {
            match piece {
                Piece::Start(tag) if tag.name == "form" => {
                    assert_eq!(tag.get("method"), Some("post"));
                    let action = tag.get("action").unwrap().to_owned();
                    forms.push(Form { action, fields: Vec::new() });
                    is_inside = true;
                }
                Piece::End(name) if name == "form" => is_inside = false,
                Piece::Start(tag) if is_inside && tag.name == "input" => {
                    let value = tag.get("value").unwrap_or_default().to_owned();
                    let field = (tag.get("name").unwrap().to_owned(), value);
                    forms.last_mut().unwrap().fields.push(field);
                }
                _ => {}
            }
        }
        forms
    }
}

impl Piece {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Start(_) | Self::End(_) => None,
        }
    }
}

impl Tag {
    /// An attribute.
    pub(super) fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }
}

/// A form, as a browser fills it in and sends it.
pub(super) struct Form {
    pub(super) action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// What is in a field.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Types into fields of the form.
    pub(super) fn fill(mut self, typed: &[(&str, &str)]) -> Self {
        for (name, text) in typed {
            let field = self.fields.iter_mut().find(|(field, _)| field == name);
            let (_, value) = field.unwrap_or_else(|| panic!("there is no field {name}"));
            (*text).clone_into(value);
        }
        self
    }

    /// Sends what is in it.
    pub(super) async fn send(self, browser: &mut Browser) -> Answer {
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post_form_as_it_is(&self.action, &fields).await
    }
}
