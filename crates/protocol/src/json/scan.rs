//! Finds the bytes that a string may not hold as they are, eight at a time.
//!
//! Most strings of an event are short: looking at words in place beats calling a searcher.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Words that are looked at before a long string is left to memchr.
const FIRST_WORDS: usize = 4;

/// Offset of the first quote or backslash.
pub(super) fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    let mut offset = 0;
    for chunk in bytes.as_chunks().0.iter().take(FIRST_WORDS) {
        let word = u64::from_le_bytes(*chunk);
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return Some(offset + first_of(found));
        }
        offset += 8;
    }
    let rest = bytes.get(offset..).unwrap_or_default();
    memchr::memchr2(b'"', b'\\', rest).map(|place| offset + place)
}

/// Offset of the first quote, backslash or control character.
pub(super) fn to_be_escaped(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (number, chunk) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let found = equal(word, b'"') | equal(word, b'\\') | control(word);
        if found != 0 {
            return Some(number * 8 + first_of(found));
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    rest.iter().position(is_special).map(|place| words.len() * 8 + place)
}

/// Which byte the lowest bit that is set belongs to.
fn first_of(found: u64) -> usize {
    (found.trailing_zeros() / 8) as usize
}

/// A set high bit for each byte of `word` that equals `byte`; the lowest one is exact.
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (LOW * u64::from(byte));
    difference.wrapping_sub(LOW) & !difference & HIGH
}

/// A set high bit for each byte of `word` below 0x20; the lowest one is exact.
fn control(word: u64) -> u64 {
    word.wrapping_sub(LOW * 0x20) & !word & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte, alone at each place of texts of each length up to three words.
    #[test]
    fn a_special_byte_is_found_wherever_it_stands() {
        for filler in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
            for length in 0..50 {
                assert_eq!(quote_or_escape(&vec![filler; length]), None);
                assert_eq!(to_be_escaped(&vec![filler; length]), None);
                for place in 0..length {
                    for byte in 0..=u8::MAX {
                        let mut text = vec![filler; length];
                        text[place] = byte;
                        let is_quote = byte == b'"' || byte == b'\\';
                        assert_eq!(quote_or_escape(&text), is_quote.then_some(place));
                        let is_special = is_quote || byte < 0x20;
                        assert_eq!(to_be_escaped(&text), is_special.then_some(place));
                    }
                }
            }
        }
    }
}
