//! The walls between apps (G19) on links: every frame that a client may send, by everybody who has no right to what it
//! names. A frame without a row in `frames_of` fails the test by its name, one without an answer does not compile.

use anser_protocol::Encoder;
use anser_protocol::content::Content;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{Ack, Conversations, History, Send};
use anser_protocol::frame::group::{GroupChange, GroupCreate, GroupList, GroupRequest};
use anser_protocol::frame::push::{
    Activity, Alias, Badge, LabelAction, Mobile, PushAck, PushClicked, PushReport, PushResume, PushState, PushStop,
    PushToken, Tags, TokenKind,
};
use anser_protocol::frame::session::{CredentialKind, Logout, RegisterUser, UserInfo};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position, RoomId};
use anser_protocol::names::Chat;
use anser_protocol::varint;
use anser_storage::command::{AppCommand, Command};
use serde_json::json;

use crate::group_walls::{self, group_frame};
use crate::media_walls;
use crate::peer::{Peer, hello, login};
use crate::room_walls::{self, is_of_room};
use crate::world::{App, Part, World, basic};

#[path = "frame_walls_people.rs"]
mod people;
#[path = "frame_walls_reads.rs"]
mod reads;
#[path = "frame_walls_talk.rs"]
mod talk;

/// Of every frame under test; answers carry it.
pub const REQUEST: u32 = 7;
/// What the frames of a user and of a group carry as the text of a message is this and who says it.
const SAID_BY: &str = "said by ";

/// Who says a frame that names things of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    /// The frame is the first of its link.
    BeforeHello,
    /// It follows a hello with the owner's device and a wrong secret, without waiting for the answer.
    RefusedHello,
    /// A device of the owner's app without a user.
    NoLogin,
    /// The same, after a logout and a login with the token that the logout ended.
    LoggedOut,
    /// A user of another app.
    Stranger,
    /// Another user of the owner's app: not in the group, not in the chat, with another device.
    Outsider,
    /// The owner's app is deleted while this link of it is open.
    DeletedApp,
}

/// What the caller must be told.
#[derive(Clone, Copy)]
pub enum Told {
    Nothing,
    Failed(ErrorCode),
    Refused(ErrorCode),
    /// The link ends for this reason.
    Ends(ErrorCode),
    /// It works on the caller's own things.
    Own(fn(&ServerFrame) -> bool),
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_no_frame_reaches_over_the_wall() {
    let mut land = Land::new().await;
    for caller in [
        Caller::BeforeHello,
        Caller::RefusedHello,
        Caller::NoLogin,
        Caller::LoggedOut,
        Caller::Stranger,
        Caller::Outsider,
    ] {
        for (_, name) in ClientFrame::TYPES {
            for frame in land.frames_of(name, caller) {
                let mut peer = land.peer(caller).await;
                peer.say(&frame).await;
                check_answer(&mut peer, told(caller, &frame), &format!("{caller:?} says {frame:?}")).await;
                land.nothing_leaks(&peer, caller, name);
            }
        }
    }
    land.nothing_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_no_frame_is_answered_from_what_is_left_of_a_deleted_app() {
    for (_, name) in ClientFrame::TYPES {
        let mut which = 0;
        loop {
            let land = Land::new().await;
            let frames = land.frames_of(name, Caller::DeletedApp);
            let Some(frame) = frames.get(which) else { break };
            which += 1;
            let mut peer = Peer::connect(&land.world).await;
            peer.register(&land.owner.key).await;
            peer.log_in("second", "secret").await;
            peer.heard.clear();
            // The first slice only: everything but the way to it is still there.
            let answer = land.world.submit(Command::App(AppCommand::Delete { app: land.owner.number })).await;
            assert_eq!(answer, anser_storage::outcome::Answer::Continue);
            peer.say(frame).await;
            let what = format!("{frame:?} in a deleted app");
            check_answer(&mut peer, told(Caller::DeletedApp, frame), &what).await;
            land.nothing_leaks(&peer, Caller::DeletedApp, name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_the_links_of_an_app_end_with_it_and_those_of_others_do_not() {
    let mut land = Land::new().await;
    let mut other = land.peer(Caller::Stranger).await;
    let deleted = land.world.daemon.context().delete_app(land.owner.number).await;
    assert_eq!(deleted, Ok(Ok(())));
    check_answer(&mut land.device, Told::Ends(ErrorCode::APP_KEY), "the link of a deleted app").await;
    let mut peer = Peer::connect(&land.world).await;
    peer.say(&hello(&land.owner.key, &land.registration_id, land.secret)).await;
    check_answer(&mut peer, Told::Ends(ErrorCode::APP_KEY), "a device of a deleted app").await;
    other.say(&ClientFrame::Ping).await;
    check_answer(&mut other, Told::Own(is_pong), "another app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_a_hello_finds_no_device_over_the_wall() {
    let land = Land::new().await;
    let (key, stranger) = (&land.owner.key, &land.stranger.key);
    let mine = Peer::connect(&land.world).await.register(stranger).await.registration_id;
    for (app_key, registration_id, secret, code) in [
        (stranger.as_str(), land.registration_id.as_str(), land.secret, ErrorCode::REGISTRATION),
        (key, &land.registration_id, [0; 16], ErrorCode::REGISTRATION),
        (key, &mine, land.secret, ErrorCode::REGISTRATION),
        (key, "0123456789abcdef012", land.secret, ErrorCode::REGISTRATION),
        ("ffffffffffffffffffffffff", &land.registration_id, land.secret, ErrorCode::APP_KEY),
        ("", &land.registration_id, land.secret, ErrorCode::APP_KEY),
    ] {
        let mut peer = Peer::connect(&land.world).await;
        peer.say(&hello(app_key, registration_id, secret)).await;
        check_answer(&mut peer, Told::Ends(code), &format!("hello of {registration_id} in {app_key}")).await;
        land.nothing_leaks(&peer, Caller::Stranger, "Hello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_the_right_password_and_token_of_another_app_log_nobody_in() {
    let land = Land::new().await;
    for (kind, credential) in [(CredentialKind::PASSWORD, &b"secret"[..]), (CredentialKind::TOKEN, &land.token)] {
        let mut peer = Peer::connect(&land.world).await;
        peer.register(&land.stranger.key).await;
        peer.say(&login(REQUEST, "owners-user", kind, credential)).await;
        check_answer(&mut peer, Told::Failed(ErrorCode::USER_UNKNOWN), "a login over the wall").await;
    }
    // A name that both apps have is two users.
    land.world.users(&land.stranger, &["second"]).await;
    let mut peer = Peer::connect(&land.world).await;
    peer.register(&land.stranger.key).await;
    peer.say(&login(REQUEST, "second", CredentialKind::TOKEN, &land.token)).await;
    check_answer(&mut peer, Told::Failed(ErrorCode::TOKEN_INVALID), "a token over the wall").await;
    peer.log_in("second", "secret").await;
    peer.say(&ClientFrame::Conversations(conversations())).await;
    check_answer(&mut peer, Told::Own(no_conversation), "the chats of a namesake").await;
    land.nothing_leaks(&peer, Caller::Stranger, "Conversations");
}

#[tokio::test(flavor = "multi_thread")]
async fn g19_a_chat_number_of_one_link_means_nothing_on_another() {
    let land = Land::new().await;
    let mut peer = land.peer(Caller::Stranger).await;
    // Send: outbox number 1, the chat in slot 0, a text "x".
    peer.say_bytes(&[7, 6, 1, 8, 1, 1, b'x', 0]).await;
    check_answer(&mut peer, Told::Ends(ErrorCode::MALFORMED), "a chat number that was never introduced").await;
}

fn told(caller: Caller, frame: &ClientFrame) -> Told {
    match (caller, frame) {
        (Caller::NoLogin | Caller::LoggedOut, frame) if is_of_room(frame) => room_walls::told_without_login(frame),
        (Caller::Stranger, frame) if is_of_room(frame) => room_walls::told_stranger(frame),
        (Caller::Outsider, frame) if is_of_room(frame) => room_walls::told_outsider(frame),
        (Caller::BeforeHello, ClientFrame::Hello(_)) | (Caller::RefusedHello, _) => Told::Ends(ErrorCode::REGISTRATION),
        (Caller::BeforeHello, _) => Told::Ends(ErrorCode::HELLO_FIRST),
        (_, ClientFrame::Hello(_)) => Told::Ends(ErrorCode::MALFORMED),
        (Caller::DeletedApp, ClientFrame::Ping) => Told::Own(is_pong),
        // There is nothing to resume.
        (Caller::DeletedApp, ClientFrame::PushResume(_)) => Told::Own(is_done),
        // It is noted in memory; the store refuses what is told of a deleted app.
        (Caller::DeletedApp, ClientFrame::Activity(_)) => Told::Own(is_done),
        (Caller::DeletedApp, ClientFrame::Ack(_)) => Told::Nothing,
        (Caller::DeletedApp, _) => Told::Ends(ErrorCode::APP_KEY),
        (Caller::NoLogin | Caller::LoggedOut, frame) if reads::is_mine(frame) => Told::Failed(ErrorCode::NOT_LOGGED_IN),
        (Caller::Stranger | Caller::Outsider, frame) if reads::is_mine(frame) => reads::told(frame),
        (Caller::NoLogin | Caller::LoggedOut, frame) => told_without_login(frame),
        (Caller::Stranger, frame) => told_stranger(frame),
        (Caller::Outsider, frame) => told_outsider(frame),
    }
}

fn told_without_login(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::Send(_) => Told::Refused(ErrorCode::NOT_LOGGED_IN),
        ClientFrame::Logout(_)
        | ClientFrame::History(_)
        | ClientFrame::Conversations(_)
        | ClientFrame::GroupCreate(_)
        | ClientFrame::GroupAdd(_)
        | ClientFrame::GroupRemove(_)
        | ClientFrame::GroupLeave(_)
        | ClientFrame::GroupList(_)
        | ClientFrame::GroupMembers(_)
        | ClientFrame::MediaUpload(_)
        | ClientFrame::MediaAddress(_)
        | ClientFrame::UserInfo(_) => Told::Failed(ErrorCode::NOT_LOGGED_IN),
        group_frame!() => Told::Failed(ErrorCode::NOT_LOGGED_IN),
        ClientFrame::Login(_)
        | ClientFrame::RegisterUser(_)
        | ClientFrame::Ping
        | ClientFrame::Ack(_)
        | ClientFrame::Tags(_)
        | ClientFrame::Alias(_)
        | ClientFrame::PushAck(_)
        | ClientFrame::PushClicked(_)
        | ClientFrame::PushReport(_)
        | ClientFrame::PushToken(_)
        | ClientFrame::Badge(_)
        | ClientFrame::PushStop(_)
        | ClientFrame::PushResume(_)
        | ClientFrame::Mobile(_)
        | ClientFrame::Activity(_) => told_outsider(frame),
        ClientFrame::ProfileChange(_)
        | ClientFrame::PasswordChange(_)
        | ClientFrame::Blacklist(_)
        | ClientFrame::Mutes(_)
        | ClientFrame::Shields(_)
        | ClientFrame::FriendAsk(_)
        | ClientFrame::FriendAnswer(_)
        | ClientFrame::FriendRemove(_)
        | ClientFrame::FriendNote(_)
        | ClientFrame::PeopleList(_)
        | ClientFrame::UsersInfo(_) => Told::Failed(ErrorCode::NOT_LOGGED_IN),
        ClientFrame::SendCommand(_) | ClientFrame::Retract(_) => Told::Failed(ErrorCode::NOT_LOGGED_IN),
        _ => panic!("{frame:?} is not of this table"),
    }
}

fn told_stranger(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::Login(_) => Told::Failed(ErrorCode::USER_UNKNOWN),
        ClientFrame::Logout(_) | ClientFrame::RegisterUser(_) => Told::Own(is_done),
        ClientFrame::Send(send) => Told::Refused(match send.chat {
            Chat::User(_) => ErrorCode::SEND_TARGET_UNKNOWN,
            Chat::Group(_) => ErrorCode::SEND_GROUP_UNKNOWN,
            Chat::Notices => ErrorCode::SEND_NOT_ALLOWED,
        }),
        // Whether such a chat exists is not told: there is nothing in it.
        ClientFrame::History(_) => Told::Own(no_record),
        ClientFrame::Conversations(_) => Told::Own(no_conversation),
        ClientFrame::GroupCreate(_) => Told::Failed(ErrorCode::MEMBER_UNREGISTERED),
        ClientFrame::UserInfo(_) => Told::Failed(ErrorCode::NO_SUCH_USER),
        ClientFrame::GroupAdd(_) | ClientFrame::GroupRemove(_) | ClientFrame::GroupLeave(_) => {
            Told::Failed(ErrorCode::GROUP_UNKNOWN)
        }
        ClientFrame::GroupMembers(_) => Told::Failed(ErrorCode::NOT_A_MEMBER),
        group_frame!() => group_walls::told_stranger(frame),
        ClientFrame::GroupList(_) => Told::Own(no_group),
        ClientFrame::Ping => Told::Own(is_pong),
        ClientFrame::Ack(_) | ClientFrame::PushAck(_) => Told::Nothing,
        ClientFrame::Tags(tags) if tags.action == LabelAction::GET => Told::Own(no_tag),
        ClientFrame::Tags(_) => Told::Own(new_tag),
        ClientFrame::Alias(_) => Told::Own(no_alias),
        // It is no secret that a push is unknown, but it counts nowhere.
        ClientFrame::PushClicked(_) | ClientFrame::PushReport(_) => Told::Own(is_done),
        ClientFrame::PushToken(_) | ClientFrame::Badge(_) | ClientFrame::Activity(_) => Told::Own(is_done),
        ClientFrame::MediaUpload(_) | ClientFrame::MediaAddress(_) => media_walls::told_stranger(frame),
        // They name nothing but the caller's own device.
        ClientFrame::PushStop(_) | ClientFrame::PushResume(_) | ClientFrame::Mobile(_) => Told::Own(is_done),
        ClientFrame::ProfileChange(_)
        | ClientFrame::PasswordChange(_)
        | ClientFrame::Blacklist(_)
        | ClientFrame::Mutes(_)
        | ClientFrame::Shields(_)
        | ClientFrame::FriendAsk(_)
        | ClientFrame::FriendAnswer(_)
        | ClientFrame::FriendRemove(_)
        | ClientFrame::FriendNote(_)
        | ClientFrame::PeopleList(_)
        | ClientFrame::UsersInfo(_) => people::told_stranger(frame),
        ClientFrame::SendCommand(_) | ClientFrame::Retract(_) => talk::told_stranger(frame),
        _ => panic!("{frame:?} is not of this table"),
    }
}

fn told_outsider(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::Login(body) if body.credential_kind == CredentialKind::TOKEN => {
            Told::Failed(ErrorCode::TOKEN_INVALID)
        }
        ClientFrame::Login(_) => Told::Failed(ErrorCode::PASSWORD_WRONG),
        ClientFrame::RegisterUser(_) => Told::Failed(ErrorCode::USER_EXISTS),
        // Users of one app may write to each other.
        ClientFrame::Send(Send { chat: Chat::User(_), .. }) => Told::Own(is_sent),
        ClientFrame::Send(_) => Told::Refused(ErrorCode::SEND_NOT_A_MEMBER),
        ClientFrame::Conversations(_) => Told::Own(own_conversation),
        ClientFrame::GroupCreate(_) => Told::Own(is_made),
        ClientFrame::UserInfo(_) => Told::Own(is_profile),
        ClientFrame::GroupList(_) => Told::Own(own_group),
        ClientFrame::GroupAdd(_) | ClientFrame::GroupLeave(_) => Told::Failed(ErrorCode::NOT_A_MEMBER),
        ClientFrame::GroupRemove(_) => Told::Failed(ErrorCode::NO_PERMISSION),
        group_frame!() => group_walls::told_outsider(frame),
        ClientFrame::History(History { chat: Chat::User(_), .. }) => Told::Own(own_record),
        ClientFrame::MediaUpload(_) | ClientFrame::MediaAddress(_) => media_walls::told_outsider(frame),
        ClientFrame::Logout(_)
        | ClientFrame::Ping
        | ClientFrame::Ack(_)
        | ClientFrame::History(_)
        | ClientFrame::GroupMembers(_)
        | ClientFrame::Tags(_)
        | ClientFrame::Alias(_)
        | ClientFrame::PushAck(_)
        | ClientFrame::PushClicked(_)
        | ClientFrame::PushReport(_)
        | ClientFrame::PushToken(_)
        | ClientFrame::Badge(_)
        | ClientFrame::PushStop(_)
        | ClientFrame::PushResume(_)
        | ClientFrame::Mobile(_)
        | ClientFrame::Activity(_) => told_stranger(frame),
        ClientFrame::ProfileChange(_)
        | ClientFrame::PasswordChange(_)
        | ClientFrame::Blacklist(_)
        | ClientFrame::Mutes(_)
        | ClientFrame::Shields(_)
        | ClientFrame::FriendAsk(_)
        | ClientFrame::FriendAnswer(_)
        | ClientFrame::FriendRemove(_)
        | ClientFrame::FriendNote(_)
        | ClientFrame::PeopleList(_)
        | ClientFrame::UsersInfo(_) => people::told_outsider(frame),
        ClientFrame::SendCommand(_) | ClientFrame::Retract(_) => talk::told_outsider(frame),
        _ => panic!("{frame:?} is not of this table"),
    }
}

async fn check_answer(peer: &mut Peer, told: Told, what: &str) {
    if let Told::Nothing = told {
        let (action, tags, extensions) = (LabelAction::GET, Vec::new(), Extensions::default());
        peer.say(&ClientFrame::Tags(Tags { request: REQUEST + 1, action, tags, extensions })).await;
    }
    let answer = peer.hear_answer().await;
    let is_as_told = match (&answer, told) {
        // What comes next is the answer to the question behind it.
        (Some(ServerFrame::TagList(list)), Told::Nothing) => list.request == REQUEST + 1,
        (Some(ServerFrame::Failed(failed)), Told::Nothing) => failed.request == 0 && failed.code == ErrorCode::APP_KEY,
        (Some(ServerFrame::Failed(failed)), Told::Failed(code)) => (failed.request, failed.code) == (REQUEST, code),
        (Some(ServerFrame::SendRefused(refused)), Told::Refused(code)) => refused.code == code,
        (Some(ServerFrame::Failed(failed)), Told::Ends(code)) => {
            (failed.request, failed.code) == (0, code) && peer.hear().await.is_none()
        }
        (Some(answer), Told::Own(is_own)) => is_own(answer),
        _ => false,
    };
    assert!(is_as_told, "{what}: {answer:?}");
}

fn is_done(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Done(done) if done.request == REQUEST)
}

fn is_pong(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Pong)
}

fn is_sent(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Sent(_))
}

fn is_made(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::GroupCreated(_))
}

fn is_profile(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::UserProfile(_))
}

fn no_record(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::HistoryPage(page) if page.records.is_empty() && page.is_complete)
}

/// Nothing but what the outsider wrote.
fn own_record(frame: &ServerFrame) -> bool {
    let said = format!("{SAID_BY}{:?}", Caller::Outsider);
    matches!(frame, ServerFrame::HistoryPage(page)
        if page.records.iter().all(|record| record.content.body == said.as_bytes()) && page.is_complete)
}

fn no_conversation(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::ConversationPage(page) if page.conversations.is_empty() && page.is_complete)
}

/// The chat in which the outsider wrote.
fn own_conversation(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::ConversationPage(page)
        if matches!(&page.conversations[..], [row] if row.chat == Chat::User("owners-user".into())))
}

fn no_group(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Groups(groups) if groups.groups.is_empty() && groups.is_last)
}

/// The group that the outsider made.
fn own_group(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Groups(groups)
        if matches!(&groups.groups[..], [group] if group.name == "a callers group"))
}

fn no_tag(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::TagList(list) if list.tags.is_empty())
}

fn new_tag(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::TagList(list) if list.tags == ["callers_tag"])
}

fn no_alias(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::AliasValue(value) if value.alias.is_empty())
}

fn conversations() -> Conversations {
    let before = Position(u64::MAX >> 11);
    Conversations { request: REQUEST, before, limit: 100, extensions: Extensions::default() }
}

/// An app with a device that is online, users, a chat, a group and a push; and another app.
struct Land {
    world: World,
    owner: App,
    stranger: App,
    /// The owner's device: what it is called and its secret, and the token of the user on it.
    registration_id: String,
    secret: [u8; 16],
    token: Vec<u8>,
    group: GroupId,
    room: RoomId,
    message: Position,
    msg_id: Position,
    /// What the owner's app server uploaded.
    media_id: String,
    device: Peer,
}

impl Land {
    async fn new() -> Self {
        let world = World::new().await;
        let (owner, stranger) = (world.app("owner").await, world.app("stranger").await);
        let named = json!([{"username": "owners-user", "password": "secret", "nickname": "owners-nick"}]);
        world.call(&owner, "POST", "/v1/users", Some(named)).await.expect(201);
        world.users(&owner, &["second", "outsider", "leaver"]).await;
        world.users(&stranger, &["strangers-user"]).await;

        let mut device = Peer::connect(&world).await;
        let registration_id = device.register(&owner.key).await.registration_id;
        let secret = device.secret;
        let token = device.log_in("owners-user", "secret").await;
        let extensions = Extensions::default;
        let (action, tags) = (LabelAction::SET, vec!["owners_tag".to_owned()]);
        device.say(&ClientFrame::Tags(Tags { request: 2, action, tags, extensions: extensions() })).await;
        assert!(matches!(device.hear_answer().await, Some(ServerFrame::TagList(_))));
        let alias = "owners_alias".to_owned();
        device.say(&ClientFrame::Alias(Alias { request: 3, action, alias, extensions: extensions() })).await;
        assert!(matches!(device.hear_answer().await, Some(ServerFrame::AliasValue(_))));
        let (name, description) = ("owners-group".to_owned(), "owners-description".to_owned());
        let members = vec!["second".to_owned()];
        let create = GroupCreate { request: 4, name, description, members, extensions: extensions() };
        device.say(&ClientFrame::GroupCreate(create)).await;
        let Some(ServerFrame::GroupCreated(made)) = device.hear_answer().await else { panic!("no group") };
        let mut message = Position::START;
        for (outbox, chat) in [(1, Chat::User("second".into())), (2, Chat::Group(made.group))] {
            device.say(&ClientFrame::Send(Send { outbox, chat, content: Content::text("owners-words") })).await;
            let Some(ServerFrame::Sent(sent)) = device.hear_answer().await else { panic!("not sent") };
            message = sent.position;
        }
        let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "owners-alert"}});
        let answer = world.call(&owner, "POST", "/v3/push", Some(push)).await.expect(200);
        let msg_id = Position(answer["msg_id"].as_str().and_then(|text| text.parse().ok()).expect("digits"));
        let group = made.group;
        let form: [Part<'_>; 1] = [("file", Some("owners-file"), b"owners-bytes")];
        let own = basic(&owner.key, &owner.secret);
        let uploaded = world.call_form(Some(&own), "POST", "/v1/resource?type=file", &form).await.expect(200);
        let media_id = uploaded["media_id"].as_str().expect("a text").to_owned();
        let room = json!({"owner_username": "owners-user", "name": "a room"});
        let room = world.call(&owner, "POST", "/v1/chatroom", Some(room)).await.expect(201);
        let room = RoomId(room["chatroom_id"].as_u64().and_then(|id| id.try_into().ok()).expect("a number"));
        Self { world, owner, stranger, registration_id, secret, token, group, room, message, msg_id, media_id, device }
    }

    /// A link of the caller, just before it says the frame.
    async fn peer(&self, caller: Caller) -> Peer {
        let mut peer = Peer::connect(&self.world).await;
        match caller {
            Caller::BeforeHello => {}
            Caller::RefusedHello => peer.say(&hello(&self.owner.key, &self.registration_id, [0; 16])).await,
            Caller::NoLogin => drop(peer.register(&self.owner.key).await),
            Caller::LoggedOut => {
                peer.register(&self.owner.key).await;
                let token = peer.log_in("leaver", "secret").await;
                peer.say(&ClientFrame::Logout(Logout { request: REQUEST, extensions: Extensions::default() })).await;
                check_answer(&mut peer, Told::Own(is_done), "a logout").await;
                peer.say(&login(REQUEST, "leaver", CredentialKind::TOKEN, &token)).await;
                check_answer(&mut peer, Told::Failed(ErrorCode::TOKEN_INVALID), "a token that was logged out").await;
            }
            Caller::Stranger => {
                peer.register(&self.stranger.key).await;
                peer.log_in("strangers-user", "secret").await;
            }
            Caller::Outsider | Caller::DeletedApp => {
                peer.register(&self.owner.key).await;
                peer.log_in("outsider", "secret").await;
            }
        }
        peer
    }

    /// All ways in which a frame of this type names things of the owner.
    fn frames_of(&self, name: &str, caller: Caller) -> Vec<ClientFrame> {
        let (request, extensions, group) = (REQUEST, Extensions::default, self.group);
        let text = |name: &str| name.to_owned();
        let change =
            |member: &str| GroupChange { request, group, members: vec![text(member)], extensions: extensions() };
        let named = || GroupRequest { request, group, extensions: extensions() };
        let chats = [Chat::User("owners-user".into()), Chat::Group(group)];
        let end = Position(u64::MAX >> 11);
        let frames = match name {
            "Hello" => vec![hello(&self.owner.key, &self.registration_id, [0; 16])],
            "Login" => vec![
                login(request, "owners-user", CredentialKind::TOKEN, &self.token),
                login(request, "owners-user", CredentialKind::PASSWORD, b"wrong"),
                login(request, "owners-user", CredentialKind::PASSWORD_MD5, b"00000000000000000000000000000000"),
            ],
            "Logout" => vec![ClientFrame::Logout(Logout { request, extensions: extensions() })],
            "RegisterUser" => vec![ClientFrame::RegisterUser(RegisterUser {
                request,
                username: text("second"),
                password: text("stolen"),
                extensions: extensions(),
            })],
            "Ping" => vec![ClientFrame::Ping],
            "Send" => chats
                .map(|chat| {
                    let content = Content::text(&format!("{SAID_BY}{caller:?}"));
                    ClientFrame::Send(Send { outbox: 1, chat, content })
                })
                .into(),
            "Ack" => vec![ClientFrame::Ack(Ack { position: self.message })],
            "History" => chats
                .map(|chat| {
                    let (before, after, limit) = (end, Position::START, 100);
                    ClientFrame::History(History { request, chat, before, after, limit })
                })
                .into(),
            "Conversations" => vec![ClientFrame::Conversations(conversations())],
            "GroupCreate" => vec![ClientFrame::GroupCreate(GroupCreate {
                request,
                name: text("a callers group"),
                description: String::new(),
                members: vec![text("owners-user")],
                extensions: extensions(),
            })],
            "GroupAdd" => vec!["outsider", "strangers-user"]
                .into_iter()
                .map(|member| ClientFrame::GroupAdd(change(member)))
                .collect(),
            "GroupRemove" => vec![ClientFrame::GroupRemove(change("second"))],
            "GroupLeave" => vec![ClientFrame::GroupLeave(named())],
            "GroupList" => vec![ClientFrame::GroupList(GroupList { request, extensions: extensions() })],
            "GroupMembers" => vec![ClientFrame::GroupMembers(named())],
            "UserInfo" => {
                let username = text("owners-user");
                vec![ClientFrame::UserInfo(UserInfo { request, username, extensions: extensions() })]
            }
            "Tags" => [(LabelAction::GET, vec![]), (LabelAction::ADD, vec![text("callers_tag")])]
                .map(|(action, tags)| ClientFrame::Tags(Tags { request, action, tags, extensions: extensions() }))
                .into(),
            "Alias" => [LabelAction::GET, LabelAction::DELETE]
                .map(|action| {
                    let alias = String::new();
                    ClientFrame::Alias(Alias { request, action, alias, extensions: extensions() })
                })
                .into(),
            "PushAck" => {
                let (position, received) = (self.msg_id, vec![self.msg_id]);
                vec![ClientFrame::PushAck(PushAck { position, received, extensions: extensions() })]
            }
            "PushClicked" => {
                let pushes = vec![self.msg_id];
                vec![ClientFrame::PushClicked(PushClicked { request, pushes, extensions: extensions() })]
            }
            "PushReport" => [PushState::CLICKED, PushState::SHOWN]
                .map(|state| {
                    let pushes = vec![self.msg_id];
                    ClientFrame::PushReport(PushReport { request, state, pushes, extensions: extensions() })
                })
                .into(),
            "PushToken" => {
                let (kind, token) = (TokenKind::APNS, "00ff".to_owned());
                vec![ClientFrame::PushToken(PushToken { request, kind, token, extensions: extensions() })]
            }
            "Badge" => vec![ClientFrame::Badge(Badge { request, badge: 3, extensions: extensions() })],
            "Mobile" => {
                let mobile = text("+86-13012345678");
                vec![ClientFrame::Mobile(Mobile { request, mobile, extensions: extensions() })]
            }
            "PushStop" => vec![ClientFrame::PushStop(PushStop { request, extensions: extensions() })],
            "PushResume" => {
                let push_cursor = Some(Position::START);
                vec![ClientFrame::PushResume(PushResume { request, push_cursor, extensions: extensions() })]
            }
            "Activity" => {
                let (number, opens, seconds) = (request.into(), 1, 5);
                vec![ClientFrame::Activity(Activity { request, number, opens, seconds, extensions: extensions() })]
            }
            "SendCommand" | "Retract" => talk::frames_of(name, self, caller),
            name if group_walls::is_mine(name) => group_walls::frames_of(name, self.group, caller == Caller::Outsider),
            name => people::frames_of(name, group)
                .or_else(|| media_walls::frames_of(name, request, &self.media_id))
                .or_else(|| room_walls::frames_of(name, self.room))
                .or_else(|| reads::frames_of(name, self))
                .unwrap_or_else(|| panic!("the frame {name} has no row in the matrix of walls")),
        };
        for frame in &frames {
            assert_eq!(name_of(frame), name, "the row of {name} has another frame");
        }
        frames
    }

    /// Nothing of the owner is in what the caller heard, unless the caller said it.
    fn nothing_leaks(&self, peer: &Peer, caller: Caller, frame: &str) {
        let mut private = vec![
            "owners-words",
            "owners-group",
            "owners-description",
            "owners-alert",
            "owners_tag",
            "owners_alias",
            &self.registration_id,
            &self.owner.secret,
        ];
        // The users of one app see each other's profiles.
        if !matches!(caller, Caller::Outsider) {
            private.push("owners-nick");
        }
        for private in private {
            assert!(!peer.has_heard(private), "{frame} tells {caller:?} {private:?}");
        }
    }

    /// What the frames were to change is as it was, and the owner heard only what they may hear.
    async fn nothing_changed(&mut self) {
        let (app, group, msg_id) = (self.owner.number, self.group, self.msg_id);
        let read = self
            .world
            .daemon
            .context()
            .ledger
            .read(move |snapshot| Ok((snapshot.group_members(app, group)?, snapshot.push_counts(app, msg_id)?)));
        let (members, counts) = read.await.expect("readable");
        let names: Vec<String> = members.iter().map(|member| member.username.to_string()).collect();
        assert_eq!(names, ["owners-user", "second"]);
        let counts = counts.expect("the push is known");
        assert_eq!((counts.received.len(), counts.clicked), (0, 0), "who did not get it cannot report it");

        self.device.say(&ClientFrame::Ping).await;
        assert!(matches!(self.device.hear_answer().await, Some(ServerFrame::Pong)));
        assert!(self.device.has_heard("owners-alert"), "it is the device that the push was for");
        for caller in [Caller::NoLogin, Caller::LoggedOut, Caller::Stranger] {
            assert!(!self.device.has_heard(&format!("{SAID_BY}{caller:?}")), "{caller:?} was heard");
        }
        assert!(self.device.has_heard(&format!("{SAID_BY}{:?}", Caller::Outsider)), "they may write");
        let mut peer = Peer::connect(&self.world).await;
        peer.register(&self.owner.key).await;
        peer.log_in("second", "secret").await;
    }
}

/// As the table of frames has it.
fn name_of(frame: &ClientFrame) -> &'static str {
    let mut bytes = Vec::new();
    Encoder::default().client(frame, &mut bytes).expect("a short frame");
    let varint::Read::Value(type_number, _) = varint::read(&bytes) else { panic!("a frame begins with its type") };
    let found = ClientFrame::TYPES.iter().find(|(number, _)| *number == type_number);
    found.map(|(_, name)| *name).expect("a client's frame")
}
