//! Any bytes at the beginning of a connection from a trusted proxy: a caller's address or a refusal, and never a byte more
//! than a header is taken.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use anserd::config::Proxy;
use anserd::listen::proxy;
use anserd::rest::permit::parse_range;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

/// The fixed part and the rest of version 2.
const HEADER_BYTES_MAX: usize = 16 + 4096;
const HEADER_BYTES_MIN: usize = 12;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

fuzz_target!(|bytes: &[u8]| {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let trusted = Proxy { trusted: parse_range("127.0.0.0/8").into_iter().collect(), listen: Vec::new() };
    let mut rest = bytes;
    let read = RUNTIME.block_on(proxy::read_header(&mut rest, peer, &trusted));
    let taken = bytes.len() - rest.len();
    assert!(taken <= HEADER_BYTES_MAX, "{taken} bytes were taken");
    assert!(read.is_err() || taken >= HEADER_BYTES_MIN, "an address from {taken} bytes");
});
