//! Every change of the store, as a value.
//!
//! Time, ids and random bytes are inside, so that the same commands in the same order give the same content.

use anser_protocol::content::{Content, Platform, PushContent};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, RoomId, TimeMs};
use anser_protocol::traits::Traits;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber, ScheduleId, ScheduleNumber, SegmentId, UserNumber};
use crate::rows::app::AddressRange;
use crate::rows::callback::Callback;
use crate::rows::certificate::PushCertificate;
use crate::rows::followup::SmsOrder;
use crate::rows::presence::Use;
use crate::segment::Condition;

mod bridge;
mod data;
mod file;
mod group;
mod group_order;
mod import;
mod media;
mod operator;
mod people;
mod queue;
mod room;
mod told;
mod word;
pub use bridge::{BadgeChange, BridgeCommand, NextLook};
pub use data::{DataCommand, Keep};
pub use file::{FileAudience, FileCommand, FileKind, FileName, FileOwner};
pub use group::GroupCommand;
pub use group_order::{GroupOrder, Order};
pub use import::{FormerId, ImportCommand, ImportedGroup, ImportedRoom};
pub use media::{MediaCommand, NewMedia};
pub use operator::{Deed, OperatorAccount, OperatorCommand, OperatorRole};
pub use people::{FriendNote, MuteChange, PeopleCommand, ProfileChange};
pub use queue::QueueClass;
pub use room::RoomCommand;
pub use told::{EventFamilies, EventFamily, ToldCommand};
pub use word::WordCommand;

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
    Label(LabelCommand),
    Account(AccountCommand),
    User(UserCommand),
    People(PeopleCommand),
    Group(GroupCommand),
    Send(Send),
    Amend(Amend),
    Push(PushCommand),
    Bridge(BridgeCommand),
    Schedule(ScheduleCommand),
    File(FileCommand),
    Segment(SegmentCommand),
    Mark(MarkCommand),
    Told(ToldCommand),
    Media(MediaCommand),
    GroupOrder(GroupOrder),
    Room(RoomCommand),
    Word(WordCommand),
    Import(ImportCommand),
    Data(DataCommand),
    Operator(OperatorCommand),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SystemCommand {
    /// The daemon starts: positions jump ahead by 2^20.
    Start,
    /// A backup was restored: positions jump ahead by 2^32, and the ids of groups and rooms by 2^20.
    Restored,
    /// Cuts the log of one class below `below`, at most 10,000 rows; the answer says whether rows are left.
    Cut { app: AppNumber, class: Class, below: Position },
    /// Removes expired cids, tokens and push states, at most 1,000 rows.
    Expire,
    /// Removes presence that has been kept for long enough, at most 1,000 rows.
    CutPresence { app: AppNumber },
    /// These devices of a chunk of 4,096 were not seen for long, as a snapshot of `as_of_ms` says: no push is for them
    /// until they are seen again. The others of the chunk are not dormant.
    SetDormant { app: AppNumber, chunk: u32, devices: Vec<DeviceNumber>, as_of_ms: TimeMs },
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
    /// Changes what the operator lets the app's servers do.
    ChangeAccess {
        app: AppNumber,
        change: AccessChange,
    },
    /// Refused when another app has the name.
    Rename {
        app: AppNumber,
        name: String,
    },
    /// With what the daemon shows itself to Apple for this app. Takes the place of an earlier one; refused
    /// (`CertificateExists`) when it is the same.
    SetPushCertificate {
        app: AppNumber,
        production: bool,
        certificate: Box<PushCertificate>,
    },
    /// Removing one that is not there is no error.
    RemovePushCertificate {
        app: AppNumber,
        production: bool,
    },
}

/// Each replaces what was said about the same before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessChange {
    Blocked(bool),
    Addresses(Vec<AddressRange>),
    /// Calls in a minute, by family; nothing takes the daemon's setting.
    Rate {
        family: u8,
        per_minute: Option<u32>,
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
    /// The same for a device that was at another push service under `former_id`: if what it had there waits here, it gets
    /// that, and keeps the id (`Adopted`). Whoever comes first does; for others, and later, it is as if nothing was said.
    Adopt {
        app: AppNumber,
        former_id: String,
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
    /// What the device tells of itself, instead of all that it told before.
    SetTraits {
        app: AppNumber,
        device: DeviceNumber,
        traits: Traits,
    },
}

/// Changes of tags, aliases and test marks that concern many devices at once. Devices are never taken back, so that
/// callers may look their numbers up first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LabelCommand {
    /// Takes a tag from devices, then gives it to others; at most 1,000 in both lists together. All or nothing.
    ChangeTag { app: AppNumber, tag: String, remove: Vec<DeviceNumber>, add: Vec<DeviceNumber> },
    /// Nobody has the tag any more, at once: its number is retired. What still names the number goes by `ClearTags`.
    DeleteTag { app: AppNumber, tag: String },
    /// Takes the tag from devices of these platforms, a slice of devices from this chunk on; the answer says where to go
    /// on.
    DeleteTagOn { app: AppNumber, tag: String, platforms: Vec<Platform>, from_chunk: u32 },
    /// Removes a slice of what names retired tags; the answer says whether there is more.
    ClearTags { app: AppNumber },
    /// Those that have another alias, or none, stay as they are.
    UnbindAlias { app: AppNumber, alias: String, devices: Vec<DeviceNumber> },
    /// Takes the alias from the devices of these platforms; none named means all.
    DeleteAlias { app: AppNumber, alias: String, platforms: Vec<Platform> },
    /// Makes a device a test device, or renames it.
    SetTestDevice { app: AppNumber, device: DeviceNumber, name: String, must_be_one: bool },
    /// One that is none is left alone.
    RemoveTestDevice { app: AppNumber, device: DeviceNumber },
}

/// Who may call besides apps: groups of apps, and developers. Keys and secrets are 24 hexadecimal digits, made by the
/// caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AccountCommand {
    CreateAppGroup {
        name: String,
        key: String,
        secret: String,
    },
    DeleteAppGroup {
        key: String,
    },
    /// An app that is in it already stays.
    AddToAppGroup {
        key: String,
        app: AppNumber,
    },
    /// An app that is not in it is no error.
    RemoveFromAppGroup {
        key: String,
        app: AppNumber,
    },
    /// Takes a position for a push to a group, and tells its apps. An empty group is refused (`NoTarget`). What the
    /// pushes to the apps become is kept as long as their reports are, counted from the end of their lives. A cid that
    /// was used before gets the first answer again, less the apps that were deleted since.
    PushToAppGroup {
        key: String,
        lives_s: u64,
        cid: Option<String>,
        /// It was issued too long ago for a first use.
        only_repeats: bool,
    },
    CreateDeveloper {
        name: String,
        key: String,
        secret: String,
    },
    /// The developer's apps stay.
    DeleteDeveloper {
        key: String,
    },
    /// The same name and package again give the app that is there; `app_group` is the name of a group that the app joins.
    CreateApp {
        developer: String,
        name: String,
        android_package: String,
        app_group: Option<String>,
        app_key: String,
        master_secret: String,
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
        /// How many devices of this one's kind may be logged in besides it: those that were used longest ago are logged out.
        others_max: u32,
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

impl Actor {
    /// Nobody when it is the app's server.
    pub fn user(self) -> Option<UserNumber> {
        match self {
            Self::Server => None,
            Self::User(user) => Some(user),
        }
    }
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
    /// Of a linked app: `username/appkey`.
    User(String),
    Group(GroupId),
    /// Of a linked app, as an app server names it.
    GroupOf {
        app_key: String,
        group: GroupId,
    },
    Room(RoomId),
    /// The same; only an app server sends there.
    RoomOf {
        app_key: String,
        room: RoomId,
    },
}

/// Takes a message back, changes it, or erases it. The same again is answered as the first time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Amend {
    pub app: AppNumber,
    /// A user may amend what they sent, in a chat that they are in; an app server everything.
    pub by: Actor,
    /// An app server asks in the user's name: whether the user is in the chat is not asked then.
    pub through_server: bool,
    pub message: Position,
    pub what: Amended,
    /// Refused (`TooLateToAmend`) when the message is older than this.
    pub within_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Amended {
    /// Nobody gets the content any more; the record keeps it.
    Retracted,
    Edited(Content),
    /// The record loses its content as well.
    Erased,
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
    /// The same for what else a device tells.
    Reported {
        app: AppNumber,
        device: DeviceNumber,
        what: Reported,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reported {
    /// The notification was shown.
    Shown,
    /// The user acted on the custom message; only the application knows that.
    MessageClicked,
    MessageShown,
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
    /// Who wants to hear what becomes of it on each device.
    pub callback: Option<Callback>,
    /// Those who do not receive it get a text message.
    pub sms: Option<SmsOrder>,
    /// Echoed in the answer, and again when the cid is repeated.
    pub sendno: String,
    /// Devices connected when a push without lifetime was accepted; ignored for others.
    pub connected: Vec<DeviceNumber>,
    /// Idempotency: a repeat within 24 hours of the first success gives the first answer.
    pub cid: Option<String>,
    /// The cid was given out so long ago that it is good for a repeat alone; otherwise refused (`CidExpired`).
    pub only_repeats: bool,
    /// How many pushes to all the app may send on a day, where that is limited; refused (`TooManyBroadcasts`) above it.
    pub broadcasts: Option<BroadcastLimit>,
    pub validate_only: bool,
    /// The push to an app group that this is a part of.
    pub group_push: Option<Position>,
}

/// See [`Submit::broadcasts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastLimit {
    /// Since 1970, on the operator's wall clock.
    pub day: i64,
    pub most: u32,
}

/// Kinds present are intersected; an empty list means that the kind is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    All,
    Selected(Selection),
    /// Those of an uploaded list. Refused (`FileUnknown`) when the app has no such list to use.
    File(FileAudience),
    /// Those that show the live activity of this name, as their tokens say.
    Activity(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    pub tag: Vec<String>,
    pub tag_and: Vec<String>,
    pub tag_not: Vec<String>,
    pub alias: Vec<String>,
    /// Unknown ids are skipped, except that a single unknown id refuses the push (`RegistrationIdUnknown`).
    pub registration_id: Vec<String>,
    /// An unknown one refuses the push (`SegmentUnknown`); of several a device must be in each.
    pub segment: Vec<SegmentId>,
}

/// Names and rules were checked at the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SegmentCommand {
    Create { app: AppNumber, name: String, conditions: Vec<Condition> },
    Delete { app: AppNumber, segment: SegmentId },
}

/// A push that is sent later, once or again and again. When, is found out where time zones are known; here only the
/// moments count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ScheduleCommand {
    Create(Box<NewSchedule>),
    /// Refused when it is over, or when it changed since it was read (`revision`).
    Update {
        app: AppNumber,
        schedule: ScheduleId,
        revision: u64,
        content: Box<ScheduleContent>,
        due_ms: TimeMs,
    },
    Delete {
        app: AppNumber,
        schedule: ScheduleId,
    },
    /// Submits the push and moves the schedule on, both or neither. Refused when this due time was dealt with before.
    Fire(Box<Fire>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewSchedule {
    pub app: AppNumber,
    pub content: ScheduleContent,
    /// The first firing.
    pub due_ms: TimeMs,
    /// Becomes half of the id.
    pub random: [u8; 8],
    /// Refused when the app has so many with a firing ahead.
    pub open_max: u32,
    /// Idempotency: a repeat within 24 hours of the first success gives the first answer.
    pub cid: Option<String>,
    /// As for a push.
    pub only_repeats: bool,
}

/// Trigger and push are texts that the store does not look into; they are shown as they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleContent {
    pub name: String,
    pub is_enabled: bool,
    pub trigger: String,
    pub push: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fire {
    pub app: AppNumber,
    pub schedule: ScheduleNumber,
    /// Of the content that `act` was made from.
    pub revision: u64,
    /// The moment that is dealt with.
    pub due_ms: TimeMs,
    /// The firing after it; nothing ends the schedule.
    pub next_ms: Option<TimeMs>,
    pub act: FireAct,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FireAct {
    Push(Box<Submit>),
    /// The push cannot be submitted (any more), in the words of the push API.
    Invalid {
        code: u32,
        message: String,
    },
    /// It is too late; so many firings are left out.
    Missed {
        count: u32,
    },
    /// It is switched off: nothing is sent and nothing recorded.
    PassOver,
}

/// Coalesced; repeated until confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MarkCommand {
    /// How far a user's device has stored its chats.
    ChatCursor { app: AppNumber, user: UserNumber, device: DeviceNumber, position: Position },
    /// How far a device has stored its pushes (a release position).
    PushCursor { app: AppNumber, device: DeviceNumber, position: Position },
    /// These devices were connected at `seen_ms`. At most 4,096, all of one chunk (their numbers divided by 4,096).
    Present { app: AppNumber, seen_ms: TimeMs, devices: Vec<DeviceNumber> },
    /// On these devices the application was in front then.
    Active { app: AppNumber, seen_ms: TimeMs, devices: Vec<DeviceNumber> },
    /// How often and how long it was used then, by platform. The only mark that adds up: told twice, it counts twice.
    Used { app: AppNumber, at_ms: TimeMs, uses: Vec<(Platform, Use)> },
    /// Devices that were connected when each push was released to them. At most 256 pairs of push and chunk.
    Reached { app: AppNumber, pushes: Vec<(Position, Vec<DeviceNumber>)> },
    /// These users were logged in over a link at `seen_ms`. At most 4,096, all of one chunk, like devices.
    LoggedIn { app: AppNumber, seen_ms: TimeMs, users: Vec<UserNumber> },
    /// The user has read these chats up to these positions, as this device says. At most 100.
    Read { app: AppNumber, user: UserNumber, device: DeviceNumber, marks: Vec<(Target, Position)> },
    /// The user has read these messages, which asked for receipts. At most 100.
    ReadMessages { app: AppNumber, user: UserNumber, messages: Vec<Position> },
}
