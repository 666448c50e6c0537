//! Forms of several parts (`multipart/form-data`), read part by part as they come in: nobody makes the daemon hold more
//! than one piece of them.

use std::future::Future;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use multer::{Constraints, Error, Field, Multipart, SizeLimit};

use super::family::Family;
use super::fault::Fault;
use super::path::decoded;

/// A caller from whom nothing comes for so long is cut off.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
/// RFC 2046 has 70; some libraries make longer ones.
const BOUNDARY_BYTES_MAX: usize = 200;

/// A form on its way in.
pub struct Form {
    multipart: Multipart<'static>,
    family: Family,
}

/// One part of it. The part before must be dropped when the next one is asked for.
pub struct Part {
    field: Field<'static>,
    family: Family,
}

impl Form {
    /// `bytes_max` holds for the whole body.
    pub fn open(family: Family, request: Request, bytes_max: usize) -> Result<Self, Fault> {
        let content_type = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let boundary = boundary(content_type)
            .ok_or_else(|| family.invalid("the body must be multipart/form-data, and its header name the boundary"))?;
        let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(bytes_max as u64));
        let stream = request.into_body().into_data_stream();
        Ok(Self { multipart: Multipart::with_constraints(stream, boundary, limits), family })
    }

    pub async fn next(&mut self) -> Result<Option<Part>, Fault> {
        let family = self.family;
        let field = in_time(family, self.multipart.next_field()).await?;
        Ok(field.map(|field| Part { field, family }))
    }
}

impl Part {
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// As the caller calls it.
    pub fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The same, however it is written; nothing for a part that is no file. Old libraries send only `filename*` when the
    /// name is not ASCII, others the bytes of some other encoding.
    pub fn sent_name(&self) -> Option<String> {
        if let Some(name) = self.file_name() {
            return Some(name.to_owned());
        }
        let disposition = self.field.headers().get(CONTENT_DISPOSITION)?;
        let text = String::from_utf8_lossy(disposition.as_bytes()).into_owned();
        let value = text
            .match_indices("filename")
            .find_map(|(at, word)| text[at + word.len()..].trim_start_matches('*').trim_start().strip_prefix('='))?;
        let encoded = value.split(';').next().unwrap_or_default().trim().trim_matches('"');
        Some(match encoded.split_once("''") {
            Some((_, name)) => decoded(&name.replace('+', "%2B"))?.into_owned(),
            None => encoded.to_owned(),
        })
    }

    /// The next piece of its content.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Fault> {
        in_time(self.family, self.field.chunk()).await
    }

    /// The whole content, if it is not larger than this.
    pub async fn bytes(&mut self, bytes_max: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece().await? {
            if bytes.len() + piece.len() > bytes_max {
                return Err(self.family.too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    pub async fn text(&mut self, bytes_max: usize) -> Result<String, Fault> {
        let bytes = self.bytes(bytes_max).await?;
        let text = String::from_utf8(bytes);
        text.map_err(|_| self.family.invalid(format!("{} is not UTF-8", self.name().escape_debug())))
    }
}

async fn in_time<T>(family: Family, piece: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
    match tokio::time::timeout(PIECE_WITHIN, piece).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(Error::StreamSizeExceeded { .. } | Error::FieldSizeExceeded { .. })) => Err(family.too_large()),
        Ok(Err(Error::StreamReadFailed(_))) => Err(family.invalid("the request body ended early")),
        Ok(Err(_)) => Err(family.invalid("the form is broken: it has no beginning, or ends too early")),
        Err(_) => Err(family.invalid("the request body came too slowly")),
    }
}

/// The boundary as clients write it: quoted or not, also with signs that ask for quotes, before or behind other
/// parameters.
fn boundary(content_type: &[u8]) -> Option<String> {
    let text = str::from_utf8(content_type).ok()?;
    let (kind, mut rest) = text.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    loop {
        let (name, behind) = rest.split_once('=')?;
        // A parameter without a value may stand before it.
        let name = name.rsplit(';').next().unwrap_or_default().trim();
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => behind.split_once(';').unwrap_or((behind, "")),
        };
        if name.eq_ignore_ascii_case("boundary") {
            let value = if behind.starts_with('"') { value } else { value.trim() };
            return Some(value.to_owned()).filter(|value| (1..=BOUNDARY_BYTES_MAX).contains(&value.len()));
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    /// The parts of a body that comes in pieces of so many bytes: name, file name, content.
    async fn read(content_type: &str, body: &[u8], piece: usize) -> Result<Vec<(String, String, Vec<u8>)>, u32> {
        let pieces: Vec<_> =
            body.chunks(piece.max(1)).map(|piece| Ok::<_, Never>(Bytes::copy_from_slice(piece))).collect();
        let body = Body::from_stream(stream::iter(pieces));
        let request = Request::builder().header(CONTENT_TYPE, content_type).body(body).map_err(|_| 0_u32)?;
        let mut form = Form::open(Family::Push, request, 10_000).map_err(|fault| fault.code)?;
        let mut parts = Vec::new();
        while let Some(mut part) = form.next().await.map_err(|fault| fault.code)? {
            let names = (part.name().to_owned(), part.file_name().unwrap_or_default().to_owned());
            parts.push((names.0, names.1, part.bytes(1000).await.map_err(|fault| fault.code)?));
        }
        Ok(parts)
    }

    /// No body of these tests fails.
    type Never = std::convert::Infallible;

    fn form(boundary: &str, content: &[u8]) -> Vec<u8> {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; filename=\"名单.txt\"; name=\"filename\"\r\n\
             Content-Type: text/plain\r\n\r\n"
        );
        let tail =
            format!("\r\n--{boundary}\r\nContent-Disposition: form-data; name=ttl\r\n\r\n24\r\n--{boundary}--\r\n");
        [head.as_bytes(), content, tail.as_bytes()].concat()
    }

    #[tokio::test]
    async fn boundaries_come_quoted_and_bare_and_at_any_place() {
        for header in [
            "multipart/form-data; boundary=AaB03x",
            "multipart/form-data; boundary=\"AaB03x\"",
            "Multipart/Form-Data;charset=utf-8;BOUNDARY = AaB03x ",
            "multipart/form-data; boundary=AaB03x; charset=utf-8",
            "multipart/form-data; charset=\"a;boundary=no\"; boundary=\"AaB03x\"",
            "multipart/form-data; odd; boundary=AaB03x",
        ] {
            let parts = read(header, &form("AaB03x", b"a\nb"), 7).await.expect(header);
            let expected = [("filename", "名单.txt", &b"a\nb"[..]), ("ttl", "", b"24")];
            let expected = expected.map(|(name, file, content)| (name.to_owned(), file.to_owned(), content.to_vec()));
            assert_eq!(parts, expected, "{header}");
        }
        let odd = "=_Part:1/2?(x)";
        assert!(read(&format!("multipart/form-data; boundary={odd}"), &form(odd, b"x"), 3).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_no_form_or_too_large_is_told_so() {
        let whole = form("b", b"x");
        for header in [
            "",
            "text/plain; boundary=b",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; x=y",
        ] {
            assert_eq!(read(header, &whole, 100).await, Err(1003), "{header}");
        }
        let header = "multipart/form-data; boundary=b";
        assert_eq!(read(header, &whole[..whole.len() - 20], 100).await, Err(1003));
        assert_eq!(read(header, b"", 100).await, Err(1003));
        assert_eq!(read(header, &form("b", &[7; 1001]), 100).await, Err(1005));
        assert_eq!(read(header, &form("b", &[7; 11_000]), 100).await, Err(1005));
    }

    proptest! {
        #[test]
        fn no_header_and_no_body_make_it_panic(header in ".{0,60}", body in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let _ = boundary(header.as_bytes());
            let _ = runtime.block_on(read("multipart/form-data; boundary=b", &body, piece));
            let framed = [b"--b\r\n", &body[..]].concat();
            let _ = runtime.block_on(read("multipart/form-data; boundary=b", &framed, piece));
        }

        #[test]
        fn content_comes_out_as_it_went_in_however_it_is_cut(content in prop::collection::vec(any::<u8>(), 0..900), piece in 1usize..200) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let boundary = "a boundary that no random content holds";
            let header = format!("multipart/form-data; boundary=\"{boundary}\"");
            let parts = runtime.block_on(read(&header, &form(boundary, &content), piece)).expect("a whole form");
            prop_assert_eq!(&parts[0].2, &content);
        }
    }
}
