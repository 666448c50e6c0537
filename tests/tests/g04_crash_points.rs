//! G4: the process ends at every named point of [`CrashPoint`], as a crash would end it, and nothing that was answered is
//! lost, doubled or half there.
//!
//! `make torture g4 N=100` does each of them a hundred times.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anser_client::session::Transport;
use anser_client::shell::Upload;
use anser_client::store::FileStore;
use anser_protocol::frame::media::MediaKind;
use anser_protocol::names::Chat;
use anser_storage::Store;
use anser_storage::crash_point::CrashPoint::{self, *};
use anser_tests::daemon::{App, Daemon, Plan};
use anser_tests::device::Device;
use anser_tests::{binaries, torture};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

const CI_TIMES: u64 = 1;
const SENDERS: usize = 3;
/// Only what hangs meets it.
const PATIENCE: Duration = Duration::from_secs(100);
/// How a process ends that ends itself like this.
const ABORTED: i32 = 6;

const SERVING: [CrashPoint; 7] =
    [BatchTaken, CommandsApplied, BatchCommitted, BatchPublished, FirstAnswered, BatchAnswered, BatchHandedOn];
const ENDING: [CrashPoint; 8] = [
    ShutdownBegun,
    LinksDrained,
    LastCheckpoint,
    CheckpointBegun,
    HeadsWritten,
    HeadsCommitted,
    CheckpointDone,
    StoreClosed,
];
/// With how often each is come to: the daemon's key, the authority's key and certificate and the link for the first
/// operator are a file each.
const FIRST_START: [(CrashPoint, u32); 10] = [
    (FolderMade, 1),
    (FileWritten, 4),
    (FileNamed, 4),
    (StoreBegun, 1),
    (StoreFilled, 1),
    (StoreWhole, 1),
    (StoreNamed, 1),
    (Recovered, 1),
    (Listening, 1),
    (SetUpOffered, 1),
];
const UPGRADE: [CrashPoint; 4] = [UpgradeBegun, TablesMade, RowsListed, Upgraded];
const UPLOAD: [CrashPoint; 3] = [BodyWritten, BodySynced, BodyNamed];
const ERASURE: [CrashPoint; 3] = [ErasureSliceDone, BodyFreed, ErasureMediaDone];
const APP_REMOVAL: [CrashPoint; 2] = [AppSliceRemoved, AppRowsRemoved];
const BACKUP_IN_DAEMON: [CrashPoint; 4] = [BackupBegun, BackupRowsRead, BackupFilesRead, BackupMediaRead];
const BACKUP_IN_COMMAND: [CrashPoint; 3] = [BackupReceived, BackupSynced, BackupNamed];
const RESTORE: [CrashPoint; 7] =
    [RestoreBegun, RestoreRead, RestoreRebuilt, RestoreSynced, RestoreMovedOne, RestoreMovedAll, RestoreDone];

#[test]
fn every_crash_point_has_its_story() {
    let told: Vec<CrashPoint> = [
        &SERVING[..],
        &ENDING,
        &FIRST_START.map(|(point, _)| point),
        &UPGRADE,
        &UPLOAD,
        &ERASURE,
        &APP_REMOVAL,
        &BACKUP_IN_DAEMON,
        &BACKUP_IN_COMMAND,
        &RESTORE,
    ]
    .concat();
    for point in CrashPoint::ALL {
        assert_eq!(told.iter().filter(|other| **other == point).count(), 1, "{point:?}");
    }
    assert!(told.len() >= 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_a_crash_around_a_commit_or_at_the_end_loses_and_doubles_nothing_that_was_answered() {
    let mut place = Place::new(&["mouth", "ear", "u0", "u1", "u2"]).await;
    let talk = Talk::begin(&place).await;
    for time in 0..torture::count(CI_TIMES) {
        for point in SERVING {
            // Somewhere in the midst of what is said: a start and the logins come by here as well.
            place.restart_armed(point, 30 + torture::spread(time ^ point as u64, 100) as u32).await;
            talk.is_cut_off();
            place.ends_by_itself(point).await;
            place.restart().await;
            talk.goes_on(point, 20).await;
        }
        for point in ENDING {
            place.restart_armed(point, 1).await;
            talk.goes_on(point, 20).await;
            let ended = place.daemon.stop().await.expect("it runs");
            assert_eq!(ended.signal(), Some(ABORTED), "{point:?}: {ended:?}");
            place.restart().await;
            talk.goes_on(point, 20).await;
        }
    }
    talk.ends().await;
    place.ends_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_a_first_start_that_crashes_is_simply_begun_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for (point, times) in FIRST_START {
        for time in 1..=times {
            let data = folder.path().join(format!("{point:?}{time}"));
            let mut plan = Plan::new(&data, &folder.path().join("log"));
            let unarmed = plan.environment.clone();
            plan.environment.push(armed(point, time));
            // What comes after the line that says it is ready ends it a moment later.
            if let Ok(mut daemon) = Daemon::start_as(plan.clone()).await {
                let ended = daemon.ended(PATIENCE).await.expect("it ends").expect("it was ready");
                assert_eq!(ended.signal(), Some(ABORTED), "{point:?} {time}: {ended:?}");
            }
            plan.environment = unarmed;
            let mut daemon = Daemon::start_as(plan).await.unwrap_or_else(|error| panic!("{point:?} {time}: {error}"));
            let app = daemon.create_app("shop").await.expect("it serves");
            assert_eq!(app.app_key.len(), 24);
            let link =
                std::fs::read_to_string(data.join("set-up-link")).expect("there is a link for the first operator");
            assert!(link.contains("set-up="), "{point:?} {time}: {link}");
            assert!(daemon.stop().await.expect("it runs").success());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_an_upgrade_that_crashes_leaves_a_store_that_the_next_start_upgrades() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("stores/0.1.0/store.redb");
    let folder = tempfile::tempdir().expect("a folder");
    let mut apps = Vec::new();
    for point in [None].into_iter().chain(UPGRADE.map(Some)) {
        let data = folder.path().join(format!("{point:?}"));
        std::fs::create_dir(&data).expect("made");
        std::fs::copy(&kept, data.join("store.redb")).expect("copied");
        let mut plan = Plan::new(&data, &folder.path().join("log"));
        if let Some(point) = point {
            let unarmed = plan.environment.clone();
            plan.environment.push(armed(point, 1));
            Daemon::start_as(plan.clone()).await.expect_err("it ends before it is ready");
            plan.environment = unarmed;
        }
        let mut daemon = Daemon::start_as(plan).await.unwrap_or_else(|error| panic!("{point:?}: {error}"));
        apps.push(daemon.admin::<Value>(&["app", "list"]).await.expect("it serves"));
        assert!(daemon.stop().await.expect("it runs").success());
        is_whole(&data);
    }
    assert!(apps[0].as_array().is_some_and(|apps| !apps.is_empty()));
    assert!(apps.iter().all(|other| *other == apps[0]), "{apps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_an_upload_goes_on_after_a_crash_and_what_is_removed_stays_removed() {
    let mut place = Place::new(&["mouth", "ear"]).await;
    let client = place.client("mouth").await;
    for (number, point) in UPLOAD.into_iter().enumerate() {
        let path = place.path(&format!("{point:?}.txt"));
        std::fs::write(&path, format!("{number}").repeat(300_000)).expect("written");
        place.restart_armed(point, 1).await;
        let upload = Upload { kind: MediaKind::FILE, path, name: String::new(), thumb_of: String::new() };
        let uploading = client.client.clone();
        let uploaded = tokio::spawn(async move { uploading.upload(upload, |_| {}).await });
        place.ends_by_itself(point).await;
        place.restart().await;
        let uploaded = timeout(PATIENCE, uploaded).await.expect("it goes on").expect("no panic").expect("uploaded");
        assert_eq!(uploaded.bytes, 300_000, "{point:?}");
    }
    client.say(&Chat::User("ear".into()), "to be erased").await;
    // The rows go in slices; a crash between them changes nothing but when they go.
    let mut is_first = true;
    for point in ERASURE {
        if is_first {
            place.restart_armed(point, 1).await;
            place.anserd(&["user", "erase", "shop", "mouth", "--yes", "--no-wait"]).await;
        } else {
            // It goes on where it was, as soon as the daemon is there.
            place.start_armed(point).await;
        }
        is_first = false;
        place.ends_by_itself(point).await;
    }
    place.restart().await;
    let status = |status: &Value| status["removals"]["users"].as_array().is_some_and(Vec::is_empty);
    place.until(&["status"], status).await;
    let media = place.daemon.data_dir().join("media");
    assert_eq!(files_below(&media), Vec::<PathBuf>::new());
    place.ends_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_a_deleted_app_goes_whole_whatever_happens_meanwhile_and_no_other_does() {
    let mut place = Place::new(&["mouth", "ear"]).await;
    let other = place.daemon.create_app("other").await.expect("it serves");
    let members: Vec<String> = (1..500).map(|n| format!("user{n}")).collect();
    let users: Vec<Value> = (0..500).map(|n| json!({"username": format!("user{n}"), "password": "secret"})).collect();
    let https = place.daemon.https(&other).expect("its authority is exported");
    https.call("POST", "/v1/users", Some(&Value::Array(users))).await.expect("registered");
    // More rows than go at a time.
    let group = json!({"owner_username": "user0", "name": "all", "members_username": members});
    https.call("POST", "/v1/groups", Some(&group)).await.expect("made");
    place.restart_armed(AppSliceRemoved, 1).await;
    place.anserd(&["app", "delete", "other", "--yes"]).await;
    place.ends_by_itself(AppSliceRemoved).await;
    place.start_armed(AppRowsRemoved).await;
    place.ends_by_itself(AppRowsRemoved).await;
    place.restart().await;
    place.until(&["status"], |status| status["removals"]["apps"].as_array().is_some_and(Vec::is_empty)).await;
    let apps: Value = place.daemon.admin(&["app", "list"]).await.expect("it serves");
    assert_eq!((apps.as_array().map(Vec::len), &apps[0]["name"]), (Some(1), &json!("shop")));
    place.post("/v1/users", &json!([{"username": "carol", "password": "secret"}])).await;
    place.ends_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_a_backup_that_crashes_never_looks_whole_and_a_restore_that_does_is_never_served() {
    let mut place = Place::new(&["mouth", "ear"]).await;
    let client = place.client("mouth").await;
    client.say(&Chat::User("ear".into()), "kept").await;
    let path = place.path("kept.txt");
    std::fs::write(&path, "kept".repeat(1000)).expect("written");
    let upload = Upload { kind: MediaKind::FILE, path, name: String::new(), thumb_of: String::new() };
    client.client.upload(upload, |_| {}).await.expect("uploaded");

    for point in BACKUP_IN_DAEMON {
        let file = place.path(&format!("{point:?}.backup"));
        place.restart_armed(point, 1).await;
        let made = place.anserd(&["backup", "--to", text(&file)]).await;
        assert!(!made.status.success(), "{point:?}: {made:?}");
        assert!(!file.exists(), "{point:?}");
        place.ends_by_itself(point).await;
        place.restart().await;
        let made = place.anserd(&["backup", "--to", text(&file)]).await;
        assert!(made.status.success(), "{point:?}: {made:?}");
    }
    let mut last = PathBuf::new();
    for point in BACKUP_IN_COMMAND {
        let file = place.path(&format!("{point:?}.backup"));
        let args = ["backup", "--to", text(&file), "--data-dir", text(place.daemon.data_dir())];
        let made = run_armed(&args, point, 1).await;
        assert_eq!(made.status.signal(), Some(ABORTED), "{point:?}: {made:?}");
        if point != BackupNamed {
            assert!(!file.exists(), "{point:?}");
            let made = run(&args).await;
            assert!(made.status.success(), "{point:?}: {made:?}");
        }
        let verified = run(&["verify", text(&file)]).await;
        assert!(verified.status.success(), "{point:?}: {verified:?}");
        last = file;
    }
    for point in RESTORE {
        let data = place.path(&format!("{point:?} restored"));
        let args = ["restore", text(&last), "--data-dir", text(&data)];
        let crashed = run_armed(&args, point, 1).await;
        assert_eq!(crashed.status.signal(), Some(ABORTED), "{point:?}: {crashed:?}");
        let plan = Plan::new(&data, &place.path("log of restored"));
        if point != RestoreDone {
            Daemon::start_as(plan.clone()).await.expect_err("half a restore is not served");
            let again = place.path(&format!("{point:?} again"));
            let args = ["restore", text(&last), "--data-dir", text(&again)];
            assert!(run(&args).await.status.success(), "{point:?}");
            if [RestoreBegun, RestoreRead, RestoreRebuilt, RestoreSynced].contains(&point) {
                // Nothing had its place yet: the same folder will do.
                let args = ["restore", text(&last), "--data-dir", text(&data)];
                let restored = run(&args).await;
                assert!(restored.status.success(), "{point:?}: {restored:?}");
            } else {
                continue;
            }
        }
        let mut daemon = Daemon::start_as(plan).await.unwrap_or_else(|error| panic!("{point:?}: {error}"));
        let apps: Value = daemon.admin(&["app", "list"]).await.expect("it serves");
        assert_eq!(apps[0]["name"], "shop", "{point:?}");
        assert_eq!(files_below(&data.join("media")).len(), 1, "{point:?}");
        assert!(daemon.stop().await.expect("it runs").success());
        is_whole(&data);
    }
}

/// What a process needs to end at a point when it comes to it for this time.
fn armed(point: CrashPoint, time: u32) -> (std::ffi::OsString, std::ffi::OsString) {
    ("CRASH_POINT".into(), format!("{point:?}:{time}").into())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

async fn run(args: &[&str]) -> Output {
    Command::new(binaries::anserd()).args(args).env_remove("ANSER_CONFIG").output().await.expect("it runs")
}

async fn run_armed(args: &[&str], point: CrashPoint, time: u32) -> Output {
    let (name, value) = armed(point, time);
    let mut command = Command::new(binaries::anserd());
    command.args(args).env_remove("ANSER_CONFIG").env(name, value).output().await.expect("it runs")
}

/// The scrub finds nothing in the store of a folder that no daemon holds.
fn is_whole(data: &Path) {
    let store = Store::open(data, anser_storage::Options::default()).expect("it opens");
    let snapshot = store.reader().snapshot().expect("it is open");
    let mut place = None;
    loop {
        let scrubbed = snapshot.scrub(place.as_ref(), 10_000).expect("it is open");
        assert!(scrubbed.findings.is_empty(), "{:?}", scrubbed.findings);
        place = scrubbed.next;
        if place.is_none() {
            return;
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// A daemon with an app and users.
struct Place {
    daemon: Daemon,
    app: App,
    unarmed: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new(users: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
        let unarmed = plan.environment.clone();
        let daemon = Daemon::start_as(plan).await.expect("it starts");
        let app = daemon.create_app("shop").await.expect("it serves");
        let place = Self { daemon, app, unarmed, folder };
        let users: Vec<Value> = users.iter().map(|user| json!({"username": user, "password": "secret"})).collect();
        place.post("/v1/users", &Value::Array(users)).await;
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn post(&self, path: &str, body: &Value) {
        let https = self.daemon.https(&self.app).expect("its authority is exported");
        let answer = https.call("POST", path, Some(body)).await.expect("it serves");
        assert!(answer.status < 300, "{answer:?}");
    }

    async fn client(&self, user: &str) -> Device {
        let store = FileStore::open(&self.path(user)).expect("its store opens");
        Device::log_in(&self.daemon, &self.app, user, Transport::Tcp, Box::new(store)).await
    }

    async fn anserd(&self, args: &[&str]) -> Output {
        run(&[args, &["--data-dir", text(self.daemon.data_dir())]].concat()).await
    }

    async fn restart(&mut self) {
        self.daemon.plan_mut().environment = self.unarmed.clone();
        self.daemon.restart().await.expect("it comes back");
    }

    async fn restart_armed(&mut self, point: CrashPoint, time: u32) {
        self.daemon.plan_mut().environment = [self.unarmed.clone(), vec![armed(point, time)]].concat();
        self.daemon.restart().await.unwrap_or_else(|error| panic!("{point:?}, not before it is ready: {error}"));
    }

    /// For a point that the daemon may come to before it is ready.
    async fn start_armed(&mut self, point: CrashPoint) {
        self.daemon.plan_mut().environment = [self.unarmed.clone(), vec![armed(point, 1)]].concat();
        let _ = self.daemon.restart().await;
    }

    async fn ends_by_itself(&mut self, point: CrashPoint) {
        let Some(ended) = self.daemon.ended(PATIENCE).await.unwrap_or_else(|error| panic!("{point:?}: {error}")) else {
            return;
        };
        assert_eq!(ended.signal(), Some(ABORTED), "{point:?}: {ended:?}");
    }

    /// Asks again and again until it is so.
    async fn until(&self, args: &[&str], is_so: impl Fn(&Value) -> bool) {
        let asked = async {
            while !is_so(&self.daemon.admin::<Value>(args).await.expect("it serves")) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, asked).await.expect("in the end it is so");
    }

    /// Stops the daemon and looks at every row.
    async fn ends_whole(mut self) {
        assert!(self.daemon.stop().await.expect("it runs").success());
        is_whole(self.daemon.data_dir());
    }
}

#[derive(Default)]
struct Heard {
    /// Of each speaker, the numbers that were answered, in order.
    answered: BTreeMap<String, Vec<u64>>,
    /// Of each speaker, the numbers that arrived, in order.
    arrived: BTreeMap<String, Vec<u64>>,
    is_over: bool,
}

/// A device that says something to another, and app servers that do, one thing after the other is answered.
struct Talk {
    heard: Arc<Mutex<Heard>>,
    mouth: anser_client::shell::Client,
    ear: anser_client::shell::Client,
    speakers: JoinSet<()>,
    listener: tokio::task::JoinHandle<()>,
}

impl Talk {
    async fn begin(place: &Place) -> Self {
        let heard = Arc::<Mutex<Heard>>::default();
        let (mouth, mut ear) = (place.client("mouth").await, place.client("ear").await);
        let (saying, hearing) = (mouth.client.clone(), ear.client.clone());
        let mut speakers = JoinSet::new();
        let told = heard.clone();
        speakers.spawn(async move {
            for number in 0.. {
                mouth.say(&Chat::User("ear".into()), &format!("mouth {number}")).await;
                if answered(&told, "mouth", number) {
                    return;
                }
            }
        });
        for sender in 0..SENDERS {
            let name = format!("u{sender}");
            let https = place.daemon.https(&place.app).expect("its authority is exported");
            speakers.spawn(speak(https, name, heard.clone()));
        }
        let told = heard.clone();
        let listener = tokio::spawn(async move {
            loop {
                let text = ear.text().await;
                let (speaker, number) = text.split_once(' ').expect("two words");
                let number = number.parse().expect("a number");
                if speaker == "end" {
                    return;
                }
                told.lock().expect("nobody panics").arrived.entry(speaker.to_owned()).or_default().push(number);
            }
        });
        Self { heard, mouth: saying, ear: hearing, speakers, listener }
    }

    /// Both devices look whether their links are still good.
    fn is_cut_off(&self) {
        for client in [&self.mouth, &self.ear] {
            let client = client.clone();
            tokio::spawn(async move { client.network_changed("default").await });
        }
    }

    /// Everybody is answered again, so many times.
    async fn goes_on(&self, point: CrashPoint, more: usize) {
        self.is_cut_off();
        let counts = |heard: &Heard| -> BTreeMap<String, usize> {
            heard.answered.iter().map(|(speaker, answered)| (speaker.clone(), answered.len())).collect()
        };
        let before = counts(&self.heard.lock().expect("nobody panics"));
        let gone_on = async {
            loop {
                let now = counts(&self.heard.lock().expect("nobody panics"));
                let is_enough = |(speaker, count): (&String, &usize)| {
                    *count >= before.get(speaker).copied().unwrap_or_default() + more
                };
                if now.len() == SENDERS + 1 && now.iter().all(is_enough) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        let is_served = timeout(PATIENCE, gone_on).await.is_ok();
        let now = counts(&self.heard.lock().expect("nobody panics"));
        assert!(is_served, "{point:?}: not everybody is served: {before:?}, {now:?}");
    }

    /// Nothing that was answered is missing, nothing came twice or out of order.
    async fn ends(mut self) {
        self.heard.lock().expect("nobody panics").is_over = true;
        while let Some(ended) = self.speakers.join_next().await {
            ended.expect("everybody was served");
        }
        let last = self.mouth.send(Chat::User("ear".into()), anser_protocol::content::Content::text("end 0")).await;
        last.expect("accepted");
        timeout(PATIENCE, self.listener).await.expect("it arrives").expect("no panic");
        let heard = self.heard.lock().expect("nobody panics");
        for (speaker, answered) in &heard.answered {
            let arrived = heard.arrived.get(speaker).cloned().unwrap_or_default();
            assert!(arrived.is_sorted_by(|one, next| one < next), "{speaker}: twice or out of order: {arrived:?}");
            let lost: Vec<_> = answered.iter().filter(|number| arrived.binary_search(number).is_err()).collect();
            assert!(lost.is_empty(), "{speaker}: answered and lost: {lost:?}");
        }
        let count: usize = heard.answered.values().map(Vec::len).sum();
        println!("g4: {count} answered, none lost, doubled or out of order");
        assert_eq!(heard.arrived["mouth"], heard.answered["mouth"], "what a device says is said once, and all of it");
    }
}

/// Notes an answer; whether it was the last.
fn answered(heard: &Mutex<Heard>, speaker: &str, number: u64) -> bool {
    let mut heard = heard.lock().expect("nobody panics");
    heard.answered.entry(speaker.to_owned()).or_default().push(number);
    heard.is_over
}

/// Says one number after the other to the ear. What was not answered is not said again: it may have arrived.
async fn speak(https: anser_tests::https::Https, name: String, heard: Arc<Mutex<Heard>>) {
    let mut connection = https.connection();
    for number in 0.. {
        let body = json!({
            "version": 1, "target_type": "single", "target_id": "ear", "from_type": "user", "from_id": name,
            "msg_type": "text", "msg_body": { "text": format!("{name} {number}") },
        });
        match connection.call("POST", "/v1/messages", Some(&body)).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                if answered(&heard, &name, number) {
                    return;
                }
            }
            // The daemon is gone, or goes.
            _ => {
                connection = https.connection();
                if heard.lock().expect("nobody panics").is_over {
                    return;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}
