//! A client's frames, each as the first of its link.

use anser_protocol::content::{Content, ContentKind, Platform};
use anser_protocol::frame::ClientFrame as Frame;
use anser_protocol::frame::chat::{Ack, Conversations, History};
use anser_protocol::frame::group::{GroupChange, GroupCreate, GroupList, GroupRequest};
use anser_protocol::frame::push::{
    Activity, Alias, Badge, LabelAction, Mobile, PushAck, PushClicked, PushReport, PushResume, PushState, PushStop,
    PushToken, Tags, TokenKind,
};
use anser_protocol::frame::session::{CredentialKind, Hello, Login, Logout, RegisterUser, UserInfo};
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use anser_protocol::traits::{TraitKind, Traits};

use super::samples::*;
use super::{Vector, client};

pub fn vectors() -> Vec<Vector> {
    [session(), chat(), group(), push(), super::media::client_vectors()].into_iter().flatten().collect()
}

fn hello() -> Hello {
    Hello {
        version_min: 1,
        version_max: 1,
        capabilities: 0,
        app_key: APP_KEY.into(),
        registration_id: String::new(),
        secret: bytes(0x10),
        nonce: bytes(0xa0).to_vec(),
        platform: Platform::ANDROID,
        push_cursor: None,
        extensions: none(),
    }
}

fn login(request: u32, credential_kind: CredentialKind, credential: &[u8], cursor: Option<u64>) -> Frame {
    Frame::Login(Login {
        request,
        username: "alice".into(),
        credential_kind,
        credential: credential.to_vec(),
        cursor: cursor.map(Position),
        extensions: none(),
    })
}

fn session() -> Vec<Vector> {
    let known = Hello {
        version_max: 3,
        capabilities: 5,
        registration_id: REGISTRATION_ID.into(),
        nonce: vec![],
        platform: Platform::OTHER,
        push_cursor: Some(Position(HERE + 7)),
        extensions: unknown_extension(),
        ..hello()
    };
    let traits = [
        (TraitKind::AppVersion, "2.10.1"),
        (TraitKind::OsVersion, "14"),
        (TraitKind::Model, "Pixel 8"),
        (TraitKind::Language, "zh-CN"),
        (TraitKind::Channel, "应用商店"),
    ];
    let traits = traits
        .into_iter()
        .fold(Traits::default(), |traits, (kind, text)| traits.with(kind, text).expect("a short text"));
    let telling = Hello { extensions: traits.add_to(none()), ..hello() };
    let token: Vec<u8> = (0..32).collect();
    let register = |request, username: &str, password: &str| {
        Frame::RegisterUser(RegisterUser {
            request,
            username: username.into(),
            password: password.into(),
            extensions: none(),
        })
    };
    let user_info =
        |request, username: &str| Frame::UserInfo(UserInfo { request, username: username.into(), extensions: none() });
    vec![
        client(
            "hello_new_device",
            "A device asks to be registered: no registration id, a nonce.",
            Frame::Hello(hello()),
        ),
        client("hello_traits", "A new device tells all its traits.", Frame::Hello(telling)),
        client(
            "hello_known_device",
            "A registered device that speaks versions 1 to 3, has stored its pushes up to 1048583, and brings an extension \
             that no reader knows.",
            Frame::Hello(known),
        ),
        client(
            "login_password",
            "Alice logs in by password on a device that has none of her chats.",
            login(1, CredentialKind::PASSWORD, b"correct horse", None),
        ),
        client(
            "login_password_md5",
            "The same password by the hexadecimal digits of its MD5.",
            login(2, CredentialKind::PASSWORD_MD5, b"5d41402abc4b2a76b9719d911017c592", Some(0)),
        ),
        client(
            "login_token",
            "Alice logs in by a session token; the device has stored her chats up to 2^53 - 1, the highest position.",
            login(u32::MAX, CredentialKind::TOKEN, &token, Some((1 << 53) - 1)),
        ),
        client(
            "login_by_signed_token",
            "A token that the app's server signed.",
            login(3, CredentialKind::SIGNED, b"eyJhbGciOiJIUzI1NiJ9.e30.AA", None),
        ),
        client(
            "logout",
            "The user leaves; the device stays.",
            Frame::Logout(Logout { request: 3, extensions: none() }),
        ),
        client(
            "logout_with_extension",
            "A logout with an extension that no reader knows.",
            Frame::Logout(Logout { request: 300, extensions: unknown_extension() }),
        ),
        client("register_user", "A client makes the user alice.", register(4, "alice", "correct horse")),
        client("register_user_utf8", "Lengths count bytes of UTF-8.", register(5, "goose", "鸿雁 1234")),
        client("ping", "A heartbeat: one byte.", Frame::Ping),
        client("user_info", "Asks for bob's profile.", user_info(6, "bob")),
        client("user_info_long_request", "A request number of three bytes.", user_info(70_000, "bob@example.org")),
    ]
}

fn chat() -> Vec<Vector> {
    let history = |request, chat, before, after, limit| {
        Frame::History(History { request, chat, before: Position(before), after: Position(after), limit })
    };
    let conversations = |request, before, limit| {
        Frame::Conversations(Conversations { request, before: Position(before), limit, extensions: none() })
    };
    let ack = |position| Frame::Ack(Ack { position: Position(position) });
    let custom = Content { kind: ContentKind::CUSTOM, body: br#"{"n":1}"#.to_vec(), extensions: none() };
    vec![
        client(
            "send_text_to_user",
            "The first message of a device: a text to bob.",
            send(1, user("bob"), Content::text("hi")),
        ),
        client(
            "send_text_to_group",
            "A text to a group, with the extension that holds its extras.",
            send(200, Chat::Group(GROUP), with_extras(Content::text("鸿雁"))),
        ),
        client("send_image_to_user", "An image: the body is a JSON object.", send(3, user("bob"), image())),
        client("send_custom_to_group", "A custom message to a group.", send(1 << 35, Chat::Group(GROUP), custom)),
        client("ack", "Everything up to this position is stored.", ack(HERE + 95)),
        client("ack_highest", "The highest position there can be.", ack((1 << 53) - 1)),
        client(
            "history_of_group",
            "At most 100 records of the group, strictly between two positions: fills a hole.",
            history(7, Chat::Group(GROUP), HERE + 90, HERE + 12, 100),
        ),
        client("history_of_user", "The newest 20 records with bob.", history(8, user("bob"), (1 << 53) - 1, 0, 20)),
        client("conversations", "The 200 newest conversations.", conversations(9, (1 << 53) - 1, 200)),
        client("conversations_older", "The next 50, below the last row's position.", conversations(10, HERE + 80, 50)),
    ]
}

fn group() -> Vec<Vector> {
    let create = |request, name: &str, description: &str, members: &[&str]| {
        let (name, description, members) = (name.into(), description.into(), names(members));
        Frame::GroupCreate(GroupCreate { request, name, description, members, extensions: none() })
    };
    let change =
        |request, members: &[&str]| GroupChange { request, group: GROUP, members: names(members), extensions: none() };
    let asked = |request, extensions| GroupRequest { request, group: GROUP, extensions };
    vec![
        client("group_create", "A group of two.", create(11, "climbers", "Sundays", &["carol", "dave"])),
        client("group_create_alone", "A group of its owner alone, without a description.", create(12, "雁", "", &[])),
        client("group_add", "Adds two members.", Frame::GroupAdd(change(13, &["carol", "dave"]))),
        client("group_add_one", "Adds one member.", Frame::GroupAdd(change(14, &["erin"]))),
        client("group_remove", "Removes one member.", Frame::GroupRemove(change(15, &["dave"]))),
        client("group_remove_two", "Removes two members.", Frame::GroupRemove(change(16, &["carol", "erin"]))),
        client("group_leave", "The user leaves the group.", Frame::GroupLeave(asked(17, none()))),
        client("group_leave_with_extension", "The same, extended.", Frame::GroupLeave(asked(18, unknown_extension()))),
        client(
            "group_list",
            "Asks for the user's groups.",
            Frame::GroupList(GroupList { request: 19, extensions: none() }),
        ),
        client(
            "group_list_with_extension",
            "The same, extended.",
            Frame::GroupList(GroupList { request: 20, extensions: unknown_extension() }),
        ),
        client("group_members", "Asks for the group's members.", Frame::GroupMembers(asked(21, none()))),
        client(
            "group_members_with_extension",
            "The same, extended.",
            Frame::GroupMembers(asked(22, unknown_extension())),
        ),
    ]
}

fn push() -> Vec<Vector> {
    let tags =
        |request, action, tags: &[&str]| Frame::Tags(Tags { request, action, tags: names(tags), extensions: none() });
    let alias =
        |request, action, alias: &str| Frame::Alias(Alias { request, action, alias: alias.into(), extensions: none() });
    let positions = |positions: &[u64]| positions.iter().map(|position| Position(*position)).collect::<Vec<_>>();
    let push_ack = |position, received: &[u64]| {
        Frame::PushAck(PushAck { position: Position(position), received: positions(received), extensions: none() })
    };
    let clicked = |request, pushes: &[u64]| {
        Frame::PushClicked(PushClicked { request, pushes: positions(pushes), extensions: none() })
    };
    let report = |request, state, pushes: &[u64]| {
        Frame::PushReport(PushReport { request, state, pushes: positions(pushes), extensions: none() })
    };
    let activity = |request, opens, seconds| {
        let number = 0xfeed_0000 + u64::from(request);
        Frame::Activity(Activity { request, number, opens, seconds, extensions: none() })
    };
    let token = |request, kind, token: &str| {
        Frame::PushToken(PushToken { request, kind, token: token.into(), extensions: none() })
    };
    let mobile = |request, mobile: &str| Frame::Mobile(Mobile { request, mobile: mobile.into(), extensions: none() });
    let resume = |request, cursor: Option<u64>| {
        let push_cursor = cursor.map(Position);
        Frame::PushResume(PushResume { request, push_cursor, extensions: none() })
    };
    vec![
        client("mobile_set", "The number of the telephone.", mobile(40, "+86-13012345678")),
        client("mobile_clear", "No number any more.", mobile(41, "")),
        client("push_stop", "No pushes from now on.", Frame::PushStop(PushStop { request: 42, extensions: none() })),
        client(
            "push_stop_with_extension",
            "The same, extended.",
            Frame::PushStop(PushStop { request: 43, extensions: unknown_extension() }),
        ),
        client("push_resume", "Pushes again, behind what is stored.", resume(44, Some(HERE + 40))),
        client("push_resume_without_a_cursor", "The same of a device that keeps no store.", resume(45, None)),
        client("tags_get", "Asks for this device's tags.", tags(23, LabelAction::GET, &[])),
        client("tags_set", "These tags and no others.", tags(24, LabelAction::SET, &["news", "华东"])),
        client("tags_add", "One tag more.", tags(25, LabelAction::ADD, &["beta"])),
        client("tags_delete", "One tag less.", tags(26, LabelAction::DELETE, &["news"])),
        client("alias_get", "Asks for this device's alias.", alias(27, LabelAction::GET, "")),
        client("alias_set", "This device is alice's tablet.", alias(28, LabelAction::SET, "alice_tablet")),
        client("alias_delete", "No alias any more.", alias(29, LabelAction::DELETE, "")),
        client(
            "push_ack",
            "Two pushes were stored; the cursor stands behind them.",
            push_ack(HERE + 40, &[HERE + 30, HERE + 39]),
        ),
        client("push_ack_cursor_only", "The cursor moved over a covered range.", push_ack(HERE + 60, &[])),
        client("push_clicked", "The user opened a notification.", clicked(30, &[HERE + 30])),
        client("push_clicked_two", "Two at once.", clicked(31, &[HERE + 30, HERE + 39])),
        client("push_report_shown", "A notification was shown.", report(32, PushState::SHOWN, &[HERE + 30])),
        client(
            "push_report_message_clicked",
            "The user acted on two custom messages.",
            report(33, PushState::MESSAGE_CLICKED, &[HERE + 30, HERE + 39]),
        ),
        client("push_token", "Where Apple's service finds this device.", token(34, TokenKind::APNS, "00fc13ad")),
        client("push_token_none", "Nowhere any more.", token(35, TokenKind::APNS, "")),
        client("badge", "The icon shows three.", Frame::Badge(Badge { request: 36, badge: 3, extensions: none() })),
        client("badge_none", "Nothing.", Frame::Badge(Badge { request: 37, badge: 0, extensions: none() })),
        client("activity", "The application came to the front.", activity(38, 1, 0)),
        client("activity_gone", "It came twice more and was there for 75 seconds in all.", activity(39, 2, 75)),
    ]
}
