//! What app servers upload: lists of devices, and images.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, FileId};

/// An upload comes in slices: nobody finds the file before it is finished, and one that is not finished within an hour is
/// removed. A file that the owner does not have is refused (`FileUnknown`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FileCommand {
    /// Refused (`TooManyFiles`) when the owner has as many of this kind as it may, unfinished ones included.
    Begin {
        owner: FileOwner,
        kind: FileKind,
        name: String,
        /// Becomes half of the id.
        random: [u8; 8],
    },
    /// Parts come in order and count from 0; each has at most 64 KiB, and a list's hold whole lines.
    AddPart { owner: FileOwner, file: FileId, part: u32, body: Vec<u8> },
    /// From now on the file can be used, for so long.
    Finish { owner: FileOwner, file: FileId, lifetime_ms: TimeMs },
    /// An image gets the content of an upload that is not finished yet, and a new lifetime. It keeps its id; the
    /// upload's is forgotten.
    Replace { owner: FileOwner, file: FileId, by: FileId, lifetime_ms: TimeMs },
    /// One that is not there is no error.
    Delete { owner: FileOwner, file: FileId },
}

impl FileCommand {
    pub(super) fn app(&self) -> Option<AppNumber> {
        let (Self::Begin { owner, .. }
        | Self::AddPart { owner, .. }
        | Self::Finish { owner, .. }
        | Self::Replace { owner, .. }
        | Self::Delete { owner, .. }) = self;
        match owner {
            FileOwner::App(app) => Some(*app),
            FileOwner::Developer(_) => None,
        }
    }
}

/// Who uploaded a file, and may see and delete it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileOwner {
    App(AppNumber),
    /// By its key. All apps that it made may push to its lists.
    Developer(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// One alias on each line.
    Aliases,
    /// One registration id on each line.
    RegistrationIds,
    Image {
        /// 1 big picture, 2 large icon, 3 small icon.
        image_type: u8,
        /// Empty when the image lies elsewhere.
        content_type: String,
        /// Where devices get it; of one that lies here, the scheme and host by which the daemon is reached.
        url: String,
    },
}

impl FileKind {
    pub fn is_list(&self) -> bool {
        matches!(self, Self::Aliases | Self::RegistrationIds)
    }
}

/// A list of devices as a push names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileName {
    /// The key of the app or the developer that uploaded it.
    pub owner_key: String,
    pub id: FileId,
}

/// Those whom a list names. A list may have a million lines: they are looked up slice by slice in snapshots before the
/// command is made, as `Snapshot::add_devices_of_part` says; whether the file may be used is decided with the push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAudience {
    pub file: FileName,
    /// Device numbers in the portable format of roaring.
    pub devices: Vec<u8>,
}
