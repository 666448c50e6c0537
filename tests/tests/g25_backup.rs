//! G25: a backup under load is one moment with every message answered before it. G25b: clients that stand ahead of the
//! backup lose, double and mistake nothing once it is restored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anser_client::session::Transport;
use anser_client::store::FileStore;
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use anser_storage::{Store, Table};
use anser_tests::daemon::{App, Daemon, Plan};
use anser_tests::device::Device;
use anser_tests::{binaries, torture};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

const CI_BACKUPS: u64 = 2;
const SENDERS: usize = 4;
/// Answers before a backup begins.
const SPOKEN: usize = 200;
/// Only what hangs meets it.
const PATIENCE: Duration = Duration::from_secs(100);

#[tokio::test(flavor = "multi_thread")]
async fn g25_a_backup_under_load_is_one_moment_and_has_every_message_answered_before_it() {
    let place = Place::new(&["u0", "u1", "u2", "u3"]).await;
    let load = Load::begin(&place);
    for seed in torture::seeds(CI_BACKUPS) {
        load.speak(SPOKEN + torture::spread(seed, 400) as usize).await;
        // Given what was answered before the backup was asked for,
        let answered_before = load.answered();
        let file = place.path(&format!("{seed}.backup"));
        let made = place.anserd(&["backup", "--to", text(&file)]).await;
        assert!(made.status.success(), "{made:?}");
        load.speak(50).await;
        let answered = load.answered();

        // when it is restored elsewhere,
        let restored = place.path(&format!("restored {seed}"));
        let told = run(&["restore", text(&file), "--data-dir", text(&restored), "--json"]).await;
        assert!(told.status.success(), "{told:?}");
        let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
        let end = told["position"].as_u64().expect("a position");

        // then it has all of that, and of what was answered later exactly what came before its moment.
        let store = Store::open(&restored, anser_storage::Options::default()).expect("it opens");
        let snapshot = store.reader().snapshot().expect("it is open");
        let rows = snapshot.raw_rows(Table::Log).expect("nothing is damaged");
        let kept: BTreeSet<u64> = rows.iter().map(|(key, _)| position_in(key)).collect();
        let lost: Vec<_> = answered_before.difference(&kept).collect();
        assert!(lost.is_empty(), "seed {seed}: answered before, and not in the backup: {lost:?}");
        for id in &answered {
            assert_eq!(kept.contains(id), *id <= end, "seed {seed}: {id} of a backup up to {end}");
        }
        assert!(kept.last().is_some_and(|last| *last <= end));
        assert!(store.end() > Position(1 << 32), "no position is given twice");
        let mut place = None;
        loop {
            let scrubbed = snapshot.scrub(place.as_ref(), 10_000).expect("it is open");
            assert!(scrubbed.findings.is_empty(), "seed {seed}: {:?}", scrubbed.findings);
            place = scrubbed.next;
            if place.is_none() {
                break;
            }
        }
    }
    println!("g25: {} answered in all", load.answered().len());
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g25b_clients_that_stand_ahead_of_a_restored_backup_hide_double_and_mistake_nothing() {
    // Given two clients with stores of their own, and a backup,
    let mut place = Place::new(&["alice", "bob"]).await;
    let alice = place.client("alice").await;
    let mut bob = place.client("bob").await;
    let to_bob = Chat::User("bob".into());
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(alice.say(&to_bob, &format!("before {number}")).await);
        assert_eq!(bob.text().await, format!("before {number}"));
    }
    let file = place.path("old.backup");
    assert!(place.anserd(&["backup", "--to", text(&file)]).await.status.success());

    // when both go on, a user and a group are made, and then the backup is restored under them,
    for number in 0..20 {
        ids.push(alice.say(&to_bob, &format!("lost {number}")).await);
        assert_eq!(bob.text().await, format!("lost {number}"));
    }
    place.post("/v1/users", &json!([{"username": "carol", "password": "secret"}])).await;
    let group = json!({"owner_username": "alice", "name": "walkers", "members_username": ["bob"]});
    let lost_group = place.post("/v1/groups", &group).await["gid"].as_u64().expect("a number");
    place.daemon.kill().await.expect("it runs");
    let restored = place.path("restored");
    let told = run(&["restore", text(&file), "--data-dir", text(&restored)]).await;
    assert!(told.status.success(), "{told:?}");
    place.daemon.plan_mut().data_dir = restored;
    place.daemon.restart().await.expect("it starts on the restored folder, with its certificate");

    // then what is sent from now on arrives once and in order, under ids that nobody has met,
    let highest = ids.iter().copied().max().expect("some were sent");
    for number in 0..20 {
        let id = alice.say(&to_bob, &format!("after {number}")).await;
        assert!(id > highest, "{id} was met before");
        assert_eq!(bob.text().await, format!("after {number}"));
        ids.push(id);
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    // and a new group is not taken for the lost one.
    let gid = place.post("/v1/groups", &group).await["gid"].as_u64().expect("a number");
    assert_ne!(gid, lost_group);
    let last = alice.say(&to_bob, "the last").await;
    assert!(last > highest);
    assert_eq!(bob.text().await, "the last", "nothing came twice");
}

fn position_in(key: &[u8]) -> u64 {
    u64::from_be_bytes(key[5..13].try_into().expect("app, class and position"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

async fn run(args: &[&str]) -> Output {
    Command::new(binaries::anserd()).args(args).env_remove("ANSER_CONFIG").output().await.expect("it runs")
}

/// A daemon with an app and users, and a folder for what is saved.
struct Place {
    daemon: Daemon,
    app: App,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new(users: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
        let daemon = Daemon::start_as(plan).await.expect("it starts");
        let app = daemon.create_app("shop").await.expect("it serves");
        let place = Self { daemon, app, folder };
        let users: Vec<Value> = users.iter().map(|user| json!({"username": user, "password": "secret"})).collect();
        place.post("/v1/users", &Value::Array(users)).await;
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let https = self.daemon.https(&self.app).expect("its authority is exported");
        let answer = https.call("POST", path, Some(body)).await.expect("it serves");
        assert!(answer.status < 300, "{answer:?}");
        answer.json().expect("JSON")
    }

    /// A command for the running daemon.
    async fn anserd(&self, args: &[&str]) -> Output {
        run(&[args, &["--data-dir", text(self.daemon.data_dir())]].concat()).await
    }

    /// A user's own device, with a store on disk.
    async fn client(&self, user: &str) -> Device {
        // The authority comes back with the backup; the one of the first folder is the same.
        let store = FileStore::open(&self.path(user)).expect("its store opens");
        Device::log_in(&self.daemon, &self.app, user, Transport::Tcp, Box::new(store)).await
    }
}

/// Senders that each send the next message when the one before is answered.
struct Load {
    answered: Arc<std::sync::Mutex<BTreeSet<u64>>>,
    is_over: Arc<AtomicBool>,
    senders: JoinSet<()>,
}

impl Load {
    fn begin(place: &Place) -> Self {
        let (answered, is_over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let mut load = Self { answered, is_over, senders: JoinSet::new() };
        for sender in 0..SENDERS {
            let (answered, is_over) = (load.answered.clone(), load.is_over.clone());
            let mut connection = place.daemon.https(&place.app).expect("its authority is exported").connection();
            load.senders.spawn(async move {
                for number in 0.. {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let body = json!({
                        "version": 1, "target_type": "single", "target_id": format!("u{}", (sender + 1) % SENDERS),
                        "from_type": "user", "from_id": format!("u{sender}"), "msg_type": "text",
                        "msg_body": { "text": number.to_string() },
                    });
                    let answer = connection.call("POST", "/v1/messages", Some(&body)).await.expect("it serves");
                    let answer: BTreeMap<String, Value> =
                        serde_json::from_value(answer.json().expect("JSON")).expect("an object");
                    let id = answer["msg_id"].as_u64().expect("accepted");
                    answered.lock().expect("nobody panics").insert(id);
                }
            });
        }
        load
    }

    fn answered(&self) -> BTreeSet<u64> {
        self.answered.lock().expect("nobody panics").clone()
    }

    /// Waits for so many answers more.
    async fn speak(&self, more: usize) {
        let enough = self.answered().len() + more;
        let spoken = async {
            while self.answered.lock().expect("nobody panics").len() < enough {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, spoken).await.expect("everybody is served");
    }

    async fn end(mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.senders.join_next().await {
            ended.expect("everybody was served");
        }
    }
}
