//! Which devices were there, and when: sets of devices for spans of time.

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::error::ReadError;
use crate::ids::AppNumber;
use crate::key::Key;
use crate::row::serde_row;
use crate::table::Table;
use crate::tables::Tables;

/// What a set of devices says, and for how long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Span {
    /// Connected in an hour.
    Online = 1,
    /// Registered in an hour.
    New = 2,
    /// Connected in ten minutes: how precisely it is known when a device was last seen.
    Lately = 3,
    /// The application was in front in an hour.
    Active = 4,
    /// Connected on a day, in UTC: for what reaches far back.
    Day = 5,
    /// Registered on a day.
    NewDay = 6,
}

pub(crate) const TEN_MINUTES_MS: TimeMs = 10 * 60 * 1000;
pub(crate) const HOUR_MS: TimeMs = 60 * 60 * 1000;
pub(crate) const DAY_MS: TimeMs = 24 * HOUR_MS;

impl Span {
    pub const ALL: [Self; 6] = [Self::Online, Self::New, Self::Lately, Self::Active, Self::Day, Self::NewDay];
    /// Which days a device was there on.
    pub const DAYS: [Self; 2] = [Self::Day, Self::NewDay];

    /// The number of the span that a moment lies in, counted from 1970.
    pub fn number(self, at_ms: TimeMs) -> u32 {
        let length_ms = match self {
            Self::Online | Self::New | Self::Active => HOUR_MS,
            Self::Lately => TEN_MINUTES_MS,
            Self::Day | Self::NewDay => DAY_MS,
        };
        u32::try_from(at_ms / length_ms).unwrap_or(u32::MAX)
    }

    /// Statistics reach back 60 days, or two months; when a device was last seen is told for two days; who is dormant
    /// depends on a year at most.
    pub fn kept_ms(self) -> TimeMs {
        match self {
            Self::Online | Self::New | Self::Active => 63 * DAY_MS,
            Self::Lately => 3 * DAY_MS,
            Self::Day | Self::NewDay => 367 * DAY_MS,
        }
    }
}

/// Platforms are an open enumeration: what we have no name for counts as "other".
pub(crate) fn counted_as(platform: Platform) -> Platform {
    match Platform::NAMES.iter().any(|(known, _)| *known == platform) {
        true => platform,
        false => Platform::OTHER,
    }
}

pub(crate) fn presence_prefix(app: AppNumber, span: Span) -> Key {
    Key::app(app).u8(span as u8)
}

/// All sets of one span of time begin with this.
pub(crate) fn presence_span_key(app: AppNumber, span: Span, number: u32) -> Key {
    presence_prefix(app, span).u32(number)
}

pub(crate) fn presence_key(app: AppNumber, span: Span, number: u32, platform: Platform, chunk: u32) -> Key {
    presence_span_key(app, span, number).u8(platform.0).u32(chunk)
}

/// Platform and chunk that such a key names.
pub(crate) fn platform_and_chunk(key: &[u8]) -> Option<(Platform, u32)> {
    Some((Platform(*key.get(9)?), crate::key::u32_at(key, 10)?))
}

/// The first span of which it is known who was there; nothing when nobody was.
pub(crate) fn oldest(tables: &impl Tables, app: AppNumber, span: Span) -> Result<Option<u32>, ReadError> {
    let prefix = presence_prefix(app, span);
    let first = tables.keys(Table::Presence, &prefix, 1)?;
    Ok(first.first().and_then(|key| crate::key::u32_at(key, prefix.as_bytes().len())))
}

/// How the application was used in an hour on the devices of a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// How often it came to the front.
    pub opens: u64,
    /// How long it was there, in all.
    pub seconds: u64,
}
serde_row!(Use, Uses);

impl Use {
    pub fn plus(self, more: Self) -> Self {
        Self { opens: self.opens.saturating_add(more.opens), seconds: self.seconds.saturating_add(more.seconds) }
    }
}

pub(crate) fn hour_of(at_ms: TimeMs) -> u32 {
    Span::Active.number(at_ms)
}

/// The uses of an hour, of all platforms, begin with this.
pub(crate) fn use_hour_key(app: AppNumber, hour: u32) -> Key {
    Key::app(app).u32(hour)
}

pub(crate) fn use_key(app: AppNumber, hour: u32, platform: Platform) -> Key {
    use_hour_key(app, hour).u8(platform.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_platform_and_chunk() {
        let key = presence_key(AppNumber(7), Span::New, 3, Platform::IOS, 12);
        assert_eq!(platform_and_chunk(key.as_bytes()), Some((Platform::IOS, 12)));
        assert_eq!(platform_and_chunk(presence_prefix(AppNumber(7), Span::New).as_bytes()), None);
    }
}
