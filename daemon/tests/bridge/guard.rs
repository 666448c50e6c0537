//! The walls around what a device may name as its push service.

use std::net::IpAddr;

use anserd::bridge::guard::is_public;
use proptest::prelude::*;

/// As addresses and as the many spellings that a resolver understands.
const FORBIDDEN: [&str; 62] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    // Short, octal, hexadecimal, as one number, mixed.
    "127.1",
    "127.0.1",
    "10.1",
    "0",
    "0177.0.0.1",
    "017700000001",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "0xa9fea9fe",
    "2852039166",
    "0xa9.0xfe.0xa9.0xfe",
    "0300.0250.0.1",
    "3232235521",
    "192.168.1",
    "172.0x10.1",
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2002:c0a8:1::",
    "2001:db8::1",
    "2001::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "ff02::1",
];

const PUBLIC: [&str; 12] = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.167.1.1",
    "2606:4700::1111",
    "2001:4860:4860::8888",
    "64:ff9b::8.8.8.8",
];

#[tokio::test]
async fn g20_no_spelling_of_a_forbidden_address_is_taken_for_a_public_one() {
    for spelling in FORBIDDEN {
        // Numeric forms ask no name server.
        let addresses = tokio::net::lookup_host((spelling, 443)).await;
        let addresses: Vec<IpAddr> = addresses.into_iter().flatten().map(|address| address.ip()).collect();
        assert!(!addresses.iter().copied().any(is_public), "{spelling}: {addresses:?}");
        if let Ok(address) = spelling.parse::<IpAddr>() {
            assert!(!is_public(address), "{spelling}");
        }
    }
}

#[test]
fn g20_public_addresses_are_not_shut_out() {
    for spelling in PUBLIC {
        assert!(is_public(spelling.parse().expect("an address")), "{spelling}");
    }
}

proptest! {
    #[test]
    fn g20_an_address_in_an_ipv6_disguise_is_judged_like_itself(v4: std::net::Ipv4Addr) {
        let [a, b, c, d] = v4.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let plain = is_public(v4.into());
        for disguise in [[0x64, 0xff9b, 0, 0, 0, 0, high, low], [0x2002, high, low, 0, 0, 0, 0, 1]] {
            prop_assert_eq!(is_public(IpAddr::from(disguise)), plain);
        }
        // Nobody needs these forms on a wire.
        prop_assert!(!is_public(v4.to_ipv6_mapped().into()));
        prop_assert!(!is_public(IpAddr::from([0, 0, 0, 0, 0, 0, high, low])));
    }
}
