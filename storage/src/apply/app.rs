//! Creating apps, their secrets, and their end.

use super::{Batch, Decided};
use crate::command::{AccessChange, AppCommand};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, ScheduleNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::outcome::{Answer, Refusal};
use crate::row;
use crate::rows::app::{App, AppCounters, ByAppKey, ByAppName, app_key, text_key};
use crate::rows::certificate::{PushCertificate, push_certificate_key};
use crate::rows::device::DeviceRow;
use crate::rows::group::Group;
use crate::rows::import::Waiting;
use crate::rows::room::Room;
use crate::rows::schedule::{ScheduleRow, due_key};
use crate::table::Table;
use crate::tables::Tables;

/// Rows that one slice of a deletion removes.
const SLICE_ROWS_MAX: usize = 1000;
/// Guests that one slice parts with: of each up to three rows.
const GUESTS_PARTED_MAX: usize = 300;

/// Everything that begins with the app's number, in the order in which it goes. The app's own row goes last; what waits
/// for its time in the tables of expiries, of slices and of follow-ups goes when that comes.
const APP_TABLES: [Table; 101] = [
    Table::Tokens,
    Table::Sessions,
    Table::GaveWay,
    Table::UserNames,
    Table::UserStates,
    Table::DepartedUsers,
    Table::UserChunks,
    Table::Ties,
    Table::Friends,
    Table::Shields,
    Table::Registration,
    Table::Words,
    Table::Users,
    Table::RegistrationIds,
    Table::Devices,
    Table::DeviceTraits,
    Table::TraitChunks,
    Table::TraitValues,
    Table::Segments,
    Table::DeviceTags,
    Table::Tags,
    Table::TagNames,
    Table::TagChunks,
    Table::PlatformChunks,
    Table::Aliases,
    Table::RetiredTags,
    Table::TestDevices,
    Table::DeveloperApps,
    Table::SingleChats,
    Table::Conversations,
    Table::Groups,
    Table::Members,
    Table::Announcements,
    Table::DissolvedGroups,
    Table::GroupAdmins,
    Table::GroupBans,
    Table::GroupChunks,
    Table::JoinRequests,
    Table::Nicknames,
    Table::RetiredRooms,
    Table::RoomChunks,
    Table::RoomMembers,
    Table::RoomRoles,
    Table::Rooms,
    Table::Silences,
    Table::UserRooms,
    Table::ChatCursors,
    Table::PushCursors,
    Table::PushStates,
    Table::PushTargets,
    Table::PushOrigins,
    Table::SlowPushes,
    Table::Reports,
    Table::Presence,
    Table::Uses,
    Table::PushCounts,
    Table::Broadcasts,
    Table::HourCounts,
    Table::HourSets,
    Table::MessageCallbacks,
    Table::FormerGroups,
    Table::FormerRooms,
    Table::WaitingDevices,
    Table::EventCallbacks,
    Table::AppEvents,
    Table::Dormant,
    Table::Cids,
    Table::Schedules,
    Table::OpenSchedules,
    Table::Firings,
    Table::ScheduleCids,
    Table::Files,
    Table::FileParts,
    Table::Media,
    Table::MediaBodies,
    Table::MediaMentions,
    Table::MediaIdle,
    Table::MediaThumbs,
    Table::MediaSpaces,
    Table::PushCertificates,
    Table::Access,
    Table::Amendments,
    Table::Copies,
    Table::Mirrors,
    Table::Guests,
    Table::Erasures,
    Table::Retention,
    Table::GuestNumbers,
    Table::Receipts,
    Table::ReceiptReaders,
    Table::ReceiptNews,
    Table::PushTokens,
    Table::TokenOwners,
    Table::TokenChunks,
    Table::Badges,
    Table::BridgeCursors,
    Table::PushStops,
    Table::Callbacks,
    Table::Followups,
    Table::Log,
    Table::Floors,
];

impl Batch<'_> {
    pub(super) fn app(&mut self, command: &AppCommand) -> Decided<Answer> {
        match command {
            AppCommand::Create { name, app_key, master_secret } => {
                self.create_app(name, app_key, master_secret).map(Answer::App)
            }
            AppCommand::RotateSecret { app, master_secret } => {
                let row = self.require_app(*app)?;
                self.put(&app_key(*app), &App { master_secret: master_secret.clone(), ..row })?;
                Ok(Answer::Done)
            }
            AppCommand::Delete { app } => self.delete_app(*app),
            AppCommand::ChangeAccess { app, change } => self.change_access(*app, change),
            AppCommand::Rename { app, name } => self.rename_app(*app, name),
            AppCommand::SetPushCertificate { app, production, certificate } => {
                self.set_push_certificate(*app, *production, certificate)
            }
            AppCommand::RemovePushCertificate { app, production } => {
                self.remove(Table::PushCertificates, &push_certificate_key(*app, *production))?;
                Ok(Answer::Done)
            }
        }
    }

    pub(super) fn create_app(&mut self, name: &str, key: &str, master_secret: &str) -> Decided<AppNumber> {
        if self.has(Table::AppNames, &text_key(name))? {
            return Err(Refusal::AppNameTaken.into());
        }
        if self.has(Table::AppKeys, &text_key(key))? {
            return Err(Refusal::AppKeyTaken.into());
        }
        let app = self.take_app();
        let row = App {
            name: name.into(),
            app_key: key.into(),
            master_secret: master_secret.into(),
            created_ms: self.now_ms(),
            broadcasts: self.take_chain(),
            is_deleted: false,
        };
        self.put(&app_key(app), &row)?;
        self.put(&text_key(name), &ByAppName(app))?;
        self.put(&text_key(key), &ByAppKey(app))?;
        self.put(&app_key(app), &AppCounters::first())?;
        Ok(app)
    }

    fn rename_app(&mut self, app: AppNumber, name: &str) -> Decided<Answer> {
        let row = self.require_app(app)?;
        if row.name == name {
            return Ok(Answer::Done);
        }
        if self.has(Table::AppNames, &text_key(name))? {
            return Err(Refusal::AppNameTaken.into());
        }
        self.remove(Table::AppNames, &text_key(&row.name))?;
        self.put(&text_key(name), &ByAppName(app))?;
        self.put(&app_key(app), &App { name: name.into(), ..row })?;
        Ok(Answer::Done)
    }

    fn change_access(&mut self, app: AppNumber, change: &AccessChange) -> Decided<Answer> {
        self.require_app(app)?;
        let mut access = find::access(self, app)?;
        match change {
            AccessChange::Blocked(is_blocked) => access.is_blocked = *is_blocked,
            AccessChange::Addresses(addresses) => access.addresses = addresses.clone(),
            AccessChange::Rate { family, per_minute } => {
                access.rates.retain(|(of, _)| of != family);
                access.rates.extend(per_minute.map(|calls| (*family, calls)));
                access.rates.sort_unstable();
            }
        }
        self.put(&app_key(app), &access)?;
        Ok(Answer::Done)
    }

    fn set_push_certificate(
        &mut self,
        app: AppNumber,
        production: bool,
        certificate: &PushCertificate,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let key = push_certificate_key(app, production);
        if self.row::<PushCertificate>(&key)?.is_some_and(|known| known.chain.first() == certificate.chain.first()) {
            return Err(Refusal::CertificateExists.into());
        }
        self.put(&key, &PushCertificate { added_ms: self.now_ms(), ..certificate.clone() })?;
        Ok(Answer::Done)
    }

    /// First true at once (a tombstone, no key, no name), then in slices.
    fn delete_app(&mut self, app: AppNumber) -> Decided<Answer> {
        let Some(row) = self.row::<App>(&app_key(app))? else { return Err(Refusal::AppUnknown.into()) };
        if !row.is_deleted {
            self.remove(Table::AppKeys, &text_key(&row.app_key))?;
            self.remove(Table::AppNames, &text_key(&row.name))?;
            self.forget_head(row.broadcasts)?;
            self.put(&app_key(app), &App { is_deleted: true, ..row })?;
            self.write_counts()?;
            return Ok(Answer::Continue);
        }
        // Other apps first: what is left here can hurt nobody.
        if self.part_app_mirrors(app)? > 0 || self.part_app_guests(app, GUESTS_PARTED_MAX)? > 0 {
            return Ok(Answer::Continue);
        }
        let mut left = SLICE_ROWS_MAX;
        for table in APP_TABLES {
            left -= self.delete_app_rows(app, table, left)?;
            if left == 0 {
                return Ok(Answer::Continue);
            }
        }
        self.remove(Table::AppCounters, &app_key(app))?;
        self.remove(Table::Apps, &app_key(app))?;
        Ok(Answer::Done)
    }

    fn delete_app_rows(&mut self, app: AppNumber, table: Table, limit: usize) -> Result<usize, ReadError> {
        let keys = self.keys(table, &Key::app(app), limit)?;
        for key in &keys {
            self.forget_chains_of(table, key)?;
            self.forget_due_of(table, key)?;
            self.remove_bytes(table, key)?;
        }
        Ok(keys.len())
    }

    /// Heads are kept by chain, not by app: each goes with the row that named its chain. A damaged row must not stand in
    /// the way of a deletion; its chain's head then stays behind, unused.
    fn forget_chains_of(&mut self, table: Table, key: &[u8]) -> Result<(), ReadError> {
        let chains: Option<Vec<ChainNumber>> = match table {
            Table::Devices => self
                .value(table, key, |value| row::decode::<DeviceRow>(key, value).ok())?
                .flatten()
                .map(|device| vec![device.sent, device.pushes]),
            Table::Groups => self
                .value(table, key, |value| row::decode::<Group>(key, value).ok())?
                .flatten()
                .map(|group| vec![group.chain]),
            Table::Rooms => self
                .value(table, key, |value| row::decode::<Room>(key, value).ok())?
                .flatten()
                .map(|room| vec![room.chain]),
            // The chain is the last part of the key; both sides of a single chat name it, which does no harm.
            Table::Conversations => u64_at(key, key.len() - 8).map(|chain| vec![ChainNumber(chain)]),
            _ => None,
        };
        for chain in chains.unwrap_or_default() {
            self.forget_head(chain)?;
        }
        Ok(())
    }

    /// The list of what is due is not kept by app: a schedule's place in it goes with the schedule. So does the end of a
    /// device's wait. One whose row is damaged keeps its place until it is due.
    fn forget_due_of(&mut self, table: Table, key: &[u8]) -> Result<(), ReadError> {
        if table == Table::WaitingDevices {
            let row = self.value(table, key, |value| row::decode::<Waiting>(key, value).ok())?.flatten();
            return row.map_or(Ok(()), |row| self.remove(Table::WaitsOver, &Key::empty().u64(row.until_ms).bytes(key)));
        }
        if table != Table::Schedules {
            return Ok(());
        }
        let row = self.value(table, key, |value| row::decode::<ScheduleRow>(key, value).ok())?.flatten();
        if let (Some(row), Some(app), Some(schedule)) = (row, u32_at(key, 0), u64_at(key, 4)) {
            self.remove(Table::DueSchedules, &due_key(row.due_ms, AppNumber(app), ScheduleNumber(schedule)))?;
        }
        Ok(())
    }

    /// The numbers that the app hands out next.
    pub(super) fn app_counters(&self, app: AppNumber) -> Result<AppCounters, ReadError> {
        find::required(self, app_key(app))
    }

    pub(super) fn put_app_counters(&mut self, app: AppNumber, counters: AppCounters) -> Result<(), ReadError> {
        self.put(&app_key(app), &counters)
    }
}
