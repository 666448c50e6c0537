//! What a reader gets.

use std::sync::Arc;

use anser_protocol::content::Platform;
use anser_protocol::ids::{OutboxNumber, Position, TimeMs};
use roaring::RoaringBitmap;

use crate::ids::{AppNumber, UserNumber};
use crate::outcome::{Message, Push};
use crate::rows::bridge::Channel;
use crate::rows::chat::{Chat, Window};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub registration_id: String,
    pub secret_hash: [u8; 32],
    pub platform: Platform,
    pub alias: Option<String>,
    pub mobile: Option<String>,
    pub created_ms: TimeMs,
    /// The highest outbox number that was accepted from it; 0 when it has sent nothing.
    pub outbox_head: OutboxNumber,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: UserNumber,
    pub username: Arc<str>,
    pub is_owner: bool,
    pub joined_ms: TimeMs,
}

/// A conversation as a user sees it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    pub chat: Chat,
    /// The peer's username, or the group's name.
    pub name: String,
    /// Oldest first; only the last can be open.
    pub windows: Vec<Window>,
    /// The last record that the user may see.
    pub last: Position,
    pub last_seq: u64,
    pub read_mark: Position,
    /// When it last changed for this user, other than by a new record.
    pub changed: Position,
    /// Newest first; only what lies above the reader's cursor.
    pub newest: Vec<ReadRecord>,
    /// Records that the reader has not seen lie below the last of `newest` (or below `last`, when that is empty).
    pub hole: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRecord {
    pub position: Position,
    pub at_ms: TimeMs,
    /// Nothing for events.
    pub from: Option<(UserNumber, Arc<str>)>,
    pub message: Arc<Message>,
}

/// Records of one conversation, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    pub records: Vec<ReadRecord>,
    /// Nothing that the user may see is left above the asked-for lower end.
    pub complete: bool,
    /// Where the next page begins (its `before`). Usually the last record's position; lower when the page ended because
    /// of the work that it took.
    pub reached: Position,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PendingPush {
    /// Of its release: what a push cursor counts by.
    pub position: Position,
    /// When it was released.
    pub at_ms: TimeMs,
    pub push: Arc<Push>,
}

/// Releases that may concern the bridges.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BridgeReleases {
    /// In order of their first release.
    pub releases: Vec<BridgeRelease>,
    /// Everything up to here was looked at.
    pub reached: Position,
    /// That was all there is now.
    pub is_complete: bool,
}

/// A push and the devices with a token for this part of it that it was released to.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeRelease {
    pub push: Position,
    pub channel: Channel,
    pub devices: RoaringBitmap,
}

/// A push as a bridge needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgePush {
    pub push: Arc<Push>,
    /// Its options and blocks: a JSON object, or empty.
    pub kept: String,
    /// When it was accepted.
    pub at_ms: TimeMs,
    pub expires_ms: TimeMs,
    /// Only for bridges that know no lifetime.
    pub is_live_only: bool,
}

/// A part of a slow push that is to be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueSlice {
    pub app: AppNumber,
    pub push: Position,
    pub due_ms: TimeMs,
    /// The push has no lifetime: it is for those who are connected.
    pub is_live_only: bool,
}

/// What became of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushCounts {
    pub targets: u64,
    /// By platform, in order of their numbers; without those that have none.
    pub received: Vec<(Platform, u64)>,
    pub clicked: u64,
}

/// What became of a push, by platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushReport {
    /// When it was accepted.
    pub at_ms: TimeMs,
    /// Those that had targets, in the order of the push.
    pub platforms: Vec<PlatformReport>,
    /// Devices for which a bridge took the call that the push is, and what it says to a live activity.
    pub calls_bridged: u64,
    pub activities_bridged: u64,
}

/// Numbers of devices, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlatformReport {
    pub platform: Platform,
    /// What this platform was sent.
    pub has_notification: bool,
    pub has_message: bool,
    pub targets: u64,
    /// Connected when it was released.
    pub reached: u64,
    /// It went to them: reached then, or later as their receipt shows.
    pub sent: u64,
    pub received: u64,
    /// Taken by a bridge, and what those devices reported of it.
    pub bridged: u64,
    pub of_bridged: Told,
    /// Those of them that have a token of Firebase now.
    pub by_fcm: u64,
    pub of_fcm: Told,
    /// Of the notification.
    pub clicked: u64,
    pub shown: u64,
    pub message_clicked: u64,
    pub message_shown: u64,
}

/// What devices reported of a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub received: u64,
    pub shown: u64,
    pub clicked: u64,
}

/// What is known of one push and one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Received,
    /// Not yet, or never: it may have expired.
    NotReceived,
    NotATarget,
    /// Retention has cut the releases, so nobody knows any more.
    Forgotten,
}

/// A test device with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestDeviceShown {
    pub name: String,
    /// Empty when the device does not tell.
    pub model: String,
    pub registration_id: String,
    pub registered_ms: TimeMs,
    pub created_ms: TimeMs,
}
