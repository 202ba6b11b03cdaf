//! A page of a procedure: its sections, their steps, and the commands with what they say.

use std::fs;
use std::path::PathBuf;

/// The folder of the pages.
pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy/sops")
}

/// A page.
pub(super) struct Page {
    /// Its name, without the ending.
    pub(super) name: String,
    /// All of it.
    pub(super) text: String,
    /// Its sections, in order.
    pub(super) sections: Vec<Section>,
}

/// What stands under a heading.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) steps: Vec<Step>,
}

/// What stands under a number; what stands before the first has none.
pub(super) struct Step {
    pub(super) number: Option<usize>,
    pub(super) blocks: Vec<Block>,
}

/// A block of commands, or of something else.
pub(super) struct Block {
    /// `sh`, `promql` or `text`.
    pub(super) language: String,
    pub(super) lines: Vec<String>,
    /// The lines of the block `text` that follows: what the commands say when all is well.
    pub(super) says: Vec<String>,
}

impl Page {
    /// Every page but the index.
    pub(super) fn all() -> Vec<Self> {
        let mut names: Vec<String> = fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
            .filter(|name| name != "README")
            .collect();
        names.sort();
        names.iter().map(|name| Self::read(name)).collect()
    }

    /// The page with this name.
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(format!("{name}.md"))).unwrap();
        Self { name: name.to_owned(), sections: sections(&text), text }
    }

    /// A step of a section.
    pub(super) fn step(&self, section: &str, number: usize) -> &Step {
        let found = self.sections.iter().find(|it| it.title == section);
        let steps = found.into_iter().flat_map(|it| &it.steps);
        let mut steps = steps.filter(|step| step.number == Some(number));
        steps.next().unwrap_or_else(|| panic!("{} has no {section} {number}", self.name))
    }

    /// Every block of the page.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(|it| &it.steps).flat_map(|step| &step.blocks)
    }
}

/// Reads the sections of a page, and what comes before the first as one without a title.
fn sections(text: &str) -> Vec<Section> {
    let step = |number| Step { number, blocks: Vec::new() };
    let section = |title: &str| Section { title: title.to_owned(), steps: vec![step(None)] };
    let mut sections = vec![section("")];
    let mut open: Option<Block> = None;
    for line in text.lines() {
        let steps = &mut sections.last_mut().unwrap().steps;
        if let Some(mut block) = open.take() {
            if line.trim() != "```" {
                block.lines.push(line.trim().to_owned());
                open = Some(block);
                continue;
            }
            let blocks = &mut steps.last_mut().unwrap().blocks;
            match blocks.last_mut() {
                Some(last) if block.language == "text" && last.says.is_empty() => {
                    last.says = block.lines;
                }
                _ => blocks.push(block),
            }
        } else if let Some(language) = line.trim_start().strip_prefix("```") {
            let language = language.to_owned();
            open = Some(Block { language, lines: Vec::new(), says: Vec::new() });
        } else if let Some(title) = line.strip_prefix("## ") {
            sections.push(section(title));
        } else if let Some((number, _)) = line.split_once(". ")
            && let Ok(number) = number.parse()
        {
            steps.push(step(Some(number)));
        }
    }
    assert!(open.is_none(), "a block has no end");
    sections
}

/// Whether something was said: each of the lines must be there, in this order, with others between
/// them perhaps. Widths of columns do not count, and `…` stands for anything.
pub(super) fn says(said: &str, lines: &[String]) -> Result<(), String> {
    let mut said = said.lines().map(spaced);
    for line in lines.iter().map(|line| spaced(line)) {
        if !said.any(|it| matches(&it, &line)) {
            return Err(format!("{line:?} is not said, or not in this place"));
        }
    }
    Ok(())
}

fn spaced(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn matches(line: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('…').map(str::trim).collect();
    let [first, between @ .., last] = parts.as_slice() else {
        return line == pattern;
    };
    let inside = line.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    let find = |rest: &str, part: &&str| Some(rest.split_once(part)?.1.to_owned());
    inside.is_some_and(|rest| {
        between.iter().try_fold(rest.to_owned(), |it, part| find(&it, part)).is_some()
    })
}

/// The words of a command, as a shell would split them; variables are not yet replaced.
pub(super) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    for letter in line.chars() {
        match quote {
            Some(end) if letter == end => quote = None,
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            None if letter.is_whitespace() => words.extend(word.take()),
            Some(_) | None => word.get_or_insert_default().push(letter),
        }
    }
    assert!(quote.is_none(), "a quotation has no end: {line}");
    words.extend(word);
    words
}

#[test]
fn what_is_said_must_have_each_line_in_order() {
    let all = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let said = "Inbox:    5 envelopes, old\nDead letters:  0\n";
    assert!(says(said, &all(&["Inbox: … envelopes, …", "Dead letters: 0"])).is_ok());
    assert!(says(said, &all(&["Dead letters: 0", "Inbox: …"])).is_err());
    assert!(says(said, &all(&["Inbox: 0 envelopes, …"])).is_err());
    assert!(says(said, &all(&["Dead letters"])).is_err());
    assert!(says("a. b. c.", &all(&["a. ….", "x"])).is_err());
    assert!(says("a. b. c.", &all(&["a. …."])).is_ok());
    assert!(says("a. b. c", &all(&["a. …."])).is_err());
}

#[test]
fn commands_are_split_as_a_shell_does() {
    let expected = ["a", "b c", "--x=y z", "$V"].map(str::to_owned);
    assert_eq!(words("a 'b c'  --x=\"y z\" $V"), expected);
}
