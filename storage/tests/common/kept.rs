//! What a store holds, in words that do not change with the code: how stores of earlier releases are compared with what
//! the release itself read from them.

use std::fmt::Write;

use anser_protocol::content::Platform;
use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::{GroupId, Position, TimeMs};
use anser_protocol::traits::TraitKind;
use anser_storage::command::FileOwner;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::media::MediaId;
use anser_storage::outcome::{FiringResult, MessageBody, Rank};
use anser_storage::{Chat, GroupClass, HourCounts, HourSet, ReadError, ReadRecord, Role, Snapshot, Store};

use super::World;
use super::every_table::add_what_the_script_leaves_out;
use super::script::Script;

/// When kept stores are read: soon after they were made.
pub const READ_AT_MS: TimeMs = super::T0 + 3_600_000;

const SEED: u64 = 24;
const BATCHES: usize = 400;

/// The work of the fault tests, and what it leaves out, done on an empty store.
pub fn keep(mut store: Store) -> World {
    store.apply(&Script::long(SEED, BATCHES).commands()).expect("the disk is well");
    let mut world = World::on(store);
    world.now_ms = READ_AT_MS;
    add_what_the_script_leaves_out(&mut world);
    world
}

/// Numbers of users, devices and groups that are looked at in each app.
pub const NUMBERS: u32 = 64;
const FIRST_GROUP: u32 = 10_000_000;

/// All that queries tell of the store, as it was read at `now_ms`.
pub fn describe(snapshot: &Snapshot, now_ms: TimeMs) -> Result<String, ReadError> {
    let mut text = String::new();
    for (app, row) in snapshot.apps()? {
        let access = snapshot.access(app)?;
        line(&mut text, format_args!("app {} {} {} {}", app.0, row.name, row.app_key, row.master_secret));
        line(
            &mut text,
            format_args!(
                "  blocked {} addresses {} rates {:?}",
                access.is_blocked,
                access.addresses.len(),
                access.rates
            ),
        );
        if let Some(made) = snapshot.developer_app(app)? {
            line(&mut text, format_args!("  made by developer {} for {}", made.developer, made.android_package));
        }
        users(&mut text, snapshot, app)?;
        groups(&mut text, snapshot, app)?;
        devices(&mut text, snapshot, app, now_ms)?;
        schedules(&mut text, snapshot, app)?;
        since_0_2(&mut text, snapshot, app, now_ms)?;
        hours(&mut text, snapshot, app)?;
        media(&mut text, snapshot, app)?;
        line(&mut text, format_args!("  tags {:?}", snapshot.tags_of_app(app, 100)?));
    }
    for (key, group) in snapshot.app_groups()? {
        let apps: Vec<u32> = group.apps.iter().map(|app| app.0).collect();
        line(&mut text, format_args!("app group {key} {} {} of {apps:?}", group.name, group.secret));
    }
    for (key, developer) in snapshot.developers()? {
        line(&mut text, format_args!("developer {key} {} {}", developer.name, developer.secret));
    }
    Ok(text)
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a text takes every line");
}

fn users(text: &mut String, snapshot: &Snapshot, app: AppNumber) -> Result<(), ReadError> {
    for user in (0..NUMBERS).map(UserNumber) {
        let Some(row) = snapshot.user(app, user)? else { continue };
        let (name, nickname) = (&row.username, &row.profile.nickname);
        line(text, format_args!("  user {} {name} admin {} {:?} {nickname:?}", user.0, row.is_admin, row.password));
        for chat in snapshot.conversations(app, user, Position(u64::MAX), 1000, 0)? {
            let windows: Vec<_> = chat.windows.iter().map(|window| (window.first_seq, window.last_seq)).collect();
            line(
                text,
                format_args!(
                    "    chat {} last {} {} windows {windows:?}",
                    named(chat.chat),
                    chat.last.0,
                    chat.last_seq
                ),
            );
            let mut before = Position(u64::MAX);
            loop {
                let page = snapshot.history(app, user, &chat.chat, before, Position::START, 100)?;
                page.records.iter().for_each(|read| record(text, read));
                if page.complete {
                    break;
                }
                before = page.reached;
            }
        }
        for device in (0..NUMBERS).map(DeviceNumber) {
            if let Some(cursor) = snapshot.chat_cursor(app, user, device)? {
                line(text, format_args!("    has read up to {} on device {}", cursor.0, device.0));
            }
        }
    }
    Ok(())
}

fn named(chat: Chat) -> String {
    match chat {
        Chat::User(user) => format!("user {}", user.0),
        Chat::Group(group) => format!("group {}", group.0),
        Chat::Notices => "notices".to_owned(),
    }
}

fn record(text: &mut String, read: &ReadRecord) {
    let from = read.from.as_ref().map_or("", |(_, name)| name);
    let sent_by = read.message.sent_by.map(|(device, outbox)| (device.0, outbox));
    let what = match &read.message.body {
        MessageBody::Content(content) => format!("{} {:?}", content.kind.0, String::from_utf8_lossy(&content.body)),
        MessageBody::Event(event) => format!("event {} by {:?} {:?}", event.kind.0, event.by, event.users),
        MessageBody::Change(change) => {
            let event = &change.event;
            format!("event {} by {:?} {:?} {:?}", event.kind.0, event.by, event.users, change.details)
        }
        MessageBody::Amendment(amendment) => {
            let content = amendment.content.as_ref().map(|content| String::from_utf8_lossy(&content.body));
            format!("amendment {} of {} {content:?}", amendment.kind.0, amendment.position.0)
        }
        MessageBody::Notice(notice) => {
            format!(
                "notice {} {} by {:?} {:?} {:?}",
                notice.kind.0, notice.detail, notice.by, notice.users, notice.text
            )
        }
    };
    let (position, seq, at_ms) = (read.position.0, read.message.seq, read.at_ms);
    line(text, format_args!("      {position} {seq} at {at_ms} {from} {sent_by:?}: {what}"));
}

fn groups(text: &mut String, snapshot: &Snapshot, app: AppNumber) -> Result<(), ReadError> {
    for group in (0..NUMBERS).map(|number| GroupId(FIRST_GROUP + number)) {
        let Some(row) = snapshot.group(app, group)? else { continue };
        let members: Vec<_> = snapshot.group_members(app, group)?.iter().map(|member| member.user.0).collect();
        line(
            text,
            format_args!(
                "  group {} {} of {} owner {} members {members:?}",
                group.0, row.name, row.members_max, row.owner.0
            ),
        );
    }
    Ok(())
}

fn devices(text: &mut String, snapshot: &Snapshot, app: AppNumber, now_ms: TimeMs) -> Result<(), ReadError> {
    let mut pushes = std::collections::BTreeSet::new();
    for number in (0..NUMBERS).map(DeviceNumber) {
        let Some(device) = snapshot.device(app, number)? else { continue };
        let tags = snapshot.tags_of_device(app, number)?;
        let (id, alias, mobile) = (&device.registration_id, &device.alias, &device.mobile);
        line(
            text,
            format_args!(
                "  device {} {id} on {} {alias:?} {mobile:?} {tags:?} sent {}",
                number.0, device.platform.0, device.outbox_head
            ),
        );
        let is_test_device = snapshot.is_test_device(app, number)?;
        let seen = snapshot.last_seen(app, number, now_ms)?;
        let cursor = snapshot.push_cursor(app, number)?.map(|cursor| cursor.0);
        line(text, format_args!("    test device {is_test_device} last seen {seen:?} pushes up to {cursor:?}"));
        for waiting in snapshot.pending_pushes(app, number, device.platform, Position::START, 0, 1000)? {
            let alerts = waiting.push.contents.iter().filter_map(|(_, content)| content.notification.as_ref());
            let alerts: Vec<&str> = alerts.map(|notification| notification.alert.as_str()).collect();
            let (push, expires_ms) = (waiting.push.msg_id, waiting.push.expires_ms);
            line(text, format_args!("    waits: {} at {} until {expires_ms} {alerts:?}", push.0, waiting.position.0));
            pushes.insert(push);
        }
    }
    for push in pushes {
        let Some(report) = snapshot.push_report(app, push)? else { continue };
        for of in &report.platforms {
            let Platform(platform) = of.platform;
            let counts = [
                of.targets,
                of.reached,
                of.sent,
                of.received,
                of.clicked,
                of.shown,
                of.message_clicked,
                of.message_shown,
            ];
            line(text, format_args!("  push {} accepted {} on {platform}: {counts:?}", push.0, report.at_ms));
        }
    }
    Ok(())
}

/// What stores of 0.1.0 cannot hold: nothing is said where there is nothing.
fn since_0_2(text: &mut String, snapshot: &Snapshot, app: AppNumber, now_ms: TimeMs) -> Result<(), ReadError> {
    for (id, segment) in snapshot.segments(app)? {
        line(text, format_args!("  segment {} {} {:?}", id.0, segment.name, segment.conditions));
    }
    groups_since_0_2(text, snapshot, app, now_ms)?;
    for kind in TraitKind::ALL {
        for (value, devices) in snapshot.trait_counts(app, kind)? {
            line(text, format_args!("  {} of {} {value:?}", devices, kind.name()));
        }
    }
    let words = snapshot.words(app)?;
    for word in &words.words {
        let (is_on, is_masking) = (words.is_on, words.is_masking);
        line(text, format_args!("  word {} of {} on {is_on} masks {is_masking}", word.text, word.added_ms));
    }
    for file in snapshot.files(&FileOwner::App(app), now_ms)? {
        line(text, format_args!("  file {:?}", file.id.0));
    }
    for production in [false, true] {
        if let Some(certificate) = snapshot.push_certificate(app, production)? {
            line(text, format_args!("  certificate {production} {:?}", certificate.chain));
        }
    }
    for device in (0..NUMBERS).map(DeviceNumber) {
        for kind in (1..=16).map(TokenKind) {
            if let Some(token) = snapshot.push_token_like(app, device, kind)? {
                line(text, format_args!("  device {} has token {} {}", device.0, token.kind, token.token));
            }
        }
        let (badge, is_dormant) = (snapshot.badge(app, device)?, snapshot.is_dormant(app, device)?);
        let has_stopped = snapshot.has_stopped_pushes(app, device)?;
        if badge > 0 || is_dormant || has_stopped {
            line(text, format_args!("  device {} badge {badge} dormant {is_dormant} stopped {has_stopped}", device.0));
        }
    }
    for ((hour, counted, platform), count) in snapshot.counts_of_pushes(app, 0..u32::MAX)? {
        line(text, format_args!("  in hour {hour} on {}: {counted:?} {count}", platform.0));
    }
    rooms(text, snapshot, app, now_ms)?;
    for told in snapshot.waiting_callbacks(app, 1000, |_| false)?.waiting {
        line(text, format_args!("  to tell: {:?}", told.event));
    }
    for due in snapshot.due_followups(TimeMs::MAX, 1000)?.into_iter().filter(|due| due.id.app == app) {
        line(text, format_args!("  to follow up: {:?} {:?}", due.id, due.state));
    }
    Ok(())
}

/// What stores of 0.2.0 and before cannot hold: what happened in chats, hour by hour, and how far the app's server was
/// told of it.
fn hours(text: &mut String, snapshot: &Snapshot, app: AppNumber) -> Result<(), ReadError> {
    let last = u32::try_from(READ_AT_MS / 3_600_000).unwrap_or(u32::MAX);
    for hour in last - 48..=last {
        let counts = snapshot.hour_counts(app, hour..hour + 1)?;
        if counts != HourCounts::default() {
            line(
                text,
                format_args!("  in hour {hour}: single {:?} group {:?} {}", counts.single, counts.group, counts.room),
            );
            let users = (counts.new_users, counts.gone_users, counts.new_groups, counts.gone_groups);
            line(text, format_args!("    users and groups came and went: {users:?}"));
        }
        for set in [HourSet::Senders, HourSet::RoomSenders, HourSet::LoggedIn, HourSet::ActiveGroups] {
            let count = snapshot.count_in_hours(app, set, hour..hour + 1)?;
            if count > 0 {
                line(text, format_args!("    {set:?}: {count}"));
            }
        }
    }
    if let Some(next) = snapshot.told_up_to(app)? {
        line(text, format_args!("  told of messages up to {}", next.0));
    }
    Ok(())
}

fn groups_since_0_2(text: &mut String, snapshot: &Snapshot, app: AppNumber, now_ms: TimeMs) -> Result<(), ReadError> {
    // Listed from the chunks, which an upgrade fills.
    for (id, group) in snapshot.group_page(app, GroupClass::Any, 0, 1000)?.groups {
        if group.is_public {
            line(text, format_args!("  group {} is public", id.0));
        }
        for standing in snapshot.standings(app, id, now_ms)? {
            if standing.rank == Rank::Admin || !standing.nickname.is_empty() || standing.silence.is_some() {
                line(text, format_args!("  in group {} {standing:?}", id.0));
            }
        }
        for banned in snapshot.bans(app, id)? {
            line(text, format_args!("  banned from group {}: {banned}", id.0));
        }
        for announcement in snapshot.announcements(app, id)? {
            line(text, format_args!("  in group {} {announcement:?}", id.0));
        }
        for request in snapshot.join_requests(app, id)? {
            line(text, format_args!("  in group {} {request:?}", id.0));
        }
    }
    Ok(())
}

fn rooms(text: &mut String, snapshot: &Snapshot, app: AppNumber, now_ms: TimeMs) -> Result<(), ReadError> {
    for (id, room) in snapshot.room_page(app, 0, 1000)?.rooms {
        let (name, owner, flag) = (&room.name, room.owner.0, room.flag);
        line(text, format_args!("  room {id} {name} of {} owner {owner} flag {flag}", room.members_max));
        for member in snapshot.room_member_page(app, id, 0, 1000, now_ms)?.unwrap_or_default().members {
            let (name, silenced) = (&member.user.username, member.is_silenced);
            line(text, format_args!("    {name} since {} silenced {silenced}", member.joined_ms));
        }
        let (admins, blocked) =
            (snapshot.room_roles(app, id, Role::Admin)?, snapshot.room_roles(app, id, Role::Blocked)?);
        line(text, format_args!("    admins {admins:?} blocked {blocked:?}"));
        for position in snapshot.room_latest(app, &room, Position::START, 1000)? {
            snapshot.room_record(app, position)?.iter().for_each(|read| record(text, read));
        }
    }
    for user in (0..NUMBERS).map(UserNumber) {
        let rooms: Vec<u32> = snapshot.rooms_of_user(app, user)?.iter().map(|(room, _)| room.0).collect();
        if !rooms.is_empty() {
            line(text, format_args!("  user {} is in rooms {rooms:?}", user.0));
        }
    }
    Ok(())
}

/// Stores of 0.2.0 hold none: nothing is said where there is nothing.
fn media(text: &mut String, snapshot: &Snapshot, app: AppNumber) -> Result<(), ReadError> {
    let space = snapshot.media_space(app)?;
    if space.media == 0 {
        return Ok(());
    }
    line(text, format_args!("  media {} of {} bytes, quota {:?}", space.media, space.bytes, space.quota_bytes));
    for id in (0..=u8::MAX).map(|number| MediaId([number; 16])) {
        let Some(media) = snapshot.media_by_id(app, id)? else { continue };
        let (kind, content) = (media.kind.name(), &media.content);
        let thumb = snapshot.media_thumb(app, id)?.map(|thumb| thumb.etag);
        let has_body = snapshot.has_media_body(app, &content.body)?;
        line(text, format_args!("  {kind} {:?} {} {has_body} {thumb:?} of {:?}", id.0, content.etag, media.by));
    }
    let (unmentioned, _) = snapshot.unmentioned_media(app, None, 1000, 0, TimeMs::MAX)?;
    line(text, format_args!("  unmentioned {unmentioned:?}"));
    Ok(())
}

fn schedules(text: &mut String, snapshot: &Snapshot, app: AppNumber) -> Result<(), ReadError> {
    for schedule in snapshot.open_schedules(app, 0, 1000)?.schedules {
        let (name, trigger, push) = (&schedule.content.name, &schedule.content.trigger, &schedule.content.push);
        line(
            text,
            format_args!("  schedule {:02x?} {name} due {} {trigger:?} {push:?}", schedule.id.0, schedule.due_ms),
        );
        for firing in snapshot.firings(app, schedule.id)?.unwrap_or_default() {
            let result = match firing.result {
                FiringResult::Pushed { msg_id } => format!("pushed {}", msg_id.0),
                FiringResult::NoTarget { msg_id } => format!("nobody {}", msg_id.0),
                FiringResult::RegistrationIdUnknown => "unknown registration id".into(),
                FiringResult::NothingToPush => "nothing to push".into(),
                FiringResult::AppBlocked => "app blocked".into(),
                FiringResult::Invalid { code, message } => format!("invalid {code} {message}"),
                FiringResult::Missed { count } => format!("missed {count}"),
                FiringResult::Refused => "refused".into(),
                FiringResult::FileUnknown => "unknown file".into(),
                FiringResult::TooManyBroadcasts => "too many broadcasts".into(),
            };
            line(text, format_args!("    fired {} at {}: {result}", firing.due_ms, firing.at_ms));
        }
    }
    Ok(())
}
