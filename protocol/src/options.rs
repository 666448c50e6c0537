//! How a message is to be handled: what a sender says of it besides its content, as extensions of that content.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::content::Content;
use crate::extension::{Extensions, tag};
use crate::limits::{GUEST_NAME_BYTES_MAX, MESSAGE_COUNT_MAX, MESSAGE_OPTIONS_BYTES_MAX, OPTION_TEXT_BYTES_MAX};
use crate::varint;

/// What a sender can say of a message. The default is what a message without options is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOptions {
    /// A receiver who is not connected when the message is accepted never gets it.
    pub no_offline: bool,
    /// No system notice is shown for it, and no sleeping device is woken.
    pub no_notification: bool,
    /// What the system notice says instead of what it would say.
    pub notice: NoticeOverride,
    /// The sender wants to know who has read it.
    pub needs_receipt: bool,
    /// By how much it raises the receiver's unread count; at most [`MESSAGE_COUNT_MAX`].
    pub count: u32,
    /// How the sender is called in the receiver's notice; empty means: by nickname or name.
    pub from_name: String,
    /// How the sender calls the other side; empty means that nothing was said.
    pub target_name: String,
    /// Who of the group is meant in particular. Only in groups.
    pub mentions: Mentions,
}

/// Texts for the system notice; what is empty stays as it would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeOverride {
    pub title: String,
    pub alert: String,
    /// Stands before the alert for those who are mentioned.
    pub at_prefix: String,
}

/// Whom a message in a group mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mentions {
    #[default]
    Nobody,
    Everybody,
    /// By user names.
    Users(Vec<String>),
}

/// An option cannot be like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOption(pub &'static str);

impl fmt::Display for InvalidOption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl core::error::Error for InvalidOption {}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            no_offline: false,
            no_notification: false,
            notice: NoticeOverride::default(),
            needs_receipt: false,
            count: 1,
            from_name: String::new(),
            target_name: String::new(),
            mentions: Mentions::Nobody,
        }
    }
}

impl Mentions {
    /// Is this user meant in particular?
    pub fn includes(&self, username: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::Users(names) => names.iter().any(|name| name == username),
        }
    }
}

impl SendOptions {
    /// Adds them to a content that has none yet; what is as by default is left out.
    pub fn add_to(&self, content: Content) -> Content {
        let mut extensions = content.extensions;
        let flags = [
            (tag::NO_OFFLINE, self.no_offline),
            (tag::NO_NOTIFICATION, self.no_notification),
            (tag::NEEDS_RECEIPT, self.needs_receipt),
            (tag::MENTIONS_ALL, self.mentions == Mentions::Everybody),
        ];
        for (tag, is_set) in flags {
            if is_set {
                extensions = extensions.with(tag, Vec::new());
            }
        }
        for (tag, text) in [
            (tag::NOTICE_TITLE, &self.notice.title),
            (tag::NOTICE_ALERT, &self.notice.alert),
            (tag::NOTICE_AT_PREFIX, &self.notice.at_prefix),
            (tag::FROM_NAME, &self.from_name),
            (tag::TARGET_NAME, &self.target_name),
        ] {
            if !text.is_empty() {
                extensions = extensions.with(tag, text.as_bytes().to_vec());
            }
        }
        if let Mentions::Users(names) = &self.mentions
            && !names.is_empty()
        {
            extensions = extensions.with(tag::MENTIONS, names.join("\n").into_bytes());
        }
        if self.count != 1 {
            let mut count = Vec::new();
            varint::write(u64::from(self.count), &mut count);
            extensions = extensions.with(tag::MESSAGE_COUNT, count);
        }
        Content { extensions, ..content }
    }

    /// Reads them; fails where one of them breaks a limit, or all of them together do.
    pub fn read(extensions: &Extensions) -> Result<Self, InvalidOption> {
        let bytes: usize =
            extensions.0.iter().filter(|entry| entry.tag != tag::EXTRAS).map(|entry| entry.value.len()).sum();
        if bytes > MESSAGE_OPTIONS_BYTES_MAX || !extensions.is_within_limits() {
            return Err(InvalidOption("the options of the message are too long"));
        }
        let is_set = |tag| extensions.value(tag).is_some();
        let text = |tag| text(extensions, tag);
        let mentions = match (is_set(tag::MENTIONS_ALL), extensions.value(tag::MENTIONS)) {
            (true, _) => Mentions::Everybody,
            (false, Some(names)) => Mentions::Users(mentioned(names)?),
            (false, None) => Mentions::Nobody,
        };
        Ok(Self {
            no_offline: is_set(tag::NO_OFFLINE),
            no_notification: is_set(tag::NO_NOTIFICATION),
            notice: NoticeOverride {
                title: text(tag::NOTICE_TITLE)?,
                alert: text(tag::NOTICE_ALERT)?,
                at_prefix: text(tag::NOTICE_AT_PREFIX)?,
            },
            needs_receipt: is_set(tag::NEEDS_RECEIPT),
            count: extensions.value(tag::MESSAGE_COUNT).map_or(Ok(1), count)?,
            from_name: text(tag::FROM_NAME)?,
            target_name: text(tag::TARGET_NAME)?,
            mentions,
        })
    }

    /// What a delivered message says. A server checks them, so none is ever malformed; if one is, the defaults hold.
    pub fn of(content: &Content) -> Self {
        Self::read(&content.extensions).unwrap_or_default()
    }

    /// Do they keep to the limits? `in_group`: mentions are allowed.
    pub fn check(content: &Content, in_group: bool) -> Result<(), InvalidOption> {
        let options = Self::read(&content.extensions)?;
        if !in_group && options.mentions != Mentions::Nobody {
            return Err(InvalidOption("only in groups somebody can be mentioned"));
        }
        Ok(())
    }
}

fn text(extensions: &Extensions, tag: u16) -> Result<String, InvalidOption> {
    let Some(value) = extensions.value(tag) else { return Ok(String::new()) };
    match core::str::from_utf8(value) {
        Ok(text) if text.len() <= OPTION_TEXT_BYTES_MAX => Ok(text.to_owned()),
        Ok(_) => Err(InvalidOption("a name or a text of the notice has more than 250 bytes")),
        Err(_) => Err(InvalidOption("a name or a text of the notice is no text")),
    }
}

fn mentioned(names: &[u8]) -> Result<Vec<String>, InvalidOption> {
    let names = core::str::from_utf8(names).map_err(|_| InvalidOption("a mentioned name is no text"))?;
    let is_name = |name: &str| !name.is_empty() && name.len() <= GUEST_NAME_BYTES_MAX;
    if !names.split('\n').all(is_name) {
        return Err(InvalidOption("a mentioned name is empty or too long"));
    }
    Ok(names.split('\n').map(ToOwned::to_owned).collect())
}

fn count(value: &[u8]) -> Result<u32, InvalidOption> {
    match varint::read(value) {
        varint::Read::Value(count, taken) if taken == value.len() && count <= u64::from(MESSAGE_COUNT_MAX) => {
            Ok(count as u32)
        }
        _ => Err(InvalidOption("a message counts as 0 to 1000")),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_was_said_is_read_again_and_defaults_take_no_room() {
        let options = SendOptions {
            no_offline: true,
            no_notification: true,
            notice: NoticeOverride { title: "t".into(), alert: "警".into(), at_prefix: "@".into() },
            needs_receipt: true,
            count: 0,
            from_name: "Ann".into(),
            target_name: "Bo".into(),
            mentions: Mentions::Users(vec!["bob".into(), "carol".into()]),
        };
        let content = options.add_to(Content::text("hi"));
        assert_eq!(SendOptions::of(&content), options);
        assert_eq!(SendOptions::check(&content, true), Ok(()));
        assert!(SendOptions::check(&content, false).is_err());
        let all = SendOptions { mentions: Mentions::Everybody, ..SendOptions::default() };
        assert!(SendOptions::of(&all.add_to(Content::text("hi"))).mentions.includes("dave"));
        assert!(SendOptions::default().add_to(Content::text("hi")).extensions.0.is_empty());
    }

    #[test]
    fn every_option_has_a_limit() {
        for (tag, value) in [
            (tag::NOTICE_TITLE, vec![b'x'; OPTION_TEXT_BYTES_MAX + 1]),
            (tag::NOTICE_ALERT, vec![0xff]),
            (tag::MENTIONS, b"bob\n\ncarol".to_vec()),
            (tag::MENTIONS, vec![b'x'; GUEST_NAME_BYTES_MAX + 1]),
            (tag::MESSAGE_COUNT, vec![0xff, 0x7f]),
            (tag::MESSAGE_COUNT, vec![]),
        ] {
            let extensions = Extensions::default().with(tag, value);
            assert!(SendOptions::read(&extensions).is_err(), "{tag}");
        }
        let unknown = Extensions::default().with(40_000, vec![0; 4000]);
        assert!(SendOptions::read(&unknown).is_ok());
        assert!(SendOptions::read(&unknown.with(40_001, vec![0; 97])).is_err(), "all together");
    }
}
