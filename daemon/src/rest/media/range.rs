//! The part of a body that a request asks for.

use std::ops::Range;

/// What a `Range` header means for a body of so many bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// No range, several, or one that nobody understands: everything.
    Whole,
    Part(Range<u64>),
    /// It begins behind the end.
    Beyond,
}

pub fn parse(header: &str, bytes: u64) -> Asked {
    let range = header.trim().strip_prefix("bytes=").and_then(|range| range.trim().split_once('-'));
    let Some((from, to)) = range else { return Asked::Whole };
    match (number(from), number(to)) {
        // The last so many bytes.
        (None, Some(last)) if from.is_empty() => match last.min(bytes) {
            0 => Asked::Beyond,
            last => Asked::Part(bytes - last..bytes),
        },
        (Some(from), None) if to.is_empty() => part(from, bytes, bytes),
        (Some(from), Some(to)) if from <= to => part(from, to.saturating_add(1).min(bytes), bytes),
        _ => Asked::Whole,
    }
}

fn part(from: u64, to: u64, bytes: u64) -> Asked {
    if from < bytes { Asked::Part(from..to) } else { Asked::Beyond }
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_range_is_understood_and_everything_else_means_the_whole() {
        for (header, asked) in [
            ("bytes=0-3", Asked::Part(0..4)),
            ("bytes=4-", Asked::Part(4..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=9-99999999999999999999999", Asked::Part(9..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=10-20", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=3-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(parse(header, 10), asked, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Asked::Beyond);
    }

    proptest! {
        #[test]
        fn no_part_is_empty_or_reaches_beyond_the_end(header in "(bytes=)?[0-9-]{0,9}", bytes in 0u64..50) {
            if let Asked::Part(part) = parse(&header, bytes) {
                prop_assert!(part.start < part.end && part.end <= bytes);
            }
        }
    }
}
