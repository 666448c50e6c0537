//! Tags and aliases of many devices at once.
//!
//! A tag that is deleted becomes true in one step, however many devices carry it: its number is retired, so that nobody
//! finds it by its name. The lists of the devices lose the number afterwards, slice by slice.

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::content::Platform;
use anser_protocol::limits::TAGS_PER_DEVICE_MAX;

use super::{Batch, Decided};
use crate::command::LabelCommand;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, TagNumber};
use crate::key::{Key, u32_at};
use crate::outcome::{Answer, Refusal};
use crate::rows::chunk::{Chunk, ChunkRow, PlatformChunk, TagChunk, platform_chunk_key, tag_chunk_key};
use crate::rows::device::{DeviceRow, DeviceTags, RetiredTag, alias_prefix, device_key, tag_key, tag_name_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Devices whose lists one slice changes.
const SLICE_DEVICES_MAX: usize = 990;
/// Chunks of a tag that one slice looks at.
const SLICE_CHUNKS_MAX: usize = 200;

impl Batch<'_> {
    pub(super) fn label(&mut self, command: &LabelCommand) -> Decided<Answer> {
        match command {
            LabelCommand::ChangeTag { app, tag, remove, add } => self.change_tag(*app, tag, remove, add),
            LabelCommand::DeleteTag { app, tag } => self.delete_tag(*app, tag),
            LabelCommand::DeleteTagOn { app, tag, platforms, from_chunk } => {
                self.delete_tag_on(*app, tag, platforms, *from_chunk)
            }
            LabelCommand::ClearTags { app } => self.clear_tags(*app),
            LabelCommand::UnbindAlias { app, alias, devices } => {
                self.require_app(*app)?;
                self.unbind_alias(*app, alias, devices, |_| true)
            }
            LabelCommand::DeleteAlias { app, alias, platforms } => {
                self.require_app(*app)?;
                let devices = self.devices_of_alias(*app, alias)?;
                self.unbind_alias(*app, alias, &devices, |row| {
                    platforms.is_empty() || platforms.contains(&row.platform)
                })
            }
            LabelCommand::SetTestDevice { app, device, name, must_be_one } => {
                self.set_test_device(*app, *device, name, *must_be_one)
            }
            LabelCommand::RemoveTestDevice { app, device } => self.remove_test_device(*app, *device),
        }
    }

    /// What can be refused comes before the first change. A device that is in both lists has the tag afterwards.
    fn change_tag(
        &mut self,
        app: AppNumber,
        name: &str,
        remove: &[DeviceNumber],
        add: &[DeviceNumber],
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let known = self.tag_number(app, name)?;
        let add: BTreeSet<DeviceNumber> = add.iter().copied().collect();
        let remove: BTreeSet<DeviceNumber> = remove.iter().copied().filter(|device| !add.contains(device)).collect();
        for device in add.iter().chain(&remove) {
            if !self.has(Table::Devices, &device_key(app, *device))? {
                return Err(Refusal::DeviceUnknown.into());
            }
        }
        let mut lists = BTreeMap::new();
        for device in &add {
            let before: BTreeSet<TagNumber> = self.device_tags(app, *device)?.into_iter().collect();
            let kept = self.without_retired(app, &before)?;
            if known.is_some_and(|tag| kept.contains(&tag)) {
                continue;
            }
            if kept.len() >= TAGS_PER_DEVICE_MAX {
                return Err(Refusal::TooManyTags.into());
            }
            lists.insert(*device, (before, kept));
        }
        let tag = match known {
            Some(tag) => tag,
            None if lists.is_empty() => return Ok(Answer::Done),
            None => self.make_tags(app, &BTreeSet::from([name]))?[0],
        };
        for (device, (before, mut kept)) in lists {
            kept.insert(tag);
            self.store_tags(app, device, &before, &kept)?;
        }
        for device in remove {
            self.take_tag(app, tag, device)?;
        }
        Ok(Answer::Done)
    }

    fn take_tag(&mut self, app: AppNumber, tag: TagNumber, device: DeviceNumber) -> Result<(), ReadError> {
        let before: BTreeSet<TagNumber> = self.device_tags(app, device)?.into_iter().collect();
        let mut after = before.clone();
        after.remove(&tag);
        self.store_tags(app, device, &before, &after)
    }

    fn delete_tag(&mut self, app: AppNumber, name: &str) -> Decided<Answer> {
        self.require_app(app)?;
        let Some(tag) = self.tag_number(app, name)? else { return Ok(Answer::Done) };
        self.remove(Table::TagNames, &tag_name_key(app, name))?;
        self.remove(Table::Tags, &tag_key(app, tag))?;
        self.put(&tag_key(app, tag), &RetiredTag)?;
        Ok(Answer::Continue)
    }

    fn delete_tag_on(
        &mut self,
        app: AppNumber,
        name: &str,
        platforms: &[Platform],
        from_chunk: u32,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let Some(tag) = self.tag_number(app, name)? else { return Ok(Answer::Done) };
        let chunks = self.chunks_of_tag(app, tag, from_chunk, SLICE_CHUNKS_MAX + 1)?;
        let mut left = SLICE_DEVICES_MAX;
        for (number, chunk) in chunks.iter().take(SLICE_CHUNKS_MAX) {
            let mut of_platforms = Chunk::EMPTY;
            for platform in platforms {
                if let Some(row) = self.row::<PlatformChunk>(&platform_chunk_key(app, *platform, *number))? {
                    of_platforms.union(&row.chunk());
                }
            }
            of_platforms.intersect(chunk);
            let devices: Vec<u32> = of_platforms.devices(*number).take(left + 1).collect();
            self.take_tag_from(app, tag, *number, &devices[..devices.len().min(left)])?;
            if devices.len() > left {
                return Ok(Answer::ContinueFrom { chunk: *number });
            }
            left -= devices.len();
        }
        Ok(match chunks.get(SLICE_CHUNKS_MAX) {
            Some((chunk, _)) => Answer::ContinueFrom { chunk: *chunk },
            None => Answer::Done,
        })
    }

    fn clear_tags(&mut self, app: AppNumber) -> Decided<Answer> {
        self.require_app(app)?;
        let retired = self.keys(Table::RetiredTags, &Key::app(app), 1)?;
        let Some(tag) = retired.first().and_then(|key| u32_at(key, 4)).map(TagNumber) else {
            return Ok(Answer::Done);
        };
        match self.chunks_of_tag(app, tag, 0, 1)?.first() {
            Some((number, chunk)) => {
                let devices: Vec<u32> = chunk.devices(*number).take(SLICE_DEVICES_MAX).collect();
                self.take_tag_from(app, tag, *number, &devices)?;
            }
            None => self.remove(Table::RetiredTags, &tag_key(app, tag))?,
        }
        Ok(Answer::Continue)
    }

    /// From devices of one chunk, which is written once.
    fn take_tag_from(&mut self, app: AppNumber, tag: TagNumber, chunk: u32, devices: &[u32]) -> Result<(), ReadError> {
        for device in devices {
            let key = device_key(app, DeviceNumber(*device));
            let mut tags = self.row::<DeviceTags>(&key)?.unwrap_or_default();
            tags.0.retain(|other| *other != tag);
            self.put(&key, &tags)?;
        }
        self.change_chunk::<TagChunk>(&tag_chunk_key(app, tag, chunk), |set| {
            devices.iter().filter(|device| set.remove(DeviceNumber(**device))).count() > 0
        })?;
        Ok(())
    }

    /// With their numbers, from one on.
    fn chunks_of_tag(
        &self,
        app: AppNumber,
        tag: TagNumber,
        from: u32,
        limit: usize,
    ) -> Result<Vec<(u32, Chunk)>, ReadError> {
        let mut chunks = Vec::new();
        let (from, to) = (tag_chunk_key(app, tag, from), crate::key::behind_prefix(tag_key(app, tag).as_bytes()));
        self.scan(Table::TagChunks, from.as_bytes(), to.as_deref(), &mut |key, value| {
            if chunks.len() == limit {
                return Ok(STOP);
            }
            let number = u32_at(key, 8).unwrap_or_default();
            chunks.push((number, crate::row::decode::<TagChunk>(key, value)?.chunk()));
            Ok(NEXT)
        })?;
        Ok(chunks)
    }

    fn devices_of_alias(&self, app: AppNumber, alias: &str) -> Result<Vec<DeviceNumber>, ReadError> {
        let prefix = alias_prefix(app, alias);
        let keys = self.keys(Table::Aliases, &prefix, SLICE_DEVICES_MAX)?;
        Ok(keys.iter().filter_map(|key| u32_at(key, prefix.as_bytes().len())).map(DeviceNumber).collect())
    }

    fn unbind_alias(
        &mut self,
        app: AppNumber,
        alias: &str,
        devices: &[DeviceNumber],
        is_meant: impl Fn(&DeviceRow) -> bool,
    ) -> Decided<Answer> {
        for device in devices {
            let row = find::device(self, app, *device)?.filter(|row| row.alias.as_deref() == Some(alias));
            if let Some(row) = row.filter(&is_meant) {
                self.bind_alias(app, *device, row, None)?;
            }
        }
        Ok(Answer::Done)
    }
}
