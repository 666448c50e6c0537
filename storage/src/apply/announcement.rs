//! Announcements of a group.

use std::fmt::Write;
use std::sync::Arc;

use anser_protocol::content::{Content, GroupEventKind};
use anser_protocol::extension::tag;
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::limits::{ANNOUNCEMENT_BYTES_MAX, ANNOUNCEMENTS_MAX, EXTENSION_BYTES_MAX};

use super::group_order::Scene;
use super::{Batch, Decided};
use crate::command::{Actor, Class};
use crate::error::ReadError;
use crate::find;
use crate::ids::UserNumber;
use crate::key::u64_at;
use crate::outcome::{Answer, MemberChange, Message, MessageBody, Rank, Refusal, Route};
use crate::rows::chat::Chat;
use crate::rows::group::{Group, group_key};
use crate::rows::record::{Body, ChangeDetail, MessageRecord};
use crate::rows::standing::{AnnouncementRow, announcement_key};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

impl Batch<'_> {
    pub(super) fn publish(&mut self, scene: Scene, group: &Group, text: &str, as_message: bool) -> Decided<Answer> {
        self.require_rank(scene, group, Rank::Admin)?;
        if text.is_empty() || text.len() > ANNOUNCEMENT_BYTES_MAX {
            return Err(Refusal::AnnouncementTooLong.into());
        }
        let by = match scene.by {
            Actor::User(user) => Some(user),
            Actor::Server => None,
        };
        let row = AnnouncementRow { text: text.into(), by, at_ms: self.now_ms(), pinned_ms: None };
        self.drop_oldest_announcement(scene, group)?;
        let id = self.next_position();
        self.put(&announcement_key(scene.app, scene.id, id), &row)?;
        let detail = ChangeDetail::Announcement { id, row };
        self.append_group_change(scene, group, GroupEventKind::ANNOUNCED, &[], detail)?;
        if let (true, Some(user)) = (as_message, by) {
            self.announce_as_message(scene, group, user, id, text)?;
        }
        Ok(Answer::Announced(id))
    }

    /// Makes room for one more: of those that are not pinned the oldest goes, if there is one.
    fn drop_oldest_announcement(&mut self, scene: Scene, group: &Group) -> Result<(), ReadError> {
        let (mut count, mut oldest, mut oldest_loose) = (0, None, None);
        self.rows::<AnnouncementRow>(&group_key(scene.app, scene.id), |key, row| {
            count += 1;
            let id = u64_at(key, 8).map(Position);
            oldest = oldest.or(id);
            oldest_loose = oldest_loose.or(id.filter(|_| row.pinned_ms.is_none()));
            Ok(NEXT)
        })?;
        match oldest_loose.or(oldest) {
            Some(id) if count >= ANNOUNCEMENTS_MAX => {
                self.remove(Table::Announcements, &announcement_key(scene.app, scene.id, id))?;
                let detail = ChangeDetail::AnnouncementGone(id);
                self.append_group_change(scene, group, GroupEventKind::ANNOUNCEMENT_DELETED, &[], detail)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn drop_announcement(&mut self, scene: Scene, group: &Group, id: Position) -> Decided<Answer> {
        self.require_rank(scene, group, Rank::Admin)?;
        let key = announcement_key(scene.app, scene.id, id);
        if !self.has(Table::Announcements, &key)? {
            return Err(Refusal::AnnouncementUnknown.into());
        }
        self.remove(Table::Announcements, &key)?;
        let detail = ChangeDetail::AnnouncementGone(id);
        self.append_group_change(scene, group, GroupEventKind::ANNOUNCEMENT_DELETED, &[], detail)?;
        Ok(Answer::Done)
    }

    pub(super) fn pin_announcement(
        &mut self,
        scene: Scene,
        group: &Group,
        id: Position,
        is_pinned: bool,
    ) -> Decided<Answer> {
        self.require_rank(scene, group, Rank::Admin)?;
        let key = announcement_key(scene.app, scene.id, id);
        let row: Option<AnnouncementRow> = self.row(&key)?;
        let Some(mut row) = row else { return Err(Refusal::AnnouncementUnknown.into()) };
        if row.pinned_ms.is_some() == is_pinned {
            return Ok(Answer::Done);
        }
        row.pinned_ms = is_pinned.then(|| self.now_ms());
        self.put(&key, &row)?;
        let detail = ChangeDetail::Announcement { id, row };
        self.append_group_change(scene, group, GroupEventKind::ANNOUNCEMENT_PINNED, &[], detail)?;
        Ok(Answer::Done)
    }

    fn announce_as_message(
        &mut self,
        scene: Scene,
        group: &Group,
        from: UserNumber,
        id: Position,
        text: &str,
    ) -> Result<(), ReadError> {
        let from_name = find::username(self, scene.app, from)?;
        let mut content = Content::text(text);
        let mut extras = shown_in_extras(scene.id, id, self.now_ms(), &from_name, text);
        if extras.len() > EXTENSION_BYTES_MAX {
            // Only texts of control characters get so long; the message says it anyway.
            extras = shown_in_extras(scene.id, id, self.now_ms(), &from_name, "");
        }
        content.extensions = content.extensions.with(tag::EXTRAS, extras.into_bytes());
        let record = MessageRecord { from, to: Chat::Group(scene.id), sent: None, content: content.clone() };
        let place = self.append(scene.app, Class::Chat, group.chain, Body::Message(record))?;
        let message = Message { seq: place.seq, body: MessageBody::Content(content), sent_by: None };
        let route = Route::Group {
            chain: group.chain,
            group: scene.id,
            from_name,
            from: Some(from),
            message: Arc::new(message),
            members: self.members_lists(scene.app, scene.id)?.readers,
            change: MemberChange::default(),
        };
        self.announce(scene.app, place.position, route);
        Ok(())
    }
}

fn shown_in_extras(group: GroupId, id: Position, at_ms: u64, publisher: &str, text: &str) -> String {
    format!(
        r#"{{"jmessage_group_announcement":{{"id":{},"gid":{},"text":{},"publisher":{},"ctime_ms":{at_ms}}}}}"#,
        id.0,
        group.0,
        json_text(text),
        json_text(publisher)
    )
}

fn json_text(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_as_json_has_them() {
        assert_eq!(json_text("a \"b\"\\\n\u{1}鸿"), r#""a \"b\"\\\n\u0001鸿""#);
    }
}
