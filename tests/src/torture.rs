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

/// A number below `limit` that looks like any other, and is always the same for a seed.
pub fn spread(seed: u64, limit: u64) -> u64 {
    // The finalizer of SplitMix64: every bit of the seed moves every bit of the result.
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) % limit
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{variable}={text}: {error}"),
    }
}
