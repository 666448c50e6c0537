//! Tickets for uploads: what may be put where, by whom, signed. Nothing is kept of one: whoever shows it may go on.

use anser_storage::BodyHash;
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::media::{MediaId, MediaKind, MediaName};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::address::{Signer, TAG_BYTES, Untrusted};

/// Where files are put.
pub const UPLOAD_PATH: &str = "/media/upload/";
/// How long a ticket is good, and the part of an upload is kept.
pub const TICKET_LIFE_S: u64 = 48 * 3600;
/// As text, whatever its name is.
const TICKET_BYTES_MAX: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub app: AppNumber,
    pub user: UserNumber,
    /// Comes from all that is below, but for the time: a client that lost its ticket gets one for the same upload.
    pub id: MediaId,
    pub upload: Upload,
    pub expires_s: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    pub kind: MediaKind,
    pub bytes: u64,
    pub sha256: BodyHash,
    pub name: String,
    /// It is the small picture of this.
    pub thumb_of: Option<MediaName>,
}

impl Signer {
    /// The ticket as a part of a path.
    pub fn ticket(&self, app: AppNumber, user: UserNumber, upload: Upload, now_s: u64) -> Ticket {
        let id = self.tag(&[&b"upload "[..], &written(&(app, user, &upload))].concat());
        let id = MediaId(id.try_into().expect("a tag has 16 bytes"));
        Ticket { app, user, id, upload, expires_s: now_s + TICKET_LIFE_S }
    }

    pub fn seal(&self, ticket: &Ticket) -> String {
        let mut bytes = written(ticket);
        let tag = self.tag(&[b"put ", &bytes[..]].concat());
        bytes.extend_from_slice(&tag);
        BASE64URL_NOPAD.encode(&bytes)
    }

    pub fn open(&self, text: &str, now_s: u64) -> Result<Ticket, Untrusted> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().filter(|_| text.len() <= TICKET_BYTES_MAX);
        let bytes = bytes.ok_or(Untrusted::Forged)?;
        let (ticket, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or(Untrusted::Forged)?;
        if !self.is_mine(&[b"put ", ticket].concat(), tag) {
            return Err(Untrusted::Forged);
        }
        // Signed by this daemon, but maybe by an earlier version of it.
        let ticket: Ticket = postcard::from_bytes(ticket).map_err(|_| Untrusted::Forged)?;
        if ticket.expires_s <= now_s { Err(Untrusted::Expired) } else { Ok(ticket) }
    }
}

fn written(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("memory takes every byte, and the fields are of kinds that postcard knows")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn upload(name: &str) -> Upload {
        Upload { kind: MediaKind::File, bytes: 5, sha256: [7; 32], name: name.into(), thumb_of: None }
    }

    #[test]
    fn a_ticket_is_read_as_it_was_sealed_until_its_time() {
        let signer = Signer::new(&[1; 32]);
        let ticket = signer.ticket(AppNumber(1), UserNumber(2), upload(&"京".repeat(83)), 1000);
        let text = signer.seal(&ticket);
        assert_eq!(signer.open(&text, 1000), Ok(ticket.clone()));
        assert_eq!(signer.open(&text, 1000 + TICKET_LIFE_S), Err(Untrusted::Expired));
        for forged in ["", "AAAA", &text[1..], &text[..text.len() - 4], &format!("{text}AAAA")] {
            assert_eq!(signer.open(forged, 1000), Err(Untrusted::Forged));
        }
        assert_eq!(Signer::new(&[2; 32]).open(&text, 1000), Err(Untrusted::Forged));
    }

    #[test]
    fn the_same_upload_of_the_same_user_has_the_same_id_at_any_time() {
        let signer = Signer::new(&[1; 32]);
        let id = |app, user, name: &str, now_s| signer.ticket(AppNumber(app), UserNumber(user), upload(name), now_s).id;
        assert_eq!(id(1, 2, "a", 5), id(1, 2, "a", 6));
        for other in [id(2, 2, "a", 5), id(1, 3, "a", 5), id(1, 2, "b", 5)] {
            assert_ne!(id(1, 2, "a", 5), other);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[A-Za-z0-9_-]{0,100}") {
            let _ = Signer::new(&[1; 32]).open(&text, 0);
        }
    }
}
