//! `[[bridge]]`: the services of the makers of devices, off until configured.

use std::path::PathBuf;

use super::reader::Reader;
use crate::bridge::Url;

/// One bridge.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeConfig {
    /// Nothing means every app.
    pub app: Option<String>,
    /// Chat messages wake sleeping devices too, not only pushes.
    pub wake_for_chat: bool,
    /// Certificate authorities to trust in place of the system's.
    pub ca: Option<PathBuf>,
    pub kind: BridgeKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum BridgeKind {
    Apns(ApnsConfig),
    Fcm(FcmConfig),
    WebPush(WebPushConfig),
    Webhook(WebhookConfig),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ApnsConfig {
    /// The bundle id of the app, unless its uploaded certificate says one.
    pub topic: String,
    pub auth: ApnsAuth,
    /// Apps for which a developer uploaded a certificate use that.
    pub uploaded_certificates: bool,
    pub url: Url,
    pub sandbox_url: Url,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ApnsAuth {
    Token {
        key: PathBuf,
        key_id: String,
        team_id: String,
    },
    Certificate {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// Only what developers upload.
    Uploaded,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FcmConfig {
    pub service_account: PathBuf,
    pub url: Url,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WebPushConfig {
    /// Where push services reach the operator: `mailto:` or `https:`.
    pub subject: String,
    /// Let devices name hosts in private networks.
    pub allow_private: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WebhookConfig {
    pub url: Url,
    pub secret_file: PathBuf,
    /// `*` means all.
    pub vendors: Vec<String>,
    /// Takes text messages for those who did not receive a push.
    pub sms: bool,
}

const SHARED_KEYS: [&str; 4] = ["kind", "app", "ca", "wake_for_chat"];
const KINDS: [(&str, &[&str]); 4] = [
    ("apns", &["topic", "key", "key_id", "team_id", "certificate", "uploaded_certificates", "url", "sandbox_url"]),
    ("fcm", &["service_account", "url"]),
    ("web_push", &["subject", "allow_private"]),
    ("webhook", &["url", "secret_file", "vendors", "sms"]),
];

/// Every key that may stand in a `[[bridge]]`, as `bridge.key`.
pub fn keys() -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in SHARED_KEYS.iter().chain(KINDS.iter().flat_map(|(_, keys)| keys.iter())) {
        let key = format!("bridge.{key}");
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

pub(super) fn take(reader: &mut Reader) -> Vec<BridgeConfig> {
    reader.tables("bridge").iter().filter_map(|table| take_one(&mut Table { reader, table })).collect()
}

/// The settings of one bridge.
struct Table<'a> {
    reader: &'a mut Reader,
    /// Like `bridge[1]`.
    table: &'a str,
}

impl Table<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.table)
    }

    fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.reader.path(&self.key(key))
    }

    fn switch(&mut self, key: &str) -> bool {
        self.reader.switch(&self.key(key)).unwrap_or(false)
    }

    fn word(&mut self, key: &str, allowed: &str, is_fine: impl Fn(&str) -> bool) -> Option<String> {
        self.reader.word(&self.key(key), allowed, is_fine)
    }

    /// An address, or the usual one.
    fn url(&mut self, key: &str, usual: &str) -> Option<Url> {
        let key = self.key(key);
        match self.reader.has(&key) {
            true => self.reader.url(&key, |url| url.origin.is_tls && url.path == "/", "without a path"),
            false => Url::parse(usual),
        }
    }

    fn missing<T>(&mut self, key: &str, what: &str) -> Option<T> {
        self.reader.missing(&self.key(key), what)
    }

    /// A setting that must be there: a mistake in it is told already, its absence is told here.
    fn need<T>(&mut self, key: &str, what: &str, take: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.reader.has(&self.key(key)) { take(self) } else { self.missing(key, what) }
    }

    fn need_path(&mut self, key: &str, what: &str) -> Option<PathBuf> {
        self.need(key, what, |table| table.path(key))
    }
}

fn take_one(table: &mut Table<'_>) -> Option<BridgeConfig> {
    let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    let kind_key = table.key("kind");
    let what = format!("the kind of bridge: one of {}", names.join(", "));
    let kind = table.need("kind", &what, |table| table.reader.choice(&kind_key, &names));
    let allowed = "must be an app key (letters and digits), or \"*\" for all apps";
    let app = table.need("app", "an app key, or \"*\" for all apps", |table| table.word("app", allowed, is_app));
    let (ca, wake_for_chat) = (table.path("ca"), table.switch("wake_for_chat"));
    let Some(kind) = kind else {
        // Without the kind nobody can say what belongs here.
        table.reader.drop_under(table.table);
        return None;
    };
    let taken = match kind.as_str() {
        "apns" => take_apns(table).map(BridgeKind::Apns),
        "fcm" => take_fcm(table).map(BridgeKind::Fcm),
        "web_push" => take_web_push(table).map(BridgeKind::WebPush),
        _ => take_webhook(table).map(BridgeKind::Webhook),
    };
    let own = KINDS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    table.reader.misplaced(
        table.table,
        &keys(),
        &format!("not a setting of kind {kind}, which has {}", own.join(", ")),
    );
    Some(BridgeConfig { app: app.filter(|app| app != "*"), wake_for_chat, ca, kind: taken? })
}

fn take_apns(table: &mut Table<'_>) -> Option<ApnsConfig> {
    let topic = table.need("topic", "the app's bundle id", |table| {
        table.word("topic", "must be a bundle id, like \"com.example.app\"", |word| is_visible(word, 255))
    });
    let (url, sandbox_url) = (
        table.url("url", "https://api.push.apple.com"),
        table.url("sandbox_url", "https://api.sandbox.push.apple.com"),
    );
    let uploaded_certificates = table.switch("uploaded_certificates");
    let auth = take_apns_auth(table, uploaded_certificates);
    Some(ApnsConfig { topic: topic?, auth: auth?, uploaded_certificates, url: url?, sandbox_url: sandbox_url? })
}

fn take_apns_auth(table: &mut Table<'_>, uploaded_certificates: bool) -> Option<ApnsAuth> {
    let own = ["certificate", "key", "key_id", "team_id"];
    if uploaded_certificates && !own.iter().any(|key| table.reader.has(&table.key(key))) {
        return Some(ApnsAuth::Uploaded);
    }
    if table.reader.has(&table.key("certificate")) {
        let (certificate, key) =
            (table.path("certificate"), table.need_path("key", "the file of the private key belonging to certificate"));
        return Some(ApnsAuth::Certificate { certificate: certificate?, key: key? });
    }
    let key = table.need_path("key", "the .p8 file from Apple, or with certificate the file of its private key");
    let mut id = |key: &str, what: &str| {
        let allowed = "must be the ten letters and digits that Apple shows";
        let is_id = |word: &str| word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        table.need(key, what, |table| table.word(key, allowed, is_id))
    };
    let (key_id, team_id) = (id("key_id", "the id of the key in Apple's account"), id("team_id", "the id of the team"));
    Some(ApnsAuth::Token { key: key?, key_id: key_id?, team_id: team_id? })
}

fn take_fcm(table: &mut Table<'_>) -> Option<FcmConfig> {
    let service_account = table.need_path("service_account", "the JSON file of a service account from Firebase");
    let url = table.url("url", "https://fcm.googleapis.com");
    Some(FcmConfig { service_account: service_account?, url: url? })
}

fn take_web_push(table: &mut Table<'_>) -> Option<WebPushConfig> {
    let allowed = "must begin with \"mailto:\" or \"https://\"";
    let is_contact = |word: &str| {
        is_visible(word, 255)
            && ["mailto:", "https://"].iter().any(|begin| word.len() > begin.len() && word.starts_with(begin))
    };
    let what = "where push services reach you, like \"mailto:operator@example.com\"";
    let subject = table.need("subject", what, |table| table.word("subject", allowed, is_contact));
    let allow_private = table.switch("allow_private");
    Some(WebPushConfig { subject: subject?, allow_private })
}

fn take_webhook(table: &mut Table<'_>) -> Option<WebhookConfig> {
    let url_key = table.key("url");
    let url = table.need("url", "the address of your server", |table| {
        let plain = "or http:// on this machine or in a private network";
        table.reader.url(&url_key, Url::is_private_or_tls, plain)
    });
    let secret_file = table.need_path("secret_file", "a file with a secret of at least 16 bytes");
    let key = table.key("vendors");
    let (vendors, sms) = (table.reader.names(&key).unwrap_or_default(), table.switch("sms"));
    if vendors.is_empty() && !sms {
        return table.missing("vendors", "what the webhook is for: vendors = [\"xiaomi\"] or [\"*\"], or sms = true");
    }
    Some(WebhookConfig { url: url?, secret_file: secret_file?, vendors, sms })
}

pub(super) fn is_app(word: &str) -> bool {
    word == "*" || ((1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn is_visible(word: &str, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
