//! Proxies before the daemon: whose word on who called is believed, and whose is not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anser_storage::command::{AccessChange, AppCommand, Command};
use anser_storage::outcome::Answer;
use anserd::config::Proxy;
use anserd::rest::permit::parse_range;
use data_encoding::BASE64;

use crate::World;

/// An app whose servers may call from 203.0.113.9 only; its credentials.
async fn world(trusted: &str, is_proxied: bool) -> (World, SocketAddr, String) {
    let plain: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let world = World::with(|config| {
        config.plain_listen = vec![plain];
        let listen = if is_proxied { vec![plain] } else { Vec::new() };
        config.proxy = Proxy { trusted: vec![parse_range(trusted).expect("a range")], listen };
    })
    .await;
    let (key, secret) = ("0".repeat(24), "1".repeat(24));
    let create = AppCommand::Create { name: "one".into(), app_key: key.clone(), master_secret: secret.clone() };
    let Ok(Answer::App(app)) = world.apply(Command::App(create)).await else { panic!("an app was to be made") };
    let change = AccessChange::Addresses(vec![parse_range("203.0.113.9").expect("an address")]);
    world.apply(Command::App(AppCommand::ChangeAccess { app, change })).await.expect("accepted");
    let address = world.daemon.plain_listen()[0];
    (world, address, BASE64.encode(format!("{key}:{secret}").as_bytes()))
}

/// The status of a call behind these bytes, with these headers; nothing when the connection was cut.
async fn call(address: SocketAddr, first: &'static [u8], headers: &str, basic: &str) -> Option<String> {
    let head = format!(
        "GET /v3/tags HTTP/1.1\r\nhost: x\r\nauthorization: Basic {basic}\r\n{headers}connection: close\r\n\r\n"
    );
    let called = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        // It may be cut while we write.
        let _ = stream.write_all(&[first, head.as_bytes()].concat());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).split(' ').nth(1).map(str::to_owned)
    });
    called.await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_who_called_and_a_stranger_does_not() {
    let (_world, address, basic) = world("127.0.0.0/8", false).await;
    let of = async |headers: &str| call(address, b"", headers, &basic).await.expect("an answer");
    assert_eq!(of("x-forwarded-for: 203.0.113.9\r\n").await, "200");
    assert_eq!(of("x-forwarded-for: 198.51.100.1, 203.0.113.9\r\n").await, "200");
    assert_eq!(of("x-forwarded-for: 203.0.113.9, 198.51.100.1\r\n").await, "403", "what the client wrote itself");
    assert_eq!(of("").await, "403");
    let (_world, address, basic) = world("10.0.0.0/8", false).await;
    let answer = call(address, b"", "x-forwarded-for: 203.0.113.9\r\n", &basic).await;
    assert_eq!(answer.as_deref(), Some("403"), "we are none of the proxies that are trusted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxied_listener_takes_the_address_of_the_header_and_nothing_without_one() {
    let (_world, address, basic) = world("127.0.0.1", true).await;
    let v1 = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n";
    assert_eq!(call(address, v1, "", &basic).await.as_deref(), Some("200"));
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x0a\0\0\x01\x12\x67\0\x50";
    assert_eq!(call(address, v2, "", &basic).await.as_deref(), Some("200"));
    let stranger = b"PROXY TCP4 198.51.100.1 10.0.0.1 4711 80\r\n";
    assert_eq!(call(address, stranger, "x-forwarded-for: 203.0.113.9\r\n", &basic).await.as_deref(), Some("403"));
    assert_eq!(call(address, b"", "", &basic).await, None, "no header, no answer");
    assert_eq!(call(address, b"PROXY TCP4 nonsense\r\n", "", &basic).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_from_an_address_that_is_not_trusted_ends_the_connection() {
    let (_world, address, basic) = world("10.0.0.0/8", true).await;
    let v1 = b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 80\r\n";
    assert_eq!(call(address, v1, "", &basic).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_does_not_come_is_waited_for_no_longer_than_ten_seconds() {
    let (_world, address, _) = world("127.0.0.1", true).await;
    let waited = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(b"PROXY TCP4 203.").expect("sent");
        let begun = Instant::now();
        let _ = stream.read_to_end(&mut Vec::new());
        begun.elapsed()
    });
    assert!(waited.await.expect("no panic") < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_addresses_are_listened_on_at_once() {
    let one: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let world = World::with(|config| config.listen = vec![one, one, "127.0.0.2:0".parse().expect("an address")]).await;
    let listens = world.daemon.listen().to_vec();
    assert_eq!(listens.len(), 3);
    for address in listens {
        tokio::net::TcpStream::connect(address).await.expect("somebody listens");
    }
    assert_ne!(world.address(), world.daemon.listen()[1]);
}
