//! Users, what they are to each other, groups and rooms of an app, read from its REST API.
//!
//! One stage after the other, since the later ones name what the earlier ones brought; each walks through a list of the
//! source, page by page. Lists are in order of creation: who comes while it runs is found at the end of them.

use std::collections::BTreeMap;

use anser_protocol::ids::{GroupId, RoomId};
use anser_storage::command::{FormerId, ImportCommand, ImportedGroup, ImportedRoom, ProfileChange};
use anser_storage::media::{MediaId, MediaKind, MediaName};
use data_encoding::BASE64;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::journal::{Cursor, Journal, Step};
use super::{ImportError, Progress, Target, checked};
use crate::admin::{ImportPiece, ImportedUser, MEDIA_BYTES_MAX, USERS_MAX};
use crate::bridge::source::{Source, SourceError};

const PAGE: u64 = 500;
/// No source is believed that gives more than it was asked for.
const PAGE_MAX: usize = 1000;

/// What does not come along: no API tells it, but for the settings of the app, which are few.
pub const NOT_CARRIED: [&str; 11] = [
    "passwords: each user gets one at the first login ([[password_callback]]), or by PUT /v1/users/{username}/password",
    "which users are disabled",
    "users of other apps: as friends, in blacklists, as members and owners of groups, in chat rooms",
    "do-not-disturb and shielded groups of users",
    "admins of groups, silenced and banned members, announcements, nicknames in groups",
    "admins and blacklists of chat rooms",
    "groups and rooms of which no member is here",
    "messages, conversations, and what is unread",
    "files that messages name",
    "sensitive words and their switch, and whether devices may register users: set them here",
    "the times at which users, groups and rooms were made",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Users,
    Admins,
    People,
    Groups,
    Rooms,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Users, Self::Admins, Self::People, Self::Groups, Self::Rooms];

    fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Admins => "admins",
            Self::People => "people",
            Self::Groups => "groups",
            Self::Rooms => "rooms",
        }
    }

    /// The path of the list, and what its answer calls it.
    fn list(self) -> (&'static str, &'static str) {
        match self {
            Self::Users | Self::People => ("/v1/users", "users"),
            Self::Admins => ("/v1/admins", "users"),
            Self::Groups => ("/v1/groups", "groups"),
            Self::Rooms => ("/v1/chatroom", "rooms"),
        }
    }
}

pub struct Jmessage<'r> {
    pub source: &'r Source,
    pub target: &'r Target,
    pub journal: &'r mut Journal,
    pub progress: &'r mut Progress,
}

impl Jmessage<'_> {
    /// Goes on from where the journal stands to the end. The counts of everything that came along, and of what did not.
    pub async fn run(mut self) -> Result<BTreeMap<String, u64>, ImportError> {
        while let Some(stage) = self.stage() {
            self.page(stage).await?;
        }
        if self.journal.cursor().stage == Stage::ALL.len() as u32 {
            let mut step = Step::default();
            NOT_CARRIED.iter().for_each(|what| step.not_carried(what));
            let cursor = Cursor { stage: self.journal.cursor().stage + 1, ..Cursor::default() };
            self.journal.step(step, cursor)?;
        }
        self.progress.clear();
        Ok(self.journal.counts().clone())
    }

    fn stage(&self) -> Option<Stage> {
        Stage::ALL.get(self.journal.cursor().stage as usize).copied()
    }

    async fn page(&mut self, stage: Stage) -> Result<(), ImportError> {
        let cursor = self.journal.cursor();
        let (path, key) = stage.list();
        let path = format!("{path}?start={}&count={PAGE}", cursor.start);
        let (items, total) = page_of(&path, key, self.source.json(&path).await?)?;
        let next = Cursor { stage: cursor.stage + 1, ..Cursor::default() };
        if items.is_empty() {
            return self.journal.step(Step::default(), next);
        }
        match stage {
            Stage::Users | Stage::Admins => self.users(stage, &items).await?,
            Stage::People | Stage::Groups | Stage::Rooms => {
                for (place, item) in items.iter().enumerate().skip(usize::try_from(cursor.done).unwrap_or(usize::MAX)) {
                    let mut step = Step::default();
                    match stage {
                        Stage::People => self.person(item, &mut step).await?,
                        Stage::Groups => self.group(item, &mut step).await?,
                        _ => self.room(item, &mut step).await?,
                    }
                    self.journal.step(step, Cursor { done: place as u64 + 1, ..cursor })?;
                    self.progress.show(stage.name(), cursor.start + place as u64 + 1, total);
                }
            }
        }
        let start = cursor.start + items.len() as u64;
        self.progress.show(stage.name(), start, total);
        let behind = if start >= total { next } else { Cursor { start, done: 0, ..cursor } };
        self.journal.step(Step::default(), behind)
    }

    /// A page of them; a part of it may have come before.
    async fn users(&mut self, stage: Stage, items: &[Value]) -> Result<(), ImportError> {
        let cursor = self.journal.cursor();
        let mut done = usize::try_from(cursor.done).unwrap_or(usize::MAX);
        while done < items.len() {
            let part = &items[done..(done + USERS_MAX).min(items.len())];
            let mut step = Step::default();
            let mut users = Vec::with_capacity(part.len());
            for item in part {
                let Some(username) = checked::name(item, &mut step, stage.name()) else { continue };
                let profile = checked::profile(item, &username, &mut step);
                users.push(ImportedUser { username, is_admin: stage == Stage::Admins, profile });
            }
            step.count(stage.name(), users.len() as u64);
            self.put(ImportPiece::Users(users), stage.name(), &mut step).await?;
            done += part.len();
            self.journal.step(step, Cursor { done: done as u64, ..cursor })?;
        }
        Ok(())
    }

    /// What belongs to one user: what only a question about them tells, and whom they know.
    async fn person(&mut self, item: &Value, step: &mut Step) -> Result<(), ImportError> {
        // It was told when the users came.
        let Some(username) = checked::name(item, &mut Step::default(), "users") else { return Ok(()) };
        let path = format!("/v1/users/{username}");
        let (Some(shown), Some(friends), Some(blocked)) = (
            self.ask(&path, step).await?,
            self.ask(&format!("{path}/friends"), step).await?,
            self.ask(&format!("{path}/blacklist"), step).await?,
        ) else {
            return Ok(());
        };
        let avatar = match checked::text(&shown, "avatar").filter(|avatar| !avatar.is_empty()) {
            Some(avatar) => self.picture(&avatar, &format!("profile of {username}"), step).await?,
            None => None,
        };
        let extras = checked::profile(&shown, &username, &mut Step::default()).extras;
        let mut profile = ProfileChange { extras, avatar, ..ProfileChange::default() };
        let (of_friends, of_blocked) = (format!("friends of {username}"), format!("blacklist of {username}"));
        let friends = self.own(list(&friends, &path)?, step, &of_friends);
        let friends: Vec<_> =
            friends.iter().filter_map(|friend| checked::friend_note(friend, step, &of_friends)).collect();
        let blocked = self.own(list(&blocked, &path)?, step, &of_blocked);
        let blocked = checked::names(&blocked, step, &of_blocked);
        step.count("friends", friends.len() as u64);
        step.count("blacklisted", blocked.len() as u64);
        let mut friends = friends.chunks(ImportCommand::NAMES_MAX);
        let mut blocked = blocked.chunks(ImportCommand::NAMES_MAX);
        loop {
            let (friends, blocked) = match friends.next() {
                Some(friends) => (friends.to_vec(), Vec::new()),
                None => (Vec::new(), blocked.next().unwrap_or_default().to_vec()),
            };
            let profile = std::mem::take(&mut profile);
            let of = if blocked.is_empty() { &of_friends } else { &of_blocked };
            if friends.is_empty() && blocked.is_empty() && profile == ProfileChange::default() {
                return Ok(());
            }
            let username = username.clone();
            self.put(ImportPiece::Person { username, profile, friends, blocked }, of, step).await?;
        }
    }

    async fn group(&mut self, item: &Value, step: &mut Step) -> Result<(), ImportError> {
        let Some(id) = checked::number(item, "gid") else {
            step.left_out("groups", "", "it has no number");
            return Ok(());
        };
        let of = format!("group {id}");
        let Some(members) = self.ask(&format!("/v1/groups/{id}/members"), step).await? else { return Ok(()) };
        let all = list(&members, &of)?;
        let members = self.own(all, step, &of);
        let is_owner = |member: &&Value| checked::number(member, "flag") == Some(1);
        let owner = match members.iter().find(is_owner) {
            Some(owner) => checked::text(owner, "username"),
            // The oldest member takes the place of one from another app.
            None if all.iter().any(|member| is_owner(&member)) => None,
            None => checked::text(item, "owner_username"),
        };
        let owner = owner.unwrap_or_default();
        let names = checked::names(&members, step, &of);
        let avatar = match checked::text(item, "avatar").filter(|avatar| !avatar.is_empty()) {
            Some(avatar) => self.picture(&avatar, &of, step).await?.unwrap_or_default(),
            None => String::new(),
        };
        let group = ImportedGroup {
            owner,
            name: checked::title(item, &of, step),
            description: checked::description(item, "desc", &of, step),
            avatar,
            is_public: checked::number(item, "flag") == Some(2),
            members_max: checked::number(item, "MaxMemberCount").map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
        };
        let name = group.name.clone();
        let mut parts = names.chunks(ImportCommand::NAMES_MAX);
        let first = parts.next().unwrap_or_default().to_vec();
        let number = self.put(ImportPiece::Group { had: self.had(id), group, members: first }, &of, step).await?;
        if number == 0 && !self.target.is_dry {
            return Ok(());
        }
        for part in parts {
            let piece = ImportPiece::GroupMembers { group: GroupId(number), members: part.to_vec() };
            self.put(piece, &of, step).await?;
        }
        step.count("groups", 1);
        step.count("members of groups", names.len() as u64);
        step.carried("group", id, number, &name);
        Ok(())
    }

    async fn room(&mut self, item: &Value, step: &mut Step) -> Result<(), ImportError> {
        let Some(id) = checked::number(item, "id") else {
            step.left_out("rooms", "", "it has no number");
            return Ok(());
        };
        let of = format!("room {id}");
        let room = ImportedRoom {
            owner: checked::text(item, "owner_username").unwrap_or_default(),
            name: checked::title(item, &of, step),
            description: checked::description(item, "description", &of, step),
        };
        let name = room.name.clone();
        let (mut number, mut start, mut room) = (0, 0, Some(room));
        loop {
            let path = format!("/v1/chatroom/{id}/members?start={start}&count={PAGE}");
            let Some(page) = self.ask(&path, step).await? else { return Ok(()) };
            let (all, total) = page_of(&path, "users", page)?;
            let members = self.own(&all, step, &of);
            let mut names = checked::names(&members, step, &of);
            if let Some(room) = room.take() {
                let first = names.drain(..names.len().min(ImportCommand::NAMES_MAX)).collect();
                number = self.put(ImportPiece::Room { had: self.had(id), room, members: first }, &of, step).await?;
                if number == 0 && !self.target.is_dry {
                    return Ok(());
                }
                step.count("rooms", 1);
                step.carried("room", id, number, &name);
            }
            let is_silenced = |member: &&Value| checked::number(member, "flag") == Some(1);
            let silenced: Vec<String> =
                members.iter().filter(is_silenced).filter_map(|member| checked::text(member, "username")).collect();
            step.count("members of rooms", members.len() as u64);
            for part in names.chunks(ImportCommand::NAMES_MAX) {
                let (room, members) = (RoomId(number), part.to_vec());
                self.put(ImportPiece::RoomMembers { room, members, silenced: Vec::new() }, &of, step).await?;
            }
            for part in silenced.chunks(ImportCommand::NAMES_MAX) {
                let (room, silenced) = (RoomId(number), part.to_vec());
                self.put(ImportPiece::RoomMembers { room, members: Vec::new(), silenced }, &of, step).await?;
            }
            start += all.len() as u64;
            if all.is_empty() || start >= total {
                return Ok(());
            }
        }
    }

    /// Under which id the picture is here; nothing when it does not come along, which is no reason to stop.
    async fn picture(&self, media_id: &str, of: &str, step: &mut Step) -> Result<Option<String>, ImportError> {
        let wanted = MediaName::parse(media_id).filter(|name| name.kind == MediaKind::Image);
        let name = wanted.unwrap_or_else(|| {
            let id = digest(&SHA256, media_id.as_bytes()).as_ref()[..16].try_into().expect("SHA-256 has 32 bytes");
            MediaName { kind: MediaKind::Image, id: MediaId(id) }
        });
        let path = format!("/v1/resource?mediaId={}", query_part(media_id));
        let Some(answer) = self.ask(&path, step).await? else { return Ok(None) };
        let found = match checked::text(&answer, "url") {
            Some(url) => self.source.download(&url, MEDIA_BYTES_MAX).await,
            None => Err("the source names no place".to_owned()),
        };
        let content = match found {
            Ok(bytes) => BASE64.encode(&bytes),
            Err(why) => {
                step.left_out(of, "avatar", &why);
                return Ok(None);
            }
        };
        let media_id = name.to_string();
        let shown = self.target.put(ImportPiece::Picture { media_id: media_id.clone(), content }).await?;
        if let Some((_, why)) = shown.left_out.first() {
            step.left_out(of, "avatar", why);
            return Ok(None);
        }
        step.count("avatars", 1);
        Ok(Some(media_id))
    }

    /// Nothing, and a line in the report, for what the source does not tell or does not have any more.
    async fn ask(&self, path: &str, step: &mut Step) -> Result<Option<Value>, ImportError> {
        match self.source.json(path).await {
            Ok(value) => Ok(Some(value)),
            Err(SourceError::Refused { path, status, code, message }) => {
                step.left_out(&path, "", &format!("the source refused it: {status}, code {code}: {message}"));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn put(&self, piece: ImportPiece, of: &str, step: &mut Step) -> Result<u32, ImportError> {
        let shown = self.target.put(piece).await?;
        shown.left_out.iter().for_each(|(name, why)| step.left_out(of, name, why));
        Ok(shown.number)
    }

    fn own(&self, list: &[Value], step: &mut Step, of: &str) -> Vec<Value> {
        checked::of_app(list, &self.source.order().app_key, step, of)
    }

    fn had(&self, id: u64) -> FormerId {
        FormerId { app_key: self.source.order().app_key.clone(), id }
    }
}

fn page_of(path: &str, key: &str, mut page: Value) -> Result<(Vec<Value>, u64), ImportError> {
    let strange = |why: &str| SourceError::Strange { path: path.to_owned(), why: why.to_owned() };
    let total = checked::number(&page, "total").ok_or_else(|| strange("it has no total"))?;
    match page.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) if items.len() <= PAGE_MAX => Ok((items, total)),
        Some(Value::Array(_)) => Err(strange("the page is longer than was asked for").into()),
        _ => Err(strange(&format!("it has no list of {key}")).into()),
    }
}

fn list<'v>(value: &'v Value, path: &str) -> Result<&'v [Value], ImportError> {
    let none = || SourceError::Strange { path: path.to_owned(), why: "it is no list".to_owned() };
    Ok(value.as_array().ok_or_else(none)?)
}

/// Whatever is no plain letter of an id is escaped.
fn query_part(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => escaped.push(char::from(byte)),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}
