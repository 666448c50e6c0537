//! Passwords: hashed and checked on blocking threads, a bounded number at once.
//!
//! What is hashed is the lower-case hexadecimal MD5 of the password, because JMessage clients may send that form
//! instead of the password. Two forms are stored, each with all that checking needs:
//! `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, and for bulk registration at first `$quick$salt$mac`: HMAC-SHA256 under the
//! daemon's own key, as good as the secrecy of that key, replaced in the background or at the next login.

mod encoded;
pub mod first;
pub mod upgrades;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use md5::{Digest, Md5};
use ring::hmac;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config;
use crate::keys::{Keys, Purpose, is_same_secret, random};
use encoded::Encoded;
pub use upgrades::{Upgrade, Upgrades};

/// Callers that may wait for a turn; at 50 ms a hash, the last of them waits under a minute on one core.
const WAITING_MAX: usize = 1000;

/// Too many hashes are waiting: the caller should say "busy, come back".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, and stored in the quick form: replace it with a slow hash now that the password is known.
    RightButQuick,
}

#[derive(Clone)]
pub struct Passwords {
    cost: Params,
    quick_key: hmac::Key,
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    memory: Memory,
}

impl Passwords {
    pub fn new(settings: &config::Password, keys: &Keys) -> Self {
        let cost = Params::new(settings.memory_kib, settings.passes, settings.lanes, Some(encoded::HASH_BYTES))
            .expect("the bounds of the settings lie within those of argon2");
        Self {
            cost,
            quick_key: hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(Purpose::Passwords)),
            turns: Arc::new(Semaphore::new(settings.at_once)),
            waiting: Arc::default(),
            memory: Memory::default(),
        }
    }

    /// Callers that wait for a turn.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The form to store for good.
    pub async fn hash_slow(&self, password: &str) -> Result<String, Busy> {
        self.hash_secret(md5_form(password)).await
    }

    /// The same for what somebody logged in with, which may be the MD5 form already: both then open.
    pub async fn hash_given(&self, given: &str) -> Result<String, Busy> {
        self.hash_secret(if is_md5_form(given) { given.to_ascii_lowercase() } else { md5_form(given) }).await
    }

    async fn hash_secret(&self, secret: String) -> Result<String, Busy> {
        let cost = self.cost.clone();
        let memory = self.memory.clone();
        self.off_the_async_threads(move || {
            let salt = random();
            let hash = memory.argon2id(&cost, &secret, &salt)?;
            Some(Encoded::Slow { cost, salt, hash }.to_string())
        })
        .await?
        // argon2 refuses only parameters, and these are checked; no memory would have aborted.
        .ok_or(Busy)
    }

    /// A form that is made in microseconds, for registrations of hundreds of users in one call.
    pub fn hash_quick(&self, password: &str) -> String {
        let salt = random();
        let mac = self.quick_mac(&md5_form(password), &salt);
        Encoded::Quick { salt, mac }.to_string()
    }

    /// Checks a password against a stored form. Without one it takes the same time and finds it wrong, so that nobody
    /// learns by the clock whether a user exists.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<Verdict, Busy> {
        let stored = stored.map(str::parse::<Encoded>);
        if let Some(Err(_)) = &stored {
            log::error!(
                "a stored password hash cannot be read, so its user cannot log in; set that user a new password"
            );
        }
        match stored {
            Some(Ok(Encoded::Quick { salt, mac })) => {
                let right = candidates(password).any(|secret| is_same_secret(&self.quick_mac(&secret, &salt), &mac));
                Ok(if right { Verdict::RightButQuick } else { Verdict::Wrong })
            }
            Some(Ok(Encoded::Slow { cost, salt, hash })) => {
                self.verify_slow(candidates(password).collect(), cost, salt, Some(hash)).await
            }
            Some(Err(_)) | None => {
                let candidates = candidates(password).collect();
                self.verify_slow(candidates, self.cost.clone(), [0; encoded::SALT_BYTES], None).await
            }
        }
    }

    /// The same for operators, of whom no other service ever knew an MD5 form.
    pub async fn hash_operator(&self, password: &str) -> Result<String, Busy> {
        self.hash_secret(password.to_owned()).await
    }

    /// Without a stored form it takes the same time and finds it wrong.
    pub async fn verify_operator(&self, password: &str, stored: Option<&str>) -> Result<bool, Busy> {
        let (cost, salt, hash) = match stored.map(str::parse::<Encoded>) {
            Some(Ok(Encoded::Slow { cost, salt, hash })) => (cost, salt, Some(hash)),
            _ => (self.cost.clone(), [0; encoded::SALT_BYTES], None),
        };
        let verdict = self.verify_slow(vec![password.to_owned()], cost, salt, hash).await?;
        Ok(matches!(verdict, Verdict::Right))
    }

    async fn verify_slow(
        &self,
        candidates: Vec<String>,
        cost: Params,
        salt: encoded::Salt,
        hash: Option<encoded::Hash>,
    ) -> Result<Verdict, Busy> {
        let memory = self.memory.clone();
        let right = self
            .off_the_async_threads(move || {
                candidates.iter().any(|secret| {
                    let made = memory.argon2id(&cost, secret, &salt).unwrap_or([0; encoded::HASH_BYTES]);
                    hash.is_some_and(|hash| is_same_secret(&made, &hash))
                })
            })
            .await?;
        Ok(if right { Verdict::Right } else { Verdict::Wrong })
    }

    fn quick_mac(&self, secret: &str, salt: &encoded::Salt) -> encoded::Hash {
        let mut context = hmac::Context::with_key(&self.quick_key);
        context.update(salt);
        context.update(secret.as_bytes());
        context.sign().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    async fn off_the_async_threads<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let turn = self.turn().await?;
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even when the caller has gone.
            let _turn = turn;
            work()
        });
        done.await.map_err(|_| Busy)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Busy> {
        let _place = Place::take(&self.waiting)?;
        self.turns.clone().acquire_owned().await.map_err(|_| Busy)
    }
}

/// A place in the waiting line, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Result<Self, Busy> {
        let place = Self(waiting.clone());
        if place.0.fetch_add(1, Ordering::Relaxed) < WAITING_MAX { Ok(place) } else { Err(Busy) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn md5_form(password: &str) -> String {
    data_encoding::HEXLOWER.encode(&Md5::digest(password.as_bytes()))
}

/// Does it look like the MD5 form of a password?
pub fn is_md5_form(given: &str) -> bool {
    given.len() == 32 && given.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What the given text may stand for: a password, and if it looks like one, an MD5 form.
fn candidates(given: &str) -> impl Iterator<Item = String> {
    is_md5_form(given).then(|| given.to_ascii_lowercase()).into_iter().chain(std::iter::once(md5_form(given)))
}

/// The working memory of argon2, one piece for each hash at a time, kept for the next one.
///
/// Taken anew each time by whichever blocking thread it is, the allocator would keep a piece for every thread: 800 MB
/// after 500 registrations.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<Vec<Block>>>>);

impl Memory {
    fn argon2id(&self, cost: &Params, secret: &str, salt: &encoded::Salt) -> Option<encoded::Hash> {
        let mut blocks = self.pieces().pop().unwrap_or_default();
        blocks.resize(cost.block_count(), Block::default());
        let mut hash = [0; encoded::HASH_BYTES];
        let hashed = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.clone()).hash_password_into_with_memory(
            secret.as_bytes(),
            salt,
            &mut hash,
            &mut blocks[..],
        );
        self.pieces().push(blocks);
        hashed.ok().map(|()| hash)
    }

    fn pieces(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_hash_accepts_the_password_and_its_md5_form_and_nothing_else() {
        let passwords = cheap();
        let stored = passwords.hash_slow("secret").await.expect("not busy");
        assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
        assert_eq!(passwords.verify("secret", Some(&stored)).await, Ok(Verdict::Right));
        assert_eq!(passwords.verify("5EBE2294ECD0E0F08EAB7690D2A6EE69", Some(&stored)).await, Ok(Verdict::Right));
        assert_eq!(passwords.verify("Secret", Some(&stored)).await, Ok(Verdict::Wrong));
        assert_eq!(passwords.verify("", Some(&stored)).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn a_password_that_looks_like_an_md5_form_works_as_itself() {
        let passwords = cheap();
        let strange = "00000000000000000000000000000000";
        let stored = passwords.hash_slow(strange).await.expect("not busy");
        assert_eq!(passwords.verify(strange, Some(&stored)).await, Ok(Verdict::Right));
    }

    #[tokio::test]
    async fn a_quick_hash_works_and_asks_for_its_replacement() {
        let passwords = cheap();
        let stored = passwords.hash_quick("secret");
        assert_eq!(passwords.verify("secret", Some(&stored)).await, Ok(Verdict::RightButQuick));
        assert_eq!(passwords.verify("wrong", Some(&stored)).await, Ok(Verdict::Wrong));
        assert_ne!(stored, passwords.hash_quick("secret"), "each has its own salt");
    }

    #[tokio::test]
    async fn a_quick_hash_is_worthless_without_the_daemons_key() {
        let stored = cheap().hash_quick("secret");
        let elsewhere = Passwords::new(&smallest(), &Keys::from_secret(b"another daemon"));
        assert_eq!(elsewhere.verify("secret", Some(&stored)).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn nobody_and_a_damaged_hash_are_wrong() {
        let passwords = cheap();
        assert_eq!(passwords.verify("secret", None).await, Ok(Verdict::Wrong));
        assert_eq!(passwords.verify("secret", Some("$argon2id$v=19$m=8")).await, Ok(Verdict::Wrong));
    }

    #[tokio::test]
    async fn the_cost_stands_beside_the_hash_so_a_new_setting_leaves_old_hashes_valid() {
        let stored = cheap().hash_slow("secret").await.expect("not busy");
        let dearer = config::Password { memory_kib: 64, passes: 3, ..smallest() };
        let passwords = Passwords::new(&dearer, &Keys::from_secret(b"key"));
        assert_eq!(passwords.verify("secret", Some(&stored)).await, Ok(Verdict::Right));
    }

    #[tokio::test]
    async fn when_too_many_wait_the_next_is_told_so() {
        let passwords = cheap();
        passwords.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert_eq!(passwords.hash_slow("secret").await, Err(Busy));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), WAITING_MAX, "the place was given back");
    }

    fn cheap() -> Passwords {
        Passwords::new(&smallest(), &Keys::from_secret(b"key"))
    }

    fn smallest() -> config::Password {
        config::Password { memory_kib: 8, passes: 1, lanes: 1, at_once: 2 }
    }
}
