//! How migrations are laid out.

use std::fs;

use super::cargo::workspace;

#[test]
fn every_migration_is_named_by_day_and_number_and_can_be_undone() {
    let folder = workspace().join("migrations");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !entry.file_type().unwrap().is_dir() {
            assert_eq!(name, "README.md");
            continue;
        }
        assert!(is_named(&name), "{name} is not YYYY-MM-DD-NNNNNN_what_it_makes");
        for file in ["up.sql", "down.sql"] {
            let sql = fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            assert!(sql.contains(';'), "{name}/{file} does nothing");
        }
        let files = fs::read_dir(entry.path()).unwrap().count();
        let expected = 2 + usize::from(entry.path().join("metadata.toml").exists());
        assert_eq!(files, expected, "{name} holds something else");
        names.push(name);
    }
    names.sort();
    assert!(!names.is_empty());
    let mut versions: Vec<_> = names.iter().map(|name| name.split('_').next().unwrap()).collect();
    versions.dedup();
    assert_eq!(versions.len(), names.len(), "two migrations have one number");
}

fn is_named(name: &str) -> bool {
    let Some((version, what)) = name.split_once('_') else {
        return false;
    };
    let lengths: Vec<_> = version.split('-').map(str::len).collect();
    lengths == [4, 2, 2, 6]
        && version.chars().all(|letter| letter.is_ascii_digit() || letter == '-')
        && !what.is_empty()
        && what.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

#[test]
fn a_migration_s_name_is_checked() {
    assert!(is_named("2026-11-21-000100_tenancy"));
    for wrong in ["2026-11-21-000100", "2026-11-21_x", "2026-11-21-000100_X", "x_y"] {
        assert!(!is_named(wrong), "{wrong}");
    }
}
