//! Groups in full on a link: what owners, admins and members do, what they are answered and what everybody is told.

use anser_protocol::content::{ContentKind, GroupEvent, GroupEventKind};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::Deliver;
use anser_protocol::frame::group_order::*;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::group_details::GroupDetails;
use anser_protocol::ids::{GroupId, Position};
use serde_json::json;

use crate::peer::Peer;
use crate::world::{App, World};

const REQUEST: u32 = 9;

/// Somebody at a device who does things with one group.
struct Goose {
    peer: Peer,
    group: GroupId,
}

impl Goose {
    async fn new(world: &World, app: &App, name: &str, group: GroupId) -> Self {
        let mut peer = Peer::connect(world).await;
        peer.register(&app.key).await;
        peer.log_in(name, "secret").await;
        Self { peer, group }
    }

    async fn ask(&mut self, frame: ClientFrame) -> Result<ServerFrame, ErrorCode> {
        self.peer.say(&frame).await;
        match self.peer.hear_answer().await {
            Some(ServerFrame::Failed(failed)) => Err(failed.code),
            Some(answer) => Ok(answer),
            None => panic!("the link ended"),
        }
    }

    async fn order(
        &mut self,
        order: GroupOrderKind,
        members: &[&str],
        text: &str,
        number: u64,
    ) -> Result<ServerFrame, ErrorCode> {
        let members = members.iter().map(|name| (*name).to_owned()).collect();
        let (request, group, text, extensions) = (REQUEST, self.group, text.to_owned(), Extensions::default());
        self.ask(ClientFrame::GroupOrder(GroupOrder { request, group, order, members, text, number, extensions })).await
    }

    async fn question(&mut self, question: GroupQuestion) -> Result<ServerFrame, ErrorCode> {
        let (request, group, extensions) = (REQUEST, self.group, Extensions::default());
        self.ask(ClientFrame::GroupAsk(GroupAsk { request, group, question, extensions })).await
    }

    async fn edit(&mut self, name: Option<&str>, description: Option<&str>) -> Result<ServerFrame, ErrorCode> {
        let (name, description) = (name.map(str::to_owned), description.map(str::to_owned));
        let (request, group, extensions) = (REQUEST, self.group, Extensions::default());
        self.ask(ClientFrame::GroupEdit(GroupEdit { request, group, name, description, avatar: None, extensions }))
            .await
    }

    async fn answer_join(&mut self, id: Position, username: &str, is_accepted: bool) -> Result<ServerFrame, ErrorCode> {
        let answers = vec![JoinAnswer { id, username: username.to_owned() }];
        let (request, group, reason, extensions) = (REQUEST, self.group, String::new(), Extensions::default());
        let body = GroupJoinAnswer { request, group, answers, is_accepted, reason, extensions };
        self.ask(ClientFrame::GroupJoinAnswer(body)).await
    }

    async fn event(&mut self) -> (GroupEvent, GroupDetails) {
        loop {
            match self.peer.hear().await {
                Some(ServerFrame::Deliver(Deliver { record, .. })) if record.content.kind == ContentKind::EVENT => {
                    let event = GroupEvent::from_bytes(&record.content.body).expect("an event of this version");
                    return (event, GroupDetails::from_extensions(&record.content.extensions));
                }
                Some(_) => {}
                None => panic!("the link ended"),
            }
        }
    }
}

fn is_done(answer: &Result<ServerFrame, ErrorCode>) -> bool {
    matches!(answer, Ok(ServerFrame::Done(done)) if done.request == REQUEST)
}

/// A private group of alice, bob and carol; dave is outside.
async fn flock(world: &World) -> (App, GroupId) {
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob", "carol", "dave"]).await;
    let wish = json!({"owner_username": "alice", "name": "geese", "members_username": ["bob", "carol"]});
    let made = world.call(&app, "POST", "/v1/groups", Some(wish)).await.expect(201);
    (app, GroupId(made["gid"].as_u64().expect("a number") as u32))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_with_all_that_can_be_said_of_it_and_shown_to_anybody() {
    let world = World::new().await;
    let (app, group) = flock(&world).await;
    let mut dave = Goose::new(&world, &app, "dave", group).await;
    let make = |name: &str, description: &str, maximum| {
        ClientFrame::GroupMake(GroupMake {
            request: REQUEST,
            name: name.to_owned(),
            description: description.to_owned(),
            avatar: "a".into(),
            is_public: true,
            maximum,
            members: vec!["alice".into()],
            extensions: Extensions::default(),
        })
    };
    for (frame, code) in [
        (make("", "", 0), ErrorCode::GROUP_NAME_EMPTY),
        (make(&"x".repeat(65), "", 0), ErrorCode::GROUP_NAME_TOO_LONG),
        (make("x", &"x".repeat(251), 0), ErrorCode::GROUP_DESCRIPTION_TOO_LONG),
        (make("x", "", 2), ErrorCode::GROUP_BAD_MAXIMUM),
        (make("x", "", 2001), ErrorCode::GROUP_BAD_MAXIMUM),
        (make("a\nb", "", 0), ErrorCode::INVALID),
    ] {
        assert_eq!(dave.ask(frame).await, Err(code));
    }
    let Ok(ServerFrame::GroupCreated(made)) = dave.ask(make("swans", "white", 9)).await else { panic!("not made") };
    let mut bob = Goose::new(&world, &app, "bob", made.group).await;
    let Ok(ServerFrame::GroupProfile(profile)) = bob.question(GroupQuestion::PROFILE).await else { panic!("no group") };
    let shown = &profile.shown;
    assert_eq!((shown.name.as_str(), shown.description.as_str(), shown.avatar.as_str()), ("swans", "white", "a"));
    assert_eq!((shown.owner.as_str(), shown.is_public, shown.members, shown.maximum), ("dave", true, 2, 9));
    let public = |start| {
        let (request, count, extensions) = (REQUEST, 500, Extensions::default());
        ClientFrame::GroupsPublic(GroupsPublic { request, start, count, extensions })
    };
    let Ok(ServerFrame::GroupPage(page)) = bob.ask(public(0)).await else { panic!("no page") };
    assert_eq!((page.total, &page.page[0], page.page.len(), page.is_last), (1, shown, 1, true));
    let Ok(ServerFrame::GroupPage(page)) = bob.ask(public(1)).await else { panic!("no page") };
    assert_eq!((page.total, page.page.len()), (1, 0));
    bob.group = GroupId(19_999_999);
    assert_eq!(bob.question(GroupQuestion::PROFILE).await, Err(ErrorCode::NO_SUCH_GROUP));
}

#[tokio::test(flavor = "multi_thread")]
async fn ranks_silence_and_nicknames_stand_in_the_list_of_members() {
    let world = World::new().await;
    let (app, group) = flock(&world).await;
    let (mut alice, mut bob) =
        (Goose::new(&world, &app, "alice", group).await, Goose::new(&world, &app, "bob", group).await);
    use GroupOrderKind as Kind;
    assert_eq!(bob.order(Kind::ADD_ADMINS, &["bob"], "", 0).await, Err(ErrorCode::NOT_PERMITTED));
    assert_eq!(alice.order(Kind::ADD_ADMINS, &["dave"], "", 0).await, Err(ErrorCode::TARGET_NOT_IN_GROUP));
    assert!(is_done(&alice.order(Kind::ADD_ADMINS, &["bob"], "", 0).await));
    let (event, details) = bob.event().await;
    assert_eq!((event.kind, event.by.as_str(), event.users), (GroupEventKind::ADMINS, "alice", vec!["bob".to_owned()]));
    assert_eq!(details.is_set, Some(true));

    assert_eq!(bob.order(Kind::SILENCE, &["carol"], "", 299_999).await, Err(ErrorCode::SILENCE_TIME));
    assert_eq!(bob.order(Kind::SILENCE, &["alice"], "", 300_000).await, Err(ErrorCode::NOT_PERMITTED));
    assert!(is_done(&bob.order(Kind::SILENCE, &["carol"], "", 300_000).await));
    assert!(is_done(&bob.order(Kind::NICKNAME, &["carol"], "grey", 0).await));
    let long = "x".repeat(65);
    assert_eq!(bob.order(Kind::NICKNAME, &["carol"], &long, 0).await, Err(ErrorCode::INVALID));
    let Ok(ServerFrame::GroupStandings(list)) = alice.question(GroupQuestion::STANDINGS).await else { panic!("none") };
    let shown: Vec<_> = list
        .standings
        .iter()
        .map(|row| (row.username.as_str(), row.rank, row.nickname.as_str(), row.silent_until_ms > 0))
        .collect();
    let expected = [
        ("alice", GroupRank::OWNER, "", false),
        ("bob", GroupRank::ADMIN, "", false),
        ("carol", GroupRank::MEMBER, "grey", true),
    ];
    assert_eq!((shown.as_slice(), list.is_last), (&expected[..], true));
    let Ok(ServerFrame::GroupSilences(list)) = alice.question(GroupQuestion::SILENCES).await else { panic!("none") };
    assert_eq!(list.silences[0].until_ms, list.silences[0].since_ms + 300_000);

    assert!(is_done(&alice.order(Kind::TRANSFER, &["bob"], "", 0).await));
    assert_eq!(alice.order(Kind::MAKE_PUBLIC, &[], "", 0).await, Err(ErrorCode::NOT_PERMITTED));
    assert_eq!(alice.order(Kind::DISSOLVE, &[], "", 0).await, Err(ErrorCode::NOT_PERMITTED));
    assert!(is_done(&bob.order(Kind::DISSOLVE, &[], "", 0).await));
    assert_eq!(alice.question(GroupQuestion::STANDINGS).await, Err(ErrorCode::NOT_A_MEMBER));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blacklist_and_announcements_are_kept_by_those_above() {
    let world = World::new().await;
    let (app, group) = flock(&world).await;
    let (mut alice, mut bob) =
        (Goose::new(&world, &app, "alice", group).await, Goose::new(&world, &app, "bob", group).await);
    use GroupOrderKind as Kind;
    assert!(is_done(&alice.order(Kind::BAN, &["carol", "dave"], "", 0).await));
    assert_eq!(alice.order(Kind::INVITE, &["carol"], "", 0).await, Err(ErrorCode::MEMBER_BANNED));
    assert_eq!(alice.order(Kind::INVITE, &["ghost"], "", 0).await, Err(ErrorCode::MEMBER_UNREGISTERED));
    assert_eq!(alice.order(Kind::INVITE, &[], "", 0).await, Err(ErrorCode::MEMBERS_EMPTY));
    let Ok(ServerFrame::GroupBans(list)) = alice.question(GroupQuestion::BANS).await else { panic!("none") };
    assert_eq!(list.members, ["carol", "dave"]);
    assert_eq!(bob.question(GroupQuestion::BANS).await, Err(ErrorCode::NOT_PERMITTED));
    assert!(is_done(&alice.order(Kind::UNBAN, &["dave"], "", 0).await));

    let long = "x".repeat(1025);
    assert_eq!(alice.order(Kind::ANNOUNCE, &[], &long, 0).await, Err(ErrorCode::ANNOUNCEMENT_TOO_LONG));
    assert_eq!(bob.order(Kind::ANNOUNCE, &[], "x", 0).await, Err(ErrorCode::NOT_PERMITTED));
    let answer = alice.order(Kind::ANNOUNCE, &[], "at dawn", 1).await;
    let Ok(ServerFrame::GroupAnnounced(made)) = answer else { panic!("{answer:?}") };
    assert!(is_done(&alice.order(Kind::PIN_ANNOUNCEMENT, &[], "", made.id.0).await));
    let Ok(ServerFrame::GroupAnnouncements(list)) = bob.question(GroupQuestion::ANNOUNCEMENTS).await else {
        panic!("none")
    };
    let shown = &list.announcements[0];
    assert_eq!((shown.id, shown.text.as_str(), shown.publisher.as_str()), (made.id, "at dawn", "alice"));
    assert!(shown.pinned_ms >= shown.at_ms);
    assert!(is_done(&alice.order(Kind::DROP_ANNOUNCEMENT, &[], "", made.id.0).await));
    let gone = alice.order(Kind::UNPIN_ANNOUNCEMENT, &[], "", made.id.0).await;
    assert_eq!(gone, Err(ErrorCode::ANNOUNCEMENT_UNKNOWN));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_group_is_joined_with_the_consent_of_those_above() {
    let world = World::new().await;
    let (app, group) = flock(&world).await;
    let mut alice = Goose::new(&world, &app, "alice", group).await;
    let mut bob = Goose::new(&world, &app, "bob", group).await;
    let mut dave = Goose::new(&world, &app, "dave", group).await;
    use GroupOrderKind as Kind;
    assert_eq!(dave.order(Kind::APPLY, &[], "let me in", 0).await, Err(ErrorCode::JOIN_CLOSED));
    assert!(is_done(&alice.order(Kind::MAKE_PUBLIC, &[], "", 0).await));
    assert_eq!(bob.event().await.1.is_public, Some(true));
    assert_eq!(bob.order(Kind::APPLY, &[], "", 0).await, Err(ErrorCode::JOIN_MEMBER));
    assert!(is_done(&dave.order(Kind::APPLY, &[], "let me in", 0).await));
    assert_eq!(dave.order(Kind::APPLY, &[], "again", 0).await, Err(ErrorCode::JOIN_ASKED));
    assert_eq!(bob.order(Kind::INVITE, &["dave"], "", 0).await, Err(ErrorCode::JOIN_ASKED));
    assert_eq!(bob.question(GroupQuestion::JOINS).await, Err(ErrorCode::NOT_PERMITTED));
    let Ok(ServerFrame::GroupJoins(list)) = alice.question(GroupQuestion::JOINS).await else { panic!("none") };
    let (id, waiting) = (list.joins[0].id, &list.joins[0]);
    assert_eq!(
        (waiting.username.as_str(), waiting.reason.as_str(), waiting.inviter.as_str()),
        ("dave", "let me in", "")
    );
    assert_eq!(bob.answer_join(id, "dave", true).await, Err(ErrorCode::NOT_PERMITTED));
    assert_eq!(alice.answer_join(Position(1 << 50), "dave", true).await, Err(ErrorCode::JOIN_INVALID));
    assert!(is_done(&alice.answer_join(id, "dave", true).await));
    let (event, _) = dave.event().await;
    assert_eq!((event.kind, event.users), (GroupEventKind::ADDED, vec!["dave".to_owned()]));
    assert_eq!(alice.answer_join(id, "dave", false).await, Err(ErrorCode::JOIN_ANSWERED));
}

#[tokio::test(flavor = "multi_thread")]
async fn information_changes_within_its_limits() {
    let world = World::new().await;
    let (app, group) = flock(&world).await;
    let mut alice = Goose::new(&world, &app, "alice", group).await;
    let mut bob = Goose::new(&world, &app, "bob", group).await;
    assert_eq!(bob.edit(Some("swans"), None).await, Err(ErrorCode::NOT_PERMITTED));
    assert_eq!(alice.edit(None, None).await, Err(ErrorCode::INVALID));
    assert_eq!(alice.edit(Some(""), None).await, Err(ErrorCode::INVALID));
    assert_eq!(alice.edit(Some(&"x".repeat(65)), None).await, Err(ErrorCode::CHANGED_NAME_TOO_LONG));
    assert_eq!(alice.edit(None, Some(&"x".repeat(251))).await, Err(ErrorCode::CHANGED_DESCRIPTION_TOO_LONG));
    assert!(is_done(&alice.edit(Some("swans"), Some("")).await));
    let (event, details) = bob.event().await;
    assert_eq!((event.kind, details.name.as_deref()), (GroupEventKind::CHANGED, Some("swans")));
    assert!(is_done(&alice.order(GroupOrderKind::MAXIMUM, &[], "", 3).await));
    assert_eq!(bob.event().await.1.maximum, Some(3));
    assert_eq!(alice.order(GroupOrderKind::MAXIMUM, &[], "", 1 << 40).await, Err(ErrorCode::GROUP_BAD_MAXIMUM));
    assert_eq!(alice.order(GroupOrderKind(99), &[], "", 0).await, Err(ErrorCode::INVALID));
}
