//! Who was here, and whom pushes reached: noted in memory as it happens, told to the store in bulk now and then.
//!
//! What is noted are sets, so the store may be told again what it knows already. A crash loses the last seconds of it:
//! devices that come back are noted again, and a push is then counted as having reached fewer devices at once.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::Use;
use anser_storage::command::{Command, MarkCommand};
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::Refusal;
use roaring::RoaringBitmap;

use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::Ledger;
use crate::switchboard::Switchboard;

/// How much a crash may lose. Whatever comes within it costs the store one row per 4,096 devices.
const ROUND_EVERY: Duration = Duration::from_secs(15);
/// Presence is kept in pieces of ten minutes.
const PIECE_MS: TimeMs = 10 * 60 * 1000;
/// The store keeps sets of so many devices in one row, and takes one such set in one command.
const DEVICES_PER_CHUNK: u32 = 4096;
/// Sets of devices that a push reached, in one command.
const REACHED_PER_COMMAND: usize = 256;
/// Numbers in one command: 256 KiB.
const NUMBERS_PER_COMMAND: usize = 65_536;
/// Pushes between two rounds whose reach is remembered; beyond, it is not counted.
const PUSHES_MAX: usize = 65_536;
/// How long presence waits for a store that takes nothing; then the oldest is given up.
const WAITING_MS_MAX: TimeMs = 6 * 3600 * 1000;
/// How long it is remembered exactly when a device left, and of how many, about 2 MiB.
const LEFT_KEPT_MS: TimeMs = 2 * 24 * 3600 * 1000;
const LEFT_MAX: usize = 65_536;
const HOUR_MS: TimeMs = 3600 * 1000;
/// Devices whose last report of use is remembered, about 3 MiB.
const USE_REPORTS_MAX: usize = 65_536;

#[derive(Debug, Default)]
pub struct Attendance {
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    /// By piece of time.
    present: BTreeMap<(TimeMs, AppNumber), RoaringBitmap>,
    reached: BTreeMap<(AppNumber, Position), RoaringBitmap>,
    left: BTreeMap<(AppNumber, DeviceNumber), TimeMs>,
    /// By hour.
    active: BTreeMap<(TimeMs, AppNumber), RoaringBitmap>,
    /// Users, by hour.
    logged_in: BTreeMap<(TimeMs, AppNumber), RoaringBitmap>,
    used: BTreeMap<(TimeMs, AppNumber), BTreeMap<Platform, Use>>,
    /// The last report of each device about its use, and when it came: it may come again.
    use_reports: BTreeMap<(AppNumber, DeviceNumber), (u64, TimeMs)>,
    /// The last piece of time for which all connected devices were noted.
    newest_piece: TimeMs,
}

impl Attendance {
    pub fn arrive(&self, app: AppNumber, device: DeviceNumber, now_ms: TimeMs) {
        self.lock().present.entry((piece_of(now_ms), app)).or_default().insert(device.0);
    }

    /// The user logs in over a link.
    pub fn log_in(&self, app: AppNumber, user: UserNumber, now_ms: TimeMs) {
        self.lock().logged_in.entry((hour_of(now_ms), app)).or_default().insert(user.0);
    }

    pub fn leave(&self, app: AppNumber, device: DeviceNumber, now_ms: TimeMs) {
        let mut noted = self.lock();
        noted.present.entry((piece_of(now_ms), app)).or_default().insert(device.0);
        if noted.left.len() >= LEFT_MAX {
            forget_the_older_half(&mut noted.left, |left_ms| *left_ms);
        }
        noted.left.insert((app, device), now_ms);
    }

    /// When the device's last link ended, if that is remembered.
    pub fn left_at(&self, app: AppNumber, device: DeviceNumber) -> Option<TimeMs> {
        self.lock().left.get(&(app, device)).copied()
    }

    /// When a device that is not connected was last there, of what is remembered and what the store knows.
    pub fn last_seen(&self, app: AppNumber, device: DeviceNumber, stored: Option<TimeMs>) -> Option<TimeMs> {
        self.left_at(app, device).max(stored)
    }

    /// A device reports how its application was used. A report that comes again, because its answer was lost, counts once
    /// as long as it is remembered: for two days, and not over a restart.
    pub fn note_use(
        &self,
        app: AppNumber,
        device: DeviceNumber,
        platform: Platform,
        number: u64,
        used: Use,
        now_ms: TimeMs,
    ) {
        if used == Use::default() {
            return;
        }
        let mut noted = self.lock();
        if noted.use_reports.len() >= USE_REPORTS_MAX && !noted.use_reports.contains_key(&(app, device)) {
            forget_the_older_half(&mut noted.use_reports, |(_, came_ms)| *came_ms);
        }
        let before = noted.use_reports.insert((app, device), (number, now_ms));
        if before.is_some_and(|(known, _)| known == number) {
            return;
        }
        let hour_ms = hour_of(now_ms);
        noted.active.entry((hour_ms, app)).or_default().insert(device.0);
        let sum = noted.used.entry((hour_ms, app)).or_default().entry(platform).or_default();
        *sum = sum.plus(used);
    }

    /// The push went to these devices, which were connected.
    pub fn reach(&self, app: AppNumber, push: Position, devices: RoaringBitmap) {
        if devices.is_empty() {
            return;
        }
        let mut noted = self.lock();
        if noted.reached.len() < PUSHES_MAX || noted.reached.contains_key(&(app, push)) {
            *noted.reached.entry((app, push)).or_default() |= devices;
        }
    }

    #[cfg(test)]
    pub fn reached(&self, app: AppNumber, push: Position) -> RoaringBitmap {
        self.lock().reached.get(&(app, push)).cloned().unwrap_or_default()
    }

    /// Takes what the store is to be told, in commands of bounded size. Once in each piece of time that includes all who
    /// are connected.
    fn take(&self, switchboard: &Switchboard, now_ms: TimeMs) -> Vec<(AppNumber, MarkCommand)> {
        let piece = piece_of(now_ms);
        let is_new_piece = self.lock().newest_piece != piece;
        // Asked before our own lock is taken: the switchboard notes while it holds its lock.
        let (connected, logged_in) = match is_new_piece {
            true => (switchboard.connected(), switchboard.logged_in()),
            false => (BTreeMap::new(), BTreeMap::new()),
        };
        let mut noted = self.lock();
        noted.newest_piece = piece;
        for (app, devices) in connected {
            *noted.present.entry((piece, app)).or_default() |= devices;
        }
        for (app, users) in logged_in {
            *noted.logged_in.entry((hour_of(now_ms), app)).or_default() |= users;
        }
        noted.left.retain(|_, left_ms| *left_ms + LEFT_KEPT_MS > now_ms);
        noted.present.retain(|(seen_ms, _), _| *seen_ms + WAITING_MS_MAX > now_ms);
        noted.use_reports.retain(|_, (_, came_ms)| *came_ms + LEFT_KEPT_MS > now_ms);
        noted.active.retain(|(hour_ms, _), _| *hour_ms + HOUR_MS + WAITING_MS_MAX > now_ms);
        noted.logged_in.retain(|(hour_ms, _), _| *hour_ms + HOUR_MS + WAITING_MS_MAX > now_ms);
        noted.used.retain(|(hour_ms, _), _| *hour_ms + HOUR_MS + WAITING_MS_MAX > now_ms);
        let (present, reached) = (std::mem::take(&mut noted.present), std::mem::take(&mut noted.reached));
        let (active, used) = (std::mem::take(&mut noted.active), std::mem::take(&mut noted.used));
        let logged_in = std::mem::take(&mut noted.logged_in);
        drop(noted);
        let mut marks = Vec::new();
        for ((seen_ms, app), devices) in present {
            for devices in chunks(&devices) {
                marks.push((app, MarkCommand::Present { app, seen_ms, devices }));
            }
        }
        for ((seen_ms, app), devices) in active {
            for devices in chunks(&devices) {
                marks.push((app, MarkCommand::Active { app, seen_ms, devices }));
            }
        }
        for ((seen_ms, app), users) in logged_in {
            for users in chunks(&users) {
                let users = users.into_iter().map(|user| UserNumber(user.0)).collect();
                marks.push((app, MarkCommand::LoggedIn { app, seen_ms, users }));
            }
        }
        for ((at_ms, app), uses) in used {
            marks.push((app, MarkCommand::Used { app, at_ms, uses: uses.into_iter().collect() }));
        }
        marks.extend(reached_commands(reached));
        marks
    }

    /// The store did not take it: it is told again in the next round.
    fn put_back(&self, mark: MarkCommand) {
        let mut noted = self.lock();
        let numbers = |devices: Vec<DeviceNumber>| devices.into_iter().map(|device| device.0);
        match mark {
            MarkCommand::Present { app, seen_ms, devices } => {
                noted.present.entry((seen_ms, app)).or_default().extend(numbers(devices));
            }
            MarkCommand::Active { app, seen_ms, devices } => {
                noted.active.entry((seen_ms, app)).or_default().extend(numbers(devices));
            }
            MarkCommand::LoggedIn { app, seen_ms, users } => {
                noted.logged_in.entry((seen_ms, app)).or_default().extend(users.into_iter().map(|user| user.0));
            }
            MarkCommand::Used { app, at_ms, uses } => {
                let sums = noted.used.entry((at_ms, app)).or_default();
                for (platform, used) in uses {
                    let sum = sums.entry(platform).or_default();
                    *sum = sum.plus(used);
                }
            }
            MarkCommand::Reached { app, pushes } => {
                for (push, devices) in pushes {
                    noted.reached.entry((app, push)).or_default().extend(numbers(devices));
                }
            }
            // These are not noted here.
            MarkCommand::ChatCursor { .. }
            | MarkCommand::PushCursor { .. }
            | MarkCommand::Read { .. }
            | MarkCommand::ReadMessages { .. } => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Sets are whole after every step.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_the_older_half<K: Ord, V>(known: &mut BTreeMap<K, V>, time: impl Fn(&V) -> TimeMs) {
    let mut times: Vec<TimeMs> = known.values().map(&time).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    known.retain(|_, value| time(value) > median);
}

fn piece_of(at_ms: TimeMs) -> TimeMs {
    at_ms - at_ms % PIECE_MS
}

fn hour_of(at_ms: TimeMs) -> TimeMs {
    at_ms - at_ms % HOUR_MS
}

/// The devices, or users, in the store's chunks.
fn chunks(devices: &RoaringBitmap) -> Vec<Vec<DeviceNumber>> {
    let mut chunks: Vec<Vec<DeviceNumber>> = Vec::new();
    for device in devices {
        let chunk = device / DEVICES_PER_CHUNK;
        match chunks.last_mut().filter(|open| open.first().is_some_and(|first| first.0 / DEVICES_PER_CHUNK == chunk)) {
            Some(open) => open.push(DeviceNumber(device)),
            None => chunks.push(vec![DeviceNumber(device)]),
        }
    }
    chunks
}

fn reached_commands(reached: BTreeMap<(AppNumber, Position), RoaringBitmap>) -> Vec<(AppNumber, MarkCommand)> {
    let mut commands: Vec<(AppNumber, MarkCommand)> = Vec::new();
    let mut numbers = 0;
    for ((app, push), devices) in reached {
        for devices in chunks(&devices) {
            numbers += devices.len();
            match commands.last_mut() {
                Some((of, MarkCommand::Reached { pushes, .. }))
                    if *of == app && pushes.len() < REACHED_PER_COMMAND && numbers <= NUMBERS_PER_COMMAND =>
                {
                    pushes.push((push, devices));
                }
                _ => {
                    numbers = devices.len();
                    commands.push((app, MarkCommand::Reached { app, pushes: vec![(push, devices)] }));
                }
            }
        }
    }
    commands
}

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(ROUND_EVERY) => {}
        }
        round(&context.ledger, &context.switchboard, now_ms()).await;
    }
}

/// Tells the store what was noted since the last round.
pub async fn round(ledger: &Ledger, switchboard: &Switchboard, now_ms: TimeMs) {
    let mut has_failed = false;
    for (app, mark) in switchboard.attendance.take(switchboard, now_ms) {
        if has_failed {
            switchboard.attendance.put_back(mark);
            continue;
        }
        match ledger.submit(Command::Mark(mark.clone())).await {
            Ok(outcome) => match outcome.answer {
                // An app may have been deleted since.
                Ok(_) | Err(Refusal::AppUnknown) => {}
                Err(refusal) => {
                    log::error!(app_number = app.0; "the store refused what was noted of devices: {refusal:?}; this is a bug, please report it")
                }
            },
            Err(error) => {
                log::debug!("what was noted of devices waits for the next round: {error}");
                switchboard.attendance.put_back(mark);
                has_failed = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: AppNumber = AppNumber(1);
    const NOON: TimeMs = 1_700_000_000_000;

    fn taken(attendance: &Attendance, now_ms: TimeMs) -> Vec<MarkCommand> {
        attendance.take(&Switchboard::default(), now_ms).into_iter().map(|(_, mark)| mark).collect()
    }

    #[test]
    fn who_came_and_went_is_told_once_for_the_ten_minutes_in_which_it_was() {
        let attendance = Attendance::default();
        attendance.arrive(APP, DeviceNumber(7), NOON);
        attendance.leave(APP, DeviceNumber(7), NOON + 1);
        attendance.arrive(APP, DeviceNumber(4096), NOON + PIECE_MS);

        let present = |at_ms, device| MarkCommand::Present {
            app: APP,
            seen_ms: piece_of(at_ms),
            devices: vec![DeviceNumber(device)],
        };
        let expected = [present(NOON, 7), present(NOON + PIECE_MS, 4096)];
        assert_eq!(taken(&attendance, NOON + PIECE_MS), expected);
        assert_eq!(taken(&attendance, NOON + PIECE_MS), []);
    }

    #[test]
    fn what_the_store_did_not_take_is_told_again() {
        let attendance = Attendance::default();
        attendance.arrive(APP, DeviceNumber(7), NOON);
        attendance.reach(APP, Position(5), [7, 9].into());
        let first = taken(&attendance, NOON);
        assert_eq!(first.len(), 2);

        first.iter().cloned().for_each(|mark| attendance.put_back(mark));

        assert_eq!(taken(&attendance, NOON), first);
    }

    #[test]
    fn presence_does_not_wait_for_ever() {
        let attendance = Attendance::default();
        attendance.arrive(APP, DeviceNumber(7), NOON);
        assert_eq!(taken(&attendance, NOON + WAITING_MS_MAX), []);
    }

    #[test]
    fn a_report_of_use_that_comes_again_counts_once_and_sums_wait_for_the_store() {
        let attendance = Attendance::default();
        let hour_ms = NOON - NOON % HOUR_MS;
        let report = |device, platform, number, opens, seconds| {
            attendance.note_use(APP, DeviceNumber(device), platform, number, Use { opens, seconds }, hour_ms + 5);
        };
        report(7, Platform::IOS, 1, 1, 0);
        report(7, Platform::IOS, 1, 1, 0);
        report(7, Platform::IOS, 2, 0, 60);
        report(9, Platform::IOS, 2, 1, 5);
        report(8, Platform::WEB, 3, 0, 0);

        let marks = taken(&attendance, hour_ms + 6);
        let devices = vec![DeviceNumber(7), DeviceNumber(9)];
        let sum = |opens, seconds| MarkCommand::Used {
            app: APP,
            at_ms: hour_ms,
            uses: vec![(Platform::IOS, Use { opens, seconds })],
        };
        assert_eq!(marks, [MarkCommand::Active { app: APP, seen_ms: hour_ms, devices }, sum(2, 65)]);

        report(9, Platform::IOS, 4, 0, 10);
        marks.into_iter().for_each(|mark| attendance.put_back(mark));
        report(7, Platform::IOS, 2, 0, 60);
        assert_eq!(taken(&attendance, hour_ms + 7)[1], sum(2, 75));
    }

    #[test]
    fn of_too_many_devices_the_newest_reports_of_use_are_remembered() {
        let attendance = Attendance::default();
        let report = |device, now_ms| {
            let used = Use { opens: 1, seconds: 0 };
            attendance.note_use(APP, DeviceNumber(device), Platform::IOS, 1, used, now_ms);
        };
        let last = USE_REPORTS_MAX as u32;
        (0..=last).for_each(|device| report(device, NOON + u64::from(device)));
        assert!(attendance.lock().use_reports.len() <= USE_REPORTS_MAX);
        report(last, NOON + u64::from(last));
        let opens = attendance.lock().used.values().map(|uses| uses[&Platform::IOS].opens).sum::<u64>();
        assert_eq!(opens, u64::from(last) + 1);
    }

    #[test]
    fn commands_are_of_bounded_size() {
        let attendance = Attendance::default();
        for push in 0..600 {
            attendance.reach(APP, Position(push), [1].into());
        }
        attendance.reach(APP, Position(1000), (0..200_000).collect());

        let mut devices = 0;
        for mark in taken(&attendance, NOON) {
            let MarkCommand::Reached { pushes, .. } = mark else { panic!("{mark:?}") };
            assert!(pushes.len() <= REACHED_PER_COMMAND);
            let numbers: usize = pushes.iter().map(|(_, devices)| devices.len()).sum();
            assert!(numbers <= NUMBERS_PER_COMMAND);
            devices += numbers;
        }
        assert_eq!(devices, 600 + 200_000);
    }

    #[test]
    fn of_too_many_devices_that_left_the_newest_are_remembered() {
        let attendance = Attendance::default();
        let last = LEFT_MAX as u32;
        for device in 0..=last {
            attendance.leave(APP, DeviceNumber(device), NOON + u64::from(device));
        }
        assert_eq!(attendance.left_at(APP, DeviceNumber(0)), None);
        assert_eq!(attendance.left_at(APP, DeviceNumber(last)), Some(NOON + u64::from(last)));
        assert!(attendance.lock().left.len() <= LEFT_MAX);
    }

    #[test]
    fn a_push_that_reached_nobody_takes_no_place() {
        let attendance = Attendance::default();
        attendance.reach(APP, Position(5), RoaringBitmap::new());
        assert_eq!(taken(&attendance, NOON), []);
    }
}
