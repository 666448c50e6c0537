//! What a session asks its shell to do, and what it is told in return.

use std::sync::Arc;

use anser_protocol::content::{DeviceKind, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::people::ProfileChanged;
use anser_protocol::frame::talk::CommandCame;
use anser_protocol::ids::{Position, RoomId, TimeMs};
use anser_storage::Use;
use anser_storage::command::{Command, MarkCommand};
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::Outcome;

use super::media::MediaRules;
use crate::link::query::{Answer, CommandReceivers, Query};

/// Names an unanswered request of one session.
pub type Ticket = u32;

/// A password as it was given: its text, or the MD5 form of it, which counts as the same; or what stands in its place. Never
/// shown.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenPassword(pub String);

impl std::fmt::Debug for GivenPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GivenPassword")
    }
}

#[derive(Debug)]
pub enum Action {
    Submit(Ticket, Command),
    Ask(Ticket, Query),
    /// A mark that needs no answer.
    Mark(MarkCommand),
    /// Answered by [`Input::PasswordChecked`].
    CheckPassword {
        ticket: Ticket,
        app: AppNumber,
        user: UserNumber,
        given: GivenPassword,
        stored: String,
    },
    /// For a login that needs no password. Answered by [`Input::PasswordChecked`].
    MakeToken {
        ticket: Ticket,
    },
    /// Answered by [`Input::PasswordHashed`].
    HashPassword {
        ticket: Ticket,
        password: String,
    },
    /// A push was written for this device.
    PushSent {
        app: AppNumber,
        device: DeviceNumber,
        msg_id: Position,
    },
    /// Register with the switchboard; from now on this device's pushes come to this session.
    AttachDevice {
        app: AppNumber,
        device: DeviceNumber,
    },
    /// The same for a device that wants no pushes: it holds a link, and counts as away.
    AttachWithoutPushes {
        app: AppNumber,
        device: DeviceNumber,
    },
    /// From now on no pushes come, and the device counts as away.
    StopPushes {
        app: AppNumber,
        device: DeviceNumber,
    },
    ResumePushes {
        app: AppNumber,
        device: DeviceNumber,
    },
    /// The application was used on this device.
    NoteUse {
        app: AppNumber,
        device: DeviceNumber,
        platform: Platform,
        /// Names the report.
        number: u64,
        used: Use,
    },
    /// Hand a transparent command to the links of these; answered by [`Input::CommandPassed`].
    PassCommand {
        ticket: Ticket,
        app: AppNumber,
        receivers: CommandReceivers,
        came: Arc<CommandCame>,
    },
    /// Tell those who have something to do with the user that the profile changed.
    TellProfile {
        app: AppNumber,
        user: UserNumber,
        changed: Arc<ProfileChanged>,
    },
    /// Which of these hold a link on which the user is logged in? Answered by [`Input::OnlineFound`].
    FindOnline {
        ticket: Ticket,
        app: AppNumber,
        user: UserNumber,
        devices: Vec<DeviceNumber>,
    },
    AttachUser {
        app: AppNumber,
        user: UserNumber,
    },
    /// The user was logged out on these devices to make room for this one.
    EndOn {
        app: AppNumber,
        user: UserNumber,
        devices: Vec<DeviceNumber>,
    },
    /// Other links of this user end: the password is a new one.
    EndOthers {
        app: AppNumber,
        user: UserNumber,
    },
    DetachUser {
        app: AppNumber,
        user: UserNumber,
    },
    /// From now on what happens in the chat room comes to this session.
    EnterRoom {
        app: AppNumber,
        room: RoomId,
    },
    LeaveRoom {
        app: AppNumber,
        room: RoomId,
    },
}

#[derive(Debug)]
pub enum Input {
    /// A failure here is passing: the queue was full, or the disk refused.
    Outcome(Ticket, Result<Outcome, ErrorCode>),
    Answer(Ticket, Result<Answer, ErrorCode>),
    PasswordChecked {
        ticket: Ticket,
        /// A fresh random token when the password is right; why not, when it is not known to be.
        found: Result<[u8; 32], ErrorCode>,
    },
    /// In the order of the devices that were asked for.
    OnlineFound {
        ticket: Ticket,
        online: Vec<bool>,
    },
    CommandPassed {
        ticket: Ticket,
        /// How many took it.
        links: usize,
    },
    PasswordHashed {
        ticket: Ticket,
        hash: Option<String>,
    },
    /// A newer link of this device said hello.
    Replaced,
    /// The device's app was deleted.
    AppDeleted,
    /// The user was disabled or deleted, or has a new password: whoever is logged in as that user is not any more. The link
    /// ends with it, and the device comes back without the user.
    UserEnded {
        user: UserNumber,
        code: ErrorCode,
    },
    /// The daemon is about to stop.
    Draining {
        retry_after_ms: u32,
    },
    /// An operator ends this link.
    Kicked {
        reason: String,
    },
    /// Deliveries were dropped because this session did not take them.
    Missed(Missed),
}

/// Which deliveries were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    pub chats: bool,
    pub pushes: bool,
    pub rooms: bool,
}

/// In which capacity a session is given a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    Device,
    User(UserNumber),
    /// Of a chat room that the session is in.
    Room,
}

/// What the operator set for all links of one transport.
#[derive(Clone, Debug)]
pub struct Rules {
    pub heartbeat: Heartbeat,
    /// A link that has not said hello after so long is closed.
    pub hello_ms_max: TimeMs,
    /// How long a session token is good after it was used last.
    pub token_ms: TimeMs,
    /// The newest pushes that wait for a device.
    pub waiting_pushes_max: usize,
    /// May clients register users themselves?
    pub is_registration_open: bool,
    /// On how many devices of each kind a user may be logged in; 0: on any number.
    pub logins: Logins,
    /// Names that break the strict JMessage rule are refused.
    pub has_strict_usernames: bool,
    /// Switching do-not-disturb off for everything is no mistake where it is off.
    pub has_lenient_mutes: bool,
    pub media: MediaRules,
    /// How long a message may be taken back.
    pub retract_ms_max: TimeMs,
    /// Messages of one user from devices in a minute; nothing means any number.
    pub sends_per_minute: Option<u32>,
}

/// See [`Rules::logins`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logins {
    pub phones: u32,
    pub computers: u32,
    pub browsers: u32,
}

impl Logins {
    /// Besides one of this kind.
    pub fn others_max(self, kind: DeviceKind) -> u32 {
        let all = match kind {
            DeviceKind::Phone => self.phones,
            DeviceKind::Computer => self.computers,
            DeviceKind::Browser => self.browsers,
        };
        all.checked_sub(1).unwrap_or(u32::MAX)
    }
}

/// How often a client shows that it is there, in seconds. The upper bounds follow the life of NAT entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub start_s: u16,
    pub min_s: u16,
    pub max_s: u16,
}

impl Heartbeat {
    pub const TCP: Self = Self { start_s: 120, min_s: 60, max_s: 300 };
    pub const QUIC: Self = Self { start_s: 25, min_s: 20, max_s: 60 };
    pub const WEBSOCKET: Self = Self { start_s: 25, min_s: 25, max_s: 60 };
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            heartbeat: Heartbeat::TCP,
            hello_ms_max: 10_000,
            token_ms: 90 * 24 * 3_600_000,
            waiting_pushes_max: 5,
            is_registration_open: true,
            logins: Logins::default(),
            has_strict_usernames: false,
            has_lenient_mutes: false,
            media: MediaRules::default(),
            retract_ms_max: 180_000,
            sends_per_minute: None,
        }
    }
}

impl Rules {
    /// Two and a half intervals of the longest heartbeat that a client may choose.
    pub fn silence_ms_max(&self) -> TimeMs {
        u64::from(self.heartbeat.max_s) * 2500
    }
}
