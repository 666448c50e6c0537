//! Which part of a list is asked for.

use axum::http::Uri;

use super::invalid;
use crate::rest::fault::Fault;
use crate::rest::path::query_value;

/// The first ones to be left out, and how many are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub start: u64,
    pub count: usize,
}

impl Page {
    /// A count that is not given is the largest; one above it is refused, since callers that count on it would skip rows.
    pub fn parse(uri: &Uri, count_max: usize) -> Result<Self, Fault> {
        let number = |name: &str| -> Result<Option<u64>, Fault> {
            match query_value(uri, name) {
                None => Ok(None),
                Some(text) => {
                    Ok(Some(text.parse().map_err(|_| invalid(format!("{name} must be a number from 0 up")))?))
                }
            }
        };
        let count = match number("count")? {
            None => count_max,
            Some(count) => usize::try_from(count)
                .ok()
                .filter(|count| (1..=count_max).contains(count))
                .ok_or_else(|| invalid(format!("count must be 1 to {count_max}")))?,
        };
        Ok(Self { start: number("start")?.unwrap_or(0), count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_beginning_and_the_most() {
        let page = |query: &str| {
            let uri: Uri = format!("/v1/users?{query}").parse().expect("a path");
            Page::parse(&uri, 500).map(|page| (page.start, page.count)).map_err(|fault| fault.code)
        };
        assert_eq!(page(""), Ok((0, 500)));
        assert_eq!(page("start=7&count=1"), Ok((7, 1)));
        for wrong in ["start=-1", "count=0", "count=501", "count=x", "start=%zz", "count=18446744073709551616"] {
            assert_eq!(page(wrong), Err(899_003), "{wrong}");
        }
    }
}
