//! A small HTTPS client for REST calls: one connection kept alive, one request at a time.
//!
//! It is written by hand so that a test sees exactly what the daemon sends, and so that it shares no HTTP code with it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// More than any answer of the daemon's REST needs.
const BODY_MAX: usize = 16 << 20;

/// An app server's connection to the daemon; it connects when first used and again after a failure.
#[derive(Clone)]
pub struct Https {
    address: SocketAddr,
    tls: TlsConnector,
    /// What every request has besides.
    headers: Vec<(String, String)>,
}

/// A connection in use.
pub struct Connection {
    https: Https,
    stream: Option<BufReader<TlsStream<TcpStream>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order of the answer.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Https {
    /// Trusts the authorities of a PEM file and nobody else.
    pub fn new(address: SocketAddr, ca: &Path) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca).map_err(io::Error::other)? {
            roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { address, tls: TlsConnector::from(Arc::new(config)), headers: Vec::new() })
    }

    pub fn with_basic(self, user: &str, password: &str) -> Self {
        let basic = BASE64.encode(format!("{user}:{password}").as_bytes());
        self.with_header("authorization", &format!("Basic {basic}"))
    }

    /// `name` in lower case; it takes the place of one that was there.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A connection of its own for one caller that makes many calls.
    pub fn connection(&self) -> Connection {
        Connection { https: self.clone(), stream: None }
    }

    /// One call on a fresh connection.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Response> {
        self.connection().call(method, path, body).await
    }

    async fn connect(&self) -> io::Result<BufReader<TlsStream<TcpStream>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress(self.address.ip().into());
        Ok(BufReader::new(self.tls.connect(name, stream).await?))
    }
}

impl Connection {
    /// Sends a request and reads the answer. After an error nobody knows whether the daemon acted on it; the next
    /// call connects anew.
    pub async fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Response> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.https.connect().await?,
        };
        let request = self.https.request(method, path, body);
        stream.write_all(&request).await?;
        stream.flush().await?;
        let response = read_response(&mut stream, method).await?;
        let closes = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.stream = (!closes).then_some(stream);
        Ok(response)
    }
}

impl Https {
    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Vec<u8> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.into_bytes(), body.into_bytes()].concat()
    }
}

impl Response {
    /// `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| &**value)
    }

    pub fn json(&self) -> io::Result<Value> {
        serde_json::from_slice(&self.body).map_err(|error| {
            io::Error::other(format!(
                "status {}, no JSON ({error}): {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            ))
        })
    }
}

async fn read_response(stream: &mut (impl AsyncBufRead + Unpin), method: &str) -> io::Result<Response> {
    let status_line = read_line(stream).await?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no HTTP answer: {status_line}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream).await?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    if method == "HEAD" || status == 101 || status == 204 || status == 304 {
        return Ok(response);
    }
    response.body = if response.header("transfer-encoding") == Some("chunked") {
        read_chunks(stream).await?
    } else {
        let length = response.header("content-length").and_then(|length| length.parse().ok());
        let length = length.ok_or_else(|| io::Error::other("the answer does not say how long it is"))?;
        read_exactly(stream, length).await?
    };
    Ok(response)
}

async fn read_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

async fn read_chunks(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = read_line(stream).await?;
        let size = usize::from_str_radix(&size, 16).map_err(io::Error::other)?;
        if body.len() + size > BODY_MAX {
            return Err(io::Error::other("the answer is too long"));
        }
        body.extend(read_exactly(stream, size).await?);
        read_line(stream).await?;
        if size == 0 {
            return Ok(body);
        }
    }
}

async fn read_exactly(stream: &mut (impl AsyncBufRead + Unpin), length: usize) -> io::Result<Vec<u8>> {
    if length > BODY_MAX {
        return Err(io::Error::other("the answer is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(method: &str, mut bytes: &[u8]) -> io::Result<Response> {
        read_response(&mut bytes, method).await
    }

    #[tokio::test]
    async fn an_answer_with_a_length_is_read_to_its_end_and_no_further() {
        let mut bytes =
            &b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}HTTP"[..];
        let response = read_response(&mut bytes, "POST").await.expect("the answer is whole");
        assert_eq!((response.status, response.header("content-type")), (201, Some("application/json")));
        assert_eq!(response.json().expect("it is JSON"), serde_json::json!({}));
        assert_eq!(bytes, b"HTTP");
    }

    #[tokio::test]
    async fn an_answer_in_chunks_is_put_together() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(read("GET", bytes).await.expect("the answer is whole").body, b"abcde");
    }

    #[tokio::test]
    async fn an_answer_without_content_has_no_body() {
        assert_eq!(read("PUT", b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("the answer is whole").body, b"");
    }

    #[tokio::test]
    async fn a_cut_answer_is_an_error() {
        assert!(read("GET", b"").await.is_err());
        assert!(read("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc").await.is_err());
    }
}
