//! A list of names, one on each line, cut into parts as it comes in.

use std::fmt;

/// What the store takes at a time.
const PART_BYTES_MAX: usize = 64 << 10;
/// No alias and no registration id is nearly so long.
const LINE_BYTES_MAX: usize = 1024;

/// Takes pieces wherever they were cut; gives out parts of whole lines, trimmed, without blank ones.
#[derive(Debug, Default)]
pub struct Lines {
    /// The line that has not ended yet.
    open: Vec<u8>,
    /// Of the line that is open.
    number: u64,
    part: String,
    ready: Vec<String>,
}

/// What is wrong, and on which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    NotUtf8 { line: u64 },
    TooLong { line: u64 },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { line } => write!(f, "line {line} is not UTF-8"),
            Self::TooLong { line } => write!(f, "line {line} is longer than {LINE_BYTES_MAX} bytes"),
        }
    }
}

impl Lines {
    /// Returns the parts that are full.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<String>, Malformed> {
        for bit in piece.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(bit);
            if self.open.len() > LINE_BYTES_MAX {
                return Err(Malformed::TooLong { line: self.number + 1 });
            }
            if bit.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(std::mem::take(&mut self.ready))
    }

    /// The last line needs no end. Returns the rest.
    pub fn finish(mut self) -> Result<Vec<String>, Malformed> {
        self.end_line()?;
        if !self.part.is_empty() {
            self.ready.push(self.part);
        }
        Ok(self.ready)
    }

    fn end_line(&mut self) -> Result<(), Malformed> {
        let open = std::mem::take(&mut self.open);
        self.number += 1;
        let line = str::from_utf8(&open).map_err(|_| Malformed::NotUtf8 { line: self.number })?;
        // Some editors begin a file with a mark.
        let line = if self.number == 1 { line.trim_start_matches('\u{feff}') } else { line };
        let name = line.trim();
        if name.is_empty() {
            return Ok(());
        }
        if self.part.len() + 1 + name.len() > PART_BYTES_MAX {
            self.ready.push(std::mem::take(&mut self.part));
        }
        if !self.part.is_empty() {
            self.part.push('\n');
        }
        self.part.push_str(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The names in a list that comes in pieces of so many bytes; no part may be too large.
    fn names(list: &[u8], piece: usize) -> Result<Vec<String>, Malformed> {
        let mut lines = Lines::default();
        let mut parts = Vec::new();
        for piece in list.chunks(piece.max(1)) {
            parts.extend(lines.push(piece)?);
        }
        parts.extend(lines.finish()?);
        assert!(parts.iter().all(|part| (1..=PART_BYTES_MAX).contains(&part.len())));
        Ok(parts.iter().flat_map(|part| part.split('\n')).map(str::to_owned).collect())
    }

    #[test]
    fn lines_are_trimmed_and_blank_ones_left_out() {
        let list = "\u{feff}one\r\n\r\n  two \n\t\n三\r\nlast";
        for piece in 1..30 {
            assert_eq!(names(list.as_bytes(), piece), Ok(["one", "two", "三", "last"].map(str::to_owned).to_vec()));
        }
        assert_eq!(names(b"", 1), Ok(vec![]));
        assert_eq!(names(b"\r\n \n", 1), Ok(vec![]));
    }

    #[test]
    fn a_long_list_comes_out_in_several_parts() {
        let list: Vec<String> = (0..30_000).map(|number| format!("alias_{number}")).collect();
        assert_eq!(names(list.join("\n").as_bytes(), 5000), Ok(list));
    }

    #[test]
    fn a_line_that_is_no_text_or_far_too_long_is_told_by_its_number() {
        assert_eq!(names(b"a\nb\n\xff\n", 3), Err(Malformed::NotUtf8 { line: 3 }));
        let long = format!("a\n{}", "b".repeat(LINE_BYTES_MAX + 1));
        assert_eq!(names(long.as_bytes(), 100), Err(Malformed::TooLong { line: 2 }));
        assert!(names(&long.as_bytes()[..LINE_BYTES_MAX + 2], 100).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_the_cut_does_not_matter(list in prop::collection::vec(any::<u8>(), 0..3000), piece in 1usize..400) {
            prop_assert_eq!(names(&list, piece), names(&list, usize::MAX));
        }

        #[test]
        fn every_name_comes_out(list in prop::collection::vec("[^\\s\u{feff}]{1,40}", 0..200), piece in 1usize..400) {
            prop_assert_eq!(names(list.join("\r\n").as_bytes(), piece), Ok(list));
        }
    }
}
