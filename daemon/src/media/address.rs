//! Addresses of media: signed, and good for a time. Whoever has one may fetch what it names, and nothing else.

use anser_storage::media::MediaName;
use data_encoding::{BASE64URL_NOPAD, HEXUPPER};
use ring::hmac;

/// As many bytes of the signature are shown: enough that nobody guesses one.
pub(super) const TAG_BYTES: usize = 16;

/// Signs with a key that only this daemon has.
#[derive(Clone, Debug)]
pub struct Signer {
    key: hmac::Key,
}

/// Why an address is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untrusted {
    Forged,
    Expired,
}

impl Signer {
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// Path and query under which a medium is fetched until `expires_s`, in seconds since 1970.
    pub fn path(&self, app_key: &str, media: &MediaName, expires_s: u64) -> String {
        let path = path_of(app_key, media);
        let tag = BASE64URL_NOPAD.encode(&self.tag(&signed(&path, expires_s)));
        format!("{path}?e={expires_s}&s={tag}")
    }

    pub fn check(
        &self,
        app_key: &str,
        media: &MediaName,
        expires_s: u64,
        tag: &str,
        now_s: u64,
    ) -> Result<(), Untrusted> {
        let tag = BASE64URL_NOPAD.decode(tag.as_bytes()).map_err(|_| Untrusted::Forged)?;
        if !self.is_mine(&signed(&path_of(app_key, media), expires_s), &tag) {
            return Err(Untrusted::Forged);
        }
        if expires_s <= now_s { Err(Untrusted::Expired) } else { Ok(()) }
    }

    pub(super) fn tag(&self, text: &[u8]) -> Vec<u8> {
        hmac::sign(&self.key, text).as_ref()[..TAG_BYTES].to_vec()
    }

    pub(super) fn is_mine(&self, text: &[u8], tag: &[u8]) -> bool {
        crate::keys::is_same_secret(tag, &self.tag(text))
    }
}

/// The name is `image-` and its digits: an API's `media_id` has slashes.
fn path_of(app_key: &str, media: &MediaName) -> String {
    format!("/media/{app_key}/{}", file_name(media))
}

pub fn file_name(media: &MediaName) -> String {
    format!("{}-{}", media.kind.name(), HEXUPPER.encode(&media.id.0))
}

/// The name that stands in an address.
pub fn parse_file_name(text: &str) -> Option<MediaName> {
    let (kind, digits) = text.split_once('-')?;
    MediaName::parse(&format!("qiniu/{kind}/r/{digits}"))
}

fn signed(path: &str, expires_s: u64) -> Vec<u8> {
    format!("get {path} {expires_s}").into_bytes()
}

#[cfg(test)]
mod tests {
    use anser_storage::media::{MediaId, MediaKind};

    use super::*;

    #[test]
    fn an_address_is_good_for_its_medium_and_its_time_alone() {
        let signer = Signer::new(&[7; 32]);
        let name = MediaName { kind: MediaKind::Voice, id: MediaId([0xab; 16]) };
        let path = signer.path("key", &name, 1000);
        let tag = path.rsplit_once("&s=").expect("a tag").1;
        assert!(path.starts_with("/media/key/voice-ABAB"), "{path}");
        assert_eq!(parse_file_name(&file_name(&name)), Some(name));
        assert_eq!(signer.check("key", &name, 1000, tag, 999), Ok(()));
        assert_eq!(signer.check("key", &name, 1000, tag, 1000), Err(Untrusted::Expired));
        let other = MediaName { kind: MediaKind::File, ..name };
        for (forged, signer) in [
            (("other", name, 1000, tag), &signer),
            (("key", other, 1000, tag), &signer),
            (("key", name, 1001, tag), &signer),
            (("key", name, 1000, &tag[1..]), &signer),
            (("key", name, 1000, ""), &signer),
            (("key", name, 1000, tag), &Signer::new(&[8; 32])),
        ] {
            let (app_key, name, expires_s, tag) = forged;
            assert_eq!(signer.check(app_key, &name, expires_s, tag, 1), Err(Untrusted::Forged));
        }
    }
}
