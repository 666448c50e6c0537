//! Sets of devices in chunks of 4,096 device numbers, one row each.
//!
//! A small fixed piece, so that one device more or less rewrites half a kilobyte, and set algebra is word by word.

use crate::ids::{AppNumber, DeviceNumber, TagNumber};
use crate::key::Key;
use crate::row::Row;
use crate::rows::push::{Report, report_prefix};
use crate::table::Table;
use anser_protocol::content::Platform;
use anser_protocol::ids::Position;

pub(crate) const CHUNK_DEVICES: u32 = 4096;
const WORDS: usize = CHUNK_DEVICES as usize / 64;
const DENSE_BYTES: usize = WORDS * 8;

/// Which devices of a chunk are in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk([u64; WORDS]);

/// The number of a chunk among an app's devices.
pub(crate) fn chunk_of(device: DeviceNumber) -> u32 {
    device.0 / CHUNK_DEVICES
}

impl Chunk {
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Both return whether that changed the set.
    pub fn insert(&mut self, device: DeviceNumber) -> bool {
        let (word, bit) = place(device);
        let was = self.0[word];
        self.0[word] |= bit;
        was != self.0[word]
    }

    pub fn remove(&mut self, device: DeviceNumber) -> bool {
        let (word, bit) = place(device);
        let was = self.0[word];
        self.0[word] &= !bit;
        was != self.0[word]
    }

    pub fn contains(&self, device: DeviceNumber) -> bool {
        let (word, bit) = place(device);
        self.0[word] & bit != 0
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub fn len(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Returns whether that changed the set.
    pub fn union(&mut self, other: &Self) -> bool {
        let mut has_changed = false;
        for (word, other) in self.0.iter_mut().zip(other.0) {
            has_changed |= other & !*word != 0;
            *word |= other;
        }
        has_changed
    }

    pub fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }

    pub fn subtract(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
    }

    /// The devices, in order, of the chunk with this number.
    pub fn devices(&self, chunk: u32) -> impl Iterator<Item = u32> + '_ {
        let first = chunk * CHUNK_DEVICES;
        self.0.iter().enumerate().flat_map(move |(word, bits)| {
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| first + word as u32 * 64 + bit)
        })
    }

    /// A list of 16-bit places while that is shorter, else the bits. The length tells them apart.
    fn encode(&self, out: &mut Vec<u8>) {
        if self.len() * 2 < DENSE_BYTES as u64 {
            self.devices(0).for_each(|place| out.extend_from_slice(&(place as u16).to_le_bytes()));
        } else {
            self.0.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
        }
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let mut chunk = Self::EMPTY;
        if body.len() == DENSE_BYTES {
            for (word, bytes) in chunk.0.iter_mut().zip(body.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            return Some(chunk);
        }
        let (places, rest) = body.as_chunks::<2>();
        for place in places {
            let place = u16::from_le_bytes(*place);
            if u32::from(place) >= CHUNK_DEVICES {
                return None;
            }
            chunk.insert(DeviceNumber(place.into()));
        }
        rest.is_empty().then_some(chunk)
    }
}

fn place(device: DeviceNumber) -> (usize, u64) {
    let low = device.0 % CHUNK_DEVICES;
    ((low / 64) as usize, 1 << (low % 64))
}

/// A chunk as the row of some table.
pub(crate) trait ChunkRow: Row {
    fn new(chunk: Chunk) -> Self;
    fn chunk(self) -> Chunk;
}

macro_rules! chunk_row {
    ($(#[$doc:meta])* $name:ident, $table:ident) => {
        $(#[$doc])*
        pub(crate) struct $name(Chunk);

        impl Row for $name {
            const TABLE: Table = Table::$table;

            fn encode_body(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }

            fn decode_body(_version: u8, body: &[u8]) -> Option<Self> {
                Chunk::decode(body).map(Self)
            }
        }

        impl ChunkRow for $name {
            fn new(chunk: Chunk) -> Self {
                Self(chunk)
            }

            fn chunk(self) -> Chunk {
                self.0
            }
        }
    };
}

chunk_row!(
    /// Devices with a tag.
    TagChunk, TagChunks
);
chunk_row!(
    /// Devices with a value of a trait.
    TraitChunk, TraitChunks
);
chunk_row!(
    /// Devices of a platform: all that exist.
    PlatformChunk, PlatformChunks
);
chunk_row!(
    /// Devices that reported something about a push.
    ReportChunk, Reports
);
chunk_row!(
    /// Devices with a token of one kind.
    TokenChunk, TokenChunks
);
chunk_row!(
    /// Devices that want no pushes.
    StopChunk, PushStops
);
chunk_row!(
    /// Users of a class: all that exist.
    UserChunk, UserChunks
);
chunk_row!(
    /// Groups of a class: all that exist.
    GroupChunk, GroupChunks
);
chunk_row!(
    /// Chat rooms: all that exist.
    RoomChunk, RoomChunks
);
chunk_row!(
    /// Devices that were there in a span of time.
    PresenceChunk, Presence
);

chunk_row!(
    /// Users, or groups, of an hour.
    HourChunk, HourSets
);
chunk_row!(
    /// Devices that were not seen for so long that no push is for them.
    DormantChunk, Dormant
);

pub(crate) fn dormant_key(app: AppNumber, chunk: u32) -> Key {
    Key::app(app).u32(chunk)
}

pub(crate) fn tag_chunk_key(app: AppNumber, tag: TagNumber, chunk: u32) -> Key {
    Key::app(app).u32(tag.0).u32(chunk)
}

pub(crate) fn platform_chunk_key(app: AppNumber, platform: Platform, chunk: u32) -> Key {
    Key::app(app).u8(platform.0).u32(chunk)
}

pub(crate) fn stop_chunk_key(app: AppNumber, chunk: u32) -> Key {
    Key::app(app).u32(chunk)
}

pub(crate) fn report_chunk_key(app: AppNumber, push: Position, report: Report, chunk: u32) -> Key {
    report_prefix(app, push, report).u32(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(devices: impl IntoIterator<Item = u32>) -> Chunk {
        let mut chunk = Chunk::EMPTY;
        devices.into_iter().for_each(|device| {
            chunk.insert(DeviceNumber(device));
        });
        chunk
    }

    #[test]
    fn sparse_and_dense_chunks_read_back_as_written() {
        for set in [chunk([]), chunk([0, 4095]), chunk(0..255), chunk(0..256), chunk(0..4096)] {
            let mut bytes = Vec::new();
            set.encode(&mut bytes);
            assert!(bytes.len() <= DENSE_BYTES);
            assert_eq!(Chunk::decode(&bytes), Some(set));
        }
    }

    #[test]
    fn devices_are_named_by_their_number_in_the_app() {
        let set = chunk([4096 * 3 + 7]);
        assert_eq!(set.devices(3).collect::<Vec<_>>(), [4096 * 3 + 7]);
    }
}
