//! Backups: everything that a data folder needs, of one moment, in one file.
//!
//! `format` is the bytes of it and `contents` what they say together; `collect` reads what goes in, `online` from the
//! running daemon; `restore` makes a data folder of it again. `age` encrypts, `file` sees to it that no half file looks
//! whole, and `rescue` is for when there is no backup.

pub mod age;
mod bech32;
mod collect;
pub mod contents;
pub mod file;
mod format;
mod offline;
mod online;
pub mod rescue;
pub mod restore;

pub use format::{BackupError, Begin, End, Kind, header, seal};
pub use offline::{ExportError, export};
pub use online::{Backups, send};
