//! `[[message_callback]]`, `[[event_callback]]`, `[[message_check]]` and `[[password_callback]]`: app servers that are told of
//! messages after they were accepted and of what else happens, asked before, and asked about the passwords of users who have
//! none here.

use std::time::Duration;

use anser_storage::command::{EventFamilies, EventFamily};

use super::reader::Reader;
use crate::bridge::Url;

/// A server that hears of every message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageCallback {
    /// Nothing means every app.
    pub app: Option<String>,
    pub url: Url,
    /// Also of what the app's server sent itself.
    pub rest_sent: bool,
}

/// A server that hears of what happens besides messages.
#[derive(Clone, Debug, PartialEq)]
pub struct EventCallback {
    /// Nothing means every app.
    pub app: Option<String>,
    pub url: Url,
    pub families: EventFamilies,
}

/// What `kinds` may name.
const FAMILIES: [(&str, EventFamily); 6] = [
    ("groups", EventFamily::Groups),
    ("messages", EventFamily::Messages),
    ("users", EventFamily::Users),
    ("friends", EventFamily::Friends),
    ("rooms", EventFamily::Rooms),
    ("room_members", EventFamily::RoomMembers),
];

/// A server that is asked whether a message may be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageCheck {
    pub app: Option<String>,
    pub url: Url,
    pub wait: Duration,
    /// What becomes of a message when there is no answer in time.
    pub allows_unanswered: bool,
}

/// A server that knows the passwords of users who came without.
#[derive(Clone, Debug, PartialEq)]
pub struct PasswordCallback {
    pub app: Option<String>,
    pub url: Url,
    pub wait: Duration,
}

const CALLBACK: &str = "message_callback";
const EVENTS: &str = "event_callback";
const CHECK: &str = "message_check";
const PASSWORD: &str = "password_callback";
const CALLBACK_KEYS: [&str; 3] = ["app", "url", "rest_sent"];
const EVENT_KEYS: [&str; 3] = ["app", "url", "kinds"];
const CHECK_KEYS: [&str; 4] = ["app", "url", "wait_ms", "unanswered"];
const PASSWORD_KEYS: [&str; 3] = ["app", "url", "wait_ms"];

/// Every key that may stand in them.
pub fn keys() -> Vec<String> {
    let named = |table: &str, keys: &[&str]| keys.iter().map(|key| format!("{table}.{key}")).collect::<Vec<_>>();
    let told = [named(CALLBACK, &CALLBACK_KEYS), named(EVENTS, &EVENT_KEYS)].concat();
    [told, named(CHECK, &CHECK_KEYS), named(PASSWORD, &PASSWORD_KEYS)].concat()
}

pub(super) fn take_callbacks(reader: &mut Reader) -> Vec<MessageCallback> {
    let tables = reader.tables(CALLBACK);
    let each = tables.iter().filter_map(|table| {
        let (app, url) = (app(reader, table), message_url(reader, table));
        let rest_sent = reader.switch(&format!("{table}.rest_sent")).unwrap_or(true);
        Some(MessageCallback { app: app?, url: url?, rest_sent })
    });
    each.collect()
}

pub(super) fn take_events(reader: &mut Reader) -> Vec<EventCallback> {
    let tables = reader.tables(EVENTS);
    let each = tables.iter().filter_map(|table| {
        let (app, url) = (app(reader, table), message_url(reader, table));
        let families = families(reader, &format!("{table}.kinds"));
        Some(EventCallback { app: app?, url: url?, families })
    });
    each.collect()
}

/// Who comes into rooms and goes is told only where that is asked for: it happens as often as people look in.
fn families(reader: &mut Reader, key: &str) -> EventFamilies {
    let of = |name: &String| FAMILIES.iter().find(|(known, _)| known == name).map(|(_, family)| *family);
    let named = reader.list_of(key, &FAMILIES.map(|(name, _)| name));
    match named {
        Some(names) => names.iter().filter_map(of).collect(),
        None => EventFamily::ALL.into_iter().filter(|family| *family != EventFamily::RoomMembers).collect(),
    }
}

pub(super) fn take_checks(reader: &mut Reader) -> Vec<MessageCheck> {
    let tables = reader.tables(CHECK);
    let each = tables.iter().filter_map(|table| {
        let (app, url) = (app(reader, table), message_url(reader, table));
        let wait_ms: u64 = reader.number(&format!("{table}.wait_ms"), 100..=10_000).unwrap_or(1000);
        let unanswered = reader.choice(&format!("{table}.unanswered"), &["allow", "refuse"]);
        let allows_unanswered = unanswered.is_none_or(|unanswered| unanswered == "allow");
        Some(MessageCheck { app: app?, url: url?, wait: Duration::from_millis(wait_ms), allows_unanswered })
    });
    each.collect()
}

pub(super) fn take_password_callbacks(reader: &mut Reader) -> Vec<PasswordCallback> {
    let tables = reader.tables(PASSWORD);
    let each = tables.iter().filter_map(|table| {
        let app = app(reader, table);
        let url = url(reader, table, Url::is_loopback_or_tls, "or http:// on this machine: passwords travel there");
        let wait_ms: u64 = reader.number(&format!("{table}.wait_ms"), 500..=10_000).unwrap_or(5000);
        Some(PasswordCallback { app: app?, url: url?, wait: Duration::from_millis(wait_ms) })
    });
    each.collect()
}

/// `*` is nothing: every app.
fn app(reader: &mut Reader, table: &str) -> Option<Option<String>> {
    let key = format!("{table}.app");
    if !reader.has(&key) {
        return reader.missing(&key, "an app key, or \"*\" for all apps");
    }
    let app =
        reader.word(&key, "must be an app key (letters and digits), or \"*\" for all apps", super::bridge::is_app)?;
    Some(Some(app).filter(|app| app != "*"))
}

fn message_url(reader: &mut Reader, table: &str) -> Option<Url> {
    url(reader, table, Url::is_private_or_tls, "or http:// on this machine or in a private network")
}

fn url(reader: &mut Reader, table: &str, is_safe: fn(&Url) -> bool, or: &str) -> Option<Url> {
    let key = format!("{table}.url");
    match reader.has(&key) {
        true => reader.url(&key, is_safe, or),
        false => reader.missing(&key, "the address of the app's server"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Flags, read_text};
    use super::*;

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        let read = read_text(text, "anserd.toml".to_owned(), &Flags::default(), std::iter::empty());
        read.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let text = "[[message_callback]]\napp = \"*\"\nurl = \"https://a.example.com/m\"\n\
                    [[message_check]]\napp = \"k1\"\nurl = \"http://10.0.0.5/m\"\nunanswered = \"refuse\"\n";
        let config = parse(text).expect("valid");
        let url = Url::parse("https://a.example.com/m").expect("an address");
        assert_eq!(config.message_callbacks, [MessageCallback { app: None, url, rest_sent: true }]);
        let check = &config.message_checks[0];
        assert_eq!(
            (check.app.as_deref(), check.wait, check.allows_unanswered),
            (Some("k1"), Duration::from_secs(1), false)
        );
    }

    #[test]
    fn passwords_go_over_tls_or_stay_on_this_machine() {
        let of = |url: &str| parse(&format!("[[password_callback]]\napp = \"*\"\nurl = \"{url}\"\n"));
        let config = of("http://127.0.0.1:9/login").expect("valid");
        assert_eq!(config.password_callbacks[0].wait, Duration::from_secs(5));
        of("https://app.example.com/login").expect("valid");
        for url in ["http://10.0.0.5/login", "http://app.example.com/login"] {
            assert!(of(url).expect_err("in the clear")[0].contains("password_callback[1].url"), "{url}");
        }
    }

    #[test]
    fn kinds_of_events_can_be_chosen_and_unknown_ones_are_mistakes() {
        let text = |kinds: &str| format!("[[event_callback]]\napp = \"*\"\nurl = \"https://a.example.com/e\"\n{kinds}");
        let families = |text: String| parse(&text).expect("valid").event_callbacks[0].families;
        let usual = families(text(""));
        assert!(usual.contains(EventFamily::Groups) && !usual.contains(EventFamily::RoomMembers));
        let chosen = families(text("kinds = [\"room_members\", \"users\"]"));
        assert_eq!(chosen, [EventFamily::RoomMembers, EventFamily::Users].into_iter().collect());
        for wrong in ["kinds = [\"weather\"]", "kinds = []"] {
            let mistakes = parse(&text(wrong)).expect_err("a mistake");
            assert!(mistakes[0].contains("event_callback[1].kinds"), "{mistakes:?}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_key() {
        let text = "[[message_callback]]\nurl = \"http://a.example.com/m\"\nwait_ms = 5\n[[message_check]]\napp = \"*\"\nwait_ms = 5\n";
        let mistakes = parse(text).expect_err("five mistakes");
        for key in [
            "message_callback[1].app",
            "message_callback[1].url",
            "message_callback[1].wait_ms",
            "message_check[1].url",
            "message_check[1].wait_ms",
        ] {
            assert!(mistakes.iter().any(|mistake| mistake.contains(key)), "{key}: {mistakes:#?}");
        }
        assert_eq!(mistakes.len(), 5, "{mistakes:#?}");
    }
}
