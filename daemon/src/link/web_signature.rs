//! Signatures that the app's server makes for its pages, as the Web SDK of JMessage has them, and which were used.
//!
//! A signature is good once within ten minutes. What was used is kept in memory, bounded: more than that in ten minutes
//! are refused, not let in twice.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use anser_protocol::ids::TimeMs;
use anser_storage::ids::AppNumber;
use md5::{Digest, Md5};

use crate::keys::is_same_secret;

const LIFE_MS: u64 = 10 * 60 * 1000;
const RANDOM_CHARS: std::ops::RangeInclusive<usize> = 3..=64;
/// Of all apps together: fifty logins a second for as long as a signature lives.
const USED_MAX: usize = 60_000;

/// As a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSignature {
    timestamp: String,
    pub random: String,
    signature: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    Good,
    Wrong,
    Over,
}

impl WebSignature {
    /// Nothing when it has not three lines.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(value).ok()?.split('\n').map(str::to_owned);
        let (timestamp, random, signature) = (lines.next()?, lines.next()?, lines.next()?);
        let is_whole = lines.next().is_none() && RANDOM_CHARS.contains(&random.chars().count());
        is_whole.then_some(Self { timestamp, random, signature })
    }

    /// Whether it was used is asked besides.
    pub fn judge(&self, app_key: &str, master_secret: &str, now_ms: TimeMs) -> Judged {
        let Self { timestamp, random, signature } = self;
        let signed = format!("appkey={app_key}&timestamp={timestamp}&random_str={random}&key={master_secret}");
        let right = data_encoding::HEXLOWER.encode(&Md5::digest(signed.as_bytes()));
        if master_secret.is_empty() || !is_same_secret(signature.to_ascii_lowercase().as_bytes(), right.as_bytes()) {
            return Judged::Wrong;
        }
        match timestamp.parse::<TimeMs>() {
            Ok(at_ms) if at_ms.abs_diff(now_ms) <= LIFE_MS => Judged::Good,
            Ok(_) => Judged::Over,
            Err(_) => Judged::Wrong,
        }
    }
}

/// Random texts of signatures that were good.
#[derive(Default)]
pub struct UsedSignatures(Mutex<Used>);

#[derive(Default)]
struct Used {
    known: BTreeSet<(AppNumber, String)>,
    by_time: VecDeque<(TimeMs, AppNumber, String)>,
}

impl UsedSignatures {
    /// Was it unused until now?
    pub fn take(&self, app: AppNumber, random: &str, now_ms: TimeMs) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One from the future lives up to twice as long.
        while used.by_time.front().is_some_and(|(at_ms, ..)| at_ms + 2 * LIFE_MS < now_ms) {
            if let Some((_, app, random)) = used.by_time.pop_front() {
                used.known.remove(&(app, random));
            }
        }
        if used.known.len() >= USED_MAX || !used.known.insert((app, random.to_owned())) {
            return false;
        }
        used.by_time.push_back((now_ms, app, random.to_owned()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: TimeMs = 1_790_000_000_000;
    const RANDOM: &str = "022cd9fd995849b58b3ef0e943421ed9";

    fn signature(at_ms: TimeMs, secret: &str) -> String {
        let signed = format!("appkey=k&timestamp={at_ms}&random_str={RANDOM}&key={secret}");
        data_encoding::HEXLOWER.encode(&Md5::digest(signed.as_bytes()))
    }

    fn judged(at_ms: TimeMs, signature: &str) -> Judged {
        let text = format!("{at_ms}\n{RANDOM}\n{signature}");
        WebSignature::parse(text.as_bytes()).expect("three lines").judge("k", "secret", NOW_MS)
    }

    #[test]
    fn a_signature_of_the_apps_server_is_good_for_ten_minutes() {
        let right = signature(NOW_MS, "secret");
        assert_eq!(judged(NOW_MS, &right), Judged::Good);
        assert_eq!(judged(NOW_MS, &right.to_uppercase()), Judged::Good);
        for (away_ms, is) in [(LIFE_MS, Judged::Good), (LIFE_MS + 1, Judged::Over)] {
            assert_eq!(judged(NOW_MS - away_ms, &signature(NOW_MS - away_ms, "secret")), is);
            assert_eq!(judged(NOW_MS + away_ms, &signature(NOW_MS + away_ms, "secret")), is);
        }
        assert_eq!(judged(NOW_MS, &signature(NOW_MS, "another")), Judged::Wrong);
        assert_eq!(judged(NOW_MS + 1, &right), Judged::Wrong);
        assert_eq!(judged(NOW_MS, ""), Judged::Wrong);
    }

    #[test]
    fn what_is_no_signature_is_none() {
        for odd in ["", "1", "1\nabc", "1\nab\nx", "1\nabc\nx\ny", &format!("1\n{}\nx", "r".repeat(65))] {
            assert_eq!(WebSignature::parse(odd.as_bytes()), None, "{odd:?}");
        }
        assert_eq!(WebSignature::parse(&[0xff, b'\n', b'a', b'\n', b'b']), None);
    }

    #[test]
    fn a_signature_is_good_once_for_an_app_and_what_is_kept_is_bounded() {
        let used = UsedSignatures::default();
        assert!(used.take(AppNumber(1), RANDOM, NOW_MS));
        assert!(!used.take(AppNumber(1), RANDOM, NOW_MS + 1));
        assert!(used.take(AppNumber(2), RANDOM, NOW_MS + 1));
        assert!(used.take(AppNumber(1), RANDOM, NOW_MS + 2 * LIFE_MS + 1));
        for number in 0..USED_MAX {
            used.take(AppNumber(3), &number.to_string(), NOW_MS + 2 * LIFE_MS + 1);
        }
        assert!(!used.take(AppNumber(3), "one more", NOW_MS + 2 * LIFE_MS + 1));
        assert!(used.take(AppNumber(3), "one more", NOW_MS + 5 * LIFE_MS));
    }
}
