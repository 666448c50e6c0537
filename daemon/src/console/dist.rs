//! The folder of built pages: which file is served where. The build script reads it with this code too.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};

pub const BROTLI: &str = ".br";
pub const GZIP: &str = ".gz";
/// Folders, with the path at which the `index.html` of each is served.
const PAGES: [(&str, &str); 2] = [("console", "/"), ("im", "/im")];

/// The files, by the paths at which they are served; none where the pages were not built.
pub fn files(dist: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for (part, page) in PAGES {
        collect(&dist.join(part), "/", page, &mut files)?;
    }
    Ok(files)
}

/// The compressed form of a file, which lies beside it.
pub fn packed(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn collect(folder: &Path, before: &str, page: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), page, files)?;
        } else if !name.ends_with(BROTLI) && !name.ends_with(GZIP) {
            let served = if name == "/index.html" { page.to_owned() } else { name };
            files.insert(served, entry.path().canonicalize()?);
        }
    }
    Ok(())
}
