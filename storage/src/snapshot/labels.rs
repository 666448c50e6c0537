//! Reading tags of an app, and its test devices.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anser_protocol::content::Platform;
use anser_protocol::traits::TraitKind;

use super::{Snapshot, TestDeviceShown};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, TagNumber};
use crate::key::{Key, u32_at};
use crate::rows::chunk::{Chunk, ChunkRow, PlatformChunk, TagChunk, chunk_of, platform_chunk_key, tag_chunk_key};
use crate::rows::device::{ByTagName, Tag, TestDevice, tag_key, tag_name_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Chunks that a list of tags looks at. In an app with very many tags it then shows what it has found.
const CHUNKS_MAX: usize = 20_000;
/// Tags that are read from their table at once.
const TAGS_AT_ONCE: usize = 1000;

impl Snapshot {
    /// Does a device carry a tag of this name?
    pub fn has_tag(&self, app: AppNumber, device: DeviceNumber, name: &str) -> Result<bool, ReadError> {
        let Some(ByTagName(tag)) = self.row(&tag_name_key(app, name))? else { return Ok(false) };
        let chunk = self.row::<TagChunk>(&tag_chunk_key(app, tag, chunk_of(device)))?;
        Ok(chunk.is_some_and(|row| row.chunk().contains(device)))
    }

    /// The oldest tags that devices carry, at most so many for each platform, in order of their names.
    pub fn tags_of_app(&self, app: AppNumber, per_platform: usize) -> Result<Vec<String>, ReadError> {
        let mut listing =
            Listing { snapshot: self, app, platforms: self.platforms_of_app(app)?, chunks_left: CHUNKS_MAX };
        let mut wanted: BTreeMap<Platform, usize> =
            listing.platforms.keys().map(|platform| (*platform, per_platform)).collect();
        let mut names = Vec::new();
        let mut from = TagNumber(0);
        loop {
            let tags = self.tags_from(app, from, TAGS_AT_ONCE)?;
            for (tag, row) in &tags {
                if wanted.is_empty() || listing.chunks_left == 0 {
                    break;
                }
                let on = listing.platforms_of_tag(*tag, &wanted)?;
                if !on.is_empty() {
                    names.push(row.name.clone());
                }
                for platform in on {
                    wanted.entry(platform).and_modify(|left| *left -= 1);
                }
                wanted.retain(|_, left| *left > 0);
            }
            match tags.last() {
                Some((last, _)) if tags.len() == TAGS_AT_ONCE && !wanted.is_empty() && listing.chunks_left > 0 => {
                    from = TagNumber(last.0 + 1);
                }
                _ => break,
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn tags_from(&self, app: AppNumber, from: TagNumber, limit: usize) -> Result<Vec<(TagNumber, Tag)>, ReadError> {
        let mut tags = Vec::new();
        let to = crate::key::behind_prefix(Key::app(app).as_bytes());
        self.scan(Table::Tags, tag_key(app, from).as_bytes(), to.as_deref(), &mut |key, value| {
            if tags.len() == limit {
                return Ok(STOP);
            }
            tags.push((TagNumber(u32_at(key, 4).unwrap_or_default()), crate::row::decode(key, value)?));
            Ok(NEXT)
        })?;
        Ok(tags)
    }

    /// Platforms that the app has devices of, with their chunks as far as they were looked at.
    fn platforms_of_app(&self, app: AppNumber) -> Result<BTreeMap<Platform, BTreeMap<u32, Chunk>>, ReadError> {
        let mut platforms = BTreeMap::new();
        for number in 0..=u8::MAX {
            let prefix = Key::app(app).u8(number);
            if !self.keys(Table::PlatformChunks, &prefix, 1)?.is_empty() {
                platforms.insert(Platform(number), BTreeMap::new());
            }
        }
        Ok(platforms)
    }

    /// Devices by registration id, in the order of the ids; nothing for an unknown one.
    pub fn device_numbers(&self, app: AppNumber, ids: &[String]) -> Result<Vec<Option<DeviceNumber>>, ReadError> {
        ids.iter().map(|id| find::device_number(self, app, id)).collect()
    }

    pub fn is_test_device(&self, app: AppNumber, device: DeviceNumber) -> Result<bool, ReadError> {
        Ok(find::known_test_device(self, app, device)?.is_some())
    }

    /// In order of the devices' numbers: the oldest registration first.
    pub fn list_test_devices(&self, app: AppNumber) -> Result<Vec<TestDeviceShown>, ReadError> {
        let mut devices = Vec::new();
        self.rows::<TestDevice>(&Key::app(app), |key, row| {
            devices.push((DeviceNumber(u32_at(key, 4).unwrap_or_default()), row));
            Ok(NEXT)
        })?;
        let shown = |(number, row): (DeviceNumber, TestDevice)| {
            let device = find::device(self, app, number)?;
            let model = self.traits_of_device(app, number)?.get(TraitKind::Model).to_owned();
            Ok(device.map(|device| TestDeviceShown {
                name: row.name,
                model,
                registration_id: device.registration_id,
                registered_ms: device.created_ms,
                created_ms: row.created_ms,
            }))
        };
        devices.into_iter().filter_map(|device| shown(device).transpose()).collect()
    }
}

/// A walk over tags that remembers what it has read of the platforms.
struct Listing<'s> {
    snapshot: &'s Snapshot,
    app: AppNumber,
    platforms: BTreeMap<Platform, BTreeMap<u32, Chunk>>,
    chunks_left: usize,
}

impl Listing<'_> {
    /// Those of the wanted platforms on which devices carry the tag.
    fn platforms_of_tag(
        &mut self,
        tag: TagNumber,
        wanted: &BTreeMap<Platform, usize>,
    ) -> Result<Vec<Platform>, ReadError> {
        let mut chunks = Vec::new();
        self.snapshot.rows::<TagChunk>(&tag_key(self.app, tag), |key, row| {
            chunks.push((u32_at(key, 8).unwrap_or_default(), row.chunk()));
            Ok(if chunks.len() < self.chunks_left { NEXT } else { STOP })
        })?;
        self.chunks_left -= chunks.len();
        let mut found = Vec::new();
        for platform in wanted.keys() {
            for (number, chunk) in &chunks {
                let mut both = self.chunk_of_platform(*platform, *number)?.clone();
                both.intersect(chunk);
                if !both.is_empty() {
                    found.push(*platform);
                    break;
                }
            }
        }
        Ok(found)
    }

    fn chunk_of_platform(&mut self, platform: Platform, number: u32) -> Result<&Chunk, ReadError> {
        match self.platforms.entry(platform).or_default().entry(number) {
            Entry::Occupied(read) => Ok(read.into_mut()),
            Entry::Vacant(place) => {
                let row = self.snapshot.row::<PlatformChunk>(&platform_chunk_key(self.app, platform, number))?;
                Ok(place.insert(row.map_or(Chunk::EMPTY, ChunkRow::chunk)))
            }
        }
    }
}
