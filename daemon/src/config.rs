//! The daemon's settings: a TOML file, then `ANSER_…` variables, then flags; the later wins.
//!
//! Everything is parsed once, at the start, into the types below. All mistakes are reported together, each with its
//! key, its value and what is allowed. `packaging/anserd.toml` shows every setting with default, cost and danger.

mod app_server;
mod bridge;
mod current;
mod proxy;
mod reader;
mod source;
mod time_zone;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anser_protocol::limits::{
    ALIAS_DEVICES_DEFAULT, GROUP_MEMBERS_DEFAULT, GROUP_MEMBERS_TOP_DEFAULT, ROOM_MEMBERS_DEFAULT,
};
use log::LevelFilter;

pub use app_server::{EventCallback, MessageCallback, MessageCheck, PasswordCallback};
pub use bridge::{ApnsAuth, ApnsConfig, BridgeConfig, BridgeKind, FcmConfig, WebPushConfig, WebhookConfig};
pub use current::{AT_NEXT_START, AT_ONCE, Current, Merged, merge};
pub use proxy::Proxy;
pub use reader::Mistake;
pub use source::{Flags, read, read_text};
pub use time_zone::TimeZone;

use crate::bridge::{Origin, Url};
use crate::link::session::Logins;
use crate::logging::ModuleLevel;
use crate::rest::rate::{Limits as Rates, UNLIMITED};
use reader::Reader;

/// Where the packaged daemon keeps its settings; read when no other file is named and this one exists.
pub const DEFAULT_FILE: &str = "/etc/anser/anserd.toml";
pub const DEFAULT_DATA_DIR: &str = "/var/lib/anser";
pub const DEFAULT_PORT: u16 = 8443;

const DAY: Duration = Duration::from_secs(86_400);

/// All settings, valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub data_dir: PathBuf,
    /// TCP and UDP. `[::]` serves IPv4 as well.
    pub listen: Vec<SocketAddr>,
    /// HTTP without TLS, for a proxy on this machine or in a private network; empty means off.
    pub plain_listen: Vec<SocketAddr>,
    /// `/metrics`, `/healthz` and `/readyz`, for this machine or a private network; empty means off.
    pub metrics_listen: Vec<SocketAddr>,
    /// Proxies before the daemon.
    pub proxy: Proxy,
    pub log_level: LevelFilter,
    /// Of modules whose level differs, as `link=debug`.
    pub log_levels: Vec<ModuleLevel>,
    /// All textual times of the REST APIs are in this zone.
    pub time_zone: TimeZone,
    pub tls: Tls,
    pub storage: Storage,
    pub retention: Retention,
    pub push: Push,
    pub password: Password,
    pub limits: Limits,
    /// Calls of an app in a minute.
    pub rates: Rates,
    pub heartbeat: Heartbeat,
    /// Sites whose pages may open a link, besides the daemon's own; empty: pages of any site.
    pub web_origins: Vec<Origin>,
    pub users: Users,
    /// Services of the makers of devices; none unless configured.
    pub bridges: Vec<BridgeConfig>,
    pub callback: Callbacks,
    /// App servers that are told of messages; none unless configured.
    pub message_callbacks: Vec<MessageCallback>,
    /// App servers that are told of what else happens.
    pub event_callbacks: Vec<EventCallback>,
    /// App servers that are asked before a message is accepted.
    pub message_checks: Vec<MessageCheck>,
    /// App servers that know the passwords of users who came without.
    pub password_callbacks: Vec<PasswordCallback>,
    /// Devices of another push service are waited for so long after their import; nothing: none is taken in.
    pub adopt_days: Option<u32>,
    pub media: Media,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// The operator's certificate chain and key; without them the daemon makes its own.
    pub own: Option<OwnCertificate>,
    /// More names and addresses for the self-made certificate; the names of one of an ACME authority.
    pub names: Vec<String>,
    pub acme: Option<Acme>,
}

/// An authority that gives out certificates by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Acme {
    /// The address of its directory.
    pub directory: String,
    /// Where it may write to, like `mailto:ops@example.com`.
    pub contact: Option<String>,
    /// Authorities to trust for the connection to it, in place of the system's.
    pub ca: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OwnCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    pub cache_bytes: usize,
    /// Between two looks at every stored row; nothing means never.
    pub scrub_every: Option<Duration>,
}

/// Days that the log keeps each class of records; nothing means for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Retention {
    pub chat_days: Option<u32>,
    pub room_days: Option<u32>,
    pub push_days: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// Pushes that wait for one device; the newest win.
    pub offline_limit: usize,
    /// Ignore unknown keys in push objects instead of refusing them with 1009.
    pub lenient_keys: bool,
    /// Take every cid of up to 64 characters, not only those that were given out.
    pub any_cid: bool,
    /// Say null, not "", for the alias and the mobile number that a device does not have.
    pub null_for_unset: bool,
    /// Count a batch of pushes as one call, not each of its pushes as one.
    pub batch_as_one_call: bool,
    /// Leave the master secret out when a developer's call makes or finds an app.
    pub hide_master_secret: bool,
    /// Where phones reach this daemon, for the URLs of stored images; nothing: by the name that the app server called.
    pub image_origin: Option<String>,
    /// Devices that were not seen for so many days get no pushes until they come back.
    pub inactive_days: Option<u32>,
}

/// What one argon2id hash costs; stored beside each hash, so a change holds for new passwords only.
#[derive(Clone, Debug, PartialEq)]
pub struct Password {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
    /// Hashes computed at the same time; each takes `memory_kib`.
    pub at_once: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    pub links: usize,
    /// Connections whose TLS handshake is not finished.
    pub half_open: usize,
    /// Members of a group that is made from now on, where its maker says nothing.
    pub group_members: u32,
    /// What a group's own maximum may be.
    pub group_members_top: u32,
    /// May all members of a private group change its name, description and avatar?
    pub members_edit_groups: bool,
    /// The same for chat rooms.
    pub room_members: u32,
    /// Devices that one alias is bound to.
    pub alias_devices: u32,
    /// Scheduled pushes of an app that have a firing ahead.
    pub schedules: u32,
    /// Messages of one user from devices in a minute; nothing means any number.
    pub sends_per_minute: Option<u32>,
    /// How long a message may be taken back.
    pub retract_seconds: u32,
    /// Of one app.
    pub sensitive_words: u32,
    /// Characters of one of them.
    pub sensitive_word_chars: u32,
}

/// Bounds for the heartbeat interval that a client may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    pub min: Duration,
    pub max: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Users {
    /// Only names of 4 to 128 bytes, as JMessage has it, instead of 1 to 128.
    pub strict_names: bool,
    /// Switching do-not-disturb off for everything is no mistake where it is off.
    pub lenient_mutes: bool,
    /// On how many devices of each kind a user may be logged in; 0: on any number.
    pub logins: Logins,
}

/// What users and app servers may upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// Of one file.
    pub upload_bytes: usize,
    /// Of all that one app keeps, unless it has its own; 0 means no limit.
    pub quota_bytes: u64,
    /// What neither a kept message nor an avatar names goes after so many days.
    pub unused_days: u32,
    /// How long an address is good.
    pub url_life: Duration,
    /// Where phones reach this daemon, for addresses of media; nothing: by the name that the caller used.
    pub origin: Option<String>,
}

impl Media {
    pub fn unused_ms(&self) -> u64 {
        u64::from(self.unused_days) * 86_400_000
    }
}

/// Where app servers may be told what became of their pushes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Callbacks {
    /// Empty means off.
    pub hosts: Vec<Origin>,
    /// Certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
}

impl Callbacks {
    /// The address of a callback, if the operator permits its host.
    pub fn permitted(&self, url: &str) -> Option<Url> {
        Url::parse(url).filter(|url| self.hosts.contains(&url.origin))
    }
}

/// Every key that may stand in the file, but for those of `[[bridge]]`, `[[message_callback]]`, `[[event_callback]]`,
/// `[[message_check]]` and `[[password_callback]]`. `limits.links` is `ANSER_LIMITS_LINKS` in the environment.
pub const KEYS: [&str; 68] = [
    "data_dir",
    "listen",
    "plain_listen",
    "metrics_listen",
    "proxy.trusted",
    "proxy.protocol_on",
    "log_level",
    "log_levels",
    "time_zone",
    "tls.certificate",
    "tls.key",
    "tls.names",
    "tls.acme_directory",
    "tls.acme_contact",
    "tls.acme_terms_agreed",
    "tls.acme_ca",
    "storage.cache_mib",
    "storage.scrub_days",
    "retention.chat_days",
    "retention.room_days",
    "retention.push_days",
    "push.offline_limit",
    "push.lenient_keys",
    "push.any_cid",
    "push.null_for_unset",
    "push.batch_as_one_call",
    "push.hide_master_secret",
    "push.image_origin",
    "push.inactive_days",
    "password.memory_kib",
    "password.passes",
    "password.lanes",
    "password.at_once",
    "limits.links",
    "limits.half_open",
    "limits.group_members",
    "limits.group_members_top",
    "limits.members_edit_groups",
    "limits.room_members",
    "limits.alias_devices",
    "limits.schedules",
    "limits.sends_per_minute",
    "limits.retract_seconds",
    "limits.sensitive_words",
    "limits.sensitive_word_chars",
    "rates.profile",
    "rates.push",
    "rates.report",
    "rates.device",
    "rates.schedule",
    "rates.files",
    "rates.im",
    "rates.broadcasts",
    "heartbeat.seconds",
    "web.origins",
    "users.strict_names",
    "users.lenient_mutes",
    "users.phones",
    "users.computers",
    "users.browsers",
    "media.upload_mib",
    "media.quota_mib",
    "media.unused_days",
    "media.url_hours",
    "media.origin",
    "imports.adopt_days",
    "callback.hosts",
    "callback.ca",
];

/// All of them: what `anserd check --list` prints.
pub fn known_keys() -> Vec<String> {
    KEYS.iter().map(|key| key.to_string()).chain(bridge::keys()).chain(app_server::keys()).collect()
}

impl Config {
    /// Takes every setting out of the reader; what is left there was unknown.
    fn take(reader: &mut Reader) -> Self {
        let listen = reader.addresses("listen").unwrap_or_else(|| vec![default_address()]);
        let plain_listen = reader.private_addresses("plain_listen").unwrap_or_default();
        Self {
            proxy: proxy::take(reader, &[&listen[..], &plain_listen[..]].concat()),
            data_dir: absolute(reader.path("data_dir").unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR))),
            listen,
            plain_listen,
            metrics_listen: reader.private_addresses("metrics_listen").unwrap_or_default(),
            log_level: reader.log_level("log_level").unwrap_or(LevelFilter::Info),
            log_levels: reader.log_levels("log_levels").unwrap_or_default(),
            time_zone: reader.time_zone("time_zone").unwrap_or(TimeZone::DEFAULT),
            tls: take_tls(reader),
            storage: Storage {
                cache_bytes: reader.number("storage.cache_mib", 4..=65_536).unwrap_or(64) << 20,
                scrub_every: some(reader.number("storage.scrub_days", 0..=365).unwrap_or(7)).map(|days| DAY * days),
            },
            retention: Retention {
                chat_days: some(reader.number("retention.chat_days", 0..=36_500).unwrap_or(60)),
                room_days: some(reader.number("retention.room_days", 0..=36_500).unwrap_or(60)),
                push_days: some(reader.number("retention.push_days", 0..=36_500).unwrap_or(30)),
            },
            push: Push {
                offline_limit: reader.number("push.offline_limit", 1..=1000).unwrap_or(5),
                lenient_keys: reader.switch("push.lenient_keys").unwrap_or(false),
                any_cid: reader.switch("push.any_cid").unwrap_or(false),
                null_for_unset: reader.switch("push.null_for_unset").unwrap_or(false),
                batch_as_one_call: reader.switch("push.batch_as_one_call").unwrap_or(false),
                hide_master_secret: reader.switch("push.hide_master_secret").unwrap_or(false),
                image_origin: reader.origin("push.image_origin"),
                inactive_days: some(reader.number("push.inactive_days", 0..=365).unwrap_or(255)),
            },
            password: take_password(reader),
            limits: Limits {
                links: reader.number("limits.links", 1..=10_000_000).unwrap_or(1_000_000),
                half_open: reader.number("limits.half_open", 1..=100_000).unwrap_or(1024),
                group_members: reader.number("limits.group_members", 2..=10_000).unwrap_or(GROUP_MEMBERS_DEFAULT),
                group_members_top: reader
                    .number("limits.group_members_top", 3..=10_000)
                    .unwrap_or(GROUP_MEMBERS_TOP_DEFAULT),
                members_edit_groups: reader.switch("limits.members_edit_groups").unwrap_or(false),
                room_members: reader.number("limits.room_members", 2..=1_000_000).unwrap_or(ROOM_MEMBERS_DEFAULT),
                alias_devices: reader.number("limits.alias_devices", 1..=1000).unwrap_or(ALIAS_DEVICES_DEFAULT),
                schedules: reader.number("limits.schedules", 1..=2000).unwrap_or(100),
                sends_per_minute: some(reader.number("limits.sends_per_minute", 0..=1_000_000).unwrap_or(60)),
                retract_seconds: reader.number("limits.retract_seconds", 1..=31_536_000).unwrap_or(180),
                sensitive_words: reader.number("limits.sensitive_words", 1..=2000).unwrap_or(100),
                sensitive_word_chars: reader.number("limits.sensitive_word_chars", 1..=100).unwrap_or(10),
            },
            rates: take_rates(reader),
            heartbeat: reader
                .range("heartbeat.seconds", 5..=3600)
                .map_or_else(Heartbeat::default, |(min, max)| Heartbeat { min: seconds(min), max: seconds(max) }),
            web_origins: reader.origins("web.origins").unwrap_or_default(),
            users: Users {
                strict_names: reader.switch("users.strict_names").unwrap_or(false),
                lenient_mutes: reader.switch("users.lenient_mutes").unwrap_or(false),
                logins: Logins {
                    phones: reader.number("users.phones", 0..=100).unwrap_or(1),
                    computers: reader.number("users.computers", 0..=100).unwrap_or(1),
                    browsers: reader.number("users.browsers", 0..=100).unwrap_or(1),
                },
            },
            bridges: bridge::take(reader),
            callback: Callbacks {
                hosts: reader.origins("callback.hosts").unwrap_or_default(),
                ca: reader.path("callback.ca"),
            },
            message_callbacks: app_server::take_callbacks(reader),
            event_callbacks: app_server::take_events(reader),
            message_checks: app_server::take_checks(reader),
            password_callbacks: app_server::take_password_callbacks(reader),
            adopt_days: some(reader.number("imports.adopt_days", 0..=3650).unwrap_or(90)),
            media: Media {
                upload_bytes: reader.number("media.upload_mib", 1..=1024).unwrap_or(8) << 20,
                quota_bytes: reader.number("media.quota_mib", 0..=1 << 30).unwrap_or(10_240) << 20,
                unused_days: reader.number("media.unused_days", 1..=3650).unwrap_or(7),
                url_life: seconds(reader.number("media.url_hours", 1..=8760).unwrap_or(24) * 3600),
                origin: reader.origin("media.origin"),
            },
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { min: seconds(15), max: seconds(600) }
    }
}

fn default_address() -> SocketAddr {
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), DEFAULT_PORT)
}

fn take_tls(reader: &mut Reader) -> Tls {
    let own = match (reader.path("tls.certificate"), reader.path("tls.key")) {
        (Some(certificate), Some(key)) => Some(OwnCertificate { certificate, key }),
        (None, None) => None,
        (Some(_), None) => reader.missing("tls.key", "the file of the private key belonging to tls.certificate"),
        (None, Some(_)) => reader.missing("tls.certificate", "the file of the certificate belonging to tls.key"),
    };
    let names = reader.host_names("tls.names").unwrap_or_default();
    let acme = take_acme(reader, &names);
    if let (Some(_), Some(acme)) = (&own, &acme) {
        let what = format!("tls.acme_directory = {:?}", acme.directory);
        reader.note(Mistake { what, allowed: "must not stand beside tls.certificate: one of the two".to_owned() });
    }
    Tls { own, names, acme }
}

fn take_acme(reader: &mut Reader, names: &[String]) -> Option<Acme> {
    let is_fine = |url: &Url| url.origin.is_tls;
    let directory = reader.url("tls.acme_directory", is_fine, "like https://acme-v02.api.letsencrypt.org/directory");
    let is_mail = |text: &str| text.starts_with("mailto:") && text.contains('@');
    let contact = reader.word("tls.acme_contact", "must be like \"mailto:ops@example.com\"", is_mail);
    let is_agreed = reader.switch("tls.acme_terms_agreed").unwrap_or(false);
    let ca = reader.path("tls.acme_ca");
    let directory = directory.map(|url| format!("{}{}", url.origin, url.path))?;
    let fault = |what: String, allowed: &str| Some(Mistake { what, allowed: allowed.to_owned() });
    // The authority looks on port 443 of a name; it gives out nothing for addresses, and wildcards by DNS only.
    let odd = names.iter().find(|name| name.starts_with('*') || name.parse::<IpAddr>().is_ok());
    let mistake = match (is_agreed, names.is_empty(), odd) {
        (false, ..) => fault(
            "tls.acme_terms_agreed is missing".to_owned(),
            "must be true: the authority gives out certificates to those who agree to its terms of service",
        ),
        (_, true, _) => fault("tls.names is missing".to_owned(), "must name the hosts that the certificate is for"),
        (_, _, Some(name)) => fault(format!("tls.names = {name:?}"), "must be host names without * for ACME"),
        (true, false, None) => None,
    };
    match mistake {
        Some(mistake) => {
            reader.note(mistake);
            None
        }
        None => Some(Acme { directory, contact, ca }),
    }
}

fn take_rates(reader: &mut Reader) -> Rates {
    let profile = match reader.choice("rates.profile", &["unlimited", "cloud"]).as_deref() {
        Some("cloud") => Rates::CLOUD,
        _ => Rates::UNLIMITED,
    };
    let mut rate = |key, of_profile| reader.number(key, 1..=u64::from(UNLIMITED)).unwrap_or(of_profile);
    Rates {
        push: rate("rates.push", profile.push),
        report: rate("rates.report", profile.report),
        device: rate("rates.device", profile.device),
        schedule: rate("rates.schedule", profile.schedule),
        files: rate("rates.files", profile.files),
        im: rate("rates.im", profile.im),
        broadcasts: rate("rates.broadcasts", profile.broadcasts),
    }
}

fn take_password(reader: &mut Reader) -> Password {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let lanes = reader.number("password.lanes", 1..=16).unwrap_or(1);
    Password {
        // argon2 wants eight blocks of 1 KiB for each lane.
        memory_kib: reader.number("password.memory_kib", 8 * u64::from(lanes)..=1_048_576).unwrap_or(19_456),
        passes: reader.number("password.passes", 1..=100).unwrap_or(2),
        lanes,
        at_once: reader.number("password.at_once", 1..=64).unwrap_or(cores.div_ceil(2)),
    }
}

/// So that what is printed can be used from any folder.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// 0 says that there is no such number.
fn some(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
