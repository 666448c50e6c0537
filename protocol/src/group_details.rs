//! What an event of a group says besides whom it concerns: extensions of its content, so that old clients read the event.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::extension::{Extensions, tag};
use crate::ids::{Position, TimeMs};
use crate::varint;

/// What is not said is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDetails {
    /// Of silence and admins: whether that was set (JMessage 1) or lifted (2); of an announcement: pinned or no more.
    pub is_set: Option<bool>,
    /// When a silence ends by itself.
    pub until_ms: Option<TimeMs>,
    pub is_public: Option<bool>,
    pub maximum: Option<u32>,
    /// Of a member in the group: before and after; empty is none.
    pub nicknames: Option<(String, String)>,
    /// Of a deleted one only the id.
    pub announcement: Option<Announcement>,
    /// The group's, where they changed.
    pub name: Option<String>,
    pub description: Option<String>,
    pub avatar: Option<String>,
}

/// An announcement of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    pub id: Position,
    /// At most 1,024 bytes.
    pub text: String,
    pub publisher: String,
    pub at_ms: TimeMs,
    /// When it was pinned; 0: it is not.
    pub pinned_ms: TimeMs,
}

impl GroupDetails {
    pub fn to_extensions(&self) -> Extensions {
        let mut out = Extensions::default();
        let mut put = |tag, value: Option<Vec<u8>>| {
            if let Some(value) = value {
                out = core::mem::take(&mut out).with(tag, value);
            }
        };
        put(tag::EVENT_SET, self.is_set.map(|is_set| number(if is_set { 1 } else { 2 })));
        put(tag::EVENT_UNTIL, self.until_ms.map(number));
        put(tag::EVENT_TYPE, self.is_public.map(|is_public| number(if is_public { 2 } else { 1 })));
        put(tag::EVENT_MAXIMUM, self.maximum.map(|maximum| number(maximum.into())));
        // Writing to memory cannot fail, and every field is of a kind that postcard knows.
        put(tag::EVENT_NICKNAMES, self.nicknames.as_ref().and_then(|names| postcard::to_allocvec(names).ok()));
        put(tag::EVENT_ANNOUNCEMENT, self.announcement.as_ref().and_then(|shown| postcard::to_allocvec(shown).ok()));
        put(tag::EVENT_NAME, self.name.as_ref().map(|name| name.as_bytes().to_vec()));
        put(tag::EVENT_DESCRIPTION, self.description.as_ref().map(|text| text.as_bytes().to_vec()));
        put(tag::EVENT_AVATAR, self.avatar.as_ref().map(|avatar| avatar.as_bytes().to_vec()));
        out
    }

    /// Reads what can be read; the rest counts as not said.
    pub fn from_extensions(extensions: &Extensions) -> Self {
        let number = |tag| match varint::read(extensions.value(tag)?) {
            varint::Read::Value(value, _) => Some(value),
            _ => None,
        };
        let text = |tag| core::str::from_utf8(extensions.value(tag)?).ok().map(String::from);
        Self {
            is_set: number(tag::EVENT_SET).map(|set| set == 1),
            until_ms: number(tag::EVENT_UNTIL),
            is_public: number(tag::EVENT_TYPE).map(|kind| kind == 2),
            maximum: number(tag::EVENT_MAXIMUM).and_then(|maximum| u32::try_from(maximum).ok()),
            nicknames: extensions.value(tag::EVENT_NICKNAMES).and_then(|bytes| postcard::from_bytes(bytes).ok()),
            announcement: extensions.value(tag::EVENT_ANNOUNCEMENT).and_then(|bytes| postcard::from_bytes(bytes).ok()),
            name: text(tag::EVENT_NAME),
            description: text(tag::EVENT_DESCRIPTION),
            avatar: text(tag::EVENT_AVATAR),
        }
    }
}

fn number(value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint::write(value, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_read_back_and_what_is_broken_was_not_said() {
        let said = GroupDetails {
            is_set: Some(false),
            until_ms: Some(1 << 40),
            is_public: Some(true),
            maximum: Some(2000),
            nicknames: Some(("".into(), "鸿雁".into())),
            announcement: Some(Announcement { id: Position(9), text: "hear".into(), ..Announcement::default() }),
            name: Some("geese".into()),
            description: Some(String::new()),
            avatar: Some("qiniu/image/r/1".into()),
        };
        assert_eq!(GroupDetails::from_extensions(&said.to_extensions()), said);
        assert_eq!(GroupDetails::default().to_extensions(), Extensions::default());
        let broken = Extensions::default().with(tag::EVENT_NAME, [0xff].into()).with(tag::EVENT_UNTIL, [0x80].into());
        assert_eq!(GroupDetails::from_extensions(&broken), GroupDetails::default());
    }
}
