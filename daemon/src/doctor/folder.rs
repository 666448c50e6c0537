//! The data folder: private, whole, and of a format that this program knows.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anser_storage::OpenError;
use anser_storage::disk;

use super::Finding;
use crate::config::Config;

const FOLDER: &str = "data folder";
const STORE: &str = "store";
/// What only the daemon's user may read.
const PRIVATE: [&str; 3] = ["daemon.key", "ca.key", "store.redb"];

pub fn check(config: &Config, is_running: bool) -> Vec<Finding> {
    let folder = &config.data_dir;
    let metadata = match std::fs::metadata(folder) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return vec![Finding::ok(FOLDER, format!("{} is made at the first start", folder.display()))];
        }
        Err(error) => return vec![unreadable(folder, &error)],
    };
    let mut findings = Vec::new();
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let shown = folder.display();
        findings.push(Finding::fail(
            FOLDER,
            format!("{shown} has mode {mode:o}: other users may look into it"),
            format!("chmod 0700 {shown}"),
        ));
    }
    for name in PRIVATE {
        findings.extend(check_private(&folder.join(name), metadata.uid()));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(FOLDER, format!("{} is private", folder.display())));
    }
    findings.push(check_store(folder, is_running));
    findings
}

fn check_private(path: &Path, owner: u32) -> Option<Finding> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(unreadable(path, &error)),
    };
    let (mode, shown) = (metadata.permissions().mode() & 0o777, path.display());
    if mode & 0o077 != 0 {
        let text = format!("{shown} has mode {mode:o}: others may read what is secret");
        return Some(Finding::fail(
            FOLDER,
            text,
            format!("chmod 0600 {shown}; if others have had access, count its secrets as known"),
        ));
    }
    (metadata.uid() != owner).then(|| {
        let text = format!("{shown} belongs to user {}, and its folder to user {owner}", metadata.uid());
        Finding::fail(FOLDER, text, format!("chown {owner} {shown}"))
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Finding {
    let text = format!("{} cannot be looked at: {error}", path.display());
    Finding::fail(FOLDER, text, "run this as the daemon's user or as root (sudo)")
}

fn check_store(folder: &Path, is_running: bool) -> Finding {
    if is_running {
        return Finding::ok(STORE, "the running daemon has it open");
    }
    judge_store(disk::format_of(folder))
}

fn judge_store(found: Result<Option<u32>, OpenError>) -> Finding {
    match found {
        Ok(None) => Finding::ok(STORE, "there is none yet"),
        Ok(Some(format)) if format < disk::FORMAT => Finding::ok(
            STORE,
            format!(
                "format {format}; the next start brings it to {}, and earlier programs do not open it any more",
                disk::FORMAT
            ),
        ),
        Ok(Some(format)) => Finding::ok(STORE, format!("format {format}")),
        Err(error @ OpenError::NewerFormat { .. }) => {
            Finding::fail(STORE, error.to_string(), "install the program that wrote it, or a newer one")
        }
        Err(error @ OpenError::Damaged(_)) => Finding::fail(
            STORE,
            error.to_string(),
            "do not start on it again and again: restore a backup (`anserd restore`)",
        ),
        Err(error) => Finding::warn(
            STORE,
            format!("it was not closed in order, or another program has it open: {error}"),
            "the next start repairs it; if the daemon does run, ask as its user or as root",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, the_trouble, troubles};
    use super::*;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
    }

    #[test]
    fn a_folder_and_a_key_that_others_may_read_fail() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "");
        assert_eq!(troubles(&check(&config, false)), [""; 0], "there is none yet");
        std::fs::create_dir(&config.data_dir).expect("made");
        mode(&config.data_dir, 0o755);
        the_trouble(&check(&config, false), &["Fail", "mode 755", "chmod 0700"]);
        mode(&config.data_dir, 0o700);
        let key = config.data_dir.join("ca.key");
        std::fs::write(&key, "key").expect("written");
        mode(&key, 0o644);
        the_trouble(&check(&config, false), &["Fail", "ca.key has mode 644", "chmod 0600"]);
        mode(&key, 0o600);
        assert_eq!(troubles(&check(&config, true)), [""; 0]);
    }

    #[test]
    fn a_store_of_a_newer_program_a_damaged_one_and_one_after_a_crash_are_told_apart() {
        the_trouble(
            &[judge_store(Err(OpenError::NewerFormat { found: 99, known: 9 }))],
            &["Fail", "format 99", "newer"],
        );
        the_trouble(&[judge_store(Err(OpenError::Damaged("x".into())))], &["Fail", "anserd restore"]);
        the_trouble(&[judge_store(Err(OpenError::Disk("x".into())))], &["Warn", "repairs it"]);
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path(), "");
        std::fs::create_dir(&config.data_dir).expect("made");
        mode(&config.data_dir, 0o700);
        anser_storage::Store::open(&config.data_dir, anser_storage::Options::default())
            .expect("made")
            .shut_down()
            .expect("the disk is well");
        let findings = check(&config, false);
        assert!(findings.iter().any(|finding| finding.text == format!("format {}", disk::FORMAT)), "{findings:?}");
        std::fs::write(disk::file_in(&config.data_dir), "rubbish").expect("written");
        mode(&disk::file_in(&config.data_dir), 0o600);
        the_trouble(&check(&config, false), &["Fail", "damaged"]);
    }
}
