//! What arrives while the link is up.

use super::*;

#[test]
fn a_record_is_handed_out_and_acknowledged_only_when_it_is_on_disk() {
    let mut scene = Scene::at(100);
    scene.stores_at_once = false;
    scene.hear(deliver(100, "bob", 105));
    scene.wait(Duration::from_secs(1));
    assert_eq!((scene.released.len(), scene.acks_said().len()), (0, 0));
    scene.complete_stores();
    scene.wait(Duration::from_secs(1));
    assert_eq!(scene.released, [105]);
    assert_eq!(scene.acks_said(), [105]);
}

#[test]
fn the_cursor_does_not_move_over_a_gap() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(103, "bob", 105));
    assert!(!scene.is_link_open);
    assert_eq!(scene.events, [Event::Disconnected { reason: LinkEnd::Gap }]);
    assert_eq!(scene.released, [0u64; 0]);
    assert_eq!(scene.store.load().users["alice"].cursor, Some(Position(100)));
}

#[test]
fn a_record_that_comes_twice_is_handed_out_once() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(100, "bob", 105));
    scene.hear(deliver(100, "bob", 105));
    scene.hear(deliver(105, "bob", 107));
    assert_eq!(scene.released, [105, 107]);
}

#[test]
fn a_covered_stretch_moves_the_cursor_without_a_record() {
    let mut scene = Scene::at(100);
    scene.hear(ServerFrame::Covered(Covered { after: Position(100), to: Position(200) }));
    scene.hear(deliver(200, "bob", 205));
    assert_eq!(scene.released, [205]);
    assert_eq!(scene.store.load().users["alice"].cursor, Some(Position(205)));
}

#[test]
fn what_was_not_on_disk_at_a_kill_is_asked_for_again() {
    let mut scene = Scene::at(100);
    scene.stores_at_once = false;
    scene.hear(deliver(100, "bob", 105));
    let mut scene = scene.kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.connect();
    assert_eq!(scene.login_said().cursor, Some(Position(100)));
}

#[test]
fn a_login_waits_for_the_cursor_that_is_being_written() {
    let mut scene = Scene::at(100);
    scene.stores_at_once = false;
    scene.hear(deliver(100, "bob", 105));
    scene.lose_link();
    scene.said.clear();
    scene.connect();
    assert_eq!(scene.said, []);
    scene.complete_stores();
    assert_eq!(scene.login_said().cursor, Some(Position(105)));
}

#[test]
fn an_own_send_does_not_count_as_received_up_to_its_place() {
    let mut scene = Scene::at(100);
    scene.send("bob", "mine");
    scene.hear(sent(1, 110));
    let mut scene = scene.kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.come_back();
    scene.hear(catch_up(100, 110, vec![row("bob", &[105], false)]));
    assert_eq!(scene.released, [105]);
}
