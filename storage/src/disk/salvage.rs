//! Saving what is readable of a damaged store. The file itself is only read.
//!
//! Where redb still finds its way, rows come through its trees, from both ends of a table and from places between: what
//! is left are gaps, ranges of keys behind a page that cannot be read. What lies in gaps, or in a file that redb does not
//! open at all, is looked for in every page of the file: each value bears the checksum of its table and key, so a row is
//! known by itself. Such a loose row may be older than what was lost, or one that had been removed; so those that let
//! somebody in, and those that say which numbers are free, are not taken from loose pages.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTableMetadata};

use super::{FILE, builder, check_format, create_private, disk, loose};
use crate::error::OpenError;
use crate::options::Options;
use crate::row;
use crate::table::Table;

type Bytes = &'static [u8];

/// A copy of the file that redb may repair; gone when the rescue is over.
const COPY: &str = "store.redb.rescue";
/// Places in the gaps of a table that are tried.
const PROBES_MAX: usize = 2000;
/// How often a gap is halved.
const DEPTH_MAX: usize = 40;

/// What a rescue found in one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Whole rows that came through the tree.
    pub saved: u64,
    /// Whole rows from pages that no tree led to: perhaps old ones.
    pub loose: u64,
    /// Keys whose value was not whole, as far as they were seen.
    pub damaged: Vec<Vec<u8>>,
    /// How many rows the table says that it has, if it can be asked.
    pub said: Option<u64>,
}

/// Receives a whole row; an error ends the rescue. Says whether the row was new.
pub type SeeRow<'s, E> = dyn FnMut(Table, &[u8], &[u8]) -> Result<bool, E> + 's;

/// Shows every whole row that can be found of the store in `folder`. `room` is a folder for a temporary copy.
pub fn salvage<E: From<OpenError>>(
    folder: &Path,
    room: &Path,
    see: &mut SeeRow<'_, E>,
) -> Result<BTreeMap<Table, Salvaged>, E> {
    let path = folder.join(FILE);
    let file = File::open(&path).map_err(|error| disk(&path, error))?;
    let copy = room.join(COPY);
    let opened = open(&path, &copy);
    if let Some(OpenError::NewerFormat { found, known }) = opened.as_ref().and_then(Opened::refusal) {
        return Err(OpenError::NewerFormat { found, known }.into());
    }
    let mut found = BTreeMap::new();
    let mut gaps = Vec::new();
    for table in Table::ALL {
        let mut salvage = Salvage { table: *table, found: Salvaged::default(), gaps: Vec::new(), probes: 0, see };
        match opened.as_ref().and_then(|opened| open_table(opened.transaction(), *table)) {
            Some(open) => salvage.walk(&open)?,
            None => salvage.gaps.push((Vec::new(), None)),
        }
        gaps.extend(salvage.gaps.into_iter().map(|(from, to)| (*table, from, to)));
        found.insert(*table, salvage.found);
    }
    // A damaged file may make redb panic when it is closed, too.
    quietly(|| {
        drop(opened);
        Some(())
    });
    let _ = fs::remove_file(&copy);
    if gaps.is_empty() {
        return Ok(found);
    }
    let read = |at: u64, bytes: &mut [u8]| file.read_at(bytes, at);
    let length = file.metadata().map_err(|error| disk(&path, error))?.len();
    loose::rows(length, &read, |key, value| {
        let in_gap = |(table, from, to): &(Table, Vec<u8>, Option<Vec<u8>>)| {
            key >= &from[..] && to.as_ref().is_none_or(|to| key < &to[..]) && row::is_whole(*table, key, value)
        };
        // A table of one row may have gaps on both sides of it; the row is the same.
        if let Some((table, ..)) = gaps.iter().find(|gap| may_be_loose(gap.0) && in_gap(gap))
            && see(*table, key, value)?
        {
            found.entry(*table).or_default().loose += 1;
        }
        Ok(())
    })
    .map_err(|error| match error {
        loose::Stopped::Disk(error) => E::from(disk(&path, error)),
        loose::Stopped::By(error) => error,
    })?;
    Ok(found)
}

/// A removed or older row of these would let somebody in, or give a number twice.
fn may_be_loose(table: Table) -> bool {
    !matches!(table, Table::Meta | Table::AppCounters | Table::Tokens | Table::Sessions)
}

/// Read as it is, or a copy that redb has repaired after a crash.
enum Opened {
    AsItIs { transaction: ReadTransaction, database: redb::ReadOnlyDatabase },
    Repaired { transaction: ReadTransaction, database: Database },
}

impl Opened {
    fn transaction(&self) -> &ReadTransaction {
        match self {
            Self::AsItIs { transaction, .. } | Self::Repaired { transaction, .. } => transaction,
        }
    }

    fn refusal(&self) -> Option<OpenError> {
        quietly(|| match self {
            Self::AsItIs { database, .. } => check_format(database).err(),
            Self::Repaired { database, .. } => check_format(database).err(),
        })
    }
}

/// Nothing where redb finds no way into it.
fn open(path: &Path, copy: &Path) -> Option<Opened> {
    let options = Options::default();
    let as_it_is = quietly(|| {
        let database = builder(&options).open_read_only(path).ok()?;
        Some(Opened::AsItIs { transaction: database.begin_read().ok()?, database })
    });
    as_it_is.or_else(|| {
        copied(path, copy)?;
        quietly(|| {
            let database = builder(&options).open(copy).ok()?;
            Some(Opened::Repaired { transaction: database.begin_read().ok()?, database })
        })
    })
}

fn copied(path: &Path, copy: &Path) -> Option<()> {
    let _ = fs::remove_file(copy);
    let mut to = create_private(&copy.to_path_buf()).ok()?;
    std::io::copy(&mut File::open(path).ok()?, &mut to).ok().map(drop)
}

fn open_table(transaction: &ReadTransaction, table: Table) -> Option<ReadOnlyTable<Bytes, Bytes>> {
    quietly(|| transaction.open_table(table.definition()).ok())
}

/// redb may panic on a damaged page.
fn quietly<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
}

struct Salvage<'s, 'f, E> {
    table: Table,
    found: Salvaged,
    /// From a key (with it) up to another (without it), or to the end.
    gaps: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    probes: usize,
    see: &'s mut SeeRow<'f, E>,
}

/// How a walk ended.
enum Walked {
    /// At the end of its range.
    Through,
    /// Behind this key nothing could be read.
    Stuck(Vec<u8>),
}

impl<E> Salvage<'_, '_, E> {
    fn walk(&mut self, table: &ReadOnlyTable<Bytes, Bytes>) -> Result<(), E> {
        self.found.said = quietly(|| table.len().ok());
        let mut first = None;
        let Walked::Stuck(last) = self.forward(table, &[], None, &mut first)? else { return self.count() };
        let end = self.backward(table, &last)?;
        self.fill(table, last, end, 0)?;
        self.count()
    }

    /// Rows that are missing without an unreadable page: the tree leads past them.
    fn count(&mut self) -> Result<(), E> {
        let seen = self.found.saved + self.found.damaged.len() as u64;
        if self.gaps.is_empty() && self.found.said.is_some_and(|said| said > seen) {
            self.gaps.push((Vec::new(), None));
        }
        Ok(())
    }

    /// Up from `from`; `first` becomes the first key that was read.
    fn forward(
        &mut self,
        table: &ReadOnlyTable<Bytes, Bytes>,
        from: &[u8],
        to: Option<&[u8]>,
        first: &mut Option<Vec<u8>>,
    ) -> Result<Walked, E> {
        let mut last = from.to_vec();
        let Some(mut range) = quietly(|| table.range::<&[u8]>(from..).ok()) else { return Ok(Walked::Stuck(last)) };
        loop {
            match catch_unwind(AssertUnwindSafe(|| {
                range.next().map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
            })) {
                Ok(None) => return Ok(Walked::Through),
                Ok(Some(Ok((key, _)))) if to.is_some_and(|to| &key[..] >= to) => return Ok(Walked::Through),
                // Keys that do not grow are a tree that leads astray.
                Ok(Some(Ok((key, value)))) if key > last || first.is_none() && key >= last => {
                    first.get_or_insert_with(|| key.clone());
                    self.take(&key, &value)?;
                    last = key;
                }
                _ => return Ok(Walked::Stuck(last)),
            }
        }
    }

    /// Down from the end; returns the last key that could be read.
    fn backward(&mut self, table: &ReadOnlyTable<Bytes, Bytes>, down_to: &[u8]) -> Result<Option<Vec<u8>>, E> {
        let mut end: Option<Vec<u8>> = None;
        let Some(mut range) = quietly(|| table.range::<&[u8]>(down_to..).ok()) else { return Ok(end) };
        loop {
            match catch_unwind(AssertUnwindSafe(|| {
                range.next_back().map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
            })) {
                Ok(Some(Ok((key, value)))) if &key[..] > down_to && end.as_ref().is_none_or(|end| key < *end) => {
                    self.take(&key, &value)?;
                    end = Some(key);
                }
                _ => return Ok(end),
            }
        }
    }

    /// Between two keys that were read: from places in the middle.
    fn fill(
        &mut self,
        table: &ReadOnlyTable<Bytes, Bytes>,
        from: Vec<u8>,
        to: Option<Vec<u8>>,
        depth: usize,
    ) -> Result<(), E> {
        let middle = middle(&from, to.as_deref()).filter(|_| depth < DEPTH_MAX && self.probes < PROBES_MAX);
        let Some(middle) = middle else {
            self.gaps.push((from, to));
            return Ok(());
        };
        self.probes += 1;
        let mut first = None;
        let walked = self.forward(table, &middle, to.as_deref(), &mut first)?;
        match (first, walked) {
            (None, Walked::Through) => self.fill(table, from, Some(middle), depth + 1),
            (None, Walked::Stuck(_)) => {
                self.fill(table, from, Some(middle.clone()), depth + 1)?;
                self.fill(table, middle, to, depth + 1)
            }
            (Some(first), walked) => {
                self.fill(table, from, Some(first), depth + 1)?;
                match walked {
                    Walked::Through => Ok(()),
                    Walked::Stuck(last) => self.fill(table, last, to, depth + 1),
                }
            }
        }
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), E> {
        if !row::is_whole(self.table, key, value) {
            self.found.damaged.push(key.to_vec());
            self.gaps.push((key.to_vec(), Some([key, &[0]].concat())));
        } else if (self.see)(self.table, key, value)? {
            self.found.saved += 1;
        }
        Ok(())
    }
}

/// A key about half-way between two others; nothing when there is none.
fn middle(from: &[u8], to: Option<&[u8]>) -> Option<Vec<u8>> {
    let length = from.len().max(to.map_or(0, <[u8]>::len)) + 1;
    let digit = |key: &[u8], at: usize| u32::from(key.get(at).copied().unwrap_or_default());
    let mut middle = Vec::with_capacity(length);
    // Both numbers are added digit by digit from the front; what is odd goes on to the next digit.
    let mut sums: Vec<u32> = (0..length).map(|at| digit(from, at) + to.map_or(255, |to| digit(to, at))).collect();
    for at in 0..length {
        if sums[at] % 2 == 1 && at + 1 < length {
            sums[at + 1] += 256;
        }
        sums[at] /= 2;
    }
    for at in (1..length).rev() {
        sums[at - 1] += sums[at] / 256;
        sums[at] %= 256;
    }
    middle.extend(sums.iter().map(|sum| u8::try_from(*sum).unwrap_or(u8::MAX)));
    while middle.last() == Some(&0) {
        middle.pop();
    }
    let is_between = &middle[..] > from && to.is_none_or(|to| &middle[..] < to);
    is_between.then_some(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_key_between_two_keys_unless_they_are_next_to_each_other() {
        assert_eq!(middle(&[1, 0], Some(&[3, 0])), Some(vec![2]));
        assert_eq!(middle(&[1], Some(&[2])), Some(vec![1, 128]));
        assert_eq!(middle(&[255, 255], Some(&[255, 255, 0, 1])), Some(vec![255, 255, 0, 0, 128]));
        assert_eq!(middle(&[7], Some(&[7, 0])), None);
        assert!(middle(&[], None).is_some_and(|key| key > vec![100]));
    }
}
