//! What happened, as JSON lines.

use anser_client::session::{self, LinkEnd};
use anser_client::shell::Event;
use anser_client::store::{Message, Push};
use anser_protocol::content::{
    Amendment, AmendmentKind, Content, ContentKind, CustomMessage, GroupEvent, GroupEventKind, Notice, NoticeKind,
    Notification,
};
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::chat::Record;
use anser_protocol::group_details::GroupDetails;
use anser_protocol::ids::RoomId;
use anser_protocol::names::Chat;
use anser_protocol::room::{RoomChangeKind, RoomEventKind};
use serde_json::{Value, json};

/// The line for an event; nothing for those that are of no interest to a reader.
pub fn line(event: &Event) -> Option<Value> {
    match event {
        Event::Message(message) => Some(message_line(message)),
        Event::Push(push) => Some(push_line(push)),
        Event::Unreachable(unreachable) => Some(json!({"event": "unreachable", "reason": unreachable.to_string()})),
        Event::StoreFailed(error) => Some(json!({"event": "store_failed", "reason": error.to_string()})),
        Event::Session(event) => session_line(event),
    }
}

fn session_line(event: &session::Event) -> Option<Value> {
    use session::Event as E;
    Some(match event {
        E::Connected { transport, registration_id } => {
            json!({"event": "connected", "transport": transport.name(), "registration_id": registration_id})
        }
        // That no link could be opened has a line of its own.
        E::Disconnected { reason: LinkEnd::Unreachable } => return None,
        E::Disconnected { reason } => json!({"event": "disconnected", "reason": reason_text(reason)}),
        E::LoggedIn { user } => json!({"event": "logged_in", "user": &**user}),
        E::LoginFailed { user, code, message } => {
            json!({"event": "login_failed", "user": &**user, "code": code.0, "message": message})
        }
        E::LoginNeeded { user } => json!({"event": "login_needed", "user": &**user}),
        E::LoggedOut { user } => json!({"event": "logged_out", "user": &**user}),
        E::CaughtUp { user } => json!({"event": "caught_up", "user": &**user}),
        E::Sent { chat, position, at_ms, .. } => {
            json!({"event": "sent", "chat": chat_value(chat), "msg_id": position.0, "time_ms": at_ms})
        }
        E::SendFailed { chat, code, message, .. } => {
            json!({"event": "send_failed", "chat": chat_value(chat), "code": code.0, "message": message})
        }
        E::SendUnsure { chat, content, .. } => {
            let text = String::from_utf8_lossy(&content.body);
            json!({"event": "send_unsure", "chat": chat_value(chat), "text": text})
        }
        E::RoomSent { room, position, at_ms, .. } => {
            json!({"event": "sent", "room": room.0, "msg_id": position.0, "time_ms": at_ms})
        }
        E::RoomSendFailed { room, code, message, .. } => {
            json!({"event": "send_failed", "room": room.0, "code": code.0, "message": message})
        }
        E::RoomMessages { room, records } => {
            let records: Vec<Value> = records.iter().map(|record| room_message_line(*room, record)).collect();
            json!({"event": "room_messages", "room": room.0, "messages": records})
        }
        E::RoomEvent { room, kind, at_ms, by, users } => {
            let kind = room_event_name(*kind);
            json!({"event": "room_event", "room": room.0, "kind": kind, "time_ms": at_ms, "by": by, "users": users})
        }
        E::RoomChanged { room, kind } => {
            json!({"event": "room_changed", "room": room.0, "kind": room_change_name(*kind)})
        }
        E::ReadMarked { chat, position, .. } => {
            json!({"event": "read", "chat": chat_value(chat), "msg_id": position.0})
        }
        E::ReceiptChanged { chat, message, unread, at_ms, .. } => {
            let chat = chat_value(chat);
            json!({"event": "receipt", "chat": chat, "msg_id": message.0, "unread": unread, "time_ms": at_ms})
        }
        E::SendCancelled { chat, .. } => json!({"event": "send_cancelled", "chat": chat_value(chat)}),
        E::ProfileChanged { username, changed_ms, .. } => {
            json!({"event": "profile_changed", "username": &**username, "time_ms": changed_ms})
        }
        E::CommandCame { from, group, text, .. } => {
            json!({"event": "command", "from": &**from, "group": (group.0 != 0).then_some(group.0), "text": text})
        }
        E::PutOff { code, message } => json!({"event": "put_off", "code": code.0, "message": message}),
        E::PushWithdrawn { msg_id } => json!({"event": "push_withdrawn", "msg_id": msg_id.0}),
        E::RegistrationFailed { code } => {
            json!({"event": "registration_failed", "code": code.number(), "message": code.text()})
        }
        E::Registered { .. } | E::Connecting | E::LabelAnswered { .. } | E::Answered { .. } => return None,
    })
}

pub fn reason_text(reason: &LinkEnd) -> String {
    match reason {
        LinkEnd::Unreachable => "the server cannot be reached".to_owned(),
        LinkEnd::Closed => "the link was closed".to_owned(),
        LinkEnd::Silent => "the server does not answer".to_owned(),
        LinkEnd::Malformed => "the server sent what cannot be read".to_owned(),
        LinkEnd::Gap => "a delivery was lost on the way".to_owned(),
        LinkEnd::GoAway { code, message } | LinkEnd::Refused { code, message } => {
            if message.is_empty() {
                code.text().to_owned()
            } else {
                message.clone()
            }
        }
        LinkEnd::Copied => "another process has a copy of this device's state".to_owned(),
        LinkEnd::NetworkChanged => "the network changed".to_owned(),
        LinkEnd::Stopped => "stopped".to_owned(),
    }
}

pub fn chat_value(chat: &Chat) -> Value {
    match chat {
        Chat::User(name) => json!({"user": &**name}),
        Chat::Group(group) => json!({"group": group.0}),
        Chat::Notices => json!("notices"),
    }
}

fn message_line(message: &Message) -> Value {
    record_line("chat", chat_value(&message.chat), &message.record)
}

/// A message in a chat room.
pub fn room_message_line(room: RoomId, record: &Record) -> Value {
    record_line("room", room.0.into(), record)
}

fn room_event_name(kind: RoomEventKind) -> Value {
    match kind {
        RoomEventKind::ADMINS_ADDED => "admins_added".into(),
        RoomEventKind::ADMINS_REMOVED => "admins_removed".into(),
        RoomEventKind::BLOCKED => "blocked".into(),
        RoomEventKind::UNBLOCKED => "unblocked".into(),
        RoomEventKind::SILENCED => "silenced".into(),
        RoomEventKind::UNSILENCED => "unsilenced".into(),
        RoomEventKind(number) => number.into(),
    }
}

fn room_change_name(kind: RoomChangeKind) -> Value {
    match kind {
        RoomChangeKind::ADDED => "added".into(),
        RoomChangeKind::LEFT => "left".into(),
        RoomChangeKind::BLOCKED => "blocked".into(),
        RoomChangeKind::DELETED => "deleted".into(),
        RoomChangeKind(number) => number.into(),
    }
}

fn record_line(place: &str, value: Value, record: &Record) -> Value {
    let mut line = json!({
        "event": "message",
        place: value,
        "from": &*record.from,
        "msg_id": record.position.0,
        "time_ms": record.at_ms,
        "type": kind_name(record.content.kind),
    });
    match record.content.kind {
        ContentKind::TEXT => line["text"] = String::from_utf8_lossy(&record.content.body).into(),
        ContentKind::EVENT => put_group_event(&mut line, &record.content.body, &record.content.extensions),
        ContentKind::AMENDED => put_amendment(&mut line, &record.content.body),
        ContentKind::NOTICE => put_notice(&mut line, &record.content.body),
        ContentKind::RETRACTED => {}
        _ => line["body"] = json_or_text(&String::from_utf8_lossy(&record.content.body)),
    }
    if let Some(extras) = record.content.extensions.value(tag::EXTRAS) {
        line["extras"] = json_or_text(&String::from_utf8_lossy(extras));
    }
    line
}

fn put_group_event(line: &mut Value, body: &[u8], extensions: &Extensions) {
    let Ok(event) = postcard::from_bytes::<GroupEvent>(body) else { return };
    line["event"] = "group_event".into();
    line["kind"] = match event.kind {
        GroupEventKind::CREATED => "created".into(),
        GroupEventKind::LEFT => "left".into(),
        GroupEventKind::ADDED => "added".into(),
        GroupEventKind::REMOVED => "removed".into(),
        GroupEventKind::CHANGED => "changed".into(),
        GroupEventKind::DISSOLVED => "dissolved".into(),
        GroupEventKind::SILENCE => "silence".into(),
        GroupEventKind::ADMINS => "admins".into(),
        GroupEventKind::OWNER => "owner".into(),
        GroupEventKind::TYPE => "type".into(),
        GroupEventKind::ANNOUNCED => "announced".into(),
        GroupEventKind::ANNOUNCEMENT_DELETED => "announcement_deleted".into(),
        GroupEventKind::ANNOUNCEMENT_PINNED => "announcement_pinned".into(),
        GroupEventKind::BANNED => "banned".into(),
        GroupEventKind::UNBANNED => "unbanned".into(),
        GroupEventKind::NICKNAME => "nickname".into(),
        GroupEventKind::MAXIMUM => "maximum".into(),
        GroupEventKind(number) => number.into(),
    };
    line["by"] = event.by.into();
    line["users"] = event.users.into();
    if !event.new_owner.is_empty() {
        line["new_owner"] = event.new_owner.into();
    }
    let details = GroupDetails::from_extensions(extensions);
    let said = [
        ("set", details.is_set.map(Value::from)),
        ("until_ms", details.until_ms.map(Value::from)),
        ("public", details.is_public.map(Value::from)),
        ("maximum", details.maximum.map(Value::from)),
        ("nickname", details.nicknames.map(|(_, new)| new.into())),
        ("name", details.name.map(Value::from)),
        ("description", details.description.map(Value::from)),
        ("avatar", details.avatar.map(Value::from)),
        (
            "announcement",
            details.announcement.map(|it| json!({"id": it.id.0, "text": it.text, "pinned": it.pinned_ms > 0})),
        ),
    ];
    for (key, value) in said {
        if let Some(value) = value {
            line[key] = value;
        }
    }
}

fn put_notice(line: &mut Value, body: &[u8]) {
    let Some(notice) = Notice::from_bytes(body) else { return };
    line["event"] = "notice".into();
    line["kind"] = match notice.kind {
        NoticeKind::FRIEND_REQUEST => "friend_request".into(),
        NoticeKind::FRIEND_REMOVED => "friend_removed".into(),
        NoticeKind::FRIENDS_CHANGED | NoticeKind::OWN_FRIENDS => "friends".into(),
        NoticeKind::MUTES_SET | NoticeKind::OWN_MUTES => "mutes".into(),
        NoticeKind::BLACKLIST_SET | NoticeKind::OWN_BLACKLIST => "blacklist".into(),
        NoticeKind::SHIELDS_SET | NoticeKind::OWN_SHIELDS => "shields".into(),
        NoticeKind::PROFILE_SET | NoticeKind::OWN_PROFILE => "profile".into(),
        NoticeKind::JOIN_REQUEST => "join_request".into(),
        NoticeKind::JOIN_REFUSED => "join_refused".into(),
        NoticeKind::JOIN_DECIDED => "join_decided".into(),
        NoticeKind(number) => number.into(),
    };
    line["code"] = notice.kind.0.into();
    line["detail"] = notice.detail.into();
    line["by"] = notice.by.into();
    if !notice.users.is_empty() {
        line["users"] = notice.users.into();
    }
    if notice.group.0 != 0 {
        line["group"] = notice.group.0.into();
    }
    if !notice.text.is_empty() {
        line["text"] = notice.text.into();
    }
}

fn put_amendment(line: &mut Value, body: &[u8]) {
    let Some(amendment) = Amendment::from_bytes(body) else { return };
    line["event"] = "amended".into();
    line["kind"] = match amendment.kind {
        AmendmentKind::RETRACTED => "retracted".into(),
        AmendmentKind::EDITED => "edited".into(),
        AmendmentKind::ERASED => "erased".into(),
        AmendmentKind(number) => number.into(),
    };
    line["by"] = amendment.by.into();
    line["of"] = amendment.position.0.into();
    if let Some(text) = amendment.content.as_ref().and_then(Content::as_text) {
        line["text"] = text.into();
    }
}

fn kind_name(kind: ContentKind) -> Value {
    match kind {
        ContentKind::TEXT => "text".into(),
        ContentKind::IMAGE => "image".into(),
        ContentKind::VOICE => "voice".into(),
        ContentKind::FILE => "file".into(),
        ContentKind::VIDEO => "video".into(),
        ContentKind::LOCATION => "location".into(),
        ContentKind::CUSTOM => "custom".into(),
        ContentKind::EVENT => "event".into(),
        ContentKind::RETRACTED => "retracted".into(),
        ContentKind::AMENDED => "amended".into(),
        ContentKind::NOTICE => "notice".into(),
        ContentKind(number) => number.into(),
    }
}

fn push_line(push: &Push) -> Value {
    let mut line = json!({
        "event": "push",
        "msg_id": push.msg_id.0,
        "time_ms": push.at_ms,
        "notification": push.content.notification.as_ref().map(notification_value),
        "message": push.content.message.as_ref().map(custom_message_value),
    });
    if let Some(replaces) = push.replaces {
        line["replaces"] = replaces.0.into();
    }
    line
}

fn notification_value(notification: &Notification) -> Value {
    let mut value = json!({"alert": notification.alert, "title": notification.title});
    put_json(&mut value, "extras", &notification.extras);
    put_json(&mut value, "options", &notification.options);
    value
}

fn custom_message_value(message: &CustomMessage) -> Value {
    let mut value = json!({"content": message.content, "title": message.title, "content_type": message.content_type});
    put_json(&mut value, "extras", &message.extras);
    value
}

fn put_json(value: &mut Value, name: &str, text: &str) {
    if !text.is_empty() {
        value[name] = json_or_text(text);
    }
}

fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use anser_protocol::content::{Content, PushContent};
    use anser_protocol::extension::Extensions;
    use anser_protocol::frame::chat::Record;
    use anser_protocol::ids::{GroupId, Position};

    use super::*;

    fn message(content: Content) -> Event {
        let record = Record { position: Position(123), at_ms: 7, from: "bob".into(), outbox: 0, content };
        Event::Message(Message { user: "alice".into(), chat: Chat::Group(GroupId(10_000_000)), record })
    }

    #[test]
    fn what_became_of_a_message_names_it_and_who_did_it() {
        let (position, by) = (Position(120), "bob".to_owned());
        let told = Amendment { position, kind: AmendmentKind::EDITED, by, content: Some(Content::text("hi!")) };
        let body = told.to_bytes();
        let content = Content { kind: ContentKind::AMENDED, body, extensions: Extensions::default() };
        assert_eq!(
            line(&message(content)),
            Some(json!({
                "event": "amended", "chat": {"group": 10_000_000}, "from": "bob", "msg_id": 123, "time_ms": 7,
                "type": "amended", "kind": "edited", "by": "bob", "of": 120, "text": "hi!"
            }))
        );
    }

    #[test]
    fn a_text_is_one_line_with_its_chat_sender_and_id() {
        assert_eq!(
            line(&message(Content::text("hi"))),
            Some(json!({
                "event": "message", "chat": {"group": 10_000_000}, "from": "bob", "msg_id": 123, "time_ms": 7,
                "type": "text", "text": "hi"
            }))
        );
    }

    #[test]
    fn a_group_event_says_who_did_what_to_whom() {
        let event = GroupEvent {
            kind: GroupEventKind::ADDED,
            by: "alice".into(),
            users: vec!["carol".into()],
            new_owner: String::new(),
        };
        let body = postcard::to_extend(&event, Vec::new()).expect("memory takes every byte");
        let content = Content { kind: ContentKind::EVENT, body, extensions: Extensions::default() };
        let line = line(&message(content)).expect("it is of interest");
        assert_eq!((&line["event"], &line["kind"]), (&json!("group_event"), &json!("added")));
        assert_eq!((&line["by"], &line["users"]), (&json!("alice"), &json!(["carol"])));
    }

    #[test]
    fn a_push_has_its_notification_and_its_message() {
        let notification = Notification { alert: "42".into(), extras: r#"{"k":1}"#.into(), ..Notification::default() };
        let content = PushContent { notification: Some(notification), message: None };
        let push = Push { position: Position(9), msg_id: Position(8), at_ms: 7, content, replaces: None };
        assert_eq!(
            line(&Event::Push(push)),
            Some(json!({
                "event": "push", "msg_id": 8, "time_ms": 7, "message": null,
                "notification": {"alert": "42", "title": "", "extras": {"k": 1}}
            }))
        );
    }
}
