//! Accepting a push: its audience is fixed, its payload kept, and it is released to its devices.

use std::sync::Arc;

use anser_protocol::content::{Platform, PushContent};
use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::{Position, TimeMs};
use anser_protocol::planted::{Fault, is_planted};
use roaring::RoaringBitmap;

use super::audience::Targets;
use super::followup::is_released_to_all;
use super::{Batch, Decided};
use crate::command::{BroadcastLimit, Class, PushCommand, Reported, Submit};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber};
use crate::outcome::{Answer, Push, Refusal, Route};
use crate::rows::app::app_key;
use crate::rows::bridge::Channel;
use crate::rows::device::{DeviceRow, device_key};
use crate::rows::push::{
    Broadcasts, Cid, Expiry, PlatformTargets, PushState, PushTargets, Report, cid_key, expiry_key, push_key,
};
use crate::rows::record::{Body, PushRecord, Release, ReleaseTo};
use crate::snapshot::with_token;
use crate::tables::Tables;

/// For how long a repeated cid gets the first answer.
pub(super) const CID_LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;
/// For how long reports about a push are counted and kept after its last delivery.
pub(super) const STATE_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Up to so many devices always get a release each, on their own chains: that costs them less than a release for all,
/// which every device of the app has to look at.
const OWN_RELEASES_ALWAYS: u64 = 64;
/// In a large app, one device in so many may.
const OWN_RELEASES_SHARE: u64 = 256;
/// But one command touches no more than a thousand rows.
const OWN_RELEASES_MAX: u64 = 990;

impl Batch<'_> {
    pub(super) fn push(&mut self, command: &PushCommand) -> Decided<Answer> {
        match command {
            PushCommand::Submit(submit) => self.submit_push(submit),
            PushCommand::Received { app, device, pushes } => self.report(*app, *device, Report::Received, pushes),
            PushCommand::Clicked { app, device, pushes } => self.report(*app, *device, Report::Clicked, pushes),
            PushCommand::Reported { app, device, what, pushes } => {
                let report = match what {
                    Reported::Shown => Report::Shown,
                    Reported::MessageClicked => Report::MessageClicked,
                    Reported::MessageShown => Report::MessageShown,
                };
                self.report(*app, *device, report, pushes)
            }
            PushCommand::Withdraw { app, push } => self.withdraw_push(*app, *push),
            PushCommand::ReleaseSlice { app, push, due_ms, connected } => {
                self.release_due_slice(*app, *push, *due_ms, connected)
            }
        }
    }

    /// A refusal leaves nothing behind but the position that it may have taken.
    pub(super) fn submit_push(&mut self, submit: &Submit) -> Decided<Answer> {
        let broadcasts = self.require_app(submit.app)?.broadcasts;
        let contents = contents_with_something(&submit.contents);
        if contents.is_empty() && submit.bridged.is_empty() {
            return Err(Refusal::NothingToPush.into());
        }
        self.check_replaced(submit)?;
        self.check_slow_pushes(submit)?;
        if let Some(answer) = self.answer_of_cid(submit)? {
            if let Answer::Pushed { msg_id, .. } = &answer {
                self.note_in_group_push(submit, *msg_id)?;
            }
            return Ok(answer);
        }
        if submit.only_repeats {
            return Err(Refusal::CidExpired.into());
        }
        let mut platforms: Vec<Platform> = contents.iter().map(|(platform, _)| *platform).collect();
        platforms.extend(submit.bridged.iter().filter(|bridged| contents.iter().all(|(other, _)| other != *bridged)));
        let among = if submit.only_test_devices { Some(self.all_test_devices(submit.app)?) } else { None };
        let audience = self.resolve_audience(submit.app, &platforms, &submit.audience, among.as_ref())?;
        if audience.devices.is_empty() {
            return Err(Refusal::NoTarget { msg_id: self.take_position() }.into());
        }
        let targets = audience.devices.len();
        self.count_broadcast(submit)?;
        let msg_id = match submit.validate_only {
            true => self.take_position(),
            false => self.accept_push(submit, contents, audience, broadcasts)?,
        };
        Ok(Answer::Pushed { msg_id, sendno: submit.sendno.clone(), targets })
    }

    fn count_broadcast(&mut self, submit: &Submit) -> Decided<()> {
        let Some(BroadcastLimit { day, most }) = submit.broadcasts.filter(|_| !submit.validate_only) else {
            return Ok(());
        };
        let key = app_key(submit.app);
        let counted = self.row::<Broadcasts>(&key)?.filter(|counted| counted.day == day);
        let pushes = counted.map_or(0, |counted| counted.pushes);
        if pushes >= most {
            return Err(Refusal::TooManyBroadcasts.into());
        }
        self.put(&key, &Broadcasts { day, pushes: pushes + 1 })?;
        Ok(())
    }

    /// The first answer, when the cid was used before; a validation neither uses nor repeats one.
    fn answer_of_cid(&self, submit: &Submit) -> Result<Option<Answer>, ReadError> {
        let Some(cid) = submit.cid.as_ref().filter(|_| !submit.validate_only) else { return Ok(None) };
        let first = self.row::<Cid>(&cid_key(submit.app, cid))?.filter(|first| first.expires_ms > self.now_ms());
        Ok(first.map(|Cid { msg_id, sendno, targets, .. }| Answer::Pushed { msg_id, sendno, targets }))
    }

    fn accept_push(
        &mut self,
        submit: &Submit,
        contents: Vec<(Platform, PushContent)>,
        audience: Targets,
        broadcasts: ChainNumber,
    ) -> Result<Position, ReadError> {
        let app = submit.app;
        let lifetime_ms = u64::from(submit.time_to_live_s) * 1000;
        let is_live_only = lifetime_ms == 0;
        // The last to get a slow push have the whole lifetime as well.
        let spread_ms = u64::from(submit.spread_s) * 1000;
        let expires_ms = self.now_ms() + if is_live_only { 0 } else { spread_ms } + lifetime_ms;
        let Targets { devices: audience, by_platform } = audience;
        let targets = audience.len();
        let by_platform = platform_targets(&contents, &by_platform);
        let record = PushRecord { contents: contents.clone(), replaces: submit.replaces, kept: submit.kept.clone() };
        let msg_id = self.append_loose(app, Class::Push, Body::Push(record))?;
        let is_released_to_all = is_released_to_all(submit, !contents.is_empty());
        self.order_followups(submit, msg_id, &audience, is_released_to_all, spread_ms + lifetime_ms)?;
        let push = Arc::new(Push { msg_id, expires_ms, contents, replaces: submit.replaces });
        let (release, release_count) = if push.contents.is_empty() {
            // Bridges have it all: no link waits for it.
            let reached = self.reached_by_apple(app, submit, &audience)?;
            let release = self.next_position();
            (release, self.release_push(app, broadcasts, &push, reached)?)
        } else if submit.spread_s > 0 {
            (self.begin_slow_push(submit, broadcasts, &push, audience)?, 1)
        } else {
            let released_to = if is_live_only {
                let mut reached = self.reached_without_a_link(app, &push.contents, &audience)?;
                reached |= self.reached_by_apple(app, submit, &audience)?;
                audience & (among(&submit.connected) | reached)
            } else {
                audience
            };
            let release = self.next_position();
            (release, self.release_push(app, broadcasts, &push, released_to)?)
        };
        let state = PushState {
            expires_ms,
            is_withdrawn: false,
            replaced_by: None,
            targets,
            release,
            release_count,
            is_live_only,
        };
        self.put(&push_key(app, msg_id), &state)?;
        self.put(&push_key(app, msg_id), &PushTargets { at_ms: self.now_ms(), platforms: by_platform })?;
        if let Some(callback) = &submit.callback {
            self.order_callback(app, msg_id, callback)?;
        }
        if let Some(replaced) = submit.replaces {
            self.replace_push(app, replaced, msg_id)?;
        }
        self.put_expiry(expires_ms + STATE_KEPT_MS, &Expiry::Push { app, push: msg_id })?;
        self.count_sent(app)?;
        self.keep_cid(submit, msg_id, targets)?;
        self.note_in_group_push(submit, msg_id)?;
        Ok(msg_id)
    }

    /// A notification without lifetime is for those who are connected, and for iOS: its bridge knows no such thing.
    fn reached_without_a_link(
        &self,
        app: AppNumber,
        contents: &[(Platform, PushContent)],
        audience: &RoaringBitmap,
    ) -> Result<RoaringBitmap, ReadError> {
        let has_notification =
            contents.iter().any(|(platform, content)| *platform == Platform::IOS && content.notification.is_some());
        if !has_notification {
            return Ok(RoaringBitmap::new());
        }
        with_token(self, app, audience, &TokenKind::OF_APNS)
    }

    /// Those for whom there is something that only Apple brings.
    fn reached_by_apple(
        &self,
        app: AppNumber,
        submit: &Submit,
        audience: &RoaringBitmap,
    ) -> Result<RoaringBitmap, ReadError> {
        if submit.bridged.is_empty() {
            return Ok(RoaringBitmap::new());
        }
        let kinds: Vec<TokenKind> =
            [Channel::Call, Channel::Activity].iter().flat_map(|channel| channel.kinds()).copied().collect();
        with_token(self, app, audience, &kinds)
    }

    /// Returns how many records that took; they follow one another, in order of the devices.
    pub(super) fn release_push(
        &mut self,
        app: AppNumber,
        broadcasts: ChainNumber,
        push: &Arc<Push>,
        mut devices: RoaringBitmap,
    ) -> Result<u32, ReadError> {
        let count = devices.len();
        if count > self.own_releases_max(app)? {
            // A push to everybody is a few runs.
            devices.optimize();
            self.release_to_many(app, broadcasts, push, devices)?;
            return Ok(1);
        }
        for device in devices {
            self.release_to_one(app, push, DeviceNumber(device))?;
            if is_planted(Fault::ReleasedTwice) {
                self.release_to_one(app, push, DeviceNumber(device))?;
            }
        }
        Ok(count as u32)
    }

    fn own_releases_max(&self, app: AppNumber) -> Result<u64, ReadError> {
        let devices = u64::from(self.app_counters(app)?.device.0);
        Ok((devices / OWN_RELEASES_SHARE).clamp(OWN_RELEASES_ALWAYS, OWN_RELEASES_MAX))
    }

    fn release_to_many(
        &mut self,
        app: AppNumber,
        broadcasts: ChainNumber,
        push: &Arc<Push>,
        devices: RoaringBitmap,
    ) -> Result<(), ReadError> {
        let mut bytes = Vec::with_capacity(devices.serialized_size());
        devices.serialize_into(&mut bytes).expect("a vector takes every byte");
        let body = Body::Release(Release { push: push.msg_id, to: ReleaseTo::Many(bytes) });
        let place = self.append(app, Class::Push, broadcasts, body)?;
        self.announce(app, place.position, Route::Broadcast { push: push.clone(), devices: Arc::new(devices) });
        Ok(())
    }

    fn release_to_one(&mut self, app: AppNumber, push: &Arc<Push>, device: DeviceNumber) -> Result<(), ReadError> {
        let chain = find::required::<DeviceRow>(self, device_key(app, device))?.pushes;
        let body = Body::Release(Release { push: push.msg_id, to: ReleaseTo::Device(device) });
        let place = self.append(app, Class::Push, chain, body)?;
        self.announce(app, place.position, Route::Devices { push: push.clone(), devices: vec![device] });
        Ok(())
    }

    fn keep_cid(&mut self, submit: &Submit, msg_id: Position, targets: u64) -> Result<(), ReadError> {
        let Some(cid) = &submit.cid else { return Ok(()) };
        let expires_ms = self.now_ms() + CID_LIFETIME_MS;
        let row = Cid { msg_id, sendno: submit.sendno.clone(), targets, expires_ms };
        self.put(&cid_key(submit.app, cid), &row)?;
        self.put_expiry(expires_ms, &Expiry::Cid { app: submit.app, cid: cid.clone() })
    }

    pub(super) fn put_expiry(&mut self, due_ms: TimeMs, expiry: &Expiry) -> Result<(), ReadError> {
        self.put(&expiry_key(due_ms, expiry), expiry)
    }
}

/// Each platform once, and only those that are sent anything.
fn contents_with_something(contents: &[(Platform, PushContent)]) -> Vec<(Platform, PushContent)> {
    let mut kept: Vec<(Platform, PushContent)> = Vec::with_capacity(contents.len());
    for (platform, content) in contents {
        let says_something = content.notification.is_some() || content.message.is_some();
        if says_something && kept.iter().all(|(other, _)| other != platform) {
            kept.push((*platform, content.clone()));
        }
    }
    kept
}

fn platform_targets(contents: &[(Platform, PushContent)], counts: &[(Platform, u64)]) -> Vec<PlatformTargets> {
    let of = |(platform, content): &(Platform, PushContent)| {
        let (_, targets) = counts.iter().find(|(counted, _)| counted == platform)?;
        Some(PlatformTargets {
            platform: *platform,
            has_notification: content.notification.is_some(),
            has_message: content.message.is_some(),
            targets: *targets,
        })
    };
    contents.iter().filter_map(of).collect()
}

pub(super) fn among(devices: &[DeviceNumber]) -> RoaringBitmap {
    devices.iter().map(|device| device.0).collect()
}
