//! How far a fault test runs: its CI figure, or what `make torture` asks for.

use std::env;
use std::ops::Range;

/// From `FROM` (1 when unset), as many as `N` says, or the CI figure when it is unset.
pub fn seeds(ci_figure: u64) -> Range<u64> {
    let from = number("ANSER_TORTURE_FROM").unwrap_or(1);
    from..from + number("ANSER_TORTURE_COUNT").unwrap_or(ci_figure)
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}
