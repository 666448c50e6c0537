//! A body for the answers that the HTTP library gives by itself.
//!
//! What it cannot read it answers with a head alone, and there is no place to say more. Clients expect JSON with every
//! answer, so that head is known again on its way out and leaves with a body. The application's own answers of these kinds
//! always have one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const BEGIN: &[u8] = b"HTTP/1.1 4";
const EMPTY: &str = "content-length: 0";

pub(super) struct Worded<S> {
    stream: S,
    /// What leaves in the place of a head, as far as it has not left.
    left: Vec<u8>,
    /// How long that head is.
    stands_for: usize,
}

impl<S> Worded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, left: Vec::new(), stands_for: 0 }
    }
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    /// Begins to send another head in the place of this one, if it is one of those.
    fn reword(&mut self, head: &[u8]) -> bool {
        if self.left.is_empty()
            && let Some(worded) = worded(head)
        {
            (self.left, self.stands_for) = (worded, head.len());
        }
        !self.left.is_empty()
    }

    fn poll_left(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while !self.left.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.left))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.left.drain(..written);
        }
        Poll::Ready(Ok(self.stands_for))
    }
}

/// The same answer with a body, if it has none and comes from the library.
fn worded(head: &[u8]) -> Option<Vec<u8>> {
    if !head.starts_with(BEGIN) {
        return None;
    }
    let lines = std::str::from_utf8(head).ok()?.strip_suffix("\r\n\r\n")?;
    let why = match lines.as_bytes().get(9..12)? {
        b"400" => "the request could not be read: it is not HTTP/1.1",
        b"414" => "the address of the request is too long",
        b"431" => "the headers of the request are too long, or too many",
        _ => return None,
    };
    if !lines.split("\r\n").any(|line| line.eq_ignore_ascii_case(EMPTY)) {
        return None;
    }
    let body = serde_json::json!({"error": {"code": 1003, "message": why}}).to_string();
    let kept = lines.split("\r\n").filter(|line| !line.eq_ignore_ascii_case(EMPTY)).collect::<Vec<_>>().join("\r\n");
    let length = body.len();
    let about = format!("content-type: application/json; charset=utf-8\r\ncontent-length: {length}");
    Some(format!("{kept}\r\n{about}\r\n\r\n{body}").into_bytes())
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let worded = self.get_mut();
        match worded.reword(bytes) {
            true => worded.poll_left(context),
            false => Pin::new(&mut worded.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let worded = self.get_mut();
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
        match worded.reword(first) {
            true => worded.poll_left(context),
            false => Pin::new(&mut worded.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::Full;
    use hyper::body::{Bytes, Incoming};
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What a caller reads that says `request` to an application which has nothing to say.
    async fn answer_to(request: &[u8]) -> String {
        // Nearly every write is cut.
        let (mut caller, server) = tokio::io::duplex(7);
        let answer = |_: Request<Incoming>| async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::new()))) };
        let mut builder = http1::Builder::new();
        builder.max_buf_size(8192).half_close(true);
        let connection = builder.serve_connection(TokioIo::new(Worded::new(server)), service_fn(answer));
        let asked = async move {
            let (mut reading, mut writing) = tokio::io::split(&mut caller);
            // The server may stop to read before it has read everything.
            let write = async { writing.write_all(request).await.and(writing.shutdown().await) };
            let mut heard = Vec::new();
            let _ = tokio::join!(write, reading.read_to_end(&mut heard));
            heard
        };
        let (_, heard) = tokio::join!(connection, asked);
        String::from_utf8(heard).expect("text")
    }

    #[tokio::test]
    async fn what_is_no_request_is_told_so_in_json() {
        for (request, status) in [
            (b"nonsense\r\n\r\n".to_vec(), "400"),
            (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(10_000)).into_bytes(), "431"),
        ] {
            let heard = answer_to(&request).await;
            let (head, body) = heard.split_once("\r\n\r\n").expect("a head and a body");
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{heard}");
            assert!(head.contains("content-type: application/json"), "{heard}");
            assert!(head.contains(&format!("content-length: {}", body.len())), "{heard}");
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["error"]["code"], 1003);
        }
    }

    #[tokio::test]
    async fn the_applications_answers_are_left_alone() {
        let heard = answer_to(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
        assert!(heard.starts_with("HTTP/1.1 200 ") && heard.ends_with("\r\n\r\n"), "{heard}");
        assert!(heard.contains("content-length: 0"), "{heard}");
    }
}
