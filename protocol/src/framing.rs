//! How frames stand one after another on a byte stream: varint length, then that many bytes.
//!
//! On WebSocket a binary message holds one frame, without the length.

use alloc::vec::Vec;

use crate::varint;

/// What stands at the front of the bytes received so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Split<'a> {
    /// A whole frame (type and body), and how many bytes it and its length took.
    Frame(&'a [u8], usize),
    /// Wait for more bytes; so many are needed in all, as far as can be told.
    Incomplete(usize),
}

/// A frame beyond the limit: announced by the peer (or its length is no number), or asked of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTooLong;

/// Takes the first frame off `bytes`. The length is checked before anything is kept.
pub fn split(bytes: &[u8], frame_bytes_max: usize) -> Result<Split<'_>, FrameTooLong> {
    match varint::read(bytes) {
        varint::Read::Incomplete => Ok(Split::Incomplete(bytes.len() + 1)),
        varint::Read::Invalid => Err(FrameTooLong),
        varint::Read::Value(length, head) => {
            let length = usize::try_from(length).map_err(|_| FrameTooLong)?;
            if length > frame_bytes_max {
                return Err(FrameTooLong);
            }
            match bytes.get(head..head + length) {
                Some(frame) => Ok(Split::Frame(frame, head + length)),
                None => Ok(Split::Incomplete(head + length)),
            }
        }
    }
}

/// Appends one frame with its length, written by `write_frame`.
pub fn append<E>(out: &mut Vec<u8>, write_frame: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
    let start = out.len();
    if let Err(error) = write_frame(out) {
        out.truncate(start);
        return Err(error);
    }
    let length = out.len() - start;
    let mut head = Vec::with_capacity(3);
    varint::write(length as u64, &mut head);
    out.resize(start + length + head.len(), 0);
    out.copy_within(start..start + length, start + head.len());
    out[start..start + head.len()].copy_from_slice(&head);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn frame(out: &mut Vec<u8>, body: &[u8]) {
        append::<()>(out, |out| {
            out.extend_from_slice(body);
            Ok(())
        })
        .expect("nothing fails here");
    }

    #[test]
    fn frames_are_taken_off_in_the_order_in_which_they_were_appended() {
        let mut stream = vec![];
        frame(&mut stream, b"one");
        frame(&mut stream, &[7; 300]);
        let Ok(Split::Frame(first, taken)) = split(&stream, 1000) else { panic!("no first frame") };
        assert_eq!(first, b"one");
        assert_eq!(split(&stream[taken..], 1000), Ok(Split::Frame(&[7; 300], 302)));
    }

    #[test]
    fn a_cut_frame_tells_how_much_is_needed() {
        let mut stream = vec![];
        frame(&mut stream, b"hello");
        assert_eq!(split(&stream[..3], 1000), Ok(Split::Incomplete(6)));
        assert_eq!(split(&[], 1000), Ok(Split::Incomplete(1)));
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_its_bytes_arrive() {
        assert_eq!(split(&[0xe9, 0x07], 1000), Err(FrameTooLong));
        assert_eq!(split(&[0xff; 10], 1000), Err(FrameTooLong));
    }
}
