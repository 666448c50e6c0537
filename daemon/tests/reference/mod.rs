//! Pages of `docs/` that are made from the code and from the shipped settings, so that they cannot say something else.

mod configuration;
mod rest;

/// Names and texts of the pages, as they are to stand in `docs/`.
pub fn pages() -> [(&'static str, String); 2] {
    [("configuration.md", configuration::page()), ("rest.md", rest::page())]
}

/// A folder of the project.
pub fn folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name)
}
