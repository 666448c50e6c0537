//! Frames about messages: options, taking back, transparent commands.

use anser_protocol::content::{Content, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::chat::SendRefused;
use anser_protocol::frame::talk::{CommandCame, CommandTarget, Retract, SendCommand};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;
use anser_protocol::options::{Mentions, NoticeOverride, SendOptions};

use super::samples::*;
use super::{Vector, client, server};

pub fn vectors() -> Vec<Vector> {
    [options(), retract(), commands()].into_iter().flatten().collect()
}

fn options() -> Vec<Vector> {
    let quiet = SendOptions { no_offline: true, no_notification: true, needs_receipt: true, ..SendOptions::default() };
    let loud = SendOptions {
        notice: NoticeOverride { title: "Tea".into(), alert: "It is ready".into(), at_prefix: "[@you] ".into() },
        count: 0,
        from_name: "Ann".into(),
        target_name: "Kitchen".into(),
        mentions: Mentions::Users(names(&["bob", "carol"])),
        ..SendOptions::default()
    };
    let all = SendOptions { mentions: Mentions::Everybody, ..SendOptions::default() };
    let refused = |outbox, code: ErrorCode| {
        let message = code.text().into();
        ServerFrame::SendRefused(SendRefused { outbox, code, message, extensions: none() })
    };
    vec![
        client(
            "send_quiet",
            "Only for a receiver who is connected, without a notice, and with a receipt.",
            send(70, user("bob"), quiet.add_to(Content::text("now"))),
        ),
        client(
            "send_with_notice",
            "To a group, with a notice of its own, two who are mentioned, and counting as no unread message.",
            send(71, Chat::Group(GROUP), loud.add_to(Content::text("tea"))),
        ),
        client(
            "send_to_everybody",
            "Everybody in the group is mentioned.",
            send(72, Chat::Group(GROUP), all.add_to(Content::text("all"))),
        ),
        server(
            "send_refused_too_often",
            "The user has sent too much in this minute: the message is repeated later.",
            refused(73, ErrorCode::SEND_TOO_OFTEN),
        ),
        server(
            "send_refused_sensitive",
            "The message has a word that is not allowed.",
            refused(74, ErrorCode::SEND_SENSITIVE),
        ),
    ]
}

fn retract() -> Vec<Vector> {
    let retract = |request, message, extensions| {
        ClientFrame::Retract(Retract { request, message: Position(message), extensions })
    };
    vec![
        client("retract", "Takes the message at 1048656 back.", retract(8, HERE + 80, none())),
        client("retract_highest", "With a tag that no server knows.", retract(9, (1 << 53) - 1, unknown_extension())),
    ]
}

fn commands() -> Vec<Vector> {
    let to = |target, username: &str, group, platform, text: &str| {
        ClientFrame::SendCommand(SendCommand {
            request: 5,
            target,
            username: username.into(),
            group,
            platform,
            text: text.into(),
            extensions: none(),
        })
    };
    let came = |target, from: &str, group, platform, text: &str| {
        ServerFrame::CommandCame(CommandCame {
            target,
            from: from.into(),
            group,
            platform,
            text: text.into(),
            extensions: none(),
        })
    };
    let typing = r#"{"type":"input","content":{"message":"对方正在输入..."}}"#;
    vec![
        client(
            "send_command_to_user",
            "Tells bob, if he is there, that the user is typing.",
            to(CommandTarget::USER, "bob", GroupId(0), Platform::OTHER, typing),
        ),
        client(
            "send_command_to_group",
            "For all members who are there.",
            to(CommandTarget::GROUP, "", GROUP, Platform::OTHER, "ring"),
        ),
        client(
            "send_command_to_own_devices",
            "For the user's other Android devices.",
            to(CommandTarget::OWN_DEVICES, "", GroupId(0), Platform::ANDROID, "sync"),
        ),
        server(
            "command_from_user",
            "Alice is typing, on an iPhone.",
            came(CommandTarget::USER, "alice", GroupId(0), Platform::IOS, typing),
        ),
        server(
            "command_from_group",
            "Alice rings in a group.",
            came(CommandTarget::GROUP, "alice", GROUP, Platform::WEB, "ring"),
        ),
    ]
}
