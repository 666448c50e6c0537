//! From times to positions.

use crate::common::World;
use anser_protocol::ids::Position;
use anser_storage::command::{Class, Command, SystemCommand};
use anser_storage::outcome::Answer;

#[test]
fn the_first_record_since_a_moment_is_found_over_the_whole_log() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.user("bob");
    let mut sent = Vec::new();
    for count in 1..=50 {
        let position = world.send(alice, "bob", "hello");
        sent.push((position, world.now_ms));
        if count % 10 == 0 {
            // Holes, as every start makes them.
            world.answer(Command::System(SystemCommand::Start));
        }
    }
    let read = world.read();
    let first_since = |at_ms| read.first_since(world.app, Class::Chat, at_ms).expect("readable");
    for (index, (position, at_ms)) in sent.iter().enumerate() {
        assert!(index == 0 || sent[index - 1].0 < first_since(*at_ms));
        assert!(first_since(*at_ms) <= *position);
        assert!(*position < first_since(at_ms + 1));
    }
    assert!(first_since(0) <= sent[0].0);
    assert!(first_since(u64::MAX) > sent[49].0);
    assert_eq!(read.first_since(world.app, Class::Push, u64::MAX).expect("readable"), Position::START);
}

#[test]
fn the_search_begins_at_the_floor() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.user("bob");
    world.send(alice, "bob", "old");
    let kept = world.send(alice, "bob", "new");
    let cut = SystemCommand::Cut { app: world.app, class: Class::Chat, below: kept };
    assert_eq!(world.answer(Command::System(cut)), Answer::Done);
    assert_eq!(world.read().first_since(world.app, Class::Chat, 0).expect("readable"), kept);
}
