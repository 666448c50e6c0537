//! Any call of the console's API, with the session of an owner and with odd cookies, against a daemon in this process.
//!
//! An input is: which route, which cookie (a byte each), a line with the path's parameters and the query, and the body.
//! Whatever it holds, the answer has a proper status, and is never "a bug".
#![no_main]

#[path = "../common/mod.rs"]
mod common;

use std::sync::OnceLock;

use anserd::admin;
use anserd::console::route::ROUTES;
use anserd::rest::Rest;
use anserd::serve::Daemon;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

const PASSWORD: &str = "a long password";

struct World {
    runtime: Runtime,
    rest: Rest,
    app_key: String,
    cookie: String,
    _daemon: Daemon,
    _folder: tempfile::TempDir,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let common::Served { runtime, daemon, folder } = common::serve();
        let ask = |request| admin::ask(&folder.path().join(admin::SOCKET), &request).expect("it answers");
        let admin::Reply::App(app) = ask(admin::Request::AppCreate { name: "fuzzed".to_owned() }) else {
            panic!("no app was made")
        };
        let (name, role) = ("root".to_owned(), "owner".to_owned());
        let password = admin::NewPassword(PASSWORD.to_owned());
        ask(admin::Request::OperatorAdd { name, role, apps: Vec::new(), password });
        let address = std::net::IpAddr::from([127, 0, 0, 1]);
        let session = runtime.block_on(daemon.context().operators.log_in("root", PASSWORD, address)).expect("right");
        let rest = Rest::new(daemon.context());
        let cookie = format!("__Host-anser-console={}", session.token);
        World { runtime, rest, app_key: app.app_key, cookie, _daemon: daemon, _folder: folder }
    })
}

fuzz_target!(|input: &[u8]| {
    let [route, cookie, rest @ ..] = input else { return };
    let route = &ROUTES[usize::from(*route) % ROUTES.len()];
    // Without the session nothing else can be tried, and a wrong login waits.
    if route.path.starts_with("/session") || route.path.starts_with("/operators/") {
        return;
    }
    let Some((given, body)) = common::line_and_body(rest) else { return };
    let world = world();
    let cookie = match cookie {
        0..=239 => world.cookie.clone(),
        _ => given.to_owned(),
    };
    let request = Request::builder()
        .method(route.method)
        .uri(format!("/console/v1{}", common::path(route.path, &[("{app_key}", &world.app_key)], given)))
        .header("cookie", cookie)
        .header("x-anser-console", "1")
        .header("content-type", "application/json");
    // What is no HTTP at all does not come this far.
    let Ok(request) = request.body(Body::from(body)) else { return };
    let answer = world.runtime.block_on(world.rest.answer(request));
    assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{} {}", route.method, route.path);
});
