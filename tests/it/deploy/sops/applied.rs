//! What pages apply is the whole of an installation: no parameter is forgotten, and none comes from
//! another template.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::manifests::{map, parameters, template};
use super::page::{Page, words};

/// What a file of parameters says that a page names by a variable.
fn file(name: &str) -> BTreeMap<String, String> {
    match name {
        "$PARAMS" => parameters("production"),
        "$SECRETS" => map(&[("SECRET_KEY", "s"), ("API_USER_1_EMAIL", "robot@example.com")]),
        "$ACCEPTANCE" => map(&[
            ("GLITCHTIP_URL", "https://errors.example.com"),
            ("GLITCHTIP_API_USER_EMAIL", "robot@example.com"),
            ("GLITCHTIP_API_USER_TOKEN", "t0k3n"),
        ]),
        _ => panic!("nobody has the file {name}"),
    }
}

/// Renders what a line applies; says what is wrong.
fn render(line: &str) -> Result<(), String> {
    let (mut source, mut values) = (None, BTreeMap::new());
    let (command, _) = line.split_once('|').unwrap_or((line, ""));
    let command = words(command);
    let mut words = command.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-f" => source = words.next(),
            "-p" => {
                let (name, value) = words.next().and_then(|it| it.split_once('=')).unwrap();
                values.insert(name.to_owned(), value.to_owned());
            }
            _ => values.extend(word.strip_prefix("--param-file=").map(file).unwrap_or_default()),
        }
    }
    let name = Path::new(source.unwrap()).file_stem().unwrap().to_str().unwrap();
    let wanted = if name == "template" { &["IMAGE_TAG", "API_USER_1_EMAIL"][..] } else { &[] };
    if let Some(missing) = wanted.iter().find(|name| !values.contains_key(**name)) {
        return Err(format!("{missing} would be what the template was written with"));
    }
    template(name).render(&values).map(|_| ())
}

#[test]
fn what_a_page_applies_is_a_whole_installation() {
    let mut applied = 0;
    for page in Page::all().into_iter().chain([Page::read("README")]) {
        for line in page.blocks().flat_map(|it| &it.lines) {
            if line.starts_with("oc process ") {
                render(line).unwrap_or_else(|wrong| panic!("{}: {line}: {wrong}", page.name));
                applied += 1;
            }
        }
    }
    assert!(applied > 6, "only {applied} commands were found");
}

#[test]
fn a_forgotten_file_or_tag_is_told() {
    let line = "oc process -f openshift/template.yaml --param-file=$PARAMS";
    let whole = format!("{line} --param-file=$SECRETS -p IMAGE_TAG=$TAG");
    assert_eq!(render(&whole), Ok(()));
    for line in [
        format!("{line} -p IMAGE_TAG=$TAG"),
        format!("{line} -p IMAGE_TAG=$TAG -p SECRET_KEY=s"),
        format!("{line} --param-file=$SECRETS"),
        whole.replace("template", "acceptance"),
    ] {
        assert!(render(&line).is_err(), "{line}");
    }
}
