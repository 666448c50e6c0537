//! Pushes to the device.

use super::*;

fn acks(scene: &mut Scene) -> Vec<PushAck> {
    let said = std::mem::take(&mut scene.said);
    let acks = said.into_iter().filter_map(|frame| match frame {
        ClientFrame::PushAck(ack) => Some(ack),
        _ => None,
    });
    acks.collect()
}

fn welcomed() -> Scene {
    let mut scene = Scene::new();
    scene.connect();
    scene.welcome(0);
    scene
}

#[test]
fn a_device_without_a_user_gets_pushes_and_reports_them() {
    let mut scene = welcomed();
    scene.hear(push(40, 50, 49));
    scene.hear(push(50, 60, 59));
    assert_eq!(scene.pushes, [49, 59]);
    scene.wait(Duration::from_millis(200));
    let acks = acks(&mut scene);
    assert_eq!(acks.len(), 1);
    assert_eq!((acks[0].position, &acks[0].received[..]), (Position(60), &[Position(49), Position(59)][..]));
}

#[test]
fn a_push_that_comes_twice_is_handed_out_once_even_under_another_position() {
    let mut scene = welcomed();
    scene.hear(push(0, 50, 49));
    scene.hear(push(0, 50, 49));
    scene.hear(push(50, 70, 49));
    assert_eq!(scene.pushes, [49]);
    assert_eq!(scene.store.load().push_cursor, Some(Position(70)));
}

#[test]
fn the_next_hello_names_the_cursor_and_known_pushes_stay_known_after_a_kill() {
    let mut scene = welcomed();
    scene.hear(push(0, 50, 49));
    let mut scene = scene.kill();
    scene.connect();
    assert_eq!(scene.hello_said().push_cursor, Some(Position(50)));
    scene.welcome(0);
    scene.hear(push(50, 60, 49));
    assert_eq!(scene.pushes, [0u64; 0]);
}

#[test]
fn a_push_without_a_lifetime_is_handed_out_and_reported_and_leaves_the_cursor() {
    let mut scene = welcomed();
    scene.hear(push(0, 50, 49));
    scene.hear(push(70, 70, 69));
    scene.hear(push(70, 70, 69));
    scene.hear(push(50, 60, 59));
    assert_eq!(scene.pushes, [49, 69, 59]);
    assert_eq!(scene.store.load().push_cursor, Some(Position(60)));
    scene.wait(Duration::from_millis(200));
    assert_eq!(acks(&mut scene)[0].received, [Position(49), Position(69), Position(59)]);
}

#[test]
fn a_gap_ends_the_link() {
    let mut scene = welcomed();
    scene.hear(push(0, 50, 49));
    scene.hear(push(55, 60, 59));
    assert!(!scene.is_link_open);
}

#[test]
fn a_push_that_was_taken_back_is_told_behind_the_push_itself() {
    let mut scene = welcomed();
    scene.stores_at_once = false;
    scene.hear(push(0, 50, 49));
    scene.hear(withdrawn(49));
    assert!(!scene.events.contains(&Event::PushWithdrawn { msg_id: Position(49) }), "the push is not on disk yet");
    scene.complete_stores();
    assert_eq!(scene.pushes, [49]);
    assert!(scene.events.contains(&Event::PushWithdrawn { msg_id: Position(49) }));
}

#[test]
fn a_push_that_never_came_is_taken_back_without_a_word() {
    let mut scene = welcomed();
    scene.hear(withdrawn(49));
    assert!(!scene.events.iter().any(|event| matches!(event, Event::PushWithdrawn { .. })));
}

#[test]
fn a_push_says_which_one_it_replaces() {
    let mut scene = welcomed();
    let ServerFrame::PushDeliver(deliver) = push(0, 50, 49) else { panic!("no push") };
    scene.hear(ServerFrame::PushDeliver(PushDeliver {
        extensions: PushDeliver::replacing(Some(Position(40))),
        ..deliver
    }));
    assert_eq!(scene.replaced, [40]);
}

fn withdrawn(msg_id: u64) -> ServerFrame {
    ServerFrame::PushWithdrawn(PushWithdrawn { msg_id: Position(msg_id), extensions: Extensions::default() })
}
