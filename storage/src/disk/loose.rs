//! Rows of a redb file without its trees: every page that looks like a leaf of byte keys and byte values is read as one.
//!
//! A leaf, as redb 4.6 writes it: 1, a byte, the number of pairs (2 bytes, little-endian), the ends of the keys and the
//! ends of the values (4 bytes each, counted from the beginning of the page), the keys, the values. Pages begin at
//! multiples of 4 KiB; one with a large value is longer. Whether what is read is a row is for the caller to say.

use std::io;

const PAGE: u64 = 4096;
const LEAF: u8 = 1;
const HEADER: usize = 4;
/// No leaf is longer: the largest values are some hundred KiB.
const LEAF_BYTES_MAX: usize = 8 << 20;

/// Reads at a place, as much as is there.
pub(super) type ReadAt<'r> = dyn Fn(u64, &mut [u8]) -> io::Result<usize> + 'r;

pub(super) enum Stopped<E> {
    Disk(io::Error),
    By(E),
}

/// Shows key and value of all pairs that whole leaves hold.
pub(super) fn rows<E>(
    length: u64,
    read: &ReadAt<'_>,
    mut see: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    let mut page = vec![0; PAGE as usize];
    for at in (0..length).step_by(PAGE as usize) {
        page.resize(PAGE as usize, 0);
        let got = fill(at, read, &mut page).map_err(Stopped::Disk)?;
        page.truncate(got);
        let Some(leaf_bytes) = leaf_bytes(&page) else { continue };
        if leaf_bytes > page.len() {
            page.resize(leaf_bytes, 0);
            let got = fill(at, read, &mut page).map_err(Stopped::Disk)?;
            page.truncate(got);
        }
        for n in 0..pairs(&page).unwrap_or_default() {
            if let Some((key, value)) = pair(&page, n) {
                see(key, value).map_err(Stopped::By)?;
            }
        }
    }
    Ok(())
}

/// A disk that is going may give less than was asked for, or an error for some places: those are skipped.
fn fill(at: u64, read: &ReadAt<'_>, page: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < page.len() {
        match read(at + got as u64, &mut page[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if got == 0 && error.raw_os_error().is_some() => return Ok(0),
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

fn pairs(page: &[u8]) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(page.get(2..4)?.try_into().ok()?)))
}

fn number(page: &[u8], index: usize) -> Option<usize> {
    let at = HEADER + 4 * index;
    usize::try_from(u32::from_le_bytes(page.get(at..at + 4)?.try_into().ok()?)).ok()
}

/// How long the leaf is that begins here; nothing when none does.
fn leaf_bytes(page: &[u8]) -> Option<usize> {
    let pairs = pairs(page).filter(|pairs| page[0] == LEAF && *pairs > 0)?;
    let begin = HEADER + 8 * pairs;
    // The table of ends must lie in the first page. A flipped bit in it costs the pairs beside it, not the leaf.
    let ends = (0..2 * pairs).filter_map(|index| number(page, index));
    ends.filter(|end| (begin..=LEAF_BYTES_MAX).contains(end)).max().filter(|_| begin <= page.len())
}

fn pair(page: &[u8], n: usize) -> Option<(&[u8], &[u8])> {
    let pairs = pairs(page)?;
    let key_begin = if n == 0 { HEADER + 8 * pairs } else { number(page, n - 1)? };
    let value_begin = number(page, pairs + n - 1)?;
    Some((page.get(key_begin..number(page, n)?)?, page.get(value_begin..number(page, pairs + n)?)?))
}
