//! What a session answers about its user's devices.

use anser_protocol::frame::device::OwnDevicesAsk;
use anser_storage::OwnDevice;

use super::*;

const OTHER: DeviceNumber = DeviceNumber(5);

fn ask(request: u32) -> ClientFrame {
    ClientFrame::OwnDevicesAsk(OwnDevicesAsk { request, extensions: Extensions::default() })
}

fn found(device: DeviceNumber, is_logged_in: bool) -> OwnDevice {
    OwnDevice {
        device,
        registration_id: device.0.to_string(),
        platform: Platform::ANDROID,
        is_logged_in,
        was_pushed_off: !is_logged_in,
        seen_ms: Some(60_000),
    }
}

#[test]
fn it_asks_for_the_device_that_its_own_login_pushed_off_last() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&login(CredentialKind::PASSWORD, b"secret", None));
    let (ticket, _) = dialogue.question();
    let user = LoginUser { number: ALICE, password: "stored".into(), token: None };
    dialogue.answer(ticket, Answer::LogIn(Some(user)));
    let Some(Action::CheckPassword { ticket, .. }) = dialogue.session.next_action() else { panic!("no check") };
    dialogue.session.handle_input(Input::PasswordChecked { ticket, found: Ok(TOKEN) }, START);
    let (ticket, _) = dialogue.command();
    dialogue.outcome(ticket, Ok(Accepted::LoggedIn { ended: vec![DeviceNumber(4), OTHER] }));
    assert!(matches!(dialogue.session.next_action(), Some(Action::EndOn { .. })));
    assert!(matches!(dialogue.session.next_action(), Some(Action::AttachUser { .. })));
    dialogue.question();

    dialogue.say(&ask(3));
    let (_, query) = dialogue.question();
    let is_it = matches!(query, Query::OwnDevices { app: APP, user: ALICE, device: DEVICE, pushed_off: Some(OTHER) });
    assert!(is_it, "{query:?}");
}

#[test]
fn who_holds_a_link_is_seen_now_and_whose_login_has_ended_is_not_online() {
    let mut dialogue = Dialogue::live();
    dialogue.hear();
    dialogue.say(&ask(3));
    let (ticket, _) = dialogue.question();
    dialogue.answer(ticket, Answer::OwnDevices(vec![found(DEVICE, true), found(OTHER, false), found(OTHER, true)]));
    let Some(Action::FindOnline { ticket, app: APP, user: ALICE, devices }) = dialogue.session.next_action() else {
        panic!("who is online is to be found out")
    };
    assert_eq!(devices, [DEVICE, OTHER, OTHER]);
    dialogue.session.handle_input(Input::OnlineFound { ticket, online: vec![true, true, false] }, START);
    let [ServerFrame::OwnDevices(told)] = &dialogue.hear()[..] else { panic!("no list") };
    let shown: Vec<_> = told.devices.iter().map(|device| (device.is_online, device.seen_s)).collect();
    assert_eq!((told.request, shown), (3, vec![(true, START / 1_000), (false, 60), (false, 60)]));
}

#[test]
fn without_a_user_there_is_no_list() {
    let mut dialogue = Dialogue::greeted();
    dialogue.say(&ask(3));
    assert_eq!(codes(&dialogue.hear()), [(3, ErrorCode::NOT_LOGGED_IN)]);
}
