//! G23 and G22: the packages on a real system: installed, started, upgraded under traffic, killed, removed, purged.
//!
//! The packages hold the programs that the other tests run; those of a release differ only in how they are compiled.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anser_tests::appliance::{self, Kind, Machine};
use anser_tests::daemon::App;
use anser_tests::https::{Https, Response};
use anser_tests::{skip, torture, workspace};
use serde_json::{Value, json};

/// Below every version that there was.
const OLD: &str = "0.0.1";
const NEW: &str = env!("CARGO_PKG_VERSION");
const CYCLES: u64 = 1;
/// After a SIGKILL; of real time, on a machine that does other things as well.
const BACK_WITHIN: Duration = Duration::from_secs(3);
const SLACK: u32 = 5;
/// What the drain of a daemon takes at most, and a start.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
const EXPOSURE_TENTHS_MAX: &str = "12";

#[test]
fn g22_the_unit_exposes_little() {
    if !appliance::is_here("systemd-analyze") {
        skip!("g22_the_unit_exposes_little", "systemd-analyze is not installed");
    }
    let unit = workspace::root().join("systemd/anserd.service");
    let output = Command::new("systemd-analyze")
        .args(["security", "--no-pager", "--offline=yes"])
        .arg(format!("--threshold={EXPOSURE_TENTHS_MAX}"))
        .arg(unit)
        .output()
        .expect("systemd-analyze starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("g22: {}", told.lines().last().unwrap_or_default());
}

#[test]
fn both_packages_hold_the_same_files() {
    let metadata = workspace::metadata();
    let packages = metadata["packages"].as_array().expect("cargo lists packages");
    let daemon = packages.iter().find(|package| package["name"] == "anserd").expect("the daemon's");
    let deb = daemon["metadata"]["deb"]["assets"].as_array().expect("a list of files");
    let rpm = daemon["metadata"]["generate-rpm"]["assets"].as_array().expect("a list of files");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    // One tool takes paths from the manifest, the other from the workspace; one wants a slash in front.
    let deb: Vec<_> = deb
        .iter()
        .map(|asset| (text(&asset[0]).replacen("../", "", 1), format!("/{}", text(&asset[1])), text(&asset[2])))
        .collect();
    let rpm: Vec<_> = rpm.iter().map(|asset| ["source", "dest", "mode"].map(|key| text(&asset[key])).into()).collect();
    assert_eq!(deb, rpm);
    let settings: Vec<_> = deb.iter().map(|(_, to, _)| to.as_str()).filter(|to| to.starts_with("/etc/")).collect();
    assert_eq!(daemon["metadata"]["deb"]["conf-files"], json!(settings), "an operator's changes survive");
}

#[test]
fn g23_a_package_is_installed_upgraded_removed_and_purged() {
    if let Some(why) = appliance::missing() {
        skip!("g23_a_package_is_installed_upgraded_removed_and_purged", "{why}");
    }
    let folder = tempfile::tempdir_in(workspace::root().join("target")).expect("a folder");
    if let Err(error) = appliance::boots(&folder.path().join("plain")) {
        skip!(
            "g23_a_package_is_installed_upgraded_removed_and_purged",
            "no plain Debian boots in a folder here: {error}"
        );
    }
    let build = |version| {
        let package = appliance::build(Kind::Deb, version, &folder.path().join(version));
        package.unwrap_or_else(|error| panic!("{error}"))
    };
    let (old, new) = (build(OLD), build(NEW));
    for cycle in torture::seeds(CYCLES) {
        let root = folder.path().join(format!("root{cycle}"));
        fs::create_dir(&root).expect("made");
        appliance::unpack(&root).expect("a Debian");
        fs::copy(&old, root.join("old.deb")).expect("copied");
        fs::copy(&new, root.join("new.deb")).expect("copied");
        life(&Machine::boot(&root).expect("it boots"));
    }
}

#[test]
fn the_rpm_is_installed_upgraded_and_removed_in_a_root_of_its_own() {
    let name = "the_rpm_is_installed_upgraded_and_removed_in_a_root_of_its_own";
    if let Some(why) = appliance::missing() {
        skip!(name, "{why}");
    }
    if !appliance::is_here("rpm") {
        skip!(name, "rpm is not installed");
    }
    let folder = tempfile::tempdir_in(workspace::root().join("target")).expect("a folder");
    let root = folder.path().join("root");
    fs::create_dir(&root).expect("made");
    if let Err(error) = appliance::unpack(&root) {
        skip!(name, "no Debian can be had here: {error}");
    }
    let build = |version| {
        let package = appliance::build(Kind::Rpm, version, &folder.path().join(version));
        package.unwrap_or_else(|error| panic!("{error}"))
    };
    // Its scripts want /proc, in a view of the files that goes with the command.
    let script = "mount -t proc proc \"$0/proc\" && exec rpm --root \"$0\" \"$@\"";
    let rpm = |args: &[&str]| {
        let mut command = Command::new("unshare");
        told(command.args(["--mount", "sh", "-c", script]).arg(&root).args(args))
    };
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();

    // What it needs of the system has other names here, so that is left to other tools.
    rpm(&["--install", "--nodeps", "--nosignature", &path(&build(OLD))]);
    let (data, settings) = (root.join("var/lib/anser"), root.join("etc/anser/anserd.toml"));
    assert!(fs::read_to_string(root.join("etc/passwd")).expect("there").contains("anser:"));
    assert_eq!(fs::metadata(&data).expect("made").permissions().mode() & 0o777, 0o700);
    assert!(root.join("usr/bin/anserd").exists());

    let mine = fs::read_to_string(&settings).expect("there") + "# mine\n";
    fs::write(&settings, &mine).expect("written");
    fs::write(data.join("store.redb"), "data").expect("written");
    rpm(&["--upgrade", "--nodeps", "--nosignature", &path(&build(NEW))]);
    assert!(rpm(&["--query", "anserd"]).contains(NEW));
    assert_eq!(fs::read_to_string(&settings).expect("kept"), mine);

    let told = rpm(&["--erase", "anserd"]);
    assert!(told.contains("stay in /var/lib/anser"), "{told}");
    assert!(!root.join("usr/bin/anserd").exists());
    assert!(data.join("store.redb").exists() && root.join("etc/anser/anserd.toml.rpmsave").exists());
}

#[test]
fn the_linters_of_both_kinds_find_no_error() {
    let name = "the_linters_of_both_kinds_find_no_error";
    if let Some(why) = appliance::missing() {
        skip!(name, "{why}");
    }
    if let Some(absent) = ["lintian", "rpmlint"].into_iter().find(|tool| !appliance::is_here(tool)) {
        skip!(name, "{absent} is not installed");
    }
    let folder = tempfile::tempdir_in(workspace::root().join("target")).expect("a folder");
    let build = |kind| appliance::build(kind, NEW, &folder.path().join(NEW)).unwrap_or_else(|error| panic!("{error}"));
    told(Command::new("lintian").args(["--fail-on", "error", "--no-cfg"]).arg(build(Kind::Deb)));
    let rules = workspace::root().join("packaging/rpm/lint.toml");
    told(Command::new("rpmlint").arg("--config").arg(rules).arg(build(Kind::Rpm)));
}

/// What a program said; it must not fail.
fn told(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed ({}): {said}", output.status);
    said
}

fn life(machine: &Machine) {
    // Installed, it serves at once, as its own user, with nothing open to others.
    machine.run(&["dpkg", "--install", "/old.deb"]);
    for unit in ["anserd.service", "anserd.socket", "anserd-https.socket"] {
        assert_eq!(machine.run(&["systemctl", "is-active", unit]).trim(), "active", "{unit}");
        assert_eq!(machine.run(&["systemctl", "is-enabled", unit]).trim(), "enabled", "{unit}");
    }
    let data = machine.root().join("var/lib/anser");
    let owner = machine.run(&["id", "-u", "anser"]).trim().parse::<u32>().expect("a number");
    assert_eq!(machine.run(&["stat", "-c", "%U", &format!("/proc/{}", main_process(machine))]).trim(), "anser");
    for (path, mode) in [("", 0o700), ("store.redb", 0o600), ("admin.sock", 0o600)] {
        let found = fs::metadata(data.join(path)).expect("there");
        assert_eq!((found.uid(), found.permissions().mode() & 0o777), (owner, mode), "{path}");
    }
    for name in ["anserd.8", "anserd-app-create.8"] {
        assert!(machine.root().join(format!("usr/share/man/man8/{name}.gz")).exists(), "{name}");
    }

    // Chat and push work, on both ports.
    let app: App = serde_json::from_str(&machine.run(&["anserd", "app", "create", "shop", "--json"])).expect("an app");
    talk(machine, &app);
    assert_eq!(push(machine, &app, 8443).expect("answered").status, 200);
    assert_eq!(push(machine, &app, 443).expect("answered").status, 200);

    // Settings are taken while it runs; a broken file is refused with every mistake, and changes nothing.
    let settings = machine.root().join("etc/anser/anserd.toml");
    let shipped = fs::read_to_string(&settings).expect("shipped");
    let mine = shipped.replace("# adopt_days = 90", "adopt_days = 30");
    assert_ne!(mine, shipped);
    let before = main_process(machine);
    fs::write(&settings, &mine).expect("written");
    machine.run(&["systemctl", "reload", "anserd"]);
    assert!(machine.run(&["journalctl", "--unit=anserd", "--output=export"]).contains("imports.adopt_days"));
    fs::write(&settings, format!("unknown = 1\nlog_level = 'loud'\n{mine}")).expect("written");
    assert!(!machine.output(&["systemctl", "reload", "anserd"]).status.success());
    let told = machine.run(&["journalctl", "--unit=anserd", "--output=cat"]);
    assert!(told.contains("unknown = 1") && told.contains("loud"), "{told}");
    fs::write(&settings, &mine).expect("written");
    assert_eq!(main_process(machine), before);

    // An upgrade loses no attempt to connect, no data and no setting.
    upgrade_under_traffic(machine, &app);
    assert_ne!(main_process(machine), before);
    assert!(machine.run(&["dpkg-query", "--show", "anserd"]).contains(NEW));
    assert_eq!(fs::read_to_string(&settings).expect("kept"), mine);
    assert!(machine.run(&["anserd", "app", "list"]).contains("shop"));

    // Killed, it is back soon.
    let before = main_process(machine);
    let begun = Instant::now();
    machine.run(&["systemctl", "kill", "--signal=KILL", "anserd.service"]);
    assert_eq!(push(machine, &app, 8443).expect("answered").status, 200);
    let took = begun.elapsed();
    println!("g23: back {took:?} after a SIGKILL");
    assert!(took < BACK_WITHIN * SLACK, "it took {took:?}");
    assert_ne!(main_process(machine), before);

    broken_settings_end_in_rest(machine, &settings, &mine);

    // Removed, it is gone and its data are not; purged, they are.
    machine.run(&["dpkg", "--remove", "anserd"]);
    assert!(push(machine, &app, 8443).is_err());
    assert!(data.join("store.redb").exists() && settings.exists());
    let told = machine.run(&["dpkg", "--purge", "anserd"]);
    assert!(told.contains("removing /var/lib/anser"), "{told}");
    assert!(!data.exists() && !settings.exists());
    // It fails where it finds none.
    let left = machine.output(&["systemctl", "list-unit-files", "anserd*", "--no-legend"]).stdout;
    assert_eq!(String::from_utf8_lossy(&left), "");
}

/// Bob finds what Alice wrote while he was away.
fn talk(machine: &Machine, app: &App) {
    let anser = |words: &[&str]| {
        let common =
            ["anser", "--server", "localhost:8443", "--ca", "/var/lib/anser/ca.pem", "--app-key", &app.app_key];
        machine.run(&[&common[..], words].concat())
    };
    for user in ["alice", "bob"] {
        anser(&["register", user, "--password", "secret1"]);
    }
    let sent = anser(&["send", "--user", "alice", "--password", "secret1", "--to", "bob", "--text", "hello Bob"]);
    assert!(sent.contains("msg_id"), "{sent}");
    let unread = anser(&["unread", "--user", "bob", "--password", "secret1"]);
    assert!(unread.contains('1'), "{unread}");
}

fn push(machine: &Machine, app: &App, port: u16) -> io::Result<Response> {
    let ca = machine.root().join("var/lib/anser/ca.pem");
    let body = json!({"platform": "all", "audience": "all", "notification": {"alert": "The geese are back"}});
    machine.within(|| call(&ca, app, port, &body))
}

/// The runtime is made where the socket is to be.
fn call(ca: &Path, app: &App, port: u16, body: &Value) -> io::Result<Response> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let https = Https::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ca)?;
    let https = https.with_basic(&app.app_key, &app.master_secret);
    runtime.block_on(async {
        let answer = https.call("POST", "/v3/push/validate", Some(body));
        tokio::time::timeout(ANSWERED_WITHIN, answer).await.map_err(io::Error::other)?
    })
}

fn upgrade_under_traffic(machine: &Machine, app: &App) {
    let is_over = AtomicBool::new(false);
    let ca = machine.root().join("var/lib/anser/ca.pem");
    let body = json!({"platform": "all", "audience": "all", "notification": {"alert": "still there?"}});
    let answers = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            machine.within(|| {
                let mut answers = 0;
                while !is_over.load(Ordering::Relaxed) {
                    for port in [8443, 443] {
                        let answer = call(&ca, app, port, &body).unwrap_or_else(|error| panic!("port {port}: {error}"));
                        assert_eq!(answer.status, 200, "{answer:?}");
                        answers += 1;
                    }
                }
                answers
            })
        });
        machine.run(&["dpkg", "--install", "/new.deb"]);
        is_over.store(true, Ordering::Relaxed);
        traffic.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    println!("g23: {answers} new connections during the upgrade, all answered");
    assert!(answers > 2, "the traffic did not flow");
}

/// Traffic must not start a daemon over and over that cannot start; once the settings are mended, a start brings it back.
fn broken_settings_end_in_rest(machine: &Machine, settings: &Path, good: &str) {
    fs::write(settings, "unknown = 1\n").expect("written");
    assert!(!machine.output(&["systemctl", "restart", "anserd"]).status.success());
    machine.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            // Connections are taken in until systemd gives up and closes the sockets.
            let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 8443));
            let gives_up = async { while tokio::net::TcpStream::connect(at).await.is_ok() {} };
            tokio::time::timeout(ANSWERED_WITHIN, gives_up).await.expect("the sockets are closed in the end");
        });
    });
    let told = machine.run(&["journalctl", "--unit=anserd", "--output=cat"]);
    assert!(told.matches("unknown = 1 ").count() < 20, "{told}");
    fs::write(settings, good).expect("written");
    machine.run(&["systemctl", "reset-failed", "anserd.service", "anserd.socket", "anserd-https.socket"]);
    machine.run(&["systemctl", "start", "anserd.service"]);
    for unit in ["anserd.service", "anserd.socket", "anserd-https.socket"] {
        assert_eq!(machine.run(&["systemctl", "is-active", unit]).trim(), "active", "{unit}");
    }
}

fn main_process(machine: &Machine) -> String {
    let id = machine.run(&["systemctl", "show", "--property=MainPID", "--value", "anserd.service"]).trim().to_owned();
    assert_ne!(id, "0", "it does not run");
    id
}
