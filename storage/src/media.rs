//! What media are called, and which of them a message names.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Sixteen random bytes: who does not know them finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaId(pub [u8; 16]);

/// What a medium was uploaded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MediaKind {
    Image,
    File,
    Voice,
}

impl MediaKind {
    pub const ALL: [Self; 3] = [Self::Image, Self::File, Self::Voice];

    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::File => "file",
            Self::Voice => "voice",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A `media_id` as the API writes it: `qiniu/{image|file|voice}/r/{32 upper-case hexadecimal digits}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MediaName {
    pub kind: MediaKind,
    pub id: MediaId,
}

const PREFIX: &str = "qiniu";
const HEX_DIGITS: usize = 32;
/// Behind the digits, with its dot; nobody has to send it.
const EXTENSION_BYTES_MAX: usize = 16;

impl MediaName {
    /// The whole text must be one; it may end in an extension of letters and digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, bytes) = Self::read(text.as_bytes())?;
        let rest = &text[bytes..];
        let is_extension = rest.len() <= EXTENSION_BYTES_MAX
            && rest
                .strip_prefix('.')
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        (rest.is_empty() || is_extension).then_some(name)
    }

    /// The name that the bytes begin with, and its length. In JSON a slash may be written with a backslash before it.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let rest = slash(bytes.strip_prefix(PREFIX.as_bytes())?)?;
        let (kind, rest) =
            MediaKind::ALL.into_iter().find_map(|kind| Some((kind, rest.strip_prefix(kind.name().as_bytes())?)))?;
        let rest = slash(slash(rest)?.strip_prefix(b"r")?)?;
        let (digits, rest) = rest.split_at_checked(HEX_DIGITS)?;
        let mut id = [0; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex(pair[0])? << 4 | hex(pair[1])?;
        }
        Some((Self { kind, id: MediaId(id) }, bytes.len() - rest.len()))
    }
}

fn slash(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(b"/").or_else(|| bytes.strip_prefix(b"\\/"))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for MediaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}/{}/r/", self.kind.name())?;
        self.id.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// All that a message's body names, wherever in it: each once.
pub(crate) fn named_in(body: &[u8]) -> BTreeSet<MediaId> {
    let mut named = BTreeSet::new();
    let mut rest = body;
    while let Some(at) = rest.windows(PREFIX.len()).position(|window| window == PREFIX.as_bytes()) {
        rest = &rest[at..];
        match MediaName::read(rest) {
            Some((name, bytes)) => {
                named.insert(name.id);
                rest = &rest[bytes..];
            }
            None => rest = &rest[PREFIX.len()..],
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_read_with_or_without_an_extension_and_nothing_else_is_one() {
        let digits = "0123456789ABCDEF0123456789ABCDEF";
        for (text, kind) in [
            (format!("qiniu/image/r/{digits}"), Some(MediaKind::Image)),
            (format!("qiniu/voice/r/{digits}.m4a"), Some(MediaKind::Voice)),
            (format!("qiniu/file/r/{digits}.tar.gz"), None),
            (format!("qiniu/file/r/{digits}."), None),
            (format!("qiniu/file/r/{digits}0"), None),
            (format!("qiniu/video/r/{digits}"), None),
            (format!("qiniu/image/r/{}", digits.to_lowercase()), None),
            (format!("qiniu/image/x/{digits}"), None),
            (format!("/qiniu/image/r/{digits}"), None),
            ("qiniu/image/r/".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(MediaName::parse(&text).map(|name| name.kind), kind, "{text}");
        }
    }

    #[test]
    fn every_name_in_a_body_is_found_however_slashes_are_written() {
        let of = |byte: u8| MediaName { kind: MediaKind::File, id: MediaId([byte; 16]) };
        let escaped = of(2).to_string().replace('/', "\\/");
        let body =
            format!(r#"{{"video":{{"media_id":"{}"}},"thumb":"{escaped}.jpg","qiniu/file":"{}"}}"#, of(1), of(1));
        assert_eq!(named_in(body.as_bytes()), BTreeSet::from([MediaId([1; 16]), MediaId([2; 16])]));
        assert!(named_in(b"qiniu/image/r/0 qiniu").is_empty());
    }

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written_and_no_text_makes_it_panic(id in any::<[u8; 16]>(), kind in 0usize..3, text in "(qiniu/image/r/)?.{0,50}") {
            let name = MediaName { kind: MediaKind::ALL[kind], id: MediaId(id) };
            prop_assert_eq!(MediaName::parse(&name.to_string()), Some(name));
            let _ = (MediaName::parse(&text), named_in(text.as_bytes()));
        }
    }
}
