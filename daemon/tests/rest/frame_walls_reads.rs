//! Frames about what was read, and about the own devices.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::device::OwnDevicesAsk;
use anser_protocol::frame::read::{ReadChat, ReadMark, ReadMarks, ReadMessages, ReadersAsk, UnreadAsk};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::GroupId;

use super::{Land, REQUEST, Told, is_done};
use crate::peer::END;

pub(super) fn is_mine(frame: &ClientFrame) -> bool {
    matches!(
        frame,
        ClientFrame::ReadMarks(_)
            | ClientFrame::ReadMessages(_)
            | ClientFrame::ReadersAsk(_)
            | ClientFrame::UnreadAsk(_)
            | ClientFrame::OwnDevicesAsk(_)
    )
}

pub(super) fn frames_of(name: &str, land: &Land) -> Option<Vec<ClientFrame>> {
    let (request, extensions) = (REQUEST, Extensions::default());
    let chats = vec![
        ReadChat { username: "owners-user".to_owned(), group: GroupId(0) },
        ReadChat { username: String::new(), group: land.group },
    ];
    let frame = match name {
        "ReadMarks" => {
            let marks = chats.into_iter().map(|chat| ReadMark { chat, position: END });
            ClientFrame::ReadMarks(ReadMarks { request, marks: marks.collect(), extensions })
        }
        "ReadMessages" => ClientFrame::ReadMessages(ReadMessages { request, messages: vec![land.message], extensions }),
        "ReadersAsk" => ClientFrame::ReadersAsk(ReadersAsk { request, message: land.message, extensions }),
        "UnreadAsk" => ClientFrame::UnreadAsk(UnreadAsk { request, chats, total: true, extensions }),
        "OwnDevicesAsk" => ClientFrame::OwnDevicesAsk(OwnDevicesAsk { request, extensions }),
        _ => return None,
    };
    Some(vec![frame])
}

/// What is not the caller's is passed over without a word.
pub(super) fn told(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::ReadersAsk(_) => Told::Failed(ErrorCode::READERS_NOT_SENT),
        ClientFrame::OwnDevicesAsk(_) => Told::Own(is_one_device),
        ClientFrame::UnreadAsk(_) => Told::Own(nothing_is_unread),
        _ => Told::Own(is_done),
    }
}

fn nothing_is_unread(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::UnreadCounts(found) if found.counts == [0, 0] && found.total == 0)
}

/// That of the caller; the walls look for the owner's in all that was heard.
fn is_one_device(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::OwnDevices(found) if found.devices.len() == 1)
}
