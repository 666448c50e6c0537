//! Every code of the contract's error catalogues: a test provokes it, or it is written down why it cannot occur. And the
//! tests of codes that no other test is about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anser_protocol::content::Content;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::Send;
use anser_protocol::frame::group::{GroupChange, GroupCreate};
use anser_protocol::frame::group_order::{GroupOrder, GroupOrderKind};
use anser_protocol::frame::people::{Blacklist, Mutes};
use anser_protocol::frame::room::{RoomChange, RoomEnter};
use anser_protocol::frame::session::{RegisterUser, UserInfo};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position, RoomId};
use anser_protocol::limits::{GROUPS_PER_USER_MAX, ROOM_ADMINS_MAX, ROOM_BLOCKED_MAX};
use anser_protocol::names::Chat;
use anser_protocol::room::RoomRole;
use serde_json::{Value, json};

use crate::peer::Peer;
use crate::world::{App, World};

/// Code, and `test NAME` or `never REASON`.
const CATALOGUE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/im-codes.tsv"));
/// The same behind the family of calls, since some families share numbers.
const PUSH_CATALOGUE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/push-codes.tsv"));
/// From here on codes are those of the IM API; below are those of the link and of push clients.
const FIRST_CODE: u32 = 700_000;
const REQUEST: u32 = 7;

#[test]
fn every_code_of_the_catalogues_is_provoked_by_a_test_or_cannot_occur() {
    let tests = tests();
    let of_push = push_catalogue().into_iter().map(|((_, code), how)| (code, how));
    for (code, how) in catalogue().into_iter().chain(of_push) {
        match how.split_once(' ') {
            Some(("never", reason)) => {
                assert!(reason.len() > 10, "{code} cannot occur, but why?");
            }
            Some(("test", name)) => {
                let text =
                    tests.get(name).unwrap_or_else(|| panic!("{code} is to be provoked by {name}: there is none"));
                assert!(spellings(code).iter().any(|spelling| text.contains(spelling)), "{name} does not name {code}");
            }
            _ => panic!("{code} has neither a test nor a reason"),
        }
    }
}

#[test]
fn every_code_of_the_push_families_stands_in_their_catalogue() {
    let known: BTreeSet<u32> = push_catalogue().into_keys().map(|(_, code)| code).collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rest");
    for file in ["", "push", "file", "report", "schedule"].iter().flat_map(|folder| sources(&source.join(folder))) {
        let text = std::fs::read_to_string(&file).expect("a text");
        for piece in text.split("Fault::new(").skip(1).filter_map(|piece| piece.split_once("StatusCode::")) {
            let code = piece.1.split(',').nth(1).and_then(|code| code.trim().parse().ok());
            let is_known = code.is_none_or(|code: u32| known.contains(&code));
            assert!(is_known, "{code:?} of {file:?} is not in the catalogue");
        }
    }
}

fn push_catalogue() -> BTreeMap<(&'static str, u32), &'static str> {
    read(PUSH_CATALOGUE, |key| {
        let (family, code) = key.split_once('\t').expect("a family and a code");
        (family, code.parse().expect("a code"))
    })
}

fn catalogue() -> BTreeMap<u32, &'static str> {
    read(CATALOGUE, |key| key.parse().expect("a code"))
}

/// How each row is provoked, which is its last column, by what stands before.
fn read<K: Ord>(text: &'static str, key: impl Fn(&'static str) -> K) -> BTreeMap<K, &'static str> {
    let mut catalogue = BTreeMap::new();
    for line in text.lines().skip(1) {
        let (before, how) = line.rsplit_once('\t').expect("columns");
        assert_eq!(catalogue.insert(key(before), how), None, "{before} stands there twice");
    }
    catalogue
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let paths = entries.map(|entry| entry.expect("readable").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn every_code_that_is_sent_stands_in_the_catalogue() {
    let catalogue = catalogue();
    for (code, name, _) in ErrorCode::ALL {
        assert!(code.0 < FIRST_CODE || catalogue.contains_key(&code.0), "{name} ({}) is not in the catalogue", code.0);
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rest");
    for path in [source.clone(), source.join("im")].iter().flat_map(|folder| sources(folder)) {
        for code in numbers(&std::fs::read_to_string(&path).expect("a text")) {
            let is_code = code / 1000 == 899 || (780_000..898_000).contains(&code) || code / 10_000 == 713;
            assert!(!is_code || catalogue.contains_key(&code), "{code} of {path:?} is not in the catalogue");
        }
    }
}

/// How a test may write a code.
fn spellings(code: u32) -> Vec<String> {
    let digits = code.to_string();
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    let grouped = match head.len() {
        ..=3 => format!("{head}_{tail}"),
        long => format!("{}_{}_{tail}", &head[..long - 3], &head[long - 3..]),
    };
    let named = ErrorCode::ALL.iter().filter(|(known, _, _)| known.0 == code);
    named.map(|(_, name, _)| format!("ErrorCode::{name}")).chain([grouped, digits]).collect()
}

/// Numbers of six and seven digits.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter_map(|word| word.replace('_', "").parse().ok().filter(|number| (100_000..10_000_000).contains(number)))
}

/// The tests of this and of the whole system, by name, with their text.
fn tests() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "tests/rest",
        "tests",
        "../tests/tests",
        "src/link/session",
        "src/link/session/tests",
        "src/rest",
        "src/rest/push",
    ];
    let mut tests = BTreeMap::new();
    for path in folders.iter().flat_map(|folder| sources(&root.join(folder))) {
        let text = std::fs::read_to_string(&path).expect("a text");
        for piece in text.split("#[").filter(|piece| piece.starts_with("test]") || piece.starts_with("tokio::test")) {
            let Some((_, rest)) = piece.split_once("fn ") else { continue };
            let name = rest.split('(').next().unwrap_or_default();
            // Up to the end of the function, which may be in a module.
            let body = rest.split("\n}\n").next().and_then(|body| body.split("\n    }\n\n").next());
            tests.insert(name.to_owned(), body.unwrap_or_default().to_owned());
        }
    }
    tests
}

#[tokio::test(flavor = "multi_thread")]
async fn members_who_cannot_come_in_or_be_put_out_are_told_why() {
    let (world, app) = flock(&["alice", "bob", "carol", "dave", "eve"]).await;
    let group = json!({"owner_username": "alice", "name": "g", "members_username": ["bob", "carol"]});
    let group = group_of(&world, &app, group).await;
    let (mut alice, mut bob) = (peer(&world, &app, "alice").await, peer(&world, &app, "bob").await);
    assert_eq!(code_of(&mut alice, order(group, GroupOrderKind::ADD_ADMINS, &["bob", "carol"], 0)).await, None);
    assert_eq!(code_of(&mut alice, order(group, GroupOrderKind::MAXIMUM, &[], 4)).await, None);
    for (who, request, code) in [
        ("alice", add(group, &["bob"]), ErrorCode::ALREADY_A_MEMBER),
        ("alice", add(group, &["dave", "eve"]), ErrorCode::GROUP_FULL),
        ("alice", add(group, &["ghost"]), ErrorCode::MEMBER_UNREGISTERED),
        ("alice", add(group, &[]), ErrorCode::MEMBERS_EMPTY),
        ("alice", add(GroupId(19_999_999), &["dave"]), ErrorCode::GROUP_UNKNOWN),
        ("alice", remove(group, &["dave"]), ErrorCode::MEMBER_UNKNOWN),
        ("alice", remove(group, &[]), ErrorCode::REMOVAL_EMPTY),
        ("bob", remove(group, &["carol"]), ErrorCode::REMOVAL_NOT_PERMITTED),
        ("bob", remove(group, &["alice"]), ErrorCode::REMOVAL_NOT_PERMITTED),
    ] {
        let who = if who == "bob" { &mut bob } else { &mut alice };
        assert_eq!(code_of(who, request.clone()).await, Some(code), "{request:?}");
    }
    for _ in 0..GROUPS_PER_USER_MAX {
        group_of(&world, &app, json!({"owner_username": "dave", "name": "g"})).await;
    }
    assert_eq!(code_of(&mut alice, add(group, &["dave"])).await, Some(ErrorCode::GROUP_QUOTA));
    let mut dave = peer(&world, &app, "dave").await;
    let own = |member: &str| {
        ClientFrame::GroupCreate(GroupCreate {
            request: REQUEST,
            name: "one more".into(),
            description: String::new(),
            members: vec![member.into()],
            extensions: Extensions::default(),
        })
    };
    assert_eq!(code_of(&mut dave, own("bob")).await, Some(ErrorCode::OWN_GROUP_QUOTA));
    assert_eq!(code_of(&mut alice, own("dave")).await, Some(ErrorCode::GROUP_QUOTA));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_people_end_where_they_are_full() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice"]).await;
    let names: Vec<String> = (0..1_001).map(|number| format!("goose{number}")).collect();
    for part in names.chunks(500) {
        world.users(&app, &part.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    for part in names[..1_000].chunks(500) {
        world.call(&app, "PUT", "/v1/users/alice/blacklist", Some(json!(part))).await.expect(204);
    }
    let last = json!(["goose1000"]);
    world.call(&app, "PUT", "/v1/users/alice/blacklist", Some(last)).await.refused(403, 818_005);
    let mut alice = peer(&world, &app, "alice").await;
    let usernames = vec!["goose1000".to_owned()];
    let more = Blacklist { request: REQUEST, is_added: true, usernames, extensions: Extensions::default() };
    assert_eq!(code_of(&mut alice, ClientFrame::Blacklist(more)).await, Some(ErrorCode::BLACKLIST_FULL));
}

#[tokio::test(flavor = "multi_thread")]
async fn do_not_disturb_is_switched_off_once_unless_the_operator_is_lenient() {
    for is_lenient in [false, true] {
        let world = World::with(|config| config.users.lenient_mutes = is_lenient).await;
        let app = world.app("one").await;
        world.users(&app, &["alice"]).await;
        let mut alice = peer(&world, &app, "alice").await;
        let off = ClientFrame::Mutes(Mutes { request: REQUEST, everything: Some(false), ..Mutes::default() });
        let (path, body) = ("/v1/users/alice/nodisturb", json!({"global": 0}));
        let told = code_of(&mut alice, off).await;
        let answered = world.call(&app, "POST", path, Some(body.clone())).await;
        if is_lenient {
            assert_eq!(told, None);
            answered.expect(204);
        } else {
            assert_eq!(told, Some(ErrorCode::EVERYTHING_NOT_MUTED));
            answered.refused(403, 899_050);
        }
        world.call(&app, "POST", path, Some(json!({"global": 1}))).await.expect(204);
        world.call(&app, "POST", path, Some(body)).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_in_a_room_have_a_code_for_each_mistake() {
    let world = World::new().await;
    let app = world.app("one").await;
    let names: Vec<String> = (0..ROOM_ADMINS_MAX + ROOM_BLOCKED_MAX).map(|number| format!("goose{number}")).collect();
    for part in names.chunks(500) {
        world.users(&app, &part.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    world.users(&app, &["alice", "bob", "carol", "zed"]).await;
    let inside: Vec<&str> = names[..ROOM_ADMINS_MAX].iter().map(String::as_str).chain(["bob", "carol"]).collect();
    let room = json!({"owner_username": "alice", "name": "r", "members_username": inside});
    let room = world.call(&app, "POST", "/v1/chatroom", Some(room)).await.expect(201);
    let room = RoomId(u32::try_from(room["chatroom_id"].as_u64().expect("a number")).expect("short"));
    let (mut alice, mut bob) = (peer(&world, &app, "alice").await, peer(&world, &app, "bob").await);
    let give = |role, users: &[&str]| role_of(room, role, true, users);
    let take = |role, users: &[&str]| role_of(room, role, false, users);
    use RoomRole as Role;
    let somewhere_else = RoomId(19_999_999);
    for (request, code) in [
        (give(Role::ADMIN, &["alice"]), ErrorCode::ROOM_ADMIN_IS_OWNER),
        (give(Role::ADMIN, &["zed"]), ErrorCode::ROOM_ADMIN_NOT_IN),
        (give(Role::ADMIN, &[]), ErrorCode::ROOM_ADMIN_NOBODY),
        (role_of(somewhere_else, Role::ADMIN, true, &["bob"]), ErrorCode::ROOM_ADMIN_ROOM_UNKNOWN),
        (take(Role::ADMIN, &["bob"]), ErrorCode::ROOM_UNADMIN_NOT_ADMIN),
        (give(Role::BLOCKED, &["alice"]), ErrorCode::ROOM_BLACKLIST_OWNER),
        (give(Role::BLOCKED, &[]), ErrorCode::ROOM_BLACKLIST_NOBODY),
        (role_of(somewhere_else, Role::BLOCKED, true, &["bob"]), ErrorCode::ROOM_BLACKLIST_ROOM_UNKNOWN),
        (take(Role::BLOCKED, &["bob"]), ErrorCode::ROOM_BLACKLIST_NOT_LISTED),
    ] {
        assert_eq!(code_of(&mut alice, request.clone()).await, Some(code), "{request:?}");
    }
    for (request, code) in [
        (give(Role::ADMIN, &["carol"]), ErrorCode::ROOM_ADMIN_NO_RIGHT),
        (take(Role::ADMIN, &["carol"]), ErrorCode::ROOM_UNADMIN_NO_RIGHT),
        (give(Role::BLOCKED, &["carol"]), ErrorCode::ROOM_BLACKLIST_NO_RIGHT),
    ] {
        assert_eq!(code_of(&mut bob, request.clone()).await, Some(code), "{request:?}");
    }
    assert_eq!(code_of(&mut alice, give(Role::ADMIN, &inside[..ROOM_ADMINS_MAX])).await, None);
    assert_eq!(code_of(&mut alice, give(Role::ADMIN, &["bob"])).await, Some(ErrorCode::ROOM_ADMINS_FULL));
    assert_eq!(code_of(&mut alice, give(Role::ADMIN, &["goose0"])).await, Some(ErrorCode::ROOM_ADMIN_ALREADY));
    assert_eq!(code_of(&mut alice, give(Role::BLOCKED, &["goose0"])).await, Some(ErrorCode::ROOM_BLACKLIST_ADMIN));
    assert_eq!(code_of(&mut alice, give(Role::BLOCKED, &["carol"])).await, None);
    assert_eq!(code_of(&mut alice, give(Role::BLOCKED, &["carol"])).await, Some(ErrorCode::ROOM_BLACKLIST_ALREADY));
    let plain: Vec<&str> = names[ROOM_ADMINS_MAX..].iter().map(String::as_str).collect();
    for part in plain[..ROOM_BLOCKED_MAX - 1].chunks(111) {
        assert_eq!(code_of(&mut alice, give(Role::BLOCKED, part)).await, None);
    }
    let last = &plain[ROOM_BLOCKED_MAX - 1..];
    assert_eq!(code_of(&mut alice, give(Role::BLOCKED, last)).await, Some(ErrorCode::ROOM_BLACKLIST_FULL));
    let enter = RoomEnter {
        request: REQUEST,
        room,
        after: Position::START,
        is_again: false,
        extensions: Extensions::default(),
    };
    let mut carol = peer(&world, &app, "carol").await;
    assert_eq!(code_of(&mut carol, ClientFrame::RoomEnter(enter)).await, Some(ErrorCode::ROOM_BLOCKED));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_was_passed_over_long_ago_is_refused_for_good() {
    let (world, app) = flock(&["alice", "bob"]).await;
    let mut alice = peer(&world, &app, "alice").await;
    let mut send = async |outbox| {
        let content = Content::text("x");
        alice.say(&ClientFrame::Send(Send { outbox, chat: Chat::User("bob".into()), content })).await;
        match alice.hear_answer().await {
            Some(ServerFrame::Sent(_)) => None,
            Some(ServerFrame::SendRefused(refused)) => Some(refused.code),
            other => panic!("no answer to a message: {other:?}"),
        }
    };
    assert_eq!(send(5_000).await, None);
    assert_eq!(send(1).await, Some(ErrorCode::SEND_TOO_OLD));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_what_is_taken_or_not_there_is_told_so() {
    let (world, app) = flock(&["alice", "bob"]).await;
    let mut alice = peer(&world, &app, "alice").await;
    let (request, extensions) = (REQUEST, Extensions::default);
    let register = |username: &str| {
        let (username, password) = (username.to_owned(), "secret".to_owned());
        ClientFrame::RegisterUser(RegisterUser { request, username, password, extensions: extensions() })
    };
    let show = |username: &str| {
        let username = username.to_owned();
        ClientFrame::UserInfo(UserInfo { request, username, extensions: extensions() })
    };
    assert_eq!(code_of(&mut alice, register("bob")).await, Some(ErrorCode::USER_EXISTS));
    assert_eq!(code_of(&mut alice, show("ghost")).await, Some(ErrorCode::NO_SUCH_USER));
    let chats = [
        (Chat::User("ghost".into()), ErrorCode::SEND_TARGET_UNKNOWN),
        (Chat::Group(GroupId(19_999_999)), ErrorCode::SEND_GROUP_UNKNOWN),
        (Chat::Notices, ErrorCode::SEND_NOT_ALLOWED),
    ];
    for (outbox, (chat, code)) in (1..).zip(chats) {
        alice.say(&ClientFrame::Send(Send { outbox, chat, content: Content::text("x") })).await;
        let answer = alice.hear_answer().await;
        assert!(matches!(&answer, Some(ServerFrame::SendRefused(refused)) if refused.code == code), "{answer:?}");
    }
}

async fn flock(names: &[&str]) -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, names).await;
    (world, app)
}

async fn group_of(world: &World, app: &App, wish: Value) -> GroupId {
    let made = world.call(app, "POST", "/v1/groups", Some(wish)).await.expect(201);
    GroupId(u32::try_from(made["gid"].as_u64().expect("a number")).expect("short"))
}

async fn peer(world: &World, app: &App, username: &str) -> Peer {
    let mut peer = Peer::connect(world).await;
    peer.register(&app.key).await;
    peer.log_in(username, "secret").await;
    peer
}

/// The code of a refusal; nothing when the request was carried out.
async fn code_of(peer: &mut Peer, request: ClientFrame) -> Option<ErrorCode> {
    peer.say(&request).await;
    loop {
        match peer.hear_answer().await {
            Some(ServerFrame::Done(_)) => return None,
            Some(ServerFrame::Failed(failed)) => return Some(failed.code),
            Some(ServerFrame::RoomEvent(_) | ServerFrame::RoomDeliver(_)) => {}
            other => panic!("no answer to {request:?}: {other:?}"),
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn add(group: GroupId, members: &[&str]) -> ClientFrame {
    let (members, extensions) = (owned(members), Extensions::default());
    ClientFrame::GroupAdd(GroupChange { request: REQUEST, group, members, extensions })
}

fn remove(group: GroupId, members: &[&str]) -> ClientFrame {
    let (members, extensions) = (owned(members), Extensions::default());
    ClientFrame::GroupRemove(GroupChange { request: REQUEST, group, members, extensions })
}

fn order(group: GroupId, order: GroupOrderKind, members: &[&str], number: u64) -> ClientFrame {
    let (members, text, extensions) = (owned(members), String::new(), Extensions::default());
    ClientFrame::GroupOrder(GroupOrder { request: REQUEST, group, order, members, text, number, extensions })
}

fn role_of(room: RoomId, role: RoomRole, is_given: bool, users: &[&str]) -> ClientFrame {
    let (users, extensions) = (owned(users), Extensions::default());
    ClientFrame::RoomChange(RoomChange { request: REQUEST, room, role, is_given, users, for_ms: 0, extensions })
}
