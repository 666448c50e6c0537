//! The two ways in which frames stand on a link: one after another on a byte stream, or one per WebSocket message.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anser_protocol::framing::{self, Split};
use anser_protocol::ids::TimeMs;
use anser_protocol::limits::{CLIENT_FRAME_BYTES_MAX, FRAME_BYTES_MAX};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_websockets::{Config, Limits, Message, WebSocketStream};

use super::session::Session;

/// Bytes read at a time, into memory that all links of a thread share.
const SCRATCH_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// What a link's loop needs of its transport.
pub trait Wire: Unpin {
    /// Hands what has arrived to the session. Ready with `false` when the peer has closed.
    fn poll_receive(&mut self, session: &mut Session, now: TimeMs, cx: &mut Context<'_>) -> Poll<io::Result<bool>>;

    /// Writes the session's output. Ready when all of it has left.
    fn poll_transmit(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A byte stream: TLS over TCP, or a QUIC stream.
pub struct ByteStream<S> {
    stream: S,
    needs_flush: bool,
}

impl<S> ByteStream<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, needs_flush: false }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire for ByteStream<S> {
    fn poll_receive(&mut self, session: &mut Session, now: TimeMs, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let bytes = buffer.filled();
            if bytes.is_empty() {
                return Poll::Ready(Ok(false));
            }
            session.handle_bytes(bytes, now);
            Poll::Ready(Ok(true))
        })
    }

    fn poll_transmit(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !session.output().is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, session.output()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            session.output_written(written);
            self.needs_flush = true;
        }
        if self.needs_flush {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A WebSocket: one frame in each binary message, without its length.
pub struct Messages<S> {
    socket: WebSocketStream<S>,
    needs_flush: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Messages<S> {
    /// `stream` has done its upgrade.
    pub fn new(stream: S) -> Self {
        let socket = tokio_websockets::ServerBuilder::new()
            .config(Config::default().frame_size(FRAME_BYTES_MAX).flush_threshold(FRAME_BYTES_MAX))
            .limits(Limits::default().max_payload_len(Some(CLIENT_FRAME_BYTES_MAX)))
            .serve(stream);
        Self { socket, needs_flush: false }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire for Messages<S> {
    fn poll_receive(&mut self, session: &mut Session, now: TimeMs, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
            None => Poll::Ready(Ok(false)),
            Some(Err(error)) => Poll::Ready(Err(io::Error::other(error))),
            Some(Ok(message)) if message.is_binary() => {
                session.handle_message(message.as_payload(), now);
                Poll::Ready(Ok(true))
            }
            Some(Ok(message)) if message.is_text() => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a text message on a link")))
            }
            // Pings are answered by the socket itself.
            Some(Ok(message)) => Poll::Ready(Ok(!message.is_close())),
        }
    }

    fn poll_transmit(&mut self, session: &mut Session, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Ok(Split::Frame(frame, taken)) = framing::split(session.output(), FRAME_BYTES_MAX) {
            ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(io::Error::other)?;
            let message = Message::binary(Bytes::copy_from_slice(frame));
            Pin::new(&mut self.socket).start_send(message).map_err(io::Error::other)?;
            session.output_written(taken);
            self.needs_flush = true;
        }
        if self.needs_flush {
            ready!(Pin::new(&mut self.socket).poll_flush(cx)).map_err(io::Error::other)?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io::Error::other)
    }
}
