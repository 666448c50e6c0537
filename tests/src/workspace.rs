//! The project's own tree, for the tests that watch over it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The folder that holds the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}

/// Every file that is or would be committed, by its path from the root, in order. What git ignores is not ours.
pub fn files() -> Vec<PathBuf> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = run(&mut git);
    let mut files: Vec<PathBuf> = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    // A file that was removed but not committed as such is still listed.
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files
}

/// The files that are text, each with what it says.
pub fn texts() -> Vec<(PathBuf, String)> {
    let read = |file: PathBuf| std::fs::read_to_string(root().join(&file)).ok().map(|text| (file, text));
    files().into_iter().filter_map(read).collect()
}

/// What cargo knows of the workspace and of all that it is built from on this platform.
pub fn metadata() -> Value {
    let rustc = run(Command::new("rustc").arg("-vV"));
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let told =
        run(cargo().args(["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host]));
    serde_json::from_str(&told).expect("cargo prints JSON")
}

/// The tree of a package's dependencies, one line for each, in cargo's own words.
pub fn dependency_tree(package: &str, args: &[&str]) -> Vec<String> {
    let told = run(cargo().args(["tree", "--locked", "--offline", "--prefix", "none", "-p", package]).args(args));
    told.lines().map(str::to_owned).collect()
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn run(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("git and cargo print UTF-8")
}
