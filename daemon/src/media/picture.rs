//! What the headers of an image say: its format and its size. Nothing is decoded.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Markers of a JPEG that are looked at before the one with the size.
const SEGMENTS_MAX: usize = 1000;
/// More than any screen or camera has.
const SIDE_MAX: u32 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    Bmp,
}

impl Format {
    /// As an extension is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
        }
    }
}

/// What browsers may be told that bytes of this format are; nothing for what is no image of ours.
pub fn content_type(format: &str) -> Option<&'static str> {
    match format {
        "jpg" => Some("image/jpeg"),
        "png" => Some("image/png"),
        "gif" => Some("image/gif"),
        "bmp" => Some("image/bmp"),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    pub format: Format,
    pub width: u32,
    pub height: u32,
}

/// Nothing for what is none of the four formats, or breaks off before it says its size.
pub fn read(file: impl Read + Seek) -> io::Result<Option<Picture>> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    match read_headers(&mut reader) {
        Ok(picture) => Ok(picture.filter(has_sane_size)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn has_sane_size(picture: &Picture) -> bool {
    let is_sane = |side| (1..=SIDE_MAX).contains(&side);
    is_sane(picture.width) && is_sane(picture.height)
}

fn read_headers(reader: &mut (impl Read + Seek)) -> io::Result<Option<Picture>> {
    let start: [u8; 2] = bytes(reader)?;
    match &start {
        [0xff, 0xd8] => jpeg(reader),
        [0x89, b'P'] => png(reader),
        b"GI" => gif(reader),
        b"BM" => bmp(reader),
        _ => Ok(None),
    }
}

fn png(reader: &mut impl Read) -> io::Result<Option<Picture>> {
    let head: [u8; 14] = bytes(reader)?;
    if head != *b"NG\r\n\x1a\n\0\0\0\x0dIHDR" {
        return Ok(None);
    }
    let (width, height) = (u32::from_be_bytes(bytes(reader)?), u32::from_be_bytes(bytes(reader)?));
    Ok(Some(Picture { format: Format::Png, width, height }))
}

fn gif(reader: &mut impl Read) -> io::Result<Option<Picture>> {
    let version: [u8; 4] = bytes(reader)?;
    if version != *b"F87a" && version != *b"F89a" {
        return Ok(None);
    }
    let (width, height) = (u16::from_le_bytes(bytes(reader)?), u16::from_le_bytes(bytes(reader)?));
    Ok(Some(Picture { format: Format::Gif, width: width.into(), height: height.into() }))
}

fn bmp(reader: &mut impl Read) -> io::Result<Option<Picture>> {
    let _sizes_and_offset: [u8; 12] = bytes(reader)?;
    let (width, height) = match u32::from_le_bytes(bytes(reader)?) {
        // The oldest header has short numbers.
        12 => (u16::from_le_bytes(bytes(reader)?).into(), u16::from_le_bytes(bytes(reader)?).into()),
        40..=124 => {
            let (width, height) = (i32::from_le_bytes(bytes(reader)?), i32::from_le_bytes(bytes(reader)?));
            // A negative height means that the first line is the topmost.
            (u32::try_from(width).unwrap_or(0), height.unsigned_abs())
        }
        _ => return Ok(None),
    };
    Ok(Some(Picture { format: Format::Bmp, width, height }))
}

/// The size stands in the frame header, behind any number of other segments.
fn jpeg(reader: &mut (impl Read + Seek)) -> io::Result<Option<Picture>> {
    for _ in 0..SEGMENTS_MAX {
        let [0xff] = bytes(reader)? else { return Ok(None) };
        let [mut marker] = bytes(reader)?;
        // Any number of these may stand before a marker, as filling.
        while marker == 0xff {
            [marker] = bytes(reader)?;
        }
        match marker {
            // Frame headers; 0xc4, 0xc8 and 0xcc are others.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let _length_and_precision: [u8; 3] = bytes(reader)?;
                let (height, width) = (u16::from_be_bytes(bytes(reader)?), u16::from_be_bytes(bytes(reader)?));
                return Ok(Some(Picture { format: Format::Jpeg, width: width.into(), height: height.into() }));
            }
            // Without a length.
            0x01 | 0xd0..=0xd7 => {}
            // The data begins, or the image ends, and no size was told.
            0x00 | 0xd8..=0xda => return Ok(None),
            _ => {
                let length = u16::from_be_bytes(bytes(reader)?);
                let Some(rest) = length.checked_sub(2) else { return Ok(None) };
                reader.seek_relative_by(rest)?;
            }
        }
    }
    Ok(None)
}

trait Skip {
    fn seek_relative_by(&mut self, bytes: u16) -> io::Result<()>;
}

impl<R: Read + Seek> Skip for R {
    fn seek_relative_by(&mut self, bytes: u16) -> io::Result<()> {
        self.seek(SeekFrom::Current(bytes.into())).map(drop)
    }
}

fn bytes<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn read_bytes(bytes: &[u8]) -> Option<Picture> {
        read(Cursor::new(bytes)).expect("memory can be read")
    }

    fn samples() -> Vec<(Vec<u8>, &'static str)> {
        let jpeg = [
            &b"\xff\xd8\xff\xe0\0\x07JFIF\0\xff\xff\xe1\0\x04ab"[..],
            b"\xff\xc4\0\x03x\xff\xc2\0\x11\x08\x01\x02\x03\x04\x03 and so on",
        ];
        let bmp =
            [&b"BM....\0\0\0\0\x36\0\0\0\x28\0\0\0"[..], &772_i32.to_le_bytes(), &(-258_i32).to_le_bytes(), b"rest"];
        let old_bmp = b"BM....\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x04\x03\x02\x01";
        vec![
            (jpeg.concat(), "jpg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x04\0\0\x01\x02\x08\x06".to_vec(), "png"),
            (b"GIF89a\x04\x03\x02\x01\0".to_vec(), "gif"),
            (bmp.concat(), "bmp"),
            (old_bmp.to_vec(), "bmp"),
        ]
    }

    #[test]
    fn each_format_tells_its_size() {
        for (bytes, format) in samples() {
            let picture = read_bytes(&bytes).expect(format);
            assert_eq!((picture.format.name(), picture.width, picture.height), (format, 772, 258));
            assert!(content_type(format).is_some());
        }
    }

    #[test]
    fn what_breaks_off_or_has_no_size_or_is_no_image_is_none() {
        for (bytes, format) in samples() {
            assert_eq!(read_bytes(&bytes[..9]), None, "{format}");
        }
        for wrong in [
            &b""[..],
            b"\xff\xd8\xff\xda\0\x02",
            b"\xff\xd8\xff\xe0\0\x01",
            b"\xff\xd8\xff\xd9",
            b"GIF88a\x04\x03\x02\x01",
            b"GIF89a\0\0\x02\x01",
            b"<svg xmlns='http://www.w3.org/2000/svg' width='3' height='3'/>",
            b"RIFF\0\0\0\0WEBPVP8 ",
        ] {
            assert_eq!(read_bytes(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(start in 0usize..5, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let start = [&b"\xff\xd8"[..], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"GIF89a", b"BM", b""][start];
            let _ = read_bytes(&[start, &bytes].concat());
        }
    }
}
