//! Calls about groups: what is refused before it is said, what is said, and answers in parts.

use anser_protocol::frame::group_order::{
    GroupAnnounced, GroupOrder as OrderFrame, GroupOrderKind, GroupPage, GroupStandings,
};

use super::*;

const GROUP: GroupId = GroupId(10_000_000);

fn order(order: GroupOrder) -> Request {
    Request::Group(Box::new(GroupCall::Order { group: GROUP, order }))
}

fn answers(scene: &Scene) -> Vec<(RequestId, Result<Answer, RequestError>)> {
    let answered = scene.events.iter().filter_map(|event| match event {
        Event::Answered { request, result } => Some((*request, result.clone())),
        _ => None,
    });
    answered.collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("goose{number}")).collect()
}

#[test]
fn what_breaks_a_limit_is_refused_with_the_servers_code_and_never_said() {
    let mut scene = Scene::at(100);
    let make = |name: &str, maximum| {
        Request::Group(Box::new(GroupCall::Make {
            name: name.into(),
            description: String::new(),
            avatar: String::new(),
            is_public: true,
            maximum,
            members: Vec::new(),
        }))
    };
    let edit = |name: &str| {
        let (name, description, avatar) = (Some(name.into()), None, None);
        Request::Group(Box::new(GroupCall::Edit { group: GROUP, name, description, avatar }))
    };
    let silence = |time| order(GroupOrder::Silence { members: names(1), for_ms: Some(time) });
    for (request, code) in [
        (make("", 0), ErrorCode::GROUP_NAME_EMPTY),
        (make(&"x".repeat(65), 0), ErrorCode::GROUP_NAME_TOO_LONG),
        (make("geese", 2), ErrorCode::GROUP_BAD_MAXIMUM),
        (edit(&"x".repeat(65)), ErrorCode::CHANGED_NAME_TOO_LONG),
        (silence(299_999), ErrorCode::SILENCE_TIME),
        (silence(31_536_000_001), ErrorCode::SILENCE_TIME),
        (order(GroupOrder::Announce { text: "x".repeat(1025), as_message: false }), ErrorCode::ANNOUNCEMENT_TOO_LONG),
        (order(GroupOrder::Invite { members: vec![], reason: String::new() }), ErrorCode::MEMBERS_EMPTY),
        (Request::GroupAdd { group: GROUP, members: vec![] }, ErrorCode::MEMBERS_EMPTY),
        (Request::GroupRemove { group: GROUP, members: vec![] }, ErrorCode::REMOVAL_EMPTY),
    ] {
        assert_eq!(scene.session.request(request, scene.now), Err(RequestError::Forbidden(code)));
    }
    for request in [
        edit(""),
        order(GroupOrder::Ban(names(501))),
        order(GroupOrder::AddAdmins(vec![])),
        order(GroupOrder::Apply { reason: "x".repeat(251) }),
        order(GroupOrder::SetNickname { username: "bob".into(), nickname: "a\nb".into() }),
        Request::Group(Box::new(GroupCall::Public { start: 0, count: 501 })),
    ] {
        assert!(matches!(scene.session.request(request, scene.now), Err(RequestError::Invalid(_))));
    }
    scene.settle();
    assert!(!scene.said.iter().any(|frame| matches!(frame, ClientFrame::GroupOrder(_) | ClientFrame::GroupMake(_))));
}

#[test]
fn an_order_is_said_as_its_kind_has_it_and_an_announcement_answered_with_its_number() {
    let mut scene = Scene::at(100);
    let silence = order(GroupOrder::Silence { members: names(2), for_ms: Some(300_000) });
    let request = scene.session.request(silence, scene.now).expect("alice is there");
    let announce = order(GroupOrder::Announce { text: "at dawn".into(), as_message: true });
    let announced = scene.session.request(announce, scene.now).expect("alice is there");
    scene.settle();
    let said: Vec<&OrderFrame> = scene
        .said
        .iter()
        .filter_map(|frame| match frame {
            ClientFrame::GroupOrder(order) => Some(order),
            _ => None,
        })
        .collect();
    let shown: Vec<_> =
        said.iter().map(|it| (it.request, it.order, it.members.len(), it.text.as_str(), it.number)).collect();
    let expected =
        [(request, GroupOrderKind::SILENCE, 2, "", 300_000), (announced, GroupOrderKind::ANNOUNCE, 0, "at dawn", 1)];
    assert_eq!(shown, expected);
    let (id, extensions) = (Position(77), Extensions::default());
    scene.hear(ServerFrame::GroupAnnounced(GroupAnnounced { request: announced, id, extensions }));
    assert_eq!(answers(&scene), [(announced, Ok(Answer::Announced { id }))]);
}

#[test]
fn what_may_not_be_done_twice_is_not_repeated_and_the_rest_is() {
    let mut scene = Scene::at(100);
    let announce = order(GroupOrder::Announce { text: "at dawn".into(), as_message: false });
    let announced = scene.session.request(announce, scene.now).expect("alice is there");
    let admins = scene.session.request(order(GroupOrder::AddAdmins(names(1))), scene.now).expect("alice is there");
    scene.settle();
    scene.lose_link();
    assert_eq!(answers(&scene), [(announced, Err(RequestError::LinkLost))]);
    scene.said.clear();
    scene.come_back();
    assert!(scene.said.iter().any(|frame| matches!(frame, ClientFrame::GroupOrder(order) if order.request == admins)));
}

#[test]
fn lists_that_come_in_parts_are_told_whole() {
    let mut scene = Scene::at(100);
    let ask = Request::Group(Box::new(GroupCall::Ask { group: GROUP, question: GroupQuestion::STANDINGS }));
    let members = scene.session.request(ask, scene.now).expect("alice is there");
    let public = Request::Group(Box::new(GroupCall::Public { start: 0, count: 500 }));
    let public = scene.session.request(public, scene.now).expect("alice is there");
    scene.settle();
    let standing = |username: &str| Standing {
        username: username.into(),
        rank: GroupRank::MEMBER,
        nickname: String::new(),
        joined_ms: 7,
        silent_until_ms: 0,
    };
    for (name, is_last) in [("alice", false), ("bob", true)] {
        let (standings, extensions) = (vec![standing(name)], Extensions::default());
        scene.hear(ServerFrame::GroupStandings(GroupStandings { request: members, standings, is_last, extensions }));
    }
    let (page, is_last, extensions) = (Vec::new(), true, Extensions::default());
    scene.hear(ServerFrame::GroupPage(GroupPage { request: public, total: 0, page, is_last, extensions }));
    let whole = Answer::Standings(vec![standing("alice"), standing("bob")]);
    let none = Answer::GroupPage { total: 0, groups: Vec::new() };
    assert_eq!(answers(&scene), [(members, Ok(whole)), (public, Ok(none))]);
}
