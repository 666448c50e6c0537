//! How far an import has come, in a file that is replaced after every step; and the report, to which every step adds lines.
//!
//! A step is: put into the daemon, add to the report, sync it, replace the journal. Killed in between, the next run repeats the
//! step and first cuts the report to the length that the journal names, so that no line stands twice.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ImportError;

const VERSION: u32 = 1;
const JOURNAL_BYTES_MAX: u64 = 64 << 10;

/// Which import it is. Another one must not go on in the same file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    pub kind: String,
    pub app_key: String,
    /// Where it comes from: the address and the app key there, or the file.
    pub from: String,
}

/// The stage, the start of a page in it, and how many of the page are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub stage: u32,
    pub start: u64,
    pub done: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    version: u32,
    import: Import,
    cursor: Cursor,
    report_bytes: u64,
    counts: BTreeMap<String, u64>,
}

/// The two files, open. A dry run keeps nothing.
pub struct Journal {
    path: Option<PathBuf>,
    written: Written,
    report: Option<(PathBuf, File)>,
}

impl Journal {
    /// Goes on with the import of these files, or begins one.
    pub fn open(path: &Path, report: &Path, import: Import) -> Result<Self, ImportError> {
        let written = match read(path)? {
            None => Written {
                version: VERSION,
                import,
                cursor: Cursor::default(),
                report_bytes: 0,
                counts: BTreeMap::new(),
            },
            Some(written) if written.version == VERSION && written.import == import => written,
            Some(_) => {
                let why = "it belongs to another import; name another file with --state, or remove it to begin anew";
                return Err(ImportError::File { path: path.to_owned(), why: why.to_owned() });
            }
        };
        let file = open_report(report, written.report_bytes).map_err(|error| failed(report, &error))?;
        Ok(Self { path: Some(path.to_owned()), written, report: Some((report.to_owned(), file)) })
    }

    /// Of a run that changes nothing: it begins at the beginning, and only its report is kept, if anybody wants it.
    pub fn dry(import: Import, report: Option<&Path>) -> Result<Self, ImportError> {
        let (cursor, counts) = (Cursor::default(), BTreeMap::new());
        let written = Written { version: VERSION, import, cursor, report_bytes: 0, counts };
        let open = |path: &Path| {
            let file = open_report(path, 0).map_err(|error| failed(path, &error))?;
            Ok::<_, ImportError>((path.to_owned(), file))
        };
        Ok(Self { path: None, written, report: report.map(open).transpose()? })
    }

    pub fn cursor(&self) -> Cursor {
        self.written.cursor
    }

    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.written.counts
    }

    /// A step is done: its lines, its counts, and where to go on.
    pub fn step(&mut self, step: Step, cursor: Cursor) -> Result<(), ImportError> {
        for (what, count) in step.counts {
            *self.written.counts.entry(what.to_owned()).or_default() += count;
        }
        if !step.lines.is_empty()
            && let Some((path, file)) = &mut self.report
        {
            let text: String = step.lines.iter().map(|line| format!("{line}\n")).collect();
            let added = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
            added.map_err(|error| failed(path, &error))?;
            self.written.report_bytes += text.len() as u64;
        }
        self.written.cursor = cursor;
        let Some(path) = &self.path else { return Ok(()) };
        replace(path, &self.written).map_err(|error| failed(path, &error))
    }
}

/// What a step adds.
#[derive(Debug, Default)]
pub struct Step {
    lines: Vec<Value>,
    counts: BTreeMap<&'static str, u64>,
}

impl Step {
    pub fn count(&mut self, what: &'static str, more: u64) {
        *self.counts.entry(what).or_default() += more;
    }

    /// Under which id something is here.
    pub fn carried(&mut self, what: &'static str, old: u64, new: u32, name: &str) {
        self.lines.push(json!({"what": what, "old": old, "new": new, "name": name}));
    }

    /// `of` says of what it is a part.
    pub fn left_out(&mut self, of: &str, name: &str, why: &str) {
        self.count("left out", 1);
        self.lines.push(json!({"what": "left_out", "of": of, "name": name, "why": why}));
    }

    pub fn not_carried(&mut self, what: &str) {
        self.lines.push(json!({"what": "not_carried", "name": what}));
    }
}

fn read(path: &Path) -> Result<Option<Written>, ImportError> {
    let strange = |why: String| ImportError::File { path: path.to_owned(), why };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
        Ok(found) if found.len() > JOURNAL_BYTES_MAX => {
            return Err(strange("it is no journal of an import".to_owned()));
        }
        Ok(_) => {}
    }
    let text = std::fs::read(path).map_err(|error| failed(path, &error))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| strange(format!("it is no journal of an import ({error})")))
}

fn open_report(path: &Path, bytes: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.len() < bytes {
        return Err(io::Error::other("it is shorter than the journal says; put it back, or begin anew"));
    }
    file.set_len(bytes)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

/// Whole or not at all.
fn replace(path: &Path, written: &Written) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&serde_json::to_vec(written)?)?;
    file.sync_data()?;
    std::fs::rename(&new, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, error: &io::Error) -> ImportError {
    ImportError::File { path: path.to_owned(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn import(app_key: &str) -> Import {
        Import { kind: "jmessage".to_owned(), app_key: app_key.to_owned(), from: "https://a.example.com k".to_owned() }
    }

    fn left_out(name: &str) -> Step {
        let mut step = Step::default();
        step.left_out("friends of alice", name, "no user is here");
        step
    }

    #[test]
    fn it_goes_on_where_it_was_and_what_was_half_reported_is_cut_off() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, report) = (dir.path().join("state"), dir.path().join("report"));
        let mut journal = Journal::open(&path, &report, import("k")).expect("begun");
        let cursor = Cursor { stage: 1, start: 500, done: 3 };
        journal.step(left_out("bob"), cursor).expect("written");
        drop(journal);
        // As if it was killed behind the report and before the journal.
        OpenOptions::new().append(true).open(&report).expect("there").write_all(b"{\"half").expect("written");
        let mut journal = Journal::open(&path, &report, import("k")).expect("goes on");
        assert_eq!((journal.cursor(), journal.counts().get("left out")), (cursor, Some(&1)));
        journal.step(left_out("carol"), cursor).expect("written");
        let text = std::fs::read_to_string(&report).expect("there");
        let names: Vec<Value> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["name"].clone()).collect();
        assert_eq!(names, ["bob", "carol"]);
        for file in [&path, &report] {
            assert_eq!(std::fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn another_import_does_not_go_on_in_the_same_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, report) = (dir.path().join("state"), dir.path().join("report"));
        let mut journal = Journal::open(&path, &report, import("k")).expect("begun");
        journal.step(Step::default(), Cursor::default()).expect("written");
        assert!(Journal::open(&path, &report, import("other")).is_err());
        std::fs::write(&path, "no journal").expect("written");
        assert!(Journal::open(&path, &report, import("k")).is_err());
    }
}
