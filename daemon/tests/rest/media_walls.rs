//! The rows of frames about files in the matrix of walls.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::media::{MediaAddress, MediaKind, MediaUpload};
use anser_protocol::frame::{ClientFrame, ServerFrame};

use crate::frame_walls::Told;

/// Nothing for frames that are about something else.
pub fn frames_of(name: &str, request: u32, media_id: &str) -> Option<Vec<ClientFrame>> {
    let extensions = Extensions::default;
    match name {
        "MediaUpload" => {
            let upload = |thumb_of: &str| {
                let (kind, name, thumb_of) = (MediaKind::IMAGE, "x.png".to_owned(), thumb_of.to_owned());
                let (bytes, sha256) = (5, vec![7; 32]);
                let extensions = extensions();
                ClientFrame::MediaUpload(MediaUpload { request, kind, bytes, sha256, name, thumb_of, extensions })
            };
            Some(vec![upload(""), upload(media_id)])
        }
        "MediaAddress" => {
            let media_id = media_id.to_owned();
            Some(vec![ClientFrame::MediaAddress(MediaAddress { request, media_id, extensions: extensions() })])
        }
        _ => None,
    }
}

pub fn told_stranger(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::MediaUpload(upload) if upload.thumb_of.is_empty() => {
            Told::Own(|answer| matches!(answer, ServerFrame::MediaTicket(_)))
        }
        _ => Told::Failed(ErrorCode::MEDIA_UNKNOWN),
    }
}

/// Users of one app may see what others uploaded; a small picture of it is for who did.
pub fn told_outsider(frame: &ClientFrame) -> Told {
    match frame {
        ClientFrame::MediaAddress(_) => Told::Own(|answer| matches!(answer, ServerFrame::MediaLocation(_))),
        _ => told_stranger(frame),
    }
}
