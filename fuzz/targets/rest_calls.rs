//! Any call of any REST route, with right and with odd credentials, against a daemon in this process.
//!
//! An input is: which route, which credentials (a byte each), a line with the path's parameters and the query, and the
//! body. Whatever it holds, the answer is JSON with a proper status, and never "a bug".
#![no_main]

use std::sync::OnceLock;

use anser_storage::command::{AccountCommand, AppCommand, Command};
use anser_storage::outcome::Answer;
use anserd::config::{self, Flags};
use anserd::rest::Rest;
use anserd::rest::route::{ROUTES, Who};
use anserd::serve::Daemon;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use data_encoding::BASE64;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

const KEY: &str = "000000000000000000000000";
const SECRET: &str = "111111111111111111111111";

struct World {
    runtime: Runtime,
    rest: Rest,
    _daemon: Daemon,
    _folder: tempfile::TempDir,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let flags = Flags {
            data_dir: Some(folder.path().to_owned()),
            listen: vec!["127.0.0.1:0".to_owned()],
            ..Flags::default()
        };
        let mut config = config::read(&flags, std::iter::empty()).expect("valid settings");
        config.password = config::Password { memory_kib: 8, passes: 1, lanes: 1, at_once: 1 };
        let runtime = Runtime::new().expect("a runtime");
        let daemon = runtime.block_on(Daemon::start(config)).expect("the daemon starts");
        let (app_key, master_secret) = (KEY.to_owned(), SECRET.to_owned());
        let create = AppCommand::Create { name: "fuzzed".to_owned(), app_key, master_secret };
        let made = runtime.block_on(daemon.context().ledger.submit(Command::App(create))).expect("the store is there");
        let Ok(Answer::App(app)) = made.answer else { panic!("no app was made") };
        // Each kind of caller has its own keys, so the same ones will do for all.
        let (key, secret) = (KEY.to_owned(), SECRET.to_owned());
        for command in [
            AccountCommand::CreateDeveloper { name: "dev".to_owned(), key: key.clone(), secret: secret.clone() },
            AccountCommand::CreateAppGroup { name: "all".to_owned(), key: key.clone(), secret },
            AccountCommand::AddToAppGroup { key, app },
        ] {
            let made = runtime.block_on(daemon.context().ledger.submit(Command::Account(command)));
            made.expect("the store is there").answer.expect("made");
        }
        let rest = Rest::new(daemon.context());
        World { runtime, rest, _daemon: daemon, _folder: folder }
    })
}

/// The path of a route with its parameters filled in, and the query behind it.
fn path(pattern: &str, given: &str) -> String {
    let mut values = given.split(' ');
    let mut path = String::new();
    for segment in pattern.split('/').skip(1) {
        path.push('/');
        path.push_str(if segment.starts_with('{') { values.next().unwrap_or("x") } else { segment });
    }
    match values.next() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

fuzz_target!(|input: &[u8]| {
    let [route, credentials, rest @ ..] = input else { return };
    let route = &ROUTES[usize::from(*route) % ROUTES.len()];
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let Ok(given) = str::from_utf8(&rest[..line]) else { return };
    let body = rest.get(line + 1..).unwrap_or_default().to_vec();
    let authorization = match credentials {
        0..=239 if route.who == Who::AppGroup => {
            format!("Basic {}", BASE64.encode(format!("group-{KEY}:{SECRET}").as_bytes()))
        }
        0..=239 => format!("Basic {}", BASE64.encode(format!("{KEY}:{SECRET}").as_bytes())),
        240..=247 => format!("Basic {given}"),
        _ => given.to_owned(),
    };
    let request = Request::builder()
        .method(route.method)
        .uri(path(route.path, given))
        .header("authorization", authorization)
        .header("content-type", "multipart/form-data; boundary=b");
    // What is no HTTP at all does not come this far.
    let Ok(request) = request.body(Body::from(body)) else { return };
    let world = world();
    let answer = world.runtime.block_on(world.rest.answer(request));
    assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{} {}", route.method, route.path);
});
