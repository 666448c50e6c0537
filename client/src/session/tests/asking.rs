//! Requests and their answers.

use super::*;

fn answers(scene: &Scene) -> Vec<(RequestId, Result<Answer, RequestError>)> {
    let answered = scene.events.iter().filter_map(|event| match event {
        Event::Answered { request, result } => Some((*request, result.clone())),
        _ => None,
    });
    answered.collect()
}

#[test]
fn a_question_whose_answer_was_lost_is_asked_again() {
    let mut scene = Scene::at(100);
    let request = scene.session.request(Request::GroupList, scene.now).expect("alice is there");
    scene.settle();
    scene.lose_link();
    scene.come_back();
    assert!(scene.said.iter().any(|frame| matches!(frame, ClientFrame::GroupList(list) if list.request == request)));
}

#[test]
fn a_change_whose_answer_was_lost_is_not_made_twice() {
    let mut scene = Scene::at(100);
    let create = Request::GroupCreate { name: "geese".into(), description: String::new(), members: vec![] };
    let request = scene.session.request(create, scene.now).expect("alice is there");
    scene.settle();
    scene.lose_link();
    assert_eq!(answers(&scene), [(request, Err(RequestError::LinkLost))]);
}

#[test]
fn an_answer_in_parts_is_told_whole() {
    let mut scene = Scene::at(100);
    let group = anser_protocol::ids::GroupId(10_000_000);
    let request = scene.session.request(Request::GroupMembers { group }, scene.now).expect("alice is there");
    scene.settle();
    for (name, is_last) in [("alice", false), ("bob", true)] {
        scene.hear(ServerFrame::GroupMembers(anser_protocol::frame::group::GroupMembers {
            request,
            members: vec![name.into()],
            owner: "alice".into(),
            is_last,
            extensions: Extensions::default(),
        }));
    }
    let whole = Answer::Members { owner: "alice".into(), members: vec!["alice".into(), "bob".into()] };
    assert_eq!(answers(&scene), [(request, Ok(whole))]);
}

#[test]
fn without_a_server_a_question_fails_after_thirty_seconds() {
    let mut scene = Scene::new();
    let request = scene.session.request(Request::TagsGet, scene.now).expect("tags need no user");
    scene.wait(Duration::from_secs(31));
    assert_eq!(answers(&scene), [(request, Err(RequestError::TimedOut))]);
}

#[test]
fn a_refusal_is_told_with_its_code() {
    let mut scene = Scene::at(100);
    let request = scene.session.request(Request::TagsGet, scene.now).expect("tags need no user");
    scene.fail(request, ErrorCode::TOO_MANY);
    assert!(matches!(&answers(&scene)[..], [(_, Err(RequestError::Refused { code: ErrorCode::TOO_MANY, .. }))]));
}

#[test]
fn a_report_about_pushes_is_repeated_on_every_link_until_it_is_answered() {
    let mut scene = Scene::at(100);
    let report = Request::PushReport { state: PushState::SHOWN, pushes: vec![Position(7)] };
    let request = scene.session.request(report, scene.now).expect("pushes need no user");
    let is_said = |scene: &Scene| {
        scene.said.iter().any(|frame| match frame {
            ClientFrame::PushReport(report) => report.request == request && report.pushes == [Position(7)],
            _ => false,
        })
    };
    scene.settle();
    assert!(is_said(&scene));

    scene.lose_link();
    scene.wait(Duration::from_secs(60));
    scene.come_back();
    assert!(is_said(&scene));
    assert_eq!(answers(&scene), []);

    scene.hear(ServerFrame::Done(Done { request, extensions: Extensions::default() }));
    assert_eq!(answers(&scene), [(request, Ok(Answer::Done))]);
}

#[test]
fn more_reports_than_a_frame_holds_are_not_taken() {
    let mut scene = Scene::at(100);
    let report = Request::PushReport { state: PushState::SHOWN, pushes: vec![Position(7); 101] };
    assert!(matches!(scene.session.request(report, scene.now), Err(RequestError::Invalid(_))));
}
