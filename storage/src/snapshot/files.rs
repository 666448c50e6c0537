//! Reading what app servers uploaded, and whom a list names.

use anser_protocol::ids::TimeMs;
use roaring::RoaringBitmap;

use super::Snapshot;
use crate::command::{FileKind, FileName, FileOwner};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, FileId, FileNumber};
use crate::key::{u32_at, u64_at};
use crate::rows::device::alias_prefix;
use crate::rows::file::{FilePart, FileRow, file_part_key, files_prefix};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// A finished upload as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub id: FileId,
    pub kind: FileKind,
    pub name: String,
    pub created_ms: TimeMs,
    pub expires_ms: TimeMs,
    /// Its content lies in so many parts; none of an image that lies elsewhere.
    pub parts: u32,
}

/// A list to which an app may push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableFile {
    owner: FileOwner,
    kind: FileKind,
    body: FileNumber,
    pub parts: u32,
}

impl Snapshot {
    /// Those that have not expired, in the order in which they were uploaded.
    pub fn files(&self, owner: &FileOwner, now_ms: TimeMs) -> Result<Vec<File>, ReadError> {
        let prefix = files_prefix(owner);
        let mut files = Vec::new();
        self.rows::<FileRow>(&prefix, |key, row| {
            if let Some(number) = u64_at(key, prefix.as_bytes().len())
                && row.is_complete
                && row.expires_ms > now_ms
            {
                files.push(shown(FileNumber(number), row));
            }
            Ok(NEXT)
        })?;
        Ok(files)
    }

    pub fn file(&self, owner: &FileOwner, id: FileId, now_ms: TimeMs) -> Result<Option<File>, ReadError> {
        Ok(find::file(self, owner, id, now_ms)?.map(|row| shown(id.number(), row)))
    }

    /// The content of a file of the owner; nothing when there is none here.
    pub fn file_content(&self, owner: &FileOwner, id: FileId, now_ms: TimeMs) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(row) = find::file(self, owner, id, now_ms)?.filter(|row| row.parts > 0) else { return Ok(None) };
        let mut content = Vec::new();
        for part in 0..row.parts {
            content.extend(find::required::<FilePart>(self, file_part_key(owner, row.body, part))?.0);
        }
        Ok(Some(content))
    }

    /// The app's own list, or one of the developer who made the app.
    pub fn usable_file(
        &self,
        app: AppNumber,
        name: &FileName,
        now_ms: TimeMs,
    ) -> Result<Option<UsableFile>, ReadError> {
        let found = find::usable_list(self, app, name, now_ms)?;
        Ok(found.map(|(owner, row)| UsableFile { owner, kind: row.kind, body: row.body, parts: row.parts }))
    }

    /// Adds the app's devices that a part of a list names. Nothing is added when the file has gone meanwhile.
    pub fn add_devices_of_part(
        &self,
        app: AppNumber,
        file: &UsableFile,
        part: u32,
        devices: &mut RoaringBitmap,
    ) -> Result<(), ReadError> {
        let Some(FilePart(body)) = self.row(&file_part_key(&file.owner, file.body, part))? else { return Ok(()) };
        // It was checked when it came in.
        let text = String::from_utf8_lossy(&body);
        for name in text.lines() {
            match file.kind {
                FileKind::Aliases => self.add_devices_of_alias(app, name, devices)?,
                _ => devices.extend(find::device_number(self, app, name)?.map(|device| device.0)),
            }
        }
        Ok(())
    }

    fn add_devices_of_alias(&self, app: AppNumber, alias: &str, devices: &mut RoaringBitmap) -> Result<(), ReadError> {
        let prefix = alias_prefix(app, alias);
        for key in self.keys(Table::Aliases, &prefix, usize::MAX)? {
            devices.extend(u32_at(&key, prefix.as_bytes().len()));
        }
        Ok(())
    }
}

fn shown(number: FileNumber, row: FileRow) -> File {
    File {
        id: FileId::new(row.salt, number),
        kind: row.kind,
        name: row.name,
        created_ms: row.created_ms,
        expires_ms: row.expires_ms,
        parts: row.parts,
    }
}
