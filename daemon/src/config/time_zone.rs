//! The zone of every textual time: a fixed offset, or one of the system's zones with its summer time.

use anser_protocol::ids::TimeMs;
use jiff::Timestamp;
use jiff::tz::Offset;

/// Cheap to copy. The rules of a named zone stay in memory until the process ends; there is one such zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeZone(Rules);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rules {
    /// Minutes east of UTC.
    Fixed(i32),
    Named(&'static jiff::tz::TimeZone),
}

impl TimeZone {
    /// The zone of the original service.
    pub const DEFAULT: Self = Self::fixed(8 * 60);
    pub const UTC: Self = Self::fixed(0);

    /// Minutes east of UTC.
    pub const fn fixed(offset_minutes: i32) -> Self {
        Self(Rules::Fixed(offset_minutes))
    }

    /// `+08:00`, or a name of the system's zones like `Europe/Berlin`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with(['+', '-']) { parse_offset(text) } else { Self::named(text) }
    }

    fn named(name: &str) -> Option<Self> {
        let zone = jiff::tz::TimeZone::get(name).ok()?;
        Some(Self(Rules::Named(Box::leak(Box::new(zone)))))
    }

    /// Of a zone with rules; nothing of one that is an offset.
    pub fn name(self) -> Option<&'static str> {
        match self.0 {
            Rules::Fixed(_) => None,
            Rules::Named(zone) => zone.iana_name(),
        }
    }

    /// What the clock on the wall shows, in seconds since it showed the beginning of 1970.
    pub fn local_s(self, at_ms: TimeMs) -> i64 {
        let seconds = i64::try_from(at_ms / 1000).unwrap_or(i64::MAX / 2);
        let offset_s = match self.0 {
            Rules::Fixed(minutes) => i64::from(minutes) * 60,
            Rules::Named(zone) => {
                let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
                zone.to_offset(at).seconds().into()
            }
        };
        seconds.saturating_add(offset_s)
    }

    /// When the clock on the wall shows this, in seconds since 1970, UTC: the first time when it shows it twice, and as
    /// much later as the clock is put forward when it skips it. Nothing for times that no calendar has.
    pub fn utc_s(self, local_s: i64) -> Option<i64> {
        match self.0 {
            Rules::Fixed(minutes) => local_s.checked_sub(i64::from(minutes) * 60),
            Rules::Named(zone) => {
                let shown = Offset::UTC.to_datetime(Timestamp::from_second(local_s).ok()?);
                zone.to_timestamp(shown).ok().map(Timestamp::as_second)
            }
        }
    }
}

fn parse_offset(text: &str) -> Option<TimeZone> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (two_digits(hours)?, two_digits(minutes)?);
    (hours <= 14 && minutes <= 59).then_some(TimeZone::fixed(sign * (hours * 60 + minutes)))
}

fn two_digits(text: &str) -> Option<i32> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
impl TimeZone {
    /// A zone by its rule (POSIX `TZ`), whatever zones the machine has.
    pub fn by_rule(rule: &str) -> Self {
        let zone = jiff::tz::TimeZone::posix(rule).expect("a rule");
        Self(Rules::Named(Box::leak(Box::new(zone))))
    }

    pub fn berlin() -> Self {
        Self::by_rule("CET-1CEST,M3.5.0,M10.5.0/3")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_with_their_sign() {
        assert_eq!(TimeZone::parse("+08:00"), Some(TimeZone::fixed(480)));
        assert_eq!(TimeZone::parse("-03:30"), Some(TimeZone::fixed(-210)));
        for wrong in ["08:00", "+8:00", "+15:00", "+08:60", "+", "", "Mars", "../../etc/passwd", "/etc/localtime"] {
            assert_eq!(TimeZone::parse(wrong), None, "{wrong}");
        }
        assert_eq!(TimeZone::parse("UTC").map(|utc| utc.local_s(7000)), Some(7));
    }

    #[test]
    fn the_clock_on_the_wall_is_put_forward_and_back_again() {
        // 31 March 2024, 01:00 UTC: 02:00 becomes 03:00. 27 October, 01:00 UTC: 03:00 becomes 02:00.
        let (forward_s, back_s) = (1_711_846_800, 1_729_990_800);
        let zone = TimeZone::berlin();
        let at = |seconds: i64| zone.local_s(u64::try_from(seconds * 1000).expect("after 1970"));
        assert_eq!((at(forward_s - 1), at(forward_s)), (forward_s + 3599, forward_s + 7200));
        assert_eq!((at(back_s - 1), at(back_s)), (back_s + 7199, back_s + 3600));

        for seconds in [0, forward_s - 1, forward_s, back_s - 3601, back_s + 3600] {
            assert_eq!(zone.utc_s(at(seconds)), Some(seconds));
        }
        assert_eq!(
            zone.utc_s(forward_s + 3600 + 1800),
            Some(forward_s + 1800),
            "02:30 is skipped: 03:30 is shown then"
        );
        assert_eq!(zone.utc_s(at(back_s)), Some(back_s - 3600), "02:00 is shown twice");
        assert_eq!(zone.utc_s(i64::MAX), None);
    }
}
