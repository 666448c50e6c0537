//! Packages of the programs that the tests run, so that none is compiled for them alone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::{binaries, workspace};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Deb,
    Rpm,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
        }
    }
}

/// The package of that version; the folder holds no other of its kind. One is built at a time: what is made for it lies in
/// one place.
pub fn build(kind: Kind, version: &str, folder: &Path) -> io::Result<PathBuf> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let programs = binaries::anserd().parent().map(Path::to_path_buf).unwrap_or_default();
    let output = Command::new(workspace::root().join("packaging/build"))
        .args([kind.name().as_ref(), programs.as_os_str(), folder.as_os_str(), version.as_ref()])
        .env("ANSER_QUICK_PACKAGE", "1")
        .output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!("packaging/build {} failed: {told}", kind.name())));
    }
    let mut files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == kind.name()));
    match files.as_slice() {
        [file] => Ok(file.clone()),
        files => Err(io::Error::other(format!("one package was expected: {files:?}"))),
    }
}
