//! The numbers of one push, or null.

use anser_protocol::content::Platform;
use anser_storage::{PlatformReport, PushReport, Told};
use serde_json::Value;

/// Platforms whose devices have blocks of their own in some report; the push API has no name for the others.
const NAMED: [Platform; 5] = [Platform::ANDROID, Platform::IOS, Platform::WINPHONE, Platform::QUICKAPP, Platform::HMOS];

/// Which number of a platform.
type Pick = fn(&PlatformReport) -> u64;

/// What is known of one push; nothing when it is unknown.
pub struct Counters {
    platforms: Vec<PlatformReport>,
    calls_bridged: u64,
    activities_bridged: u64,
}

impl Counters {
    pub fn of_push(report: Option<PushReport>) -> Self {
        Self::of_pushes(report.into_iter().collect())
    }

    /// Of all parts of a push to a group together.
    pub fn of_pushes(reports: Vec<PushReport>) -> Self {
        Self {
            calls_bridged: reports.iter().map(|report| report.calls_bridged).sum(),
            activities_bridged: reports.iter().map(|report| report.activities_bridged).sum(),
            platforms: reports.into_iter().flat_map(|report| report.platforms).collect(),
        }
    }

    /// Devices for which Apple took a call; null when there are none.
    pub fn calls_bridged(&self) -> Value {
        Some(self.calls_bridged).filter(|count| *count > 0).map_or(Value::Null, Value::from)
    }

    /// The same of what is said to live activities.
    pub fn activities_bridged(&self) -> Value {
        Some(self.activities_bridged).filter(|count| *count > 0).map_or(Value::Null, Value::from)
    }

    pub fn of(&self, platform: Platform, pick: Pick) -> Value {
        self.sum(|of| of.platform == platform, pick)
    }

    /// Null unless the platform was sent a notification.
    pub fn notifications_of(&self, platform: Platform, pick: Pick) -> Value {
        self.sum(|of| of.platform == platform && of.has_notification, pick)
    }

    /// Null unless the platform was sent a custom message.
    pub fn messages_of(&self, platform: Platform, pick: Pick) -> Value {
        self.sum(|of| of.platform == platform && of.has_message, pick)
    }

    /// Devices of a platform for which a bridge took the notification, or what stands in for one; null when none did.
    pub fn bridged_of(&self, platform: Platform) -> Value {
        self.sum_if_told(|of| of.platform == platform, |of| of.bridged)
    }

    /// What their devices reported of it; null when no bridge took it.
    pub fn of_bridged(&self, platform: Platform, pick: fn(&Told) -> u64) -> Value {
        match self.bridged_of(platform) {
            Value::Null => Value::Null,
            _ => self
                .platforms
                .iter()
                .filter(|of| of.platform == platform)
                .map(|of| pick(&of.of_bridged))
                .sum::<u64>()
                .into(),
        }
    }

    /// Android devices with a token of Firebase for which a bridge took the notification, and what they reported of it.
    pub fn by_fcm(&self) -> Option<(u64, Told)> {
        let android = self.platforms.iter().filter(|of| of.platform == Platform::ANDROID && of.by_fcm > 0);
        android.map(|of| (of.by_fcm, of.of_fcm)).reduce(|(sum, mut told), (more, of)| {
            told += of;
            (sum + more, told)
        })
    }

    /// Whom that was for.
    pub fn bridge_targets_of(&self, platform: Platform) -> Value {
        match self.bridged_of(platform) {
            Value::Null => Value::Null,
            _ => self.of(platform, |of| of.targets),
        }
    }

    /// Android with all it was sent, iOS with its custom messages, and the devices that have no block of their own.
    pub fn of_own_channel(&self, pick: Pick) -> Value {
        self.sum(|of| is_androidlike(of) || (of.platform == Platform::IOS && of.has_message), pick)
    }

    pub fn sum(&self, is_counted: impl Fn(&PlatformReport) -> bool, pick: Pick) -> Value {
        let counted = self.platforms.iter().filter(|of| is_counted(of)).map(pick);
        counted.reduce(|sum, count| sum + count).map_or(Value::Null, Value::from)
    }

    /// The same for what devices need not report: that none did says nothing.
    pub fn sum_if_told(&self, is_counted: impl Fn(&PlatformReport) -> bool, pick: Pick) -> Value {
        match self.sum(is_counted, pick) {
            Value::Number(sum) if sum.as_u64() == Some(0) => Value::Null,
            sum => sum,
        }
    }
}

/// Android, and the devices that have no block of their own: they get what Android gets, the same way.
pub fn is_androidlike(of: &PlatformReport) -> bool {
    of.platform == Platform::ANDROID || !NAMED.contains(&of.platform)
}
