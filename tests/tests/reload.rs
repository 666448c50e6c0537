//! What devices notice of a reload: nothing.

use anser_client::session::Transport;
use anser_client::store::MemoryStore;
use anser_protocol::names::Chat;
use anser_tests::daemon::{Daemon, Plan};
use anser_tests::device::Device;
use serde_json::{Value, json};

const RELOADS: usize = 5;
const TRANSPORTS: [(&str, Transport); 3] =
    [("ann", Transport::Quic), ("bob", Transport::Tcp), ("cem", Transport::WebSocket)];

#[tokio::test(flavor = "multi_thread")]
async fn links_of_every_transport_are_held_over_reloads_with_new_settings_and_a_new_certificate() {
    // Given a daemon and a device on every transport,
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("anserd.toml");
    let change = |number: usize| {
        // Another name is another certificate.
        let names = format!("[tls]\nnames = ['localhost', 'push{number}.example.com']\n");
        std::fs::write(&settings, format!("[rates]\npush = {}\n{names}", 100 + number)).expect("written");
    };
    change(0);
    let mut plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
    plan.more_args = vec!["--config".into(), settings.clone().into()];
    let daemon = Daemon::start_as(plan).await.expect("it starts");
    let app = daemon.create_app("shop").await.expect("it serves");
    let users: Vec<Value> = TRANSPORTS.map(|(user, _)| json!({"username": user, "password": "secret"})).into();
    let https = daemon.https(&app).expect("its authority is exported");
    assert_eq!(https.call("POST", "/v1/users", Some(&Value::Array(users))).await.expect("it serves").status, 201);
    let mut devices = Vec::new();
    for (user, transport) in TRANSPORTS {
        devices.push(Device::log_in(&daemon, &app, user, transport, Box::<MemoryStore>::default()).await);
    }

    // when it is told to reload, again and again, with other settings and another certificate each time, and they talk on,
    for number in 1..=RELOADS {
        change(number);
        let told: Value = daemon.admin(&["reload"]).await.expect("it reloads");
        assert!(told.to_string().contains("rates.push"), "{told}");
        for at in 0..devices.len() {
            let next = (at + 1) % devices.len();
            let text = format!("{number} from {at}");
            devices[at].say(&Chat::User(TRANSPORTS[next].0.into()), &text).await;
            assert_eq!(devices[next].text().await, text);
        }
    }

    // then no link was ever opened anew.
    for (device, (user, _)) in devices.iter().zip(TRANSPORTS) {
        assert_eq!((device.opened, device.ended), (1, 0), "{user}");
    }
}
