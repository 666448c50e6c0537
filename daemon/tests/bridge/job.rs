//! The job that hands pushes over, while the store reads but does not write.

use std::sync::Arc;

use anser_protocol::content::{Notification, Platform, PushContent};
use anser_protocol::ids::Position;
use anser_storage::command::{AppCommand, Audience, BridgeCommand, Command, DeviceCommand, PushCommand, Submit};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::Answer;
use anser_storage::{Channel, Options, PushToken, Reader, Store, Writer, WriterHandle, WriterOptions};
use anserd::bridge::TokenKind;
use anserd::bridge::job::Job;
use anserd::clock::now_ms;
use anserd::config::{BridgeKind, WebhookConfig};
use anserd::ledger::Ledger;
use anserd::switchboard::Switchboard;

use crate::server::World;

fn store(world: &World, name: &str, options: WriterOptions) -> (WriterHandle, Reader) {
    std::fs::create_dir(world.path(name)).expect("a folder");
    let store = Store::open(&world.path(name), Options::default()).expect("a store");
    Writer::spawn(store, options, Box::new(|_| {})).expect("a writer")
}

async fn answer(ledger: &Ledger, command: Command) -> Answer {
    ledger.submit(command).await.expect("the store is there").answer.expect("accepted")
}

async fn app_with_a_device(ledger: &Ledger) -> AppNumber {
    let create = AppCommand::Create { name: "one".into(), app_key: "k".repeat(24), master_secret: "s".repeat(24) };
    let Answer::App(app) = answer(ledger, Command::App(create)).await else { panic!("an app") };
    let (registration_id, secret_hash, platform) = ("asleep".into(), [7; 32], Platform::ANDROID);
    let register = DeviceCommand::Register { app, registration_id, secret_hash, platform };
    let Answer::Device { device, .. } = answer(ledger, Command::Device(register)).await else { panic!("a device") };
    let token = PushToken { kind: TokenKind::VENDOR.0, token: "mi:x".into() };
    answer(ledger, Command::Bridge(BridgeCommand::SetToken { app, device, token })).await;
    app
}

fn alert(app: AppNumber) -> Command {
    let notification = Notification { alert: "news".into(), ..Notification::default() };
    let content = PushContent { notification: Some(notification), message: None };
    Command::Push(PushCommand::Submit(Box::new(Submit {
        app,
        contents: vec![(Platform::ANDROID, content)],
        bridged: Vec::new(),
        audience: Audience::All,
        only_test_devices: false,
        time_to_live_s: 86_400,
        spread_s: 0,
        replaces: None,
        kept: String::new(),
        callback: None,
        sms: None,
        sendno: String::new(),
        connected: Vec::new(),
        cid: None,
        only_repeats: false,
        broadcasts: None,
        validate_only: false,
        group_push: None,
    })))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_is_not_told_again_while_that_cannot_be_written_down() {
    let world = World::new();
    let server = world.server("h2").await;
    let secret_file = world.write("secret", "a secret that nobody else knows, of some length");
    let webhook = WebhookConfig { url: server.url("/wake"), secret_file, vendors: vec!["*".into()], sms: false };
    let bridges = world.bridges(&[world.config(BridgeKind::Webhook(webhook))]);
    let switchboard = Switchboard::default();
    let (writer, reader) = store(&world, "store", WriterOptions::default());
    // It reads the same, and no command ever has room in its queue.
    let (full, _) = store(&world, "other", WriterOptions { queue_commands_max: 0, ..WriterOptions::default() });
    let (well, ill) = (Ledger::new(writer, reader.clone(), Arc::default()), Ledger::new(full, reader, Arc::default()));
    let app = app_with_a_device(&well).await;
    let mut job = Job::default();
    job.round(&well, &switchboard, &bridges, now_ms()).await.expect("begun");
    let Answer::Pushed { msg_id, .. } = answer(&well, alert(app)).await else { panic!("a push") };

    for _ in 0..3 {
        job.round(&ill, &switchboard, &bridges, now_ms()).await.expect_err("it cannot be written down");
        assert_eq!(server.unseen(), 1, "told once");
    }
    job.round(&well, &switchboard, &bridges, now_ms()).await.expect("the store is there");
    assert_eq!(server.unseen(), 1);
    assert_eq!(bridged(&well, app, msg_id).await, 1, "and now it is known");
}

async fn bridged(ledger: &Ledger, app: AppNumber, push: Position) -> u64 {
    ledger.read(move |snapshot| snapshot.bridged(app, push, Channel::Notice)).await.expect("the store is there").len()
}
