//! What a user is told of their own devices, on a real daemon.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::device::{OwnDevice, OwnDevices, OwnDevicesAsk};
use anser_protocol::frame::session::{CredentialKind, Hello, Logout};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anserd::link::session::Logins;

use crate::peer::{Peer, hello, login};
use crate::world::{App, World};

const REQUEST: u32 = 7;
const ONE_OF_A_KIND: Logins = Logins { phones: 1, computers: 1, browsers: 1 };
const ANY_NUMBER: Logins = Logins { phones: 0, computers: 0, browsers: 0 };

/// A device that says what it has, and its registration id.
struct Device {
    peer: Peer,
    id: String,
}

impl Device {
    async fn new(world: &World, app: &App, platform: Platform) -> Self {
        let mut peer = Peer::connect(world).await;
        let ClientFrame::Hello(hello) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
        peer.say(&ClientFrame::Hello(Hello { platform, ..hello })).await;
        match peer.hear().await {
            Some(ServerFrame::Welcome(welcome)) => Self { peer, id: welcome.registration_id },
            other => panic!("a welcome was expected, not {other:?}"),
        }
    }

    async fn on(world: &World, app: &App, platform: Platform, username: &str) -> Self {
        let mut device = Self::new(world, app, platform).await;
        device.peer.log_in(username, "secret").await;
        device
    }

    async fn own_devices(&mut self) -> Vec<OwnDevice> {
        let body = OwnDevicesAsk { request: REQUEST, extensions: Extensions::default() };
        self.peer.say(&ClientFrame::OwnDevicesAsk(body)).await;
        match self.peer.hear_answer().await {
            Some(ServerFrame::OwnDevices(OwnDevices { request: REQUEST, devices, .. })) => devices,
            other => panic!("a list was expected, not {other:?}"),
        }
    }

    /// Until the server has ended the link.
    async fn is_sent_away(&mut self) {
        while self.peer.hear().await.is_some() {}
    }
}

async fn world_of_alice(logins: Logins) -> (World, App) {
    let world = World::with(|config| config.users.logins = logins).await;
    let app = world.app("shop").await;
    world.users(&app, &["alice", "bob"]).await;
    (world, app)
}

/// Id, platform, logged in, online, pushed off.
type Row<'a> = (&'a str, Platform, bool, bool, bool);

fn rows(devices: &[OwnDevice]) -> Vec<Row<'_>> {
    devices.iter().map(row).collect()
}

fn row(device: &OwnDevice) -> Row<'_> {
    let OwnDevice { registration_id, platform, is_logged_in, is_online, was_pushed_off, .. } = device;
    (registration_id.as_str(), *platform, *is_logged_in, *is_online, *was_pushed_off)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_told_whom_it_pushed_off_and_who_else_is_there() {
    let (world, app) = world_of_alice(ONE_OF_A_KIND).await;
    let mut android = Device::on(&world, &app, Platform::ANDROID, "alice").await;
    let alone = android.own_devices().await;
    assert_eq!(rows(&alone), [(&*android.id, Platform::ANDROID, true, true, false)], "there is no other");
    assert!(alone[0].seen_s > 1_700_000_000, "it is connected now: {alone:?}");

    let mut browser = Device::on(&world, &app, Platform::WEB, "alice").await;
    let mut iphone = Device::on(&world, &app, Platform::IOS, "alice").await;
    let told = iphone.own_devices().await;
    assert_eq!(
        rows(&told),
        [(&*android.id, Platform::ANDROID, false, false, true), (&*browser.id, Platform::WEB, true, true, false)]
    );
    android.is_sent_away().await;
    assert_eq!(
        rows(&browser.own_devices().await),
        [(&*iphone.id, Platform::IOS, true, true, false), (&*browser.id, Platform::WEB, true, true, false)],
        "the browser's login pushed off nobody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_a_link_is_logged_in_and_not_online() {
    let (world, app) = world_of_alice(ONE_OF_A_KIND).await;
    let Device { peer, id } = Device::on(&world, &app, Platform::DESKTOP, "alice").await;
    drop(peer);
    let mut phone = Device::on(&world, &app, Platform::HMOS, "alice").await;
    let mut told = phone.own_devices().await;
    // The server notices the end of a link when it gets to it.
    while told.iter().any(|device| device.registration_id == id && device.is_online) {
        tokio::task::yield_now().await;
        told = phone.own_devices().await;
    }
    assert_eq!(
        rows(&told),
        [(&*phone.id, Platform::HMOS, true, true, false), (&*id, Platform::DESKTOP, true, false, false)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn among_several_of_a_kind_the_one_that_logged_in_last_is_told() {
    let (world, app) = world_of_alice(ANY_NUMBER).await;
    let _first = Device::on(&world, &app, Platform::ANDROID, "alice").await;
    let second = Device::on(&world, &app, Platform::IOS, "alice").await;
    let mut third = Device::on(&world, &app, Platform::ANDROID, "alice").await;
    assert_eq!(rows(&third.own_devices().await), [(&*second.id, Platform::IOS, true, true, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_login_by_token_nobody_counts_as_pushed_off() {
    let (world, app) = world_of_alice(ONE_OF_A_KIND).await;
    let _android = Device::on(&world, &app, Platform::ANDROID, "alice").await;
    let mut iphone = Device::new(&world, &app, Platform::IOS).await;
    let token = iphone.peer.log_in("alice", "secret").await;
    assert!(iphone.own_devices().await[0].was_pushed_off);
    iphone.peer.say(&login(2, "alice", CredentialKind::TOKEN, &token)).await;
    while !matches!(iphone.peer.hear().await.expect("a link"), ServerFrame::CatchUp(part) if part.is_last) {}
    assert_eq!(rows(&iphone.own_devices().await), [(&*iphone.id, Platform::IOS, true, true, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_devices_of_others_and_of_nobody_are_not_told() {
    let (world, app) = world_of_alice(ONE_OF_A_KIND).await;
    let _alices = Device::on(&world, &app, Platform::WEB, "alice").await;
    let mut bobs = Device::on(&world, &app, Platform::ANDROID, "bob").await;
    assert_eq!(rows(&bobs.own_devices().await), [(&*bobs.id, Platform::ANDROID, true, true, false)]);
    bobs.peer.say(&ClientFrame::Logout(Logout { request: 8, extensions: Extensions::default() })).await;
    assert!(matches!(bobs.peer.hear_answer().await, Some(ServerFrame::Done(_))));
    let body = OwnDevicesAsk { request: REQUEST, extensions: Extensions::default() };
    bobs.peer.say(&ClientFrame::OwnDevicesAsk(body)).await;
    match bobs.peer.hear_answer().await {
        Some(ServerFrame::Failed(failed)) => assert_eq!(failed.code, ErrorCode::NOT_LOGGED_IN),
        other => panic!("a failure was expected, not {other:?}"),
    }
}
