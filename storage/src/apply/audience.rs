//! Whom a push is for: set algebra over devices, chunk by chunk.
//!
//! A chunk begins with all devices of the platforms; each kind that the audience names takes away those outside it. Who is
//! dormant is never meant.

use std::collections::BTreeMap;

use anser_protocol::content::Platform;
use anser_protocol::frame::push::TokenKind;
use roaring::RoaringBitmap;

use super::segment::Test;
use super::test_device::TEST_DEVICES_MAX;
use super::{Batch, Decided};
use crate::command::{Audience, FileAudience, Selection};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, TagNumber};
use crate::key::{Key, u32_at};
use crate::outcome::Refusal;
use crate::rows::bridge::{TokenOwner, token_owner_key};
use crate::rows::chunk::{
    Chunk, ChunkRow, DormantChunk, PlatformChunk, TagChunk, chunk_of, dormant_key, platform_chunk_key, tag_chunk_key,
};
use crate::rows::device::alias_prefix;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Of each environment, that show one live activity and are told of it by one push.
const ACTIVITY_DEVICES_MAX: usize = 100_000;

/// Devices by the number of their chunk.
pub(super) type Named = BTreeMap<u32, Chunk>;

/// A selection with its names looked up; nothing stands for a kind that is absent.
#[derive(Default)]
struct Resolved {
    any_tag: Option<Vec<TagNumber>>,
    /// An unknown tag makes the whole intersection empty.
    all_tags: Vec<Option<TagNumber>>,
    no_tag: Vec<TagNumber>,
    aliases: Option<Named>,
    registration_ids: Option<Named>,
    /// Of segments.
    tests: Vec<Test>,
}

/// The devices that a push is for.
#[derive(Default)]
pub(super) struct Targets {
    pub devices: RoaringBitmap,
    /// Only platforms that have some.
    pub by_platform: Vec<(Platform, u64)>,
}

impl Targets {
    fn add(&mut self, number: u32, chosen: &Chunk, platforms: &[(Platform, Chunk)]) {
        self.devices.extend(chosen.devices(number));
        for (platform, all) in platforms {
            let mut of_platform = all.clone();
            of_platform.intersect(chosen);
            match self.by_platform.iter_mut().find(|(known, _)| known == platform) {
                Some((_, count)) => *count += of_platform.len(),
                None if of_platform.is_empty() => {}
                None => self.by_platform.push((*platform, of_platform.len())),
            }
        }
    }
}

impl Batch<'_> {
    pub(super) fn resolve_audience(
        &self,
        app: AppNumber,
        platforms: &[Platform],
        audience: &Audience,
        among: Option<&Named>,
    ) -> Decided<Targets> {
        let selection = match audience {
            Audience::All => None,
            // Nothing named is nobody: a mistake must not reach everybody.
            Audience::Selected(selection) if *selection == Selection::default() => return Ok(Targets::default()),
            Audience::Selected(selection) => Some(self.resolve_selection(app, selection)?),
            Audience::File(list) => Some(self.resolve_list(app, list)?),
            Audience::Activity(name) => Some(self.resolve_activity(app, name)?),
        };
        let has_dormant = !self.keys(Table::Dormant, &Key::app(app), 1)?.is_empty();
        let mut targets = Targets::default();
        for number in self.chunks_to_look_at(app, selection.as_ref())? {
            let of_platforms = self.chunks_of_platforms(app, platforms, number)?;
            let mut chosen = Chunk::EMPTY;
            of_platforms.iter().for_each(|(_, all)| {
                chosen.union(all);
            });
            if let Some(selection) = &selection {
                self.select(app, selection, number, &mut chosen)?;
            }
            if let Some(among) = among {
                chosen.intersect(among.get(&number).unwrap_or(&Chunk::EMPTY));
            }
            if has_dormant && let Some(dormant) = self.row::<DormantChunk>(&dormant_key(app, number))? {
                chosen.subtract(&dormant.chunk());
            }
            targets.add(number, &chosen, &of_platforms);
        }
        Ok(targets)
    }

    /// Devices on which a push may be tried out.
    pub(super) fn all_test_devices(&self, app: AppNumber) -> Result<Named, ReadError> {
        let prefix = Key::app(app);
        let mut named = Named::new();
        for key in self.keys(Table::TestDevices, &prefix, TEST_DEVICES_MAX)? {
            if let Some(device) = u32_at(&key, prefix.as_bytes().len()) {
                add(&mut named, DeviceNumber(device));
            }
        }
        Ok(named)
    }

    fn resolve_selection(&self, app: AppNumber, selection: &Selection) -> Decided<Resolved> {
        let registration_ids = present(&selection.registration_id).map(|ids| self.named_by_id(app, ids)).transpose()?;
        Ok(Resolved {
            any_tag: present(&selection.tag).map(|names| self.known_tags(app, names)).transpose()?,
            all_tags: selection.tag_and.iter().map(|name| self.tag_number(app, name)).collect::<Result<_, _>>()?,
            no_tag: self.known_tags(app, &selection.tag_not)?,
            aliases: present(&selection.alias).map(|aliases| self.named_by_alias(app, aliases)).transpose()?,
            registration_ids,
            tests: self.resolve_segments(app, &selection.segment)?,
        })
    }

    fn resolve_list(&self, app: AppNumber, list: &FileAudience) -> Decided<Resolved> {
        if find::usable_list(self, app, &list.file, self.now_ms())?.is_none() {
            return Err(Refusal::FileUnknown.into());
        }
        let devices = RoaringBitmap::deserialize_from(list.devices.as_slice()).map_err(|_| Refusal::Internal)?;
        let mut named = Named::new();
        devices.iter().for_each(|device| add(&mut named, DeviceNumber(device)));
        Ok(Resolved { registration_ids: Some(named), ..Resolved::default() })
    }

    fn resolve_activity(&self, app: AppNumber, name: &str) -> Result<Resolved, ReadError> {
        let mut named = Named::new();
        for kind in [TokenKind::APNS_ACTIVITY, TokenKind::APNS_ACTIVITY_SANDBOX] {
            let prefix = token_owner_key(app, kind.0, &format!("{name}:"));
            let name_ends = prefix.as_bytes().len();
            let mut left = ACTIVITY_DEVICES_MAX;
            self.rows::<TokenOwner>(&prefix, |key, owner| {
                // Names may have colons, too; the token behind the last one has none.
                if !key[name_ends..].contains(&b':') {
                    add(&mut named, owner.0);
                }
                left -= 1;
                Ok(if left == 0 { STOP } else { NEXT })
            })?;
        }
        Ok(Resolved { registration_ids: Some(named), ..Resolved::default() })
    }

    pub(super) fn known_tags(&self, app: AppNumber, names: &[String]) -> Result<Vec<TagNumber>, ReadError> {
        names.iter().filter_map(|name| self.tag_number(app, name).transpose()).collect()
    }

    /// Of several ids the unknown ones are skipped; one alone is a mistake.
    fn named_by_id(&self, app: AppNumber, ids: &[String]) -> Decided<Named> {
        let mut named = Named::new();
        for id in ids {
            match find::device_number(self, app, id)? {
                Some(device) => add(&mut named, device),
                None if ids.len() == 1 => return Err(Refusal::RegistrationIdUnknown.into()),
                None => {}
            }
        }
        Ok(named)
    }

    fn named_by_alias(&self, app: AppNumber, aliases: &[String]) -> Result<Named, ReadError> {
        let mut named = Named::new();
        for alias in aliases {
            let prefix = alias_prefix(app, alias);
            for key in self.keys(Table::Aliases, &prefix, usize::MAX)? {
                if let Some(device) = u32_at(&key, prefix.as_bytes().len()) {
                    add(&mut named, DeviceNumber(device));
                }
            }
        }
        Ok(named)
    }

    /// Only where somebody is named, if anybody is.
    fn chunks_to_look_at(&self, app: AppNumber, selection: Option<&Resolved>) -> Result<Vec<u32>, ReadError> {
        let named = selection.and_then(|selection| selection.registration_ids.as_ref().or(selection.aliases.as_ref()));
        if let Some(named) = named {
            return Ok(named.keys().copied().collect());
        }
        let end = self.app_counters(app)?.device;
        Ok(if end.0 == 0 { Vec::new() } else { (0..=chunk_of(DeviceNumber(end.0 - 1))).collect() })
    }

    fn chunks_of_platforms(
        &self,
        app: AppNumber,
        platforms: &[Platform],
        number: u32,
    ) -> Result<Vec<(Platform, Chunk)>, ReadError> {
        let mut found = Vec::new();
        for platform in platforms {
            if let Some(row) = self.row::<PlatformChunk>(&platform_chunk_key(app, *platform, number))? {
                found.push((*platform, row.chunk()));
            }
        }
        Ok(found)
    }

    fn select(&self, app: AppNumber, selection: &Resolved, number: u32, chunk: &mut Chunk) -> Result<(), ReadError> {
        for named in [&selection.registration_ids, &selection.aliases].into_iter().flatten() {
            chunk.intersect(named.get(&number).unwrap_or(&Chunk::EMPTY));
        }
        if let Some(tags) = &selection.any_tag
            && !chunk.is_empty()
        {
            chunk.intersect(&self.chunk_of_tags(app, tags, number)?);
        }
        for tag in &selection.all_tags {
            if chunk.is_empty() {
                return Ok(());
            }
            chunk.intersect(&self.chunk_of_tags(app, tag.as_slice(), number)?);
        }
        if !chunk.is_empty() {
            chunk.subtract(&self.chunk_of_tags(app, &selection.no_tag, number)?);
        }
        for test in &selection.tests {
            if chunk.is_empty() {
                return Ok(());
            }
            self.pass(app, test, number, chunk)?;
        }
        Ok(())
    }

    /// Devices with any of the tags.
    pub(super) fn chunk_of_tags(&self, app: AppNumber, tags: &[TagNumber], number: u32) -> Result<Chunk, ReadError> {
        let mut any = Chunk::EMPTY;
        for tag in tags {
            if let Some(row) = self.row::<TagChunk>(&tag_chunk_key(app, *tag, number))? {
                any.union(&row.chunk());
            }
        }
        Ok(any)
    }
}

/// An empty list means that the kind is absent.
fn present(names: &[String]) -> Option<&[String]> {
    Some(names).filter(|names| !names.is_empty())
}

fn add(named: &mut Named, device: DeviceNumber) {
    named.entry(chunk_of(device)).or_insert(Chunk::EMPTY).insert(device);
}
