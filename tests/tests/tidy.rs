//! House rules that a machine can watch over.
//!
//! The words that are not to be found in the tree are put together from halves here, or this file would break the rules.

use std::path::Path;

use anser_tests::workspace;

/// Longer than nearly all; a file that grows past this has two subjects.
const RUST_LINES_MAX: usize = 700;

/// Written by tools.
const GENERATED: [&str; 2] = ["Cargo.lock", "package-lock.json"];

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

fn is_generated(file: &Path) -> bool {
    file.file_name().is_some_and(|name| GENERATED.iter().any(|generated| name == *generated))
}

/// The lines that hold one of the words, as `file:line: word`.
fn lines_with(words: &[&str], concerns: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in workspace::texts() {
        if !concerns(&file) || is_generated(&file) {
            continue;
        }
        for (number, line) in (1..).zip(text.lines()) {
            for word in words.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{}:{number}: {word}", file.display()));
            }
        }
    }
    found
}

fn nothing(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

#[test]
fn nothing_is_marked_as_unfinished() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("unimple", "mented!"),
        concat!("to", "do!("),
        concat!("db", "g!("),
    ];
    nothing(lines_with(&marks, |_| true), "finish it, or open an issue");
}

#[test]
fn nothing_names_a_path_of_one_machine_or_a_registrys_host() {
    let places = [
        concat!("/wo", "rk/"),
        concat!("/fa", "rm/"),
        concat!("/ro", "ot/"),
        concat!("/tmp/", "wt"),
        concat!("/tmp/", "target"),
        concat!("crates", ".io"),
        concat!("py", "pi.org"),
        concat!("npm", "js."),
        concat!("debian", ".org"),
    ];
    nothing(lines_with(&places, |_| true), "the project must build anywhere, through any mirror");
}

#[test]
fn a_rust_file_has_one_subject() {
    let mut found = Vec::new();
    for (file, text) in workspace::texts().iter().filter(|(file, _)| is_rust(file)) {
        let lines = text.lines().count();
        if lines > RUST_LINES_MAX {
            found.push(format!("{}: {lines} lines", file.display()));
        }
    }
    nothing(found, "split it by meaning");
}

#[test]
fn a_rust_file_begins_by_saying_what_it_is() {
    let mut found = Vec::new();
    for (file, text) in workspace::texts().iter().filter(|(file, _)| is_rust(file)) {
        if !text.starts_with("//! ") {
            found.push(file.display().to_string());
        }
    }
    nothing(found, "its first line is a sentence after //!");
}

#[test]
fn a_file_is_named_after_a_thing_of_the_domain() {
    let empty_names = ["utils", "util", "helpers", "helper", "common", "misc", "manager"];
    let mut found = Vec::new();
    // Beside tests, `common` is what cargo's own book calls the place for what they share.
    let is_product = |file: &Path| file.components().any(|part| part.as_os_str() == "src");
    for file in workspace::files().iter().filter(|file| is_rust(file) && is_product(file)) {
        let mut names =
            file.with_extension("").components().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
        names.retain(|name| empty_names.iter().any(|empty| name == empty));
        if !names.is_empty() {
            found.push(file.display().to_string());
        }
    }
    nothing(found, "the piece has no subject yet");
}

#[test]
fn tests_are_skipped_by_the_list_only() {
    let ignore = [concat!("#[ig", "nore")];
    nothing(lines_with(&ignore, is_rust), "use skip!, see tests/SKIPS.md");
}

#[test]
fn a_test_is_named_by_the_sentence_that_holds() {
    let prefix = [concat!("fn te", "st_")];
    nothing(lines_with(&prefix, is_rust), "say what holds, without a prefix");
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    let mut found = Vec::new();
    for (file, text) in workspace::texts() {
        let has_own_workspace = text.lines().any(|line| line == "[workspace]");
        let is_member = file.components().count() == 2 && file.ends_with("Cargo.toml") && !has_own_workspace;
        if is_member && !text.contains("[lints]\nworkspace = true") {
            found.push(file.display().to_string());
        }
    }
    nothing(found, "[lints] workspace = true");
}

#[test]
fn unsafe_code_is_forbidden() {
    let manifest = std::fs::read_to_string(workspace::root().join("Cargo.toml")).expect("the workspace has a manifest");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}
