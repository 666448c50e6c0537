//! Reading a backup as a whole: what comes in which order, and whether it is all there.

use std::collections::BTreeMap;
use std::io::Read;

use anser_storage::{FORMAT_VERSION, Table, is_whole_row};
use ring::digest::{Context as Digest, SHA256};

use super::format::{BackupError, Begin, Block, End, FileHead, MediumHead, Reader};

/// Receives what a backup holds, in its order. Nothing of it may be used before the end has come.
pub trait Receive {
    type Error: From<BackupError>;

    fn begin(&mut self, _begin: &Begin) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Rows of tables that this program does not know are an error before they come here.
    fn row(&mut self, _table: Table, _key: &[u8], _value: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn file(&mut self, _file: &FileHead) -> Result<(), Self::Error> {
        Ok(())
    }

    fn medium(&mut self, _medium: &MediumHead) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Of the file or medium before it.
    fn data(&mut self, _data: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The file or medium is there as a whole.
    fn end_data(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Only looks at it.
pub struct Look;

impl Receive for Look {
    type Error = BackupError;
}

/// What a backup says of itself.
#[derive(Clone, Debug)]
pub struct Summary {
    pub begin: Begin,
    pub end: End,
}

/// Reads it to its end. Only then is it known to be whole.
pub fn read<R: Read, T: Receive>(input: R, receiver: &mut T) -> Result<Summary, T::Error> {
    let mut reader = Reader::open(input)?;
    let Block::Begin(begin) = reader.block()? else {
        return Err(damaged(&reader, "it has no beginning").into());
    };
    if begin.store_format > FORMAT_VERSION {
        return Err(BackupError::NewerStore { found: begin.store_format }.into());
    }
    receiver.begin(&begin)?;
    let mut seen = Seen::default();
    loop {
        // The block borrows the reader.
        let last = reader.last() + 1;
        let damaged = |what| BackupError::Damaged { block: last, what };
        match reader.block()? {
            Block::Begin(_) => return Err(damaged("it begins again").into()),
            Block::Rows { table, mut rows } => {
                let table = Table::from_number(table).ok_or_else(|| damaged("it is of a table that is not known"))?;
                while let Some(row) = rows.next_row() {
                    let (key, value) = row.map_err(|()| damaged("its rows cannot be read"))?;
                    *seen.end.rows.entry(table.name().to_owned()).or_default() += 1;
                    seen.end.damaged_rows += u64::from(!is_whole_row(table, key, value));
                    receiver.row(table, key, value)?;
                }
            }
            Block::File(file) => {
                seen.begin(file.bytes, None).map_err(damaged)?;
                seen.end.files += 1;
                receiver.file(&file)?;
                if file.bytes == 0 {
                    receiver.end_data()?;
                }
            }
            Block::Medium(medium) => {
                seen.begin(medium.bytes, Some(medium.body)).map_err(damaged)?;
                seen.end.media += 1;
                seen.end.media_bytes = seen.end.media_bytes.saturating_add(medium.bytes);
                receiver.medium(&medium)?;
                if medium.bytes == 0 {
                    receiver.end_data()?;
                }
            }
            Block::Data(data) => {
                let is_last = seen.add(data).map_err(damaged)?;
                receiver.data(data)?;
                if is_last {
                    receiver.end_data()?;
                }
            }
            Block::End(end) => {
                seen.compare(&end).map_err(damaged)?;
                return Ok(Summary { begin, end });
            }
        }
    }
}

fn damaged<R: Read>(reader: &Reader<R>, what: &'static str) -> BackupError {
    BackupError::Damaged { block: reader.last(), what }
}

/// What has come so far.
#[derive(Default)]
struct Seen {
    end: End,
    /// Of the file or medium under way.
    bytes_left: u64,
    sum: Option<(Digest, [u8; 32])>,
}

impl Seen {
    fn begin(&mut self, bytes: u64, sha256: Option<[u8; 32]>) -> Result<(), &'static str> {
        if self.bytes_left > 0 {
            return Err("the file before it is not complete");
        }
        self.bytes_left = bytes;
        self.sum = sha256.map(|sha256| (Digest::new(&SHA256), sha256));
        Ok(())
    }

    /// Is it the last piece?
    fn add(&mut self, data: &[u8]) -> Result<bool, &'static str> {
        self.bytes_left = self.bytes_left.checked_sub(data.len() as u64).ok_or("a file is longer than it says")?;
        if let Some((digest, _)) = &mut self.sum {
            digest.update(data);
        }
        if self.bytes_left > 0 || data.is_empty() {
            return Ok(false);
        }
        if let Some((digest, sha256)) = self.sum.take() {
            self.end.damaged_media += u64::from(digest.finish().as_ref() != sha256);
        }
        Ok(true)
    }

    fn compare(&self, end: &End) -> Result<(), &'static str> {
        let counts = |end: &End| -> (BTreeMap<String, u64>, [u64; 5]) {
            (end.rows.clone(), [end.damaged_rows, end.files, end.media, end.media_bytes, end.damaged_media])
        };
        if self.bytes_left > 0 {
            return Err("the last file is not complete");
        }
        if counts(&self.end) != counts(end) {
            return Err("it does not hold what its end says");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::{Kind, Writer};
    use super::*;

    /// Some rows, a file and two media.
    fn whole() -> Vec<u8> {
        let begin = Begin { kind: Kind::Backup, version: "1".to_owned(), store_format: 3, taken_ms: 5, position: 77 };
        let mut writer = Writer::begin(Vec::new(), &begin).expect("memory takes it");
        for number in 0..100_u32 {
            writer.damaged_row();
            writer.row(Table::Users as u8, &number.to_be_bytes(), b"a value, but none with a checksum").expect("taken");
        }
        writer.end_table(Table::Users.name()).expect("taken");
        writer.file(&FileHead { path: "daemon.key".to_owned(), bytes: 3 }).expect("taken");
        writer.data(b"key").expect("taken");
        let body = ring::digest::digest(&SHA256, b"picture").as_ref().try_into().expect("32 bytes");
        writer.medium(&MediumHead { app: 1, body, bytes: 7 }).expect("taken");
        writer.data(b"pict").expect("taken");
        writer.data(b"ure").expect("taken");
        writer.medium(&MediumHead { app: 2, body, bytes: 7 }).expect("taken");
        writer.data(b"another").expect("taken");
        writer.damaged_medium();
        writer.finish().expect("taken").0
    }

    fn look(bytes: &[u8]) -> Result<Summary, BackupError> {
        read(bytes, &mut Look)
    }

    #[test]
    fn a_whole_backup_says_what_is_in_it() {
        let Summary { begin, end } = look(&whole()).expect("it is whole");
        assert_eq!((begin.position, begin.taken_ms), (77, 5));
        assert_eq!(end.rows, BTreeMap::from([("users".to_owned(), 100)]));
        assert_eq!((end.damaged_rows, end.files, end.media, end.media_bytes, end.damaged_media), (100, 1, 2, 14, 1));
    }

    #[test]
    fn one_that_was_interrupted_anywhere_never_looks_whole() {
        let whole = whole();
        for length in 0..whole.len() {
            let error = look(&whole[..length]).expect_err("it is not whole");
            let is_told = matches!(error, BackupError::Short) || length == 0 && matches!(error, BackupError::Foreign);
            assert!(is_told, "{length} bytes: {error}");
        }
    }

    #[test]
    fn one_with_a_changed_byte_never_looks_whole() {
        let whole = whole();
        for at in 0..whole.len() {
            for bit in [0x01, 0x80] {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                look(&changed).expect_err("it was changed");
            }
        }
    }

    #[test]
    fn one_with_more_behind_its_end_or_with_blocks_elsewhere_never_looks_whole() {
        let whole = whole();
        look(&[&whole[..], b"x"].concat()).expect_err("something follows");
        look(&[&whole[..], &whole[..]].concat()).expect_err("something follows");
        // Two blocks that both are right, in the other order.
        let mut at = 8;
        let mut blocks = Vec::new();
        while at < whole.len() {
            let stored = u32::from_le_bytes(whole[at + 1..at + 5].try_into().expect("4 bytes")) as usize;
            blocks.push(&whole[at..at + 13 + stored]);
            at += 13 + stored;
        }
        for swapped in 0..blocks.len() - 1 {
            let mut blocks = blocks.clone();
            blocks.swap(swapped, swapped + 1);
            look(&[&whole[..8], &blocks.concat()].concat()).expect_err("the order is another");
            blocks.remove(swapped);
            look(&[&whole[..8], &blocks.concat()].concat()).expect_err("one is missing");
        }
    }

    #[test]
    fn what_is_no_backup_is_called_so() {
        for foreign in [&b"hello"[..], b"", b"PK\x03\x04 and more", b"age"] {
            assert!(matches!(look(foreign), Err(BackupError::Foreign)), "{foreign:?}");
        }
        assert!(matches!(look(b"age-encryption.org/v1\n"), Err(BackupError::Encrypted)));
        assert!(matches!(look(b"ANSERBK\x02"), Err(BackupError::Newer { found: 2 })));
        let store_format = FORMAT_VERSION + 1;
        let newer = Begin { kind: Kind::Store, version: String::new(), store_format, taken_ms: 5, position: 7 };
        let newer = Writer::begin(Vec::new(), &newer).and_then(Writer::finish).expect("memory takes it").0;
        assert!(matches!(look(&newer), Err(BackupError::NewerStore { found }) if found == store_format));
    }

    #[test]
    fn one_that_could_not_be_finished_says_why() {
        let begin = Begin { kind: Kind::Store, version: String::new(), store_format: 3, taken_ms: 5, position: 7 };
        let mut failed = Vec::new();
        Writer::begin(&mut failed, &begin).expect("taken").fail("the disk is gone").expect("taken");
        let error = look(&failed).expect_err("it has no end").to_string();
        assert!(error.contains("the disk is gone"), "{error}");
    }
}
