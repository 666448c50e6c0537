//! Chats and users by small numbers: each direction of a link numbers the names that it has sent.
//!
//! A table holds the last [`NAMES_PER_LINK`] names; a new name takes the next slot in turn, on both ends alike, so a number
//! is valid only on the stream and in the direction that introduced it. A name longer than [`USERNAME_BYTES_MAX`] gets no
//! slot: it can belong to nobody, and what a link remembers stays small.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

use crate::ids::GroupId;
use crate::limits::{NAMES_PER_LINK, USERNAME_BYTES_MAX};

/// A name as frames carry it.
pub type Name = Arc<str>;

/// What a user of another app is called: no username has a slash.
pub fn guest_name(username: &str, app_key: &str) -> String {
    format!("{username}/{app_key}")
}

/// The username and the app key of a guest's name; nothing for the name of a user of the app itself.
pub fn split_guest(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('/')
}

/// A conversation as one participant sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Chat {
    /// The single chat with this user.
    User(Name),
    Group(GroupId),
    /// What the server tells this user alone: friend requests, own settings that were changed elsewhere. Only for clients
    /// with [`capability::NOTICES`](crate::frame::session::capability::NOTICES).
    Notices,
}

/// The last names that went one way. A link that has named nobody yet keeps no table.
#[derive(Clone, Debug)]
pub(crate) struct NameTable<T>(Option<Box<Slots<T>>>);

#[derive(Clone, Debug)]
struct Slots<T> {
    names: Vec<T>,
    next: usize,
}

impl<T> Default for NameTable<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> NameTable<T> {
    fn names(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |slots| &slots.names)
    }

    pub(crate) fn number_of(&self, wanted: impl Fn(&T) -> bool) -> Option<u64> {
        self.names().iter().position(wanted).map(|slot| slot as u64)
    }

    pub(crate) fn by_number(&self, number: u64) -> Option<&T> {
        self.names().get(usize::try_from(number).ok()?)
    }

    pub(crate) fn introduce(&mut self, name: T) {
        let Slots { names, next } = &mut **self.0.get_or_insert_with(|| Box::new(Slots { names: Vec::new(), next: 0 }));
        if names.len() < NAMES_PER_LINK {
            names.push(name);
        } else {
            names[*next] = name;
        }
        *next = (*next + 1) % NAMES_PER_LINK;
    }
}

/// References below this are words of their own; from here on they are slot numbers.
const FIRST_SLOT: u64 = 8;

/// A chat on the wire: 0 and a username, or 1 and a group id, introduce; 3 is the user's notices; 8 + n names slot n. 2 and
/// 4 to 7 are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChatRef<'a> {
    User(&'a str),
    Group(GroupId),
    Notices,
    Slot(u64),
}

/// A user on the wire: 0 and a username introduce; 1 is the server, 2 the peer of this single chat, 3 the user who is
/// logged in on this link; 8 + n names slot n. 4 to 7 are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserRef<'a> {
    User(&'a str),
    Server,
    Peer,
    Myself,
    Slot(u64),
}

impl Serialize for ChatRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(2)?;
        match self {
            Self::User(name) => {
                tuple.serialize_element(&0u64)?;
                tuple.serialize_element(name)?;
            }
            Self::Group(group) => {
                tuple.serialize_element(&1u64)?;
                tuple.serialize_element(group)?;
            }
            Self::Notices => tuple.serialize_element(&3u64)?,
            Self::Slot(slot) => tuple.serialize_element(&(slot + FIRST_SLOT))?,
        }
        tuple.end()
    }
}

impl Serialize for UserRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(2)?;
        match self {
            Self::User(name) => {
                tuple.serialize_element(&0u64)?;
                tuple.serialize_element(name)?;
            }
            Self::Server => tuple.serialize_element(&1u64)?,
            Self::Peer => tuple.serialize_element(&2u64)?,
            Self::Myself => tuple.serialize_element(&3u64)?,
            Self::Slot(slot) => tuple.serialize_element(&(slot + FIRST_SLOT))?,
        }
        tuple.end()
    }
}

/// Reads the number, then what that number says must follow.
struct Reference<F>(F);

impl<'de: 'a, 'a> Deserialize<'de> for ChatRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Reference<Read> {
            type Value = ChatRef<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a chat reference")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                match next::<u64, A>(&mut seq)? {
                    0 => Ok(ChatRef::User(next(&mut seq)?)),
                    1 => Ok(ChatRef::Group(next(&mut seq)?)),
                    3 => Ok(ChatRef::Notices),
                    number => number.checked_sub(FIRST_SLOT).map(ChatRef::Slot).ok_or_else(reserved),
                }
            }
        }
        deserializer.deserialize_tuple(2, Reference(Read))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for UserRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Reference<Read> {
            type Value = UserRef<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a user reference")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                match next::<u64, A>(&mut seq)? {
                    0 => Ok(UserRef::User(next(&mut seq)?)),
                    1 => Ok(UserRef::Server),
                    2 => Ok(UserRef::Peer),
                    3 => Ok(UserRef::Myself),
                    number => number.checked_sub(FIRST_SLOT).map(UserRef::Slot).ok_or_else(reserved),
                }
            }
        }
        deserializer.deserialize_tuple(2, Reference(Read))
    }
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<T, A::Error> {
    seq.next_element()?.ok_or_else(|| A::Error::custom("the reference is cut"))
}

fn reserved<E: serde::de::Error>() -> E {
    E::custom("a reserved reference")
}

/// The names that have gone one way over a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    chats: NameTable<Chat>,
    users: NameTable<Name>,
}

/// A reference names nobody: a slot that nothing was put into, the peer of a group, myself before a login. The two ends no
/// longer agree, the link must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownNumber;

impl Names {
    pub(crate) fn refer_to_chat<'a>(&mut self, chat: &'a Chat) -> ChatRef<'a> {
        if let Some(slot) = self.chats.number_of(|known| known == chat) {
            return ChatRef::Slot(slot);
        }
        self.remember_chat(chat);
        match chat {
            Chat::User(name) => ChatRef::User(name),
            Chat::Group(group) => ChatRef::Group(*group),
            Chat::Notices => ChatRef::Notices,
        }
    }

    pub(crate) fn resolve_chat(&mut self, reference: ChatRef<'_>) -> Result<Chat, UnknownNumber> {
        let chat = match reference {
            ChatRef::Slot(slot) => return self.chats.by_number(slot).cloned().ok_or(UnknownNumber),
            ChatRef::User(name) => Chat::User(name.into()),
            ChatRef::Group(group) => Chat::Group(group),
            ChatRef::Notices => Chat::Notices,
        };
        self.remember_chat(&chat);
        Ok(chat)
    }

    fn remember_chat(&mut self, chat: &Chat) {
        match chat {
            Chat::User(name) if name.len() > USERNAME_BYTES_MAX => {}
            // One byte names it.
            Chat::Notices => {}
            Chat::User(_) | Chat::Group(_) => self.chats.introduce(chat.clone()),
        }
    }

    fn remember_user(&mut self, name: &Name) {
        if name.len() <= USERNAME_BYTES_MAX {
            self.users.introduce(name.clone());
        }
    }

    /// `from` empty is the server.
    pub(crate) fn refer_to_user<'a>(&mut self, from: &'a Name, chat: &Chat, myself: Option<&Name>) -> UserRef<'a> {
        match chat {
            _ if from.is_empty() => UserRef::Server,
            _ if Some(from) == myself => UserRef::Myself,
            Chat::User(peer) if peer == from => UserRef::Peer,
            _ => match self.users.number_of(|known| known == from) {
                Some(slot) => UserRef::Slot(slot),
                None => {
                    self.remember_user(from);
                    UserRef::User(from)
                }
            },
        }
    }

    pub(crate) fn resolve_user(
        &mut self,
        reference: UserRef<'_>,
        chat: &Chat,
        myself: Option<&Name>,
    ) -> Result<Name, UnknownNumber> {
        match (reference, chat) {
            (UserRef::Server, _) => Ok(String::new().into()),
            (UserRef::Myself, _) => myself.cloned().ok_or(UnknownNumber),
            (UserRef::Peer, Chat::User(peer)) => Ok(peer.clone()),
            (UserRef::Peer, Chat::Group(_) | Chat::Notices) => Err(UnknownNumber),
            (UserRef::Slot(slot), _) => self.users.by_number(slot).cloned().ok_or(UnknownNumber),
            (UserRef::User(name), _) => {
                let name = Name::from(name);
                self.remember_user(&name);
                Ok(name)
            }
        }
    }
}
