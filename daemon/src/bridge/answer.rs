//! What the answers of all services have in common.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde_json::Value;

use super::Handed;
use super::endpoint::{Answer, Silence};
use crate::clock::{Date, now_ms};

/// A service that asks for more has lost its mind; the job asks again after this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);
const REASON_CHARS_MAX: usize = 200;

impl From<Silence> for Handed {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Forbidden(why) => Self::Refused(why),
            Silence::Cut(why) | Silence::Unreachable(why) => {
                log::info!("a notice was not handed over, for now: {why}");
                Self::Later(None)
            }
        }
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Too many requests, or trouble on their side.
    pub(super) fn is_passing(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
            || self.status == StatusCode::REQUEST_TIMEOUT
            || self.status.is_server_error()
    }

    pub(super) fn later(&self) -> Handed {
        Handed::Later(self.retry_after())
    }

    pub(super) fn refused(&self, reason: &str) -> Handed {
        // It is somebody else's text and goes into our log.
        let reason: String =
            reason.chars().map(|char| if char.is_control() { ' ' } else { char }).take(REASON_CHARS_MAX).collect();
        Handed::Refused(format!("{} {reason}", self.status.as_u16()).trim_end().to_owned())
    }

    /// Seconds, or a date (RFC 9110).
    fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let seconds = match text.parse() {
            Ok(seconds) => seconds,
            Err(_) => http_date(text)?.saturating_sub(now_ms() / 1000),
        };
        Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` as seconds since 1970.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)?;
    let date = Date::new(year.parse().ok()?, u8::try_from(month).ok()? + 1, day.parse().ok()?)?;
    let time: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour @ 0..=23, minute @ 0..=59, second @ 0..=60] = time[..] else { return None };
    Some(u64::try_from(date.days_since_1970()).ok()? * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        for text in ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT"]
        {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
