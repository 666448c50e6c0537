//! A server's frames, each as the first of its link.

use anser_protocol::content::{
    Amendment, AmendmentKind, Content, ContentKind, CustomMessage, Notice, NoticeKind, Notification, PushContent,
};
use anser_protocol::error::ErrorCode;
use anser_protocol::frame::ServerFrame as Frame;
use anser_protocol::frame::chat::{CatchUp, ConversationPage, Covered, HistoryPage, Record, SendRefused, Sent};
use anser_protocol::frame::group::{GroupCreated, GroupMembers, GroupSummary, Groups};
use anser_protocol::frame::push::{AliasValue, PushCovered, PushDeliver, PushWithdrawn, TagList};
use anser_protocol::frame::session::{Done, Failed, GoAway, LoggedIn, Unsupported, UserProfile, Welcome};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;

use super::samples::*;
use super::{Vector, server};

pub fn vectors() -> Vec<Vector> {
    [session(), chat(), pages(), group(), push(), super::media::server_vectors()].into_iter().flatten().collect()
}

pub fn failed(request: u32, code: ErrorCode) -> Frame {
    Frame::Failed(Failed { request, code, message: code.text().into(), extensions: none() })
}

fn session() -> Vec<Vector> {
    let welcome = Welcome {
        version: 1,
        capabilities: 0,
        registration_id: REGISTRATION_ID.into(),
        outbox_head: 0,
        server_time_ms: NOW_MS,
        heartbeat_s: 120,
        heartbeat_min_s: 60,
        heartbeat_max_s: 300,
        extensions: none(),
    };
    let returning = Welcome {
        outbox_head: 4711,
        heartbeat_s: 25,
        heartbeat_min_s: 20,
        heartbeat_max_s: 60,
        extensions: unknown_extension(),
        ..welcome.clone()
    };
    let logged_in = |request, token: Vec<u8>| {
        Frame::LoggedIn(LoggedIn { request, username: "alice".into(), token, extensions: none() })
    };
    let done = |request| Frame::Done(Done { request, extensions: none() });
    let go_away = |code: ErrorCode, retry_after_ms| {
        Frame::GoAway(GoAway { code, retry_after_ms, message: code.text().into(), extensions: none() })
    };
    let empty = UserProfile {
        request: 70_000,
        username: "bob@example.org".into(),
        nickname: String::new(),
        avatar: String::new(),
        birthday: String::new(),
        signature: String::new(),
        region: String::new(),
        address: String::new(),
        gender: 0,
        extras: String::new(),
        extensions: none(),
    };
    let profile = UserProfile {
        request: 6,
        username: "bob".into(),
        nickname: "Bob 雁".into(),
        avatar: "q/image/b.jpg".into(),
        birthday: "1990-01-01".into(),
        signature: "out".into(),
        region: "Hangzhou".into(),
        address: "West Lake".into(),
        gender: 1,
        extras: r#"{"k":"v"}"#.into(),
        extensions: none(),
    };
    let unsupported = |frame_type| Frame::Unsupported(Unsupported { frame_type });
    vec![
        server("welcome", "A new device learns its registration id.", Frame::Welcome(welcome)),
        server(
            "welcome_back",
            "A device that has sent up to number 4711 is back, over QUIC.",
            Frame::Welcome(returning),
        ),
        server("logged_in_with_token", "Keep the token: it replaces the password.", logged_in(1, (0..32).collect())),
        server("logged_in_by_token", "The token that was used stays good.", logged_in(2, vec![])),
        server("done", "Request 3 succeeded.", done(3)),
        server("done_long_request", "Request 4294967295 succeeded.", done(u32::MAX)),
        server("failed_request", "The password is wrong.", failed(1, ErrorCode::PASSWORD_WRONG)),
        server("failed_link", "The registration is unknown: the link ends.", failed(0, ErrorCode::REGISTRATION)),
        server("pong", "The answer to a heartbeat: one byte.", Frame::Pong),
        server("user_profile", "Bob's profile.", Frame::UserProfile(profile)),
        server("user_profile_empty", "A profile of which nothing is set.", Frame::UserProfile(empty)),
        server("go_away_shutting_down", "Come back after 2 to 4 seconds.", go_away(ErrorCode::SHUTTING_DOWN, 2000)),
        server("go_away_replaced", "A newer link of this device said hello.", go_away(ErrorCode::REPLACED, 0)),
        server("unsupported", "The server does not know frame type 63.", unsupported(63)),
        server("unsupported_long", "Nor type 100000.", unsupported(100_000)),
    ]
}

fn chat() -> Vec<Vector> {
    let sent = |outbox, position, at_ms| Frame::Sent(Sent { outbox, position: Position(position), at_ms });
    let refused = |outbox, code: ErrorCode| {
        Frame::SendRefused(SendRefused { outbox, code, message: code.text().into(), extensions: none() })
    };
    let covered = |after, to| Frame::Covered(Covered { after: Position(after), to: Position(to) });
    let from_bob = record(HERE + 80, NOW_MS, "bob", Content::text("hi"));
    let from_carol = record(HERE + 95, NOW_MS, "carol", with_extras(Content::text("hurry")));
    let event = record(HERE + 96, NOW_MS, "", added_event());
    let amended = |position, kind, content| {
        let amendment = Amendment { position: Position(HERE + 80), kind, by: "alice".into(), content };
        let content = Content { kind: ContentKind::AMENDED, body: amendment.to_bytes(), extensions: none() };
        record(position, NOW_MS, "", content)
    };
    let retracted = amended(HERE + 97, AmendmentKind::RETRACTED, None);
    let notice = Notice {
        kind: NoticeKind::FRIEND_REQUEST,
        detail: 1,
        by: "dave".into(),
        users: Vec::new(),
        group: GroupId(0),
        text: "we met on Friday".into(),
        request: Position(0),
        extensions: none(),
    };
    let notice = Content { kind: ContentKind::NOTICE, body: notice.to_bytes(), extensions: none() };
    let notice = record(HERE + 161, NOW_MS, "", notice);
    let edited = amended(HERE + 98, AmendmentKind::EDITED, Some(Content::text("hi there")));
    vec![
        server("sent", "Message 1 is on disk.", sent(1, HERE + 60, NOW_MS)),
        server("sent_highest", "At the highest position there can be.", sent(1 << 35, (1 << 53) - 1, NOW_MS)),
        server(
            "send_refused_for_good",
            "No such user: the message is dropped.",
            refused(2, ErrorCode::SEND_TARGET_UNKNOWN),
        ),
        server("send_refused_passing", "Busy: the message is repeated later.", refused(300, ErrorCode::BUSY)),
        server(
            "deliver_from_user",
            "Bob writes; the previous delivery led to 1048640.",
            deliver(HERE + 64, user("bob"), from_bob),
        ),
        server(
            "deliver_in_group",
            "Carol writes to a group, with extras.",
            deliver(HERE + 80, Chat::Group(GROUP), from_carol),
        ),
        server(
            "deliver_event",
            "The server tells of a change in a group: alice added carol and dave.",
            deliver(HERE + 95, Chat::Group(GROUP), event),
        ),
        server("deliver_retracted", "Alice took message 1048656 back.", deliver(HERE + 96, user("alice"), retracted)),
        server("deliver_edited", "Alice changed message 1048656.", deliver(HERE + 97, user("alice"), edited)),
        server("covered", "Nothing for this user in between.", covered(HERE + 96, HERE + 160)),
        server("deliver_notice", "Dave wants to be the reader's friend.", deliver(HERE + 160, Chat::Notices, notice)),
        server("covered_from_start", "Nothing at all so far.", covered(0, HERE)),
    ]
}

fn pages() -> Vec<Vector> {
    let catch_up = |after, is_last, conversations| {
        let (after, to) = (Position(after), Position(HERE + 100));
        Frame::CatchUp(CatchUp { after, to, is_last, conversations, extensions: none() })
    };
    let history = |request, chat, records, is_complete| {
        Frame::HistoryPage(HistoryPage { request, chat, records, is_complete, extensions: none() })
    };
    let conversations = |request, conversations, is_complete| {
        Frame::ConversationPage(ConversationPage { request, conversations, is_complete, extensions: none() })
    };
    let own = Record { outbox: 3, ..record(HERE + 20, NOW_MS - 60_000, "alice", image()) };
    let older = record(HERE + 15, NOW_MS - 61_000, "carol", Content::text("where?"));
    vec![
        server(
            "catch_up_nothing",
            "Nothing changed since the cursor; the client stands at 1048676.",
            catch_up(HERE + 64, true, vec![]),
        ),
        server(
            "catch_up",
            "Two conversations changed, the group with a hole.",
            catch_up(HERE + 12, true, vec![group_conversation(), single_conversation()]),
        ),
        server(
            "catch_up_first_part",
            "More parts follow; the cursor does not move yet.",
            catch_up(0, false, vec![group_conversation()]),
        ),
        server(
            "history_page",
            "Two records of the group, the newer one this device's own; older ones remain.",
            history(7, Chat::Group(GROUP), vec![own, older], false),
        ),
        server("history_page_empty", "The hole is closed.", history(8, user("bob"), vec![], true)),
        server(
            "conversation_page",
            "One conversation and no more.",
            conversations(9, vec![single_conversation()], true),
        ),
        server(
            "conversation_page_more",
            "Older conversations exist.",
            conversations(10, vec![group_conversation()], false),
        ),
    ]
}

fn group() -> Vec<Vector> {
    let created = |request, group| Frame::GroupCreated(GroupCreated { request, group, extensions: none() });
    let groups = |request, groups, is_last| Frame::Groups(Groups { request, groups, is_last, extensions: none() });
    let members = |request, members: &[&str], is_last| {
        let (members, owner) = (names(members), "alice".into());
        Frame::GroupMembers(GroupMembers { request, members, owner, is_last, extensions: none() })
    };
    let climbers =
        GroupSummary { group: GROUP, name: "climbers".into(), description: "Sundays".into(), owner: "alice".into() };
    vec![
        server("group_created", "The new group's number.", created(11, GROUP)),
        server("group_created_highest", "The highest number there can be.", created(12, GroupId((1 << 31) - 1))),
        server("groups", "The user is in one group.", groups(19, vec![climbers], true)),
        server("groups_none", "The user is in no group.", groups(20, vec![], true)),
        server("group_members_part", "Two members; more follow.", members(21, &["alice", "carol"], false)),
        server("group_members_last", "The last member.", members(21, &["dave"], true)),
    ]
}

fn push() -> Vec<Vector> {
    let tag_list = |request, tags: &[&str]| Frame::TagList(TagList { request, tags: names(tags), extensions: none() });
    let alias =
        |request, alias: &str| Frame::AliasValue(AliasValue { request, alias: alias.into(), extensions: none() });
    let covered = |after, to| Frame::PushCovered(PushCovered { after: Position(after), to: Position(to) });
    let push = |after, position, msg_id, content| {
        let (after, position, msg_id) = (Position(after), Position(position), Position(msg_id));
        Frame::PushDeliver(PushDeliver { after, position, msg_id, at_ms: NOW_MS, content, extensions: none() })
    };
    let notification = PushContent { notification: Some(notification()), message: None };
    let message = CustomMessage {
        content: "sync".into(),
        title: String::new(),
        content_type: "text".into(),
        extras: r#"{"id":9}"#.into(),
    };
    let both = PushContent { notification: notification.notification.clone(), message: Some(message.clone()) };
    let replacing = Frame::PushDeliver(PushDeliver {
        after: Position(HERE + 40),
        position: Position(HERE + 52),
        msg_id: Position(HERE + 51),
        at_ms: NOW_MS,
        content: notification.clone(),
        extensions: PushDeliver::replacing(Some(Position(HERE + 30))),
    });
    let withdrawn = |msg_id| Frame::PushWithdrawn(PushWithdrawn { msg_id: Position(msg_id), extensions: none() });
    let message_only = PushContent { notification: None, message: Some(message) };
    vec![
        server("tag_list", "The tags as they are now.", tag_list(24, &["news", "华东"])),
        server("tag_list_none", "No tag.", tag_list(26, &[])),
        server("alias_value", "The alias as it is now.", alias(28, "alice_tablet")),
        server("alias_value_none", "No alias.", alias(29, "")),
        server("push_notification", "A notification.", push(HERE + 7, HERE + 31, HERE + 30, notification)),
        server(
            "push_both",
            "A notification and a custom message in one push.",
            push(HERE + 31, HERE + 40, HERE + 39, both),
        ),
        server(
            "push_outside_the_run",
            "A push without lifetime: after equals position, the cursor stays.",
            push(HERE + 44, HERE + 44, HERE + 43, message_only),
        ),
        server(
            "push_replacing",
            "A notification that takes the place of an earlier one: extension 16 is the msg_id of that one.",
            replacing,
        ),
        server("push_withdrawn", "A push was taken back: what shows it is removed.", withdrawn(HERE + 51)),
        server("push_withdrawn_early", "The first push of this server was taken back.", withdrawn(7)),
        server("push_covered", "No push for this device in between.", covered(HERE + 40, HERE + 60)),
        server("push_covered_from_start", "No push so far.", covered(0, HERE)),
    ]
}

fn notification() -> Notification {
    Notification {
        alert: "The ferry leaves at 9".into(),
        title: "Ferry".into(),
        extras: r#"{"line":3}"#.into(),
        options: r#"{"badge":1}"#.into(),
    }
}
