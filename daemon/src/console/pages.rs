//! The pages: files that the build put into this binary, or one page that says how to get them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH,
    VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::dist;

/// A folder of pages that is served in place of those in the binary: for those who work on them.
const FOLDER: &str = "ANSER_WEB_DIST";

struct File {
    kind: &'static str,
    etag: String,
    /// Its name changes with its content.
    is_immutable: bool,
    /// As it is; nothing where the compressed forms are there.
    plain: Option<Bytes>,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

/// A file as the build script found it: the path at which it is served, a hash of it, and its forms.
struct Built {
    path: &'static str,
    hash: u64,
    plain: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// By their paths.
static FILES: LazyLock<BTreeMap<Cow<'static, str>, File>> = LazyLock::new(|| match std::env::var_os(FOLDER) {
    Some(folder) => read(Path::new(&folder)),
    None => BUILT.iter().map(|of| (of.path.into(), File::built(of))).collect(),
});

impl File {
    fn built(of: &Built) -> Self {
        let bytes = |form: Option<&'static [u8]>| form.map(Bytes::from_static);
        Self::new(of.path, of.hash, bytes(of.plain), bytes(of.brotli), bytes(of.gzip))
    }

    fn new(path: &str, hash: u64, plain: Option<Bytes>, brotli: Option<Bytes>, gzip: Option<Bytes>) -> Self {
        let kind = if matches!(path, "/" | "/im") { super::kind::HTML } else { super::kind::of(path) };
        let is_immutable = path.starts_with("/assets/");
        Self { kind, etag: format!("\"{hash:016x}\""), is_immutable, plain, brotli, gzip }
    }
}

fn read(folder: &Path) -> BTreeMap<Cow<'static, str>, File> {
    let mut files = BTreeMap::new();
    for (served, path) in dist::files(folder).unwrap_or_default() {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let form = |ending: &str| std::fs::read(dist::packed(&path, ending)).ok().map(Bytes::from);
        let (hash, brotli, gzip) = (dist::hash(&bytes), form(dist::BROTLI), form(dist::GZIP));
        let file = File::new(&served, hash, Some(bytes.into()), brotli, gzip);
        files.insert(served.into(), file);
    }
    log::info!(folder:% = folder.display(), files = files.len(); "pages of a folder are served");
    files
}

/// What a browser is told with every answer of ours.
pub const GUARDS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex"),
];
/// Voice messages are recorded, and places sent, in the Web IM only.
const NO_DEVICES: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
const OF_CHATS: &str = "camera=(), geolocation=(self), microphone=(self), payment=(), usb=()";
/// Once loaded, never asked for again.
const YEAR: &str = "public, max-age=31536000, immutable";
const ABSENT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Anser</title>\n\
    <h1>Anser serves, without its pages</h1>\n\
    <p>This build of the daemon does not contain the console and the Web IM. <code>make run</code> builds both with it\n\
    when Node.js is there (<code>npm ci &amp;&amp; npm run build</code> in <code>web/</code>, then build the daemon again);\n\
    the packages contain them. APIs and links work all the same.</p>\n\
    <p lang=\"zh\">此守护进程的构建不含控制台和网页聊天。安装 Node.js 后用 <code>make run</code> 构建即可；\n\
    安装包自带页面。接口和长连接不受影响。</p>\n\
    </html>\n";

/// Is this a path of the pages?
pub fn is_page(path: &str) -> bool {
    matches!(path, "/" | "/im" | "/assets") || path.starts_with("/assets/") || find(path).is_some()
}

pub fn answer(path: &str, headers: &HeaderMap) -> Response<Body> {
    let mut response = match find(path) {
        Some(file) => sent(file, headers),
        None if matches!(path, "/" | "/im") => {
            let mut response = Response::new(Body::from(ABSENT));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        None => {
            let mut response = Response::new(Body::from("there is no such page\n"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
    };
    for (name, value) in GUARDS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let devices = if path == "/im" { OF_CHATS } else { NO_DEVICES };
    response.headers_mut().insert("permissions-policy", HeaderValue::from_static(devices));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy(headers));
    response
}

fn find(path: &str) -> Option<&'static File> {
    FILES.get(path)
}

fn sent(file: &File, headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let answer = response.headers_mut();
    answer.extend(HeaderValue::try_from(&file.etag).ok().map(|etag| (ETAG, etag)));
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(if file.is_immutable { YEAR } else { "no-cache" }));
    answer.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let known = headers.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|etag| etag.trim().trim_start_matches("W/") == file.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    let accepted = |coding: &str| accepts(headers, coding);
    let (coding, body) = match (&file.brotli, &file.gzip, &file.plain) {
        (Some(brotli), ..) if accepted("br") => (Some("br"), brotli.clone()),
        (_, Some(gzip), _) if accepted("gzip") => (Some("gzip"), gzip.clone()),
        (_, _, Some(plain)) => (None, plain.clone()),
        (_, Some(gzip), None) => (None, inflated(gzip).into()),
        (_, None, None) => (None, Bytes::new()),
    };
    if let Some(coding) = coding {
        answer.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    *response.body_mut() = Body::from(body);
    response
}

/// `gzip;q=0` says that it is not wanted.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        let is_meant = pieces.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        is_meant && !pieces.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// A file of ours, whose header has ten bytes and names nothing.
fn inflated(gzip: &[u8]) -> Vec<u8> {
    const HEADER_BYTES: usize = 10;
    let deflated = gzip.get(HEADER_BYTES..).unwrap_or_default();
    miniz_oxide::inflate::decompress_to_vec(deflated).unwrap_or_default()
}

/// Nothing of another site, no script in the page, and links to this host only; no text becomes markup but by the
/// framework's own policy.
fn policy(headers: &HeaderMap) -> HeaderValue {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| {
        (1..=255).contains(&host.len())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    });
    // Not every browser takes 'self' for links as well.
    let links = host.map_or_else(String::new, |host| format!(" wss://{host}"));
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
         font-src 'self'; connect-src 'self'{links}; worker-src 'self'; manifest-src 'self'; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types vue"
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    /// "Anser", by gzip.
    const FILE: Built = Built {
        path: "/assets/a.js",
        hash: 1,
        plain: None,
        brotli: Some(b"brotli"),
        gzip: Some(&[
            0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x73, 0xcc, 0x2b, 0x4e, 0x2d, 0x02, 0x00, 0x2f,
            0x5f, 0x7e, 0x88, 0x05, 0x00, 0x00, 0x00,
        ]),
    };

    #[test]
    fn a_file_comes_in_the_form_that_the_browser_takes() {
        let coding = |accepted: &'static str| {
            let response = sent(&File::built(&FILE), &headers(&[("accept-encoding", accepted)]));
            response.headers().get(CONTENT_ENCODING).map(|coding| coding.to_str().expect("a text").to_owned())
        };
        assert_eq!(coding("gzip, deflate, br").as_deref(), Some("br"));
        assert_eq!(coding("gzip").as_deref(), Some("gzip"));
        assert_eq!(coding("br;q=0, gzip;q=0.5").as_deref(), Some("gzip"));
        assert_eq!(coding("identity"), None);
        assert_eq!(inflated(FILE.gzip.expect("it has one")), b"Anser");
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let response = sent(&File::built(&FILE), &headers(&[("if-none-match", "\"0\", W/\"0000000000000001\"")]));
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[CACHE_CONTROL], YEAR);
    }

    #[test]
    fn only_files_of_the_table_are_there() {
        for odd in ["/assets/../Cargo.toml", "/assets/%2e%2e/x", "/assets/", "/assets//etc/passwd", "/assets/a\\b"] {
            assert_eq!(answer(odd, &HeaderMap::new()).status(), StatusCode::NOT_FOUND, "{odd}");
        }
    }

    #[test]
    fn a_page_lets_in_nothing_from_elsewhere() {
        for path in ["/", "/im", "/assets/none.js"] {
            let response = answer(path, &headers(&[("host", "push.example.com:8443")]));
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("a text");
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
            assert!(policy.contains("wss://push.example.com:8443;"), "{policy}");
            for (name, value) in GUARDS {
                assert_eq!(response.headers()[name], value, "{path}");
            }
        }
        let odd = answer("/", &headers(&[("host", "a; script-src *")]));
        assert!(!odd.headers()[CONTENT_SECURITY_POLICY].to_str().expect("a text").contains('*'));
    }
}
