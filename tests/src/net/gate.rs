//! A gate as some networks have it: it lets web traffic pass and turns away whatever else asks for TLS.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A client hello names the protocol that is asked for, for all to read.
const TURNED_AWAY: &[u8] = b"\x07anser/1";

/// Opens a gate in front of a server and gives its address. It closes with the runtime.
pub async fn open(at: SocketAddr, server: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(at).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((visitor, _)) = listener.accept().await {
            tokio::spawn(pass(visitor, server));
        }
    });
    Ok(address)
}

/// Either end may break off at any time; that ends the visit.
async fn pass(mut visitor: TcpStream, server: SocketAddr) -> io::Result<()> {
    let hello = read_hello(&visitor).await?;
    if hello.windows(TURNED_AWAY.len()).any(|window| window == TURNED_AWAY) {
        return Ok(());
    }
    let mut inside = TcpStream::connect(server).await?;
    inside.write_all(&hello).await?;
    copy_bidirectional(&mut visitor, &mut inside).await.map(drop)
}

/// The first TLS record: five bytes that end with its length, then as many.
async fn read_hello(visitor: &TcpStream) -> io::Result<Vec<u8>> {
    let mut hello = Vec::new();
    while hello.len() < 5 || hello.len() < 5 + usize::from(u16::from_be_bytes([hello[3], hello[4]])) {
        visitor.readable().await?;
        match visitor.try_read_buf(&mut hello) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hello)
}
