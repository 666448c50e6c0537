//! Who is connected here, and who gets what was appended.
//!
//! Devices and users are looked up by app and number, so nothing crosses from one app to another. Records come in position
//! order from one thread and go into the mailboxes of the sessions that they concern; a mailbox that is full tells its
//! session to read the log instead. Nothing here waits for a link, and the store never waits for what happens here.

mod rooms;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anser_protocol::error::ErrorCode;
use anser_protocol::frame::people::ProfileChanged;
use anser_protocol::frame::talk::CommandCame;
use anser_protocol::ids::RoomId;
use anser_protocol::planted::{Fault, is_planted};
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::{Appended, RoomNews, Route};
use roaring::RoaringBitmap;

use self::rooms::Rooms;
use crate::attendance::Attendance;
use crate::bridge::chat::Sleepers;
use crate::link::mailbox::{Delivery, Mailbox, Passing};
use crate::link::query::CommandReceivers;
use crate::link::session::{Input, Recipient};

/// Records that may wait for the switchboard's thread. Beyond, every session is told to read the log.
const WAITING_MAX: usize = 65_536;
/// Devices that are looked at under one lock.
const SLICE: usize = 16_384;

#[derive(Debug, Default)]
pub struct Switchboard {
    connected: Mutex<Connected>,
    copies: AtomicUsize,
    /// What is to be told to the store about who was here.
    pub attendance: Attendance,
    /// Whom a bridge may wake for what they missed.
    pub sleepers: Sleepers,
}

#[derive(Debug, Default)]
struct Connected {
    /// Each with the number of its link.
    devices: BTreeMap<(AppNumber, DeviceNumber), (u64, Arc<Mailbox>)>,
    /// Of these, the ones that want no pushes: to pushes, and to whoever asks who is here, they are away.
    without_pushes: BTreeSet<(AppNumber, DeviceNumber)>,
    /// A user may be logged in on several devices.
    users: BTreeMap<(AppNumber, UserNumber), Vec<Arc<Mailbox>>>,
    rooms: Rooms,
}

impl Connected {
    fn takes_pushes(&self, app: AppNumber, device: DeviceNumber) -> bool {
        self.without_pushes.is_empty() || !self.without_pushes.contains(&(app, device))
    }

    /// The link that a push to this device goes to.
    fn push_mailbox(&self, app: AppNumber, device: DeviceNumber) -> Option<&Arc<Mailbox>> {
        let (_, mailbox) = self.devices.get(&(app, device))?;
        self.takes_pushes(app, device).then_some(mailbox)
    }

    fn holds(&self, app: AppNumber, device: DeviceNumber, mailbox: &Arc<Mailbox>) -> bool {
        self.devices.get(&(app, device)).is_some_and(|(_, known)| Arc::ptr_eq(known, mailbox))
    }
}

impl Switchboard {
    /// From now on this device's pushes come to `mailbox`; an older link of the same device is told to go. `link` counts
    /// links as they were opened: of a device that changed its link, the hello of the abandoned one may be read last.
    pub fn attach_device(&self, app: AppNumber, device: DeviceNumber, link: u64, mailbox: &Arc<Mailbox>) {
        self.attach(app, device, link, mailbox, |connected| {
            connected.without_pushes.remove(&(app, device));
        });
    }

    /// The same for a device that wants no pushes: a newer link still ends an older one.
    pub fn attach_without_pushes(&self, app: AppNumber, device: DeviceNumber, link: u64, mailbox: &Arc<Mailbox>) {
        self.attach(app, device, link, mailbox, |connected| {
            connected.without_pushes.insert((app, device));
        });
    }

    fn attach(
        &self,
        app: AppNumber,
        device: DeviceNumber,
        link: u64,
        mailbox: &Arc<Mailbox>,
        and: impl FnOnce(&mut Connected),
    ) {
        let mut connected = self.lock();
        if connected.devices.get(&(app, device)).is_some_and(|(newest, _)| *newest > link) {
            mailbox.put_input(Input::Replaced);
            return;
        }
        let older = connected.devices.insert((app, device), (link, Arc::clone(mailbox)));
        if let Some((_, older)) = older
            && !Arc::ptr_eq(&older, mailbox)
        {
            older.put_input(Input::Replaced);
        }
        and(&mut connected);
    }

    /// The device's link stays, but no pushes come to it.
    pub fn stop_pushes(&self, app: AppNumber, device: DeviceNumber, mailbox: &Arc<Mailbox>) {
        let mut connected = self.lock();
        if connected.holds(app, device, mailbox) {
            connected.without_pushes.insert((app, device));
        }
    }

    pub fn resume_pushes(&self, app: AppNumber, device: DeviceNumber, mailbox: &Arc<Mailbox>) {
        let mut connected = self.lock();
        if connected.holds(app, device, mailbox) {
            connected.without_pushes.remove(&(app, device));
        }
    }

    pub fn detach_device(&self, app: AppNumber, device: DeviceNumber, mailbox: &Arc<Mailbox>) {
        let mut connected = self.lock();
        if connected.holds(app, device, mailbox) {
            connected.devices.remove(&(app, device));
            connected.without_pushes.remove(&(app, device));
        }
    }

    pub fn attach_user(&self, app: AppNumber, user: UserNumber, mailbox: &Arc<Mailbox>) {
        let mut connected = self.lock();
        let sessions = connected.users.entry((wall(app), user)).or_default();
        if !sessions.iter().any(|known| Arc::ptr_eq(known, mailbox)) {
            sessions.reserve_exact(1);
            sessions.push(Arc::clone(mailbox));
        }
    }

    pub fn detach_user(&self, app: AppNumber, user: UserNumber, mailbox: &Arc<Mailbox>) {
        let mut connected = self.lock();
        if let Some(sessions) = connected.users.get_mut(&(wall(app), user)) {
            sessions.retain(|known| !Arc::ptr_eq(known, mailbox));
            if sessions.is_empty() {
                connected.users.remove(&(wall(app), user));
            }
        }
    }

    /// From now on what happens in the room comes to `mailbox`.
    pub fn enter_room(&self, app: AppNumber, room: RoomId, mailbox: &Arc<Mailbox>) {
        self.lock().rooms.enter(app, room, mailbox);
    }

    /// How many links are inside.
    pub fn inside_room(&self, app: AppNumber, room: RoomId) -> usize {
        self.lock().rooms.count(app, room)
    }

    pub fn leave_rooms(&self, app: AppNumber, rooms: impl IntoIterator<Item = RoomId>, mailbox: &Arc<Mailbox>) {
        let mut connected = self.lock();
        rooms.into_iter().for_each(|room| connected.rooms.leave(app, room, mailbox));
    }

    /// The devices of an app that hold a link now and take pushes.
    pub fn connected_devices(&self, app: AppNumber) -> Vec<DeviceNumber> {
        let everything = (app, DeviceNumber(0))..=(app, DeviceNumber(u32::MAX));
        let connected = self.lock();
        let devices = connected.devices.range(everything).map(|((_, device), _)| *device);
        devices.filter(|device| connected.takes_pushes(app, *device)).collect()
    }

    /// The same for all apps.
    pub fn connected(&self) -> BTreeMap<AppNumber, RoaringBitmap> {
        let mut found = BTreeMap::<AppNumber, RoaringBitmap>::new();
        let mut from = Bound::Unbounded;
        loop {
            // In slices, so that deliveries do not wait for a million devices.
            let connected = self.lock();
            let slice = connected.devices.range((from, Bound::Unbounded)).take(SLICE).map(|(key, _)| *key);
            let mut last = None;
            for (app, device) in slice {
                if connected.takes_pushes(app, device) {
                    found.entry(app).or_default().insert(device.0);
                }
                last = Some((app, device));
            }
            match last {
                Some(last) => from = Bound::Excluded(last),
                None => return found,
            }
        }
    }

    /// The users of all apps who are logged in over a link.
    pub fn logged_in(&self) -> BTreeMap<AppNumber, RoaringBitmap> {
        let mut found = BTreeMap::<AppNumber, RoaringBitmap>::new();
        let mut from = Bound::Unbounded;
        loop {
            let connected = self.lock();
            let mut last = None;
            for (app, user) in connected.users.range((from, Bound::Unbounded)).take(SLICE).map(|(key, _)| *key) {
                found.entry(app).or_default().insert(user.0);
                last = Some((app, user));
            }
            match last {
                Some(last) => from = Bound::Excluded(last),
                None => return found,
            }
        }
    }

    /// Does the device hold a link, and take pushes?
    pub fn is_connected(&self, app: AppNumber, device: DeviceNumber) -> bool {
        self.lock().push_mailbox(app, device).is_some()
    }

    /// Also one that wants no pushes.
    pub fn holds_link(&self, app: AppNumber, device: DeviceNumber) -> bool {
        self.lock().devices.contains_key(&(app, device))
    }

    /// How many devices hold a link, and how many users are logged in.
    pub fn counts(&self) -> (usize, usize) {
        let connected = self.lock();
        (connected.devices.len(), connected.users.len())
    }

    /// Hands records, in position order, to the sessions that they concern.
    pub fn deliver(&self, records: impl IntoIterator<Item = Appended>) {
        let connected = self.lock();
        for appended in records {
            self.deliver_one(&connected, &Arc::new(appended));
        }
    }

    fn deliver_one(&self, connected: &Connected, appended: &Arc<Appended>) {
        let app = appended.app;
        match &appended.route {
            Route::Single { from, to, .. } => {
                self.deliver_to_user(connected, app, *to, appended);
                if from != to {
                    self.deliver_to_user(connected, app, *from, appended);
                }
            }
            Route::Notice { user, .. } | Route::Read { user, .. } | Route::Receipts { user, .. } => {
                self.deliver_to_user(connected, app, *user, appended);
            }
            Route::Group { members, .. } => {
                for member in members.iter() {
                    self.deliver_to_user(connected, app, *member, appended);
                }
            }
            Route::Devices { push, devices } => {
                let mut reached = RoaringBitmap::new();
                for device in devices {
                    if let Some(mailbox) = connected.push_mailbox(app, *device) {
                        self.put(mailbox, Recipient::Device, appended);
                        reached.insert(device.0);
                    }
                }
                self.attendance.reach(app, push.msg_id, reached);
            }
            Route::Room { room, news } => self.deliver_to_room(connected, app, *room, news, appended),
            Route::Withdrawn { devices, .. } => {
                let everything = (app, DeviceNumber(0))..=(app, DeviceNumber(u32::MAX));
                for ((_, device), (_, mailbox)) in connected.devices.range(everything) {
                    if devices.contains(device.0) && connected.takes_pushes(app, *device) {
                        self.put(mailbox, Recipient::Device, appended);
                    }
                }
            }
            Route::Broadcast { push, devices } => {
                let everything = (app, DeviceNumber(0))..=(app, DeviceNumber(u32::MAX));
                let mut reached = RoaringBitmap::new();
                for ((_, device), (_, mailbox)) in connected.devices.range(everything) {
                    if devices.contains(device.0) && connected.takes_pushes(app, *device) {
                        self.put(mailbox, Recipient::Device, appended);
                        reached.insert(device.0);
                    }
                }
                self.attendance.reach(app, push.msg_id, reached);
            }
        }
    }

    fn deliver_to_room(
        &self,
        connected: &Connected,
        app: AppNumber,
        room: RoomId,
        news: &RoomNews,
        appended: &Arc<Appended>,
    ) {
        match news {
            RoomNews::Said { .. } | RoomNews::Event(_) | RoomNews::Deleted => {
                for mailbox in connected.rooms.inside(app, room) {
                    self.put(mailbox, Recipient::Room, appended);
                }
            }
            // Whoever is away is not woken, and finds it so when they come.
            RoomNews::Added(users) | RoomNews::Left(users) | RoomNews::Blocked(users) => {
                for user in users {
                    for mailbox in connected.users.get(&(wall(app), *user)).into_iter().flatten() {
                        self.put(mailbox, Recipient::User(*user), appended);
                    }
                }
            }
        }
    }

    fn deliver_to_user(&self, connected: &Connected, app: AppNumber, user: UserNumber, appended: &Arc<Appended>) {
        let Some(sessions) = connected.users.get(&(wall(app), user)) else {
            return self.sleepers.note(user, appended);
        };
        for mailbox in sessions {
            self.put(mailbox, Recipient::User(user), appended);
        }
    }

    fn put(&self, mailbox: &Arc<Mailbox>, recipient: Recipient, appended: &Arc<Appended>) {
        let copy = self.copies.fetch_add(1, Ordering::Relaxed);
        if is_planted(Fault::LostLiveCopy) && copy % 17 == 16 {
            return;
        }
        mailbox.put_delivery(Delivery { recipient, appended: Arc::clone(appended) });
    }

    /// Hands a transparent command to the links of its receivers, but not to the one that it came from. How many took it.
    pub fn pass_command(
        &self,
        app: AppNumber,
        receivers: &CommandReceivers,
        from: &Arc<Mailbox>,
        came: &Arc<CommandCame>,
    ) -> usize {
        let came = Passing::Command(Arc::clone(came));
        let connected = self.lock();
        let sessions = |user: &UserNumber| connected.users.get(&(wall(app), *user)).into_iter().flatten();
        let take = |user: &UserNumber, mailbox: &Arc<Mailbox>| {
            !Arc::ptr_eq(mailbox, from) && mailbox.put_passing(*user, &came)
        };
        match receivers {
            CommandReceivers::Users(users) => {
                users.iter().map(|user| sessions(user).filter(|mailbox| take(user, mailbox)).count()).sum()
            }
            // The session has made them users of their app.
            CommandReceivers::Elsewhere(_) => 0,
            CommandReceivers::Devices(user, devices) => {
                let is_meant =
                    |mailbox: &Arc<Mailbox>| devices.iter().any(|device| connected.holds(app, *device, mailbox));
                if is_planted(Fault::CommandComesBack) {
                    return sessions(user).filter(|mailbox| mailbox.put_passing(*user, &came)).count();
                }
                sessions(user).filter(|mailbox| is_meant(mailbox) && take(user, mailbox)).count()
            }
        }
    }

    /// Tells those of the users who are connected, and not short of room, that somebody's profile changed.
    pub fn tell_profile(
        &self,
        app: AppNumber,
        users: impl IntoIterator<Item = UserNumber>,
        changed: &Arc<ProfileChanged>,
    ) {
        let changed = Passing::ProfileChanged(Arc::clone(changed));
        let connected = self.lock();
        for user in users {
            for mailbox in connected.users.get(&(wall(app), user)).into_iter().flatten() {
                mailbox.put_passing(user, &changed);
            }
        }
    }

    fn miss_all(&self) {
        for (_, mailbox) in self.lock().devices.values() {
            mailbox.miss_all();
        }
    }

    /// Ends the links of an app that was deleted.
    pub fn end_app(&self, app: AppNumber) {
        let everything = (app, DeviceNumber(0))..=(app, DeviceNumber(u32::MAX));
        for (_, (_, mailbox)) in self.lock().devices.range(everything) {
            mailbox.put_input(Input::AppDeleted);
        }
    }

    /// Ends the links on which this user is logged in.
    pub fn end_user(&self, app: AppNumber, user: UserNumber, code: ErrorCode) {
        for mailbox in self.lock().users.get(&(wall(app), user)).into_iter().flatten() {
            mailbox.put_input(Input::UserEnded { user, code });
        }
    }

    /// The same on these devices only.
    pub fn end_on(&self, app: AppNumber, user: UserNumber, code: ErrorCode, devices: &[DeviceNumber]) {
        let connected = self.lock();
        for device in devices {
            if let Some((_, mailbox)) = connected.devices.get(&(app, *device)) {
                mailbox.put_input(Input::UserEnded { user, code });
            }
        }
    }

    /// The same but for the link whose mailbox this is.
    pub fn end_others(&self, app: AppNumber, user: UserNumber, code: ErrorCode, kept: &Arc<Mailbox>) {
        let connected = self.lock();
        let others = connected.users.get(&(wall(app), user)).into_iter().flatten();
        for mailbox in others.filter(|mailbox| !Arc::ptr_eq(mailbox, kept)) {
            mailbox.put_input(Input::UserEnded { user, code });
        }
    }

    /// Is the user logged in on the device's link?
    pub fn is_user_online(&self, app: AppNumber, user: UserNumber, device: DeviceNumber) -> bool {
        let connected = self.lock();
        let sessions = connected.users.get(&(wall(app), user));
        sessions.is_some_and(|sessions| sessions.iter().any(|mailbox| connected.holds(app, device, mailbox)))
    }

    /// Tells every link to go away and come back later.
    pub fn drain(&self, retry_after_ms: u32) {
        for (_, mailbox) in self.lock().devices.values() {
            mailbox.put_input(Input::Draining { retry_after_ms });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connected> {
        // A panic between two steps of a change here would leave at most a session that is not found.
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The app as part of a key.
fn wall(app: AppNumber) -> AppNumber {
    if is_planted(Fault::WallForgotten) { AppNumber(0) } else { app }
}

/// Hands records from the store's writer to a thread of their own, so that the writer never waits for a fan-out.
#[derive(Clone)]
pub struct Dispatcher(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    records: Vec<Appended>,
    has_overflowed: bool,
    is_stopped: bool,
}

impl Dispatcher {
    pub fn start(switchboard: Arc<Switchboard>) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let taken_from = Arc::clone(&queue);
        std::thread::Builder::new().name("switchboard".into()).spawn(move || taken_from.hand_out(&switchboard))?;
        Ok(Self(queue))
    }

    /// Called by the writer after each commit, in position order.
    pub fn hand_over(&self, appended: &[Appended]) {
        let mut waiting = self.0.lock();
        if waiting.records.len() + appended.len() > WAITING_MAX {
            waiting.records.clear();
            waiting.has_overflowed = true;
        } else {
            waiting.records.extend_from_slice(appended);
        }
        self.0.arrived.notify_one();
    }

    pub fn stop(&self) {
        self.0.lock().is_stopped = true;
        self.0.arrived.notify_one();
    }
}

impl Queue {
    fn hand_out(&self, switchboard: &Switchboard) {
        loop {
            let mut waiting = self.lock();
            while waiting.records.is_empty() && !waiting.has_overflowed && !waiting.is_stopped {
                waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            if waiting.is_stopped && waiting.records.is_empty() {
                return;
            }
            let has_overflowed = std::mem::take(&mut waiting.has_overflowed);
            let records = std::mem::take(&mut waiting.records);
            drop(waiting);
            if has_overflowed {
                log::warn!(
                    "the switchboard could not keep up, so every link reads the log; nothing is lost, but if it repeats this host has too few cores"
                );
                switchboard.miss_all();
            }
            switchboard.deliver(records);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::mailbox::Item;
    use anser_protocol::content::Content;
    use anser_protocol::ids::Position;
    use anser_storage::ids::ChainNumber;
    use anser_storage::outcome::{Message, MessageBody, Push};

    const APP: AppNumber = AppNumber(1);
    const ALICE: UserNumber = UserNumber(1);
    const BOB: UserNumber = UserNumber(2);

    fn message(app: AppNumber, position: u64) -> Appended {
        let body = MessageBody::Content(Content::text("hi"));
        Appended {
            app,
            position: Position(position),
            at_ms: 0,
            route: Route::Single {
                chain: ChainNumber(1),
                from: ALICE,
                from_name: "alice".into(),
                to: BOB,
                to_name: "bob".into(),
                message: Arc::new(Message { seq: 1, body, sent_by: None }),
            },
        }
    }

    fn received(mailbox: &Mailbox) -> Vec<u64> {
        let mut positions = Vec::new();
        while let Some(Item::Delivery(delivery)) = mailbox.take(true, None) {
            positions.push(delivery.appended.position.0);
        }
        positions
    }

    #[test]
    fn a_single_message_reaches_every_session_of_both_users_and_nobody_in_another_app() {
        let switchboard = Switchboard::default();
        let [alice, bob, bobs_tablet, stranger] = std::array::from_fn(|_| Arc::new(Mailbox::default()));
        switchboard.attach_user(APP, ALICE, &alice);
        switchboard.attach_user(APP, BOB, &bob);
        switchboard.attach_user(APP, BOB, &bobs_tablet);
        switchboard.attach_user(AppNumber(2), BOB, &stranger);

        switchboard.deliver([message(APP, 7), message(APP, 9)]);

        for mailbox in [&alice, &bob, &bobs_tablet] {
            assert_eq!(received(mailbox), [7, 9]);
        }
        assert_eq!(received(&stranger), [0u64; 0]);
    }

    #[test]
    fn a_session_that_does_not_take_its_records_is_told_that_it_missed_some() {
        let switchboard = Switchboard::default();
        let bob = Arc::new(Mailbox::default());
        switchboard.attach_user(APP, BOB, &bob);

        switchboard.deliver((1..=65).map(|position| message(APP, position)));

        let Some(Item::Input(Input::Missed(missed))) = bob.take(true, None) else { panic!("nothing was missed") };
        assert!(missed.chats && !missed.pushes);
        assert_eq!(received(&bob), [0u64; 0], "what was dropped is read from the log");
    }

    #[test]
    fn a_push_is_noted_as_having_reached_those_who_are_connected() {
        let switchboard = Switchboard::default();
        let mailbox = Arc::new(Mailbox::default());
        switchboard.attach_device(APP, DeviceNumber(1), 1, &mailbox);
        switchboard.attach_device(AppNumber(2), DeviceNumber(2), 2, &mailbox);
        let push = Arc::new(Push { msg_id: Position(5), expires_ms: 9, contents: Vec::new(), replaces: None });
        let targets = [0, 1, 2].map(DeviceNumber);
        let to_each = targets.map(|device| Route::Devices { push: push.clone(), devices: vec![device] });
        let to_all = Route::Broadcast { push: push.clone(), devices: Arc::new((0..3).collect()) };

        for route in to_each.into_iter().chain([to_all]) {
            switchboard.deliver([Appended { app: APP, position: Position(6), at_ms: 0, route }]);
        }

        assert_eq!(switchboard.attendance.reached(APP, Position(5)), RoaringBitmap::from([1]));
        assert_eq!(switchboard.connected()[&APP], RoaringBitmap::from([1]));
    }

    #[test]
    fn a_device_that_stopped_its_pushes_keeps_its_link_and_counts_as_away() {
        let switchboard = Switchboard::default();
        let [mailbox, other, newer] = std::array::from_fn(|_| Arc::new(Mailbox::default()));
        let device = DeviceNumber(1);
        switchboard.attach_device(APP, device, 1, &mailbox);
        switchboard.attach_device(APP, DeviceNumber(2), 2, &other);
        let push = Arc::new(Push { msg_id: Position(5), expires_ms: 9, contents: Vec::new(), replaces: None });
        let push_to_both = |position| {
            let to_one = Route::Devices { push: push.clone(), devices: vec![device] };
            let to_all = Route::Broadcast { push: push.clone(), devices: Arc::new((0..3).collect()) };
            let routes = [to_one, to_all].into_iter().zip(position..);
            switchboard.deliver(routes.map(|(route, at)| Appended {
                app: APP,
                position: Position(at),
                at_ms: 0,
                route,
            }));
        };

        switchboard.stop_pushes(APP, device, &mailbox);
        push_to_both(10);
        assert_eq!((received(&mailbox), received(&other)), (vec![], vec![11]));
        assert_eq!(switchboard.attendance.reached(APP, Position(5)), RoaringBitmap::from([2]));
        assert_eq!(switchboard.connected_devices(APP), [DeviceNumber(2)]);
        assert_eq!(switchboard.connected()[&APP], RoaringBitmap::from([2]));
        assert!(!switchboard.is_connected(APP, device) && switchboard.is_connected(APP, DeviceNumber(2)));

        switchboard.resume_pushes(APP, device, &mailbox);
        push_to_both(20);
        assert_eq!(received(&mailbox), [20, 21]);

        switchboard.attach_without_pushes(APP, device, 3, &newer);
        assert!(matches!(mailbox.take(true, None), Some(Item::Input(Input::Replaced))));
        switchboard.resume_pushes(APP, device, &mailbox);
        assert!(!switchboard.is_connected(APP, device), "an older link has no say any more");
        switchboard.detach_device(APP, device, &newer);
        switchboard.attach_device(APP, device, 4, &newer);
        assert!(switchboard.is_connected(APP, device), "a new link without the wish takes pushes");
    }

    #[test]
    fn all_who_are_connected_are_found_in_slices() {
        let switchboard = Switchboard::default();
        let mailbox = Arc::new(Mailbox::default());
        let count = SLICE as u32 + 7;
        for device in 0..count {
            switchboard.attach_device(APP, DeviceNumber(device), u64::from(device), &mailbox);
        }
        assert_eq!(switchboard.connected()[&APP], (0..count).collect::<RoaringBitmap>());
    }

    #[test]
    fn a_newer_link_of_a_device_ends_the_older_one() {
        let switchboard = Switchboard::default();
        let (older, newer) = (Arc::new(Mailbox::default()), Arc::new(Mailbox::default()));
        switchboard.attach_device(APP, DeviceNumber(0), 1, &older);
        switchboard.attach_device(APP, DeviceNumber(0), 2, &newer);
        switchboard.detach_device(APP, DeviceNumber(0), &older);

        assert!(matches!(older.take(true, None), Some(Item::Input(Input::Replaced))));
        assert_eq!(switchboard.connected_devices(APP), [DeviceNumber(0)]);
    }

    #[test]
    fn an_older_link_of_a_device_that_says_hello_late_does_not_end_the_newer_one() {
        let switchboard = Switchboard::default();
        let (older, newer) = (Arc::new(Mailbox::default()), Arc::new(Mailbox::default()));
        switchboard.attach_device(APP, DeviceNumber(0), 2, &newer);
        switchboard.attach_device(APP, DeviceNumber(0), 1, &older);
        switchboard.detach_device(APP, DeviceNumber(0), &older);

        assert!(matches!(older.take(true, None), Some(Item::Input(Input::Replaced))));
        assert!(newer.take(true, None).is_none());
        assert_eq!(switchboard.connected_devices(APP), [DeviceNumber(0)]);
    }
}
