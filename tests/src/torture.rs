//! How far a fault test runs: its CI figure, or what `make torture` asks for.

use std::env;
use std::ops::Range;

/// The seeds to run: from `FROM` (1 when unset), as many as [`count`].
pub fn seeds(ci_figure: u64) -> Range<u64> {
    let from = number("ANSER_TORTURE_FROM").unwrap_or(1);
    from..from + count(ci_figure)
}

/// `N` of `make torture`, or the CI figure when it is unset.
///
/// # Panics
///
/// When it is no number: running something else than was asked for would be worse.
pub fn count(ci_figure: u64) -> u64 {
    number("ANSER_TORTURE_COUNT").unwrap_or(ci_figure)
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{variable}={text}: {error}"),
    }
}
