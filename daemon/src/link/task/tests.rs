//! G27: a panic in one link ends that link and nothing else.

use anser_protocol::content::Platform;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::session::Hello;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder};
use anser_storage::command::{AppCommand, Command};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::config::{self, Flags};
use crate::context::Shared;
use crate::link::wire::ByteStream;
use crate::observe::Transport;
use crate::serve::Daemon;

const APP_KEY: &str = "0123456789abcdef01234567";
const PANICS: u64 = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn g27_a_thousand_links_that_panic_end_alone_and_give_back_what_they_held() {
    // Given a daemon with a link that is open,
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = Some(folder.path().join("data"));
    let flags = Flags { data_dir, listen: vec!["127.0.0.1:0".to_owned()], ..Flags::default() };
    let config = config::read(&flags, std::iter::empty()).expect("valid settings");
    let daemon = Daemon::start(config).await.expect("the daemon starts");
    let context = daemon.context();
    let create = AppCommand::Create { name: "app".into(), app_key: APP_KEY.into(), master_secret: "secret".into() };
    context.ledger.submit(Command::App(create)).await.expect("the store is well").answer.expect("a new app");
    let (mut peer, near) = tokio::io::duplex(64 * 1024);
    let free = context.connections.available_permits();
    tokio::spawn(link(ByteStream::new(near), context).await);

    // when a thousand others panic, at once, or when their device is known and the welcome is being written,
    for round in 0..PANICS {
        let wire = Panicking { hello: (round % 2 == 1).then(|| hello(round)) };
        let ended = tokio::spawn(link(wire, context).await).await;
        assert!(ended.is_err_and(|error| error.is_panic()));
    }

    // then nothing of them is left, and the open link is served.
    assert_eq!((context.links.count(), context.switchboard.counts()), (1, (0, 0)));
    assert_eq!(context.connections.available_permits(), free - 1);
    peer.write_all(&hello(PANICS)).await.expect("the link is open");
    assert!(matches!(hear(&mut peer).await, ServerFrame::Welcome(_)));
    assert_eq!(context.switchboard.counts(), (1, 0));
}

async fn link<W: Wire>(wire: W, context: &Shared) -> Link<W> {
    let permit = context.connections.clone().acquire_owned().await.expect("the daemon takes connections");
    let from = From { transport: Transport::Tcp, peer: ([127, 0, 0, 1], 1).into() };
    Link::new(wire, context.links.rules().tcp.clone(), context.links.clone(), from, Arc::new(permit))
}

/// Says hello if it is to, and panics when it is asked for more, or when it is to write.
struct Panicking {
    hello: Option<Vec<u8>>,
}

impl Wire for Panicking {
    fn poll_receive(&mut self, session: &mut Session, now: TimeMs, _: &mut Context<'_>) -> Poll<std::io::Result<bool>> {
        match self.hello.take() {
            Some(hello) if !hello.is_empty() => {
                self.hello = Some(Vec::new());
                session.handle_bytes(&hello, now);
                Poll::Ready(Ok(true))
            }
            Some(said) => {
                self.hello = Some(said);
                Poll::Pending
            }
            None => panics(),
        }
    }

    fn poll_transmit(&mut self, session: &mut Session, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if session.output().is_empty() { Poll::Ready(Ok(())) } else { panics() }
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// As `panic!` does, without the hook that would print it.
fn panics() -> ! {
    std::panic::resume_unwind(Box::new("a bug, on purpose"))
}

/// Of a new device.
fn hello(number: u64) -> Vec<u8> {
    let hello = ClientFrame::Hello(Hello {
        version_min: 1,
        version_max: 1,
        capabilities: 0,
        app_key: APP_KEY.into(),
        registration_id: String::new(),
        secret: [7; 16],
        nonce: u128::from(number).to_le_bytes().to_vec(),
        platform: Platform::ANDROID,
        push_cursor: None,
        extensions: Extensions::default(),
    });
    let mut bytes = Vec::new();
    framing::append(&mut bytes, |out| Encoder::default().client(&hello, out)).expect("a short frame");
    bytes
}

async fn hear(peer: &mut DuplexStream) -> ServerFrame {
    let mut bytes = Vec::new();
    loop {
        if let Ok(Split::Frame(frame, _)) = framing::split(&bytes, FRAME_BYTES_MAX) {
            return Decoder::default().server(frame).expect("well formed");
        }
        bytes.push(peer.read_u8().await.expect("the link is open"));
    }
}
