//! The packages as an operator meets them: built of these sources, and installed on a whole Debian that is booted beside
//! this system.

use std::io;
use std::path::Path;

mod machine;
mod package;
mod root;

pub use machine::Machine;
pub use package::{Kind, build};
pub use root::unpack;

/// Why packages cannot be installed on this machine; nothing where they can.
pub fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can boot a system in a folder".to_owned());
    }
    let tools =
        ["systemd-nspawn", "nsenter", "mmdebstrap", "tar", "strip", "python3", "cargo-deb", "cargo-generate-rpm"];
    let absent: Vec<_> = tools.into_iter().filter(|tool| !is_here(tool)).collect();
    (!absent.is_empty()).then(|| format!("not installed: {}", absent.join(", ")))
}

/// Does a Debian boot in a folder on this machine, before anything of ours is in it? Where containers cannot, this says why.
pub fn boots(root: &Path) -> io::Result<()> {
    std::fs::create_dir(root)?;
    unpack(root)?;
    Machine::boot(root).map(drop)
}

pub fn is_here(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}
