//! Where a device's state lies: a folder for each app, in it one for each user, and one for the device without a user.

use std::path::{Path, PathBuf};

use anser_client::store::FileStore;

use crate::failure::Failure;
use crate::options::Global;

/// Opens the store of the device that this user has on this machine.
pub fn open(global: &Global, user: Option<&str>) -> Result<FileStore, Failure> {
    let base = match &global.state_dir {
        Some(folder) => folder.clone(),
        None => default_base()?,
    };
    let folder = folder_of(&base, global.app_key()?, user);
    make_private(&folder)
        .map_err(|error| Failure::new(format!("cannot make the folder {}: {error}", folder.display())))?;
    let store = FileStore::open(&folder.join("store.redb"))?;
    if store.rebuilt().is_some() {
        eprintln!(
            "anser: warning: the store in {} was damaged and was made anew from what could be read\n\
             It is a new device to the server: set its tags and alias again, and tell app servers its registration id.",
            folder.display()
        );
    }
    Ok(store)
}

fn default_base() -> Result<PathBuf, Failure> {
    let is_absolute = |path: &PathBuf| path.is_absolute();
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(is_absolute);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state =
        state.or_else(home).ok_or_else(|| Failure::usage("there is no HOME folder: give --state-dir FOLDER"))?;
    Ok(state.join("anser"))
}

fn folder_of(base: &Path, app_key: &str, user: Option<&str>) -> PathBuf {
    let app = base.join(as_file_name(app_key));
    match user {
        Some(user) => app.join(format!("user-{}", as_file_name(user))),
        None => app.join("device"),
    }
}

/// Two names never become one, whatever is in them.
fn as_file_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let text: String = name
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") })
        .collect();
    // File systems take 255 bytes; the longest of names become longer than that.
    if text.len() <= 200 { text } else { format!("{}%{}", &text[..100], digest(name)) }
}

fn digest(name: &str) -> String {
    data_encoding::HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, name.as_bytes()).as_ref())
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_file_system_would_mix_up_stay_apart() {
        let names = ["alice", "Alice", "..", "a/b", "a%2fb", "鸿雁", &"x".repeat(128), &"鸿".repeat(42)];
        let mut files: Vec<String> = names.iter().map(|name| as_file_name(name)).collect();
        assert!(files.iter().all(|file| file.len() <= 200 && !file.contains(['/', '.'])), "{files:?}");
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
    }

    #[test]
    fn every_user_has_a_device_of_its_own() {
        let base = Path::new("state");
        assert_eq!(folder_of(base, "key", Some("device")), base.join("key/user-device"));
        assert_eq!(folder_of(base, "key", None), base.join("key/device"));
    }
}
