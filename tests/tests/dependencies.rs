//! What the crates may lean on: the direction of our own, and licences, sources and versions of the others'.

use std::collections::{BTreeMap, BTreeSet};

use anser_tests::workspace;
use serde_json::Value;

/// Whom each of our crates may name, in any section of its manifest. The tests may name all.
const DIRECTIONS: [(&str, &[&str]); 4] = [
    ("anser-protocol", &[]),
    ("anser-storage", &["anser-protocol"]),
    ("anserd", &["anser-protocol", "anser-storage"]),
    ("anser-client", &["anser-protocol"]),
];

/// Licences under which we may pass on a program that contains the code.
const LICENCES: [&str; 5] = ["Apache-2.0", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0"];

/// Versions below these have holes that a stranger on the network can use. Checked for the crates that are in the tree.
const LEAST_VERSIONS: [(&str, [u64; 3], &str); 4] = [
    ("quinn-proto", [0, 11, 19], "remote panic and memory exhaustion; floods of Initials"),
    ("h2", [0, 4, 16], "memory exhaustion by frames that are cheap to send"),
    ("rustls-webpki", [0, 103, 13], "panic and wrong answers on hostile certificates and revocation lists"),
    ("bytes", [1, 11, 1], "overflow that leads to out-of-bounds access"),
];

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().expect("cargo lists packages").iter()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn our_crates_lean_on_each_other_in_one_direction() {
    let metadata = workspace::metadata();
    let ours: BTreeSet<&str> = packages(&metadata).filter(|p| p["source"].is_null()).map(|p| text(p, "name")).collect();
    for (name, allowed) in DIRECTIONS {
        let package = packages(&metadata).find(|p| text(p, "name") == name).expect("the crate is in the workspace");
        for dependency in package["dependencies"].as_array().expect("cargo lists dependencies") {
            let dependency = text(dependency, "name");
            let is_fine = !ours.contains(dependency) || allowed.contains(&dependency);
            assert!(is_fine, "{name} must not name {dependency}");
        }
    }
    let known: BTreeSet<&str> = DIRECTIONS.iter().map(|(name, _)| *name).chain(["anser-tests"]).collect();
    assert_eq!(ours, known, "say here whom a new crate may name");
}

#[test]
fn the_protocol_needs_no_standard_library() {
    let root = workspace::root().join("protocol/src/lib.rs");
    let root = std::fs::read_to_string(root).expect("the protocol has a crate root");
    assert!(root.contains("#![no_std]"));
    // Procedural macros run in the compiler; they may use what they like.
    let tree = workspace::dependency_tree("anser-protocol", &["-e", "normal,no-proc-macro", "-f", "{p} [{f}]"]);
    assert!(tree.len() > 1, "cargo printed no tree");
    for line in tree {
        let features = line.split_once('[').map_or("", |(_, features)| features.split(']').next().unwrap_or(""));
        let wants_std = features.split(',').any(|feature| ["std", "default", "use-std"].contains(&feature));
        assert!(!wants_std, "a feature brings in the standard library: {line}");
    }
}

#[test]
fn the_storage_knows_no_runtime_no_socket_and_no_http() {
    let strangers = ["tokio", "mio", "socket2", "rustls", "quinn", "hyper", "axum", "http"];
    for line in workspace::dependency_tree("anser-storage", &["-e", "normal"]) {
        let name = line.split(' ').next().unwrap_or_default();
        assert!(!strangers.contains(&name), "storage must not depend on {name}");
    }
}

#[test]
fn every_licence_lets_us_pass_the_program_on() {
    for package in packages(&workspace::metadata()) {
        let licence = text(package, "license");
        assert!(is_allowed(licence), "{} {}: licence {licence:?}", text(package, "name"), text(package, "version"));
    }
}

#[test]
fn every_crate_comes_from_the_registry_with_a_checksum() {
    let registry = concat!("registry+https://github.com/rust-lang/crates", ".io-index");
    for package in locked() {
        let Some(source) = package.get("source") else {
            assert!(package["name"].starts_with("anser"), "{package:?} is a path outside of the workspace");
            continue;
        };
        assert_eq!(source, registry, "{package:?}");
        assert!(package.contains_key("checksum"), "{package:?}");
    }
}

#[test]
fn no_crate_is_older_than_the_repair_of_its_known_holes() {
    let locked = locked();
    for (name, least, hole) in LEAST_VERSIONS {
        for package in locked.iter().filter(|package| package["name"] == name) {
            let version = numbers(&package["version"]);
            assert!(version >= least, "{name} {} is older than {least:?}: {hole}", package["version"]);
        }
    }
    assert!(locked.iter().any(|package| package["name"] == "quinn-proto"), "the lock file was not understood");
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    for fine in ["MIT", "MIT OR GPL-3.0", "MIT/Apache-2.0", "Apache-2.0 AND ISC", "(MIT OR GPL-3.0) AND Unicode-3.0"] {
        assert!(is_allowed(fine), "{fine}");
    }
    for foul in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "Apache-2.0 WITH Another-exception"] {
        assert!(!is_allowed(foul), "{foul}");
    }
}

/// The packages of the lock file, each with its plain keys.
fn locked() -> Vec<BTreeMap<String, String>> {
    let lock = std::fs::read_to_string(workspace::root().join("Cargo.lock")).expect("the workspace has a lock file");
    let entry = |line: &str| {
        let (key, value) = line.split_once(" = ")?;
        Some((key.to_owned(), value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
    };
    lock.split("[[package]]\n").skip(1).map(|package| package.lines().filter_map(entry).collect()).collect()
}

fn numbers(version: &str) -> [u64; 3] {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = plain.split('.').map(|number| number.parse().expect("versions are three numbers"));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

/// An SPDX expression: `AND` binds closer than `OR`; the old `/` means `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    any_of(&mut rest) && rest.is_empty()
}

fn any_of(words: &mut &[&str]) -> bool {
    let mut is_fine = all_of(words);
    while take(words, "OR") {
        is_fine |= all_of(words);
    }
    is_fine
}

fn all_of(words: &mut &[&str]) -> bool {
    let mut is_fine = one(words);
    while take(words, "AND") {
        is_fine &= one(words);
    }
    is_fine
}

fn one(words: &mut &[&str]) -> bool {
    if take(words, "(") {
        let is_fine = any_of(words);
        return take(words, ")") && is_fine;
    }
    let Some((&licence, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    match words {
        ["WITH", exception, rest @ ..] => {
            let licence = format!("{licence} WITH {exception}");
            *words = rest;
            LICENCES.contains(&&*licence)
        }
        _ => LICENCES.contains(&licence),
    }
}

fn take(words: &mut &[&str], word: &str) -> bool {
    let is_next = words.first() == Some(&word);
    if is_next {
        *words = &words[1..];
    }
    is_next
}
