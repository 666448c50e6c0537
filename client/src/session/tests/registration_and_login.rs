//! Who this device and its user are.

use anser_protocol::extension::tag;
use anser_protocol::traits::TraitKind;

use super::*;

#[test]
fn a_new_device_keeps_its_nonce_and_secret_before_it_says_them() {
    let mut scene = Scene::new();
    scene.connect();
    let hello = scene.hello_said();
    let identity = scene.store.load().identity.expect("it is stored");
    assert_eq!((hello.nonce, hello.secret), (identity.nonce.to_vec(), identity.secret));
    assert_eq!(hello.registration_id, "");
}

#[test]
fn a_hello_tells_what_the_application_says_of_the_device() {
    let traits = Traits::default().with(TraitKind::AppVersion, "2.0").expect("a short text");
    let mut scene = Scene::configured(Config { traits: traits.clone(), ..config() }, MemoryStore::default());
    scene.connect();
    assert_eq!(Traits::of(&scene.hello_said().extensions), Ok(traits));
}

#[test]
fn a_new_device_says_its_former_registration_id_and_takes_the_one_that_it_is_given() {
    let config = Config { former_registration_id: Some("device-1".into()), ..config() };
    let mut scene = Scene::configured(config.clone(), MemoryStore::default());
    scene.connect();
    let former = |scene: &Scene| {
        let said = scene.hello_said().extensions;
        said.value(tag::FORMER_REGISTRATION_ID).map(<[u8]>::to_vec)
    };
    assert_eq!(former(&scene), Some(b"device-1".to_vec()));
    scene.welcome(0);
    assert_eq!(scene.store.load().identity.expect("it is stored").registration_id, "device-1");
    // Registered, it says its own id and nothing of what was.
    let mut scene = Scene::configured(config, scene.store);
    scene.connect();
    assert_eq!((former(&scene), scene.hello_said().registration_id.as_str()), (None, "device-1"));
}

#[test]
fn a_hello_waits_until_the_identity_is_on_disk() {
    let store = MemoryStore::default();
    let mut session = Session::new(config(), store.load(), counting());
    session.start(Duration::ZERO);
    session.handle_connected(Transport::Tcp, Duration::ZERO);
    let mut transmitted = false;
    let mut ticket = None;
    while let Some(action) = session.next_action() {
        match action {
            Action::Transmit(_) => transmitted = true,
            Action::Store(given, _) => ticket = Some(given),
            _ => {}
        }
    }
    assert!(!transmitted);
    session.handle_stored(ticket.expect("the identity is stored"), Duration::ZERO);
    assert!(std::iter::from_fn(|| session.next_action()).any(|action| matches!(action, Action::Transmit(_))));
}

#[test]
fn a_registration_whose_answer_was_lost_is_repeated_with_the_same_nonce_even_after_a_kill() {
    let mut scene = Scene::new();
    scene.connect();
    let first = scene.hello_said();
    let mut scene = scene.kill();
    scene.connect();
    assert_eq!(scene.hello_said().nonce, first.nonce);
}

#[test]
fn a_registered_device_says_its_registration_id() {
    let mut scene = Scene::new();
    scene.connect();
    scene.welcome(0);
    assert!(scene.events.contains(&Event::Registered { registration_id: "device-1".into() }));
    let mut scene = scene.kill();
    scene.connect();
    assert_eq!(scene.hello_said().registration_id, "device-1");
    assert_eq!(scene.hello_said().nonce, Vec::<u8>::new());
}

#[test]
fn a_device_that_the_server_does_not_know_any_more_becomes_a_new_one() {
    let mut scene = Scene::at(100);
    scene.said.clear();
    let old = scene.store.load().identity.expect("it is stored");
    scene.fail(0, ErrorCode::REGISTRATION);
    scene.wait(Duration::from_secs(1));
    scene.connect();
    let hello = scene.hello_said();
    assert_eq!(hello.registration_id, "");
    assert_ne!(hello.nonce, old.nonce);
    assert_ne!(hello.secret, old.secret);
}

#[test]
fn an_unknown_app_key_is_told_and_tried_again_only_after_a_minute() {
    let mut scene = Scene::new();
    scene.connect();
    scene.fail(0, ErrorCode::APP_KEY);
    let reason = LinkEnd::Refused { code: ErrorCode::APP_KEY, message: "unknown app key".into() };
    assert!(scene.events.contains(&Event::Disconnected { reason }));
    scene.wait(Duration::from_secs(59));
    assert!(!scene.wants_link);
    scene.wait(Duration::from_secs(1));
    assert!(scene.wants_link);
}

#[test]
fn the_login_follows_right_behind_the_hello() {
    let mut scene = Scene::new();
    scene.session.login("alice", Some("secret"), scene.now).expect("a good name");
    scene.connect();
    assert!(matches!(scene.said[..], [ClientFrame::Hello(_), ClientFrame::Login(_)]));
    assert_eq!(scene.login_said().credential_kind, CredentialKind::PASSWORD);
    assert_eq!(scene.login_said().cursor, None);
}

#[test]
fn later_links_log_in_by_the_token_and_name_the_cursor() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.connect();
    let login = scene.login_said();
    assert_eq!((login.credential_kind, login.credential), (CredentialKind::TOKEN, b"token".to_vec()));
    assert_eq!(login.cursor, Some(Position(100)));
}

#[test]
fn a_token_that_is_no_longer_good_gives_way_to_the_password() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.connect();
    scene.welcome(0);
    scene.fail(scene.login_said().request, ErrorCode::TOKEN_INVALID);
    assert_eq!(scene.login_said().credential_kind, CredentialKind::PASSWORD);
    scene.log_in();
    assert!(scene.events.contains(&Event::LoggedIn { user: "alice".into() }));
}

#[test]
fn without_a_password_a_bad_token_asks_for_a_login() {
    let mut scene = Scene::at(100).kill();
    scene.session.login("alice", None, scene.now).expect("a good name");
    scene.connect();
    scene.welcome(0);
    scene.fail(scene.login_said().request, ErrorCode::TOKEN_INVALID);
    assert!(scene.events.contains(&Event::LoginNeeded { user: "alice".into() }));
    assert_eq!(scene.session.user(), None);
}

#[test]
fn a_wrong_password_is_final() {
    let mut scene = Scene::new();
    scene.session.login("alice", Some("wrong"), scene.now).expect("a good name");
    scene.connect();
    scene.welcome(0);
    scene.said.clear();
    scene.fail(2, ErrorCode::PASSWORD_WRONG);
    scene.fail(1, ErrorCode::PASSWORD_WRONG);
    assert!(matches!(scene.events.last(), Some(Event::LoginFailed { code: ErrorCode::PASSWORD_WRONG, .. })));
    scene.wait(Duration::from_secs(30));
    assert_eq!(scene.said, []);
}

#[test]
fn logging_out_forgets_the_token_and_keeps_the_device() {
    let mut scene = Scene::at(100);
    let request = scene.session.request(Request::Logout, scene.now).expect("alice is there");
    scene.settle();
    scene.hear(ServerFrame::Done(Done { request, extensions: Extensions::default() }));
    assert!(scene.events.contains(&Event::LoggedOut { user: "alice".into() }));
    assert!(scene.is_link_open);
    assert_eq!(scene.store.load().users["alice"].token, Vec::<u8>::new());
}

#[test]
fn what_a_user_asked_for_is_not_asked_in_the_name_of_the_next_user() {
    // Given alice, who wants to leave a group while there is no link,
    let mut scene = Scene::at(100);
    scene.lose_link();
    let leave = Request::GroupLeave { group: GroupId(7) };
    let request = scene.session.request(leave, scene.now).expect("somebody is logged in");
    // when bob takes over the device,
    scene.session.login("bob", Some("secret"), scene.now).expect("a good name");
    scene.come_back();
    scene.log_in();
    // then she is told that it was not done, and he stays where he is.
    let not_done = Event::Answered { request, result: Err(RequestError::NotLoggedIn) };
    assert!(scene.events.contains(&not_done));
    assert!(!scene.said.iter().any(|frame| matches!(frame, ClientFrame::GroupLeave(_))));
}

#[test]
fn a_token_of_the_apps_server_opens_a_session_that_goes_on_without_it() {
    let mut scene = Scene::new();
    scene.session.login_signed("alice", "signed.by.server", scene.now).expect("a good name");
    scene.connect();
    scene.welcome(0);
    let login = scene.login_said();
    assert_eq!((login.credential_kind, login.credential), (CredentialKind::SIGNED, b"signed.by.server".to_vec()));
    scene.log_in();
    scene.lose_link();
    scene.connect();
    scene.welcome(0);
    assert_eq!(scene.login_said().credential_kind, CredentialKind::TOKEN);
    // When the session was ended, the signed token is tried again; its time is over by now.
    scene.fail(scene.login_said().request, ErrorCode::TOKEN_INVALID);
    assert_eq!(scene.login_said().credential_kind, CredentialKind::SIGNED);
    scene.fail(scene.login_said().request, ErrorCode::SIGNED_TOKEN);
    assert!(scene.events.contains(&Event::LoginNeeded { user: "alice".into() }));
}

#[test]
fn a_token_of_the_apps_server_that_was_never_good_is_final() {
    let mut scene = Scene::new();
    scene.session.login_signed("alice", "signed.by.nobody", scene.now).expect("a good name");
    scene.connect();
    scene.welcome(0);
    scene.fail(scene.login_said().request, ErrorCode::SIGNED_TOKEN);
    assert!(matches!(scene.events.last(), Some(Event::LoginFailed { code: ErrorCode::SIGNED_TOKEN, .. })));
    assert!(scene.session.login_signed("alice", &"x".repeat(4097), scene.now).is_err());
}

#[test]
fn a_device_that_had_to_make_room_while_it_was_away_does_not_come_back_with_its_password() {
    let mut scene = Scene::at(100);
    scene.lose_link();
    scene.connect();
    scene.welcome(0);
    scene.fail(scene.login_said().request, ErrorCode::LOGGED_IN_ELSEWHERE);
    assert!(matches!(scene.events.last(), Some(Event::LoginFailed { code: ErrorCode::LOGGED_IN_ELSEWHERE, .. })));
    assert_eq!(scene.session.user(), None);
    scene.said.clear();
    scene.wait(Duration::from_secs(60));
    assert!(!scene.said.iter().any(|frame| matches!(frame, ClientFrame::Login(_))), "though it knows the password");
}

#[test]
fn a_device_that_had_to_make_room_for_another_does_not_take_its_place_back() {
    let mut scene = Scene::at(100);
    let code = ErrorCode::LOGGED_IN_ELSEWHERE;
    let go_away = GoAway { code, message: String::new(), retry_after_ms: 0, extensions: Extensions::default() };
    scene.hear(ServerFrame::GoAway(go_away));
    assert!(matches!(scene.events.iter().rev().find(|event| matches!(event, Event::LoginFailed { .. })),
        Some(Event::LoginFailed { user, code, .. }) if &**user == "alice" && *code == ErrorCode::LOGGED_IN_ELSEWHERE));
    assert_eq!(scene.store.load().users["alice"].token, Vec::<u8>::new());
    scene.said.clear();
    scene.wait(Duration::from_secs(60));
    scene.connect();
    scene.welcome(0);
    assert!(!scene.said.iter().any(|frame| matches!(frame, ClientFrame::Login(_))), "though it knows the password");
}
