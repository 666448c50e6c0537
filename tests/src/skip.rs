//! Tests that cannot run everywhere say so, and in CI must be allowed to by `SKIPS.md`.

/// Leaves the test with a printed reason. In CI (`CI=true`) it fails instead, unless `tests/SKIPS.md` lists it.
#[macro_export]
macro_rules! skip {
    ($test:expr, $($reason:tt)+) => {{
        $crate::skip::note($test, &format!($($reason)+));
        return;
    }};
}

const SKIPS: &str = include_str!("../SKIPS.md");

/// What [`skip!`](crate::skip!) does before it returns.
pub fn note(test: &str, reason: &str) {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(
        !in_ci || is_listed(SKIPS, test),
        "{test} was skipped in CI ({reason}), but tests/SKIPS.md does not list it"
    );
    println!("SKIPPED {test}: {reason}");
}

/// Is there a row for the test in the list's table?
fn is_listed(list: &str, test: &str) -> bool {
    list.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).any(|(name, _)| name == test)
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    const LIST: &str = "# Skips\n\n| Test | Why |\n|---|---|\n| `g1_power_cuts` | no loop devices |\n";

    #[test]
    fn a_test_with_a_row_is_listed() {
        assert!(is_listed(LIST, "g1_power_cuts"));
    }

    #[test]
    fn a_test_is_not_listed_by_a_part_of_its_name_or_a_reason() {
        assert!(!is_listed(LIST, "g1"));
        assert!(!is_listed(LIST, "no loop devices"));
    }
}
