//! The bytes of a backup: a header and blocks, each with a checksum over itself and its number; the last one closes the
//! whole.
//!
//! ```text
//! file   = "ANSERBK" version (1 byte: 1) block…
//! block  = kind (1) stored length (4) length (4) CRC-32 (4) stored bytes
//! ```
//!
//! Numbers are little-endian. Where the two lengths differ, the bytes are an LZ4 block. The CRC-32 is over the block's
//! number (8 bytes, from 0), kind, lengths and stored bytes, so that a block that is missing, doubled or elsewhere is
//! found. The kinds, in order: 1 begin (JSON: [`Begin`]), 2 rows (a table's number, then for each row the lengths of key and
//! value, 4 bytes each, the key and the value), 3 a file of the data folder (JSON: [`FileHead`]), 4 a medium (app, 4 bytes;
//! SHA-256; length, 8 bytes), 5 data (of the file or medium before it), 6 end (JSON: [`End`], with the SHA-256 of all bytes
//! before this block), 7 failed (a text: why whoever made it could not go on). Nothing follows an end.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use anser_storage::FORMAT_VERSION;
use data_encoding::HEXLOWER;
use ring::digest::{Context as Digest, SHA256};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::age::AgeError;

const MAGIC: &[u8; 7] = b"ANSERBK";
const VERSION: u8 = 1;
/// What an encrypted one begins with.
pub(super) const AGE_MAGIC: &[u8; 7] = b"age-enc";
const BLOCK_HEAD_BYTES: usize = 13;
/// Rows are gathered up to this; also a piece of a file.
pub(super) const BLOCK_BYTES: usize = 256 << 10;
/// No block is longer, whatever it says: the largest row fits.
const BLOCK_BYTES_MAX: usize = 16 << 20;

const BEGIN: u8 = 1;
const ROWS: u8 = 2;
const FILE: u8 = 3;
const MEDIUM: u8 = 4;
const DATA: u8 = 5;
const END: u8 = 6;
const FAILED: u8 = 7;

/// What it is and of which moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    pub kind: Kind,
    /// Of the program that made it.
    pub version: String,
    /// The version of all tables together.
    pub store_format: u32,
    pub taken_ms: u64,
    /// The last position of its log.
    pub position: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything that a data folder needs.
    Backup,
    /// The tables alone.
    Store,
}

/// Closes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// By the table's name; empty ones are left out.
    pub rows: BTreeMap<String, u64>,
    /// Of these: whose values are damaged. They are here as they lay there.
    pub damaged_rows: u64,
    pub files: u64,
    pub media: u64,
    pub media_bytes: u64,
    /// Of these: whose bytes were no more what had been uploaded.
    pub damaged_media: u64,
    /// Media whose files were not there.
    pub missing_media: u64,
    /// Files of the data folder that are too large for anything that belongs to Anser.
    pub left_out: Vec<String>,
    /// Of all bytes before this block; empty while it is written.
    pub sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHead {
    /// Inside the data folder.
    pub path: String,
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumHead {
    pub app: u32,
    pub body: [u8; 32],
    pub bytes: u64,
}

/// One block, read and checked.
#[derive(Debug, PartialEq, Eq)]
pub enum Block<'b> {
    Begin(Begin),
    Rows { table: u8, rows: Rows<'b> },
    File(FileHead),
    Medium(MediumHead),
    Data(&'b [u8]),
    End(End),
}

/// Why a backup cannot be used.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error("this is no backup of Anser")]
    Foreign,
    #[error("the backup is encrypted: name the file with its key (`AGE-SECRET-KEY-1…`) with --identity")]
    Encrypted,
    #[error("the backup has version {found}, but this program reads only up to {VERSION}; use a newer anserd")]
    Newer { found: u8 },
    #[error(
        "the backup has store format {found}, but this program knows only up to {FORMAT_VERSION}; use a newer anserd"
    )]
    NewerStore { found: u32 },
    #[error("the backup ends in the middle: it was interrupted, or copied only in part. Use another one")]
    Short,
    #[error("block {block} of the backup is damaged ({what}). Use another one")]
    Damaged { block: u64, what: &'static str },
    #[error("whoever made the backup could not finish it: {0}")]
    Failed(String),
    #[error(transparent)]
    Age(#[from] AgeError),
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Writes a backup, one block per call of the writer below.
pub struct Writer<W> {
    out: W,
    digest: Digest,
    blocks: u64,
    rows: Vec<u8>,
    end: End,
    counted: u64,
}

impl<W: Write> Writer<W> {
    pub fn begin(mut out: W, begin: &Begin) -> io::Result<Self> {
        let header = header();
        let mut digest = Digest::new(&SHA256);
        digest.update(&header);
        out.write_all(&header)?;
        let mut writer = Self { out, digest, blocks: 0, rows: Vec::new(), end: End::default(), counted: 0 };
        writer.block(BEGIN, &serde_json::to_vec(begin)?)?;
        Ok(writer)
    }

    pub fn row(&mut self, table: u8, key: &[u8], value: &[u8]) -> io::Result<()> {
        if self.rows.is_empty() {
            self.rows.push(table);
        }
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(io::Error::other)?;
            self.rows.extend_from_slice(&length.to_le_bytes());
        }
        self.rows.extend_from_slice(key);
        self.rows.extend_from_slice(value);
        self.counted += 1;
        if self.rows.len() >= BLOCK_BYTES { self.flush_rows() } else { Ok(()) }
    }

    fn flush_rows(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut rows = std::mem::take(&mut self.rows);
        self.block(ROWS, &rows)?;
        rows.clear();
        self.rows = rows;
        Ok(())
    }

    /// No more rows of this table follow.
    pub fn end_table(&mut self, name: &str) -> io::Result<()> {
        self.flush_rows()?;
        if self.counted > 0 {
            self.end.rows.insert(name.to_owned(), std::mem::take(&mut self.counted));
        }
        Ok(())
    }

    pub fn writer_mut(&mut self) -> &mut W {
        &mut self.out
    }

    pub fn damaged_row(&mut self) {
        self.end.damaged_rows += 1;
    }

    /// A file of the data folder; its `bytes` follow as data.
    pub fn file(&mut self, head: &FileHead) -> io::Result<()> {
        self.end.files += 1;
        self.block(FILE, &serde_json::to_vec(head)?)
    }

    pub fn left_out(&mut self, path: String) {
        self.end.left_out.push(path);
    }

    /// A medium; its `bytes` follow as data.
    pub fn medium(&mut self, head: &MediumHead) -> io::Result<()> {
        self.end.media += 1;
        self.end.media_bytes += head.bytes;
        let content = [&head.app.to_le_bytes()[..], &head.body, &head.bytes.to_le_bytes()].concat();
        self.block(MEDIUM, &content)
    }

    pub fn damaged_medium(&mut self) {
        self.end.damaged_media += 1;
    }

    pub fn missing_medium(&mut self) {
        self.end.missing_media += 1;
    }

    pub fn data(&mut self, data: &[u8]) -> io::Result<()> {
        data.chunks(BLOCK_BYTES).try_for_each(|piece| self.block(DATA, piece))
    }

    pub fn finish(mut self) -> io::Result<(W, End)> {
        let mut end = std::mem::take(&mut self.end);
        end.sha256 = HEXLOWER.encode(self.digest.clone().finish().as_ref());
        self.block(END, &serde_json::to_vec(&end)?)?;
        self.out.flush()?;
        Ok((self.out, end))
    }

    /// Instead of the end: why there is none.
    pub fn fail(mut self, why: &str) -> io::Result<()> {
        self.block(FAILED, why.as_bytes())?;
        self.out.flush()
    }

    fn block(&mut self, kind: u8, content: &[u8]) -> io::Result<()> {
        let block = seal(self.blocks, kind, content)?;
        self.blocks += 1;
        self.digest.update(&block);
        self.out.write_all(&block)
    }
}

/// What a backup begins with.
pub fn header() -> Vec<u8> {
    [&MAGIC[..], &[VERSION]].concat()
}

/// The block of this number.
pub fn seal(number: u64, kind: u8, content: &[u8]) -> io::Result<Vec<u8>> {
    let packed = lz4_flex::block::compress(content);
    let stored = if packed.len() < content.len() { &packed } else { content };
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
    let mut block = Vec::with_capacity(BLOCK_HEAD_BYTES + stored.len());
    block.push(kind);
    block.extend_from_slice(&length(stored)?.to_le_bytes());
    block.extend_from_slice(&length(content)?.to_le_bytes());
    let sum = checksum(number, &block, stored);
    block.extend_from_slice(&sum.to_le_bytes());
    block.extend_from_slice(stored);
    Ok(block)
}

fn checksum(number: u64, head: &[u8], stored: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(head);
    hasher.update(stored);
    hasher.finalize()
}

/// Reads blocks and checks each; what they say together is checked by [`Contents`](super::contents::Contents).
pub struct Reader<R> {
    input: R,
    digest: Digest,
    blocks: u64,
    stored: Vec<u8>,
    content: Vec<u8>,
}

impl<R: Read> Reader<R> {
    pub fn open(mut input: R) -> Result<Self, BackupError> {
        let mut header = [0; MAGIC.len() + 1];
        let got = read_up_to(&mut input, &mut header)?;
        if header[..got].starts_with(AGE_MAGIC) {
            return Err(BackupError::Encrypted);
        }
        if !MAGIC.starts_with(&header[..got.min(MAGIC.len())]) || got == 0 {
            return Err(BackupError::Foreign);
        }
        match header.last() {
            _ if got < header.len() => return Err(BackupError::Short),
            Some(&VERSION) => {}
            Some(&found) => return Err(BackupError::Newer { found }),
            None => return Err(BackupError::Short),
        }
        let mut digest = Digest::new(&SHA256);
        digest.update(&header);
        Ok(Self { input, digest, blocks: 0, stored: Vec::new(), content: Vec::new() })
    }

    /// The next block. After the end nothing may be asked for.
    pub fn block(&mut self) -> Result<Block<'_>, BackupError> {
        let before = self.digest.clone();
        let kind = self.read_block()?;
        let block = self.blocks - 1;
        let damaged = |what| BackupError::Damaged { block, what };
        Ok(match kind {
            BEGIN => Block::Begin(json(&self.content).ok_or(damaged("its beginning cannot be read"))?),
            ROWS => {
                let (table, rows) = self.content.split_first().ok_or(damaged("it names no table"))?;
                Block::Rows { table: *table, rows: Rows(rows) }
            }
            FILE => Block::File(json(&self.content).ok_or(damaged("it names no file"))?),
            MEDIUM => Block::Medium(medium(&self.content).ok_or(damaged("it names no medium"))?),
            DATA => Block::Data(&self.content),
            END => {
                let end: End = json(&self.content).ok_or(damaged("its end cannot be read"))?;
                if end.sha256 != HEXLOWER.encode(before.finish().as_ref()) {
                    return Err(damaged("the sum of the whole is another"));
                }
                if read_up_to(&mut self.input, &mut [0])? > 0 {
                    return Err(damaged("something follows its end"));
                }
                Block::End(end)
            }
            FAILED => return Err(BackupError::Failed(String::from_utf8_lossy(&self.content).into_owned())),
            _ => return Err(damaged("it is of an unknown kind")),
        })
    }

    fn read_block(&mut self) -> Result<u8, BackupError> {
        let damaged = |what| BackupError::Damaged { block: self.blocks, what };
        let mut head = [0; BLOCK_HEAD_BYTES];
        if read_up_to(&mut self.input, &mut head)? < head.len() {
            return Err(BackupError::Short);
        }
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (stored, length) = (number(1) as usize, number(5) as usize);
        if stored > length || length > BLOCK_BYTES_MAX {
            return Err(damaged("its length cannot be"));
        }
        // Grows with what is really there.
        self.stored.clear();
        let got = (&mut self.input).take(stored as u64).read_to_end(&mut self.stored)?;
        if got < stored {
            return Err(BackupError::Short);
        }
        if checksum(self.blocks, &head[..9], &self.stored) != number(9) {
            return Err(damaged("its sum is another"));
        }
        self.digest.update(&head);
        self.digest.update(&self.stored);
        if stored == length {
            std::mem::swap(&mut self.stored, &mut self.content);
        } else {
            self.content.clear();
            self.content.resize(length, 0);
            let unpacked = lz4_flex::block::decompress_into(&self.stored, &mut self.content);
            if unpacked.ok() != Some(length) {
                return Err(damaged("it does not unpack"));
            }
        }
        self.blocks += 1;
        Ok(head[0])
    }

    /// The number of the block that was read last.
    pub fn last(&self) -> u64 {
        self.blocks.saturating_sub(1)
    }
}

fn json<'b, T: Deserialize<'b>>(content: &'b [u8]) -> Option<T> {
    serde_json::from_slice(content).ok()
}

fn medium(content: &[u8]) -> Option<MediumHead> {
    let (app, rest) = content.split_first_chunk()?;
    let (body, rest) = rest.split_first_chunk()?;
    Some(MediumHead { app: u32::from_le_bytes(*app), body: *body, bytes: u64::from_le_bytes(rest.try_into().ok()?) })
}

/// Fewer bytes only at the end of the input.
fn read_up_to(input: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < bytes.len() {
        match input.read(&mut bytes[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// The rows of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows<'b>(&'b [u8]);

type KeyAndValue<'b> = (&'b [u8], &'b [u8]);

impl<'b> Rows<'b> {
    /// Key and value of the next one: nothing at the end, an error when what is left is none.
    pub fn next_row(&mut self) -> Option<Result<KeyAndValue<'b>, ()>> {
        if self.0.is_empty() {
            return None;
        }
        let row = self.take_row().ok_or(());
        if row.is_err() {
            self.0 = &[];
        }
        Some(row)
    }

    fn take_row(&mut self) -> Option<KeyAndValue<'b>> {
        let (key, rest) = self.0.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key) as usize)?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value) as usize)?;
        self.0 = rest;
        Some((key, value))
    }
}
