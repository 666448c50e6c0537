//! Cids: names that make a push idempotent. Nothing is kept for one that was only fetched.
//!
//! `{app key}-{uuid}`, where the 16 bytes of the uuid are the issue time in seconds (4), random (6) and a seal (6)
//! over app, type, time and random. A client library may fetch one before every push, so making and checking one costs
//! one HMAC and no storage. The store remembers a cid from its first success on.

use anser_protocol::ids::TimeMs;
use data_encoding::HEXLOWER;
use ring::hmac;

use crate::context::Context;
use crate::keys::{Keys, Purpose, random};

const LIFETIME_S: u64 = 86_400;
/// A clock that was set back a little must not void what was just issued.
const AHEAD_S: u64 = 600;
/// The store knows a cid for a day from its first success on.
const REPEATED_S: u64 = 86_400;
const SEAL_BYTES: usize = 6;
const UUID_CHARS: usize = 36;
/// Of one that an app server made itself.
const ANY_CHARS_MAX: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CidType {
    Push,
    Schedule,
}

#[derive(Clone)]
pub struct Cids {
    key: hmac::Key,
    /// The operator lets app servers name their pushes as they like.
    take_any: bool,
}

impl Cids {
    pub fn of(context: &Context) -> Self {
        Self { take_any: context.config.push.any_cid, ..Self::new(&context.keys) }
    }

    fn new(keys: &Keys) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(Purpose::Cids)), take_any: false }
    }

    /// `count` different ones: the random part is counted up within a call.
    pub fn issue(&self, app_key: &str, kind: CidType, count: usize, now_ms: TimeMs) -> Vec<String> {
        let seconds = u32::try_from(now_ms / 1000).unwrap_or(u32::MAX);
        let start = u64::from_be_bytes(random()) >> 16;
        (0..count as u64).map(|number| self.cid(app_key, kind, seconds, start.wrapping_add(number))).collect()
    }

    /// Was it issued to this app for this use, and not too long ago? A day after that it may still be the repeat of one that
    /// was used late: see [`Self::only_repeats`].
    pub fn is_valid(&self, cid: &str, app_key: &str, kind: CidType, now_ms: TimeMs) -> bool {
        if self.take_any {
            return (1..=ANY_CHARS_MAX).contains(&cid.chars().count()) && !cid.chars().any(char::is_control);
        }
        let Some(bytes) = uuid_of(cid, app_key) else { return false };
        let (sealed, seal) = bytes.split_at(bytes.len() - SEAL_BYTES);
        let seconds = u64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let now_s = now_ms / 1000;
        let is_fresh = now_s < seconds + LIFETIME_S + REPEATED_S && seconds < now_s + AHEAD_S;
        is_fresh && crate::keys::is_same_secret(seal, &self.seal(app_key, kind, sealed))
    }

    /// It was issued more than a day ago: nothing new may be done under it.
    pub fn only_repeats(&self, cid: &str, now_ms: TimeMs) -> bool {
        // Of a valid one: the issue time is the first part of the uuid.
        let uuid = cid.len().checked_sub(UUID_CHARS).and_then(|start| cid.get(start..));
        let seconds = uuid.and_then(|uuid| uuid.get(..8)).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        !self.take_any && seconds.is_some_and(|seconds| now_ms / 1000 >= seconds + LIFETIME_S)
    }

    fn cid(&self, app_key: &str, kind: CidType, seconds: u32, random: u64) -> String {
        let mut bytes = seconds.to_be_bytes().to_vec();
        bytes.extend_from_slice(&random.to_be_bytes()[2..]);
        let seal = self.seal(app_key, kind, &bytes);
        bytes.extend_from_slice(&seal);
        let hex = HEXLOWER.encode(&bytes);
        format!("{app_key}-{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    fn seal(&self, app_key: &str, kind: CidType, sealed: &[u8]) -> [u8; SEAL_BYTES] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(match kind {
            CidType::Push => b"push\0",
            CidType::Schedule => b"sche\0",
        });
        context.update(app_key.as_bytes());
        context.update(sealed);
        let mut seal = [0; SEAL_BYTES];
        seal.copy_from_slice(&context.sign().as_ref()[..SEAL_BYTES]);
        seal
    }
}

/// The bytes behind the app key; nothing when the text has another form.
fn uuid_of(cid: &str, app_key: &str) -> Option<[u8; 16]> {
    let uuid = cid.strip_prefix(app_key)?.strip_prefix('-')?;
    let groups: Vec<&str> = uuid.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths != [8, 4, 4, 4, 12] {
        return None;
    }
    HEXLOWER.decode(groups.concat().as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NOW: TimeMs = 1_700_000_000_000;
    const APP: &str = "0a1b2c3d4e5f60718293a4b5";

    #[test]
    fn a_cid_is_valid_for_a_day_then_for_repeats_of_what_was_done_under_it_and_then_no_longer() {
        let cids = cids();
        let cid = &cids.issue(APP, CidType::Push, 1, NOW)[0];
        for (later_ms, is_valid, only_repeats) in [
            (0, true, false),
            (86_399_000, true, false),
            (86_400_000, true, true),
            (2 * 86_400_000 - 1000, true, true),
            (2 * 86_400_000, false, true),
        ] {
            assert_eq!(cids.is_valid(cid, APP, CidType::Push, NOW + later_ms), is_valid, "{later_ms}");
            assert_eq!(cids.only_repeats(cid, NOW + later_ms), only_repeats, "{later_ms}");
        }
    }

    #[test]
    fn where_the_operator_takes_any_cid_only_its_length_counts() {
        let cids = Cids { take_any: true, ..cids() };
        for (cid, is_valid) in
            [("order-7".into(), true), ("鸿".repeat(64), true), ("x".repeat(65), false), ("a\nb".into(), false)]
        {
            assert_eq!(cids.is_valid(&cid, APP, CidType::Push, NOW), is_valid, "{cid}");
            assert!(!cids.only_repeats(&cid, NOW));
        }
    }

    #[test]
    fn a_cid_of_another_app_or_type_or_daemon_is_not_valid() {
        let cids = cids();
        let cid = &cids.issue(APP, CidType::Push, 1, NOW)[0];
        let other = "ffffffffffffffffffffffff";
        assert!(!cids.is_valid(cid, other, CidType::Push, NOW));
        assert!(!cids.is_valid(&cid.replace(APP, other), other, CidType::Push, NOW));
        assert!(!cids.is_valid(cid, APP, CidType::Schedule, NOW));
        assert!(!Cids::new(&Keys::from_secret(b"other")).is_valid(cid, APP, CidType::Push, NOW));
    }

    #[test]
    fn a_cid_with_one_changed_digit_is_not_valid() {
        let cids = cids();
        let cid = cids.issue(APP, CidType::Push, 1, NOW).remove(0);
        for at in APP.len() + 1..cid.len() {
            let changed = format!("{}{}{}", &cid[..at], if &cid[at..=at] == "0" { "1" } else { "0" }, &cid[at + 1..]);
            assert!(!cids.is_valid(&changed, APP, CidType::Push, NOW), "{changed}");
        }
    }

    #[test]
    fn a_thousand_in_one_call_are_all_different() {
        let many: BTreeSet<_> = cids().issue(APP, CidType::Push, 1000, NOW).into_iter().collect();
        assert_eq!(many.len(), 1000);
    }

    fn cids() -> Cids {
        Cids::new(&Keys::from_secret(b"key"))
    }
}
