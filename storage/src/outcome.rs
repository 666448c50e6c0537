//! What became of a command: an answer or a refusal, and what was appended to which chain.

use std::sync::Arc;

use anser_protocol::content::{Amendment, Content, GroupEvent, Notice, Platform, PushContent};
use anser_protocol::group_details::GroupDetails;
use anser_protocol::ids::{GroupId, OutboxNumber, Position, RoomId, TimeMs};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

mod room;
pub use room::{RoomEvent, RoomNews, RoomRefusal};

use crate::ids::{AppNumber, ChainNumber, DeviceNumber, FileId, ScheduleId, SegmentId, UserNumber};
use crate::rows::chat::Chat;
use crate::rows::media::BodyHash;

#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub answer: Result<Answer, Refusal>,
    /// In position order; also present with a refusal, where something became true nevertheless.
    pub appended: Vec<Appended>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Done,
    /// A sliced command has rows left: send it again.
    Continue,
    /// The same, from this chunk of devices on.
    ContinueFrom {
        chunk: u32,
    },
    App(AppNumber),
    /// `is_new`: it was not there before.
    DeveloperApp {
        app: AppNumber,
        is_new: bool,
    },
    /// In the order in which they were added; a position without a record names the push.
    AppGroup {
        msg_id: Position,
        apps: Vec<AppNumber>,
    },
    Device {
        device: DeviceNumber,
        is_new: bool,
    },
    /// A device that waited under the registration id that it had elsewhere, and has it now.
    Adopted {
        device: DeviceNumber,
    },
    /// What was brought along is here, as the group or room of this number if it is one; by name, what is not, and why.
    Imported {
        number: u32,
        left_out: Vec<(String, Refusal)>,
    },
    /// In the order of the command.
    Users(Vec<Result<UserNumber, Refusal>>),
    /// Whom it was about. `is_complete` is false when the command has more to do: send it again.
    People {
        users: Vec<UserNumber>,
        is_complete: bool,
    },
    /// The devices on which the user was logged out for it.
    LoggedIn {
        ended: Vec<DeviceNumber>,
    },
    Group(GroupId),
    /// The announcement's id.
    Announced(Position),
    /// A request to join waits for the owner or an admin, under this number.
    Asked(Position),
    Room(RoomId),
    /// `is_repeat`: this outbox number had been accepted before, and this is the first answer again.
    Sent {
        position: Position,
        at_ms: TimeMs,
        is_repeat: bool,
    },
    /// Where the record stands that tells of it.
    Amended {
        told_at: Position,
        is_repeat: bool,
    },
    /// `sendno` is the first one's when the cid was repeated.
    Pushed {
        msg_id: Position,
        sendno: String,
        targets: u64,
    },
    /// `name` is the first one's when the cid was repeated.
    Scheduled {
        schedule: ScheduleId,
        name: String,
    },
    /// In the order of the command's devices.
    Badges(Vec<u32>),
    Segment(SegmentId),
    /// What was recorded; nothing for a schedule that is switched off.
    Fired(Option<Firing>),
    File(FileId),
    /// Bodies of media that nothing of the app has any more: their files may go.
    MediaFreed(Vec<BodyHash>),
}

/// What became of one due time of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    pub due_ms: TimeMs,
    pub at_ms: TimeMs,
    pub result: FiringResult,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FiringResult {
    Pushed {
        msg_id: Position,
    },
    NoTarget {
        msg_id: Position,
    },
    RegistrationIdUnknown,
    NothingToPush,
    /// The operator has blocked the app.
    AppBlocked,
    /// In the words of the push API.
    Invalid {
        code: u32,
        message: String,
    },
    /// So many firings were left out because they came too late; the due time is that of the first.
    Missed {
        count: u32,
    },
    /// Refused for another reason.
    Refused,
    /// The list of devices was not there any more.
    FileUnknown,
    /// The app had sent as many pushes to all as it may on a day.
    TooManyBroadcasts,
}

/// Why a command was not carried out: a domain reason. The edges map it to a wire code or a REST code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    AppUnknown,
    AppNameTaken,
    AppKeyTaken,
    /// Of an app group or a developer.
    AccountNameTaken,
    AccountKeyTaken,
    AccountUnknown,
    TooManyAccounts,
    AppGroupFull,
    RegistrationIdTaken,
    RegistrationIdUnknown,
    DeviceUnknown,
    SegmentUnknown,
    TooManySegments,
    TooManyTags,
    NotATestDevice,
    TooManyTestDevices,
    /// An alias is bound to at most 10 devices (JPush 7015).
    AliasFull,
    UserExists,
    UserUnknown {
        username: String,
    },
    /// A send to oneself is allowed; this is the sender itself being gone.
    SenderUnknown,
    PasswordChanged,
    /// There is no app with the key that a name or call gives.
    OtherAppUnknown,
    /// The operator has not put the two apps into one app group.
    AppsNotLinked,
    /// The receiver has blocked the sender.
    Blocked,
    /// The app's server was asked before the store was, and says no.
    AppServerRefused {
        message: String,
    },
    /// It is so already: with the user or group of this name, if one was named.
    /// The cid was given out more than a day ago, and nothing was done under it.
    CidExpired,
    /// As many pushes to all as the app may send on a day were sent today.
    TooManyBroadcasts,
    AlreadySo {
        relation: Relation,
        name: String,
    },
    NotSo {
        relation: Relation,
        name: String,
    },
    /// This user has as many as a user may have.
    TooManyRelations {
        relation: Relation,
        username: String,
    },
    /// Nobody blocks an admin.
    AdminProtected {
        username: String,
    },
    /// Users are related to others, not to themselves.
    OneSelf,
    /// Devices of this app may not register users.
    RegistrationClosed,
    /// The operator lets the user neither log in nor send.
    UserDisabled,
    GroupUnknown,
    NotAMember,
    NotTheOwner,
    AlreadyAMember {
        username: String,
    },
    MemberUnknown {
        username: String,
    },
    GroupFull,
    GroupQuotaFull {
        username: String,
    },
    /// The asker's rank in the group does not allow it, or the rank of whom it is about.
    NotPermitted,
    /// These may not be removed by the asker, an admin.
    Protected {
        username: String,
    },
    /// Whom the order is about is not in the group.
    TargetNotInGroup {
        username: String,
    },
    /// On the group's blacklist.
    Banned {
        username: String,
    },
    BansFull,
    TooManyGroupAdmins,
    /// A group's maximum that is out of range.
    BadMaximum,
    /// The sender is silenced in the group.
    Silenced,
    /// A time of silence that is out of range.
    SilenceTime,
    AnnouncementTooLong,
    AnnouncementUnknown,
    /// A member applies to join.
    AlreadyJoined {
        username: String,
    },
    /// Only public groups take applications.
    NotPublic,
    AskedAlready {
        username: String,
    },
    JoinAnswered,
    JoinUnknown,
    TooManyJoinRequests,
    /// The outbox number is older than the window, or a later message of the sender to the same chat was accepted:
    /// refused for good.
    OutboxTooOld,
    /// There is no such message, or it is none (an event), or the user is not in its chat.
    MessageUnknown,
    NotTheSender,
    /// It was taken back or erased before.
    AlreadyRetracted,
    TooLateToAmend,
    /// The message has this word, which the app does not let through.
    SensitiveWord {
        word: String,
    },
    TooManyWords,
    /// Nobody matches the audience; the push was given an id all the same.
    NoTarget {
        msg_id: Position,
    },
    NothingToPush,
    ScheduleUnknown,
    /// No firing of it lies ahead.
    ScheduleOver,
    /// It was changed or fired since it was read.
    ScheduleChanged,
    /// This due time was dealt with before.
    AlreadyFired,
    TooManySchedules,
    /// The push that was named does not exist, or is too old to be changed.
    PushUnknown,
    /// The app has as many unfinished slow pushes as it may (JPush 1012).
    TooManySlowPushes,
    /// There is no such file that the caller may use, or it has expired.
    FileUnknown,
    TooManyFiles,
    /// There is none of this name that the caller may change.
    MediaUnknown,
    /// The app keeps as much as it may.
    MediaQuotaFull,
    OperatorExists,
    OperatorUnknown,
    /// Others are left, and nobody could manage them.
    LastOwner,
    /// The link for the first operator was used, or is too old, or is none.
    SetUpOver,
    /// Nobody's data are being erased under this number.
    ErasureUnknown,
    /// Exactly this certificate is kept already.
    CertificateExists,
    /// Of a chat room.
    Room(RoomRefusal),
    /// The command made the store panic, or met a damaged row; the batch went on without it.
    Internal,
}

/// What a user can have to do with another user, or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Blocked,
    MutedUser,
    MutedGroup,
    MutedEverything,
    Shielded,
    Friend,
    /// Asked to be friends, and no answer yet.
    FriendRequest,
}

/// One record, as the switchboard needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Appended {
    pub app: AppNumber,
    pub position: Position,
    pub at_ms: TimeMs,
    pub route: Route,
}

/// Whom a record concerns.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    Single {
        chain: ChainNumber,
        from: UserNumber,
        from_name: Arc<str>,
        to: UserNumber,
        to_name: Arc<str>,
        message: Arc<Message>,
    },
    Group {
        chain: ChainNumber,
        group: GroupId,
        from_name: Arc<str>,
        from: Option<UserNumber>,
        message: Arc<Message>,
        /// In order of their numbers: exactly those who may see this record.
        members: Arc<[UserNumber]>,
        change: MemberChange,
    },
    /// The user's read marks moved. It has a position but no record.
    Read { user: UserNumber, by: DeviceNumber, marks: Arc<[ReadMark]> },
    /// So many have not read messages of this user. It has a position but no record.
    Receipts { user: UserNumber, receipts: Arc<[ReceiptState]> },
    /// What one user is told.
    Notice { chain: ChainNumber, user: UserNumber, message: Arc<Message> },
    /// A release to named devices, by (device number, registration's platform).
    Devices { push: Arc<Push>, devices: Vec<DeviceNumber> },
    /// A release on the app's broadcast chain.
    Broadcast { push: Arc<Push>, devices: Arc<RoaringBitmap> },
    /// A push that was released to these devices was withdrawn. It has a position but no record: only those who are
    /// connected are told, others find the push gone.
    Withdrawn { push: Position, devices: Arc<RoaringBitmap> },
    /// Something in a chat room.
    Room { room: RoomId, news: RoomNews },
}

/// How far a user has read a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadMark {
    pub chat: Chat,
    /// Of the other user of a single chat; else empty.
    pub name: Arc<str>,
    pub position: Position,
}

/// How many have not read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptState {
    /// As its sender sees it.
    pub chat: Chat,
    /// Of the other user of a single chat; else empty.
    pub name: Arc<str>,
    pub message: Position,
    pub unread: u32,
    /// When that number last changed.
    pub at_ms: TimeMs,
}

/// Users who come or go with a group's record; both still get the record itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChange {
    pub joined: Vec<UserNumber>,
    pub left: Vec<UserNumber>,
}

/// A message or event as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub seq: u64,
    pub body: MessageBody,
    /// The device and outbox number that it came from, if a device sent it.
    pub sent_by: Option<(DeviceNumber, OutboxNumber)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageBody {
    Content(Content),
    Event(GroupEvent),
    Amendment(Amendment),
    Notice(Notice),
    Change(Box<GroupChange>),
}

/// An event of a group with what its kind has to say besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    pub event: GroupEvent,
    pub details: GroupDetails,
}

/// What a member is in a group; the higher may do what the lower may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Member,
    Admin,
    Owner,
}

/// A push's payload with its state, as a delivery needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    pub msg_id: Position,
    pub expires_ms: TimeMs,
    pub contents: Vec<(Platform, PushContent)>,
    /// A device that shows this one shows the new one in its place.
    pub replaces: Option<Position>,
}
