//! A device on a real link that says any frame it likes, also what no client of ours would.

use std::sync::Arc;
use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{History, HistoryPage};
use anser_protocol::frame::session::{CredentialKind, Hello, Login, Welcome};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::Position;
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::names::Chat;
use anser_protocol::{Decoder, Encoder};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::World;

/// Above every position that a store gives.
pub const END: Position = Position(u64::MAX >> 11);

/// Far more than a local daemon ever takes: it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Peer {
    stream: TlsStream<TcpStream>,
    encoder: Encoder,
    decoder: Decoder,
    unread: Vec<u8>,
    /// Of the device that is registered here.
    pub secret: [u8; 16],
    /// The bytes of all frames that were heard, for whoever looks for what should not be there.
    pub heard: Vec<u8>,
    /// What was told of chat rooms while something else was waited for.
    pub room_news: Vec<ServerFrame>,
}

impl Peer {
    pub async fn connect(world: &World) -> Self {
        let mut roots = RootCertStore::empty();
        let authority = world.daemon.authority().expect("a self-made certificate");
        roots.add(CertificateDer::from_pem_file(authority).expect("exported")).expect("an authority");
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("known versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"anser/1".to_vec()];
        let stream = TcpStream::connect(world.daemon.listen()[0]).await.expect("it listens");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("trusted");
        let (encoder, decoder) = (Encoder::default(), Decoder::default());
        Self {
            stream,
            encoder,
            decoder,
            unread: Vec::new(),
            secret: anserd::keys::random(),
            heard: Vec::new(),
            room_news: Vec::new(),
        }
    }

    /// A new device of this app; what the server calls it.
    pub async fn register(&mut self, app_key: &str) -> Welcome {
        self.say(&hello(app_key, "", self.secret)).await;
        match self.hear().await {
            Some(ServerFrame::Welcome(welcome)) => welcome,
            other => panic!("a welcome was expected, not {other:?}"),
        }
    }

    /// Logs in by password and hears all that was missed; the token.
    pub async fn log_in(&mut self, username: &str, password: &str) -> Vec<u8> {
        self.say(&login(1, username, CredentialKind::PASSWORD, password.as_bytes())).await;
        let mut token = Vec::new();
        loop {
            match self.hear().await {
                Some(ServerFrame::LoggedIn(logged_in)) => token = logged_in.token,
                Some(ServerFrame::CatchUp(part)) if part.is_last => return token,
                Some(ServerFrame::CatchUp(_) | ServerFrame::PushDeliver(_) | ServerFrame::PushCovered(_)) => {}
                other => panic!("{username} is not logged in: {other:?}"),
            }
        }
    }

    /// The newest page of a chat below `before`.
    pub async fn history(&mut self, chat: Chat, before: Position) -> HistoryPage {
        self.say(&ClientFrame::History(History { request: 9, chat, before, after: Position::START, limit: 100 })).await;
        match self.hear_answer().await {
            Some(ServerFrame::HistoryPage(page)) => page,
            other => panic!("a page was expected, not {other:?}"),
        }
    }

    pub async fn say(&mut self, frame: &ClientFrame) {
        let mut bytes = Vec::new();
        framing::append(&mut bytes, |out| self.encoder.client(frame, out)).expect("a short frame");
        self.say_bytes(&bytes).await;
    }

    pub async fn say_bytes(&mut self, bytes: &[u8]) {
        // A link that the server has ended may be gone already; what it said last is still there to be read.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// The next frame; nothing when the link has ended.
    pub async fn hear(&mut self) -> Option<ServerFrame> {
        loop {
            if let Ok(Split::Frame(frame, taken)) = framing::split(&self.unread, FRAME_BYTES_MAX) {
                let frame = self.decoder.server(frame).expect("well formed");
                self.heard.extend(self.unread.drain(..taken));
                return Some(frame);
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await;
            match read.expect("neither a frame nor the end of the link came") {
                Ok(1..) => {}
                Ok(0) | Err(_) => return None,
            }
        }
    }

    /// The next frame that nobody sends without being asked.
    pub async fn hear_answer(&mut self) -> Option<ServerFrame> {
        loop {
            match self.hear().await? {
                ServerFrame::Deliver(_)
                | ServerFrame::Covered(_)
                | ServerFrame::CatchUp(_)
                | ServerFrame::PushDeliver(_)
                | ServerFrame::PushCovered(_)
                | ServerFrame::RoomChanged(_)
                | ServerFrame::PushWithdrawn(_)
                | ServerFrame::CommandCame(_)
                | ServerFrame::ProfileChanged(_) => {}
                answer => return Some(answer),
            }
        }
    }

    pub fn has_heard(&self, text: &str) -> bool {
        self.heard.windows(text.len()).any(|heard| heard == text.as_bytes())
    }
}

pub fn hello(app_key: &str, registration_id: &str, secret: [u8; 16]) -> ClientFrame {
    ClientFrame::Hello(Hello {
        version_min: 1,
        version_max: 1,
        capabilities: 0,
        app_key: app_key.to_owned(),
        registration_id: registration_id.to_owned(),
        secret,
        nonce: if registration_id.is_empty() { anserd::keys::random::<16>().to_vec() } else { Vec::new() },
        platform: Platform::ANDROID,
        push_cursor: Some(Position::START),
        extensions: Extensions::default(),
    })
}

pub fn login(request: u32, username: &str, credential_kind: CredentialKind, credential: &[u8]) -> ClientFrame {
    ClientFrame::Login(Login {
        request,
        username: username.to_owned(),
        credential_kind,
        credential: credential.to_vec(),
        cursor: Some(Position::START),
        extensions: Extensions::default(),
    })
}
