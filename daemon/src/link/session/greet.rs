//! The hello: which device this is, or a new one.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::session::{Hello, Welcome, capability};
use anser_protocol::frame::{ServerFrame, VERSION};
use anser_protocol::ids::{OutboxNumber, Position, TimeMs};
use anser_protocol::limits::REGISTRATION_ID_BYTES_MAX;
use anser_protocol::traits::Traits;
use anser_storage::command::{BridgeCommand, Command, DeviceCommand, MarkCommand};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::Answer as Accepted;
use ring::digest::{SHA256, digest};

use super::push::DeviceFlow;
use super::request::Pending;
use super::{Action, Ready, Session, Stage};
use crate::keys::{is_same_secret, token_hash};
use crate::link::query::{Answer, Greeted, Query};

/// Length of a nonce and of a secret.
const NONCE_BYTES: usize = 16;
/// Registration ids have 19 lower-case hexadecimal digits, as JPush's have.
const REGISTRATION_ID_DIGITS: usize = 19;

/// A hello while it is being answered.
#[derive(Debug)]
pub(super) struct Greeting {
    hello: Hello,
    registration_id: String,
    traits: Traits,
    /// Of a new device: what it was called at another push service.
    former_id: Option<String>,
    /// What is stored of them.
    known_traits: Traits,
    had_stopped_pushes: bool,
    app: AppNumber,
    server_time_ms: TimeMs,
}

impl Session {
    pub(super) fn greet(&mut self, hello: Hello) {
        if hello.version_min > VERSION || hello.version_max < VERSION {
            return self.end(ErrorCode::VERSION, "");
        }
        let is_new = hello.registration_id.is_empty();
        if is_new && hello.nonce.len() != NONCE_BYTES {
            return self.end(ErrorCode::INVALID, "a registration needs a nonce of 16 bytes");
        }
        if hello.app_key.len() > 64 || hello.registration_id.len() > REGISTRATION_ID_BYTES_MAX {
            return self.end(ErrorCode::INVALID, "the app key or registration id is too long");
        }
        let traits = match Traits::of(&hello.extensions) {
            Ok(traits) => traits,
            Err(invalid) => return self.end(ErrorCode::INVALID, &invalid.to_string()),
        };
        let former_id = match hello.extensions.value(tag::FORMER_REGISTRATION_ID).filter(|_| is_new).map(former_id) {
            None => None,
            Some(Some(former_id)) => Some(former_id),
            Some(None) => {
                return self.end(ErrorCode::INVALID, "the former registration id is not 1 to 64 bytes of text");
            }
        };
        let registration_id = match is_new {
            true => registration_id(&hello.app_key, &hello.nonce),
            false => hello.registration_id.clone(),
        };
        self.stage = Stage::Greeting;
        let query = Query::Greet { app_key: hello.app_key.clone(), registration_id: registration_id.clone() };
        let greeting = Greeting {
            hello,
            registration_id,
            traits,
            former_id,
            known_traits: Traits::default(),
            had_stopped_pushes: false,
            app: AppNumber(0),
            server_time_ms: 0,
        };
        self.query(Pending::Greet(Box::new(greeting)), query);
    }

    pub(super) fn greeting_answered(&mut self, mut greeting: Greeting, answer: Result<Answer, ErrorCode>, now: TimeMs) {
        let greeted = match answer {
            Ok(Answer::Greet(Some(greeted))) => greeted,
            Ok(Answer::Greet(None)) => return self.end(ErrorCode::APP_KEY, ""),
            Ok(_) => return self.end(ErrorCode::INTERNAL, ""),
            Err(code) => return self.end(code, ""),
        };
        let Greeted { app, device } = greeted;
        greeting.app = app;
        greeting.server_time_ms = now;
        let secret_hash = token_hash(&greeting.hello.secret);
        match device {
            Some(device) if is_same_secret(&secret_hash, &device.secret_hash) => {
                let cursor = device.push_cursor;
                greeting.known_traits = device.traits;
                if device.is_dormant {
                    // What is pushed from now on is for it again; the round of attendance would come some seconds later.
                    let mark = MarkCommand::Present { app, seen_ms: now, devices: vec![device.number] };
                    self.submit(Pending::Unheeded, Command::Mark(mark));
                }
                greeting.had_stopped_pushes = device.has_stopped_pushes;
                self.welcome(greeting, device.number, device.platform, device.outbox_head, cursor);
            }
            None if greeting.hello.registration_id.is_empty() => {
                let (registration_id, platform) = (greeting.registration_id.clone(), greeting.hello.platform);
                let command = match greeting.former_id.clone() {
                    None => DeviceCommand::Register { app, registration_id, secret_hash, platform },
                    Some(former_id) => DeviceCommand::Adopt { app, former_id, registration_id, secret_hash, platform },
                };
                self.submit(Pending::RegisterDevice(Box::new(greeting)), Command::Device(command));
            }
            _ => self.end(ErrorCode::REGISTRATION, ""),
        }
    }

    pub(super) fn device_registered(
        &mut self,
        mut greeting: Greeting,
        accepted: Result<Accepted, (ErrorCode, String)>,
    ) {
        match accepted {
            Ok(Accepted::Device { device, .. }) => {
                let platform = greeting.hello.platform;
                self.welcome(greeting, device, platform, 0, None);
            }
            Ok(Accepted::Adopted { device }) => {
                greeting.registration_id = greeting.former_id.take().unwrap_or_default();
                let platform = greeting.hello.platform;
                self.welcome(greeting, device, platform, 0, None);
            }
            Ok(_) => self.end(ErrorCode::INTERNAL, ""),
            Err((code, message)) => self.end(code, &message),
        }
    }

    fn welcome(
        &mut self,
        greeting: Greeting,
        device: DeviceNumber,
        platform: Platform,
        outbox_head: OutboxNumber,
        stored_cursor: Option<Position>,
    ) {
        let app = greeting.app;
        let cursor = greeting.hello.push_cursor.or(stored_cursor).unwrap_or_default();
        let is_stopped = greeting.hello.extensions.value(tag::PUSHES_STOPPED).is_some();
        let mut flow = DeviceFlow::new(device, platform, cursor);
        flow.is_stopped = is_stopped;
        flow.takes_notices = greeting.hello.capabilities & capability::NOTICES != 0;
        flow.takes_reads = greeting.hello.capabilities & capability::READS != 0;
        flow.takes_profiles = greeting.hello.capabilities & capability::PROFILES != 0;
        self.stage = Stage::Ready(Box::new(Ready { app, device: flow, user: None, is_changing_user: false }));
        self.actions.push_back(match is_stopped {
            true => Action::AttachWithoutPushes { app, device },
            false => Action::AttachDevice { app, device },
        });
        let heartbeat = self.rules.heartbeat;
        self.send(&ServerFrame::Welcome(Welcome {
            version: VERSION,
            capabilities: capability::NOTICES | capability::READS | capability::PROFILES,
            registration_id: greeting.registration_id,
            outbox_head,
            server_time_ms: greeting.server_time_ms,
            heartbeat_s: heartbeat.start_s,
            heartbeat_min_s: heartbeat.min_s,
            heartbeat_max_s: heartbeat.max_s,
            extensions: Extensions::default(),
        }));
        // What is known already costs nothing when a device comes back. Lost, it is told again by the next hello.
        if !greeting.traits.is_empty() && greeting.traits != greeting.known_traits {
            let command = Command::Device(DeviceCommand::SetTraits { app, device, traits: greeting.traits });
            self.submit(Pending::Unheeded, command);
        }
        if greeting.had_stopped_pushes != is_stopped {
            let command = BridgeCommand::StopPushes { app, device, is_stopped };
            self.submit(Pending::KeepStop, Command::Bridge(command));
        }
        self.continue_catch_up();
    }
}

fn former_id(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (1..=REGISTRATION_ID_BYTES_MAX).contains(&text.len()).then(|| text.to_owned())
}

/// The registration id of a device that asked with this nonce: asking again gives the same.
fn registration_id(app_key: &str, nonce: &[u8]) -> String {
    let mut named = b"anser registration id 1\0".to_vec();
    named.extend_from_slice(app_key.as_bytes());
    named.push(0);
    named.extend_from_slice(nonce);
    let mut digits = data_encoding::HEXLOWER.encode(digest(&SHA256, &named).as_ref());
    digits.truncate(REGISTRATION_ID_DIGITS);
    digits
}
