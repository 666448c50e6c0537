//! Every change of the store, as a value.
//!
//! Time, ids and random bytes are inside, so that the same commands in the same order give the same content.

use anser_protocol::content::{Content, Platform, PushContent};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber, UserNumber};

/// A command and the moment at which it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    pub at_ms: TimeMs,
    pub command: Command,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    System(SystemCommand),
    App(AppCommand),
    Device(DeviceCommand),
    User(UserCommand),
    Group(GroupCommand),
    Send(Send),
    Push(PushCommand),
    Mark(MarkCommand),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SystemCommand {
    /// The daemon starts: positions jump ahead by 2^20.
    Start,
    /// A backup was restored: positions jump ahead by 2^32.
    Restored,
    /// Cuts the log of one class below `below`, at most 10,000 rows; the answer says whether rows are left.
    Cut { app: AppNumber, class: Class, below: Position },
    /// Removes expired cids, tokens and push states, at most 1,000 rows.
    Expire,
}

/// Classes of the log, each with its own retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Class {
    Chat = 1,
    Room = 2,
    Push = 3,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AppCommand {
    /// Refused when the name or the key exists. Both strings are 24 hexadecimal digits, made by the caller.
    Create {
        name: String,
        app_key: String,
        master_secret: String,
    },
    RotateSecret {
        app: AppNumber,
        master_secret: String,
    },
    /// True at once (nothing of the app is found any more), then continued in slices of 1,000 rows by repeating it.
    Delete {
        app: AppNumber,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DeviceCommand {
    /// Registers a device under a registration id that the caller derived from the device's nonce, so that a repeat
    /// finds the same device. Refused (`RegistrationIdTaken`) when it exists under another secret.
    Register {
        app: AppNumber,
        registration_id: String,
        secret_hash: [u8; 32],
        platform: Platform,
    },
    SetTags {
        app: AppNumber,
        device: DeviceNumber,
        tags: Vec<String>,
    },
    /// Removes first, then adds.
    ChangeTags {
        app: AppNumber,
        device: DeviceNumber,
        remove: Vec<String>,
        add: Vec<String>,
    },
    SetAlias {
        app: AppNumber,
        device: DeviceNumber,
        alias: Option<String>,
    },
    /// What `POST /v3/devices/{rid}` asks for, all or nothing.
    Update {
        app: AppNumber,
        device: DeviceNumber,
        change: DeviceChange,
    },
}

/// Absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceChange {
    pub clear_tags: bool,
    pub remove_tags: Vec<String>,
    pub add_tags: Vec<String>,
    /// `Some("")` unbinds.
    pub alias: Option<String>,
    /// `Some("")` clears.
    pub mobile: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum UserCommand {
    /// At most 500; each succeeds or is refused by itself.
    Register { app: AppNumber, users: Vec<NewUser> },
    /// Keeps a session token after the password was verified outside. Refused when the password row changed meanwhile
    /// (`password` is what was verified).
    LogIn {
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
        token_hash: [u8; 32],
        expires_ms: TimeMs,
        password: String,
    },
    /// Forgets a token; forgetting an unknown one is no error.
    LogOut { app: AppNumber, token_hash: [u8; 32] },
    /// Replaces a quick hash by a slow one; nothing happens when `from` is no longer the stored one.
    UpgradePassword { app: AppNumber, user: UserNumber, from: String, to: String },
}

/// Fields were checked at the edge; here only uniqueness is decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NewUser {
    pub username: String,
    /// An encoded password hash (never the password); the store does not look inside.
    pub password: String,
    pub is_admin: bool,
    pub profile: Profile,
}

/// What a user tells about themselves; empty means unset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub nickname: String,
    pub avatar: String,
    pub birthday: String,
    pub signature: String,
    pub region: String,
    pub address: String,
    pub gender: Option<u8>,
    /// JSON object, or empty.
    pub extras: String,
}

/// Who asks for a change of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// The app's server: no membership or role is asked for.
    Server,
    User(UserNumber),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GroupCommand {
    /// The owner becomes a member; the owner and doubles in `members` are dropped. Unknown names refuse the whole.
    Create {
        app: AppNumber,
        by: Actor,
        owner: String,
        name: String,
        description: String,
        avatar: String,
        is_public: bool,
        members: Vec<String>,
    },
    /// Refused as a whole when one is unknown or a member already. A user who adds must be a member.
    Add {
        app: AppNumber,
        by: Actor,
        group: GroupId,
        members: Vec<String>,
    },
    /// A user who removes must be the owner. The removed owner passes the group on to the oldest member.
    Remove {
        app: AppNumber,
        by: Actor,
        group: GroupId,
        members: Vec<String>,
    },
    Leave {
        app: AppNumber,
        user: UserNumber,
        group: GroupId,
    },
    Dissolve {
        app: AppNumber,
        by: Actor,
        group: GroupId,
    },
}

/// A chat message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Send {
    pub app: AppNumber,
    pub from: UserNumber,
    /// Sent by an app server: rules of membership are not asked of its admins.
    pub origin: Origin,
    pub target: Target,
    pub content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A device's send: (device, outbox) names it for good.
    Device { device: DeviceNumber, outbox: OutboxNumber },
    /// REST; a repeat is another message.
    Server { as_admin: bool },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    User(String),
    Group(GroupId),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PushCommand {
    /// Resolves the audience, takes a position, and unless `validate_only` appends payload and releases.
    Submit(Box<Submit>),
    /// Counts one device's receipt of pushes, each once; by `msg_id`.
    Received {
        app: AppNumber,
        device: DeviceNumber,
        pushes: Vec<Position>,
    },
    Clicked {
        app: AppNumber,
        device: DeviceNumber,
        pushes: Vec<Position>,
    },
    /// Takes a push back: what was not delivered is not delivered any more, and connected devices that have it are told.
    /// Refused (`PushUnknown`) when it is unknown or older than a day; taking it back again changes nothing.
    Withdraw {
        app: AppNumber,
        push: Position,
    },
    /// Releases the part of a slow push that was due at `due_ms`; nothing happens when that was done before, or when the
    /// push has ended otherwise.
    ReleaseSlice {
        app: AppNumber,
        push: Position,
        due_ms: TimeMs,
        /// Devices connected now, for a push without lifetime; ignored for others.
        connected: Vec<DeviceNumber>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submit {
    pub app: AppNumber,
    /// Each targeted platform with what it is sent; platforms without content are not targets.
    pub contents: Vec<(Platform, PushContent)>,
    /// Platforms to which something goes over a bridge only: their devices are targets, though a link has nothing to
    /// tell them.
    pub bridged: Vec<Platform>,
    pub audience: Audience,
    /// Only those of the audience that are test devices.
    pub only_test_devices: bool,
    pub time_to_live_s: u32,
    /// A slow push: given out in equal parts over so many seconds. 0: at once.
    pub spread_s: u32,
    /// The push whose place this one takes; refused (`PushUnknown`) when it is unknown, withdrawn or older than a day.
    pub replaces: Option<Position>,
    /// JSON object, or empty: what bridges and the console want to know of the push and devices need not.
    pub kept: String,
    /// Echoed in the answer, and again when the cid is repeated.
    pub sendno: String,
    /// Devices connected when a push without lifetime was accepted; ignored for others.
    pub connected: Vec<DeviceNumber>,
    /// Idempotency: a repeat within 24 hours of the first success gives the first answer.
    pub cid: Option<String>,
    pub validate_only: bool,
}

/// Kinds present are intersected; an empty list means that the kind is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    All,
    Selected(Selection),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    pub tag: Vec<String>,
    pub tag_and: Vec<String>,
    pub tag_not: Vec<String>,
    pub alias: Vec<String>,
    /// Unknown ids are skipped, except that a single unknown id refuses the push (`RegistrationIdUnknown`).
    pub registration_id: Vec<String>,
}

/// Coalesced; repeated until confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MarkCommand {
    /// How far a user's device has stored its chats.
    ChatCursor { app: AppNumber, user: UserNumber, device: DeviceNumber, position: Position },
    /// How far a device has stored its pushes (a release position).
    PushCursor { app: AppNumber, device: DeviceNumber, position: Position },
}

/// The writer's queue classes, served in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueClass {
    Send,
    Rest,
    Job,
}

impl Command {
    /// The app whose share of the writer this uses; nothing for the daemon's own.
    pub fn app(&self) -> Option<AppNumber> {
        match self {
            Self::System(_) | Self::App(AppCommand::Create { .. }) => None,
            Self::App(AppCommand::RotateSecret { app, .. } | AppCommand::Delete { app }) => Some(*app),
            Self::Device(
                DeviceCommand::Register { app, .. }
                | DeviceCommand::SetTags { app, .. }
                | DeviceCommand::ChangeTags { app, .. }
                | DeviceCommand::SetAlias { app, .. }
                | DeviceCommand::Update { app, .. },
            ) => Some(*app),
            Self::User(
                UserCommand::Register { app, .. }
                | UserCommand::LogIn { app, .. }
                | UserCommand::LogOut { app, .. }
                | UserCommand::UpgradePassword { app, .. },
            ) => Some(*app),
            Self::Group(
                GroupCommand::Create { app, .. }
                | GroupCommand::Add { app, .. }
                | GroupCommand::Remove { app, .. }
                | GroupCommand::Leave { app, .. }
                | GroupCommand::Dissolve { app, .. },
            ) => Some(*app),
            Self::Send(send) => Some(send.app),
            Self::Push(PushCommand::Submit(submit)) => Some(submit.app),
            Self::Push(
                PushCommand::Received { app, .. }
                | PushCommand::Clicked { app, .. }
                | PushCommand::Withdraw { app, .. }
                | PushCommand::ReleaseSlice { app, .. },
            ) => Some(*app),
            Self::Mark(MarkCommand::ChatCursor { app, .. } | MarkCommand::PushCursor { app, .. }) => Some(*app),
        }
    }

    pub fn queue_class(&self) -> QueueClass {
        match self {
            Self::Send(_) => QueueClass::Send,
            Self::Mark(_)
            | Self::Push(
                PushCommand::Received { .. } | PushCommand::Clicked { .. } | PushCommand::ReleaseSlice { .. },
            )
            | Self::System(_) => QueueClass::Job,
            _ => QueueClass::Rest,
        }
    }
}
