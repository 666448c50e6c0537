//! Devices of another push service, by the operator's file of their registration ids: what is known of each waits here under
//! that id until the device says it.
//!
//! A line is a registration id, and behind tabs or commas, where the operator knows them, alias, tags with semicolons between
//! them, and mobile number. An id alone is looked up at the source, if one is named. Empty lines, those that begin with `#`
//! and a first line of headings are passed over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anser_storage::WaitingDevice;
use anser_storage::command::ImportCommand;
use serde_json::Value;

use super::journal::{Journal, Step};
use super::{ImportError, Progress, Target, checked};
use crate::admin::ImportPiece;
use crate::bridge::source::{Source, SourceError};

/// A thousand tags of forty bytes fit.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// Lines in a step: with a source each is a request, which a killed run repeats.
const LOOKED_UP: usize = 20;

/// What does not come along.
pub const NOT_CARRIED: [&str; 3] = [
    "the platform of a device, when it was seen, and what else it tells of itself: it says so when it comes",
    "pushes that wait for it at the other service, and what became of earlier ones",
    "schedules, templates and test devices",
];

pub struct Jpush<'r> {
    pub source: Option<&'r Source>,
    pub target: &'r Target,
    pub journal: &'r mut Journal,
    pub progress: &'r mut Progress,
}

impl Jpush<'_> {
    pub async fn run(mut self, path: &Path) -> Result<BTreeMap<String, u64>, ImportError> {
        let failed = |error: std::io::Error| ImportError::File { path: path.to_owned(), why: error.to_string() };
        let total = count_lines(path).map_err(failed)?;
        let mut lines = Lines::open(path).map_err(failed)?;
        let done = self.journal.cursor().start;
        for _ in 0..done {
            lines.next_line().map_err(failed)?;
        }
        while self.journal.cursor().stage == 0 {
            let per_step = if self.source.is_some() { LOOKED_UP } else { ImportCommand::DEVICES_MAX };
            let (mut step, mut devices) = (Step::default(), Vec::new());
            let mut cursor = self.journal.cursor();
            for _ in 0..per_step {
                let Some(line) = lines.next_line().map_err(failed)? else {
                    cursor.stage = 1;
                    break;
                };
                cursor.start += 1;
                match line {
                    Line::Text(text) => devices.extend(self.device(&text, cursor.start == 1, &mut step).await?),
                    Line::Unreadable => {
                        step.left_out("lines", &cursor.start.to_string(), "it is too long or no UTF-8");
                    }
                }
            }
            if !devices.is_empty() {
                step.count("devices", devices.len() as u64);
                let shown = self.target.put(ImportPiece::Devices(devices)).await?;
                shown.left_out.iter().for_each(|(id, why)| step.left_out("devices", id, why));
            }
            if cursor.stage == 1 {
                NOT_CARRIED.iter().for_each(|what| step.not_carried(what));
            }
            self.journal.step(step, cursor)?;
            self.progress.show("devices", cursor.start, total);
        }
        self.progress.clear();
        Ok(self.journal.counts().clone())
    }

    async fn device(
        &mut self,
        line: &str,
        is_first: bool,
        step: &mut Step,
    ) -> Result<Option<WaitingDevice>, ImportError> {
        let Some(given) = Given::parse(line, is_first) else { return Ok(None) };
        let id = given.id.clone();
        let source = match self.source {
            Some(source) if !given.says_more => source,
            _ => return Ok(checked::device(&id, &given.alias, &given.tags, &given.mobile, step)),
        };
        // Before it becomes a part of a path.
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            step.left_out("devices", &id, "the id has other than letters and digits");
            return Ok(None);
        }
        let found = match source.json(&format!("/v3/devices/{id}")).await {
            Ok(found) => found,
            Err(SourceError::Refused { status, code, message, .. }) => {
                step.left_out("devices", &id, &format!("the source refused it: {status}, code {code}: {message}"));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let text = |key: &str| checked::text(&found, key).unwrap_or_default();
        let tags: Vec<String> = match found.get("tags") {
            Some(Value::Array(tags)) => tags.iter().filter_map(|tag| Some(tag.as_str()?.to_owned())).collect(),
            _ => Vec::new(),
        };
        Ok(checked::device(&id, &text("alias"), &tags, &text("mobile"), step))
    }
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
struct Given {
    id: String,
    alias: String,
    tags: Vec<String>,
    mobile: String,
    says_more: bool,
}

impl Given {
    fn parse(line: &str, is_first: bool) -> Option<Self> {
        let line = if is_first { line.trim_start_matches('\u{feff}') } else { line };
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() || line.starts_with('#') {
            return None;
        }
        let separator = if line.contains('\t') { '\t' } else { ',' };
        let mut columns = line.split(separator).map(|column| column.trim().trim_matches('"').to_owned());
        let id = columns.next().unwrap_or_default();
        if is_first && id.eq_ignore_ascii_case("registration_id") {
            return None;
        }
        let (alias, tags) = (columns.next(), columns.next().unwrap_or_default());
        let says_more = alias.is_some();
        let tags = tags.split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        Some(Self { id, alias: alias.unwrap_or_default(), tags, mobile: columns.next().unwrap_or_default(), says_more })
    }
}

enum Line {
    Text(String),
    Unreadable,
}

/// One line after the other, none of which may fill the memory.
struct Lines(BufReader<File>);

impl Lines {
    fn open(path: &Path) -> std::io::Result<Self> {
        Ok(Self(BufReader::new(File::open(path)?)))
    }

    fn next_line(&mut self) -> std::io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let read = (&mut self.0).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
            self.0.skip_until(b'\n')?;
            return Ok(Some(Line::Unreadable));
        }
        Ok(Some(String::from_utf8(bytes).map_or(Line::Unreadable, Line::Text)))
    }
}

fn count_lines(path: &Path) -> std::io::Result<u64> {
    let mut lines = Lines::open(path)?;
    let mut count = 0;
    while lines.next_line()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Which file it is, for the journal: another one must not go on where this one was.
pub fn named(path: &Path, from: Option<&Source>) -> Result<String, ImportError> {
    let found =
        std::fs::metadata(path).map_err(|error| ImportError::File { path: path.to_owned(), why: error.to_string() })?;
    let from = from.map_or(String::new(), |from| format!(" {} {}", from.order().url, from.order().app_key));
    Ok(format!("{} of {} bytes{from}", path.display(), found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(id: &str, alias: &str, tags: &[&str], mobile: &str, says_more: bool) -> Option<Given> {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Some(Given { id: id.into(), alias: alias.into(), tags, mobile: mobile.into(), says_more })
    }

    #[test]
    fn a_line_is_an_id_alone_or_with_columns() {
        assert_eq!(Given::parse("\u{feff}registration_id,alias\r\n", true), None);
        assert_eq!(Given::parse("# ours\n", false), None);
        assert_eq!(Given::parse("  \n", false), None);
        assert_eq!(Given::parse("abc\r\n", true), given("abc", "", &[], "", false));
        assert_eq!(Given::parse("abc,al,t1;t2,13800\n", false), given("abc", "al", &["t1", "t2"], "13800", true));
        assert_eq!(Given::parse("abc\t\tt1; t2", false), given("abc", "", &["t1", "t2"], "", true));
        assert_eq!(Given::parse("\"abc\",\"al\"", false), given("abc", "al", &[], "", true));
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ids");
        std::fs::write(&path, [vec![b'x'; 200_000], b"\nabc\n\xff\n".to_vec()].concat()).expect("written");
        let mut lines = Lines::open(&path).expect("there");
        assert!(matches!(lines.next_line().expect("read"), Some(Line::Unreadable)));
        assert!(matches!(lines.next_line().expect("read"), Some(Line::Text(text)) if text == "abc\n"));
        assert!(matches!(lines.next_line().expect("read"), Some(Line::Unreadable)));
        assert!(lines.next_line().expect("read").is_none());
        assert_eq!(count_lines(&path).expect("read"), 3);
    }
}
