//! The numbers of one push, or null.

use anser_protocol::content::Platform;
use anser_storage::{PlatformReport, PushReport};
use serde_json::Value;

/// Platforms whose devices have blocks of their own in some report; the push API has no name for the others.
const NAMED: [Platform; 5] = [Platform::ANDROID, Platform::IOS, Platform::WINPHONE, Platform::QUICKAPP, Platform::HMOS];

/// Which number of a platform.
type Pick = fn(&PlatformReport) -> u64;

/// What is known of one push; nothing when it is unknown.
pub struct Counters(Vec<PlatformReport>);

impl Counters {
    pub fn of_push(report: Option<PushReport>) -> Self {
        Self(report.map(|report| report.platforms).unwrap_or_default())
    }

    /// Of all parts of a push to a group together.
    pub fn of_pushes(reports: Vec<PushReport>) -> Self {
        Self(reports.into_iter().flat_map(|report| report.platforms).collect())
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
        let counted = self.0.iter().filter(|of| is_counted(of)).map(pick);
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
