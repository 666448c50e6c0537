//! How much is unread.

use anser_protocol::names;
use anser_storage::ids::AppNumber;
use anser_storage::{Chat, ReadError, Snapshot, Unread, Viewer};

use super::Answer;

pub(super) fn unread(
    snapshot: &Snapshot,
    app: AppNumber,
    viewer: Viewer,
    chats: &[names::Chat],
    total: bool,
) -> Result<Answer, ReadError> {
    let mut counts = Vec::with_capacity(chats.len());
    for chat in chats {
        let chat = match chat {
            names::Chat::Group(group) => Some(Chat::Group(*group)),
            names::Chat::User(name) => snapshot.number_of(app, name)?.map(Chat::User),
            names::Chat::Notices => None,
        };
        counts.push(chat.map_or(Ok(0), |chat| snapshot.unread(app, viewer, &chat))?);
    }
    let all = if total { snapshot.unread_in_all(app, viewer)? } else { Unread::default() };
    Ok(Answer::Unread { counts, all })
}
