//! Puts the pages into the binary: a table of the files of `web/dist`, or an empty one where they were not built.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[path = "src/console/dist.rs"]
mod dist;

fn main() -> io::Result<()> {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let folder = env::var_os("ANSER_WEB_DIST").map_or_else(|| own.join("../web/dist"), PathBuf::from);
    println!("cargo::rerun-if-env-changed=ANSER_WEB_DIST");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/console/dist.rs");
    // Before the pages are built it is there and empty. What is not there would be looked for at each build.
    if folder.exists() {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
    let mut table = String::from("static BUILT: &[Built] = &[\n");
    for (served, path) in dist::files(&folder)? {
        entry(&mut table, &served, &path)?;
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("pages.rs"), table)
}

fn entry(table: &mut String, served: &str, path: &Path) -> io::Result<()> {
    let hash = dist::hash(&fs::read(path)?);
    let form = |ending: &str| Some(dist::packed(path, ending)).filter(|packed| packed.exists());
    let (brotli, gzip) = (form(dist::BROTLI), form(dist::GZIP));
    let plain = gzip.is_none().then(|| path.to_owned());
    let included = |path: Option<PathBuf>| match path {
        Some(path) => format!("Some(include_bytes!({:?}))", path.display().to_string()),
        None => "None".to_owned(),
    };
    let written = writeln!(
        table,
        "    Built {{ path: {served:?}, hash: {hash}, plain: {}, brotli: {}, gzip: {} }},",
        included(plain),
        included(brotli),
        included(gzip),
    );
    written.map_err(io::Error::other)
}
