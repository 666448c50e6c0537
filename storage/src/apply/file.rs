//! What app servers upload: begun, filled part by part, finished, and forgotten.

use anser_protocol::ids::TimeMs;

use super::{Batch, Decided};
use crate::command::{FileCommand, FileKind, FileOwner};
use crate::error::ReadError;
use crate::find;
use crate::ids::{FileId, FileNumber};
use crate::outcome::{Answer, Refusal};
use crate::rows::file::{FilePart, FileRow, file_key, file_part_key, files_prefix};
use crate::rows::push::{Expiry, expiry_key};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// Lists of devices that an owner has at a time.
const LISTS_MAX: usize = 20;
/// The same of images, each of at most two megabytes.
const IMAGES_MAX: usize = 200;
/// Ten megabytes in parts, with the lines that did not fit into theirs; and all parts go in one command.
const PARTS_MAX: u32 = 200;
const PART_BYTES_MAX: usize = 64 << 10;
/// For how long an upload may take.
const UNFINISHED_KEPT_MS: u64 = 60 * 60 * 1000;

impl Batch<'_> {
    pub(super) fn file(&mut self, command: &FileCommand) -> Decided<Answer> {
        match command {
            FileCommand::Begin { owner, kind, name, random } => self.begin_file(owner, kind, name, *random),
            FileCommand::AddPart { owner, file, part, body } => self.add_part(owner, *file, *part, body),
            FileCommand::Finish { owner, file, lifetime_ms } => self.finish_file(owner, *file, *lifetime_ms),
            FileCommand::Replace { owner, file, by, lifetime_ms } => self.replace_file(owner, *file, *by, *lifetime_ms),
            FileCommand::Delete { owner, file } => {
                if let Some(row) = find::file_or_upload(self, owner, *file)? {
                    self.remove_file(owner, file.number(), &row)?;
                }
                Ok(Answer::Done)
            }
        }
    }

    fn begin_file(&mut self, owner: &FileOwner, kind: &FileKind, name: &str, random: [u8; 8]) -> Decided<Answer> {
        self.require_owner(owner)?;
        let max = if kind.is_list() { LISTS_MAX } else { IMAGES_MAX };
        if self.count_files(owner, kind.is_list())? >= max {
            return Err(Refusal::TooManyFiles.into());
        }
        let number = FileNumber(self.take_position().0);
        let id = FileId::new(random, number);
        let row = FileRow {
            salt: id.salt(),
            kind: kind.clone(),
            name: name.into(),
            created_ms: self.now_ms(),
            expires_ms: self.now_ms() + UNFINISHED_KEPT_MS,
            body: number,
            parts: 0,
            is_complete: false,
        };
        self.put_file(owner, number, &row)?;
        Ok(Answer::File(id))
    }

    fn count_files(&self, owner: &FileOwner, are_lists: bool) -> Result<usize, ReadError> {
        let mut count = 0;
        self.rows::<FileRow>(&files_prefix(owner), |_, row| {
            count += usize::from(row.kind.is_list() == are_lists && row.expires_ms > self.now_ms());
            Ok(NEXT)
        })?;
        Ok(count)
    }

    fn add_part(&mut self, owner: &FileOwner, file: FileId, part: u32, body: &[u8]) -> Decided<Answer> {
        let row = self.require_upload(owner, file)?;
        if part != row.parts || part >= PARTS_MAX || body.len() > PART_BYTES_MAX {
            return Err(Refusal::Internal.into());
        }
        self.put(&file_part_key(owner, row.body, part), &FilePart(body.to_vec()))?;
        self.put(&file_key(owner, file.number()), &FileRow { parts: part + 1, ..row })?;
        Ok(Answer::Done)
    }

    fn finish_file(&mut self, owner: &FileOwner, file: FileId, lifetime_ms: TimeMs) -> Decided<Answer> {
        let row = self.require_upload(owner, file)?;
        self.forget_expiry(owner, file.number(), &row)?;
        let (created_ms, expires_ms) = (self.now_ms(), self.now_ms() + lifetime_ms);
        self.put_file(owner, file.number(), &FileRow { is_complete: true, created_ms, expires_ms, ..row })?;
        Ok(Answer::File(file))
    }

    fn replace_file(&mut self, owner: &FileOwner, file: FileId, by: FileId, lifetime_ms: TimeMs) -> Decided<Answer> {
        self.require_owner(owner)?;
        let old = find::file(self, owner, file, self.now_ms())?.ok_or(Refusal::FileUnknown)?;
        let new = self.require_upload(owner, by)?;
        if old.kind.is_list() || new.kind.is_list() {
            return Err(Refusal::FileUnknown.into());
        }
        self.remove_file(owner, file.number(), &old)?;
        self.forget_expiry(owner, by.number(), &new)?;
        self.remove(Table::Files, &file_key(owner, by.number()))?;
        let expires_ms = self.now_ms() + lifetime_ms;
        let row = FileRow { salt: old.salt, created_ms: old.created_ms, expires_ms, is_complete: true, ..new };
        self.put_file(owner, file.number(), &row)?;
        Ok(Answer::File(file))
    }

    fn put_file(&mut self, owner: &FileOwner, file: FileNumber, row: &FileRow) -> Result<(), ReadError> {
        self.put(&file_key(owner, file), row)?;
        self.put_expiry(row.expires_ms, &Expiry::File { owner: owner.clone(), file })
    }

    fn forget_expiry(&mut self, owner: &FileOwner, file: FileNumber, row: &FileRow) -> Result<(), ReadError> {
        let expiry = Expiry::File { owner: owner.clone(), file };
        self.remove(Table::Expiries, &expiry_key(row.expires_ms, &expiry))
    }

    fn remove_file(&mut self, owner: &FileOwner, file: FileNumber, row: &FileRow) -> Result<(), ReadError> {
        self.forget_expiry(owner, file, row)?;
        self.remove(Table::Files, &file_key(owner, file))?;
        for part in 0..row.parts {
            self.remove(Table::FileParts, &file_part_key(owner, row.body, part))?;
        }
        Ok(())
    }

    /// Returns how many rows went, and whether that were all: a file goes as a whole or waits for the next command.
    pub(super) fn expire_file(
        &mut self,
        owner: &FileOwner,
        file: FileNumber,
        limit: usize,
    ) -> Result<(usize, bool), ReadError> {
        let Some(row) = self.row::<FileRow>(&file_key(owner, file))? else { return Ok((0, true)) };
        let rows = row.parts as usize + 1;
        if rows > limit {
            return Ok((0, false));
        }
        self.remove_file(owner, file, &row)?;
        Ok((rows, true))
    }

    fn require_owner(&self, owner: &FileOwner) -> Decided<()> {
        match owner {
            FileOwner::App(app) => self.require_app(*app).map(drop),
            FileOwner::Developer(key) if find::has_developer(self, key)? => Ok(()),
            FileOwner::Developer(_) => Err(Refusal::AccountUnknown.into()),
        }
    }

    /// One that is not finished.
    fn require_upload(&self, owner: &FileOwner, file: FileId) -> Decided<FileRow> {
        self.require_owner(owner)?;
        let row = find::file_or_upload(self, owner, file)?;
        let is_under_way = |row: &FileRow| !row.is_complete && row.expires_ms > self.now_ms();
        Ok(row.filter(is_under_way).ok_or(Refusal::FileUnknown)?)
    }
}
