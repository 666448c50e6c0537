//! What Anser remembers and decides: commands in, outcomes out, queries; redb behind one narrow module.
//!
//! Knows no connection, no HTTP and no async runtime. `FORMAT.md` beside this crate describes every table and key.
//!
//! - What goes in and comes out: [`command`], [`outcome`], [`ids`].
//! - The owner: [`Store`] applies batches of commands; `apply` holds the rules, `checkpoint` and `recover` the heads.
//!   [`Writer`] is the thread around it.
//! - The readers: [`Reader`] hands out [`Snapshot`]s.
//! - On disk: `table` lists the tables, `rows` what is in them, `row` how a value lies there, [`disk`] the file.

pub mod command;
pub mod crash_point;
pub mod ids;
pub mod media;
pub mod outcome;
pub mod segment;

mod error;
mod options;
pub use error::{OpenError, ReadError, StoreError};
pub use options::{Options, QuickRepair};

mod store;
pub use store::{Space, Stats, Store};
mod apply;
mod checkpoint;
mod content_hash;
mod recover;
mod shared;

mod writer;
pub use writer::{
    Answered, BatchDone, OnAppended, OnBatch, QueueFull, Writer, WriterHandle, WriterHealth, WriterOptions,
};

mod across;
mod find;
mod snapshot;
mod word_filter;
pub use rows::account::{AppGroup, Developer, DeveloperApp};
pub use rows::app::{Access, AddressRange, App};
pub use rows::bridge::{Channel, PushToken};
pub use rows::callback::{Callback, CallbackEvent, CallbackKind};
pub use rows::certificate::PushCertificate;
pub use rows::chat::{Chat, ConversationKind, Window, WindowKind};
pub use rows::data::{AppRetention, Erasure};
pub use rows::followup::{FollowupId, FollowupKind, FollowupState, SmsOrder};
pub use rows::group::Group;
pub use rows::import::WaitingDevice;
pub use rows::media::{BodyHash, Media, MediaContent, MediaSpace};
pub use rows::message_count::{HourCounts, HourSet, MessageKinds};
pub use rows::meta::FORMAT_VERSION;
pub use rows::operator::{AuditEntry, Operator, OperatorSession, SetUpOffer};
pub use rows::people::{UserClass, UserState};
pub use rows::presence::Use;
pub use rows::push_count::Counted;
pub use rows::room::{Role, Room};
pub use rows::standing::GroupClass;
pub use rows::told::NotedKind;
pub use rows::traits::Segment;
pub use rows::user::{Token, User};
pub use rows::word::{SensitiveWord, WordList};
pub use snapshot::{
    AmendedHow, AppEvent, AppEventKind, AvatarPlace, BridgePush, BridgeRelease, BridgeReleases, ConversationRow,
    ConversationShown, Damage, Delivery, Device, DeviceTrace, DueFollowup, DueSchedule, DueSlice, ErasureSlice, File,
    Finding, FoundEvents, FoundMessages, Friend, GroupPage, GroupPushShown, HistoryPage, JoinRequest, JoinedGroup,
    LinkedPerson, ListedPush, Member, MessageTrace, Messages, Mutes, OwnDevice, OwnMedia, Part, PendingPush,
    PlannedChat, PlatformReport, Presence, Present, PushCounts, PushReport, PushStanding, PushSteps, PushTrace,
    ReadRecord, Reader, Readers, ReceiptPage, Relations, ReportMessage, ReportTarget, ReportUser, RoomMember,
    RoomMemberPage, RoomPage, Schedule, SchedulePage, ScrubPlace, Scrubbed, Silence, SilencePage, SmsTarget,
    SmsTargets, Snapshot, Standing, Stretch, TagShown, TestDeviceShown, Told, UnmentionedMedia, Unread, UsableFile,
    UserPage, Viewer, WaitingCallback, WaitingCallbacks, app_of_row, is_whole_row, media_body_of,
};

pub mod disk;
mod heads;
mod key;
mod room_moves;
mod row;
mod rows;
mod table;
mod tables;
pub use table::Table;
