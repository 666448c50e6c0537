//! The trailing extension list: how a released body gains new things without changing.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A list of (tag, bytes); a reader skips the tags that it does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extensions(
    #[serde(deserialize_with = "crate::wire::list::<{ crate::limits::EXTENSIONS_MAX }, _, _>")] pub Vec<Extension>,
);

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    pub tag: u16,
    #[serde(with = "crate::wire::bytes")]
    pub value: Vec<u8>,
}

/// Tags in use. Numbers are never reused.
pub mod tag {
    /// On a message's content: the `extras` JSON object of a text message.
    pub const EXTRAS: u16 = 1;
    /// On the delivery of a push: the `msg_id` of the push whose place it takes, as a varint.
    pub const REPLACES: u16 = 16;
    /// On a hello: the traits of the device, texts; see [`crate::traits::Traits`].
    pub const APP_VERSION: u16 = 17;
    pub const OS_VERSION: u16 = 18;
    pub const MODEL: u16 = 19;
    pub const LANGUAGE: u16 = 20;
    pub const CHANNEL: u16 = 21;
    /// On a hello, without a value: the device wants no pushes until it resumes them.
    pub const PUSHES_STOPPED: u16 = 24;
    /// On a content that is a group's event: see [`crate::group_details`].
    pub const EVENT_SET: u16 = 40;
    pub const EVENT_UNTIL: u16 = 41;
    pub const EVENT_TYPE: u16 = 42;
    pub const EVENT_MAXIMUM: u16 = 43;
    pub const EVENT_NICKNAMES: u16 = 44;
    pub const EVENT_ANNOUNCEMENT: u16 = 45;
    pub const EVENT_NAME: u16 = 46;
    pub const EVENT_DESCRIPTION: u16 = 47;
    pub const EVENT_AVATAR: u16 = 48;
    /// On a message's content: how it is to be handled; see [`crate::options::SendOptions`]. Without a value.
    pub const NO_OFFLINE: u16 = 50;
    pub const NO_NOTIFICATION: u16 = 51;
    /// Texts.
    pub const NOTICE_TITLE: u16 = 52;
    pub const NOTICE_ALERT: u16 = 53;
    pub const NOTICE_AT_PREFIX: u16 = 54;
    pub const FROM_NAME: u16 = 55;
    /// Without a value.
    pub const NEEDS_RECEIPT: u16 = 56;
    pub const MENTIONS_ALL: u16 = 57;
    /// User names with line feeds between them.
    pub const MENTIONS: u16 = 58;
    /// A varint.
    pub const MESSAGE_COUNT: u16 = 59;
    /// A text.
    pub const TARGET_NAME: u16 = 60;
    /// On a notice that messages were read: their positions, varints, each as the difference to the one before.
    pub const READ_MESSAGES: u16 = 68;
    /// On the hello of a device that is new: the registration id that it had at another push service, a text of 1 to 64
    /// bytes.
    pub const FORMER_REGISTRATION_ID: u16 = 76;
    /// On a login by password: what the app's server signed for the page that logs in, a text of three lines.
    pub const WEB_SIGNATURE: u16 = 77;
}

impl Extensions {
    pub fn value(&self, tag: u16) -> Option<&[u8]> {
        self.0.iter().find(|entry| entry.tag == tag).map(|entry| entry.value.as_slice())
    }

    pub fn with(mut self, tag: u16, value: Vec<u8>) -> Self {
        self.0.push(Extension { tag, value });
        self
    }

    pub fn is_within_limits(&self) -> bool {
        self.0.len() <= crate::limits::EXTENSIONS_MAX
            && self.0.iter().all(|entry| entry.value.len() <= crate::limits::EXTENSION_BYTES_MAX)
    }
}
