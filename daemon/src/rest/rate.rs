//! How often servers may call: so many calls in each minute of the clock, per caller and family of calls.
//!
//! All windows begin and end together, so the counts of a minute are thrown away as a whole. Only callers that exist are
//! counted: a count per caller and family is all that they can make the daemon hold.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anser_protocol::ids::TimeMs;
use anser_storage::ids::AppNumber;
use axum::http::{HeaderMap, HeaderValue};

const WINDOW_MS: u64 = 60_000;
/// The limit that is none: it is told to callers, who read integers, and never reached.
pub const UNLIMITED: u32 = 1_000_000;

/// Calls that are counted together. The numbers stand in the store and are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RateFamily {
    Push = 1,
    Report = 2,
    Device = 3,
    Schedule = 4,
    Files = 5,
    Im = 6,
    /// Pushes to all devices, of which the store counts those of a day.
    Broadcasts = 7,
}

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payer {
    App(AppNumber),
    /// By its key.
    AppGroup(String),
    Developer(String),
}

/// Calls in a minute that each family may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub push: u32,
    pub report: u32,
    pub device: u32,
    pub schedule: u32,
    pub files: u32,
    pub im: u32,
    /// Pushes to all devices that one app may send in a day.
    pub broadcasts: u32,
}

/// What the headers of an answer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub limit: u32,
    pub remaining: u32,
    pub reset_s: u64,
}

/// The counts of the minute that the last call was in.
#[derive(Debug, Default)]
pub struct Rates {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    minute: u64,
    calls: BTreeMap<(Payer, RateFamily), u32>,
}

impl RateFamily {
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Push, "push"),
        (Self::Report, "report"),
        (Self::Device, "device"),
        (Self::Schedule, "schedule"),
        (Self::Files, "files"),
        (Self::Im, "im"),
        (Self::Broadcasts, "broadcasts"),
    ];

    /// Nothing for calls that are not limited.
    pub fn of_path(path: &str) -> Option<Self> {
        let mut segments = path.split('/').skip(1);
        match (segments.next(), segments.next(), segments.next()) {
            (Some("v3"), Some("device" | "devices" | "tags" | "aliases" | "test"), _) => Some(Self::Device),
            (Some("v3"), Some("report" | "received" | "messages" | "users" | "status" | "group"), _) => {
                Some(Self::Report)
            }
            (Some("v3"), Some("schedules"), _) | (Some("v3"), Some("push"), Some("schedules")) => Some(Self::Schedule),
            (Some("v3"), Some("files"), _) => Some(Self::Files),
            (Some("v3"), ..) => Some(Self::Push),
            (Some("v1"), Some("app"), _) => None,
            (Some("v1" | "v2" | "groups" | "cross" | "sdkregister"), ..) => Some(Self::Im),
            _ => None,
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(family, _)| *family)
    }
}

impl Limits {
    pub const UNLIMITED: Self = Self {
        push: UNLIMITED,
        report: UNLIMITED,
        device: UNLIMITED,
        schedule: UNLIMITED,
        files: UNLIMITED,
        im: UNLIMITED,
        broadcasts: UNLIMITED,
    };

    /// What the cloud service documents.
    pub const CLOUD: Self =
        Self { push: 600, report: 2400, device: 600, schedule: 100, files: 20, im: 600, broadcasts: 10 };

    pub fn of(&self, family: RateFamily) -> u32 {
        match family {
            RateFamily::Push => self.push,
            RateFamily::Report => self.report,
            RateFamily::Device => self.device,
            RateFamily::Schedule => self.schedule,
            RateFamily::Files => self.files,
            RateFamily::Im => self.im,
            RateFamily::Broadcasts => self.broadcasts,
        }
    }
}

impl Rates {
    /// Counts one call; the error says the same figures when it is one too many.
    pub fn count(&self, payer: Payer, family: RateFamily, limit: u32, now_ms: TimeMs) -> Result<Figures, Figures> {
        if limit >= UNLIMITED {
            return Ok(Figures::untouched(limit, now_ms));
        }
        let minute = now_ms / WINDOW_MS;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.minute != minute {
            *counted = Counted { minute, calls: BTreeMap::new() };
        }
        let calls = counted.calls.entry((payer, family)).or_default();
        let is_one_too_many = *calls >= limit;
        *calls += u32::from(!is_one_too_many);
        let figures = Figures { remaining: limit.saturating_sub(*calls), ..Figures::untouched(limit, now_ms) };
        if is_one_too_many { Err(figures) } else { Ok(figures) }
    }
}

impl Figures {
    /// Of a caller who has not been counted.
    pub fn untouched(limit: u32, now_ms: TimeMs) -> Self {
        Self { limit, remaining: limit, reset_s: 60 - now_ms / 1000 % 60 }
    }

    /// Some clients read the documented name of the limit, others the first one.
    pub fn write(self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-rate-limit-limit", u64::from(self.limit)),
            ("x-rate-limit-quota", u64::from(self.limit)),
            ("x-rate-limit-remaining", u64::from(self.remaining)),
            ("x-rate-limit-reset", self.reset_s),
        ] {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: Payer = Payer::App(AppNumber(1));
    /// Ten seconds into a minute.
    const NOW: TimeMs = 1_700_000_050_000 / WINDOW_MS * WINDOW_MS + 10_000;

    fn push(rates: &Rates, payer: Payer, now_ms: TimeMs) -> Result<u32, u32> {
        let counted = rates.count(payer, RateFamily::Push, 2, now_ms);
        counted.map(|figures| figures.remaining).map_err(|figures| figures.remaining)
    }

    #[test]
    fn what_is_left_is_counted_down_and_then_refused_until_the_minute_ends() {
        let rates = Rates::default();
        assert_eq!(push(&rates, APP, NOW), Ok(1));
        assert_eq!(push(&rates, APP, NOW), Ok(0));
        assert_eq!(push(&rates, APP, NOW + 49_999), Err(0));
        assert_eq!(push(&rates, APP, NOW + 50_000), Ok(1));
    }

    #[test]
    fn a_refused_call_is_not_counted_and_a_clock_set_back_begins_anew() {
        let rates = Rates::default();
        for _ in 0..5 {
            let _ = push(&rates, APP, NOW);
        }
        assert_eq!(push(&rates, APP, NOW - WINDOW_MS), Ok(1));
    }

    #[test]
    fn callers_and_families_are_counted_by_themselves() {
        let rates = Rates::default();
        assert_eq!(push(&rates, APP, NOW), Ok(1));
        assert_eq!(push(&rates, Payer::App(AppNumber(2)), NOW), Ok(1));
        assert_eq!(rates.count(APP, RateFamily::Device, 2, NOW).map(|figures| figures.remaining), Ok(1));
    }

    #[test]
    fn the_end_of_the_minute_is_told_in_seconds() {
        let figures = Rates::default().count(APP, RateFamily::Push, 2, NOW);
        assert_eq!(figures, Ok(Figures { limit: 2, remaining: 1, reset_s: 50 }));
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let rates = Rates::default();
        let figures = rates.count(APP, RateFamily::Push, UNLIMITED, NOW);
        assert_eq!(figures.map(|figures| figures.remaining), Ok(UNLIMITED));
        assert!(rates.counted.lock().expect("whole").calls.is_empty());
    }
    #[test]
    fn only_the_counts_of_the_current_minute_are_held() {
        let rates = Rates::default();
        for app in 0..1000 {
            let _ = push(&rates, Payer::App(AppNumber(app)), NOW);
        }
        assert_eq!(push(&rates, APP, NOW + WINDOW_MS), Ok(1));
        assert_eq!(rates.counted.lock().expect("whole").calls.len(), 1);
    }

    #[test]
    fn every_path_of_an_app_belongs_to_a_family() {
        for (path, family) in [
            ("/v3/push", RateFamily::Push),
            ("/v3/push/validate", RateFamily::Push),
            ("/v3/push/file", RateFamily::Push),
            ("/v3/grouppush", RateFamily::Push),
            ("/v3/push/schedules/x", RateFamily::Schedule),
            ("/v3/schedules", RateFamily::Schedule),
            ("/v3/device/x", RateFamily::Device),
            ("/v3/tags/x", RateFamily::Device),
            ("/v3/aliases/x", RateFamily::Device),
            ("/v3/received/detail", RateFamily::Report),
            ("/v3/report/received", RateFamily::Report),
            ("/v3/status/message", RateFamily::Report),
            ("/v3/files/alias", RateFamily::Files),
            ("/v1/users", RateFamily::Im),
            ("/v2/messages", RateFamily::Im),
            ("/groups/owner/7", RateFamily::Im),
        ] {
            assert_eq!(RateFamily::of_path(path), Some(family), "{path}");
        }
        assert_eq!(RateFamily::of_path("/v1/app"), None);
    }
}
