//! The tables of a store that no daemon has open, as a file: the way between file formats.

use std::io::Write;
use std::path::Path;

use anser_storage::{OpenError, Options, ReadError, Store};
use thiserror::Error;

use super::collect::{self, CollectError};
use super::format::{End, Kind, Writer};
use crate::clock::now_ms;

#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error("it cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

/// Nobody else may have the data folder meanwhile.
pub fn export(data_dir: &Path, out: impl Write) -> Result<End, ExportError> {
    let store = Store::open(data_dir, Options::default())?;
    let snapshot = store.reader().snapshot()?;
    let mut writer = Writer::begin(out, &collect::begin(&snapshot, Kind::Store, now_ms())?)?;
    collect::rows(&snapshot, &mut writer)?;
    let (_, end) = writer.finish()?;
    Ok(end)
}
