//! The daemon's only outbound door: hands notices over to the services that can wake a sleeping device.
//!
//! There is one bridge per `[[bridge]]` of the settings, and none by default: then nothing here opens a connection. A
//! bridge decides nothing about who is told what; it says what became of each notice ([`Handed`]) and keeps no state but
//! connections and access tokens. Hosts come from the operator's settings, except for Web Push, where the device names
//! the host and [`guard`] keeps it out of private networks. `anserd import` reads its source through the same door
//! ([`source`]), in a process of its own.

mod acme;
mod answer;
mod apns;
pub mod app_server;
mod callback;
mod certified;
pub mod chat;
mod credentials;
mod endpoint;
mod fcm;
pub mod guard;
pub mod job;
pub(crate) mod jwt;
mod notice;
mod origin;
mod seal;
mod shorten;
mod sms;
pub mod source;
mod vapid;
mod web_push;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::ids::AppNumber;
use anser_storage::{PushCertificate, ReadError, Snapshot};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

pub use acme::{AcmeAnswer, AcmeHttp};
pub use app_server::AppServers;
pub use callback::{Callbacks, Told};
pub(crate) use certified::bundle_id;
pub use credentials::BridgeError;
pub use origin::{Origin, Url};
pub use sms::{Sms, SmsText};
pub use vapid::public_key as vapid_public_key;

use crate::clock::now_ms;
use crate::config::{BridgeConfig, BridgeKind};
use apns::Apns;
use fcm::Fcm;
use web_push::WebPush;
use webhook::Webhook;

/// Requests of one bridge that are under way at the same time.
const AT_ONCE_MAX: usize = 64;

/// What is to be shown on a sleeping device.
#[derive(Clone, Debug)]
pub struct Notice {
    pub app_key: String,
    pub msg_id: Position,
    pub registration_id: String,
    pub title: String,
    pub alert: String,
    /// The platform's block as the push API gave it; of a call or of a live activity all there is.
    pub block: Map<String, Value>,
    pub extras: Map<String, Value>,
    /// What the push says to each vendor's channel, by the names of `options.third_party_channel`.
    pub vendors: Map<String, Value>,
    /// The number for the icon, if any.
    pub badge: Option<u32>,
    /// Of notices with the same one, only the newest is shown.
    pub collapse_id: Option<String>,
    pub expires_ms: TimeMs,
    /// As whom Apple's service is to know us: the certificate that was uploaded for the app and for the environment of the
    /// token, where there is one and the bridge wants it.
    pub certificate: Option<Arc<PushCertificate>>,
}

/// What became of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// The service took it.
    Accepted,
    /// The service does not know the token any more; it is of no use to anybody.
    TokenGone,
    /// Not now; the service may have said when.
    Later(Option<Duration>),
    /// Not this one, however often it is tried.
    Refused(String),
}

/// The certificates that were uploaded for an app.
#[derive(Clone, Debug, Default)]
pub struct Uploaded {
    production: Option<Arc<PushCertificate>>,
    development: Option<Arc<PushCertificate>>,
}

impl Uploaded {
    pub fn read(snapshot: &Snapshot, app: AppNumber) -> Result<Self, ReadError> {
        let of = |is_production| Ok(snapshot.push_certificate(app, is_production)?.map(Arc::new));
        Ok(Self { production: of(true)?, development: of(false)? })
    }

    pub fn of(&self, kind: TokenKind) -> Option<Arc<PushCertificate>> {
        if kind.is_sandbox() { self.development.clone() } else { self.production.clone() }
    }
}

/// The time as the bridges see it.
pub type Clock = Arc<dyn Fn() -> TimeMs + Send + Sync>;

/// All configured bridges; cheap to share.
#[derive(Clone)]
pub struct Bridges {
    bridges: Arc<[Bridge]>,
}

struct Bridge {
    /// Nothing means every app.
    app: Option<String>,
    wakes_for_chat: bool,
    service: Service,
    at_once: Semaphore,
}

enum Service {
    Apns(Box<Apns>),
    Fcm(Box<Fcm>),
    WebPush(Box<WebPush>),
    Webhook(Box<Webhook>),
}

impl Bridges {
    /// Reads the keys and certificates that the settings name. Web Push keeps its own key in the data folder.
    pub fn new(config: &[BridgeConfig], data_dir: &Path) -> Result<Self, BridgeError> {
        Self::with_clock(config, data_dir, Arc::new(now_ms))
    }

    /// The same with another clock.
    pub fn with_clock(config: &[BridgeConfig], data_dir: &Path, clock: Clock) -> Result<Self, BridgeError> {
        let bridges: Result<Vec<_>, _> = config.iter().map(|config| Bridge::new(config, data_dir, &clock)).collect();
        Ok(Self { bridges: bridges?.into() })
    }

    /// Reads the operator's files as a start would, and makes none.
    pub fn mistakes(config: &[BridgeConfig]) -> Vec<String> {
        let clock: Clock = Arc::new(now_ms);
        let mistake = |(number, BridgeConfig { ca, kind, .. }): (usize, &BridgeConfig)| {
            let ca = ca.as_deref();
            let checked = match kind {
                BridgeKind::Apns(apns) => Apns::new(apns, ca, clock.clone()).map(drop),
                BridgeKind::Fcm(fcm) => Fcm::new(fcm, ca, clock.clone()).map(drop),
                BridgeKind::WebPush(_) => credentials::tls(ca, None, credentials::Versions::Either).map(drop),
                BridgeKind::Webhook(webhook) => Webhook::new(webhook, ca, clock.clone()).map(drop),
            };
            checked.err().map(|error| format!("bridge[{}]: {error}", number + 1))
        };
        config.iter().enumerate().filter_map(mistake).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.bridges.is_empty()
    }

    /// Whether there is a bridge for this app and kind of token.
    pub fn takes(&self, app_key: &str, kind: TokenKind) -> bool {
        self.find(app_key, |service| service.takes(kind)).is_some()
    }

    /// Whether chat messages of this app are to wake devices with such a token.
    pub fn wakes_for_chat(&self, app_key: &str, kind: TokenKind) -> bool {
        self.find(app_key, |service| service.takes(kind)).is_some_and(|bridge| bridge.wakes_for_chat)
    }

    /// Whether chat messages wake anybody at all.
    pub fn wakes_anybody_for_chat(&self) -> bool {
        self.bridges.iter().any(|bridge| bridge.wakes_for_chat)
    }

    /// Whether certificates that were uploaded for this app are to be used.
    pub fn wants_certificate(&self, app_key: &str) -> bool {
        let bridge = self.find(app_key, |service| matches!(service, Service::Apns(_)));
        bridge.is_some_and(|bridge| matches!(&bridge.service, Service::Apns(apns) if apns.wants_certificates()))
    }

    pub async fn hand_over(&self, kind: TokenKind, token: &str, notice: &Notice) -> Handed {
        let Some(bridge) = self.find(&notice.app_key, |service| service.takes_token(kind, token)) else {
            return Handed::Refused("no bridge takes this token".to_owned());
        };
        let Ok(_permit) = bridge.at_once.acquire().await else { return Handed::Later(None) };
        match &bridge.service {
            Service::Apns(apns) => apns.send(kind, token, notice).await,
            Service::Fcm(fcm) => fcm.send(token, notice).await,
            Service::WebPush(web_push) => web_push.send(token, notice).await,
            Service::Webhook(webhook) => webhook.send(token, notice).await,
        }
    }

    /// Whether text messages of this app have somewhere to go.
    pub fn takes_sms(&self, app_key: &str) -> bool {
        self.find(app_key, Service::takes_sms).is_some()
    }

    /// Whether text messages of any app have somewhere to go.
    pub fn take_any_sms(&self) -> bool {
        self.bridges.iter().any(|bridge| bridge.service.takes_sms())
    }

    pub async fn hand_over_sms(&self, sms: &Sms<'_>) -> Handed {
        let Some(bridge) = self.find(sms.app_key, Service::takes_sms) else {
            return Handed::Refused("no bridge takes text messages".to_owned());
        };
        let Ok(_permit) = bridge.at_once.acquire().await else { return Handed::Later(None) };
        match &bridge.service {
            Service::Webhook(webhook) => webhook.send_sms(sms).await,
            Service::Apns(_) | Service::Fcm(_) | Service::WebPush(_) => {
                Handed::Refused("no bridge takes text messages".to_owned())
            }
        }
    }

    /// The bridge of the app itself, or else the one for every app.
    fn find(&self, app_key: &str, takes: impl Fn(&Service) -> bool) -> Option<&Bridge> {
        let fitting = |app: Option<&str>| {
            self.bridges.iter().find(|bridge| bridge.app.as_deref() == app && takes(&bridge.service))
        };
        fitting(Some(app_key)).or_else(|| fitting(None))
    }
}

impl Bridge {
    fn new(config: &BridgeConfig, data_dir: &Path, clock: &Clock) -> Result<Self, BridgeError> {
        let ca = config.ca.as_deref();
        let service = match &config.kind {
            BridgeKind::Apns(apns) => Service::Apns(Box::new(Apns::new(apns, ca, clock.clone())?)),
            BridgeKind::Fcm(fcm) => Service::Fcm(Box::new(Fcm::new(fcm, ca, clock.clone())?)),
            BridgeKind::WebPush(web_push) => {
                Service::WebPush(Box::new(WebPush::new(web_push, ca, data_dir, clock.clone())?))
            }
            BridgeKind::Webhook(webhook) => Service::Webhook(Box::new(Webhook::new(webhook, ca, clock.clone())?)),
        };
        Ok(Self {
            app: config.app.clone(),
            wakes_for_chat: config.wake_for_chat,
            service,
            at_once: Semaphore::new(AT_ONCE_MAX),
        })
    }
}

impl Service {
    fn takes(&self, kind: TokenKind) -> bool {
        match self {
            Self::Apns(_) => apns::Use::of(kind).is_some(),
            Self::Fcm(_) => kind == TokenKind::FCM,
            Self::WebPush(_) => kind == TokenKind::WEB_PUSH,
            Self::Webhook(webhook) => kind == TokenKind::VENDOR && webhook.takes_vendors(),
        }
    }

    fn takes_sms(&self) -> bool {
        matches!(self, Self::Webhook(webhook) if webhook.takes_sms())
    }

    /// Webhooks look at the vendor as well.
    fn takes_token(&self, kind: TokenKind, token: &str) -> bool {
        self.takes(kind)
            && match self {
                Self::Webhook(webhook) => webhook.takes_token(token),
                _ => true,
            }
    }
}

impl Notice {
    /// Seconds that it is still worth something.
    fn seconds_left(&self, now_ms: TimeMs) -> u64 {
        self.expires_ms.saturating_sub(now_ms) / 1000
    }

    /// Nothing to see or to hear: the app is only to be woken.
    fn is_silent(&self) -> bool {
        self.alert.is_empty() && self.title.is_empty() && self.badge.is_none() && !self.block.contains_key("sound")
    }
}
