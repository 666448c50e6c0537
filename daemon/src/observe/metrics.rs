//! The figures, under the names and units that `docs/metrics.md` lists.
//!
//! Every label has a closed list of values, and all of them exist from the start: no caller, app or user can make a new
//! series.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::noted::{COMMANDS, REFUSALS};

/// Of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    Tcp,
    Quic,
    WebSocket,
}

impl Transport {
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Quic, Self::WebSocket];

    pub fn name(self) -> &'static str {
        TRANSPORTS[self as usize]
    }
}

const TRANSPORTS: [&str; 3] = ["tcp", "quic", "websocket"];

/// How a login ended.
#[derive(Clone, Copy, Debug)]
pub enum Login {
    Done,
    WrongPassword,
    Busy,
}
const LOGINS: [&str; 3] = ["done", "wrong_password", "busy"];

/// What became of a command.
#[derive(Clone, Copy, Debug)]
pub enum Carried {
    Done,
    /// By a rule of the domain.
    Refused,
    /// The disk did not take it.
    Failed,
    /// The queue had no room.
    Busy,
}
const CARRIED: [&str; 4] = ["done", "refused", "failed", "busy"];

/// Where a message was sent to.
#[derive(Clone, Copy, Debug)]
pub enum Chat {
    Single,
    Group,
    Room,
}
const CHATS: [&str; 3] = ["single", "group", "room"];

/// A record that was handed to a link.
#[derive(Clone, Copy, Debug)]
pub enum Delivered {
    Message,
    Push,
    ReadMark,
    Room,
    /// Transparent commands, and that profiles changed.
    Passing,
}
const DELIVERED: [&str; 5] = ["message", "push", "read_mark", "room", "passing"];

/// What a link caught up with.
#[derive(Clone, Copy, Debug)]
pub enum CatchUp {
    Chats,
    Pushes,
    Rooms,
}
const CATCH_UPS: [&str; 3] = ["chats", "pushes", "rooms"];

/// Of calls, by whose codes they answer.
pub const REST_FAMILIES: [&str; 6] = ["push", "device", "report", "admin", "schedule", "im"];
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

type Label = [(&'static str, &'static str); 1];
type Labels = [(&'static str, &'static str); 2];

/// All of it. Counters are counted where something happens, gauges are set when somebody looks.
pub struct Metrics {
    registry: Registry,
    pub links: [Gauge; 3],
    pub links_opened: [Counter; 3],
    pub logins: [Counter; 3],
    pub messages: [Counter; 3],
    pub deliveries: [Counter; 5],
    pub catch_ups: [Counter; 3],
    pub fell_behind: Counter,
    pub kicked: Counter,
    pub commands: Vec<[Counter; 4]>,
    pub command_seconds: Histogram,
    pub refusals: Vec<Counter>,
    pub batch_commands: Histogram,
    pub batch_seconds: Histogram,
    pub commit_seconds: Histogram,
    pub batches_failed: Counter,
    pub pushes_accepted: Counter,
    pub push_targets: Counter,
    pub pushes_sent: Counter,
    pub pushes_received: Counter,
    pub pushes_shown: Counter,
    pub pushes_clicked: Counter,
    pub pushes_bridged: Counter,
    pub pushes_texted: Counter,
    pub rest_requests: Vec<[Counter; 5]>,
    pub rest_seconds: Vec<Histogram>,
    pub now: Now,
}

/// What is measured when somebody looks.
pub struct Now {
    pub info: Family<Label, Gauge>,
    pub uptime_seconds: Gauge,
    pub ready: Gauge,
    pub connections: Gauge,
    pub connections_max: Gauge,
    pub devices: Gauge,
    pub users: Gauge,
    pub apps: Gauge,
    pub position: Gauge,
    pub queue_commands: Gauge,
    pub queue_bytes: Gauge,
    pub passwords_waiting: Gauge,
    pub store_bytes: Gauge,
    pub disk_free_bytes: Gauge,
    pub damaged_rows: Gauge,
    pub memory_bytes: Gauge,
    pub open_files: Gauge,
    pub open_files_max: Gauge,
    pub log_lines: Vec<Counter>,
    pub log_lines_dropped: Counter,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("anserd");
        let r = &mut registry;
        let links = gauges(r, "links", "Open links of devices, by transport", "transport", TRANSPORTS);
        let links_opened = counters(r, "links_opened", "Links that were opened", "transport", TRANSPORTS);
        let logins = counters(r, "logins", "Logins of users over links, by how they ended", "result", LOGINS);
        let messages = counters(r, "messages", "Messages that were accepted, by where they went", "chat", CHATS);
        let deliveries =
            counters(r, "deliveries", "Records handed to links as they were made, by kind", "kind", DELIVERED);
        let catch_ups = counters(r, "catch_ups", "Times that a link read the log to catch up", "kind", CATCH_UPS);
        let fell_behind =
            counter(r, "links_fell_behind", "Times that a link did not take what came, and must read the log");
        let kicked = counter(r, "links_kicked", "Links that an operator ended");
        let kinds = COMMANDS.map(|kind| CARRIED.map(|result| [("kind", kind), ("result", result)]));
        let commands = table(r, "commands", "Changes that the store was asked for, by kind and result", &kinds);
        let command_seconds = histogram(r, "command", "From handing a change to the store until it was answered");
        let refusals =
            counters(r, "refusals", "Changes refused by a rule, by what the rule is about", "family", REFUSALS);
        let batch_commands = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]);
        r.register("batch_commands", "Changes that were stored with one commit", batch_commands.clone());
        let batch_seconds = histogram(r, "batch", "Carrying out and committing one batch");
        let commit_seconds = histogram(r, "commit", "The commit of one batch: what the disk takes");
        let batches_failed = counter(r, "batches_failed", "Batches that the disk did not take");
        let pushes_accepted = counter(r, "pushes_accepted", "Pushes that were accepted");
        let push_targets = counter(r, "push_targets", "Devices that accepted pushes were for");
        let pushes_sent = counter(r, "pushes_sent", "Pushes written to a link, once for each time");
        let pushes_received = counter(r, "pushes_received", "Receipts of pushes that devices reported");
        let pushes_shown = counter(r, "pushes_shown", "Reports of devices that a push was shown");
        let pushes_clicked = counter(r, "pushes_clicked", "Reports of devices that a push was clicked");
        let pushes_bridged = counter(r, "pushes_bridged", "Devices for which a bridge took a push");
        let pushes_texted = counter(r, "pushes_texted", "Devices for which a text message was handed over");
        let calls = REST_FAMILIES.map(|family| STATUSES.map(|status| [("family", family), ("status", status)]));
        let rest_requests = table(r, "rest_requests", "Requests of app servers that were answered", &calls);
        let rest_seconds = Family::<Label, Histogram>::new_with_constructor(seconds);
        r.register_with_unit("rest", "From a request to its answer", Unit::Seconds, rest_seconds.clone());
        let rest_seconds = REST_FAMILIES.map(|family| rest_seconds.get_or_create(&[("family", family)]).clone()).into();
        let now = Now::new(r);
        Self {
            registry,
            links,
            links_opened,
            logins,
            messages,
            deliveries,
            catch_ups,
            fell_behind,
            kicked,
            commands,
            command_seconds,
            refusals: refusals.into(),
            batch_commands,
            batch_seconds,
            commit_seconds,
            batches_failed,
            pushes_accepted,
            push_targets,
            pushes_sent,
            pushes_received,
            pushes_shown,
            pushes_clicked,
            pushes_bridged,
            pushes_texted,
            rest_requests,
            rest_seconds,
            now,
        }
    }

    /// In the text format of OpenMetrics, which Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Now {
    fn new(r: &mut Registry) -> Self {
        let info = Family::<Label, Gauge>::default();
        r.register("info", "1, with the version of the program", info.clone());
        info.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        Self {
            info,
            uptime_seconds: measured(r, "uptime", "Since the start", Unit::Seconds),
            ready: gauge(r, "ready", "1 if changes are stored and the disk has room, else 0"),
            connections: gauge(r, "connections", "Open connections of every kind"),
            connections_max: gauge(r, "connections_max", "How many may be open: limits.links"),
            devices: gauge(r, "devices_connected", "Devices that hold a link"),
            users: gauge(r, "users_logged_in", "Users who are logged in over a link"),
            apps: gauge(r, "apps", "Apps"),
            position: gauge(r, "log_position", "The last position of the log"),
            queue_commands: gauge(r, "queue_commands", "Changes that wait for the store"),
            queue_bytes: measured(r, "queue", "About what they hold in memory", Unit::Bytes),
            passwords_waiting: gauge(r, "passwords_waiting", "Logins and registrations that wait for a hash"),
            store_bytes: measured(r, "store", "The size of the store's file", Unit::Bytes),
            disk_free_bytes: measured(r, "disk_free", "Room on the disk of the data folder", Unit::Bytes),
            damaged_rows: gauge(r, "damaged_rows", "Rows that the last look at the store found damaged or missing"),
            memory_bytes: measured(r, "memory", "Resident memory of the process", Unit::Bytes),
            open_files: gauge(r, "open_files", "Open files and sockets of the process"),
            open_files_max: gauge(r, "open_files_max", "How many the process may have open"),
            log_lines: counters(r, "log_lines", "Lines for the log, by level", "level", LEVELS).into(),
            log_lines_dropped: counter(r, "log_lines_dropped", "Lines that came faster than they could be written"),
        }
    }
}

/// From half a millisecond to ten seconds.
fn seconds() -> Histogram {
    Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
}

fn counter(r: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    r.register(name, help, counter.clone());
    counter
}

fn gauge(r: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    r.register(name, help, gauge.clone());
    gauge
}

fn measured(r: &mut Registry, name: &str, help: &str, unit: Unit) -> Gauge {
    let gauge = Gauge::default();
    r.register_with_unit(name, help, unit, gauge.clone());
    gauge
}

fn histogram(r: &mut Registry, name: &str, help: &str) -> Histogram {
    let histogram = seconds();
    r.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}

fn counters<const N: usize>(
    r: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: [&'static str; N],
) -> [Counter; N] {
    let family = Family::<Label, Counter>::default();
    r.register(name, help, family.clone());
    values.map(|value| family.get_or_create(&[(label, value)]).clone())
}

fn gauges<const N: usize>(
    r: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: [&'static str; N],
) -> [Gauge; N] {
    let family = Family::<Label, Gauge>::default();
    r.register(name, help, family.clone());
    values.map(|value| family.get_or_create(&[(label, value)]).clone())
}

fn table<const N: usize>(r: &mut Registry, name: &str, help: &str, rows: &[[Labels; N]]) -> Vec<[Counter; N]> {
    let family = Family::<Labels, Counter>::default();
    r.register(name, help, family.clone());
    rows.iter().map(|row| row.map(|labels| family.get_or_create(&labels).clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Names with their types, as they are scraped.
    fn told() -> BTreeMap<String, String> {
        let text = Metrics::new().text();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let named = types.map(|(name, kind)| match kind {
            "counter" => (format!("{name}_total"), kind.to_owned()),
            _ => (name.to_owned(), kind.to_owned()),
        });
        named.collect()
    }

    #[test]
    fn the_document_lists_every_figure_with_its_type_and_no_other() {
        let document = include_str!("../../../docs/metrics.md");
        let rows = document.lines().filter_map(|line| line.strip_prefix("| `anserd_"));
        let listed: BTreeMap<String, String> = rows
            .map(|row| {
                let mut cells = row.split('|').map(str::trim);
                let name = cells.next().expect("a name").trim_end_matches('`');
                (format!("anserd_{name}"), cells.next().expect("a type").to_owned())
            })
            .collect();
        assert_eq!(listed, told());
    }

    #[test]
    fn every_value_of_a_label_is_documented_and_the_series_are_few() {
        let (document, text) = (include_str!("../../../docs/metrics.md"), Metrics::new().text());
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let labels = samples.clone().filter_map(|line| line.split_once('{')?.1.split_once('}'));
        for (labels, _) in labels {
            for label in labels.split(',').filter(|label| !label.starts_with("le=")) {
                let (name, value) = label.split_once('=').expect("a value");
                let is_listed =
                    ["kind", "version", "status"].contains(&name) || document.contains(value.trim_matches('"'));
                assert!(document.contains(&format!("`{name}`")) && is_listed, "{label} is not documented");
            }
        }
        assert!(samples.count() < 400, "the document says about how many there are");
    }

    #[test]
    fn the_dashboard_asks_only_for_figures_that_there_are() {
        let dashboard = include_str!("../../../packaging/grafana/anserd.json");
        let parsed: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
        assert!(parsed["panels"].as_array().is_some_and(|panels| panels.len() > 20));
        let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let pieces = dashboard.match_indices("anserd_").map(|(at, _)| dashboard[at..].split(|c| !is_part(c)).next());
        let asked: BTreeSet<&str> = pieces.flatten().collect();
        let told = told();
        for name in &asked {
            assert!(told.contains_key(name.trim_end_matches("_bucket")), "{name} does not exist");
        }
        // And nobody has to look for the others by hand.
        let shown: BTreeSet<&str> = asked.iter().map(|name| name.trim_end_matches("_bucket")).collect();
        let left_out: Vec<_> = told.keys().filter(|name| !shown.contains(name.as_str())).collect();
        assert_eq!(left_out, ["anserd_apps", "anserd_log_position"]);
    }
}
