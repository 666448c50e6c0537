//! A daemon with apps, devices and users, and ways to call it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anser_protocol::content::Platform;
use anser_storage::command::{AccountCommand, AppCommand, Command, DeviceCommand};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::Answer;
use anserd::config::{self, Config, Flags};
use anserd::link::session::Logins;
use anserd::rest::Rest;
use anserd::serve::Daemon;
use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{HeaderMap, Request, StatusCode, header};
use data_encoding::BASE64;
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;

use crate::contract;

pub struct World {
    pub daemon: Daemon,
    pub rest: Rest,
    marks: Marks,
    _folder: TempDir,
}

#[derive(Clone, Debug)]
pub struct App {
    pub number: AppNumber,
    pub key: String,
    pub secret: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose settings differ.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let flags = Flags {
            data_dir: Some(folder.path().join("data")),
            listen: vec!["127.0.0.1:0".to_owned()],
            ..Flags::default()
        };
        let mut config = config::read(&flags, std::iter::empty()).expect("valid settings");
        config.password = config::Password { memory_kib: 8, passes: 1, lanes: 1, at_once: 2 };
        // Many tests have a user at several devices of a kind; that this may be limited has a test of its own.
        config.users.logins = Logins::default();
        change(&mut config);
        let daemon = Daemon::start(config).await.expect("the daemon starts");
        let rest = Rest::new(daemon.context());
        Self { daemon, rest, marks: Marks::default(), _folder: folder }
    }

    /// Says that this test tries these routes, each with a call that succeeds. It fails at its end if it did not, and
    /// `contract` fails for a route that no test names.
    pub fn covers(&self, routes: &[&'static str]) {
        self.marks.lock().promised.extend(routes);
    }

    /// The same data with a daemon that was stopped and started again.
    pub async fn restarted(self) -> Self {
        self.restarted_with(|_| {}).await
    }

    /// The same with settings that differ from then on.
    pub async fn restarted_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let Self { daemon, rest, marks, _folder } = self;
        drop(rest);
        let mut config = daemon.context().config.clone();
        change(&mut config);
        daemon.stop().await;
        let daemon = Daemon::start(config).await.expect("the daemon starts again");
        let rest = Rest::new(daemon.context());
        Self { daemon, rest, marks, _folder }
    }

    /// Calls that are still there when the daemon has ended and its store takes nothing any more.
    pub async fn call_after_the_end(self, app: &App, calls: &[(&str, &str, Value)]) -> Vec<Answered> {
        let Self { daemon, rest, .. } = self;
        daemon.stop().await;
        let credentials = basic(&app.key, &app.secret);
        let mut answers = Vec::new();
        for (method, path, body) in calls {
            let (head, bytes) = ask(&rest, Some(&credentials), method, path, None, body.to_string().into()).await;
            answers.push(Answered::new(head, bytes));
        }
        answers
    }

    pub async fn app(&self, name: &str) -> App {
        let (key, secret) = (key_of(name, "k"), key_of(name, "s"));
        let command = AppCommand::Create { name: name.to_owned(), app_key: key.clone(), master_secret: secret.clone() };
        match self.submit(Command::App(command)).await {
            Answer::App(number) => App { number, key, secret },
            other => panic!("no app: {other:?}"),
        }
    }

    pub async fn device(&self, app: &App, registration_id: &str, platform: Platform) -> DeviceNumber {
        let command = DeviceCommand::Register {
            app: app.number,
            registration_id: registration_id.to_owned(),
            secret_hash: [7; 32],
            platform,
        };
        match self.submit(Command::Device(command)).await {
            Answer::Device { device, .. } => device,
            other => panic!("no device: {other:?}"),
        }
    }

    /// A group of these apps: its user name and secret as a header.
    pub async fn app_group(&self, name: &str, apps: &[&App]) -> String {
        let (key, secret) = (key_of(name, "gk"), key_of(name, "gs"));
        let (named, given) = (name.to_owned(), secret.clone());
        self.submit(Command::Account(AccountCommand::CreateAppGroup { name: named, key: key.clone(), secret: given }))
            .await;
        for app in apps {
            self.join_app_group(name, app).await;
        }
        basic(&format!("group-{key}"), &secret)
    }

    pub async fn join_app_group(&self, name: &str, app: &App) {
        let command = AccountCommand::AddToAppGroup { key: key_of(name, "gk"), app: app.number };
        self.submit(Command::Account(command)).await;
    }

    /// A developer: key and secret as a header.
    pub async fn developer(&self, name: &str) -> String {
        let (key, secret) = (key_of(name, "dk"), key_of(name, "ds"));
        let (named, given) = (name.to_owned(), secret.clone());
        self.submit(Command::Account(AccountCommand::CreateDeveloper { name: named, key: key.clone(), secret: given }))
            .await;
        basic(&key, &secret)
    }

    pub async fn users(&self, app: &App, names: &[&str]) {
        let users: Vec<Value> =
            names.iter().map(|name| serde_json::json!({"username": name, "password": "secret"})).collect();
        self.call(app, "POST", "/v1/users", Some(Value::Array(users))).await.expect(201);
    }

    pub async fn submit(&self, command: Command) -> Answer {
        let outcome = self.daemon.context().ledger.submit(command).await.expect("the store is there");
        outcome.answer.expect("accepted")
    }

    /// With the app's credentials.
    pub async fn call(&self, app: &App, method: &str, path: &str, body: Option<Value>) -> Answered {
        let credentials = basic(&app.key, &app.secret);
        self.call_as(Some(&credentials), method, path, body.map(|body| body.to_string()).unwrap_or_default()).await
    }

    /// With any `Authorization` header and any body.
    pub async fn call_as(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> Answered {
        let (head, bytes) = self.send(authorization, method, path, None, body.into()).await;
        Answered::new(head, bytes)
    }

    /// With a form of several parts.
    pub async fn call_form(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
        form: &[Part<'_>],
    ) -> Answered {
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let (head, bytes) = self.send(authorization, method, path, Some(content_type), form_body(form).into()).await;
        Answered::new(head, bytes)
    }

    /// Any request and any answer.
    pub async fn send(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
        content_type: Option<String>,
        body: Body,
    ) -> (Parts, Vec<u8>) {
        let (head, bytes) = ask(&self.rest, authorization, method, path, content_type, body).await;
        if head.status.is_success() {
            self.marks.lock().succeeded.extend(contract::route_of(method, path));
        }
        (head, bytes)
    }
}

async fn ask(
    rest: &Rest,
    authorization: Option<&str>,
    method: &str,
    path: &str,
    content_type: Option<String>,
    body: Body,
) -> (Parts, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "push.example.org:8443");
    for (name, value) in [(header::AUTHORIZATION, authorization), (header::CONTENT_TYPE, content_type.as_deref())] {
        request = value.into_iter().fold(request, |request, value| request.header(&name, value));
    }
    let response = rest.answer(request.body(body).expect("a request")).await;
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.expect("a whole body").to_bytes();
    (head, bytes.to_vec())
}

/// Which routes a test says that it tries, and which calls have succeeded.
#[derive(Default)]
struct Marks(Mutex<Tried>);

#[derive(Default)]
struct Tried {
    promised: Vec<&'static str>,
    succeeded: BTreeSet<String>,
}

impl Marks {
    fn lock(&self) -> MutexGuard<'_, Tried> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let tried = self.lock();
        for route in &tried.promised {
            assert!(tried.succeeded.contains(*route), "{route} is said to be covered, but no call of it succeeded");
        }
    }
}

impl Answered {
    fn new(head: Parts, bytes: Vec<u8>) -> Self {
        Self { status: head.status, headers: head.headers, text: String::from_utf8(bytes).expect("answers are UTF-8") }
    }

    /// Checks the status and hands out the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Checks that it is an error envelope with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: u64) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["error"]["code"].as_u64()), (status, Some(code)), "{}", self.text);
        assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", self.text);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json; charset=utf-8");
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }
}

/// Part of a form: its name, the name of its file if it is one, its content.
pub type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

const BOUNDARY: &str = "----anser-tests";

fn form_body(form: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file_name, content) in form {
        let file_name = file_name.map(|file_name| format!("; filename=\"{file_name}\"")).unwrap_or_default();
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()))
}

/// 24 digits that are different for each name.
pub fn key_of(name: &str, use_: &str) -> String {
    let text: String = format!("{use_}{name}").bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{text:0<24}")[..24].to_owned()
}
