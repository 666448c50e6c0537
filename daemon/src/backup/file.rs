//! Files of backups: written under another name until they are whole and on disk, for their owner alone; and read again,
//! encrypted or not.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anser_storage::crash_point::{CrashPoint, pass};

use super::age::{Decrypt, Encrypt, Identity, Recipient};
use super::contents::{self, Look, Receive, Summary};
use super::format::{AGE_MAGIC, BackupError};
use crate::clock::{Written, now_ms};
use crate::config::TimeZone;

/// The names that backups get by themselves; only such files are ever removed.
const PREFIX: &str = "anser-";
const SUFFIX: &str = ".backup";
const SUFFIX_ENCRYPTED: &str = ".backup.age";

/// A file on its way. Dropped before it is finished, it leaves nothing.
pub struct NewFile {
    file: File,
    unfinished: Unfinished,
    path: PathBuf,
}

/// Removed when it was not given its name.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // The next backup of this name removes it.
            let _ = fs::remove_file(path);
        }
    }
}

impl NewFile {
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.exists() {
            let what = "it exists already; a backup is never written over another file";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        }
        let mut name = path.file_name().map(OsString::from).unwrap_or_default();
        name.push(".part");
        let unfinished = path.with_file_name(name);
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        Ok(Self { file, unfinished: Unfinished(Some(unfinished)), path: path.to_owned() })
    }

    /// It is on disk when this returns.
    pub fn finish(mut self) -> io::Result<()> {
        pass(CrashPoint::BackupReceived);
        self.file.sync_all()?;
        pass(CrashPoint::BackupSynced);
        if let Some(unfinished) = &self.unfinished.0 {
            fs::rename(unfinished, &self.path)?;
        }
        pass(CrashPoint::BackupNamed);
        self.unfinished.0 = None;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Write for NewFile {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What a backup made now is called.
pub fn name_now(is_encrypted: bool) -> String {
    let written = Written(now_ms(), TimeZone::UTC).to_string().replace([' ', ':'], "-");
    format!("{PREFIX}{written}{}", if is_encrypted { SUFFIX_ENCRYPTED } else { SUFFIX })
}

/// Removes the oldest backups in a folder, by their names, until `keep` are left. Returns those that went.
pub fn rotate(folder: &Path, keep: usize) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        names.extend(entry.file_name().into_string().ok().filter(|name| is_our_name(name)));
    }
    names.sort_unstable();
    let old = names.len().saturating_sub(keep);
    let old: Vec<_> = names.iter().take(old).map(|name| folder.join(name)).collect();
    old.iter().try_for_each(fs::remove_file)?;
    Ok(old)
}

fn is_our_name(name: &str) -> bool {
    let stamp = name
        .strip_prefix(PREFIX)
        .and_then(|name| name.strip_suffix(SUFFIX_ENCRYPTED).or_else(|| name.strip_suffix(SUFFIX)));
    stamp.is_some_and(|stamp| {
        stamp.len() == "2026-01-31-23-59-59".len() && stamp.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// Copies a backup and looks at every byte of it on the way. Only after this returned may the copy be finished.
pub fn copy(from: impl Read, to: impl Write, recipients: &[Recipient]) -> Result<Summary, BackupError> {
    if recipients.is_empty() {
        let mut tee = Tee { from: BufReader::new(from), to };
        let summary = contents::read(&mut tee, &mut Look)?;
        tee.to.flush()?;
        return Ok(summary);
    }
    let mut tee = Tee { from: BufReader::new(from), to: Encrypt::begin(to, recipients)? };
    let summary = contents::read(&mut tee, &mut Look)?;
    tee.to.finish()?;
    Ok(summary)
}

/// Writes on what is read from it.
struct Tee<R, W> {
    from: R,
    to: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(to)?;
        self.to.write_all(&to[..got])?;
        Ok(got)
    }
}

/// Reads a backup to its end, encrypted or not.
pub fn read<T: Receive>(input: impl Read, identities: &[Identity], receiver: &mut T) -> Result<Summary, T::Error> {
    let mut input = BufReader::with_capacity(128 << 10, input);
    let mut first = [0; AGE_MAGIC.len()];
    let got = read_first(&mut input, &mut first).map_err(BackupError::from)?;
    let is_encrypted = &first[..got] == AGE_MAGIC;
    let whole = (&first[..got]).chain(input);
    if is_encrypted && !identities.is_empty() {
        contents::read(Decrypt::open(whole, identities).map_err(BackupError::from)?, receiver)
    } else {
        contents::read(whole, receiver)
    }
}

fn read_first(input: &mut impl Read, first: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < first.len() {
        match input.read(&mut first[got..])? {
            0 => break,
            more => got += more,
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_backups_are_rotated_and_the_newest_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = ["anser-2026-01-01-00-00-00.backup", "anser-2026-01-02-00-00-00.backup.age"];
        let kept = ["anser-2026-02-01-00-00-00.backup", "anser-notes.backup", "other.backup", "anser.toml"];
        for name in old.iter().chain(&kept) {
            fs::write(folder.path().join(name), "x").expect("written");
        }
        let gone = rotate(folder.path(), 1).expect("removed");
        assert_eq!(gone, old.map(|name| folder.path().join(name)));
        assert!(kept.iter().all(|name| folder.path().join(name).exists()));
        assert!(is_our_name(&name_now(true)) && is_our_name(&name_now(false)));
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_nothing_and_none_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("one.backup");
        let mut file = NewFile::create(&path).expect("created");
        file.write_all(b"half").expect("written");
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
        NewFile::create(&path).expect("created").finish().expect("on disk");
        assert!(NewFile::create(&path).is_err());
    }
}
