//! The command line's end of the admin socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::{LINE_BYTES_MAX, Reply, Request};

/// Deleting a large app takes its time.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

#[derive(Debug, Error)]
pub enum AskError {
    #[error(
        "no anserd answers on {}. Start it with `anserd serve --data-dir {}`, or name the folder of a running one with --data-dir or its socket with --socket",
        socket.display(), socket.parent().unwrap_or(Path::new(".")).display()
    )]
    NotRunning { socket: PathBuf },
    #[error("this user may not ask the daemon on {}: run the command as the daemon's user or as root (sudo)", socket.display())]
    NotAllowed { socket: PathBuf },
    #[error("the daemon on {} did not answer: {source}", socket.display())]
    Silent { socket: PathBuf, source: io::Error },
}

/// Asks once and waits for the answer.
pub fn ask(socket: &Path, request: &Request) -> Result<Reply, AskError> {
    let stream = UnixStream::connect(socket).map_err(|error| explained(socket, error))?;
    exchange(stream, request).map_err(|error| explained(socket, error))
}

/// The same where bytes follow the answer.
pub fn ask_for_stream(socket: &Path, request: &Request) -> Result<(Reply, impl Read + use<>), AskError> {
    let stream = UnixStream::connect(socket).map_err(|error| explained(socket, error))?;
    exchange_for_stream(stream, request).map_err(|error| explained(socket, error))
}

fn exchange(stream: UnixStream, request: &Request) -> io::Result<Reply> {
    Ok(exchange_for_stream(stream, request)?.0)
}

fn exchange_for_stream(mut stream: UnixStream, request: &Request) -> io::Result<(Reply, BufReader<UnixStream>)> {
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    let mut stream = BufReader::new(stream);
    (&mut stream).take(LINE_BYTES_MAX).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok((serde_json::from_str(&answer)?, stream))
}

fn explained(socket: &Path, error: io::Error) -> AskError {
    let socket = socket.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotRunning { socket },
        io::ErrorKind::PermissionDenied => AskError::NotAllowed { socket },
        _ => AskError::Silent { socket, source: error },
    }
}
