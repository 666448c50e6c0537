//! Encryption in the format of age (`age-encryption.org/v1`), to X25519 keys: what `age` and `rage` read and write.
//!
//! A random file key is wrapped for each recipient in the header, which a MAC closes; the content follows in pieces of
//! 64 KiB, each sealed with its number and whether it is the last. So what was cut off is noticed without a trailer. The
//! crate of this name would bring translations and passphrases along; these two hundred lines use what TLS uses already.

use std::io::{self, Read, Write};

use data_encoding::BASE64_NOPAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use ring::rand::SystemRandom;
use thiserror::Error;

use super::bech32;
use crate::keys::random;

const FIRST_LINE: &str = "age-encryption.org/v1";
const PIECE: usize = 64 << 10;
const TAG: usize = 16;
const FILE_KEY: usize = 16;
const WRAPPED: usize = FILE_KEY + TAG;
/// Some recipients and what other programs put among them.
const HEADER_BYTES_MAX: usize = 64 << 10;

/// Whom a backup is encrypted to: `age1…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

/// Who can read it: `AGE-SECRET-KEY-1…`.
#[derive(Clone)]
pub struct Identity {
    secret: [u8; 32],
    public: [u8; 32],
}

#[derive(Debug, Error)]
pub enum AgeError {
    #[error("{0:?} is no key to encrypt to; `age-keygen` prints one that begins with age1")]
    NoRecipient(String),
    #[error("there is no line with AGE-SECRET-KEY-1… in the file of keys")]
    NoIdentity,
    #[error("none of the keys fits: it is encrypted to others")]
    WrongKey,
    #[error("what says for whom it is encrypted is damaged")]
    Header,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Recipient {
    pub fn parse(text: &str) -> Result<Self, AgeError> {
        let text = text.trim();
        bech32::decode("age", text).map(Self).ok_or_else(|| AgeError::NoRecipient(text.to_owned()))
    }
}

impl Identity {
    /// All in a file as `age-keygen` writes it.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, AgeError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let identities: Option<Vec<_>> =
            lines.map(|line| bech32::decode("age-secret-key-", line).map(Self::new)).collect();
        identities.filter(|identities| !identities.is_empty()).ok_or(AgeError::NoIdentity)
    }

    fn new(secret: [u8; 32]) -> Self {
        Self { secret, public: x25519_dalek::x25519(secret, x25519_dalek::X25519_BASEPOINT_BYTES) }
    }

    fn unwrap(&self, share: &[u8; 32], wrapped: &[u8]) -> Option<[u8; FILE_KEY]> {
        let shared = x25519_dalek::x25519(self.secret, *share);
        if shared == [0; 32] {
            return None;
        }
        let mut wrapped = wrapped.to_vec();
        let key = wrapping_key(share, &self.public, &shared);
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let file_key: &[u8] = key.open_in_place(nonce, Aad::empty(), &mut wrapped).ok()?;
        file_key.try_into().ok()
    }
}

fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; N] {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut key = [0; N];
    let root = Salt::new(HKDF_SHA256, salt).extract(secret);
    root.expand(&[info], Length(N)).and_then(|material| material.fill(&mut key)).expect("HKDF gives so many bytes");
    key
}

fn sealing_key(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has 32 bytes"))
}

fn wrapping_key(share: &[u8; 32], recipient: &[u8; 32], shared: &[u8]) -> LessSafeKey {
    sealing_key(&derive(&[&share[..], recipient].concat(), shared, b"age-encryption.org/v1/X25519"))
}

fn header_mac(file_key: &[u8; FILE_KEY]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &derive::<32>(&[], file_key, b"header"))
}

/// Counts the pieces of a content.
struct Pieces {
    key: LessSafeKey,
    number: u64,
}

impl Pieces {
    fn new(file_key: &[u8; FILE_KEY], nonce: &[u8; 16]) -> Self {
        Self { key: sealing_key(&derive(nonce, file_key, b"payload")), number: 0 }
    }

    fn nonce(&mut self, is_last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[3..11].copy_from_slice(&self.number.to_be_bytes());
        nonce[11] = u8::from(is_last);
        self.number += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Encrypts what is written to it. It is whole after [`Encrypt::finish`] only.
pub struct Encrypt<W> {
    out: W,
    pieces: Pieces,
    piece: Vec<u8>,
}

impl<W: Write> Encrypt<W> {
    pub fn begin(mut out: W, recipients: &[Recipient]) -> io::Result<Self> {
        let file_key = random::<FILE_KEY>();
        let mut header = format!("{FIRST_LINE}\n");
        for recipient in recipients {
            header.push_str(&stanza(recipient, &file_key)?);
        }
        header.push_str("---");
        let mac = hmac::sign(&header_mac(&file_key), header.as_bytes());
        header.push_str(&format!(" {}\n", BASE64_NOPAD.encode(mac.as_ref())));
        let nonce = random::<16>();
        out.write_all(header.as_bytes())?;
        out.write_all(&nonce)?;
        Ok(Self { out, pieces: Pieces::new(&file_key, &nonce), piece: Vec::with_capacity(PIECE + TAG) })
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = self.pieces.nonce(is_last);
        let sealed = self.pieces.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut self.piece);
        sealed.map_err(|_| io::Error::other("a piece could not be encrypted"))?;
        self.out.write_all(&self.piece)?;
        self.piece.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encrypt<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // A full piece waits until it is known not to be the last.
        if self.piece.len() == PIECE && !data.is_empty() {
            self.seal(false)?;
        }
        let taken = data.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stanza(recipient: &Recipient, file_key: &[u8; FILE_KEY]) -> io::Result<String> {
    let failed = |_| io::Error::other("the recipient's key cannot be used");
    let rng = SystemRandom::new();
    let own = EphemeralPrivateKey::generate(&X25519, &rng).map_err(failed)?;
    let share: [u8; 32] = own.compute_public_key().map_err(failed)?.as_ref().try_into().map_err(io::Error::other)?;
    let peer = UnparsedPublicKey::new(&X25519, recipient.0);
    let key = agree_ephemeral(own, &peer, |shared| wrapping_key(&share, &recipient.0, shared)).map_err(failed)?;
    let mut wrapped = file_key.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    key.seal_in_place_append_tag(nonce, Aad::empty(), &mut wrapped).map_err(failed)?;
    Ok(format!("-> X25519 {}\n{}\n", BASE64_NOPAD.encode(&share), BASE64_NOPAD.encode(&wrapped)))
}

/// Decrypts what is read from it.
pub struct Decrypt<R> {
    input: R,
    pieces: Pieces,
    piece: Vec<u8>,
    given: usize,
    is_last: bool,
    /// A byte behind the piece, which says that it is not the last.
    ahead: Option<u8>,
}

impl<R: Read> Decrypt<R> {
    pub fn open(mut input: R, identities: &[Identity]) -> Result<Self, AgeError> {
        let (header, mac) = read_header(&mut input)?;
        let file_key = unwrap(&header, identities)?;
        let mac = BASE64_NOPAD.decode(mac.as_bytes()).map_err(|_| AgeError::Header)?;
        hmac::verify(&header_mac(&file_key), header.as_bytes(), &mac).map_err(|_| AgeError::Header)?;
        let mut nonce = [0; 16];
        input.read_exact(&mut nonce)?;
        let pieces = Pieces::new(&file_key, &nonce);
        Ok(Self { input, pieces, piece: Vec::new(), given: 0, is_last: false, ahead: None })
    }

    fn next_piece(&mut self) -> io::Result<()> {
        self.piece.clear();
        self.given = 0;
        self.piece.extend(self.ahead.take());
        let wanted = (PIECE + TAG + 1 - self.piece.len()) as u64;
        (&mut self.input).take(wanted).read_to_end(&mut self.piece)?;
        if self.piece.len() > PIECE + TAG {
            self.ahead = self.piece.pop();
        }
        self.is_last = self.ahead.is_none();
        let is_empty = self.piece.len() <= TAG;
        let nonce = self.pieces.nonce(self.is_last);
        let opened = self.pieces.key.open_in_place(nonce, Aad::empty(), &mut self.piece).map(|opened| opened.len());
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the encrypted backup is damaged, or ends early");
        let length = opened.map_err(|_| damaged())?;
        // Only a content without a byte has an empty piece.
        if is_empty && self.pieces.number > 1 {
            return Err(damaged());
        }
        self.piece.truncate(length);
        Ok(())
    }
}

impl<R: Read> Read for Decrypt<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.given == self.piece.len() {
            if self.is_last {
                return Ok(0);
            }
            self.next_piece()?;
        }
        let given = to.len().min(self.piece.len() - self.given);
        to[..given].copy_from_slice(&self.piece[self.given..self.given + given]);
        self.given += given;
        Ok(given)
    }
}

/// The header up to its three dashes, and what follows them.
fn read_header(input: &mut impl Read) -> Result<(String, String), AgeError> {
    let mut header = String::new();
    loop {
        let line = read_line(input, HEADER_BYTES_MAX - header.len().min(HEADER_BYTES_MAX))?;
        if header.is_empty() && line != FIRST_LINE {
            return Err(AgeError::Header);
        }
        if let Some(mac) = line.strip_prefix("--- ") {
            header.push_str("---");
            return Ok((header, mac.to_owned()));
        }
        header.push_str(&line);
        header.push('\n');
    }
}

fn read_line(input: &mut impl Read, bytes_max: usize) -> Result<String, AgeError> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        input.read_exact(&mut byte)?;
        match byte[0] {
            b'\n' => return String::from_utf8(line).map_err(|_| AgeError::Header),
            _ if line.len() >= bytes_max => return Err(AgeError::Header),
            byte => line.push(byte),
        }
    }
}

fn unwrap(header: &str, identities: &[Identity]) -> Result<[u8; FILE_KEY], AgeError> {
    let mut lines = header.lines().peekable();
    while let Some(line) = lines.next() {
        // Other kinds of recipients, and what is put among them so that readers get used to it, are passed over.
        let Some(share) = line.strip_prefix("-> X25519 ") else { continue };
        let body = lines.peek().copied().unwrap_or_default();
        let share = BASE64_NOPAD.decode(share.as_bytes()).ok().and_then(|share| share.try_into().ok());
        let wrapped = BASE64_NOPAD.decode(body.as_bytes()).ok().filter(|wrapped| wrapped.len() == WRAPPED);
        let (Some(share), Some(wrapped)) = (share, wrapped) else { return Err(AgeError::Header) };
        if let Some(file_key) = identities.iter().find_map(|identity| identity.unwrap(&share, &wrapped)) {
            return Ok(file_key);
        }
    }
    Err(AgeError::WrongKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

    fn identity() -> Vec<Identity> {
        Identity::parse_all(&format!("# created: today\n# public key: age1…\n{SECRET}\n")).expect("a key")
    }

    fn encrypted(content: &[u8], to: &[Recipient]) -> Vec<u8> {
        let mut encrypt = Encrypt::begin(Vec::new(), to).expect("memory takes it");
        encrypt.write_all(content).expect("memory takes it");
        encrypt.finish().expect("memory takes it")
    }

    fn decrypted(content: &[u8], identities: &[Identity]) -> Result<Vec<u8>, AgeError> {
        let mut clear = Vec::new();
        Decrypt::open(content, identities)?.read_to_end(&mut clear)?;
        Ok(clear)
    }

    #[test]
    fn what_was_encrypted_is_read_again_whatever_its_length() {
        let identities = identity();
        let to = [Recipient([9; 32]), Recipient(identities[0].public)];
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let sealed = encrypted(&content, &to);
            assert!(decrypted(&sealed, &identities).expect("whole") == content, "{length} bytes");
        }
    }

    #[test]
    fn another_key_does_not_open_it() {
        let sealed = encrypted(b"hello", &[Recipient([9; 32])]);
        assert!(matches!(decrypted(&sealed, &identity()), Err(AgeError::WrongKey)));
    }

    #[test]
    fn what_was_cut_off_or_changed_is_noticed() {
        let identities = identity();
        let sealed = encrypted(&vec![7; 2 * PIECE], &[Recipient(identities[0].public)]);
        for cut in [0, 10, 100, 200, sealed.len() - PIECE - TAG, sealed.len() - 1] {
            assert!(decrypted(&sealed[..cut], &identities).is_err(), "cut at {cut}");
        }
        for flipped in (0..sealed.len()).step_by(997).chain(0..250) {
            let mut changed = sealed.clone();
            changed[flipped] ^= 1;
            assert!(decrypted(&changed, &identities).is_err(), "flipped at {flipped}");
        }
    }
}
