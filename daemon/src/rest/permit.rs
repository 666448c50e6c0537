//! May a caller whose credentials are right call now? What the operator says about the app, then how often it called.

use std::net::IpAddr;

use anser_protocol::ids::TimeMs;
use anser_storage::ids::AppNumber;
use anser_storage::{Access, AddressRange};
use axum::http::StatusCode;

use super::fault::Fault;
use super::rate::{Figures, Payer, RateFamily};
use crate::context::Context;

/// Why not, with the figures if the call was looked at so far.
#[derive(Debug)]
pub struct Denied {
    pub fault: Fault,
    pub figures: Option<Figures>,
}

/// In the contract's order: blocked, address, rate. Returns the figures for the answer, if the path has a rate.
pub fn permit(
    context: &Context,
    app: AppNumber,
    access: &Access,
    path: &str,
    peer: Option<IpAddr>,
    now_ms: TimeMs,
) -> Result<Option<Figures>, Denied> {
    check_access(access, peer).map_err(|fault| Denied { fault, figures: None })?;
    let Some(family) = RateFamily::of_path(path) else { return Ok(None) };
    count(context, app, access, family, now_ms).map(Some)
}

/// What the operator says about the app, which holds whoever calls for it.
pub fn check_access(access: &Access, peer: Option<IpAddr>) -> Result<(), Fault> {
    if access.is_blocked {
        return Err(blocked());
    }
    if !is_allowed(&access.addresses, peer) {
        return Err(Fault::new(StatusCode::FORBIDDEN, 2004, "the caller's address is not in the app's white list"));
    }
    Ok(())
}

/// Counts a call, if there is one left.
pub fn count(
    context: &Context,
    app: AppNumber,
    access: &Access,
    family: RateFamily,
    now_ms: TimeMs,
) -> Result<Figures, Denied> {
    let limit = limit_of(context, access, family);
    context.rates.count(Payer::App(app), family, limit, now_ms).map_err(exceeded)
}

/// The app's own limit, or the daemon's.
pub fn limit_of(context: &Context, access: &Access, family: RateFamily) -> u32 {
    let own = access.rates.iter().find(|(of, _)| *of == family as u8).map(|(_, calls)| *calls);
    own.unwrap_or_else(|| context.config.rates.of(family))
}

/// For callers of whom the operator says nothing in particular.
pub fn permit_other(context: &Context, payer: Payer, path: &str, now_ms: TimeMs) -> Result<Option<Figures>, Denied> {
    let Some(family) = RateFamily::of_path(path) else { return Ok(None) };
    context.rates.count(payer, family, context.config.rates.of(family), now_ms).map(Some).map_err(exceeded)
}

fn exceeded(figures: Figures) -> Denied {
    let fault = Fault::new(StatusCode::TOO_MANY_REQUESTS, 2002, "Rate limit exceeded");
    Denied { fault, figures: Some(figures) }
}

pub fn blocked() -> Fault {
    Fault::new(StatusCode::FORBIDDEN, 2003, "The appKey is in black list.")
}

/// Is the address in one of the ranges? IPv4 counts as such in its mapped form as well.
pub fn is_within(ranges: &[AddressRange], address: IpAddr) -> bool {
    ranges.iter().any(|range| is_in(range, address))
}

/// Where nobody is named, everybody may call. A caller without an address is none of those who are named.
fn is_allowed(ranges: &[AddressRange], peer: Option<IpAddr>) -> bool {
    ranges.is_empty() || peer.is_some_and(|peer| is_within(ranges, peer))
}

fn is_in(range: &AddressRange, peer: IpAddr) -> bool {
    let (mine, theirs) = (u128::from_be_bytes(range.address), u128::from_be_bytes(mapped(peer)));
    let shift = 128_u32.saturating_sub(u32::from(range.bits));
    // No bits at all: every address.
    shift == 128 || mine >> shift == theirs >> shift
}

fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`.
pub fn parse_range(text: &str) -> Option<AddressRange> {
    let (address, bits) = match text.trim().split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text.trim(), None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(bits_max);
    (bits <= bits_max).then(|| AddressRange { address: mapped(address), bits: bits + (128 - bits_max) })
}

/// As [`parse_range`] reads it.
pub fn range_text(range: &AddressRange) -> String {
    let address = std::net::Ipv6Addr::from(range.address);
    match address.to_ipv4_mapped().filter(|_| range.bits >= 96) {
        Some(address) if range.bits == 128 => address.to_string(),
        Some(address) => format!("{address}/{}", range.bits - 96),
        None if range.bits == 128 => address.to_string(),
        None => format!("{address}/{}", range.bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed_from(ranges: &[&str], peer: &str) -> bool {
        let ranges: Vec<_> = ranges.iter().map(|text| parse_range(text).expect("a range")).collect();
        is_allowed(&ranges, Some(peer.parse().expect("an address")))
    }

    #[test]
    fn an_address_is_in_a_range_that_begins_with_the_same_bits() {
        assert!(is_allowed_from(&["10.1.2.3"], "10.1.2.3"));
        assert!(!is_allowed_from(&["10.1.2.3"], "10.1.2.4"));
        assert!(is_allowed_from(&["192.168.0.0/16", "10.0.0.0/8"], "10.200.1.1"));
        assert!(!is_allowed_from(&["10.0.0.0/9"], "10.200.1.1"));
        assert!(is_allowed_from(&["2001:db8::/32"], "2001:db8:1::1"));
        assert!(!is_allowed_from(&["2001:db8::/32"], "2001:db9::1"));
        assert!(is_allowed_from(&["0.0.0.0/0"], "203.0.113.1"));
        assert!(!is_allowed_from(&["0.0.0.0/0"], "2001:db8::1"));
        assert!(is_allowed_from(&["::/0"], "203.0.113.1"));
    }

    #[test]
    fn ipv4_is_the_same_address_when_it_comes_over_an_ipv6_socket() {
        assert!(is_allowed_from(&["10.0.0.0/8"], "::ffff:10.1.2.3"));
        assert!(is_allowed_from(&["::ffff:10.1.2.3"], "10.1.2.3"));
    }

    #[test]
    fn nobody_named_means_everybody_and_no_address_is_in_no_range() {
        assert!(is_allowed(&[], None));
        assert!(!is_allowed(&[parse_range("::/0").expect("a range")], None));
    }

    #[test]
    fn ranges_are_written_as_they_are_read() {
        for text in ["10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1", "::/0"] {
            assert_eq!(range_text(&parse_range(text).expect("a range")), text);
        }
        for wrong in ["", "10.0.0", "10.0.0.0/33", "::1/129", "host", "10.0.0.0/-1", "10.0.0.0/"] {
            assert_eq!(parse_range(wrong), None, "{wrong}");
        }
    }
}
