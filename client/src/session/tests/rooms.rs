//! Chat rooms: what is told of them, once, and how the client comes back to them.

use anser_protocol::frame::room::{RoomChanged, RoomDeliver, RoomEnter, RoomRecords, RoomSend};
use anser_protocol::ids::RoomId;
use anser_protocol::room::RoomChangeKind;

use super::*;

const ROOM: RoomId = RoomId(10_000_011);

fn record(position: u64, from: &str) -> Record {
    let content = Content::text("said in a room");
    Record { position: Position(position), at_ms: 7, from: from.into(), outbox: 0, content }
}

fn records(positions: &[u64]) -> ServerFrame {
    let records = positions.iter().map(|position| record(*position, "bob")).collect();
    ServerFrame::RoomRecords(RoomRecords { room: ROOM, records, extensions: Extensions::default() })
}

fn done(request: u32) -> ServerFrame {
    ServerFrame::Done(Done { request, extensions: Extensions::default() })
}

fn changed(kind: RoomChangeKind) -> ServerFrame {
    ServerFrame::RoomChanged(RoomChanged { room: ROOM, kind, extensions: Extensions::default() })
}

/// The positions of all messages of the room that the application was told.
fn told(scene: &Scene) -> Vec<u64> {
    let told = scene.events.iter().filter_map(|event| match event {
        Event::RoomMessages { room: ROOM, records } => Some(records.iter().map(|record| record.position.0)),
        _ => None,
    });
    told.flatten().collect()
}

fn changes(scene: &Scene) -> Vec<RoomChangeKind> {
    let told = scene.events.iter().filter_map(|event| match event {
        Event::RoomChanged { room: ROOM, kind } => Some(*kind),
        _ => None,
    });
    told.collect()
}

fn entered(scene: &Scene) -> Vec<RoomEnter> {
    let said = scene.said.iter().filter_map(|frame| match frame {
        ClientFrame::RoomEnter(enter) => Some(enter.clone()),
        _ => None,
    });
    said.collect()
}

/// Alice is in the room and was told of its newest two messages.
fn inside() -> Scene {
    let mut scene = Scene::at(100);
    let request = scene.session.request(Request::RoomEnter { room: ROOM }, scene.now).expect("alice is there");
    scene.settle();
    let said = entered(&scene);
    assert_eq!((said.len(), said[0].request, said[0].is_again), (1, request, false));
    scene.hear(done(request));
    scene.hear(records(&[201, 202]));
    scene.said.clear();
    scene
}

#[test]
fn a_room_is_told_as_it_comes_and_nothing_of_it_is_stored() {
    let mut scene = inside();
    scene.hear(ServerFrame::RoomDeliver(RoomDeliver { room: ROOM, record: record(203, "bob") }));
    assert_eq!(told(&scene), [201, 202, 203]);
    assert!(scene.released.is_empty());
    let elsewhere = RoomDeliver { room: RoomId(1), record: record(204, "bob") };
    scene.hear(ServerFrame::RoomDeliver(elsewhere));
    assert_eq!(told(&scene).len(), 3, "of a room that it is not in the application hears nothing");
}

#[test]
fn on_a_new_link_it_goes_in_again_and_tells_nothing_twice() {
    let mut scene = inside();
    let local = scene.session.send_to_room(ROOM, Content::text("mine"), scene.now).expect("alice is there");
    scene.settle();
    let sends: Vec<&RoomSend> = scene
        .said
        .iter()
        .filter_map(|frame| match frame {
            ClientFrame::RoomSend(send) => Some(send),
            _ => None,
        })
        .collect();
    let [send] = sends[..] else { panic!("{sends:?}") };
    let (outbox, position) = (send.outbox, Position(204));
    assert_eq!(send.room, ROOM);
    scene.hear(ServerFrame::Sent(Sent { outbox, position, at_ms: 9 }));
    let is_told = |event: &Event| matches!(event, Event::RoomSent { local: of, room: ROOM, .. } if *of == local);
    assert!(scene.events.iter().any(is_told));
    scene.lose_link();
    scene.said.clear();
    scene.come_back();
    let said = entered(&scene);
    assert_eq!((said.len(), said[0].is_again, said[0].after), (1, true, Position(202)));
    scene.hear(done(said[0].request));
    scene.hear(records(&[202, 203, 204, 205]));
    assert_eq!(told(&scene), [201, 202, 203, 205]);
}

#[test]
fn whoever_was_put_out_meanwhile_is_told_and_does_not_go_in_again() {
    let mut scene = inside();
    scene.lose_link();
    scene.come_back();
    let request = entered(&scene).pop().expect("it goes in again").request;
    let code = ErrorCode::ROOM_NOT_IN;
    scene.hear(ServerFrame::Failed(Failed {
        request,
        code,
        message: String::new(),
        extensions: Extensions::default(),
    }));
    assert_eq!(changes(&scene), [RoomChangeKind::LEFT]);
    scene.lose_link();
    scene.said.clear();
    scene.come_back();
    assert!(entered(&scene).is_empty() && scene.session.rooms().is_empty());
}

#[test]
fn an_app_server_lets_in_and_puts_out() {
    let mut scene = Scene::at(100);
    scene.hear(changed(RoomChangeKind::ADDED));
    let request = entered(&scene).pop().expect("the link goes in").request;
    scene.hear(done(request));
    scene.hear(records(&[201]));
    scene.hear(changed(RoomChangeKind::BLOCKED));
    assert_eq!((told(&scene), scene.session.rooms()), (vec![201], vec![]));
    assert_eq!(changes(&scene), [RoomChangeKind::ADDED, RoomChangeKind::BLOCKED]);
}

#[test]
fn whoever_gave_way_to_another_device_is_in_no_room_any_more() {
    let mut scene = inside();
    let code = ErrorCode::LOGGED_IN_ELSEWHERE;
    let go_away = GoAway { code, message: String::new(), retry_after_ms: 0, extensions: Extensions::default() };
    scene.hear(ServerFrame::GoAway(go_away));
    assert_eq!(scene.session.rooms(), [], "or the next user of the device would go in");
}
