//! An open link: bytes or messages in and out, by polling alone, without a task of its own.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, Join, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_websockets::{Message, WebSocketStream};

/// Read at once from a stream.
const SCRATCH_BYTES: usize = 8 * 1024;
/// A peer that does not read what is left to be said loses it.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// Time to put the last QUIC packet on its way.
const GOODBYE_WITHIN: Duration = Duration::from_millis(50);

type QuicStream = Join<quinn::RecvStream, quinn::SendStream>;

/// What arrived.
#[derive(Debug)]
pub enum Incoming {
    Bytes(Vec<u8>),
    Message(Vec<u8>),
}

/// The link. What is queued is bounded by the session, which has a limit for everything that it leaves unanswered.
pub struct Wire {
    kind: Kind,
    queued: VecDeque<Vec<u8>>,
    /// How much of the first queued piece is written.
    written: usize,
    is_unflushed: bool,
}

enum Kind {
    Stream(Box<TlsStream<TcpStream>>),
    Quic(Box<Quic>),
    WebSocket(Box<WebSocketStream<TlsStream<TcpStream>>>),
}

/// The endpoint is kept so that a goodbye can be waited for.
pub(super) struct Quic {
    pub(super) endpoint: quinn::Endpoint,
    pub(super) connection: quinn::Connection,
    pub(super) stream: QuicStream,
}

impl Wire {
    pub(super) fn stream(stream: TlsStream<TcpStream>) -> Self {
        Self::new(Kind::Stream(Box::new(stream)))
    }

    pub(super) fn quic(quic: Quic) -> Self {
        Self::new(Kind::Quic(Box::new(quic)))
    }

    pub(super) fn websocket(socket: WebSocketStream<TlsStream<TcpStream>>) -> Self {
        Self::new(Kind::WebSocket(Box::new(socket)))
    }

    fn new(kind: Kind) -> Self {
        Self { kind, queued: VecDeque::new(), written: 0, is_unflushed: false }
    }

    /// The server's address.
    pub fn peer(&self) -> Option<SocketAddr> {
        match &self.kind {
            Kind::Stream(stream) => stream.get_ref().0.peer_addr().ok(),
            Kind::Quic(quic) => Some(quic.connection.remote_address()),
            Kind::WebSocket(socket) => socket.get_ref().get_ref().0.peer_addr().ok(),
        }
    }

    /// Queues bytes, or one WebSocket message; [`Self::next`] writes them.
    pub fn queue(&mut self, bytes: Vec<u8>) {
        self.queued.push_back(bytes);
    }

    /// Writes what is queued, and waits for what arrives; nothing when the peer has closed. May be dropped and called again
    /// at any time.
    pub async fn next(&mut self) -> io::Result<Option<Incoming>> {
        poll_fn(|context| {
            let written = self.poll_write(context);
            match (self.poll_read(context), written) {
                // A peer that takes no more may have said why before.
                (Poll::Pending, Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
                (read, _) => read,
            }
        })
        .await
    }

    /// Writes what is queued and closes.
    pub async fn close(mut self) {
        let flushed = tokio::time::timeout(CLOSE_WITHIN, async {
            poll_fn(|context| self.poll_write(context)).await?;
            poll_fn(|context| self.poll_close(context)).await
        });
        // The peer that is gone already needs no goodbye.
        let _ = flushed.await;
        if let Kind::Quic(quic) = &mut self.kind {
            let _ = tokio::time::timeout(CLOSE_WITHIN, quic.stream.writer_mut().stopped()).await;
            quic.connection.close(quinn::VarInt::from_u32(0), b"");
            let _ = tokio::time::timeout(GOODBYE_WITHIN, quic.endpoint.wait_idle()).await;
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(piece) = self.queued.front_mut() {
            match &mut self.kind {
                Kind::WebSocket(socket) => {
                    ready!(Pin::new(&mut *socket).poll_ready(context)).map_err(io::Error::other)?;
                    let message = Message::binary(std::mem::take(piece));
                    Pin::new(&mut *socket).start_send(message).map_err(io::Error::other)?;
                    self.queued.pop_front();
                }
                Kind::Stream(stream) => {
                    self.written += ready!(Pin::new(&mut *stream).poll_write(context, &piece[self.written..]))?;
                }
                Kind::Quic(quic) => {
                    self.written += ready!(Pin::new(&mut quic.stream).poll_write(context, &piece[self.written..]))?;
                }
            }
            if self.queued.front().is_some_and(|piece| self.written >= piece.len()) {
                self.queued.pop_front();
                self.written = 0;
            }
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            match &mut self.kind {
                Kind::WebSocket(socket) => ready!(Pin::new(socket).poll_flush(context)).map_err(io::Error::other)?,
                Kind::Stream(stream) => ready!(Pin::new(stream).poll_flush(context))?,
                Kind::Quic(quic) => ready!(Pin::new(&mut quic.stream).poll_flush(context))?,
            }
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Incoming>>> {
        match &mut self.kind {
            Kind::Stream(stream) => poll_bytes(Pin::new(stream), context),
            Kind::Quic(quic) => poll_bytes(Pin::new(&mut quic.stream), context),
            Kind::WebSocket(socket) => loop {
                let Some(message) = ready!(Pin::new(&mut *socket).poll_next(context)) else {
                    return Poll::Ready(Ok(None));
                };
                let message = message.map_err(io::Error::other)?;
                if message.is_close() {
                    return Poll::Ready(Ok(None));
                }
                // Pings of WebSocket itself are answered beneath; texts are no part of this protocol.
                if message.is_binary() {
                    return Poll::Ready(Ok(Some(Incoming::Message(message.into_payload().to_vec()))));
                }
            },
        }
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Stream(stream) => Pin::new(stream).poll_shutdown(context),
            Kind::Quic(quic) => Pin::new(&mut quic.stream).poll_shutdown(context),
            Kind::WebSocket(socket) => Pin::new(socket).poll_close(context).map_err(io::Error::other),
        }
    }
}

fn poll_bytes<S: AsyncRead>(stream: Pin<&mut S>, context: &mut Context<'_>) -> Poll<io::Result<Option<Incoming>>> {
    let mut scratch = [0; SCRATCH_BYTES];
    let mut buffer = ReadBuf::new(&mut scratch);
    ready!(stream.poll_read(context, &mut buffer))?;
    let filled = buffer.filled();
    Poll::Ready(Ok((!filled.is_empty()).then(|| Incoming::Bytes(filled.to_vec()))))
}
