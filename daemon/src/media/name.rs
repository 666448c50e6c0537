//! What uploaders call their files, made harmless; and what format a file is of.

use anser_storage::media::MediaKind;

use super::body::LookedAt;

const NAME_BYTES_MAX: usize = 250;
const EXTENSION_BYTES_MAX: usize = 8;

/// The last part of a path, of whatever system, without control characters: some callers send whole paths.
pub fn file_name(sent: &str) -> String {
    let base = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = base.chars().filter(|letter| !letter.is_control()).collect();
    while name.len() > NAME_BYTES_MAX {
        name.pop();
    }
    let name = name.trim();
    if name.trim_matches('.').is_empty() { "file".to_owned() } else { name.to_owned() }
}

/// As an extension is written; nothing when what should be an image is none.
pub fn format_of(kind: MediaKind, file_name: &str, looked_at: &LookedAt) -> Option<String> {
    match kind {
        MediaKind::Image => looked_at.picture.map(|picture| picture.format.name().to_owned()),
        MediaKind::File => Some(String::new()),
        MediaKind::Voice => Some(extension(file_name).unwrap_or_else(|| sound(&looked_at.head).to_owned())),
    }
}

fn extension(file_name: &str) -> Option<String> {
    let (_, extension) = file_name.rsplit_once('.')?;
    let is_one = (1..=EXTENSION_BYTES_MAX).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_one.then(|| extension.to_ascii_lowercase())
}

/// By its first bytes; for a sound without an extension that nobody knows, what most recorders write.
fn sound(head: &[u8]) -> &'static str {
    match head {
        [b'#', b'!', b'A', b'M', b'R', ..] => "amr",
        [b'I', b'D', b'3', ..] | [0xff, 0xe2..=0xff, ..] => "mp3",
        [b'O', b'g', b'g', b'S', ..] => "ogg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => "wav",
        _ => "m4a",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_and_control_characters_go_and_an_empty_name_becomes_a_name() {
        for (sent, name) in [
            ("a.txt", "a.txt"),
            ("/home/ann/a.txt", "a.txt"),
            ("C:\\Users\\ann\\名单 1.txt", "名单 1.txt"),
            ("..\\../a\r\nb\0.txt", "ab.txt"),
            ("", "file"),
            ("x/", "file"),
            ("..", "file"),
            (" . ", "file"),
        ] {
            assert_eq!(file_name(sent), name, "{sent:?}");
        }
        assert_eq!(file_name(&"京".repeat(100)).len(), 249);
    }

    #[test]
    fn a_sound_is_of_the_format_that_its_name_or_its_first_bytes_say() {
        assert_eq!(extension("a.MP3").as_deref(), Some("mp3"));
        for none in ["a", "a.", "a.tar gz", "a.verylongone", ".."] {
            assert_eq!(extension(none), None, "{none}");
        }
        assert_eq!((sound(b"#!AMR\n"), sound(b"\xff\xfb\x90"), sound(b"")), ("amr", "mp3", "m4a"));
    }

    proptest! {
        #[test]
        fn no_name_is_a_path_or_too_long(sent in any::<String>()) {
            let name = file_name(&sent);
            prop_assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX && name != "..");
            prop_assert!(!name.contains(['/', '\\', '\r', '\n']));
        }
    }
}
