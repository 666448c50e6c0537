//! A device as it really is: one TLS connection that speaks the link's frames.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::push::{
    Activity, Mobile, PushAck, PushClicked, PushDeliver, PushReport, PushResume, PushState, PushStop,
};
use anser_protocol::frame::session::{Done, GoAway, Hello};
use anser_protocol::frame::{ClientFrame, ServerFrame, VERSION};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::Position;
use anser_protocol::limits::FRAME_BYTES_MAX;
use anser_protocol::traits::Traits;
use anser_protocol::{Decoder, Encoder};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::task::block_in_place;

use crate::world::{App, World};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Phone {
    pub registration_id: String,
    stream: StreamOwned<ClientConnection, TcpStream>,
    encoder: Encoder,
    decoder: Decoder,
    unread: Vec<u8>,
    last_request: u32,
}

impl Phone {
    /// A new device, welcomed. Needs a runtime with several threads: its sockets block.
    pub fn register(world: &World, app: &App, platform: Platform) -> Self {
        Self::telling(world, app, platform, &Traits::default())
    }

    /// The same, and what it tells of itself is stored.
    pub fn telling(world: &World, app: &App, platform: Platform, traits: &Traits) -> Self {
        block_in_place(|| {
            let stream = connect(world);
            let (encoder, decoder) = (Encoder::default(), Decoder::default());
            let registration_id = String::new();
            let mut phone = Self { registration_id, stream, encoder, decoder, unread: Vec::new(), last_request: 0 };
            phone.say(&ClientFrame::Hello(Hello {
                version_min: VERSION,
                version_max: VERSION,
                capabilities: 0,
                app_key: app.key.clone(),
                registration_id: String::new(),
                secret: [7; 16],
                nonce: anserd::keys::random::<16>().to_vec(),
                platform,
                push_cursor: None,
                extensions: traits.add_to(Extensions::default()),
            }));
            let ServerFrame::Welcome(welcome) = phone.hear() else { panic!("no welcome") };
            phone.registration_id = welcome.registration_id;
            if !traits.is_empty() {
                // What a device tells is stored in the order of its reports.
                phone.click(&[]);
            }
            phone
        })
    }

    /// Waits for a push.
    pub fn push(&mut self) -> PushDeliver {
        block_in_place(|| {
            loop {
                match self.hear() {
                    ServerFrame::PushDeliver(push) => return push,
                    ServerFrame::PushCovered(_) => {}
                    other => panic!("no push: {other:?}"),
                }
            }
        })
    }

    /// Waits for the server's last word.
    pub fn goodbye(&mut self) -> GoAway {
        block_in_place(|| {
            loop {
                match self.hear() {
                    ServerFrame::GoAway(go_away) => return go_away,
                    ServerFrame::PushCovered(_) => {}
                    other => panic!("no goodbye: {other:?}"),
                }
            }
        })
    }

    /// Returns when the receipt is counted.
    pub fn acknowledge(&mut self, push: &PushDeliver) {
        let received = vec![push.msg_id];
        let ack = PushAck { position: push.position, received, extensions: Extensions::default() };
        block_in_place(|| self.say(&ClientFrame::PushAck(ack)));
        // An acknowledgement is not answered, but reports of one device are counted in their order.
        self.click(&[]);
    }

    pub fn click(&mut self, pushes: &[Position]) {
        let (request, pushes) = (self.take_request(), pushes.to_vec());
        let body = PushClicked { request, pushes, extensions: Extensions::default() };
        self.ask(request, &ClientFrame::PushClicked(body));
    }

    pub fn report(&mut self, state: PushState, pushes: &[Position]) {
        let (request, pushes) = (self.take_request(), pushes.to_vec());
        let body = PushReport { request, state, pushes, extensions: Extensions::default() };
        self.ask(request, &ClientFrame::PushReport(body));
    }

    pub fn stop_pushes(&mut self) {
        let request = self.take_request();
        self.ask(request, &ClientFrame::PushStop(PushStop { request, extensions: Extensions::default() }));
    }

    pub fn resume_pushes(&mut self, push_cursor: Option<Position>) {
        let request = self.take_request();
        let body = PushResume { request, push_cursor, extensions: Extensions::default() };
        self.ask(request, &ClientFrame::PushResume(body));
    }

    pub fn set_mobile(&mut self, mobile: &str) {
        let (request, mobile) = (self.take_request(), mobile.to_owned());
        self.ask(request, &ClientFrame::Mobile(Mobile { request, mobile, extensions: Extensions::default() }));
    }

    /// The application came to the front so often, and was there so long.
    pub fn use_app(&mut self, number: u64, opens: u32, seconds: u32) {
        let request = self.take_request();
        let body = Activity { request, number, opens, seconds, extensions: Extensions::default() };
        self.ask(request, &ClientFrame::Activity(body));
    }

    fn take_request(&mut self) -> u32 {
        self.last_request += 1;
        self.last_request
    }

    fn ask(&mut self, request: u32, frame: &ClientFrame) {
        block_in_place(|| {
            self.say(frame);
            loop {
                match self.hear() {
                    ServerFrame::Done(Done { request: answered, .. }) if answered == request => return,
                    ServerFrame::PushCovered(_) => {}
                    other => panic!("not done: {other:?}"),
                }
            }
        });
    }

    fn say(&mut self, frame: &ClientFrame) {
        let mut bytes = Vec::new();
        framing::append(&mut bytes, |out| self.encoder.client(frame, out)).expect("a short frame");
        self.stream.write_all(&bytes).and_then(|()| self.stream.flush()).expect("sent");
    }

    fn hear(&mut self) -> ServerFrame {
        loop {
            if let Ok(Split::Frame(frame, taken)) = framing::split(&self.unread, FRAME_BYTES_MAX) {
                let frame = self.decoder.server(frame).expect("well formed");
                self.unread.drain(..taken);
                return frame;
            }
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).expect("the link holds");
            assert!(count > 0, "the server closed the link");
            self.unread.extend_from_slice(&bytes[..count]);
        }
    }
}

fn connect(world: &World) -> StreamOwned<ClientConnection, TcpStream> {
    dial(world, b"anser/1")
}

/// A TLS connection for a protocol.
pub fn dial(world: &World, protocol: &[u8]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = world.daemon.authority().expect("self-made");
    roots.add(CertificateDer::from_pem_file(authority).expect("exported")).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(world.daemon.listen()[0]).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("valid"), stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock).expect("the handshake succeeds");
    }
    tls
}
