//! Where the real programs are: named by the environment, or built next to the test that asks.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The daemon: `ANSERD_BIN`, or what cargo builds from this workspace.
pub fn anserd() -> PathBuf {
    program("ANSERD_BIN", "anserd")
}

/// The command-line client: `ANSER_BIN`, or what cargo builds from this workspace.
pub fn anser() -> PathBuf {
    program("ANSER_BIN", "anser")
}

fn program(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    built_folder().join(name)
}

/// The folder of the programs, brought up to date once in a process.
fn built_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // <target>/<profile's folder>/deps/<test executable>
        let test = env::current_exe().expect("a running test has a path");
        let folder = test.ancestors().nth(2).expect("cargo puts tests two folders deep").to_owned();
        build(&folder);
        folder
    })
}

/// All packages at once, as `cargo test --workspace` does: with other packages the features of what is shared would be
/// others, and everything would be compiled again.
fn build(folder: &Path) {
    let target = folder.parent().expect("a profile's folder lies in the target folder");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| tells_of_this_package(name)) {
        // Build scripts (ring's) watch these: with the test's own they would build everything again.
        command.env_remove(name);
    }
    let status = command
        .args(["build", "--quiet", "--locked", "--workspace", "--bins", "--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo ran this test, so it can be started");
    assert!(status.success(), "the programs do not build");
}

fn tells_of_this_package(variable: &OsStr) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| variable.as_encoded_bytes().starts_with(start.as_bytes()))
}
