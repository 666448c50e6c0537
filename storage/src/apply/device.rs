//! Registering devices, and what is known about each: tags, alias, mobile number.

use anser_protocol::content::Platform;

use super::{Batch, Decided};
use crate::command::{DeviceChange, DeviceCommand};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::outcome::{Answer, Refusal};
use crate::rows::chunk::{PlatformChunk, chunk_of, platform_chunk_key};
use crate::rows::device::{
    AliasBinding, ByRegistrationId, DeviceRow, alias_key, alias_prefix, device_key, registration_id_key,
};
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn device(&mut self, command: &DeviceCommand) -> Decided<Answer> {
        match command {
            DeviceCommand::Register { app, registration_id, secret_hash, platform } => {
                self.require_app(*app)?;
                self.register_device(*app, registration_id, secret_hash, *platform)
            }
            DeviceCommand::Adopt { app, former_id, registration_id, secret_hash, platform } => {
                self.require_app(*app)?;
                match self.adopt(*app, former_id, secret_hash, *platform)? {
                    Some(device) => Ok(Answer::Adopted { device }),
                    None => self.register_device(*app, registration_id, secret_hash, *platform),
                }
            }
            DeviceCommand::SetTags { app, device, tags } => {
                self.change_device(*app, *device, |batch, _| batch.set_tags(*app, *device, tags))
            }
            DeviceCommand::ChangeTags { app, device, remove, add } => {
                self.change_device(*app, *device, |batch, _| batch.change_tags(*app, *device, false, remove, add))
            }
            DeviceCommand::SetAlias { app, device, alias } => {
                self.change_device(*app, *device, |batch, row| batch.set_alias(*app, *device, row, alias.as_deref()))
            }
            DeviceCommand::Update { app, device, change } => {
                self.change_device(*app, *device, |batch, row| batch.update_device(*app, *device, row, change))
            }
            DeviceCommand::SetTraits { app, device, traits } => {
                self.change_device(*app, *device, |batch, _| Ok(batch.set_traits(*app, *device, traits)?))
            }
        }
    }

    pub(super) fn register_device(
        &mut self,
        app: AppNumber,
        id: &str,
        secret_hash: &[u8; 32],
        platform: Platform,
    ) -> Decided<Answer> {
        if let Some(device) = find::device_number(self, app, id)? {
            let row = find::required::<DeviceRow>(self, device_key(app, device))?;
            let is_the_same = row.secret_hash == *secret_hash;
            return if is_the_same {
                Ok(Answer::Device { device, is_new: false })
            } else {
                Err(Refusal::RegistrationIdTaken.into())
            };
        }
        let mut counters = self.app_counters(app)?;
        let device = counters.device;
        counters.device.0 += 1;
        self.put_app_counters(app, counters)?;
        let row = DeviceRow {
            registration_id: id.into(),
            secret_hash: *secret_hash,
            platform,
            alias: None,
            mobile: None,
            created_ms: self.now_ms(),
            created_at: self.next_position(),
            sent: self.take_chain(),
            pushes: self.take_chain(),
        };
        self.put(&device_key(app, device), &row)?;
        self.put(&registration_id_key(app, id), &ByRegistrationId(device))?;
        self.change_chunk::<PlatformChunk>(&platform_chunk_key(app, platform, chunk_of(device)), |all| {
            all.insert(device)
        })?;
        self.mark_new(app, device, platform)?;
        Ok(Answer::Device { device, is_new: true })
    }

    fn change_device(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        change: impl FnOnce(&mut Self, DeviceRow) -> Decided<()>,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let Some(row) = find::device(self, app, device)? else { return Err(Refusal::DeviceUnknown.into()) };
        change(self, row)?;
        Ok(Answer::Done)
    }

    fn set_alias(&mut self, app: AppNumber, device: DeviceNumber, row: DeviceRow, alias: Option<&str>) -> Decided<()> {
        let alias = alias.filter(|alias| !alias.is_empty());
        self.check_alias(app, &row, alias)?;
        self.bind_alias(app, device, row, alias)?;
        Ok(())
    }

    pub(super) fn check_alias(&self, app: AppNumber, row: &DeviceRow, alias: Option<&str>) -> Decided<()> {
        let Some(alias) = alias.filter(|alias| row.alias.as_deref() != Some(alias)) else { return Ok(()) };
        let most = self.options.alias_devices_max as usize;
        let bound = self.keys(Table::Aliases, &alias_prefix(app, alias), most)?;
        if bound.len() < most { Ok(()) } else { Err(Refusal::AliasFull.into()) }
    }

    pub(super) fn bind_alias(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        row: DeviceRow,
        alias: Option<&str>,
    ) -> Result<(), ReadError> {
        if row.alias.as_deref() == alias {
            return Ok(());
        }
        if let Some(old) = &row.alias {
            self.remove(Table::Aliases, &alias_key(app, old, device))?;
        }
        if let Some(alias) = alias {
            self.put(&alias_key(app, alias, device), &AliasBinding)?;
        }
        self.put(&device_key(app, device), &DeviceRow { alias: alias.map(Into::into), ..row })
    }

    /// All or nothing: what can be refused comes before the first change.
    pub(super) fn update_device(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        mut row: DeviceRow,
        change: &DeviceChange,
    ) -> Decided<()> {
        let alias = change.alias.as_deref().map(|alias| Some(alias).filter(|alias| !alias.is_empty()));
        if let Some(alias) = alias {
            self.check_alias(app, &row, alias)?;
        }
        self.change_tags(app, device, change.clear_tags, &change.remove_tags, &change.add_tags)?;
        if let Some(mobile) = &change.mobile {
            row.mobile = Some(mobile.clone()).filter(|mobile| !mobile.is_empty());
            self.put(&device_key(app, device), &row)?;
        }
        if let Some(alias) = alias {
            self.bind_alias(app, device, row, alias)?;
        }
        Ok(())
    }
}
