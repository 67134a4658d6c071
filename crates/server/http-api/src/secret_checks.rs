//! Client secrets, checked without letting anybody keep the processors busy.
//!
//! One check costs tens of milliseconds on purpose. So it runs on a blocking thread, few at a time
//! with few waiting, and its verdict is kept for a short while under a keyed hash: a program that
//! asks a thousand times a second pays once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::{hmac, rand};
use rolecall_attest::SecretHash;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Checks client secrets. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SecretChecks(Arc<Inner>);

struct Inner {
    /// Of this process only: what lies in memory cannot be tried against a list of secrets.
    key: Option<hmac::Key>,
    verdicts: Mutex<HashMap<[u8; 32], Verdict>>,
    running: Semaphore,
    /// Those that run and those that wait.
    room: Semaphore,
}

#[derive(Clone, Copy)]
struct Verdict {
    right: bool,
    until: Instant,
}

/// More secrets are being checked than there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl SecretChecks {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new());
        Self(Arc::new(Inner {
            // Without randomness nothing is kept, and every request pays.
            key: key.ok(),
            verdicts: Mutex::default(),
            running: Semaphore::new((cores / 2).max(1)),
            room: Semaphore::new(WAITING_AT_MOST),
        }))
    }

    /// Whether `secret` is one of the workload's, whose hashes are `hashes`. A hash that is taken
    /// away ends its secret at once.
    ///
    /// # Errors
    /// [`Busy`].
    pub(crate) async fn check(
        &self,
        whose: [&str; 2],
        hashes: &[SecretHash],
        secret: &SecretString,
    ) -> Result<bool, Busy> {
        let digest = self.0.digest(whose, hashes, secret);
        if let Some(right) = self.0.known(digest) {
            return Ok(right);
        }
        let _room = self.0.room.try_acquire().map_err(|_| Busy)?;
        let _running = self.0.running.acquire().await.map_err(|_| Busy)?;
        // Whoever waited may find that the one before asked for the same.
        if let Some(right) = self.0.known(digest) {
            return Ok(right);
        }
        let (hashes, secret) = (hashes.to_vec(), secret.clone());
        let verified = move || {
            // All are tried: how long it takes says nothing about which of them it was.
            hashes
                .iter()
                .fold(false, |found, hash| hash.verifies(&secret) | found)
        };
        let right = tokio::task::spawn_blocking(verified)
            .await
            .map_err(|_| Busy)?;
        self.0.keep(digest, right);
        Ok(right)
    }
}

impl Inner {
    fn digest(
        &self,
        whose: [&str; 2],
        hashes: &[SecretHash],
        secret: &SecretString,
    ) -> Option<[u8; 32]> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        let hashes = hashes.iter().map(SecretHash::as_str);
        for part in whose
            .into_iter()
            .chain(hashes)
            .chain([secret.expose_secret()])
        {
            context.update(&part.len().to_le_bytes());
            context.update(part.as_bytes());
        }
        context.sign().as_ref().try_into().ok()
    }

    fn known(&self, digest: Option<[u8; 32]>) -> Option<bool> {
        let verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = verdicts.get(&digest?)?;
        (Instant::now() < verdict.until).then_some(verdict.right)
    }

    fn keep(&self, digest: Option<[u8; 32]>, right: bool) {
        let Some(digest) = digest else { return };
        let now = Instant::now();
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if verdicts.len() >= KEPT_AT_MOST {
            verdicts.retain(|_, verdict| now < verdict.until);
        }
        if verdicts.len() >= KEPT_AT_MOST {
            // Wrong ones make room: there are as many of them as somebody likes to try.
            verdicts.retain(|_, verdict| verdict.right);
        }
        if verdicts.len() < KEPT_AT_MOST {
            let kept_for = if right { KEPT_FOR } else { WRONG_KEPT_FOR };
            let until = now + kept_for;
            verdicts.insert(digest, Verdict { right, until });
        }
    }
}

impl std::fmt::Debug for SecretChecks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretChecks")
    }
}

const KEPT_FOR: Duration = Duration::from_secs(300);
const WRONG_KEPT_FOR: Duration = Duration::from_secs(30);
const KEPT_AT_MOST: usize = 20_000;
const WAITING_AT_MOST: usize = 64;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rolecall_attest::ClientSecret;

    use super::*;

    fn hash(secret: &SecretString) -> SecretHash {
        SecretHash::of(secret, &[3; 16]).unwrap()
    }

    #[tokio::test]
    async fn one_secret_is_paid_for_once_whoever_asks_how_often() {
        let checks = SecretChecks::new();
        let secret = ClientSecret::make(&[1; 32]);
        let hashes = [hash(&secret)];
        let whose = ["acme", "job"];
        assert_eq!(checks.check(whose, &hashes, &secret).await, Ok(true));

        let wrong = ClientSecret::make(&[2; 32]);
        assert_eq!(checks.check(whose, &hashes, &wrong).await, Ok(false));
        // The same secret of another workload, and another set of hashes, are other questions.
        let others = [hash(&wrong)];
        let both = [hashes[0].clone(), others[0].clone()];
        assert_eq!(checks.check(whose, &others, &secret).await, Ok(false));
        assert_eq!(checks.check(whose, &both, &wrong).await, Ok(true));
        // From now on nothing can be hashed any more.
        checks.0.running.close();
        for _ in 0..1000 {
            assert_eq!(checks.check(whose, &hashes, &secret).await, Ok(true));
            assert_eq!(checks.check(whose, &hashes, &wrong).await, Ok(false));
        }
        assert_eq!(
            checks.check(["acme", "other"], &hashes, &secret).await,
            Err(Busy)
        );
    }

    #[tokio::test]
    async fn a_crowd_of_wrong_secrets_is_turned_away_and_the_known_are_served() {
        let checks = SecretChecks::new();
        let secret = ClientSecret::make(&[1; 32]);
        let hashes = [hash(&secret)];
        let whose = ["acme", "job"];
        checks.check(whose, &hashes, &secret).await.unwrap();
        let crowd: Vec<_> = (0..200_u8)
            .map(|guess| {
                let (checks, hashes) = (checks.clone(), hashes.clone());
                tokio::spawn(async move {
                    let guess = ClientSecret::make(&[guess.wrapping_add(2); 32]);
                    checks.check(["acme", "job"], &hashes, &guess).await
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(checks.check(whose, &hashes, &secret).await, Ok(true));
        let mut busy = 0;
        for one in crowd {
            match one.await.unwrap() {
                Ok(right) => assert!(!right),
                Err(Busy) => busy += 1,
            }
        }
        assert!(busy >= 200 - WAITING_AT_MOST - 1, "{busy}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_verdict_is_kept_for_a_while_only() {
        let checks = SecretChecks::new();
        checks.0.keep(Some([1; 32]), true);
        checks.0.keep(Some([2; 32]), false);
        tokio::time::advance(WRONG_KEPT_FOR).await;
        assert_eq!(checks.0.known(Some([1; 32])), Some(true));
        assert_eq!(checks.0.known(Some([2; 32])), None);
        tokio::time::advance(KEPT_FOR).await;
        assert_eq!(checks.0.known(Some([1; 32])), None);
    }

    #[test]
    fn wrong_secrets_never_take_the_room_of_right_ones() {
        let checks = SecretChecks::new();
        checks.0.keep(Some([0; 32]), true);
        for guess in 1..2 * KEPT_AT_MOST as u64 {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&guess.to_le_bytes());
            checks.0.keep(Some(digest), false);
        }
        assert_eq!(checks.0.known(Some([0; 32])), Some(true));
        assert!(checks.0.verdicts.lock().unwrap().len() <= KEPT_AT_MOST);
    }
}
