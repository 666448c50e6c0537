//! Files of media: written under a temporary name, looked at, synced, then named after their content.
//!
//! `media/{app}/{first two digits}/{other 62 digits}` of the SHA-256 holds the bytes, `media/{app}/new/` what is on its way in.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anser_storage::crash_point::{CrashPoint, pass};
use anser_storage::ids::AppNumber;
use anser_storage::{BodyHash, MediaContent};
use bytes::Bytes;
use data_encoding::{BASE64URL, HEXLOWER};
use ring::digest::{Context as Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::in_background;
use super::picture::{self, Picture};
use crate::keys::random;

const NEW: &str = "new";
/// What is held in memory of an upload before it is written.
const BUFFER_BYTES: usize = 128 << 10;
/// Of these blocks the etag of larger files is made.
const ETAG_BLOCK_BYTES: usize = 4 << 20;
const READ_BYTES: usize = 64 << 10;

/// Where all of them lie.
#[derive(Clone)]
pub struct Folder(Arc<PathBuf>);

impl Folder {
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = Self(Arc::new(data_dir.join("media")));
        make_folder(&folder.0)?;
        for app in folder.apps()? {
            remove_folder(&folder.of(app).join(NEW))?;
        }
        Ok(folder)
    }

    pub(super) fn of(&self, app: AppNumber) -> PathBuf {
        self.0.join(app.0.to_string())
    }

    /// Those that have a folder.
    pub(super) fn apps(&self) -> io::Result<Vec<AppNumber>> {
        let mut apps: Vec<AppNumber> =
            names_in(&self.0)?.iter().filter_map(|name| name.parse().ok()).map(AppNumber).collect();
        apps.sort_unstable();
        Ok(apps)
    }

    fn path(&self, app: AppNumber, body: &BodyHash) -> PathBuf {
        body_path(&self.0, app.0, body)
    }

    pub fn open_body(&self, app: AppNumber, body: &BodyHash) -> io::Result<File> {
        File::open(self.path(app, body))
    }

    /// One that is not there is no error.
    pub(super) fn remove(&self, app: AppNumber, body: &BodyHash) -> io::Result<()> {
        gone(std::fs::remove_file(self.path(app, body)))?;
        pass(CrashPoint::BodyFreed);
        Ok(())
    }

    /// All of an app.
    pub(super) fn remove_app(&self, app: AppNumber) -> io::Result<()> {
        remove_folder(&self.of(app))
    }

    /// The first two digits that some bodies of the app begin with.
    pub(super) fn shelves(&self, app: AppNumber) -> io::Result<Vec<String>> {
        let mut names = names_in(&self.of(app))?;
        names.retain(|name| name.len() == 2);
        names.sort_unstable();
        Ok(names)
    }

    /// The bodies on one of them.
    pub(super) fn bodies(&self, app: AppNumber, shelf: &str) -> io::Result<Vec<BodyHash>> {
        let names = names_in(&self.of(app).join(shelf))?;
        let body = |name: &String| HEXLOWER.decode(format!("{shelf}{name}").as_bytes()).ok()?.try_into().ok();
        Ok(names.iter().filter_map(body).collect())
    }

    fn begin(&self, app: AppNumber) -> io::Result<(PathBuf, File)> {
        let folder = self.of(app).join(NEW);
        make_folder(&folder)?;
        let path = folder.join(HEXLOWER.encode(&random::<16>()));
        let file = private().create_new(true).open(&path)?;
        Ok((path, file))
    }
}

/// Where a body lies in the folder of media.
pub(crate) fn body_path(media: &Path, app: u32, body: &BodyHash) -> PathBuf {
    let digits = HEXLOWER.encode(body);
    media.join(app.to_string()).join(&digits[..2]).join(&digits[2..])
}

/// How files of media are opened: for their owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    gone(std::fs::remove_dir_all(path))
}

pub(super) fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Nothing in a folder that is not there.
pub(super) fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// An upload on its way to the disk. Dropped before it is named, it leaves nothing.
pub struct Incoming {
    folder: Folder,
    app: AppNumber,
    buffer: Vec<u8>,
    file: Option<(TemporaryFile, File)>,
}

/// Removed when nobody gave it another name.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // What is left over goes at the next start.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Incoming {
    pub fn new(folder: &Folder, app: AppNumber) -> Self {
        Self { folder: folder.clone(), app, buffer: Vec::new(), file: None }
    }

    pub async fn add(&mut self, piece: &Bytes) -> io::Result<()> {
        self.buffer.extend_from_slice(piece);
        if self.buffer.len() >= BUFFER_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> io::Result<()> {
        let (folder, app) = (self.folder.clone(), self.app);
        let (buffer, opened) = (std::mem::take(&mut self.buffer), self.file.take());
        let written = in_background(move || {
            let (temporary, mut file) = match opened {
                Some(opened) => opened,
                None => folder.begin(app).map(|(path, file)| (TemporaryFile(path), file))?,
            };
            file.write_all(&buffer)?;
            Ok::<_, io::Error>((temporary, file))
        });
        self.file = Some(written.await?);
        Ok(())
    }

    /// Everything is there: looks at it and makes it durable.
    pub async fn finish(mut self) -> io::Result<Received> {
        self.flush().await?;
        let opened = self.file.take();
        let (temporary, mut file) = opened.ok_or_else(|| io::Error::other("an earlier write failed"))?;
        let (folder, app) = (self.folder, self.app);
        let finished = in_background(move || {
            pass(CrashPoint::BodyWritten);
            let looked_at = look_at(&mut file)?;
            file.sync_all()?;
            pass(CrashPoint::BodySynced);
            Ok::<_, io::Error>(Received { folder, app, path: temporary, looked_at })
        });
        finished.await
    }
}

/// An upload that lies on disk and has no name yet.
pub struct Received {
    folder: Folder,
    app: AppNumber,
    path: TemporaryFile,
    pub looked_at: LookedAt,
}

impl Received {
    /// A file that is here already.
    pub(super) fn of_file(folder: &Folder, app: AppNumber, path: PathBuf) -> io::Result<Self> {
        let mut file = private().create(true).truncate(false).open(&path)?;
        pass(CrashPoint::BodyWritten);
        let looked_at = look_at(&mut file)?;
        file.sync_all()?;
        pass(CrashPoint::BodySynced);
        Ok(Self { folder: folder.clone(), app, path: TemporaryFile(path), looked_at })
    }

    /// Gives it the name of its content; the row must follow under the same lock.
    pub(super) fn publish(self) -> io::Result<()> {
        let path = self.folder.path(self.app, &self.looked_at.body);
        let shelf = path.parent().unwrap_or(&path);
        let is_new = !shelf.exists();
        make_folder(shelf)?;
        std::fs::rename(&self.path.0, &path)?;
        pass(CrashPoint::BodyNamed);
        File::open(shelf)?.sync_all()?;
        if is_new {
            let app = self.folder.of(self.app);
            File::open(&app)?.sync_all()?;
            File::open(&*self.folder.0)?.sync_all()?;
        }
        Ok(())
    }
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedAt {
    pub body: BodyHash,
    pub bytes: u64,
    pub crc32: u32,
    pub etag: String,
    pub picture: Option<Picture>,
    /// The first bytes, for who wants to know what it is.
    pub head: Vec<u8>,
}

impl LookedAt {
    pub fn content(&self, format: &str) -> MediaContent {
        let (width, height) = self.picture.map_or((0, 0), |picture| (picture.width, picture.height));
        MediaContent {
            body: self.body,
            bytes: self.bytes,
            crc32: self.crc32,
            etag: self.etag.clone(),
            format: format.to_owned(),
            width,
            height,
        }
    }
}

fn look_at(file: &mut File) -> io::Result<LookedAt> {
    file.seek(SeekFrom::Start(0))?;
    let mut sums = Sums::new();
    let mut piece = vec![0; READ_BYTES];
    let mut head = Vec::new();
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => {
                let kept = read.min(64_usize.saturating_sub(head.len()));
                head.extend_from_slice(&piece[..kept]);
                sums.add(&piece[..read]);
            }
        }
    }
    let picture = picture::read(file)?;
    let (body, bytes, crc32, etag) = sums.finish();
    Ok(LookedAt { body, bytes, crc32, etag, picture, head })
}

struct Sums {
    crc32: crc32fast::Hasher,
    sha256: Digest,
    block: Digest,
    block_bytes: usize,
    blocks: Vec<u8>,
    bytes: u64,
}

impl Sums {
    fn new() -> Self {
        Self {
            crc32: crc32fast::Hasher::new(),
            sha256: Digest::new(&SHA256),
            block: Digest::new(&SHA1_FOR_LEGACY_USE_ONLY),
            block_bytes: 0,
            blocks: Vec::new(),
            bytes: 0,
        }
    }

    fn add(&mut self, piece: &[u8]) {
        self.crc32.update(piece);
        self.sha256.update(piece);
        self.bytes += piece.len() as u64;
        let mut rest = piece;
        while !rest.is_empty() {
            if self.block_bytes == ETAG_BLOCK_BYTES {
                self.end_block();
            }
            let (now, later) = rest.split_at(rest.len().min(ETAG_BLOCK_BYTES - self.block_bytes));
            self.block.update(now);
            self.block_bytes += now.len();
            rest = later;
        }
    }

    fn end_block(&mut self) {
        let block = std::mem::replace(&mut self.block, Digest::new(&SHA1_FOR_LEGACY_USE_ONLY));
        self.blocks.extend_from_slice(block.finish().as_ref());
        self.block_bytes = 0;
    }

    /// The etag is Qiniu's: SHA-1 of the one block, or of the SHA-1s of several.
    fn finish(mut self) -> (BodyHash, u64, u32, String) {
        self.end_block();
        let mut etag = match self.blocks.len() {
            20 => [vec![0x16], self.blocks].concat(),
            _ => {
                let of_blocks = ring::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.blocks);
                [&[0x96], of_blocks.as_ref()].concat()
            }
        };
        etag.truncate(21);
        let body = self.sha256.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes");
        (body, self.bytes, self.crc32.finalize(), BASE64URL.encode(&etag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etag(bytes: usize, piece: usize) -> String {
        let mut sums = Sums::new();
        vec![b'a'; bytes].chunks(piece).for_each(|piece| sums.add(piece));
        sums.finish().3
    }

    #[test]
    fn the_etag_is_that_of_qiniu_whatever_the_pieces() {
        // The etag of nothing is known.
        assert_eq!(etag(0, 1), "Fto5o-5ea0sNMlW_75VgGJCv2AcJ");
        let (whole, larger) = (etag(ETAG_BLOCK_BYTES, 1 << 20), etag(ETAG_BLOCK_BYTES + 1, 1 << 20));
        assert!(whole.starts_with('F') && whole.len() == 28, "{whole}");
        assert!(larger.starts_with('l') && larger.len() == 28, "{larger}");
        assert_eq!(larger, etag(ETAG_BLOCK_BYTES + 1, 99_999));
    }

    #[tokio::test]
    async fn an_upload_that_is_dropped_leaves_nothing_and_a_finished_one_is_found_by_its_content() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("made");
        let app = AppNumber(7);
        let mut dropped = Incoming::new(&folder, app);
        dropped.add(&Bytes::from(vec![1; BUFFER_BYTES])).await.expect("written");
        assert_eq!(names_in(&folder.of(app).join(NEW)).expect("readable").len(), 1);
        drop(dropped);
        assert!(names_in(&folder.of(app).join(NEW)).expect("readable").is_empty());
        let mut incoming = Incoming::new(&folder, app);
        incoming.add(&Bytes::from_static(b"hello")).await.expect("written");
        let received = incoming.finish().await.expect("finished");
        let looked_at = received.looked_at.clone();
        assert_eq!((looked_at.bytes, looked_at.crc32, looked_at.picture), (5, 0x3610_a686, None));
        received.publish().expect("named");
        let mut content = String::new();
        folder.open_body(app, &looked_at.body).expect("there").read_to_string(&mut content).expect("readable");
        assert_eq!(content, "hello");
        let shelves = folder.shelves(app).expect("readable");
        assert_eq!(folder.bodies(app, &shelves[0]).expect("readable"), [looked_at.body]);
        folder.remove(app, &looked_at.body).expect("removed");
        folder.remove(app, &looked_at.body).expect("not there is no error");
    }
}
