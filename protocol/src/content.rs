//! What a chat message or a push contains.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::extension::{Extensions, tag};
use crate::ids::{GroupId, Position};
use crate::{limits, varint};

/// The kind of a message's content: an open enumeration, so that an old client can show "update the app".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentKind(pub u8);

impl ContentKind {
    /// `body` is the text itself.
    pub const TEXT: Self = Self(1);
    /// From here on `body` is the JSON object that JMessage calls `msg_body`.
    pub const IMAGE: Self = Self(2);
    pub const VOICE: Self = Self(3);
    pub const FILE: Self = Self(4);
    pub const VIDEO: Self = Self(5);
    pub const LOCATION: Self = Self(6);
    pub const CUSTOM: Self = Self(7);
    /// Made by the server only: `body` is an encoded [`GroupEvent`].
    pub const EVENT: Self = Self(32);
    /// A message that was taken back or erased, in its old place; `body` is empty. Made by the server only.
    pub const RETRACTED: Self = Self(33);
    /// Tells that an earlier message was changed: `body` is an encoded [`Amendment`]. Made by the server only.
    pub const AMENDED: Self = Self(34);
    /// What the server tells one user in the chat of notices: `body` is an encoded [`Notice`]. Made by the server only.
    pub const NOTICE: Self = Self(36);

    /// May a client or an app server send it? Events are the server's own.
    pub fn is_sendable(self) -> bool {
        (Self::TEXT.0..=Self::CUSTOM.0).contains(&self.0)
    }
}

/// The content of a message, as the sender gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub kind: ContentKind,
    #[serde(with = "crate::wire::bytes")]
    pub body: Vec<u8>,
    pub extensions: Extensions,
}

impl Content {
    pub fn text(text: &str) -> Self {
        Self { kind: ContentKind::TEXT, body: text.as_bytes().to_vec(), extensions: Extensions::default() }
    }

    /// What stands in the place of a message that was taken back.
    pub fn retracted() -> Self {
        Self { kind: ContentKind::RETRACTED, body: Vec::new(), extensions: Extensions::default() }
    }

    /// Only for receivers who are connected when it is accepted?
    pub fn is_live_only(&self) -> bool {
        self.extensions.value(tag::NO_OFFLINE).is_some()
    }

    /// May a sleeping device be woken for it?
    pub fn may_wake(&self) -> bool {
        !self.is_live_only() && self.extensions.value(tag::NO_NOTIFICATION).is_none()
    }

    /// By how much it raises the unread count of whoever did not write it. What the server tells counts as nothing, and so
    /// does what was taken back.
    pub fn unread_weight(&self) -> u32 {
        if self.kind.0 >= ContentKind::EVENT.0 {
            return 0;
        }
        let Some(value) = self.extensions.value(tag::MESSAGE_COUNT) else { return 1 };
        match varint::read(value) {
            varint::Read::Value(count, _) => count.min(limits::MESSAGE_COUNT_MAX.into()) as u32,
            varint::Read::Incomplete | varint::Read::Invalid => 1,
        }
    }

    /// Does its sender want to know who has read it?
    pub fn needs_receipt(&self) -> bool {
        self.extensions.value(tag::NEEDS_RECEIPT).is_some()
    }

    /// The text of a text message; nothing for other kinds or when the bytes are not UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        if self.kind == ContentKind::TEXT { core::str::from_utf8(&self.body).ok() } else { None }
    }
}

/// What happened in a group, told to its members inside the conversation.
///
/// Numbers of kinds follow the JMessage event types (8 created, 9 left or dissolved, 10 added, 11 removed, 12 changed, …).
/// What a kind has to say besides stands in the content's extensions: see [`crate::group_details`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEvent {
    pub kind: GroupEventKind,
    /// Who did it; empty when an app server did.
    pub by: String,
    /// Whom it concerns.
    #[serde(deserialize_with = "crate::wire::list::<{ crate::limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub users: Vec<String>,
    /// The new owner, where leaving or removing changed it; else empty.
    pub new_owner: String,
}

impl GroupEvent {
    /// The body of a content of kind [`ContentKind::EVENT`].
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory cannot fail, and every field is of a kind that postcard knows.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads the body of such a content; nothing when it is no event of this version.
    pub fn from_bytes(body: &[u8]) -> Option<Self> {
        postcard::from_bytes(body).ok()
    }
}

/// What the server tells one user, on all devices, in the chat of notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub kind: NoticeKind,
    /// What of the kind, by the number that JMessage calls `extra`; 0 where it has none.
    pub detail: u8,
    /// Who did it; empty when an app server did.
    pub by: String,
    /// Whom it concerns, beside the reader.
    #[serde(deserialize_with = "crate::wire::list::<{ crate::limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub users: Vec<String>,
    /// The group that it is about; 0 for none.
    pub group: GroupId,
    /// A reason, in the words of whoever did it; else empty.
    pub text: String,
    /// Of a request to join a group: its number, by which it is answered; 0 otherwise.
    pub request: Position,
    pub extensions: Extensions,
}

impl Notice {
    /// The body of a content of kind [`ContentKind::NOTICE`].
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory cannot fail, and every field is of a kind that postcard knows.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads the body of such a content; nothing when it is none of this version.
    pub fn from_bytes(body: &[u8]) -> Option<Self> {
        postcard::from_bytes(body).ok()
    }

    /// Says which messages were read, in order of their positions.
    pub fn with_read_messages(self, messages: &[Position]) -> Self {
        let (mut value, mut last) = (Vec::new(), 0);
        for message in messages {
            varint::write(message.0.saturating_sub(last), &mut value);
            last = message.0;
        }
        Self { extensions: self.extensions.with(tag::READ_MESSAGES, value), ..self }
    }

    /// The messages that were read; empty in notices of other kinds.
    pub fn read_messages(&self) -> Vec<Position> {
        let mut rest = self.extensions.value(tag::READ_MESSAGES).unwrap_or_default();
        let (mut messages, mut last) = (Vec::new(), 0u64);
        while let varint::Read::Value(step, taken) = varint::read(rest)
            && messages.len() < limits::MARKS_PER_FRAME_MAX
        {
            last = last.saturating_add(step);
            messages.push(Position(last));
            rest = &rest[taken..];
        }
        messages
    }
}

/// An open enumeration of notices; numbers are those of the JMessage events, as are those of the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeKind(pub u8);

impl NoticeKind {
    /// A friend request (detail 1), one that was accepted (2) or refused (3).
    pub const FRIEND_REQUEST: Self = Self(5);
    /// Somebody ended a friendship with the reader.
    pub const FRIEND_REMOVED: Self = Self(6);
    /// An app server made friends or changed notes.
    pub const FRIENDS_CHANGED: Self = Self(7);
    /// An app server changed the reader's own do-not-disturb, blacklist, shields, profile.
    pub const MUTES_SET: Self = Self(37);
    pub const BLACKLIST_SET: Self = Self(38);
    pub const SHIELDS_SET: Self = Self(39);
    pub const PROFILE_SET: Self = Self(40);
    /// Somebody wants to join a group or was invited to it: its owner and admins decide.
    pub const JOIN_REQUEST: Self = Self(56);
    /// The reader's request, or the one for somebody that the reader invited, was refused.
    pub const JOIN_REFUSED: Self = Self(57);
    /// Another admin decided.
    pub const JOIN_DECIDED: Self = Self(58);
    /// The reader changed friends (detail 5 added, 6 removed, 7 note) on one of their devices.
    pub const OWN_FRIENDS: Self = Self(100);
    /// The reader's blacklist (1 added, 2 removed).
    pub const OWN_BLACKLIST: Self = Self(101);
    /// Do-not-disturb (31 and 32 of a user, on and off; 33 and 34 of a group; 35 and 36 of everything).
    pub const OWN_MUTES: Self = Self(102);
    /// Shields of groups (1 and 2).
    pub const OWN_SHIELDS: Self = Self(103);
    /// The reader's profile.
    pub const OWN_PROFILE: Self = Self(104);
    /// The reader marked messages as read that asked for receipts; which, [`Notice::read_messages`] says.
    pub const OWN_READS: Self = Self(201);
}

/// What became of an earlier message of the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// The message's.
    pub position: Position,
    pub kind: AmendmentKind,
    /// Who did it; empty when an app server did.
    pub by: String,
    /// What stands there from now on, where it was edited.
    pub content: Option<Content>,
}

impl Amendment {
    /// The body of a content of kind [`ContentKind::AMENDED`].
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory cannot fail, and every field is of a kind that postcard knows.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Reads the body of such a content; nothing when it is none of this version.
    pub fn from_bytes(body: &[u8]) -> Option<Self> {
        postcard::from_bytes(body).ok()
    }
}

/// An open enumeration of what can become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AmendmentKind(pub u8);

impl AmendmentKind {
    /// Taken back by its sender or an app server.
    pub const RETRACTED: Self = Self(1);
    pub const EDITED: Self = Self(2);
    /// Removed from the store as well.
    pub const ERASED: Self = Self(3);
}

/// An open enumeration of group events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupEventKind(pub u8);

impl GroupEventKind {
    pub const CREATED: Self = Self(8);
    pub const LEFT: Self = Self(9);
    pub const ADDED: Self = Self(10);
    pub const REMOVED: Self = Self(11);
    pub const CHANGED: Self = Self(12);
    /// A member was silenced, or may speak again.
    pub const SILENCE: Self = Self(65);
    pub const DISSOLVED: Self = Self(69);
    pub const ADMINS: Self = Self(80);
    pub const OWNER: Self = Self(82);
    /// Private or public.
    pub const TYPE: Self = Self(83);
    pub const ANNOUNCED: Self = Self(86);
    pub const ANNOUNCEMENT_DELETED: Self = Self(87);
    pub const ANNOUNCEMENT_PINNED: Self = Self(88);
    pub const BANNED: Self = Self(89);
    pub const UNBANNED: Self = Self(90);
    /// From 200 on the numbers are Anser's own: these events have none in JMessage that fits here.
    pub const NICKNAME: Self = Self(220);
    /// How many members the group may have (JMessage 11002).
    pub const MAXIMUM: Self = Self(221);
}

/// What a push carries to one device, already resolved for the device's platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushContent {
    pub notification: Option<Notification>,
    pub message: Option<CustomMessage>,
}

/// A notification. JSON texts are objects, or empty when the sender gave none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub alert: String,
    pub title: String,
    /// JSON object of the sender's own keys.
    pub extras: String,
    /// JSON object of the platform block's remaining members (sound, badge, channel, intent, …).
    pub options: String,
}

/// A custom message: handed to the application, never shown by the SDK.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomMessage {
    pub content: String,
    pub title: String,
    pub content_type: String,
    pub extras: String,
}

/// Kinds of devices, of which a user may be logged in on so many each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeviceKind {
    Phone,
    /// Also what is no platform of the push API.
    Computer,
    Browser,
}

/// The platform of a device: an open enumeration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Platform(pub u8);

impl Platform {
    /// Anything that is not one of the push API's platforms; a push to `all` reaches it.
    pub const OTHER: Self = Self(0);
    pub const ANDROID: Self = Self(1);
    pub const IOS: Self = Self(2);
    pub const WINPHONE: Self = Self(3);
    pub const QUICKAPP: Self = Self(4);
    pub const HMOS: Self = Self(5);
    pub const WEB: Self = Self(6);
    pub const DESKTOP: Self = Self(7);

    /// The names of the push REST API; the last two are ours, for devices that it does not know.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::ANDROID, "android"),
        (Self::IOS, "ios"),
        (Self::WINPHONE, "winphone"),
        (Self::QUICKAPP, "quickapp"),
        (Self::HMOS, "hmos"),
        (Self::WEB, "web"),
        (Self::DESKTOP, "desktop"),
    ];

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(platform, _)| *platform == self).map_or("other", |(_, name)| name)
    }

    pub fn device_kind(self) -> DeviceKind {
        match self {
            Self::WEB => DeviceKind::Browser,
            Self::ANDROID | Self::IOS | Self::WINPHONE | Self::QUICKAPP | Self::HMOS => DeviceKind::Phone,
            _ => DeviceKind::Computer,
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(platform, _)| *platform)
    }
}
