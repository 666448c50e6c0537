//! When links end and begin.

use super::*;

#[test]
fn waits_between_tries_grow_and_begin_anew_after_a_good_link() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    let mut waits = vec![];
    for _ in 0..12 {
        assert!(std::mem::take(&mut scene.wants_link));
        scene.session.handle_connect_failed(scene.now);
        scene.settle();
        let until = scene.session.next_deadline().expect("it will try again");
        waits.push(until - scene.now);
        scene.wait(until - scene.now);
    }
    assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(60)));
    assert!(waits.iter().any(|wait| *wait > Duration::from_secs(4)));

    scene.come_back();
    scene.wait(Duration::from_secs(11));
    scene.session.handle_disconnected(scene.now);
    scene.settle();
    let until = scene.session.next_deadline().expect("it will try again");
    assert!(until - scene.now <= Duration::from_millis(500));
}

#[test]
fn a_server_that_does_not_answer_a_ping_is_left() {
    let mut scene = Scene::at(100);
    scene.wait(Duration::from_secs(121));
    assert_eq!(scene.said.last(), Some(&ClientFrame::Ping));
    scene.wait(Duration::from_secs(10));
    assert!(!scene.is_link_open || scene.wants_link);
    assert_eq!(scene.events[0], Event::Disconnected { reason: LinkEnd::Silent });
}

#[test]
fn a_server_that_answers_pings_is_kept() {
    let mut scene = Scene::at(100);
    for _ in 0..5 {
        scene.said.clear();
        while !scene.said.contains(&ClientFrame::Ping) {
            scene.wait(Duration::from_secs(1));
        }
        scene.hear(ServerFrame::Pong);
    }
    assert!(scene.is_link_open);
}

#[test]
fn a_server_without_a_welcome_is_left_after_ten_seconds() {
    let mut scene = Scene::new();
    scene.connect();
    scene.wait(Duration::from_secs(10));
    assert!(scene.events.contains(&Event::Disconnected { reason: LinkEnd::Silent }));
}

#[test]
fn go_away_is_obeyed() {
    let mut scene = Scene::at(100);
    scene.hear(ServerFrame::GoAway(GoAway {
        code: ErrorCode::SHUTTING_DOWN,
        retry_after_ms: 20_000,
        message: String::new(),
        extensions: Extensions::default(),
    }));
    assert!(!scene.is_link_open);
    scene.wait(Duration::from_secs(19));
    assert!(!scene.wants_link);
    scene.wait(Duration::from_secs(21));
    assert!(scene.wants_link);
}

#[test]
fn a_device_that_was_replaced_comes_back_soon_once_and_then_seldom() {
    let replaced = || {
        ServerFrame::GoAway(GoAway {
            code: ErrorCode::REPLACED,
            retry_after_ms: 0,
            message: String::new(),
            extensions: Extensions::default(),
        })
    };
    let mut scene = Scene::at(100);
    scene.hear(replaced());
    scene.wait(Duration::from_secs(1));
    assert!(scene.wants_link, "it may have been an abandoned link of its own");

    scene.come_back();
    scene.wants_link = false;
    scene.hear(replaced());
    assert_eq!(scene.events.last(), Some(&Event::Disconnected { reason: LinkEnd::Copied }));
    scene.wait(Duration::from_secs(59));
    assert!(!scene.wants_link, "there is another one like it");
    scene.wait(Duration::from_secs(1));
    assert!(scene.wants_link);
}

#[test]
fn garbage_ends_the_link_and_nothing_else() {
    let mut scene = Scene::at(100);
    scene.session.handle_bytes(&[3, 72, 0xff, 0xff], scene.now);
    scene.settle();
    assert_eq!(scene.events, [Event::Disconnected { reason: LinkEnd::Malformed }]);
    scene.wait(Duration::from_secs(1));
    assert!(scene.wants_link);
}

#[test]
fn a_position_beyond_the_limit_ends_the_link() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(100, "bob", u64::MAX));
    assert!(!scene.is_link_open);
}

#[test]
fn frames_that_this_version_does_not_know_do_no_harm() {
    let mut scene = Scene::at(100);
    scene.hear(ServerFrame::Unknown(120));
    scene.hear(ServerFrame::Unsupported(Unsupported { frame_type: 9 }));
    assert!(scene.is_link_open);
}

#[test]
fn frames_are_read_however_the_stream_is_cut() {
    let mut scene = Scene::at(100);
    let mut bytes = vec![];
    for frame in [deliver(100, "bob", 105), deliver(105, "bob", 107)] {
        framing::append(&mut bytes, |out| scene.encoder.server(&frame, out)).expect("a short frame");
    }
    for byte in bytes {
        scene.session.handle_bytes(&[byte], scene.now);
    }
    scene.settle();
    assert_eq!(scene.released, [105, 107]);
}

#[test]
fn in_another_network_a_tcp_link_is_opened_anew_at_once() {
    let mut scene = Scene::at(100);
    scene.session.handle_network_changed("cafe", scene.now);
    scene.settle();
    assert!(scene.wants_link && !scene.is_link_open);
}

#[test]
fn in_another_network_an_attempt_begins_anew() {
    let mut scene = Scene::new();
    assert!(std::mem::take(&mut scene.wants_link));
    scene.session.handle_network_changed("cafe", scene.now);
    scene.settle();
    assert!(scene.wants_link);
}

#[test]
fn the_winner_of_a_race_goes_first_in_its_network_until_something_changes_there() {
    let mut scene = Scene::at(100);
    scene.session.remember_winner(Transport::Tcp);
    assert_eq!(scene.session.remembered_winner(), Some(Transport::Tcp));

    scene.session.handle_network_changed("cafe", scene.now);
    assert_eq!(scene.session.remembered_winner(), None);
    scene.session.handle_network_changed("home", scene.now);
    assert_eq!(scene.session.remembered_winner(), Some(Transport::Tcp));

    scene.session.handle_network_changed("home", scene.now);
    assert_eq!(scene.session.remembered_winner(), None);
}

#[test]
fn stopping_acknowledges_what_is_stored_and_closes() {
    let mut scene = Scene::at(100);
    scene.hear(deliver(100, "bob", 105));
    scene.session.stop(scene.now + RTT);
    scene.settle();
    assert_eq!(scene.acks_said(), [105]);
    assert!(!scene.is_link_open);
    assert_eq!(scene.session.next_deadline(), None);
}
