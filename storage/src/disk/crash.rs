//! A disk that loses power, in memory: what was synced stays, what was not stays in part.
//!
//! Rules, as strict as a disk that honours a flush may be:
//! - After a crash the content is what was synced last, and of every change since then all, nothing, or some of its
//!   sectors of 512 bytes. Each change is kept or lost by itself, which is also how reordered writes look.
//! - A crash can be set to come within a call to come ([`CrashDisk::cut_power_after`]): that call and all later ones
//!   fail, until [`CrashDisk::restart`]. Whoever held the disk before the restart holds a dead one.
//! - A call to come can be set to fail by itself ([`CrashDisk::fail_call`], [`CrashDisk::fail_read`]) and then does
//!   nothing: the disk goes on, and so may the store. What a failed sync was to save is read as before, but no later sync
//!   saves it: so does Linux.
//! - It can be full ([`CrashDisk::set_room`]): what is there can be written over, but the file does not grow.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// What a disk writes as a whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The disk; all clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct CrashDisk(Arc<Mutex<State>>);

/// One process's hold on the disk: dead after the next restart.
#[derive(Debug)]
pub struct CrashBackend {
    disk: CrashDisk,
    life: u64,
}

#[derive(Default)]
struct State {
    /// What a reader sees.
    content: Vec<u8>,
    /// What survives for certain.
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// Counts restarts.
    life: u64,
    /// Calls that change or sync, in this life.
    calls: u64,
    power_ends_at: Option<u64>,
    failing: Option<(u64, ErrorKind)>,
    reads: u64,
    failing_read: Option<u64>,
    /// No byte may lie beyond.
    room: Option<usize>,
    is_off: bool,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl CrashDisk {
    /// A disk with this content, all of it synced.
    pub fn holding(content: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { synced: content.clone(), content, ..State::default() })))
    }

    /// For a store that is opened now.
    pub fn backend(&self) -> CrashBackend {
        let life = self.lock().life;
        CrashBackend { disk: self.clone(), life }
    }

    /// What survives for certain: an image as a copy of the file would give it after the last sync.
    pub fn synced(&self) -> Vec<u8> {
        self.lock().synced.clone()
    }

    /// Writes, syncs and changes of length since the last restart.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// The power goes within the `calls`-th call from now on, counting from 0.
    pub fn cut_power_after(&self, calls: u64) {
        let mut state = self.lock();
        state.power_ends_at = Some(state.calls + calls);
    }

    /// The `calls`-th call from now on fails once, counting from 0, and does nothing.
    pub fn fail_call(&self, calls: u64, kind: ErrorKind) {
        let mut state = self.lock();
        state.failing = Some((state.calls + calls, kind));
    }

    /// The same for reads, with an input/output error.
    pub fn fail_read(&self, reads: u64) {
        let mut state = self.lock();
        state.failing_read = Some(state.reads + reads);
    }

    /// The disk has room for what lies on it and `more` bytes; with nothing, for everything again.
    pub fn set_room(&self, more: Option<usize>) {
        let mut state = self.lock();
        state.room = more.map(|more| state.content.len() + more);
    }

    /// Reads since the last restart.
    pub fn reads(&self) -> u64 {
        self.lock().reads
    }

    /// Is a failure or a power cut that was set still to come?
    pub fn has_failure_ahead(&self) -> bool {
        let state = self.lock();
        state.failing.is_some() || state.failing_read.is_some() || state.power_ends_at.is_some()
    }

    /// Has a power cut that was set come?
    pub fn is_off(&self) -> bool {
        self.lock().is_off
    }

    /// The power goes, if it has not, and comes back. `random` decides what is left of changes that were not synced.
    pub fn restart(&self, random: &mut dyn FnMut() -> u64) {
        let mut state = self.lock();
        let unsynced = std::mem::take(&mut state.unsynced);
        let luck = Luck::draw(random);
        let mut content = std::mem::take(&mut state.synced);
        for change in unsynced {
            luck.keep_some(&change, &mut content, random);
        }
        *state = State { synced: content.clone(), content, life: state.life + 1, ..State::default() };
    }

    /// The disk is replaced by one with this content.
    pub fn replace(&self, content: Vec<u8>) {
        let mut state = self.lock();
        *state = State { synced: content.clone(), content, life: state.life + 1, ..State::default() };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a crash tends to leave of what was not synced: the extremes are where stores break.
enum Luck {
    Nothing,
    Everything,
    /// Each change whole or not at all.
    Whole,
    /// Each sector by itself.
    Torn,
}

impl Luck {
    fn draw(random: &mut dyn FnMut() -> u64) -> Self {
        match random() % 8 {
            0 | 1 => Self::Nothing,
            2 => Self::Everything,
            3 | 4 => Self::Whole,
            _ => Self::Torn,
        }
    }

    fn keep_some(&self, change: &Change, content: &mut Vec<u8>, random: &mut dyn FnMut() -> u64) {
        match self {
            Self::Nothing => {}
            Self::Everything => change.make(content),
            Self::Whole => {
                if random().is_multiple_of(2) {
                    change.make(content);
                }
            }
            Self::Torn => match change {
                Change::Length(_) if random().is_multiple_of(2) => change.make(content),
                Change::Length(_) => {}
                Change::Write { offset, bytes } => tear(*offset, bytes, content, random),
            },
        }
    }
}

/// Keeps some sectors of a write; they are aligned to the disk, not to the write.
fn tear(offset: usize, bytes: &[u8], content: &mut Vec<u8>, random: &mut dyn FnMut() -> u64) {
    let mut start = 0;
    while start < bytes.len() {
        let to_boundary = SECTOR_BYTES - (offset + start) % SECTOR_BYTES;
        let end = bytes.len().min(start + to_boundary);
        if random().is_multiple_of(2) {
            put(offset + start, &bytes[start..end], content);
        }
        start = end;
    }
}

fn put(offset: usize, bytes: &[u8], content: &mut Vec<u8>) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

impl Change {
    fn make(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(*offset, bytes, content),
            Self::Length(length) => content.resize(*length, 0),
        }
    }

    /// How far it reaches.
    fn end(&self) -> usize {
        match self {
            Self::Write { offset, bytes } => offset + bytes.len(),
            Self::Length(length) => *length,
        }
    }
}

impl State {
    /// Counts a call that changes or syncs, and lets it fail if it is to.
    fn begin_call(&mut self) -> io::Result<()> {
        let call = self.calls;
        self.calls += 1;
        if self.power_ends_at.is_some_and(|end| call >= end) {
            self.is_off = true;
            return Err(no_power());
        }
        match self.failing.take_if(|(failing, _)| *failing <= call) {
            Some((_, kind)) => Err(kind.into()),
            None => Ok(()),
        }
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        let begun = self.begin_call().and_then(|()| self.find_room(&change));
        if begun.is_ok() {
            change.make(&mut self.content);
        }
        // The write that the power cut may have reached the disk, whole or in part.
        if begun.is_ok() || self.is_off {
            self.unsynced.push(change);
        }
        begun
    }

    fn find_room(&self, change: &Change) -> io::Result<()> {
        match self.room {
            Some(room) if change.end() > room => Err(ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn begin_read(&mut self) -> io::Result<()> {
        let read = self.reads;
        self.reads += 1;
        match self.failing_read.take_if(|failing| *failing <= read) {
            Some(_) => Err(io::Error::other("input/output error")),
            None => Ok(()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let begun = self.begin_call();
        if self.is_off {
            return begun;
        }
        for change in std::mem::take(&mut self.unsynced) {
            if begun.is_ok() {
                change.make(&mut self.synced);
            }
        }
        begun
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, {} changes not synced", self.content.len(), self.unsynced.len())
    }
}

fn no_power() -> io::Error {
    io::Error::other("the power is off")
}

impl CrashBackend {
    fn with<T>(&self, call: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.lock();
        if state.life != self.life || state.is_off {
            return Err(no_power());
        }
        call(&mut state)
    }
}

impl StorageBackend for CrashBackend {
    fn len(&self) -> io::Result<u64> {
        self.with(|state| Ok(state.content.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|state| {
            state.begin_read()?;
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let bytes = state.content.get(start..start + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
            out.copy_from_slice(bytes);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.with(|state| state.change(Change::Length(length)))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(State::sync)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.with(|state| state.change(Change::Write { offset, bytes: bytes.to_vec() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws whose first decides the luck.
    fn always(first: u64, rest: u64) -> impl FnMut() -> u64 {
        let mut next = first;
        move || std::mem::replace(&mut next, rest)
    }

    fn read(backend: &CrashBackend, bytes: usize) -> Vec<u8> {
        let mut out = vec![0; bytes];
        backend.read(0, &mut out).expect("the power is on");
        out
    }

    #[test]
    fn what_was_synced_survives_and_what_was_not_may_be_lost() {
        let disk = CrashDisk::default();
        let backend = disk.backend();
        backend.write(0, b"synced").expect("the power is on");
        backend.sync_data().expect("the power is on");
        backend.write(0, b"unsure").expect("the power is on");
        assert_eq!(read(&backend, 6), b"unsure");

        disk.restart(&mut always(0, 0));
        assert_eq!(read(&disk.backend(), 6), b"synced");
    }

    #[test]
    fn a_write_is_torn_at_the_boundaries_of_sectors() {
        let disk = CrashDisk::holding(vec![0; 1536]);
        disk.backend().write(256, &[1; 1024]).expect("the power is on");
        let mut draw = 0;
        // The luck is to be torn, then every other sector is kept.
        disk.restart(&mut || {
            draw += 1;
            if draw == 1 { 7 } else { draw }
        });
        let left = read(&disk.backend(), 1536);
        let kept: Vec<bool> = left.chunks(256).map(|chunk| chunk[0] == 1).collect();
        assert_eq!(kept, [false, true, false, false, true, false]);
    }

    #[test]
    fn when_the_power_goes_every_call_fails_and_the_old_hold_stays_dead() {
        let disk = CrashDisk::default();
        let old = disk.backend();
        disk.cut_power_after(1);
        old.write(0, b"first").expect("one call is left");
        assert!(old.write(0, b"other").is_err() && disk.is_off());
        assert!(old.len().is_err());

        disk.restart(&mut always(2, 0));
        assert!(old.len().is_err());
        assert_eq!(read(&disk.backend(), 5), b"other", "the write that was under way may have come through");
    }

    #[test]
    fn what_a_failed_sync_was_to_save_is_read_but_not_saved_by_a_later_one() {
        let disk = CrashDisk::holding(b"old".to_vec());
        let backend = disk.backend();
        backend.write(0, b"new").expect("the disk is well");
        disk.fail_call(0, ErrorKind::Other);
        assert!(backend.sync_data().is_err());
        backend.sync_data().expect("the disk goes on");

        assert_eq!(read(&backend, 3), b"new");
        assert_eq!(disk.synced(), b"old");
    }

    #[test]
    fn a_full_disk_does_not_grow_until_it_has_room() {
        let disk = CrashDisk::holding(vec![0; 10]);
        let backend = disk.backend();
        disk.set_room(Some(2));
        backend.write(8, &[1; 4]).expect("it fits");
        assert_eq!(backend.write(8, &[1; 5]).map_err(|error| error.kind()), Err(ErrorKind::StorageFull));
        assert!(backend.set_len(20).is_err());
        disk.set_room(None);
        backend.set_len(20).expect("there is room");
    }

    #[test]
    fn a_call_that_is_to_fail_fails_once() {
        let disk = CrashDisk::default();
        let backend = disk.backend();
        disk.fail_call(0, ErrorKind::StorageFull);
        assert!(backend.write(0, b"a").is_err());
        backend.write(0, b"b").expect("the disk goes on");
    }
}
