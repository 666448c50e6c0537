//! Tags of devices: a number per name, a list per device, and a set of devices per tag.

use std::collections::BTreeSet;

use anser_protocol::limits::TAGS_PER_DEVICE_MAX;

use super::{Batch, Decided};
use crate::error::ReadError;
use crate::ids::{AppNumber, DeviceNumber, TagNumber};
use crate::key::Key;
use crate::outcome::Refusal;
use crate::rows::chunk::{Chunk, ChunkRow, TagChunk, chunk_of, tag_chunk_key};
use crate::rows::device::{ByTagName, DeviceTags, Tag, device_key, tag_key, tag_name_key};
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn set_tags(&mut self, app: AppNumber, device: DeviceNumber, tags: &[String]) -> Decided<()> {
        self.change_tags(app, device, true, &[], tags)
    }

    /// Removes first, then adds. The number of tags is checked before anything is written.
    pub(super) fn change_tags(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        clear: bool,
        remove: &[String],
        add: &[String],
    ) -> Decided<()> {
        let before: BTreeSet<TagNumber> = self.device_tags(app, device)?.into_iter().collect();
        let mut kept = if clear { BTreeSet::new() } else { self.without_retired(app, &before)? };
        for name in remove {
            if let Some(tag) = self.tag_number(app, name)? {
                kept.remove(&tag);
            }
        }
        let mut new_names = BTreeSet::new();
        for name in add {
            match self.tag_number(app, name)? {
                Some(tag) => _ = kept.insert(tag),
                None => _ = new_names.insert(name.as_str()),
            }
        }
        if kept.len() + new_names.len() > TAGS_PER_DEVICE_MAX {
            return Err(Refusal::TooManyTags.into());
        }
        kept.extend(self.make_tags(app, &new_names)?);
        self.store_tags(app, device, &before, &kept)?;
        Ok(())
    }

    pub(super) fn store_tags(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        before: &BTreeSet<TagNumber>,
        after: &BTreeSet<TagNumber>,
    ) -> Result<(), ReadError> {
        if before == after {
            return Ok(());
        }
        let chunk = chunk_of(device);
        for tag in before.difference(after) {
            self.change_chunk::<TagChunk>(&tag_chunk_key(app, *tag, chunk), |set| set.remove(device))?;
        }
        for tag in after.difference(before) {
            self.change_chunk::<TagChunk>(&tag_chunk_key(app, *tag, chunk), |set| set.insert(device))?;
        }
        self.put(&device_key(app, device), &DeviceTags(after.iter().copied().collect()))
    }

    pub(super) fn make_tags(&mut self, app: AppNumber, names: &BTreeSet<&str>) -> Result<Vec<TagNumber>, ReadError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut counters = self.app_counters(app)?;
        let mut made = Vec::with_capacity(names.len());
        for name in names {
            let tag = counters.tag;
            counters.tag.0 += 1;
            self.put(&tag_name_key(app, name), &ByTagName(tag))?;
            self.put(&tag_key(app, tag), &Tag { name: (*name).into() })?;
            made.push(tag);
        }
        self.put_app_counters(app, counters)?;
        Ok(made)
    }

    pub(super) fn device_tags(&self, app: AppNumber, device: DeviceNumber) -> Result<Vec<TagNumber>, ReadError> {
        Ok(self.row::<DeviceTags>(&device_key(app, device))?.unwrap_or_default().0)
    }

    /// What a deletion has not cleared yet does not count any more.
    pub(super) fn without_retired(
        &self,
        app: AppNumber,
        tags: &BTreeSet<TagNumber>,
    ) -> Result<BTreeSet<TagNumber>, ReadError> {
        if self.keys(Table::RetiredTags, &Key::app(app), 1)?.is_empty() {
            return Ok(tags.clone());
        }
        let mut kept = BTreeSet::new();
        for tag in tags {
            if !self.has(Table::RetiredTags, &tag_key(app, *tag))? {
                kept.insert(*tag);
            }
        }
        Ok(kept)
    }

    pub(super) fn tag_number(&self, app: AppNumber, name: &str) -> Result<Option<TagNumber>, ReadError> {
        Ok(self.row::<ByTagName>(&tag_name_key(app, name))?.map(|found| found.0))
    }

    /// Changes one chunk of a set; an empty one has no row. Returns whether anything changed.
    pub(super) fn change_chunk<R: ChunkRow>(
        &mut self,
        key: &Key,
        change: impl FnOnce(&mut Chunk) -> bool,
    ) -> Result<bool, ReadError> {
        let mut chunk = self.row::<R>(key)?.map_or(Chunk::EMPTY, ChunkRow::chunk);
        if !change(&mut chunk) {
            return Ok(false);
        }
        if chunk.is_empty() {
            self.remove(R::TABLE, key)?;
        } else {
            self.put(key, &R::new(chunk))?;
        }
        Ok(true)
    }
}
