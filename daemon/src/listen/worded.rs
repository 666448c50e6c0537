//! What the HTTP library is too strict or too terse for.
//!
//! Some official clients write spaces into the address of a request (`msg_ids=1, 2`, `start=2024-05-01 10`), as they are. The
//! library takes that for no request, so the first line of a connection is looked at before it, and spaces inside the
//! address become `%20`. Those clients ask once on a connection.
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
/// A longer first line is left as it is.
const LINE_BYTES_MAX: usize = 8 * 1024;
const READ_BYTES: usize = 4 * 1024;

pub(super) struct Worded<S> {
    stream: S,
    /// What leaves in the place of a head, as far as it has not left.
    left: Vec<u8>,
    /// How long that head is.
    stands_for: usize,
    beginning: Beginning,
}

/// Of what the caller sends.
enum Beginning {
    /// The first line, as far as it has come.
    Line(Vec<u8>),
    /// It is looked at; this much of what came is still to be handed on.
    Known(Vec<u8>),
}

impl<S> Worded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, left: Vec::new(), stands_for: 0, beginning: Beginning::Line(Vec::new()) }
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
        let worded = self.get_mut();
        if let Beginning::Line(come) = &mut worded.beginning {
            ready!(poll_line(&mut worded.stream, context, come))?;
            worded.beginning = Beginning::Known(without_spaces(std::mem::take(come)));
        }
        if let Beginning::Known(rest) = &mut worded.beginning
            && !rest.is_empty()
        {
            let taken = rest.len().min(into.remaining());
            into.put_slice(&rest[..taken]);
            rest.drain(..taken);
            if rest.is_empty() {
                *rest = Vec::new();
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut worded.stream).poll_read(context, into)
    }
}

/// Ready when the first line is there, when it is too long, or when nothing more comes.
fn poll_line<S: AsyncRead + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    come: &mut Vec<u8>,
) -> Poll<io::Result<()>> {
    let mut room = [0; READ_BYTES];
    loop {
        let mut buffer = ReadBuf::new(&mut room);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        come.extend_from_slice(read);
        if read.is_empty() || read.contains(&b'\n') || come.len() >= LINE_BYTES_MAX {
            return Poll::Ready(Ok(()));
        }
    }
}

/// The same with `%20` for each space between the method and the version.
fn without_spaces(come: Vec<u8>) -> Vec<u8> {
    let spaced = || {
        let line = &come[..come.iter().position(|byte| *byte == b'\n')?];
        let begin = line.iter().position(|byte| *byte == b' ')? + 1;
        let end = line.iter().rposition(|byte| *byte == b' ')?;
        let address = line.get(begin..end).filter(|address| address.starts_with(b"/") && address.contains(&b' '))?;
        let is_request = line[..begin - 1].iter().all(u8::is_ascii_uppercase) && line[end..].starts_with(b" HTTP/1.");
        is_request.then_some((begin, end, address))
    };
    let Some((begin, end, address)) = spaced() else { return come };
    let mut whole = come[..begin].to_vec();
    for byte in address {
        match byte {
            b' ' => whole.extend_from_slice(b"%20"),
            byte => whole.push(*byte),
        }
    }
    whole.extend_from_slice(&come[end..]);
    whole
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

    #[test]
    fn spaces_in_the_address_of_the_first_line_are_written_as_such() {
        for (come, whole) in [
            ("GET /a?b=1, 2 HTTP/1.1\r\nx: y z\r\n", "GET /a?b=1,%202 HTTP/1.1\r\nx: y z\r\n"),
            ("GET /a?b=1  2&c= 3 HTTP/1.0\n", "GET /a?b=1%20%202&c=%203 HTTP/1.0\n"),
            ("GET /a HTTP/1.1\r\n", "GET /a HTTP/1.1\r\n"),
            ("GET /a b", "GET /a b"),
            ("GET /a b c\r\n", "GET /a b c\r\n"),
            ("get /a b HTTP/1.1\r\n", "get /a b HTTP/1.1\r\n"),
            ("GET  HTTP/1.1\r\n", "GET  HTTP/1.1\r\n"),
            (" \n", " \n"),
            ("\n", "\n"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8(without_spaces(come.into())).expect("text"), whole);
        }
    }

    #[tokio::test]
    async fn a_request_with_spaces_in_its_address_is_answered() {
        let heard = answer_to(b"GET /a?b=1, 2 HTTP/1.1\r\nconnection: close\r\n\r\n").await;
        assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
        let long = format!("GET /{} HTTP/1.1\r\nconnection: close\r\n\r\n", "a ".repeat(1000));
        assert!(answer_to(long.as_bytes()).await.starts_with("HTTP/1.1 200 "));
        let too_long = format!("GET /{} HTTP/1.1\r\n\r\n", "a ".repeat(LINE_BYTES_MAX));
        assert!(answer_to(too_long.as_bytes()).await.starts_with("HTTP/1.1 4"));
    }

    #[tokio::test]
    async fn the_applications_answers_are_left_alone() {
        let heard = answer_to(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await;
        assert!(heard.starts_with("HTTP/1.1 200 ") && heard.ends_with("\r\n\r\n"), "{heard}");
        assert!(heard.contains("content-length: 0"), "{heard}");
    }
}
