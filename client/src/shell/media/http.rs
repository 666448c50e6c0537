//! As much of HTTP/1.1 as uploads and downloads need: one request on a connection, answers whose length is known.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const HEAD_BYTES_MAX: usize = 16 << 10;
/// Of an answer that is no file.
const TEXT_BYTES_MAX: u64 = 64 << 10;
/// A server from whom nothing comes for so long, or that takes nothing, has gone.
const PIECE_WITHIN: Duration = Duration::from_secs(20);

/// A connection on which one request is made.
pub(super) struct Exchange {
    stream: TlsStream<TcpStream>,
    unread: Vec<u8>,
}

/// The head of an answer; its body is still to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub status: u16,
    headers: BTreeMap<String, String>,
    /// Of the body, as far as it was not read.
    pub left: u64,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }
}

impl Exchange {
    pub(super) fn on(stream: TlsStream<TcpStream>) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Says what is wanted; a body of `bytes` follows by [`Exchange::write`].
    pub(super) async fn ask(
        &mut self,
        method: &str,
        target: &Target,
        headers: &[(&str, String)],
        bytes: u64,
    ) -> io::Result<()> {
        let Target { path, authority, .. } = target;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method == "PUT" {
            head += &format!("content-length: {bytes}\r\n");
        }
        head += "\r\n";
        self.write(head.as_bytes()).await
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        in_time(self.stream.write_all(bytes)).await
    }

    /// The head of the answer; what comes before the answer itself is not wanted.
    pub(super) async fn head(&mut self, method: &str) -> io::Result<Head> {
        loop {
            match self.next_head(method).await? {
                Head { status: 100..=199, .. } => continue,
                head => return Ok(head),
            }
        }
    }

    /// Whether the server wants the body of a request that asked (`expect: 100-continue`); else its answer. A server that
    /// refuses while it is being written to may hang up so that its answer is lost.
    pub(super) async fn refusal(&mut self, method: &str) -> io::Result<Option<Head>> {
        loop {
            match self.next_head(method).await? {
                Head { status: 100, .. } => return Ok(None),
                Head { status: 101..=199, .. } => continue,
                head => return Ok(Some(head)),
            }
        }
    }

    async fn next_head(&mut self, method: &str) -> io::Result<Head> {
        in_time(self.stream.flush()).await?;
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = parse_head(&self.unread[..end], method);
                self.unread.drain(..end + 4);
                return head.ok_or_else(nonsense);
            }
            if self.unread.len() > HEAD_BYTES_MAX {
                return Err(nonsense());
            }
            self.fill().await?;
        }
    }

    /// The next piece of the body; nothing when it is over.
    pub(super) async fn piece(&mut self, head: &mut Head) -> io::Result<Option<Vec<u8>>> {
        if head.left == 0 {
            return Ok(None);
        }
        if self.unread.is_empty() {
            self.fill().await?;
        }
        let most = usize::try_from(head.left).unwrap_or(usize::MAX).min(self.unread.len());
        let rest = self.unread.split_off(most);
        let piece = std::mem::replace(&mut self.unread, rest);
        head.left -= piece.len() as u64;
        Ok(Some(piece))
    }

    pub(super) async fn text(&mut self, head: &mut Head) -> io::Result<String> {
        if head.left > TEXT_BYTES_MAX {
            return Err(nonsense());
        }
        let mut text = Vec::new();
        while let Some(piece) = self.piece(head).await? {
            text.extend(piece);
        }
        String::from_utf8(text).map_err(|_| nonsense())
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.unread.reserve(16 << 10);
        match in_time(self.stream.read_buf(&mut self.unread)).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PIECE_WITHIN, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the server answered something else than HTTP")
}

fn parse_head(head: &[u8], method: &str) -> Option<Head> {
    let mut lines = str::from_utf8(head).ok()?.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let headers: Option<BTreeMap<_, _>> = lines
        .map(|line| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())))
        .collect();
    let headers = headers?;
    let has_no_body = method == "HEAD" || matches!(status, 100..=199 | 204 | 304);
    let left = match headers.get("content-length") {
        _ if has_no_body => 0,
        Some(length) => length.parse().ok()?,
        None => return None,
    };
    Some(Head { status, headers, left })
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Another server than that of the link.
    pub server: Option<(String, u16)>,
    pub authority: String,
    pub path: String,
}

impl Target {
    /// A path on the server `host:port`, or an address of https.
    pub(super) fn parse(url: &str, host: &str, port: u16) -> Option<Self> {
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return None;
        }
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        if url.starts_with('/') {
            return Some(Self { server: None, authority: format!("{bracketed}:{port}"), path: url.to_owned() });
        }
        let rest = url.strip_prefix("https://")?;
        let at = rest.find('/')?;
        let (authority, path) = rest.split_at(at);
        let (name, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((name, port)) => (name, port.parse().ok()?),
            None => (authority, 443),
        };
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let server = Some((name.to_owned(), port)).filter(|(name, _)| !name.is_empty())?;
        Some(Self { server: Some(server), authority: authority.to_owned(), path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_has_a_status_headers_and_a_length() {
        let head =
            parse_head(b"HTTP/1.1 206 Partial Content\r\nETag: \"x\"\r\nContent-Length: 7", "GET").expect("a head");
        assert_eq!((head.status, head.header("etag"), head.left), (206, Some("\"x\""), 7));
        let head = parse_head(b"HTTP/1.1 200 OK\r\nupload-offset: 5\r\ncontent-length: 7", "HEAD").expect("a head");
        assert_eq!((head.left, head.number("upload-offset")), (0, Some(5)));
        for wrong in [
            &b"HTTP/1.0 200 OK\r\ncontent-length: 1"[..],
            b"HTTP/1.1 200 OK",
            b"HTTP/1.1 20",
            b"HTTP/1.1 200 OK\r\ncontent-length: x",
            b"HTTP/1.1 200 OK\r\nnonsense",
            b"\xff",
            b"",
        ] {
            assert_eq!(parse_head(wrong, "GET"), None);
        }
    }

    #[test]
    fn a_target_is_a_path_of_the_server_or_an_address_of_https() {
        let target =
            |url: &str| Target::parse(url, "::1", 8443).map(|target| (target.server, target.authority, target.path));
        assert_eq!(target("/media/x?e=1"), Some((None, "[::1]:8443".into(), "/media/x?e=1".into())));
        for (url, name, port) in [
            ("https://a.org/x", "a.org", 443),
            ("https://a.org:8443/x", "a.org", 8443),
            ("https://[::2]:1/x", "::2", 1),
            ("https://[::2]/x", "::2", 443),
        ] {
            let (server, _, path) = target(url).expect(url);
            assert_eq!((server, path.as_str()), (Some((name.to_owned(), port)), "/x"));
        }
        for wrong in ["http://a.org/x", "https://a.org", "https:///x", "https://a.org:p/x", "/a\r\nx: y", "x", ""] {
            assert_eq!(target(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(head in prop::collection::vec(any::<u8>(), 0..100), url in ".{0,40}") {
            let _ = parse_head(&[&b"HTTP/1.1 200 OK\r\n"[..], &head].concat(), "GET");
            let _ = (parse_head(&head, "GET"), Target::parse(&url, "a", 1));
        }
    }
}
