//! Uploads that come in parts: how far each has come, and who is writing to it.
//!
//! `media/{app}/parts/{user}-{id}` holds what is there. Whoever comes later with the same ticket takes over from who was
//! writing, for a client that comes again knows that its earlier connection is lost before the daemon does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anser_storage::ids::AppNumber;
use anser_storage::media::MediaId;
use data_encoding::HEXLOWER;
use tokio::sync::{OwnedMutexGuard, watch};

use super::body::{Folder, Received, gone, make_folder, names_in, private};
use super::in_background;
use super::ticket::{TICKET_LIFE_S, Ticket};

const PARTS: &str = "parts";
/// Uploads that one user may have begun.
const PER_USER_MAX: usize = 16;

type Key = (AppNumber, MediaId);

/// Who is writing to which upload.
#[derive(Clone, Default)]
pub struct Writers(Arc<Mutex<BTreeMap<Key, Arc<Place>>>>);

struct Place {
    is_busy: Arc<tokio::sync::Mutex<()>>,
    /// Counts those who came.
    comers: watch::Sender<u64>,
}

/// The only one who may look at or write to an upload.
pub struct Turn {
    writers: Writers,
    key: Key,
    guard: Option<OwnedMutexGuard<()>>,
    newer: watch::Receiver<u64>,
}

impl Writers {
    /// Tells whoever has the turn to end, and waits for that.
    pub async fn take_over(&self, ticket: &Ticket) -> Turn {
        let key = (ticket.app, ticket.id);
        let place = self.place(key);
        place.comers.send_modify(|comers| *comers += 1);
        let newer = place.comers.subscribe();
        let guard = place.is_busy.clone().lock_owned().await;
        Turn { writers: self.clone(), key, guard: Some(guard), newer }
    }

    fn place(&self, key: Key) -> Arc<Place> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places
            .entry(key)
            .or_insert_with(|| Arc::new(Place { is_busy: Arc::default(), comers: watch::Sender::default() }));
        place.clone()
    }
}

impl Turn {
    /// Somebody newer waits for the turn.
    pub async fn is_wanted(&mut self) {
        // The place lives as long as somebody has or wants the turn.
        let _ = self.newer.changed().await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut places = self.writers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.get(&self.key).is_some_and(|place| Arc::strong_count(place) == 1 && place.is_busy.try_lock().is_ok())
        {
            places.remove(&self.key);
        }
    }
}

/// Why no upload can be begun.
#[derive(Debug, PartialEq, Eq)]
pub enum NoRoom {
    TooMany,
    Quota,
}

impl Folder {
    fn part(&self, ticket: &Ticket) -> PathBuf {
        let name = format!("{}-{}", ticket.user.0, HEXLOWER.encode(&ticket.id.0));
        self.of(ticket.app).join(PARTS).join(name)
    }

    /// How many bytes of the upload are there.
    pub(crate) fn part_bytes(&self, ticket: &Ticket) -> io::Result<u64> {
        match std::fs::metadata(self.part(ticket)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Opens the upload to write behind what is there. `left_bytes` are what the app may still keep, with all parts that it
    /// has; nothing: any number.
    pub(crate) fn open_part(&self, ticket: &Ticket, left_bytes: Option<u64>) -> io::Result<Result<File, NoRoom>> {
        let path = self.part(ticket);
        if !path.exists() {
            let folder = self.of(ticket.app).join(PARTS);
            make_folder(&folder)?;
            let own = format!("{}-", ticket.user.0);
            let (mut count, mut bytes) = (0, ticket.upload.bytes);
            for name in names_in(&folder)? {
                count += usize::from(name.starts_with(&own));
                bytes += std::fs::metadata(folder.join(name)).map_or(0, |metadata| metadata.len());
            }
            if count >= PER_USER_MAX {
                return Ok(Err(NoRoom::TooMany));
            }
            if left_bytes.is_some_and(|left| bytes > left) {
                return Ok(Err(NoRoom::Quota));
            }
        }
        private().append(true).create(true).open(path).map(Ok)
    }

    /// Everything is there: looks at it and makes it durable.
    pub(crate) fn finish_part(&self, ticket: &Ticket) -> io::Result<Received> {
        Received::of_file(self, ticket.app, self.part(ticket))
    }

    /// Removes parts to which nobody can go on.
    pub(super) fn drop_old_parts(&self, app: AppNumber, now: SystemTime) -> io::Result<()> {
        let folder = self.of(app).join(PARTS);
        for name in names_in(&folder)? {
            let path = folder.join(name);
            let written = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|written| now.duration_since(written).ok());
            if age.is_some_and(|age| age > Duration::from_secs(TICKET_LIFE_S)) {
                gone(std::fs::remove_file(path))?;
            }
        }
        Ok(())
    }
}

/// Writes behind what is there, on a thread that may wait for the disk.
pub async fn append(mut file: File, piece: Vec<u8>) -> io::Result<File> {
    in_background(move || file.write_all(&piece).map(|()| file)).await
}

#[cfg(test)]
mod tests {
    use anser_storage::ids::UserNumber;
    use anser_storage::media::MediaKind;

    use super::super::address::Signer;
    use super::super::ticket::Upload;
    use super::*;

    fn ticket(user: u32, number: u8) -> Ticket {
        let upload =
            Upload { kind: MediaKind::File, bytes: 100, sha256: [number; 32], name: "a".into(), thumb_of: None };
        Signer::new(&[1; 32]).ticket(AppNumber(1), UserNumber(user), upload, 0)
    }

    #[tokio::test]
    async fn a_part_grows_and_is_kept_over_a_restart_until_nobody_can_go_on() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("made");
        let ticket = ticket(1, 1);
        for expected in [3, 6] {
            let file = folder.open_part(&ticket, None).expect("writable").expect("room");
            append(file, b"abc".to_vec()).await.expect("written");
            assert_eq!(
                Folder::open(dir.path()).expect("opened again").part_bytes(&ticket).expect("readable"),
                expected
            );
        }
        let later = |seconds| SystemTime::now() + Duration::from_secs(seconds);
        folder.drop_old_parts(AppNumber(1), later(TICKET_LIFE_S - 60)).expect("readable");
        assert_eq!(folder.part_bytes(&ticket).expect("readable"), 6);
        folder.drop_old_parts(AppNumber(1), later(TICKET_LIFE_S + 60)).expect("readable");
        assert_eq!(folder.part_bytes(&ticket).expect("readable"), 0);
    }

    #[test]
    fn a_user_begins_a_few_uploads_and_no_more_than_the_app_has_room_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("made");
        for number in 0..16 {
            folder.open_part(&ticket(1, number), None).expect("writable").expect("room");
        }
        let refused = |ticket, left| folder.open_part(&ticket, left).expect("readable").err();
        assert_eq!(refused(ticket(1, 16), None), Some(NoRoom::TooMany));
        assert_eq!(refused(ticket(1, 15), None), None);
        assert_eq!(refused(ticket(2, 16), Some(99)), Some(NoRoom::Quota));
        assert_eq!(refused(ticket(2, 16), Some(100)), None);
    }

    #[tokio::test]
    async fn who_comes_later_takes_over_and_nothing_is_left_of_turns_that_are_over() {
        let writers = Writers::default();
        let ticket = ticket(1, 1);
        let mut first = writers.take_over(&ticket).await;
        let newer = tokio::spawn({
            let (writers, ticket) = (writers.clone(), ticket.clone());
            async move { drop(writers.take_over(&ticket).await) }
        });
        first.is_wanted().await;
        drop(first);
        newer.await.expect("it got its turn");
        assert!(writers.0.lock().expect("whole").is_empty());
    }
}
