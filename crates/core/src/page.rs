//! Pages of a list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Items of a page unless the client says otherwise (GlitchTip).
const DEFAULT_LIMIT: i64 = 50;

/// Items of a page at most (GlitchTip).
const MAX_LIMIT: i64 = 100;

/// The number of items on a page.
///
/// Missing or zero means 50, more than 100 means 100, and less than zero means none.
pub fn limit(asked: Option<i64>) -> i64 {
    match asked {
        None | Some(0) => DEFAULT_LIMIT,
        Some(limit) => limit.clamp(0, MAX_LIMIT),
    }
}

/// A place in a list, between two items, and the direction to read from there.
///
/// It names the sort key of the item it is next to, so that a page neither repeats nor skips
/// what others add or remove meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The sort key's leading number.
    pub position: i64,
    /// What tells items with the same position apart.
    pub id: i64,
    /// Whether the page ends here instead of beginning here.
    pub is_backward: bool,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid cursor.")]
pub struct InvalidCursor;

impl Cursor {
    /// The opaque text for a URL.
    pub fn encode(&self) -> String {
        let direction = if self.is_backward { "<" } else { ">" };
        URL_SAFE_NO_PAD.encode(format!("{direction}{}_{}", self.position, self.id))
    }

    /// Reads the text that a client sent back.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let parse = |text: String| {
            let is_backward = text.starts_with('<');
            let (position, id) = text.strip_prefix(['<', '>'])?.split_once('_')?;
            Some(Self { position: position.parse().ok()?, id: id.parse().ok()?, is_backward })
        };
        text.and_then(parse).ok_or(InvalidCursor)
    }
}

/// A page of a list, and where its neighbours begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the page before begins, if there is one.
    pub previous: Option<Cursor>,
    /// Where the page after begins, if there is one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// How many items the list has, if they are all on this page.
    pub fn whole(&self) -> Option<i64> {
        let is_whole = self.previous.is_none() && self.next.is_none();
        is_whole.then(|| i64::try_from(self.items.len()).unwrap_or(i64::MAX))
    }

    /// Makes a page of what a query found.
    ///
    /// The query read one item more than `limit`, in the direction of `cursor`; `place` gives an
    /// item's position and id.
    pub fn of(
        mut found: Vec<T>,
        limit: i64,
        cursor: Option<Cursor>,
        place: impl Fn(&T) -> (i64, i64),
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let has_more = found.len() > limit;
        found.truncate(limit);
        let is_backward = cursor.is_some_and(|cursor| cursor.is_backward);
        if is_backward {
            found.reverse();
        }
        let has_previous = if is_backward { has_more } else { cursor.is_some() };
        let has_next = if is_backward { true } else { has_more };
        let at = |item: Option<&T>, is_backward| {
            let (position, id) = place(item?);
            Some(Cursor { position, id, is_backward })
        };
        Self {
            previous: at(found.first().filter(|_| has_previous), true),
            next: at(found.last().filter(|_| has_next), false),
            items: found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_round_trip() {
        for cursor in [
            Cursor { position: 0, id: 0, is_backward: false },
            Cursor { position: -7, id: i64::MAX, is_backward: true },
        ] {
            assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }
        for text in ["x", "", "****", "eHh4"] {
            assert_eq!(Cursor::decode(text), Err(InvalidCursor), "{text}");
        }
    }

    #[test]
    fn limits_are_glitchtip_s() {
        assert_eq!(limit(None), 50);
        assert_eq!(limit(Some(0)), 50);
        assert_eq!(limit(Some(7)), 7);
        assert_eq!(limit(Some(1000)), 100);
        assert_eq!(limit(Some(-3)), 0);
    }

    /// Reads a list of numbers, largest first, as a query would.
    fn query(all: &[i64], limit: i64, cursor: Option<Cursor>) -> Page<i64> {
        let mut sorted = all.to_vec();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let mut found: Vec<i64> = match cursor {
            None => sorted,
            Some(cursor) if cursor.is_backward => {
                sorted.reverse();
                sorted.into_iter().filter(|n| *n > cursor.position).collect()
            }
            Some(cursor) => sorted.into_iter().filter(|n| *n < cursor.position).collect(),
        };
        found.truncate(usize::try_from(limit).unwrap() + 1);
        Page::of(found, limit, cursor, |n| (*n, 0))
    }

    #[test]
    fn pages_lead_forward_and_back() {
        let all: Vec<i64> = (1..=5).collect();
        let first = query(&all, 2, None);
        assert_eq!((first.items.as_slice(), first.previous), ([5, 4].as_slice(), None));
        let second = query(&all, 2, first.next);
        assert_eq!(second.items, [3, 2]);
        let third = query(&all, 2, second.next);
        assert_eq!((third.items.as_slice(), third.next), ([1].as_slice(), None));
        let back = query(&all, 2, third.previous);
        assert_eq!(back.items, [3, 2]);
        let front = query(&all, 2, back.previous);
        assert_eq!((front.items.as_slice(), front.previous), ([5, 4].as_slice(), None));
        assert!(front.next.is_some());
    }
}
