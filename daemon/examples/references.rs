//! Writes the reference pages of `docs/`.

#[path = "../tests/reference/mod.rs"]
mod reference;

fn main() -> std::io::Result<()> {
    for (name, text) in reference::pages() {
        let path = reference::folder("docs").join(name);
        std::fs::write(&path, text)?;
        println!("{}", path.display());
    }
    Ok(())
}
