//! The walls between apps for the frames about groups: their rows in the matrix of `frame_walls`.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::group_order::{
    GroupAsk, GroupEdit, GroupJoinAnswer, GroupMake, GroupOrder, GroupOrderKind, GroupQuestion, GroupsPublic,
    JoinAnswer,
};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};

use crate::frame_walls::{REQUEST, Told};

/// The frames of this file.
macro_rules! group_frame {
    () => {
        ClientFrame::GroupMake(_)
            | ClientFrame::GroupEdit(_)
            | ClientFrame::GroupOrder(_)
            | ClientFrame::GroupJoinAnswer(_)
            | ClientFrame::GroupAsk(_)
            | ClientFrame::GroupsPublic(_)
    };
}
pub(crate) use group_frame;

pub fn is_mine(name: &str) -> bool {
    ["GroupMake", "GroupEdit", "GroupOrder", "GroupJoinAnswer", "GroupAsk", "GroupsPublic"].contains(&name)
}

/// What a group is called is told to everybody in its app.
pub fn frames_of(name: &str, group: GroupId, is_of_the_app: bool) -> Vec<ClientFrame> {
    let (request, extensions) = (REQUEST, Extensions::default);
    let text = |name: &str| name.to_owned();
    match name {
        "GroupMake" => vec![ClientFrame::GroupMake(GroupMake {
            request,
            name: text("a callers group"),
            description: String::new(),
            avatar: String::new(),
            is_public: false,
            maximum: 0,
            members: vec![text("owners-user")],
            extensions: extensions(),
        })],
        "GroupEdit" => {
            let name = Some(text("stolen"));
            let (description, avatar, extensions) = (None, None, extensions());
            vec![ClientFrame::GroupEdit(GroupEdit { request, group, name, description, avatar, extensions })]
        }
        "GroupOrder" => (1..=18)
            .map(|order| {
                let (order, members, text) = (GroupOrderKind(order), vec![text("second")], text("words"));
                let number = if order == GroupOrderKind::SILENCE { 300_000 } else { 500 };
                let extensions = extensions();
                ClientFrame::GroupOrder(GroupOrder { request, group, order, members, text, number, extensions })
            })
            .collect(),
        "GroupJoinAnswer" => {
            let answers = vec![JoinAnswer { id: Position(1), username: text("second") }];
            let (is_accepted, reason, extensions) = (true, String::new(), extensions());
            let body = GroupJoinAnswer { request, group, answers, is_accepted, reason, extensions };
            vec![ClientFrame::GroupJoinAnswer(body)]
        }
        "GroupAsk" => (if is_of_the_app { 2 } else { 1 }..=6)
            .map(|question| {
                let (question, extensions) = (GroupQuestion(question), extensions());
                ClientFrame::GroupAsk(GroupAsk { request, group, question, extensions })
            })
            .collect(),
        "GroupsPublic" => {
            let (start, count, extensions) = (0, 500, extensions());
            vec![ClientFrame::GroupsPublic(GroupsPublic { request, start, count, extensions })]
        }
        name => panic!("{name} is not of this table"),
    }
}

pub fn told_stranger(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::GroupMake(_) => Told::Failed(ErrorCode::MEMBER_UNREGISTERED),
        ClientFrame::GroupEdit(_) | ClientFrame::GroupOrder(_) | ClientFrame::GroupJoinAnswer(_) => {
            Told::Failed(ErrorCode::GROUP_UNKNOWN)
        }
        ClientFrame::GroupAsk(ask) if ask.question == GroupQuestion::PROFILE => Told::Failed(ErrorCode::NO_SUCH_GROUP),
        ClientFrame::GroupAsk(_) => Told::Failed(ErrorCode::NOT_A_MEMBER),
        ClientFrame::GroupsPublic(_) => Told::Own(no_public_group),
        other => panic!("{other:?} is not of this table"),
    }
}

pub fn told_outsider(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::GroupMake(_) => Told::Own(|frame| matches!(frame, ServerFrame::GroupCreated(_))),
        // Only the owner may ask for that at all.
        ClientFrame::GroupOrder(order) if order.order == GroupOrderKind::DISSOLVE => {
            Told::Failed(ErrorCode::NOT_PERMITTED)
        }
        ClientFrame::GroupOrder(order) if order.order == GroupOrderKind::APPLY => Told::Failed(ErrorCode::JOIN_CLOSED),
        ClientFrame::GroupEdit(_)
        | ClientFrame::GroupOrder(_)
        | ClientFrame::GroupJoinAnswer(_)
        | ClientFrame::GroupAsk(_) => Told::Failed(ErrorCode::NOT_A_MEMBER),
        other => told_stranger(other),
    }
}

fn no_public_group(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::GroupPage(page) if page.total == 0 && page.page.is_empty() && page.is_last)
}
