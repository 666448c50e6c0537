//! Who really called, when a proxy stands before the daemon: the PROXY protocol at the beginning of a connection, and
//! `X-Forwarded-For` in a request. Both are believed only from addresses that the operator trusts.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hyper::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::config::Proxy;

/// A proxy sends the header at once.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
const SIGNATURE_V2: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What every header has at least: the signature of version 2, and less than the shortest line of version 1.
const FIRST_BYTES: usize = SIGNATURE_V2.len();
const V1_BYTES_MAX: usize = 107;
const V2_FIXED_BYTES: usize = 16;
/// Of the addresses of version 2 with what stands behind them; proxies send some hundred bytes.
const V2_REST_BYTES_MAX: usize = 4096;
/// Proxies behind one another that are followed.
const HOPS_MAX: usize = 32;
const FORWARDED_FOR: &str = "x-forwarded-for";

/// What to do after so many bytes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Read exactly so many more.
    Read(usize),
    /// The header is over; nothing: the proxy speaks for itself, or of no address that we know.
    Done(Option<SocketAddr>),
    Invalid(&'static str),
}

/// Reads the header of a connection from a trusted proxy, and not a byte more. Returns who called the proxy.
pub async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
    peer: SocketAddr,
    trusted: &Proxy,
) -> io::Result<SocketAddr> {
    if !trusted.trusts(peer.ip()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is no trusted proxy (proxy.trusted)"));
    }
    let header = tokio::time::timeout(HEADER_WITHIN, read_all(stream)).await??;
    Ok(header.unwrap_or(peer))
}

async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut bytes = Vec::with_capacity(64);
    loop {
        match step(&bytes) {
            Step::Read(more) => {
                let had = bytes.len();
                bytes.resize(had + more, 0);
                stream.read_exact(&mut bytes[had..]).await?;
            }
            Step::Done(source) => return Ok(source),
            Step::Invalid(why) => return Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        }
    }
}

fn step(bytes: &[u8]) -> Step {
    if bytes.len() < FIRST_BYTES {
        Step::Read(FIRST_BYTES - bytes.len())
    } else if bytes.starts_with(SIGNATURE_V2) {
        step_v2(bytes)
    } else if bytes.starts_with(b"PROXY ") {
        step_v1(bytes)
    } else {
        Step::Invalid("it does not begin with a header of the PROXY protocol")
    }
}

/// A line, byte by byte: what stands behind it is not ours.
fn step_v1(bytes: &[u8]) -> Step {
    match bytes.iter().position(|byte| *byte == b'\n') {
        None if bytes.len() >= V1_BYTES_MAX => Step::Invalid("the line of the PROXY header is too long"),
        None => Step::Read(1),
        // Only what was read too early could stand behind it.
        Some(end) if end + 1 != bytes.len() => Step::Invalid("the line of the PROXY header is too short"),
        Some(_) => match read_line(bytes) {
            Some(source) => Step::Done(source),
            None => Step::Invalid("the line of the PROXY header cannot be read"),
        },
    }
}

/// Nothing where it cannot be read; of an unknown protocol no address is told.
fn read_line(bytes: &[u8]) -> Option<Option<SocketAddr>> {
    let line = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n")?;
    let mut words = line.split(' ');
    let (Some("PROXY"), Some(protocol)) = (words.next(), words.next()) else { return None };
    if protocol == "UNKNOWN" {
        return Some(None);
    }
    let [source, target, source_port, target_port] = words.collect::<Vec<_>>()[..] else { return None };
    let address = |text: &str| -> Option<IpAddr> {
        match protocol {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::from),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
            _ => None,
        }
    };
    let port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    address(target)?;
    port(target_port)?;
    Some(Some(SocketAddr::new(address(source)?, port(source_port)?)))
}

fn step_v2(bytes: &[u8]) -> Step {
    if bytes.len() < V2_FIXED_BYTES {
        return Step::Read(V2_FIXED_BYTES - bytes.len());
    }
    let rest = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if rest > V2_REST_BYTES_MAX {
        return Step::Invalid("the PROXY header is too long");
    }
    let whole = V2_FIXED_BYTES + rest;
    if bytes.len() < whole {
        return Step::Read(whole - bytes.len());
    }
    let addresses = &bytes[V2_FIXED_BYTES..];
    match (bytes[12], bytes[13]) {
        // The proxy itself, to see whether we are there.
        (0x20, _) => Step::Done(None),
        (0x21, 0x11) => of_v4(addresses),
        (0x21, 0x21) => of_v6(addresses),
        // Datagrams and Unix sockets.
        (0x21, 0x00 | 0x12 | 0x22 | 0x31 | 0x32) => Step::Done(None),
        (0x20..=0x2f, _) => Step::Invalid("the PROXY header has an unknown command or protocol"),
        _ => Step::Invalid("the PROXY header is of an unknown version"),
    }
}

fn of_v4(addresses: &[u8]) -> Step {
    match (addresses.first_chunk::<4>(), addresses.get(8..10)) {
        (Some(source), Some(&[high, low])) if addresses.len() >= 12 => {
            Step::Done(Some(SocketAddr::new(Ipv4Addr::from(*source).into(), u16::from_be_bytes([high, low]))))
        }
        _ => Step::Invalid("the addresses of the PROXY header are cut"),
    }
}

fn of_v6(addresses: &[u8]) -> Step {
    match (addresses.first_chunk::<16>(), addresses.get(32..34)) {
        (Some(source), Some(&[high, low])) if addresses.len() >= 36 => {
            Step::Done(Some(SocketAddr::new(Ipv6Addr::from(*source).into(), u16::from_be_bytes([high, low]))))
        }
        _ => Step::Invalid("the addresses of the PROXY header are cut"),
    }
}

/// Who sent a request: the last address of `X-Forwarded-For` that is no trusted proxy, when the peer is one.
pub fn forwarded(peer: SocketAddr, headers: &HeaderMap, trusted: &Proxy) -> SocketAddr {
    let mut known = peer;
    let values: Vec<&str> =
        headers.get_all(FORWARDED_FOR).into_iter().filter_map(|value| value.to_str().ok()).collect();
    let mut hops = values.iter().rev().flat_map(|value| value.rsplit(',')).take(HOPS_MAX);
    while trusted.trusts(known.ip()) {
        // What cannot be read ends it: the hop that wrote it is the last that is known.
        let Some(hop) = hops.next().and_then(address_in) else { break };
        known = hop;
    }
    known
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn address_in(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse().ok().or_else(|| bare.parse().ok().map(|address| SocketAddr::new(address, 0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rest::permit::parse_range;

    fn proxy(ranges: &[&str]) -> Proxy {
        let trusted = ranges.iter().map(|text| parse_range(text).expect("a range")).collect();
        Proxy { trusted, listen: Vec::new() }
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    /// What is told of the source, and how many bytes were read.
    fn read(mut bytes: &[u8]) -> Result<(Option<SocketAddr>, usize), &'static str> {
        let (whole, mut had) = (bytes, 0);
        loop {
            match step(&whole[..had]) {
                Step::Read(more) if more <= bytes.len() => {
                    bytes = &bytes[more..];
                    had += more;
                }
                Step::Read(_) => return Err("cut"),
                Step::Done(source) => return Ok((source, had)),
                Step::Invalid(why) => return Err(why),
            }
        }
    }

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let mut header = SIGNATURE_V2.to_vec();
        header.extend([command, family]);
        header.extend(u16::try_from(addresses.len()).expect("short").to_be_bytes());
        header.extend(addresses);
        header
    }

    #[test]
    fn lines_of_version_1_tell_who_called() {
        let lines = [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 4711 8443\r\n", Some("192.0.2.7:4711")),
            ("PROXY TCP6 2001:db8::7 2001:db8::1 4711 8443\r\n", Some("[2001:db8::7]:4711")),
            ("PROXY UNKNOWN\r\n", None),
            ("PROXY UNKNOWN ffff:f::1 ffff::1 65535 65535\r\n", None),
        ];
        for (line, source) in lines {
            let behind = [line.as_bytes(), b"\x16\x03\x01 hello"].concat();
            assert_eq!(read(&behind), Ok((source.map(at), line.len())), "{line}");
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
        for line in [
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 4711 8443 1\r\n",
            "PROXY TCP4 2001:db8::7 10.0.0.1 4711 8443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 65536 8443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 +4711 8443\r\n",
            "PROXY TCP4  192.0.2.7 10.0.0.1 4711 8443\r\n",
            "PROXY TCP4 192.0.2.7 10.0.0.1 4711 8443\n",
            "PROXY UDP4 192.0.2.7 10.0.0.1 4711 8443\r\n",
            "PROXY A\r\nGET / HTTP",
            long.as_str(),
        ] {
            assert!(read(line.as_bytes()).is_err_and(|why| why != "cut"), "{line}");
        }
    }

    #[test]
    fn headers_of_version_2_tell_who_called() {
        let four = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0x20, 0xfb];
        assert_eq!(read(&v2(0x21, 0x11, &four)), Ok((Some(at("192.0.2.7:4711")), 28)));
        let with_more = [&four[..], &[0x03, 0, 4, 1, 2, 3, 4]].concat();
        assert_eq!(read(&v2(0x21, 0x11, &with_more)), Ok((Some(at("192.0.2.7:4711")), 35)));
        let mut six = [0; 36];
        six[..16].copy_from_slice(&"2001:db8::7".parse::<Ipv6Addr>().expect("an address").octets());
        six[32..34].copy_from_slice(&4711u16.to_be_bytes());
        assert_eq!(read(&v2(0x21, 0x21, &six)), Ok((Some(at("[2001:db8::7]:4711")), 52)));
        assert_eq!(read(&v2(0x20, 0x00, &[])), Ok((None, 16)), "the proxy's own look");
        assert_eq!(read(&v2(0x21, 0x31, &[0; 216])), Ok((None, 232)));
        for wrong in [v2(0x21, 0x11, &four[..11]), v2(0x31, 0x11, &four), v2(0x22, 0x11, &four), v2(0x21, 0x99, &four)]
        {
            assert!(read(&wrong).is_err_and(|why| why != "cut"), "{wrong:?}");
        }
        let mut long = v2(0x21, 0x11, &four);
        long[14] = 0xff;
        assert!(read(&long).is_err_and(|why| why != "cut"), "nobody makes us hold 64 KiB");
    }

    #[test]
    fn forwarded_addresses_are_followed_as_far_as_proxies_are_trusted() {
        let trusted = proxy(&["10.0.0.0/8", "2001:db8::/32"]);
        let of = |peer: &str, values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(FORWARDED_FOR, value.parse().expect("a value"));
            }
            forwarded(at(peer), &headers, &trusted).ip().to_string()
        };
        assert_eq!(of("192.0.2.1:1", &["203.0.113.9"]), "192.0.2.1", "a stranger is not believed");
        assert_eq!(of("10.0.0.1:1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1:1", &["1.1.1.1, 203.0.113.9"]), "203.0.113.9", "what the client wrote is not believed");
        assert_eq!(of("10.0.0.1:1", &["203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1:1", &["1.1.1.1, 203.0.113.9", "10.0.0.3, [2001:db8::5]:80"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1:1", &["203.0.113.9:5555"]), "203.0.113.9");
        assert_eq!(of("10.0.0.1:1", &["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1:1", &[]), "10.0.0.1");
        assert_eq!(of("[::ffff:10.0.0.1]:1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(of("[::ffff:192.0.2.1]:1", &["203.0.113.9"]), "::ffff:192.0.2.1");
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_behind_a_header_are_read(
            bytes in prop::collection::vec(any::<u8>(), 0..300), signed in any::<bool>(), v1 in any::<bool>(),
        ) {
            let begin: &[u8] = match (signed, v1) {
                (true, true) => b"PROXY TCP4 ",
                (true, false) => SIGNATURE_V2,
                (false, _) => b"",
            };
            let whole = [begin, &bytes].concat();
            if let Ok((_, read)) = read(&whole) {
                prop_assert!(read <= V2_FIXED_BYTES + V2_REST_BYTES_MAX);
                prop_assert_eq!(super::tests::read(&whole[..read]).map(|(_, again)| again), Ok(read));
            }
        }

        #[test]
        fn a_header_is_read_as_it_was_written(source in any::<[u8; 4]>(), port in any::<u16>(), behind in prop::collection::vec(any::<u8>(), 0..50)) {
            let source = SocketAddr::new(Ipv4Addr::from(source).into(), port);
            let line = format!("PROXY TCP4 {} 10.0.0.1 {port} 443\r\n", source.ip());
            prop_assert_eq!(read(&[line.as_bytes(), &behind].concat()), Ok((Some(source), line.len())));
        }
    }
}
