//! Function names of compiled languages, shortened to what a person would say.
//!
//! GlitchTip's rules to the letter: the title of a synthetic exception is made of what they give,
//! and with it GlitchTip's grouping hash.

use std::borrow::Cow;

/// Stands for the `<` of `operator<` and `operator<<`, which is no bracket.
const LESS: char = '\u{e000}';
/// Stands for the brackets of `operator()`.
const CALL: char = '\u{e001}';
/// Stands for the arrow in front of a return type.
const ARROW: char = '\u{e002}';
/// Stands for a namespace without a name, in Microsoft's spelling.
const ANONYMOUS: char = '\u{e003}';

/// Type parameters nested deeper than this are not looked into.
const MAX_NESTING: usize = 64;

/// Shortens a native function's name; names of other platforms stay as they are.
///
/// Arguments, template parameters, return types, trailing qualifiers and the compiler's own
/// decorations go: `void std::vector<int>::push_back(int const&)` → `std::vector<T>::push_back`.
pub fn trim_function<'f>(function: &'f str, platform: &str) -> Cow<'f, str> {
    let is_native = matches!(platform, "objc" | "cocoa" | "swift" | "native" | "c");
    if !is_native || matches!(function, "<redacted>" | "<unknown>") {
        return function.into();
    }
    let trimmed = function.trim();
    // Methods of Objective-C have another grammar.
    if ["[", "+[", "-["].iter().any(|start| trimmed.starts_with(start)) {
        return trimmed.into();
    }
    let name = with_plain_lambdas(&shielded(without_qualifiers(trimmed)));
    let name = replace_brackets(&name, '(', ')', &|inside, _start| match inside.trim() {
        inside @ ("anonymous namespace" | "operator") => format!("({inside})"),
        _arguments => String::new(),
    });
    let name = without_type_parameters(&name, 0);
    let name = name_among(words(&name)).map_or_else(|| function.to_owned(), |word| bared(&word));
    let name = without_decoration(&name);
    if name.is_empty() { function.into() } else { name.to_owned().into() }
}

/// Drops `const` and `&` behind the arguments.
fn without_qualifiers(mut name: &str) -> &str {
    loop {
        let shorter = name.strip_suffix('&').or_else(|| {
            let before = name.strip_suffix("const")?;
            (!before.ends_with(is_word)).then_some(before)
        });
        match shorter {
            Some(shorter) => name = shorter.trim_end(),
            None => return name,
        }
    }
}

/// Puts one letter in place of what looks like brackets or blanks and is part of a name.
fn shielded(name: &str) -> String {
    name.replace("operator<<", &format!("operator{LESS}{LESS}"))
        .replace("operator<", &format!("operator{LESS}"))
        .replace("operator()", &format!("operator{CALL}"))
        .replace(" -> ", &format!(" {ARROW} "))
        .replace("`anonymous namespace'", &ANONYMOUS.to_string())
}

/// Takes back what [`shielded`] did.
fn bared(name: &str) -> String {
    name.replace(LESS, "<")
        .replace(CALL, "()")
        .replace(ARROW, "->")
        .replace(ANONYMOUS, "`anonymous namespace'")
}

/// Calls lambdas and namespaces without a name alike, whatever the compiler calls them.
fn with_plain_lambdas(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(letter) = rest.chars().next() {
        let before = name.strip_suffix(rest).unwrap_or_default();
        if let Some(behind) = behind_lambda(rest, before.ends_with(is_word)) {
            out.push_str("lambda");
            rest = behind;
        } else if let Some(behind) = behind_anonymous(rest) {
            out.push(ANONYMOUS);
            rest = behind;
        } else {
            out.push(letter);
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// What follows a lambda, if the name begins with one: `{lambda(int)#1}` (gcc),
/// `lambda_0123456789abcdef0123456789abcdef` (msvc) or `$_0` (clang).
fn behind_lambda(name: &str, is_inside_word: bool) -> Option<&str> {
    if let Some(mut arguments) = name.strip_prefix("{lambda(") {
        while let Some((_, number)) = arguments.split_once(")#") {
            let behind = number.trim_start_matches(|letter: char| letter.is_ascii_digit());
            if behind.len() < number.len() && behind.starts_with('}') {
                return behind.strip_prefix('}');
            }
            arguments = number;
        }
    }
    let (behind, is_long) = if let Some(hash) = name.strip_prefix("lambda_") {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = hash.bytes().take(32).take_while(|byte| is_digit(byte)).count();
        (hash.get(digits..)?, digits == 32 && !is_inside_word)
    } else {
        let number = name.strip_prefix("$_")?;
        let behind = number.trim_start_matches(|letter: char| letter.is_ascii_digit());
        (behind, behind.len() < number.len())
    };
    (is_long && !behind.starts_with(is_word)).then_some(behind)
}

/// What follows `?A0x0123abcd`, Microsoft's other spelling of a namespace without a name; the
/// colons behind it stay.
fn behind_anonymous(name: &str) -> Option<&str> {
    let (hash, behind) = name.strip_prefix("?A0x")?.split_at_checked(8)?;
    let is_hash = hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hash && behind.starts_with("::")).then_some(behind)
}

/// Replaces each outermost pair of brackets by what `replacement` makes of its inside and of where
/// it stood. What follows a bracket too many is lost, as is what stands behind an open one.
fn replace_brackets(
    name: &str,
    open: char,
    close: char,
    replacement: &dyn Fn(&str, usize) -> String,
) -> String {
    if !name.contains(open) {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len());
    let mut depth = 0_i64;
    let mut start = 0;
    for (at, letter) in name.char_indices() {
        if letter == open {
            if depth == 0 {
                start = at;
            }
            depth += 1;
        } else if letter == close {
            depth -= 1;
            if depth == 0 {
                let inside = name.get(start + open.len_utf8()..at).unwrap_or_default();
                out.push_str(&replacement(inside, start));
            }
        } else if depth == 0 {
            out.push(letter);
        }
    }
    out
}

/// Writes `<T>` for type parameters. A name that begins with a bracket is one of Rust's:
/// `<Type as Trait>::method` is called by its type, a blanket implementation by its trait.
fn without_type_parameters(name: &str, nesting: usize) -> String {
    replace_brackets(name, '<', '>', &|inside, start| {
        if inside == "lambda" {
            return "<lambda>".into();
        }
        if start > 0 {
            return "<T>".into();
        }
        let mut letters = inside.chars();
        let is_letter = letters.next().is_some_and(|letter| letter.is_ascii_uppercase());
        let inside = letters.as_str().strip_prefix(" as ").filter(|_| is_letter).unwrap_or(inside);
        let inside = match nesting {
            MAX_NESTING.. => inside.to_owned(),
            _ => without_type_parameters(inside, nesting + 1),
        };
        inside.split(" as ").next().unwrap_or_default().to_owned()
    })
}

/// The words of a name; blanks inside brackets separate none. Open brackets end the name.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut closing = Vec::new();
    let mut start = 0;
    for (at, letter) in name.char_indices() {
        let end = at + letter.len_utf8();
        match letter {
            '(' => closing.push(')'),
            '{' => closing.push('}'),
            '[' => closing.push(']'),
            '<' => closing.push('>'),
            _ => {
                if closing.last() == Some(&letter) {
                    closing.pop();
                } else if closing.is_empty() && letter.is_whitespace() {
                    words.push(String::new());
                    start = end;
                }
                if closing.is_empty() {
                    let piece = name.get(start..end).unwrap_or_default();
                    words.last_mut().into_iter().for_each(|word| word.push_str(piece));
                    start = end;
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The function's own name: the word in front of the arrow, or the last one.
fn name_among(mut words: Vec<String>) -> Option<String> {
    let last = words.pop()?;
    // Microsoft leaves a blank between an operator and its type parameters.
    match words.last_mut() {
        Some(operator) if last == "<T>" => operator.push_str(" <T>"),
        _ => words.push(last),
    }
    let arrow = words.iter().position(|word| word.chars().eq([ARROW]));
    let place = arrow.filter(|place| *place > 0).unwrap_or(words.len()) - 1;
    words.into_iter().nth(place)
}

/// Drops Rust's hash (`::h` and 16 digits) and Windows' argument size (`@8`).
fn without_decoration(name: &str) -> &str {
    let is_hash = |hash: &str| {
        hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    };
    let name = match name.rsplit_once("::h") {
        Some((stem, hash)) if is_hash(hash) => stem,
        _ => name,
    };
    match name.rsplit_once('@') {
        Some((stem, size)) if !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()) => {
            stem.strip_prefix('@').unwrap_or(stem)
        }
        _ => name,
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(function: &str, expected: &str) {
        assert_eq!(trim_function(function, "native"), expected, "{function}");
    }

    #[test]
    fn only_native_names_are_shortened() {
        for platform in ["objc", "cocoa", "swift", "native", "c"] {
            assert_eq!(trim_function("void foo(int)", platform), "foo", "{platform}");
        }
        for platform in ["python", "javascript", "csharp", "rust", "other", ""] {
            assert_eq!(trim_function("void foo(int)", platform), "void foo(int)", "{platform}");
        }
    }

    #[test]
    fn arguments_and_return_types_go() {
        check("main", "main");
        check(" main ", "main");
        check("void foo(int, char)", "foo");
        check("foo(int (*)(char), long)", "foo");
        check("unsigned char const * __cdecl ns::bar(void)", "ns::bar");
        check("Foo::Foo(Foo const&)", "Foo::Foo");
        check("Foo::~Foo()", "Foo::~Foo");
        check("static Foo.run(String) -> Int", "Foo.run");
        check("(Int) -> Bool", "Bool");
        check("@objc Foo.run(with: [String]) -> (Int) -> Bool", "Foo.run");
    }

    #[test]
    fn trailing_qualifiers_go() {
        check("Foo::bar(int) const", "Foo::bar");
        check("Foo::bar(int) const&", "Foo::bar");
        check("Foo::bar(int) &&", "Foo::bar");
        check("Foo::is_const", "Foo::is_const");
    }

    #[test]
    fn type_parameters_become_one_letter() {
        check("std::vector<int>::push_back(int const&)", "std::vector<T>::push_back");
        check("void sort<Iter<int>, Less<int>>(Iter<int>, Less<int>)", "sort<T>");
        check("Map<K, V<(W)0>>::get<K>(K) const", "Map<T>::get<T>");
        check("alloc::vec::Vec<T,A>::push", "alloc::vec::Vec<T>::push");
    }

    #[test]
    fn operators_are_no_brackets() {
        check("Foo::operator()(int)", "Foo::operator()");
        check("std::ostream& operator<<(std::ostream&, Foo const&)", "operator<<");
        check("bool ns::operator<(Foo const&, Foo const&)", "ns::operator<");
        check("bool operator<=(Foo, Foo)", "operator<=");
        check("bool operator>(Foo, Foo)", "operator>");
        check("Foo<int>::operator<<(int)", "Foo<T>::operator<<");
        check("Foo::operator()<int>(int)", "Foo::operator()<T>");
        check("Foo::operator() <int>(int)", "Foo::operator() <T>");
        check("Foo::(operator)(int)", "Foo::(operator)");
    }

    #[test]
    fn namespaces_without_a_name_are_kept() {
        check("(anonymous namespace)::run(int)", "(anonymous namespace)::run");
        check("void ns::(anonymous namespace)::run(int)", "ns::(anonymous namespace)::run");
        check("`anonymous namespace'::run(int)", "`anonymous namespace'::run");
        check("?A0x0123abcd::run(int)", "`anonymous namespace'::run");
        check("void ns::?A0x0123abcd::run(int)", "ns::`anonymous namespace'::run");
        check("?A0x0123abc::run", "?A0x0123abc::run");
        check("?A0x0123abcdef::run", "?A0x0123abcdef::run");
    }

    #[test]
    fn lambdas_are_called_alike_by_every_compiler() {
        check(
            "run(int)::{lambda(int, char)#1}::operator()(int, char) const",
            "run::lambda::operator()",
        );
        check("run()::{lambda(void (*)(int))#2}::operator()(int)", "run::lambda::operator()");
        check("main::$_0::operator()(int) const", "main::lambda::operator()");
        check("main::$_12", "main::lambda");
        check("lambda_0123456789abcdef0123456789abcdef", "lambda");
        check(
            "void ns::<lambda_0123456789abcdef0123456789abcdef>::operator()(int) const",
            "ns::<lambda>::operator()",
        );
        check("lambda_0123456789abcdef", "lambda_0123456789abcdef");
        check(
            "my_lambda_0123456789abcdef0123456789abcdef",
            "my_lambda_0123456789abcdef0123456789abcdef",
        );
        check("main::$_0x", "main::$_0x");
    }

    #[test]
    fn names_of_rust_lose_their_hash_and_their_trait() {
        check("core::ptr::drop_in_place::h0123456789abcdef", "core::ptr::drop_in_place");
        check("core::ptr::drop_in_place::h0123", "core::ptr::drop_in_place::h0123");
        check("<shop::Cart as shop::Total>::total::h0123456789abcdef", "shop::Cart::total");
        check("<shop::Cart<K,V> as shop::Total<K>>::total", "shop::Cart<T>::total");
        check("<T as shop::Total>::total", "shop::Total::total");
        check("<u as shop::Total>::total", "u::total");
        check("<<One as Two>::Three as Four>::run", "One::Three::run");
    }

    #[test]
    fn the_size_of_arguments_on_windows_goes() {
        check("_foo@12", "_foo");
        check("@foo@8", "foo");
        check("foo@@16", "foo@");
        check("foo@bar", "foo@bar");
    }

    #[test]
    fn methods_of_objective_c_stay_as_they_are() {
        for method in ["-[Foo bar:]", "+[Foo(Category) bar:baz:]", "[Foo bar]"] {
            check(method, method);
        }
        check(" -[Foo bar:] ", "-[Foo bar:]");
    }

    #[test]
    fn what_has_no_other_name_keeps_the_one_it_has() {
        for name in ["<redacted>", "<unknown>", "", " ", "(int)", "const", "@8", "<>", "("] {
            check(name, name);
        }
    }

    #[test]
    fn broken_brackets_end_a_name() {
        check("foo(int", "foo");
        check("foo<int", "foo");
        check("foo(int)) extra", "foo");
        check("foo{bar", "foo");
        check("Ptr<Foo>::operator->()", "Ptr<T>::operator-");
        let deep = format!("{}x{}", "<".repeat(10_000), ">".repeat(10_000));
        assert!(!trim_function(&deep, "native").is_empty());
    }

    proptest! {
        /// Any name has a name, whatever its brackets are like.
        #[test]
        fn no_name_becomes_empty(
            name in r"([a-z<>(){}\[\]@&: ñ]|const|operator| -> | as |::h0123456789abcdef|\$_|#1|@8|\{lambda\(|\?A0x0123abcd::){1,30}",
        ) {
            for platform in ["native", "python"] {
                prop_assert!(!trim_function(&name, platform).is_empty());
            }
        }

        /// What was shortened has nothing left to shorten, unless its brackets were broken.
        #[test]
        fn shortening_ends(name in "[a-z]{1,9}(::[a-z]{1,9}){0,3}(<[a-z]{1,4}>)?(\\([a-z, ]{0,9}\\))?( const)?") {
            let once = trim_function(&name, "native").into_owned();
            prop_assert_eq!(trim_function(&once, "native"), once.as_str());
        }
    }
}
