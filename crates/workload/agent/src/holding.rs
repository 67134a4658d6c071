//! What the agent holds for its callers: each thing once, fetched ahead of its end.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use jiff::{SignedDuration, Timestamp};
use rolecall_deliver::{
    Cached, CachedCredentials, CachedToken, Clock, Credentials, IdentityToken, SourceError, Timed,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::broker::{Broker, Described, PersonToken, Wanted};
use crate::callers::Caller;

/// Credentials and tokens by what is asked for and in whose name. Cheap to clone; clones share.
#[derive(Clone)]
pub struct Holding {
    shared: Arc<Shared>,
}

struct Shared {
    broker: Arc<dyn Broker>,
    clock: Clock,
    spreading: RandomState,
    credentials: Mutex<HashMap<Wanted, CachedCredentials>>,
    tokens: Mutex<HashMap<Wanted<String>, CachedToken>>,
    people: Mutex<HashMap<[u8; 32], Cached<PersonToken>>>,
}

impl Timed for PersonToken {
    fn expiration(&self) -> Timestamp {
        Timestamp::from_second(self.expires_at).unwrap_or(Timestamp::MIN)
    }

    fn ahead(length: SignedDuration) -> SignedDuration {
        length / 2
    }

    fn last_moment() -> SignedDuration {
        SignedDuration::from_secs(10)
    }
}

impl Holding {
    /// Nothing yet.
    pub fn new(broker: Arc<dyn Broker>, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                broker,
                clock,
                spreading: RandomState::new(),
                credentials: Mutex::default(),
                tokens: Mutex::default(),
                people: Mutex::default(),
            }),
        }
    }

    /// The names of all connections.
    #[must_use]
    pub fn connections(&self) -> Vec<String> {
        self.shared.broker.connections()
    }

    /// What a program must know of it beside its credentials.
    ///
    /// # Errors
    /// It cannot be planned.
    pub fn describe(&self, wanted: &Wanted) -> Result<Described, SourceError> {
        self.shared.broker.describe(wanted)
    }

    /// The cache of what is wanted, for endpoints that serve nothing else.
    ///
    /// # Errors
    /// It cannot be planned.
    pub fn cache(&self, wanted: &Wanted) -> Result<CachedCredentials, SourceError> {
        let mut held = locked(&self.shared.credentials);
        if let Some(cache) = held.get(wanted) {
            return Ok(cache.clone());
        }
        let source = self.shared.broker.credentials(wanted)?;
        // Connections that began together are not all due at the same moment.
        let spread = self.shared.spreading.hash_one(wanted) as f64 / u64::MAX as f64;
        let cache = CachedCredentials::spread(source, self.shared.clock.clone(), spread);
        held.insert(wanted.clone(), cache.clone());
        Ok(cache)
    }

    /// Its credentials.
    ///
    /// # Errors
    /// It cannot be planned, or nothing valid is held and none can be fetched.
    pub async fn credentials(&self, wanted: &Wanted) -> Result<Arc<Credentials>, SourceError> {
        self.cache(wanted)?.current().await
    }

    /// A token of a token config.
    ///
    /// # Errors
    /// None is held and none can be fetched.
    pub async fn token(&self, wanted: &Wanted<String>) -> Result<Arc<IdentityToken>, SourceError> {
        let cache = {
            let mut held = locked(&self.shared.tokens);
            let made = held.entry(wanted.clone()).or_insert_with(|| {
                let source = self.shared.broker.tokens(wanted);
                CachedToken::new(source, self.shared.clock.clone())
            });
            made.clone()
        };
        cache.current().await
    }

    /// The token of the person who has `subject_token`: the one that is held, until half of its
    /// life is over. It is never the workload's own: where there is none, there is none.
    ///
    /// # Errors
    /// None is held and none can be fetched.
    pub async fn person(
        &self,
        token_config: &str,
        subject_token: &SecretString,
    ) -> Result<Arc<PersonToken>, SourceError> {
        let mut digest = Context::new(&SHA256);
        digest.update(token_config.as_bytes());
        // In neither of the two.
        digest.update(&[0]);
        digest.update(subject_token.expose_secret().as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(digest.finish().as_ref());
        let cache = {
            let mut held = locked(&self.shared.people);
            if held.len() >= PEOPLE && !held.contains_key(&key) {
                let now = self.shared.clock.now();
                held.retain(|_, cache| cache.held_until().is_some_and(|end| now < end));
            }
            if held.len() >= PEOPLE && !held.contains_key(&key) {
                return Err(SourceError {
                    code: "TooManyPeople".to_owned(),
                    message: format!("this agent holds the tokens of {PEOPLE} people already"),
                    permanent: false,
                });
            }
            let made = held.entry(key).or_insert_with(|| {
                let broker = Arc::clone(&self.shared.broker);
                let (config, token) = (token_config.to_owned(), subject_token.clone());
                let fetch = move || {
                    let (broker, config, token) =
                        (Arc::clone(&broker), config.clone(), token.clone());
                    async move { broker.person(&config, &token).await }
                };
                Cached::fetched(fetch, self.shared.clock.clone())
            });
            made.clone()
        };
        let found = cache.current().await;
        if found.is_err() {
            // Who cannot prove themselves must not fill the agent.
            locked(&self.shared.people).remove(&key);
        }
        found
    }

    /// Forgets what `caller` shares in: who asks for it next gets something new. Tokens of people
    /// are forgotten where the caller may have everything.
    pub fn flush(&self, caller: &Caller) {
        for (wanted, cache) in locked(&self.shared.credentials).iter() {
            if caller.shares(wanted) {
                cache.flush();
            }
        }
        for (wanted, cache) in locked(&self.shared.tokens).iter() {
            if caller.shares_token(wanted) {
                cache.flush();
            }
        }
        if caller.has_everything() {
            locked(&self.shared.people).clear();
        }
    }

    /// What is held that `caller` shares in, and until when.
    #[must_use]
    pub fn held(&self, caller: &Caller) -> Vec<(Wanted, Option<Timestamp>)> {
        let held = locked(&self.shared.credentials);
        let mut held: Vec<_> = (held.iter())
            .filter(|(wanted, _)| caller.shares(wanted))
            .map(|(wanted, cache)| (wanted.clone(), cache.held_until()))
            .collect();
        held.sort_by(|(one, _), (other, _)| one.cmp(other));
        held
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can be left half-changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whose tokens are held at most.
const PEOPLE: usize = 10_000;
