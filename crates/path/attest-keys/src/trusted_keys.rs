//! The keys of one issuer, as they are known now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use reqwest::Client;
use rolecall_attest::federated::{IssuerKeys, KeysFrom, TrustedIssuer};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::AttestKeysError;
use crate::fetching::{self, Address};

/// The keys of one trusted issuer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TrustedKeys(Arc<Source>);

#[derive(Debug)]
enum Source {
    Offline(Arc<IssuerKeys>),
    Fetched(Fetched),
}

#[derive(Debug)]
struct Fetched {
    issuer: String,
    address: Address,
    client: Client,
    held: ArcSwapOption<Held>,
    /// Held while a fetch is under way, so that there is one at a time.
    latest: Mutex<Option<Attempt>>,
    failing: AtomicBool,
}

/// Keys and when they were fetched.
#[derive(Debug)]
struct Held {
    keys: Arc<IssuerKeys>,
    at: Instant,
}

#[derive(Debug)]
struct Attempt {
    began: Instant,
    outcome: Result<Arc<IssuerKeys>, AttestKeysError>,
}

impl TrustedKeys {
    /// The keys of `issuer`, none fetched yet.
    ///
    /// # Errors
    /// [`AttestKeysError::Authorities`].
    pub fn new(issuer: &TrustedIssuer) -> Result<Self, AttestKeysError> {
        let address = match issuer.keys() {
            KeysFrom::Offline(set) => {
                return Ok(Self(Arc::new(Source::Offline(Arc::new(IssuerKeys::new(
                    set,
                ))))));
            }
            KeysFrom::Discovery => Address::Discovery,
            KeysFrom::Url(url) => Address::Jwks(url.clone()),
        };
        Ok(Self(Arc::new(Source::Fetched(Fetched {
            client: fetching::client(issuer.url(), issuer.authorities())?,
            issuer: issuer.url().to_owned(),
            address,
            held: ArcSwapOption::empty(),
            latest: Mutex::new(None),
            failing: AtomicBool::new(false),
        }))))
    }

    /// The keys to judge a token with that names `kid`. Waits for a fetch only where there are no
    /// keys, where they are old, or where the token names one that is not among them.
    ///
    /// # Errors
    /// What went wrong with the latest fetch, where there is nothing to judge the token with.
    pub async fn for_kid(&self, kid: Option<&str>) -> Result<Arc<IssuerKeys>, AttestKeysError> {
        let fetched = match &*self.0 {
            Source::Offline(keys) => return Ok(Arc::clone(keys)),
            Source::Fetched(fetched) => fetched,
        };
        let Some(held) = fetched.held.load_full() else {
            return self.refreshed().await;
        };
        let age = held.at.elapsed();
        if !held.keys.knows(kid) || age >= KEPT_FOR {
            return self.refreshed().await;
        }
        if age < FRESH_FOR {
            return Ok(Arc::clone(&held.keys));
        }
        let in_background = age < WAITED_FOR_AFTER || fetched.failing.load(Ordering::Relaxed);
        if in_background {
            // Whoever holds the lock is fetching already.
            if fetched.latest.try_lock().is_ok() {
                let keys = self.clone();
                tokio::spawn(async move { keys.refreshed().await });
            }
            return Ok(Arc::clone(&held.keys));
        }
        Ok(match self.refreshed().await {
            Ok(keys) => keys,
            Err(_) => Arc::clone(&held.keys),
        })
    }

    /// Whether somebody beside the cache holds them.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// The keys as they are published now, or as they were a few seconds ago.
    async fn refreshed(&self) -> Result<Arc<IssuerKeys>, AttestKeysError> {
        let keys = self.clone();
        // A task of its own: a caller that goes away must not stop what others wait for, nor make
        // room for the next fetch.
        match tokio::spawn(async move { keys.refresh().await }.in_current_span()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(AttestKeysError::GivenUp {
                issuer: match &*self.0 {
                    Source::Offline(_) => String::new(),
                    Source::Fetched(fetched) => fetched.issuer.clone(),
                },
            }),
        }
    }

    async fn refresh(&self) -> Result<Arc<IssuerKeys>, AttestKeysError> {
        let fetched = match &*self.0 {
            Source::Offline(keys) => return Ok(Arc::clone(keys)),
            Source::Fetched(fetched) => fetched,
        };
        let mut latest = fetched.latest.lock().await;
        if let Some(attempt) = latest.as_ref()
            && attempt.began.elapsed() < AT_MOST_EVERY
        {
            return attempt.outcome.clone();
        }
        let began = Instant::now();
        let outcome = fetching::keys(&fetched.client, &fetched.issuer, &fetched.address)
            .await
            .map(Arc::new);
        fetched.failing.store(outcome.is_err(), Ordering::Relaxed);
        match &outcome {
            Ok(keys) => {
                let issuer = &fetched.issuer;
                tracing::debug!(issuer, keys = keys.len(), "fetched the keys of an issuer");
                fetched.held.store(Some(Arc::new(Held {
                    keys: Arc::clone(keys),
                    at: began,
                })));
            }
            Err(error) => {
                let kept = fetched.held.load().is_some();
                tracing::warn!(issuer = fetched.issuer, %error, kept, "the keys of a trusted issuer could not be fetched");
            }
        }
        *latest = Some(Attempt {
            began,
            outcome: outcome.clone(),
        });
        outcome
    }
}

/// Keys of this age serve without a look.
const FRESH_FOR: Duration = Duration::from_secs(5 * 60);

/// Older keys are fetched again before they serve: a key that was taken away must not be believed
/// because nobody asked for a while.
const WAITED_FOR_AFTER: Duration = Duration::from_secs(15 * 60);

/// How long keys serve on while their issuer cannot be reached.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// Between two fetches, whatever tokens name.
const AT_MOST_EVERY: Duration = Duration::from_secs(10);
