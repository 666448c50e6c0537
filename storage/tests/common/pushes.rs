//! Short words for what tests do with pushes.

use anser_protocol::content::{Notification, Platform, PushContent};
use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::ids::DeviceNumber;
use anser_storage::outcome::{Answer, Route};

use super::World;

pub const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub fn alert(text: &str) -> PushContent {
    let notification = Notification { alert: text.into(), ..Notification::default() };
    PushContent { notification: Some(notification), ..PushContent::default() }
}

pub fn selected(change: impl FnOnce(&mut Selection)) -> Audience {
    let mut selection = Selection::default();
    change(&mut selection);
    Audience::Selected(selection)
}

pub fn named(ids: &[&str]) -> Audience {
    selected(|selection| selection.registration_id = strings(ids))
}

pub fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).into()).collect()
}

/// The devices of each release, in order.
pub fn released(outcome: &anser_storage::outcome::Outcome) -> Vec<Vec<u32>> {
    let devices = outcome.appended.iter().map(|appended| match &appended.route {
        Route::Devices { devices, .. } => devices.iter().map(|device| device.0).collect(),
        Route::Broadcast { devices, .. } | Route::Withdrawn { devices, .. } => devices.iter().collect(),
        other => panic!("{other:?}"),
    });
    devices.collect()
}

impl World {
    /// A push of a day to Android devices.
    pub fn submission(&self, audience: Audience) -> Submit {
        Submit {
            app: self.app,
            contents: vec![(Platform::ANDROID, alert("news"))],
            audience,
            time_to_live_s: 86_400,
            sendno: "7".into(),
            connected: Vec::new(),
            cid: None,
            only_repeats: false,
            broadcasts: None,
            validate_only: false,
            group_push: None,
            bridged: Vec::new(),
            only_test_devices: false,
            spread_s: 0,
            replaces: None,
            kept: String::new(),
            callback: None,
            sms: None,
        }
    }

    pub fn push(&mut self, audience: Audience) -> Position {
        self.push_as(audience, |_| {}).0
    }

    /// The push's id, and the number of its targets.
    pub fn push_as(&mut self, audience: Audience, change: impl FnOnce(&mut Submit)) -> (Position, u64) {
        match self.answer(self.submit(audience, change)) {
            Answer::Pushed { msg_id, targets, .. } => (msg_id, targets),
            other => panic!("{other:?}"),
        }
    }

    pub fn submit(&self, audience: Audience, change: impl FnOnce(&mut Submit)) -> Command {
        let mut submit = self.submission(audience);
        change(&mut submit);
        Command::Push(PushCommand::Submit(Box::new(submit)))
    }

    pub fn tag(&mut self, device: DeviceNumber, tags: &[&str]) {
        let tags = strings(tags);
        self.answer(Command::Device(DeviceCommand::SetTags { app: self.app, device, tags }));
    }

    pub fn alias(&mut self, device: DeviceNumber, alias: &str) {
        let alias = Some(alias.into());
        self.answer(Command::Device(DeviceCommand::SetAlias { app: self.app, device, alias }));
    }

    /// The ids of what waits for an Android device.
    pub fn waiting(&self, device: DeviceNumber, since: Position, limit: usize) -> Vec<Position> {
        let pending = self.read().pending_pushes(self.app, device, Platform::ANDROID, since, self.now_ms, limit);
        pending.expect("nothing is damaged").iter().map(|pending| pending.push.msg_id).collect()
    }

    pub fn received(&mut self, device: DeviceNumber, pushes: &[Position]) {
        let pushes = pushes.to_vec();
        self.answer(Command::Push(PushCommand::Received { app: self.app, device, pushes }));
    }

    pub fn clicked(&mut self, device: DeviceNumber, pushes: &[Position]) {
        let pushes = pushes.to_vec();
        self.answer(Command::Push(PushCommand::Clicked { app: self.app, device, pushes }));
    }

    pub fn withdraw(&self, push: Position) -> Command {
        Command::Push(PushCommand::Withdraw { app: self.app, push })
    }

    /// Releases the slices that are due, one after the other; the devices of each release.
    pub fn release_due(&mut self) -> Vec<Vec<u32>> {
        let mut devices = Vec::new();
        loop {
            let due = self.read().due_slices(self.now_ms, 1).expect("nothing is damaged");
            let Some(due) = due.first() else { return devices };
            let (app, push, due_ms) = (due.app, due.push, due.due_ms);
            let connected = vec![DeviceNumber(0), DeviceNumber(2)];
            let command = PushCommand::ReleaseSlice { app, push, due_ms, connected };
            devices.extend(released(&self.apply(Command::Push(command))));
        }
    }

    /// Removes all that is due.
    pub fn expire(&mut self) {
        while self.answer(Command::System(SystemCommand::Expire)) == Answer::Continue {}
    }
}
