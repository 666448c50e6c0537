//! Frames about messages: taking one back, transparent commands.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::talk::{CommandTarget, Retract, SendCommand};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::GroupId;

use super::{Caller, Land, REQUEST, SAID_BY, Told, is_done};

pub(super) fn frames_of(name: &str, land: &Land, caller: Caller) -> Vec<ClientFrame> {
    let (request, extensions) = (REQUEST, Extensions::default);
    if name == "Retract" {
        return vec![ClientFrame::Retract(Retract { request, message: land.message, extensions: extensions() })];
    }
    let to = |target, username: &str, group| {
        ClientFrame::SendCommand(SendCommand {
            request,
            target,
            username: username.to_owned(),
            group,
            platform: Platform::OTHER,
            text: format!("{SAID_BY}{caller:?}"),
            extensions: extensions(),
        })
    };
    vec![
        to(CommandTarget::USER, "owners-user", GroupId(0)),
        to(CommandTarget::GROUP, "", land.group),
        to(CommandTarget::OWN_DEVICES, "", GroupId(0)),
    ]
}

pub(super) fn told_stranger(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::SendCommand(body) if body.target == CommandTarget::USER => {
            Told::Failed(ErrorCode::COMMAND_USER_UNKNOWN)
        }
        ClientFrame::SendCommand(body) if body.target == CommandTarget::GROUP => {
            Told::Failed(ErrorCode::COMMAND_GROUP_UNKNOWN)
        }
        // Other links of the same user may still be there.
        ClientFrame::SendCommand(_) => Told::Own(is_done_or_offline),
        _ => Told::Failed(ErrorCode::RETRACT_UNKNOWN),
    }
}

pub(super) fn told_outsider(frame: &ClientFrame) -> Told {
    match frame {
        // As with messages: users of one app may write to each other.
        ClientFrame::SendCommand(body) if body.target == CommandTarget::USER => Told::Own(is_done),
        ClientFrame::SendCommand(body) if body.target == CommandTarget::GROUP => {
            Told::Failed(ErrorCode::COMMAND_NOT_A_MEMBER)
        }
        frame => told_stranger(frame),
    }
}

fn is_done_or_offline(frame: &ServerFrame) -> bool {
    match frame {
        ServerFrame::Failed(failed) => (failed.request, failed.code) == (REQUEST, ErrorCode::COMMAND_OFFLINE),
        frame => is_done(frame),
    }
}
