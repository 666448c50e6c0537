//! The settings, from the file that is shipped: a test of the settings holds that file against the code.

use std::fmt::Write;

use anserd::config::{Flags, read_text};

/// A part of the shipped file.
enum Part<'a> {
    Section(&'a str),
    Text(Vec<&'a str>),
    Setting { name: &'a str, default: &'a str },
}

pub fn page() -> String {
    let shipped = std::fs::read_to_string(super::folder("packaging/anserd.toml")).expect("the file is there");
    let mut page = String::from(
        "# Settings\n\nMade from `packaging/anserd.toml` by `cargo run -p anserd --example references`; change that file and not \
         this page.\n\n`anserd` reads `/etc/anser/anserd.toml`, or the file of `--config`. A variable wins over the file, a flag \
         over both. Unknown keys are mistakes; `anserd check` tells all mistakes at once.\n",
    );
    let mut section = "";
    let mut text = Vec::new();
    for part in parts(&shipped) {
        match part {
            Part::Section(name) => {
                flush(&mut page, &mut text);
                section = name;
                let _ = write!(page, "\n## [{name}]\n");
            }
            Part::Text(lines) => {
                flush(&mut page, &mut text);
                text = lines;
            }
            Part::Setting { name, default } => {
                let key = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
                let variable = format!("ANSER_{}", key.to_uppercase().replace('.', "_"));
                let word = if is_default(section, name, default) { "default" } else { "no default, for example" };
                let _ = write!(page, "\n### {key}\n\n`{variable}`, {word} `{default}`.\n");
                flush(&mut page, &mut text);
            }
        }
    }
    flush(&mut page, &mut text);
    page
}

/// Does it change nothing to say so?
fn is_default(section: &str, name: &str, value: &str) -> bool {
    let table = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    let read = |text: &str| read_text(text, "a setting".to_owned(), &Flags::default(), std::iter::empty()).ok();
    read(&format!("{table}{name} = {value}")).is_some_and(|config| Some(config) == read(""))
}

/// As a paragraph, or as it is where the spaces have a meaning.
fn flush(page: &mut String, lines: &mut Vec<&str>) {
    let lines = std::mem::take(lines);
    if lines.is_empty() {
        return;
    }
    let is_table = lines.iter().any(|line| line.starts_with("  ") || line.starts_with("[["));
    if is_table {
        let _ = write!(page, "\n```text\n{}\n```\n", lines.join("\n"));
    } else {
        let _ = write!(page, "\n{}\n", lines.join("\n"));
    }
}

fn parts(shipped: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut text: Vec<&str> = Vec::new();
    // Below the first table of several, keys are no settings of their own.
    let mut is_in_tables = false;
    for line in shipped.lines() {
        let bare = line.strip_prefix('#').map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
        match (line, bare) {
            (_, Some(bare)) => {
                is_in_tables |= bare.starts_with("[[");
                match setting(bare).filter(|_| !is_in_tables) {
                    Some((name, default)) => {
                        parts.extend((!text.is_empty()).then(|| Part::Text(std::mem::take(&mut text))));
                        parts.push(Part::Setting { name, default });
                    }
                    None => text.push(bare),
                }
            }
            (line, None) => {
                parts.extend((!text.is_empty()).then(|| Part::Text(std::mem::take(&mut text))));
                if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                    is_in_tables = false;
                    parts.push(Part::Section(name));
                }
            }
        }
    }
    parts.extend((!text.is_empty()).then_some(Part::Text(text)));
    parts
}

/// A key in small letters and what stands behind the sign.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, default) = line.split_once(" = ")?;
    let is_key = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    is_key.then_some((name, default.trim()))
}
