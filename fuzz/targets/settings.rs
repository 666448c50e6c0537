//! Any text as the settings file, any variable as the environment.
#![no_main]

use anserd::config::{Flags, read_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (file, variables) = text.split_once('\0').unwrap_or((text, ""));
    let variables = variables.lines().filter_map(|line| line.split_once('='));
    let environment = variables.map(|(name, value)| (format!("ANSER_{name}"), value.to_owned()));
    if let Err(mistakes) = read_text(file, "the file".to_owned(), &Flags::default(), environment) {
        assert!(!mistakes.is_empty(), "refused without a word");
    }
});
