//! What can go wrong with the disk, by what a caller can do about it.

use std::io::ErrorKind;

use crate::table::Table;

/// A read that failed. One damaged value fails the reads that need it; the rest of the store goes on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(
        "a stored value is damaged or missing (table {}, key {}); restore a backup, or save what is whole with `anserd rescue`",
        table.name(), hex(key)
    )]
    Damaged { table: Table, key: Vec<u8> },
    #[error("the store cannot be read: {0}")]
    Disk(Box<redb::Error>),
    #[error("the store is closed after a disk error and is being opened again; try later")]
    Closed,
}

/// A batch that did not become true, or one that was refused untried because an earlier one failed a moment ago. Nobody
/// may be told that anything of it is stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the disk is full: nothing can be stored until there is room")]
    Full,
    #[error("the store cannot write: {0}")]
    Disk(String),
    #[error("the store is closed after a disk error and is being opened again; try later")]
    Closed,
}

/// A store that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the store has format {found}, but this program knows only up to {known}; run the newer program, the file was not touched"
    )]
    NewerFormat { found: u32, known: u32 },
    #[error(
        "the store is damaged ({0}); restore a backup with `anserd restore`, or save what is whole with `anserd rescue`"
    )]
    Damaged(String),
    #[error("the store is in use by another process")]
    InUse,
    #[error("the store's file cannot be opened: {0}")]
    Disk(String),
}

impl ReadError {
    pub(crate) fn disk(error: impl Into<redb::Error>) -> Self {
        Self::Disk(Box::new(error.into()))
    }

    /// After such an error redb serves nothing any more until the store is opened again.
    pub(crate) fn is_of_device(&self) -> bool {
        use redb::Error::{DatabaseClosed, Io, PreviousIo};
        match self {
            Self::Closed => true,
            Self::Disk(error) => matches!(**error, Io(_) | PreviousIo | DatabaseClosed),
            Self::Damaged { .. } => false,
        }
    }
}

impl From<ReadError> for StoreError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Closed,
            ReadError::Disk(error) => Self::disk(*error),
            damaged @ ReadError::Damaged { .. } => Self::Disk(damaged.to_string()),
        }
    }
}

impl StoreError {
    pub(crate) fn disk(error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::Io(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                Self::Full
            }
            other => Self::Disk(other.to_string()),
        }
    }
}

impl OpenError {
    pub(crate) fn from_redb(error: impl Into<redb::Error>) -> Self {
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse,
            redb::Error::UpgradeRequired(version) => Self::Damaged(format!("file format {version} of an old program")),
            error if is_damage(&error) => Self::Damaged(error.to_string()),
            other => Self::Disk(other.to_string()),
        }
    }
}

/// Does the error come from what is in the file, and not from reaching it?
pub(crate) fn is_damage(error: &redb::Error) -> bool {
    use redb::Error::{Corrupted, TableDoesNotExist, TableIsMultimap, TableTypeMismatch, TypeDefinitionChanged};
    match error {
        Corrupted(_)
        | TableDoesNotExist(_)
        | TableIsMultimap(_)
        | TableTypeMismatch { .. }
        | TypeDefinitionChanged { .. } => true,
        // An empty, short or foreign file.
        redb::Error::Io(error) => {
            matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { .. } => Self::Damaged(error.to_string()),
            ReadError::Disk(error) => Self::from_redb(*error),
            ReadError::Closed => Self::Disk(error.to_string()),
        }
    }
}

pub(crate) fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}
