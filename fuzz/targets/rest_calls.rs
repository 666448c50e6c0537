//! Any call of any REST route, with right and with odd credentials, against a daemon in this process.
//!
//! An input is: which route, which credentials (a byte each), a line with the path's parameters and the query, and the
//! body. Whatever it holds, the answer is JSON with a proper status, and never "a bug".
#![no_main]

#[path = "../common/mod.rs"]
mod common;

use std::sync::OnceLock;

use anser_storage::command::{AccountCommand, AppCommand, Command};
use anser_storage::outcome::Answer;
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
/// Of an app that the developer made and nothing deletes.
const MADE: &str = "222222222222222222222222";

struct World {
    runtime: Runtime,
    rest: Rest,
    _daemon: Daemon,
    _folder: tempfile::TempDir,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let common::Served { runtime, daemon, folder } = common::serve();
        let (app_key, master_secret) = (KEY.to_owned(), SECRET.to_owned());
        let create = AppCommand::Create { name: "fuzzed".to_owned(), app_key, master_secret };
        let made = runtime.block_on(daemon.context().ledger.submit(Command::App(create))).expect("the store is there");
        let Ok(Answer::App(app)) = made.answer else { panic!("no app was made") };
        // Each kind of caller has its own keys, so the same ones will do for all.
        let (key, secret) = (KEY.to_owned(), SECRET.to_owned());
        for command in [
            AccountCommand::CreateDeveloper { name: "dev".to_owned(), key: key.clone(), secret: secret.clone() },
            AccountCommand::CreateAppGroup { name: "all".to_owned(), key: key.clone(), secret },
            AccountCommand::AddToAppGroup { key: key.clone(), app },
            AccountCommand::CreateApp {
                developer: key,
                name: "made".to_owned(),
                android_package: "org.example.geese".to_owned(),
                app_group: None,
                app_key: MADE.to_owned(),
                master_secret: SECRET.to_owned(),
            },
        ] {
            let made = runtime.block_on(daemon.context().ledger.submit(Command::Account(command)));
            made.expect("the store is there").answer.expect("made");
        }
        let rest = Rest::new(daemon.context());
        World { runtime, rest, _daemon: daemon, _folder: folder }
    })
}

fuzz_target!(|input: &[u8]| {
    let [route, credentials, rest @ ..] = input else { return };
    let route = &ROUTES[usize::from(*route) % ROUTES.len()];
    let Some((given, body)) = common::line_and_body(rest) else { return };
    let authorization = match credentials {
        0..=239 if route.who == Who::AppGroup => {
            format!("Basic {}", BASE64.encode(format!("group-{KEY}:{SECRET}").as_bytes()))
        }
        0..=239 => format!("Basic {}", BASE64.encode(format!("{KEY}:{SECRET}").as_bytes())),
        240..=247 => format!("Basic {given}"),
        _ => given.to_owned(),
    };
    // Files of strangers are read for an app of the developer's own alone.
    let known: &[(&str, &str)] = if route.path.ends_with("/certificate") { &[("{app_key}", MADE)] } else { &[] };
    let request = Request::builder()
        .method(route.method)
        .uri(common::path(route.path, known, given))
        .header("authorization", authorization)
        .header("content-type", "multipart/form-data; boundary=b");
    // What is no HTTP at all does not come this far.
    let Ok(request) = request.body(Body::from(body)) else { return };
    let world = world();
    let answer = world.runtime.block_on(world.rest.answer(request));
    assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{} {}", route.method, route.path);
});
