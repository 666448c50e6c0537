//! Pushes and the labels that choose them: delivery, reports, tags, alias.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::content::PushContent;
use crate::extension::{Extensions, tag};
use crate::ids::{Position, TimeMs};
use crate::limits;
use crate::wire;

/// A push for this device. `after` is the release to which this link's previous push delivery led.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushDeliver {
    pub after: Position,
    /// The release: where the cursor stands once this push is stored.
    pub position: Position,
    /// Names the push everywhere; one device gets it once.
    pub msg_id: Position,
    /// When it was accepted.
    pub at_ms: TimeMs,
    pub content: PushContent,
    pub extensions: Extensions,
}

impl PushDeliver {
    /// The push whose place this one takes: a device that shows it shows this one there instead.
    pub fn replaces(&self) -> Option<Position> {
        postcard::from_bytes(self.extensions.value(tag::REPLACES)?).ok()
    }

    /// The extensions of a push that takes the place of another.
    pub fn replacing(replaces: Option<Position>) -> Extensions {
        let Some(replaces) = replaces else { return Extensions::default() };
        // Writing a number to memory cannot fail.
        Extensions::default().with(tag::REPLACES, postcard::to_allocvec(&replaces).unwrap_or_default())
    }
}

/// A push was taken back: a device that shows it removes it. Only said to devices that are connected; for others the
/// push is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushWithdrawn {
    pub msg_id: Position,
    pub extensions: Extensions,
}

/// No push for this device between `after` and `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushCovered {
    pub after: Position,
    pub to: Position,
}

/// The device has stored its pushes up to `position`; `received` are the msg_ids to be counted as received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAck {
    pub position: Position,
    #[serde(deserialize_with = "wire::list::<{ limits::REPORTS_PER_FRAME_MAX }, _, _>")]
    pub received: Vec<Position>,
    pub extensions: Extensions,
}

/// The user opened these pushes. Repeated until it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushClicked {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::REPORTS_PER_FRAME_MAX }, _, _>")]
    pub pushes: Vec<Position>,
    pub extensions: Extensions,
}

/// What became of pushes on this device, besides their arrival. Repeated until it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushReport {
    pub request: u32,
    pub state: PushState,
    #[serde(deserialize_with = "wire::list::<{ limits::REPORTS_PER_FRAME_MAX }, _, _>")]
    pub pushes: Vec<Position>,
    pub extensions: Extensions,
}

/// An open enumeration of what a device reports about pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PushState(pub u8);

impl PushState {
    /// The user opened the notification: the same as a `PushClicked`.
    pub const CLICKED: Self = Self(2);
    /// The notification was shown.
    pub const SHOWN: Self = Self(3);
    /// The user acted on what the application made of the custom message.
    pub const MESSAGE_CLICKED: Self = Self(4);
    /// The application showed something for the custom message.
    pub const MESSAGE_SHOWN: Self = Self(5);
}

/// The device wants no pushes from now on: they wait for it as for one that has no link. Everything else goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushStop {
    pub request: u32,
    pub extensions: Extensions,
}

/// The device wants its pushes again. The answer comes before the first of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushResume {
    pub request: u32,
    /// As in a hello: what was on its way when the device stopped its pushes was not stored, and comes again.
    pub push_cursor: Option<Position>,
    pub extensions: Extensions,
}

/// The telephone number of this device; empty: none any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mobile {
    pub request: u32,
    pub mobile: String,
    pub extensions: Extensions,
}

/// What to do with labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelAction(pub u8);

impl LabelAction {
    pub const GET: Self = Self(0);
    /// Tags: these and no others. Alias: this one.
    pub const SET: Self = Self(1);
    pub const ADD: Self = Self(2);
    pub const DELETE: Self = Self(3);
}

/// Changes or asks for this device's tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    pub request: u32,
    pub action: LabelAction,
    #[serde(deserialize_with = "wire::list::<{ limits::TAGS_PER_DEVICE_MAX }, _, _>")]
    pub tags: Vec<String>,
    pub extensions: Extensions,
}

/// A part of this device's tags as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagList {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::TAGS_PER_DEVICE_MAX }, _, _>")]
    pub tags: Vec<String>,
    pub extensions: Extensions,
}

/// Sets, deletes or asks for this device's alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    pub request: u32,
    pub action: LabelAction,
    pub alias: String,
    pub extensions: Extensions,
}

/// This device's alias as it is now; empty when it has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasValue {
    pub request: u32,
    pub alias: String,
    pub extensions: Extensions,
}

/// Which bridge a push token is for: an open enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenKind(pub u8);

impl TokenKind {
    /// Apple's service; the token is that of the device in hexadecimal digits.
    pub const APNS: Self = Self(1);
    /// The same of its development environment.
    pub const APNS_SANDBOX: Self = Self(2);
    /// Firebase; the token is the registration token.
    pub const FCM: Self = Self(3);
    /// A browser's own service; the token is the subscription as JSON (endpoint, keys).
    pub const WEB_PUSH: Self = Self(4);
    /// A phone vendor's channel; the token is the vendor's name, a colon, and the vendor's token.
    pub const VENDOR: Self = Self(5);
    /// Apple's service for calls; the token is that of PushKit in hexadecimal digits.
    pub const APNS_CALL: Self = Self(6);
    pub const APNS_CALL_SANDBOX: Self = Self(7);
    /// A live activity that runs; the token is the application's name for it, a colon, and its token in hexadecimal digits.
    pub const APNS_ACTIVITY: Self = Self(8);
    pub const APNS_ACTIVITY_SANDBOX: Self = Self(9);
    /// Live activities that are yet to be started; the token is the type of their attributes, a colon, and the token.
    pub const APNS_ACTIVITY_START: Self = Self(10);
    pub const APNS_ACTIVITY_START_SANDBOX: Self = Self(11);

    /// Apple's service for notifications, in both of its environments.
    pub const OF_APNS: [Self; 2] = [Self::APNS, Self::APNS_SANDBOX];
    /// Of which a device has one: where it is shown notifications.
    pub const OF_NOTICES: [Self; 5] = [Self::APNS, Self::APNS_SANDBOX, Self::FCM, Self::WEB_PUSH, Self::VENDOR];
    pub const OF_CALLS: [Self; 2] = [Self::APNS_CALL, Self::APNS_CALL_SANDBOX];
    pub const OF_ACTIVITIES: [Self; 4] = [
        Self::APNS_ACTIVITY,
        Self::APNS_ACTIVITY_SANDBOX,
        Self::APNS_ACTIVITY_START,
        Self::APNS_ACTIVITY_START_SANDBOX,
    ];
    pub const OF_ACTIVITY_STARTS: [Self; 2] = [Self::APNS_ACTIVITY_START, Self::APNS_ACTIVITY_START_SANDBOX];

    pub fn is_known(self) -> bool {
        (Self::APNS..=Self::APNS_ACTIVITY_START_SANDBOX).contains(&self)
    }

    /// Apple's environment for development.
    pub fn is_sandbox(self) -> bool {
        [Self::APNS_SANDBOX, Self::APNS_CALL_SANDBOX, Self::APNS_ACTIVITY_SANDBOX, Self::APNS_ACTIVITY_START_SANDBOX]
            .contains(&self)
    }
}

/// Where this device can be reached while it has no link. An empty token takes back what it said before: of the kinds 1 to 5
/// it has one, of calls, running activities and activities to start one each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushToken {
    pub request: u32,
    pub kind: TokenKind,
    pub token: String,
    pub extensions: Extensions,
}

/// What this device's icon shows now, so that a push can say one more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Badge {
    pub request: u32,
    pub badge: u32,
    pub extensions: Extensions,
}

/// How the application was used on this device since the last such report that was answered. Sums, so that an answer that
/// was lost is no reason to count twice: what is repeated has the same `number`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    pub request: u32,
    /// Names the report: any number but that of the device's report before.
    pub number: u64,
    /// How often it came to the front.
    pub opens: u32,
    /// For how many seconds it was in front.
    pub seconds: u32,
    pub extensions: Extensions,
}
