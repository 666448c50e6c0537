//! Takes typed values out of raw settings and collects what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use anser_storage::AddressRange;
use config::{Value, ValueKind};
use log::LevelFilter;

use super::TimeZone;
use crate::bridge::{Origin, Url};
use crate::logging::ModuleLevel;

/// One thing wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Key and value as they were given, and where.
    pub what: String,
    /// What would be right.
    pub allowed: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.allowed)
    }
}

/// Raw settings by dotted key, and the mistakes found so far. A taken setting is gone.
pub(super) struct Reader {
    values: BTreeMap<String, Value>,
    /// Names the file in mistakes about values that came from it.
    file: String,
    mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) fn new(tree: BTreeMap<String, Value>, file: String) -> Self {
        let mut values = BTreeMap::new();
        for (key, value) in tree {
            flatten(key, value, &mut values);
        }
        Self { values, file, mistakes: Vec::new() }
    }

    /// All mistakes, with those about settings that nobody took.
    pub(super) fn finish(mut self, known: &[&str]) -> Vec<Mistake> {
        let unknown: Vec<_> = std::mem::take(&mut self.values).into_iter().collect();
        for (key, value) in unknown {
            let allowed = match nearest(&without_numbers(&key), known) {
                Some(near) => format!("unknown setting; did you mean {near}?"),
                None => "unknown setting; `anserd check --list` names all of them".to_owned(),
            };
            self.mistakes.push(Mistake { what: self.describe(&key, &value), allowed });
        }
        self.mistakes
    }

    /// Whether a setting is there and not taken yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The tables of `[[key]]`, as prefixes of the keys of their settings: `key[1]` is the first.
    pub(super) fn tables(&mut self, key: &str) -> Vec<String> {
        let single = format!("{key}.");
        let singles: Vec<String> = self.values.keys().filter(|name| name.starts_with(&single)).cloned().collect();
        if !singles.is_empty() {
            singles.iter().for_each(|name| drop(self.values.remove(name)));
            let what = format!("[{key}] ({})", self.file);
            self.mistakes.push(Mistake { what, allowed: format!("must be written [[{key}]]: there may be many") });
        }
        let tables =
            self.parse(key, &format!("must be tables, each under a line [[{key}]]"), |value| match value.kind {
                ValueKind::Array(items) => {
                    items.iter().all(|item| matches!(item.kind, ValueKind::Table(_))).then_some(items)
                }
                _ => None,
            });
        let mut prefixes = Vec::new();
        for (number, table) in (1..).zip(tables.unwrap_or_default()) {
            let prefix = format!("{key}[{number}]");
            flatten(prefix.clone(), table, &mut self.values);
            prefixes.push(prefix);
        }
        prefixes
    }

    /// Notes that what is left of a table, but known in others of its name, is in the wrong place.
    pub(super) fn misplaced(&mut self, table: &str, known: &[String], allowed: &str) {
        let left: Vec<_> = self.values.iter().filter(|(key, _)| is_under(key, table)).collect();
        let wrong: Vec<String> =
            left.into_iter().map(|(key, _)| key.clone()).filter(|key| known.contains(&without_numbers(key))).collect();
        for key in wrong {
            if let Some(value) = self.values.remove(&key) {
                self.mistakes.push(Mistake { what: self.describe(&key, &value), allowed: allowed.to_owned() });
            }
        }
    }

    /// Leaves the rest of a table unread, because a mistake that is noted already makes it meaningless.
    pub(super) fn drop_under(&mut self, table: &str) {
        self.values.retain(|key, _| !is_under(key, table));
    }

    pub(super) fn word(&mut self, key: &str, allowed: &str, is_fine: impl Fn(&str) -> bool) -> Option<String> {
        self.parse(key, allowed, |value| text(value).filter(|text| is_fine(text)))
    }

    pub(super) fn url(&mut self, key: &str, is_fine: impl Fn(&Url) -> bool, detail: &str) -> Option<Url> {
        self.parse(key, &format!("must be an https:// address, {detail}"), |value| {
            Url::parse(&text(value)?).filter(|url| is_fine(url))
        })
    }

    /// Servers that may be called; passwords do not travel in the clear to others than private ones.
    pub(super) fn origins(&mut self, key: &str) -> Option<Vec<Origin>> {
        let allowed = "must be servers without a path, like [\"https://app.example.com\"]; \
                       http:// only on this machine or in a private network";
        self.parse(key, allowed, |value| {
            let urls: Option<Vec<Url>> = list(value)?.iter().map(|text| Url::parse(text)).collect();
            let urls = urls?;
            let are_fine = urls.iter().all(|url| url.path == "/" && url.is_private_or_tls());
            are_fine.then(|| urls.into_iter().map(|url| url.origin).collect())
        })
    }

    /// Names of vendors.
    pub(super) fn names(&mut self, key: &str) -> Option<Vec<String>> {
        let is_name = |name: &String| {
            name == "*" || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        };
        let allowed = "must be names of letters and digits, like [\"xiaomi\", \"huawei\"], or [\"*\"] for all";
        self.parse(key, allowed, |value| list(value).filter(|names| names.iter().all(is_name)))
    }

    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.parse(key, "must be a path", |value| text(value).filter(|text| !text.is_empty()).map(PathBuf::from))
    }

    pub(super) fn switch(&mut self, key: &str) -> Option<bool> {
        self.parse(key, "must be true or false", |value| match value.kind {
            ValueKind::Boolean(on) => Some(on),
            ValueKind::String(word) => word.parse().ok(),
            _ => None,
        })
    }

    pub(super) fn number<N: TryFrom<u64>>(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<N> {
        let allowed = format!("must be a whole number from {} to {}", range.start(), range.end());
        self.parse(key, &allowed, |value| {
            let number = value.into_uint().ok().filter(|number| range.contains(number))?;
            N::try_from(number).ok()
        })
    }

    /// Two numbers, the lower one first.
    pub(super) fn range(&mut self, key: &str, bounds: RangeInclusive<u64>) -> Option<(u64, u64)> {
        let allowed =
            format!("must be two whole numbers from {} to {}, the lower one first", bounds.start(), bounds.end());
        self.parse(key, &allowed, |value| match list(value)?.as_slice() {
            [min, max] => {
                let (min, max) = (min.trim().parse().ok()?, max.trim().parse().ok()?);
                (bounds.contains(&min) && bounds.contains(&max) && min <= max).then_some((min, max))
            }
            _ => None,
        })
    }

    pub(super) fn addresses(&mut self, key: &str) -> Option<Vec<SocketAddr>> {
        let allowed = "must be addresses with ports, like \"[::]:8443\" or \"127.0.0.1:8443\"";
        self.parse(key, allowed, |value| all_parsed(list(value)?).filter(|addresses| !addresses.is_empty()))
    }

    pub(super) fn private_addresses(&mut self, key: &str) -> Option<Vec<SocketAddr>> {
        let allowed = "must be loopback or private addresses with ports, like \"127.0.0.1:8080\": \
                       passwords would travel in the clear on any other";
        self.parse(key, allowed, |value| {
            all_parsed(list(value)?).filter(|addresses: &Vec<SocketAddr>| addresses.iter().all(is_private))
        })
    }

    /// Addresses and ranges of addresses.
    pub(super) fn ranges(&mut self, key: &str) -> Option<Vec<AddressRange>> {
        let allowed = "must be addresses or ranges, like [\"10.0.0.7\", \"10.1.0.0/16\"]";
        self.parse(key, allowed, |value| super::proxy::ranges(&list(value)?))
    }

    pub(super) fn host_names(&mut self, key: &str) -> Option<Vec<String>> {
        let allowed = "must be host names or IP addresses, like \"push.example.com\"";
        self.parse(key, allowed, |value| list(value).filter(|names| names.iter().all(|name| is_host_name(name))))
    }

    /// Scheme, host and port of a web address, and nothing behind them.
    pub(super) fn origin(&mut self, key: &str) -> Option<String> {
        let allowed = "must be the beginning of a web address, like \"https://push.example.com:8443\"";
        self.parse(key, allowed, |value| text(value).filter(|text| is_origin(text)))
    }

    pub(super) fn log_level(&mut self, key: &str) -> Option<LevelFilter> {
        self.parse(key, "must be off, error, warn, info, debug or trace", |value| text(value)?.parse().ok())
    }

    /// Levels of modules.
    pub(super) fn log_levels(&mut self, key: &str) -> Option<Vec<ModuleLevel>> {
        let allowed = format!(
            "must be modules with their levels, like [\"link=debug\", \"rest=trace\"]; modules are {}",
            ModuleLevel::names()
        );
        self.parse(key, &allowed, |value| all_parsed(list(value)?))
    }

    /// One of some words.
    pub(super) fn choice(&mut self, key: &str, words: &[&str]) -> Option<String> {
        let allowed = format!("must be one of {}", words.join(", "));
        self.parse(key, &allowed, |value| text(value).filter(|text| words.contains(&text.as_str())))
    }

    /// Some of some words, at least one.
    pub(super) fn list_of(&mut self, key: &str, words: &[&str]) -> Option<Vec<String>> {
        let allowed = format!("must be some of {}", words.join(", "));
        let is_fine =
            |names: &Vec<String>| !names.is_empty() && names.iter().all(|name| words.contains(&name.as_str()));
        self.parse(key, &allowed, |value| list(value).filter(is_fine))
    }

    pub(super) fn time_zone(&mut self, key: &str) -> Option<TimeZone> {
        let allowed = "must be an offset from UTC, like \"+08:00\" or \"-03:30\", or a time zone that this system knows \
                       (package tzdata), like \"Europe/Berlin\"";
        self.parse(key, allowed, |value| TimeZone::parse(&text(value)?))
    }

    /// Notes that a setting is needed because of another one.
    pub(super) fn missing<T>(&mut self, key: &str, what: &str) -> Option<T> {
        self.mistakes.push(Mistake { what: format!("{key} is missing"), allowed: format!("must name {what}") });
        None
    }

    pub(super) fn note(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    fn parse<T>(&mut self, key: &str, allowed: &str, parse: impl FnOnce(Value) -> Option<T>) -> Option<T> {
        let value = self.values.remove(key)?;
        let what = self.describe(key, &value);
        let parsed = parse(value);
        if parsed.is_none() {
            self.mistakes.push(Mistake { what, allowed: allowed.to_owned() });
        }
        parsed
    }

    fn describe(&self, key: &str, value: &Value) -> String {
        let shown: String = shown(value).chars().take(120).collect();
        format!("{key} = {shown} ({})", value.origin().unwrap_or(&self.file))
    }
}

fn is_under(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'))
}

/// `bridge[2].topic` is the key `bridge.topic` of one of many tables.
fn without_numbers(key: &str) -> String {
    match (key.find('['), key.find("].")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &key[..from], &key[to + 1..]),
        _ => key.to_owned(),
    }
}

/// Tables become dotted keys. An empty table is nothing.
fn flatten(key: String, value: Value, into: &mut BTreeMap<String, Value>) {
    match value.kind {
        ValueKind::Table(table) => {
            let ordered: BTreeMap<_, _> = table.into_iter().collect();
            for (name, value) in ordered {
                flatten(format!("{key}.{name}"), value, into);
            }
        }
        _ => {
            into.insert(key, value);
        }
    }
}

/// A value as it would stand in the file.
fn shown(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn text(value: Value) -> Option<String> {
    match value.kind {
        ValueKind::String(text) => Some(text),
        _ => None,
    }
}

/// An array, or one text with commas (as in the environment).
fn list(value: Value) -> Option<Vec<String>> {
    match value.kind {
        ValueKind::Array(items) => items.into_iter().map(|item| item.into_string().ok()).collect(),
        ValueKind::String(text) if text.trim().is_empty() => Some(Vec::new()),
        ValueKind::String(text) => Some(text.split(',').map(|item| item.trim().to_owned()).collect()),
        _ => None,
    }
}

fn all_parsed<T: std::str::FromStr>(items: Vec<String>) -> Option<Vec<T>> {
    items.iter().map(|item| item.parse().ok()).collect()
}

fn is_private(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn is_origin(text: &str) -> bool {
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    (1..=255).contains(&authority.len())
        && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

fn is_host_name(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
        || (!name.is_empty()
            && name.len() <= 253
            && name.trim_start_matches("*.").split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            }))
}

/// The known key that shares the last part or nearly all letters; a help for typing mistakes only.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |candidate: &str| letters_apart(key, candidate).min(last_parts_apart(key, candidate));
    known.iter().copied().min_by_key(|candidate| distance(candidate)).filter(|candidate| distance(candidate) <= 2)
}

fn last_parts_apart(key: &str, candidate: &str) -> usize {
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    if last(key) == last(candidate) { 1 } else { usize::MAX }
}

/// Levenshtein distance, row by row.
fn letters_apart(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_one_wrong_letter_is_recognised() {
        assert_eq!(nearest("limits.link", &["limits.links", "listen"]), Some("limits.links"));
        assert_eq!(nearest("half_open", &["limits.half_open", "listen"]), Some("limits.half_open"));
        assert_eq!(nearest("colour", &["limits.half_open", "listen"]), None);
    }
}
