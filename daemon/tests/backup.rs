//! Backups as an operator meets them: made, looked at, restored, refused; and what helps where there is none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anser_storage::command::{Command as Change, MediaCommand, NewMedia, Stamped};
use anser_storage::ids::AppNumber;
use anser_storage::media::{MediaId, MediaKind};
use anser_storage::{MediaContent, OpenError, Options, Store, Table};
use anserd::backup::age::Identity;
use anserd::backup::contents::{Look, Receive};
use anserd::backup::{BackupError, file, header, seal};
use anserd::serve::StartError;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

const PICTURE: &[u8] = b"no picture, but its bytes";
/// What `sha256sum` says of them.
const BODY: &str = "b7afb28f7d03b774d482273ef085596afd6e1fef62b2f2af256a27f7042c1887";
const KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
const OTHER_KEY: &str = "AGE-SECRET-KEY-1QURSWPC8QURSWPC8QURSWPC8QURSWPC8QURSWPC8QURSWPC8QURSKMP32K";

type Rows = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

#[test]
fn a_restored_folder_holds_every_row_every_medium_and_every_key() {
    let mut place = Place::full();
    let made = place.backup(&[]);
    for (count, is) in [("media", 1), ("missing_media", 0), ("damaged_media", 0), ("damaged_rows", 0)] {
        assert_eq!(made[count], Value::from(is), "{count}: {made}");
    }
    let file = PathBuf::from(made["file"].as_str().expect("its name"));
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let apps = place.admin_json(&["app", "show", "shop"]);
    place.stop();

    let verified = json(&run(&["verify", path(&file), "--json"]));
    assert_eq!(verified, made);
    let restored = place.path("restored");
    let told = run(&["restore", path(&file), "--data-dir", path(&restored)]);
    assert!(told.status.success(), "{}", text(&told.stderr));

    let backed_up = rows_of_backup(&file);
    let rows = rows_of_store(&restored);
    for ((table, key), value) in &backed_up {
        // Positions jump, and the heads are written down.
        if *table != Table::Meta && *table != Table::Heads {
            assert_eq!(rows.get(&(*table, key.clone())), Some(value), "{table:?} {key:?}");
        }
    }
    let without = |rows: &Rows| rows.keys().filter(|(table, _)| *table != Table::Heads).count();
    assert_eq!(without(&rows), without(&backed_up), "and nothing besides");
    assert!(backed_up.len() > 100, "{} rows", backed_up.len());
    for name in ["daemon.key", "ca.pem", "ca.key"] {
        let same = |folder: &Path| fs::read(folder.join(name)).ok();
        assert_eq!(same(&restored), same(&place.data_dir()), "{name}");
    }
    assert_eq!(fs::read(body_in(&restored)).expect("the medium is there"), PICTURE);
    assert!(!restored.join("unfinished").exists());
    place.data = restored;
    place.start();
    assert_eq!(place.admin_json(&["app", "show", "shop"]), apps, "with its secret");
}

#[test]
fn an_encrypted_one_says_nothing_to_whoever_has_not_the_key() {
    let place = Place::full();
    let secret = place.admin_json(&["app", "show", "shop"])["master_secret"].as_str().expect("a secret").to_owned();
    let plain = place.backup(&["--to", path(&place.path("plain"))]);
    assert!(plain["rows"].as_u64().is_some_and(|rows| rows > 0));
    let sealed = place.path("sealed.age");
    place.backup(&["--to", path(&sealed), "--recipient", RECIPIENT]);

    let bytes = fs::read(&sealed).expect("there");
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    for (key, told) in
        [(None, "--identity"), (Some(OTHER_KEY), "none of the keys fits"), (Some("x"), "AGE-SECRET-KEY-1")]
    {
        let mut args = vec!["verify".to_owned(), path(&sealed).to_owned()];
        if let Some(key) = key {
            args.extend(["--identity".to_owned(), place.key_file(key)]);
        }
        let refused = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains(told), "{}", text(&refused.stderr));
    }
    let identity = place.key_file(KEY);
    let verified = run(&["verify", path(&sealed), "--identity", &identity]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    let restored = place.path("restored");
    let told = run(&["restore", path(&sealed), "--data-dir", path(&restored), "--identity", &identity]);
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert_eq!(fs::read(body_in(&restored)).expect("the medium is there"), PICTURE);
}

#[test]
fn the_tool_age_and_anserd_read_what_the_other_encrypted() {
    if Command::new("age").arg("--version").output().is_err() {
        // `.ci/run` installs it.
        assert!(std::env::var("CI").is_err(), "age is missing");
        println!("SKIPPED: the tool age is not installed");
        return;
    }
    let place = Place::full();
    let identity = place.key_file(KEY);
    let (plain, sealed) = (place.path("plain"), place.path("sealed.age"));
    place.backup(&["--to", path(&plain)]);
    place.backup(&["--to", path(&sealed), "--recipient", RECIPIENT]);
    let (opened, sealed_there) = (place.path("opened"), place.path("sealed there.age"));
    for args in [
        ["-d", "-i", identity.as_str(), "-o", path(&opened), path(&sealed)],
        ["-r", RECIPIENT, "-o", path(&sealed_there), path(&plain), ""],
    ] {
        let done = Command::new("age").args(args.iter().filter(|arg| !arg.is_empty())).output().expect("it runs");
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    for args in [vec!["verify", path(&opened)], vec!["verify", path(&sealed_there), "--identity", identity.as_str()]] {
        let verified = run(&args);
        assert!(verified.status.success(), "{}", text(&verified.stderr));
    }
}

#[test]
fn what_cannot_be_restored_is_named_and_leaves_the_folder_empty() {
    let place = Place::full();
    let whole = place.path("whole");
    place.backup(&["--to", path(&whole)]);
    let bytes = fs::read(&whole).expect("there");
    let (half, changed, foreign) = (place.path("half"), place.path("changed"), place.path("foreign"));
    fs::write(&half, &bytes[..bytes.len() / 2]).expect("written");
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 3] ^= 4;
    fs::write(&changed, flipped).expect("written");
    fs::write(&foreign, "a letter").expect("written");
    let target = place.path("target");
    for (file, told) in [
        (&half, "ends in the middle"),
        (&changed, "is damaged"),
        (&foreign, "no backup"),
        (&place.path("nowhere"), "cannot be read"),
        (&place.data_dir(), "cannot be read"),
    ] {
        let refused = run(&["restore", path(file), "--data-dir", path(&target)]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(text(&refused.stderr).contains(told), "{}: {}", file.display(), text(&refused.stderr));
        let left: Vec<_> =
            fs::read_dir(&target).map(|names| names.filter_map(Result::ok).collect()).unwrap_or_default();
        assert!(left.iter().all(|entry| entry.file_name() == "anserd.lock"), "{left:?}");
    }
    // What is there already is never mixed with a backup, nor written over.
    for folder in [place.data_dir(), {
        fs::write(target.join("notes"), "x").expect("written");
        target.clone()
    }] {
        let refused = run(&["restore", path(&whole), "--data-dir", path(&folder)]);
        assert_eq!(refused.status.code(), Some(1));
        let told = text(&refused.stderr);
        assert!(told.contains("not empty") || told.contains("already runs"), "{told}");
    }
    let refused = place.admin(&["backup", "--to", path(&whole)]);
    assert!(text(&refused.stderr).contains("exists already"), "{}", text(&refused.stderr));
    assert_eq!(fs::read(&whole).expect("there"), bytes);
}

#[test]
fn a_daemon_that_ends_in_the_middle_leaves_no_file_that_looks_whole() {
    let place = Place::full();
    let whole = place.admin(&["backup", "--to", "-"]).stdout;
    assert!(whole.len() > 1000);
    let socket = place.path("daemon.sock");
    let listener = UnixListener::bind(&socket).expect("bound");
    let cuts = (0..whole.len()).step_by(whole.len() / 20).chain([whole.len() - 1]).collect::<Vec<_>>();
    let (served, pieces) = (cuts.clone(), whole.clone());
    let daemon = std::thread::spawn(move || {
        for cut in served {
            let (mut stream, _) = listener.accept().expect("a command");
            BufReader::new(&stream).read_line(&mut String::new()).expect("it asks");
            stream.write_all(b"\"backup_begun\"\n").expect("it reads");
            // It may be gone before it has read what it cannot use.
            let _ = stream.write_all(&pieces[..cut]);
        }
    });
    let folder = place.path("backups");
    fs::create_dir(&folder).expect("made");
    for cut in cuts {
        let failed = run(&["backup", "--socket", path(&socket), "--to", path(&folder)]);
        assert_eq!(failed.status.code(), Some(1), "cut at {cut}");
        assert!(!failed.stderr.is_empty());
        assert_eq!(fs::read_dir(&folder).expect("readable").count(), 0, "cut at {cut}");
    }
    daemon.join().expect("it served");
}

#[test]
fn a_disk_that_is_full_is_named() {
    let place = Place::full();
    let full = File::options().write(true).open("/dev/full").expect("every Linux has it");
    let args = ["backup", "--to", "-", "--data-dir", path(&place.data)];
    let failed = anserd().args(args).stdout(full).stderr(Stdio::piped()).output().expect("started");
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("No space left"), "{}", text(&failed.stderr));
    // The daemon goes on, and makes the next one.
    place.backup(&[]);
}

#[test]
fn old_backups_make_room_for_new_ones() {
    let place = Place::full();
    let folder = place.path("backups");
    fs::create_dir(&folder).expect("made");
    for day in 1..=4 {
        fs::write(folder.join(format!("anser-2020-01-0{day}-00-00-00.backup")), "old").expect("written");
    }
    place.backup(&["--to", path(&folder), "--keep", "3"]);
    let mut left: Vec<_> =
        fs::read_dir(&folder).expect("readable").map(|entry| entry.expect("one").file_name()).collect();
    left.sort();
    assert_eq!(left.len(), 3, "{left:?}");
    assert_eq!(left[..2], ["anser-2020-01-03-00-00-00.backup", "anser-2020-01-04-00-00-00.backup"]);
}

#[test]
fn a_store_that_was_exported_and_imported_is_the_same() {
    let mut place = Place::full();
    place.stop();
    let (first, second) = (place.path("first.store"), place.path("second.store"));
    let data = place.data_dir();
    let export = |file: &Path| {
        let done = run(&["export-store", path(file), "--data-dir", path(&data)]);
        assert!(done.status.success(), "{}", text(&done.stderr));
    };
    export(&first);
    let import = || run(&["import-store", path(&first), "--data-dir", path(&data)]);
    assert!(text(&import().stderr).contains("there is a store"));
    fs::rename(data.join("store.redb"), data.join("old.redb")).expect("moved");
    let done = import();
    assert!(done.status.success(), "{}", text(&done.stderr));
    export(&second);
    let without = |file: &Path| {
        let mut rows = rows_of_backup(file);
        rows.retain(|(table, _), _| *table != Table::Meta);
        rows
    };
    assert_eq!(without(&first), without(&second));
    let refused = run(&["restore", path(&first), "--data-dir", path(&place.path("new"))]);
    assert!(text(&refused.stderr).contains("import-store"), "{}", text(&refused.stderr));
    place.start();
    place.admin_json(&["app", "show", "shop"]);
}

#[test]
fn a_store_that_does_not_open_is_rescued() {
    let mut place = Place::full();
    let shown = place.admin_json(&["app", "show", "shop"]);
    place.stop();
    // Of a healthy one nothing is lost.
    let healthy = run(&["rescue", "--data-dir", path(&place.data_dir())]);
    assert!(text(&healthy.stdout).contains("nothing was lost"), "{}", text(&healthy.stdout));
    let store = place.data_dir().join("store.redb");
    let mut bytes = fs::read(&store).expect("there");
    bytes[..4096].fill(0);
    fs::write(&store, &bytes).expect("written");
    let refused = run(&["serve", "--data-dir", path(&place.data_dir()), "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(78));
    let told = text(&refused.stderr);
    assert!(told.contains("anserd rescue") && told.contains("anserd restore"), "{told}");

    let rescued = json(&run(&["rescue", "--data-dir", path(&place.data_dir()), "--json"]));

    assert!(rescued["rows"].as_u64().is_some_and(|rows| rows > 100), "{rescued}");
    assert_eq!(fs::read(rescued["damaged"].as_str().expect("a path")).expect("it is kept"), bytes);
    place.start();
    assert_eq!(place.admin_json(&["app", "show", "shop"]), shown);
}

#[test]
fn neither_a_newer_nor_a_damaged_store_is_tried_again() {
    for error in [OpenError::NewerFormat { found: 9, known: 3 }, OpenError::Damaged("a page".to_owned())] {
        assert!(
            StartError::from(error).is_lasting(),
            "the exit code is 78, after which systemd does not start it again"
        );
    }
}

#[test]
fn a_folder_that_is_half_restored_is_not_served() {
    let mut place = Place::full();
    place.stop();
    fs::create_dir(place.data_dir().join("unfinished")).expect("made");
    fs::remove_file(place.data_dir().join("store.redb")).expect("removed");
    let refused = run(&["serve", "--data-dir", path(&place.data_dir()), "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(text(&refused.stderr).contains("interrupted"), "{}", text(&refused.stderr));
    assert!(!place.data_dir().join("store.redb").exists(), "and no empty store is made");
}

proptest! {
    /// What `fuzz/targets/backups.rs` does for longer.
    #[test]
    fn no_bytes_make_a_reader_panic_or_look_whole(
        bytes in vec(any::<u8>(), 0..300),
        blocks in vec((0_u8..9, vec(any::<u8>(), 0..300)), 0..6),
    ) {
        let identities = Identity::parse_all(KEY).expect("a key");
        let sealed = (0..).zip(&blocks).flat_map(|(number, (kind, content))| seal(number, *kind, content).expect("short"));
        let in_blocks: Vec<u8> = header().into_iter().chain(sealed).collect();
        let behind_age = [b"age-encryption.org/v1\n-> X25519 ", &bytes[..]].concat();
        for bytes in [bytes, in_blocks, behind_age] {
            prop_assert!(file::read(&bytes[..], &identities, &mut Look).is_err());
        }
    }
}

/// A daemon with an app, a medium and all that a kept store has.
struct Place {
    folder: TempDir,
    data: PathBuf,
    process: Option<Child>,
}

impl Place {
    fn full() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/stores/0.2.0/store.redb");
        fs::create_dir(&data).expect("made");
        fs::copy(kept, data.join("store.redb")).expect("copied");
        let mut place = Self { folder, data, process: None };
        place.start();
        place.admin_json(&["app", "create", "shop"]);
        place.stop();
        place.add_medium();
        place.start();
        place
    }

    fn add_medium(&self) {
        let mut store = Store::open(&self.data, Options::default()).expect("it opens");
        let apps = store.reader().snapshot().and_then(|snapshot| snapshot.apps()).expect("whole");
        let (app, _) = apps.into_iter().find(|(_, app)| app.name == "shop").expect("it was made");
        store.apply(&[Stamped { at_ms: 1, command: Change::Media(medium(app)) }]).expect("the disk is well")[0]
            .answer
            .as_ref()
            .expect("accepted");
        store.shut_down().expect("the disk is well");
        let path = self.data.join("media").join(app.0.to_string()).join(&BODY[..2]).join(&BODY[2..]);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, PICTURE).expect("written");
    }

    fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let mut process = anserd()
            .args(["serve", "--json", "--data-dir", path(&self.data), "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("started");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        self.process = Some(process);
        assert!(line.contains("\"ready\":true"), "{}", fs::read_to_string(self.path("log")).unwrap_or_default());
    }

    fn stop(&mut self) {
        let mut process = self.process.take().expect("it runs");
        let asked = Command::new("kill").arg(process.id().to_string()).status().expect("kill runs");
        assert!(asked.success() && process.wait().expect("it ends").success());
    }

    fn data_dir(&self) -> PathBuf {
        self.data.clone()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn key_file(&self, key: &str) -> String {
        let file = self.path("key.txt");
        fs::write(&file, format!("# a key\n{key}\n")).expect("written");
        path(&file).to_owned()
    }

    fn admin(&self, args: &[&str]) -> Output {
        run(&[args, &["--data-dir", path(&self.data)]].concat())
    }

    fn admin_json(&self, args: &[&str]) -> Value {
        json(&self.admin(&[args, &["--json"]].concat()))
    }

    fn backup(&self, args: &[&str]) -> Value {
        let to: &[&str] = if args.contains(&"--to") { &[] } else { &["--to", path(self.folder.path())] };
        self.admin_json(&[&["backup"][..], args, to].concat())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn medium(app: AppNumber) -> MediaCommand {
    let body = data_encoding::HEXLOWER.decode(BODY.as_bytes()).expect("digits").try_into().expect("32 bytes");
    let content = MediaContent {
        body,
        bytes: PICTURE.len() as u64,
        crc32: 0,
        etag: String::new(),
        format: String::new(),
        width: 0,
        height: 0,
    };
    let (id, kind) = (MediaId([7; 16]), MediaKind::File);
    let media = Box::new(NewMedia { id, kind, content, name: "gans.txt".to_owned(), by: None });
    MediaCommand::Add { app, media, quota_bytes: 0 }
}

/// Where the one medium lies.
fn body_in(data_dir: &Path) -> PathBuf {
    let apps = fs::read_dir(data_dir.join("media")).expect("readable");
    let mut paths = apps.map(|app| app.expect("one").path().join(&BODY[..2]).join(&BODY[2..]));
    paths.find(|path| path.exists()).expect("it is there")
}

#[derive(Default)]
struct Collect(Rows);

impl Receive for Collect {
    type Error = BackupError;

    fn row(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), BackupError> {
        self.0.insert((table, key.to_vec()), value.to_vec());
        Ok(())
    }
}

fn rows_of_backup(path: &Path) -> Rows {
    let mut collected = Collect::default();
    file::read(File::open(path).expect("there"), &[], &mut collected).expect("whole");
    collected.0
}

fn rows_of_store(data_dir: &Path) -> Rows {
    let store = Store::open(data_dir, Options::default()).expect("it opens");
    let snapshot = store.reader().snapshot().expect("it is open");
    let mut rows = Rows::new();
    for table in Table::ALL {
        let see = |key: &[u8], value: &[u8]| {
            rows.insert((*table, key.to_vec()), value.to_vec());
            ControlFlow::Continue(())
        };
        snapshot.copy_rows(*table, see).expect("whole");
    }
    rows
}

fn run(args: &[&str]) -> Output {
    anserd().args(args).output().expect("started")
}

/// Without what the test's own surroundings would lend it.
fn anserd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anserd"));
    command.env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM").env_remove("ANSER_CONFIG").stdin(Stdio::null());
    command
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
