//! Frames about files that users share, each as the first of its link.

use anser_protocol::frame::media::{MediaAddress, MediaKind, MediaLocation, MediaTicket, MediaUpload};
use anser_protocol::frame::{ClientFrame, ServerFrame};

use super::samples::*;
use super::{Vector, client, server};

const MEDIA_ID: &str = "qiniu/image/r/00112233445566778899AABBCCDDEEFF";

pub fn client_vectors() -> Vec<Vector> {
    let upload = |request, kind, name: &str, thumb_of: &str| {
        let sha256 = bytes(0x40).repeat(2);
        let (name, thumb_of) = (name.into(), thumb_of.into());
        let bytes = 8_388_608;
        ClientFrame::MediaUpload(MediaUpload { request, kind, bytes, sha256, name, thumb_of, extensions: none() })
    };
    let address = |request, media_id: &str| {
        ClientFrame::MediaAddress(MediaAddress { request, media_id: media_id.into(), extensions: none() })
    };
    vec![
        client("media_upload", "Where to put an image.", upload(46, MediaKind::IMAGE, "Gänse.jpg", "")),
        client("media_upload_thumb", "Where to put a small picture of it.", upload(47, MediaKind::IMAGE, "", MEDIA_ID)),
        client("media_address", "Where to get an image.", address(48, MEDIA_ID)),
        client(
            "media_address_with_extension",
            "The same, with an extension in its name.",
            address(49, &format!("{MEDIA_ID}.jpg")),
        ),
    ]
}

pub fn server_vectors() -> Vec<Vector> {
    let ticket = |request, url: &str| {
        let (url, expires_ms) = (url.into(), NOW_MS + 172_800_000);
        ServerFrame::MediaTicket(MediaTicket { request, url, expires_ms, extensions: none() })
    };
    let location = |request, thumb_bytes, thumb_crc32| {
        ServerFrame::MediaLocation(MediaLocation {
            request,
            url: "/media/a/image-00112233445566778899AABBCCDDEEFF?e=1790086400&s=AAAAAAAAAAAAAAAAAAAAAA".into(),
            expires_ms: NOW_MS + 86_400_000,
            bytes: 8_388_608,
            crc32: 0xdead_beef,
            hash: "Fqr0xh3cxeii2r7eDztILNmuqUNN".into(),
            thumb_bytes,
            thumb_crc32,
            extensions: none(),
        })
    };
    vec![
        server("media_ticket", "There, on the server of the link.", ticket(46, "/media/upload/AAECAw")),
        server(
            "media_ticket_elsewhere",
            "There, at an address.",
            ticket(47, "https://media.example.com/media/upload/AAECAw"),
        ),
        server("media_location", "There, and so it is known that it is whole.", location(48, 0, 0)),
        server("media_location_with_thumb", "There is a small picture as well.", location(49, 9000, 7)),
    ]
}
