//! How far a fault test runs: its CI figure, or what `make torture` asks for.

use std::env;
use std::ops::Range;

/// The seeds to run: `ANSER_TORTURE_FROM` (1 when unset) and as many as `ANSER_TORTURE_COUNT` (the CI figure when unset).
///
/// # Panics
///
/// When one of them is no number: running something else than was asked for would be worse.
pub fn seeds(ci_figure: u64) -> Range<u64> {
    let from = number("ANSER_TORTURE_FROM").unwrap_or(1);
    from..from + number("ANSER_TORTURE_COUNT").unwrap_or(ci_figure)
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{variable}={text}: {error}"),
    }
}
