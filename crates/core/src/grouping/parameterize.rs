//! Takes the variable parts out of a message.

/// Lines of a message that count.
const MAX_LINES: usize = 2;

/// Bytes of a message that count.
const MAX_BYTES: usize = 2048;

/// The message with placeholders where its words are values: addresses, ids, numbers, dates.
///
/// Only its first two lines with content count. A number inside a word stays: `user17` is a name,
/// `id=17` is not.
pub fn parameterize(message: &str) -> String {
    let message = crate::text::truncated(message, MAX_BYTES);
    let mut out = String::with_capacity(message.len().min(256));
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    for (place, line) in lines.take(MAX_LINES).enumerate() {
        if place > 0 {
            out.push('\n');
        }
        parameterize_line(line, &mut out);
    }
    out
}

fn parameterize_line(line: &str, out: &mut String) {
    let mut rest = line;
    let mut previous = ' ';
    let mut in_word = false;
    while let Some(letter) = rest.chars().next() {
        // A point inside a word, as in `v1.2.3`, begins no value.
        let may_begin = is_boundary(previous) && !(in_word && previous == '.');
        let found = if may_begin { value_at(rest, previous) } else { None };
        let length = match found {
            Some((length, placeholder)) => {
                out.push_str(placeholder);
                length
            }
            None => {
                out.push(letter);
                letter.len_utf8()
            }
        };
        in_word = !is_boundary(letter) || (in_word && letter == '.');
        previous = letter;
        if found.is_some() {
            (previous, in_word) = ('>', false);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn is_boundary(previous: char) -> bool {
    !(previous.is_alphanumeric() || previous == '_')
}

/// The value that stands at the beginning of `rest`: its length and its placeholder.
fn value_at(rest: &str, previous: char) -> Option<(usize, &'static str)> {
    url(rest)
        .or_else(|| quoted(rest, previous))
        .or_else(|| email(rest))
        .or_else(|| uuid(rest))
        .or_else(|| ip(rest))
        .or_else(|| date(rest))
        .or_else(|| hex(rest))
        .or_else(|| number(rest))
}

/// Whether a value may end before `behind`.
fn ends_word(behind: Option<char>) -> bool {
    behind.is_none_or(|letter| !(letter.is_alphanumeric() || letter == '_'))
}

fn ends_at(rest: &str, length: usize) -> bool {
    ends_word(rest.get(length..).and_then(|behind| behind.chars().next()))
}

fn run(rest: &str, is_part: impl Fn(char) -> bool) -> usize {
    rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())
}

fn url(rest: &str) -> Option<(usize, &'static str)> {
    let scheme = run(rest, |letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    let behind = rest.get(scheme..)?;
    if !(2..=12).contains(&scheme) || !behind.starts_with("://") {
        return None;
    }
    let length = run(rest, |letter| {
        !letter.is_whitespace() && !matches!(letter, '"' | '\'' | '<' | '>' | '`' | ')' | ']' | '}')
    });
    let url = rest.get(..length)?.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    (url.len() > scheme + 3).then_some((url.len(), "<url>"))
}

/// A value behind `=`, in quotes.
fn quoted(rest: &str, previous: char) -> Option<(usize, &'static str)> {
    let quote = rest.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    if previous != '=' {
        return None;
    }
    let inner = rest.get(1..)?;
    let end = inner.find(quote)?;
    Some((end + 2, "<quoted>"))
}

fn email(rest: &str) -> Option<(usize, &'static str)> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._%+-".contains(letter);
    let name = run(rest, is_name);
    if name == 0 || !rest.get(name..)?.starts_with('@') {
        return None;
    }
    let host = rest.get(name + 1..)?;
    let length = run(host, |letter| letter.is_ascii_alphanumeric() || ".-".contains(letter));
    let host = host.get(..length)?.trim_end_matches(['.', '-']);
    host.contains('.').then_some((name + 1 + host.len(), "<email>"))
}

fn uuid(rest: &str) -> Option<(usize, &'static str)> {
    let text = rest.get(..36)?;
    let is_uuid = text.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    (is_uuid && ends_at(rest, 36)).then_some((36, "<uuid>"))
}

fn ip(rest: &str) -> Option<(usize, &'static str)> {
    let length = run(rest, |letter| letter.is_ascii_hexdigit() || matches!(letter, '.' | ':'));
    let text = rest.get(..length)?.trim_end_matches(['.', ':']);
    if text.len() < 3 || !ends_at(rest, text.len()) {
        return None;
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Some((text.len(), "<ip>"));
    }
    // An IPv4 address with a port.
    let (address, port) = text.split_once(':')?;
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && address.parse::<std::net::Ipv4Addr>().is_ok()).then_some((text.len(), "<ip>"))
}

/// `2026-11-21`, `2026-11-21T12:00:00.5Z`, `21/11/2026`, `12:30:00`.
fn date(rest: &str) -> Option<(usize, &'static str)> {
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '/' | ':' | '.');
    let first = run(rest, is_part);
    let text = rest.get(..first)?.trim_end_matches(['-', '/', ':', '.']);
    let mark = text.find(|letter: char| !letter.is_ascii_digit())?;
    let separator = text.get(mark..)?.chars().next()?;
    let groups: Vec<&str> = text.split(['-', '/', ':', '.']).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_date = match separator {
        '-' | '/' => {
            matches!(lengths.as_slice(), [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4] | [1..=2, 1..=2, 2])
        }
        ':' => matches!(lengths.as_slice(), [1..=2, 2] | [1..=2, 2, 2] | [1..=2, 2, 2, 1..=9]),
        _ => false,
    };
    if !is_date {
        return None;
    }
    let mut length = text.len();
    // A time may follow a date.
    if separator != ':' {
        let time = rest.get(length..)?.strip_prefix(['T', ' ', 't', '_']);
        if let Some((more, _)) = time.and_then(date) {
            length += 1 + more;
        }
    }
    let behind = rest.get(length..)?;
    let zone = behind.strip_prefix(['Z', 'z']).map_or_else(
        || {
            let digits = behind.strip_prefix(['+', '-'])?;
            let length = run(digits, |letter| letter.is_ascii_digit() || letter == ':');
            matches!(length, 4..=5).then_some(length + 1)
        },
        |_| Some(1),
    );
    length += zone.unwrap_or_default();
    ends_at(rest, length).then_some((length, "<date>"))
}

/// `0x…`, and sixteen or more hexadecimal digits with a number among them.
fn hex(rest: &str) -> Option<(usize, &'static str)> {
    let prefix = if rest.starts_with("0x") { 2 } else { 0 };
    let digits = rest.get(prefix..)?;
    let length = run(digits, |letter| letter.is_ascii_hexdigit());
    let digits = digits.get(..length)?;
    let has_number = digits.bytes().any(|byte| byte.is_ascii_digit());
    let has_letter = digits.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_hex = if prefix > 0 { length > 0 } else { length >= 16 && has_number && has_letter };
    (is_hex && ends_at(rest, prefix + length)).then_some((prefix + length, "<hex>"))
}

/// Whole and broken numbers, negative ones, and those with a unit: `12ms`, `3.5GB`, `50%`.
fn number(rest: &str) -> Option<(usize, &'static str)> {
    let sign = usize::from(rest.starts_with('-'));
    let text = rest.get(sign..)?;
    if !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let is_part = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',' | '_');
    let length = run(text, is_part);
    let digits = text.get(..length)?.trim_end_matches(['.', ',', '_']);
    let mut length = sign + digits.len();
    let behind = rest.get(length..)?;
    const UNITS: &[&str] = &[
        "seconds", "second", "minutes", "minute", "hours", "hour", "days", "day", "bytes", "byte",
        "secs", "sec", "mins", "min", "KiB", "MiB", "GiB", "TiB", "KB", "MB", "GB", "TB", "kB",
        "ms", "us", "µs", "ns", "px", "s", "m", "h", "d", "B", "k", "K", "M", "G", "%",
    ];
    let unit = UNITS
        .iter()
        .find(|unit| behind.starts_with(**unit) && (**unit == "%" || ends_at(behind, unit.len())));
    length += unit.map_or(0, |unit| unit.len());
    let stands_alone = unit.is_some() || ends_at(rest, length);
    stands_alone.then_some((length, "<number>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_placeholders() {
        for (message, expected) in [
            ("user17 failed", "user17 failed"),
            ("id=17 failed", "id=<number> failed"),
            ("Timeout after 12ms", "Timeout after <number>"),
            ("Timeout after 1.5 s", "Timeout after <number> s"),
            ("GET https://x.y/z?a=1 failed", "GET <url> failed"),
            ("see (https://x.y/z).", "see (<url>)."),
            ("mail to a.b+c@example.com bounced", "mail to <email> bounced"),
            ("no row 9ec79c33-ec99-42ab-8353-589fcb2e04dc", "no row <uuid>"),
            ("host 10.0.0.1:5432 refused", "host <ip> refused"),
            ("host 2001:db8::1 refused", "host <ip> refused"),
            ("at 2026-11-21T12:00:00.123Z", "at <date>"),
            ("at 2026-11-21 12:00:00+01:00 sharp", "at <date> sharp"),
            ("on 21/11/2026", "on <date>"),
            ("at 12:30", "at <date>"),
            ("object at 0x7f3a2c", "object at <hex>"),
            ("sha 9ec79c33ec9942ab8353589fcb2e04dc gone", "sha <hex> gone"),
            ("-5 items, 1,234 left", "<number> items, <number> left"),
            ("name=\"x y\" and other=\"z\"", "name=<quoted> and other=<quoted>"),
            ("it's \"quoted\"", "it's \"quoted\""),
            ("abc123def unchanged", "abc123def unchanged"),
            ("v1.2.3", "v1.2.3"),
            ("50% done", "<number> done"),
            ("deadbeefdeadbeef", "deadbeefdeadbeef"),
            ("naïve café", "naïve café"),
            ("", ""),
        ] {
            assert_eq!(parameterize(message), expected, "{message}");
        }
    }

    #[test]
    fn only_the_first_two_lines_with_content_count() {
        assert_eq!(parameterize("line a\n\n  line b\nline c"), "line a\nline b");
    }
}
