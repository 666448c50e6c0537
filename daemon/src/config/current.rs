//! The settings in force, which a reload replaces while they are read; and which of them it may replace.

use std::ops::Deref;
use std::sync::{PoisonError, RwLock};

use super::Config;

/// Reads like a [`Config`]; each reading sees the settings of that moment.
///
/// Replaced settings stay in memory, some kilobytes each time an operator changes the file: whoever reads has a plain
/// reference that is good for ever, and a daemon is not reloaded with changes more than a few times a day.
#[derive(Debug)]
pub struct Current(RwLock<&'static Config>);

impl Current {
    pub fn new(config: Config) -> Self {
        Self(RwLock::new(Box::leak(Box::new(config))))
    }

    pub fn replace(&self, config: Config) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Box::leak(Box::new(config));
    }
}

impl Deref for Current {
    type Target = Config;

    fn deref(&self) -> &Config {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to hold after a reload.
#[derive(Debug)]
pub struct Merged {
    pub config: Config,
    /// Keys with new values that hold from now on.
    pub taken: Vec<&'static str>,
    /// Keys with new values that hold after the next start.
    pub waiting: Vec<&'static str>,
}

macro_rules! settings {
    (at once: $($now:literal => $($n:ident).+,)+ at the next start: $($later:literal => $($l:ident).+,)+) => {
        /// Keys whose values a reload takes. What concerns links holds for those that come afterwards.
        pub const AT_ONCE: &[&str] = &[$($now),+];
        /// Keys whose values stay until the next start: sockets, memory, threads and clients are made of them.
        pub const AT_NEXT_START: &[&str] = &[$($later),+];

        /// The new settings, but for those that only a start can take.
        pub fn merge(old: &Config, new: Config) -> Merged {
            let mut merged = Merged { config: new, taken: Vec::new(), waiting: Vec::new() };
            $(if old.$($n).+ != merged.config.$($n).+ {
                merged.taken.push($now);
            })+
            $(if old.$($l).+ != merged.config.$($l).+ {
                merged.waiting.push($later);
            })+
            $(merged.config.$($l).+ = old.$($l).+.clone();)+
            merged
        }
    };
}

settings! {
    at once:
    "log_level" => log_level,
    "log_levels" => log_levels,
    "time_zone" => time_zone,
    "tls.certificate" => tls.own,
    "tls.key" => tls.own,
    "tls.names" => tls.names,
    "retention.chat_days" => retention.chat_days,
    "retention.room_days" => retention.room_days,
    "retention.push_days" => retention.push_days,
    "push.offline_limit" => push.offline_limit,
    "push.lenient_keys" => push.lenient_keys,
    "push.any_cid" => push.any_cid,
    "push.null_for_unset" => push.null_for_unset,
    "push.batch_as_one_call" => push.batch_as_one_call,
    "push.hide_master_secret" => push.hide_master_secret,
    "push.image_origin" => push.image_origin,
    "push.inactive_days" => push.inactive_days,
    "limits.schedules" => limits.schedules,
    "limits.sends_per_minute" => limits.sends_per_minute,
    "limits.retract_seconds" => limits.retract_seconds,
    "limits.sensitive_words" => limits.sensitive_words,
    "limits.sensitive_word_chars" => limits.sensitive_word_chars,
    "rates.push" => rates.push,
    "rates.report" => rates.report,
    "rates.device" => rates.device,
    "rates.schedule" => rates.schedule,
    "rates.files" => rates.files,
    "rates.im" => rates.im,
    "rates.broadcasts" => rates.broadcasts,
    "heartbeat.seconds" => heartbeat,
    "web.origins" => web_origins,
    "users.strict_names" => users.strict_names,
    "users.lenient_mutes" => users.lenient_mutes,
    "users.phones" => users.logins.phones,
    "users.computers" => users.logins.computers,
    "users.browsers" => users.logins.browsers,
    "media.upload_mib" => media.upload_bytes,
    "media.quota_mib" => media.quota_bytes,
    "media.unused_days" => media.unused_days,
    "media.url_hours" => media.url_life,
    "media.origin" => media.origin,
    "imports.adopt_days" => adopt_days,
    at the next start:
    "data_dir" => data_dir,
    "listen" => listen,
    "plain_listen" => plain_listen,
    "metrics_listen" => metrics_listen,
    "proxy.trusted" => proxy.trusted,
    "proxy.protocol_on" => proxy.listen,
    "tls.acme_directory" => tls.acme,
    "tls.acme_contact" => tls.acme,
    "tls.acme_terms_agreed" => tls.acme,
    "tls.acme_ca" => tls.acme,
    "storage.cache_mib" => storage.cache_bytes,
    "storage.scrub_days" => storage.scrub_every,
    "password.memory_kib" => password.memory_kib,
    "password.passes" => password.passes,
    "password.lanes" => password.lanes,
    "password.at_once" => password.at_once,
    "limits.links" => limits.links,
    "limits.half_open" => limits.half_open,
    "limits.group_members" => limits.group_members,
    "limits.group_members_top" => limits.group_members_top,
    "limits.members_edit_groups" => limits.members_edit_groups,
    "limits.room_members" => limits.room_members,
    "limits.alias_devices" => limits.alias_devices,
    "callback.hosts" => callback.hosts,
    "callback.ca" => callback.ca,
    "bridge" => bridges,
    "message_callback" => message_callbacks,
    "event_callback" => event_callbacks,
    "message_check" => message_checks,
    "password_callback" => password_callbacks,
}

#[cfg(test)]
mod tests {
    use super::super::{Flags, KEYS, read_text};
    use super::*;

    #[test]
    fn of_every_setting_it_is_said_when_it_is_taken() {
        // What a profile changes is told rate by rate.
        for key in KEYS.iter().filter(|key| **key != "rates.profile") {
            let times = [AT_ONCE, AT_NEXT_START].map(|keys| keys.iter().filter(|known| *known == key).count());
            assert_eq!(times.iter().sum::<usize>(), 1, "{key} stands in one of the two lists, and once");
        }
    }

    #[test]
    fn the_shipped_file_names_what_waits_for_the_next_start() {
        let shipped = include_str!("../../../packaging/anserd.toml");
        let header = shipped.split("\n\n").next().expect("a header");
        for key in AT_NEXT_START {
            // A whole table is named as such.
            let table = key.split_once('.').map(|(table, _)| format!("[{table}]"));
            let is_named = header.contains(key) || table.is_some_and(|table| header.contains(&table));
            assert!(is_named, "{key} is missing in {header}");
        }
    }

    #[test]
    fn what_can_change_changes_and_what_cannot_is_named_and_stays() {
        let old = config("log_level = 'info'\nlisten = ['127.0.0.1:1']\n[limits]\nlinks = 10\nschedules = 5");
        let new = config("log_level = 'debug'\nlisten = ['127.0.0.1:2']\n[limits]\nlinks = 20\nschedules = 6");
        let merged = merge(&old, new);
        assert_eq!(merged.taken, ["log_level", "limits.schedules"]);
        assert_eq!(merged.waiting, ["listen", "limits.links"]);
        assert_eq!((merged.config.limits.schedules, merged.config.limits.links), (6, 10));
        assert_eq!(merged.config.listen, old.listen);
    }

    #[test]
    fn whoever_read_before_a_replacement_keeps_what_was_read() {
        let current = Current::new(config("[limits]\nschedules = 5"));
        let read = &current.limits;
        current.replace(config("[limits]\nschedules = 6"));
        assert_eq!((read.schedules, current.limits.schedules), (5, 6));
    }

    fn config(text: &str) -> Config {
        read_text(text, "test".to_owned(), &Flags::default(), std::iter::empty()).expect("valid")
    }
}
