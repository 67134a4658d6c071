use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::{Clock, CredentialSource, Credentials, IdentityToken, SourceError, TokenSource};

/// What a cache holds: it ends, and is replaced some time before that.
pub trait Timed: Send + Sync + 'static {
    /// When it ends.
    fn expiration(&self) -> Timestamp;

    /// How long before its end one of that length is replaced.
    fn ahead(length: SignedDuration) -> SignedDuration;

    /// With less than this left it ends before it gets to where it is used.
    fn last_moment() -> SignedDuration;
}

/// What is fetched ahead of its end and once at a time, however many ask.
///
/// While fetching fails, the old one is served as long as it is good. A refusal that nobody can
/// mend by asking again is kept for a few seconds. Cheap to clone; clones share.
pub struct Cached<T> {
    shared: Arc<Shared<T>>,
}

/// Credentials that are fetched ahead of their end.
///
/// What is served has at least 15 minutes left wherever the session's length allows, because
/// botocore takes less for expired and asks again at every call.
pub type CachedCredentials = Cached<Credentials>;

/// Identity tokens, each replaced at half of its life.
pub type CachedToken = Cached<IdentityToken>;

type Fetching<T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send>>;

struct Shared<T> {
    fetch: Box<dyn Fn() -> Fetching<T> + Send + Sync>,
    clock: Clock,
    /// By which part of its life each is replaced earlier than it must be, 0 to 1.
    spread: f64,
    state: Mutex<State<T>>,
}

struct State<T> {
    held: Option<Held<T>>,
    /// The fetch under way; everybody who needs it waits for this one.
    flight: Option<Flight<T>>,
    /// No fetch ahead of time before this moment.
    not_before: Option<Timestamp>,
    /// What was refused for good, and until when nobody asks again.
    refused: Option<(Timestamp, SourceError)>,
}

struct Held<T> {
    value: Arc<T>,
    refresh_from: Timestamp,
}

type Outcome<T> = Result<Arc<T>, SourceError>;
type Flight<T> = watch::Receiver<Option<Outcome<T>>>;

/// What a look at the cache found.
enum Found<T> {
    Fresh(Arc<T>),
    /// Good still, and a fetch is under way.
    Ageing(Arc<T>, Flight<T>),
    Nothing(Flight<T>),
    Refused(SourceError),
}

impl CachedCredentials {
    /// An empty cache over a source.
    pub fn new(source: Arc<dyn CredentialSource>, clock: Clock) -> Self {
        Self::spread(source, clock, 0.0)
    }

    /// The same, of many that began together: `spread`, between 0 and 1, is this one's own, so
    /// that they are not all fetched at the same moment.
    pub fn spread(source: Arc<dyn CredentialSource>, clock: Clock, spread: f64) -> Self {
        let fetch = move || -> Fetching<Credentials> {
            let source = Arc::clone(&source);
            Box::pin(async move { source.fetch().await })
        };
        Self::over(Box::new(fetch), clock, spread)
    }
}

impl CachedToken {
    /// An empty cache over a source.
    pub fn new(source: Arc<dyn TokenSource>, clock: Clock) -> Self {
        let fetch = move || -> Fetching<IdentityToken> {
            let source = Arc::clone(&source);
            Box::pin(async move { source.fetch().await })
        };
        Self::over(Box::new(fetch), clock, 0.0)
    }
}

impl Timed for Credentials {
    fn expiration(&self) -> Timestamp {
        self.expiration
    }

    fn ahead(length: SignedDuration) -> SignedDuration {
        if length >= SignedDuration::from_mins(30) {
            SignedDuration::from_mins(20)
        } else if length >= SignedDuration::from_mins(18) {
            SignedDuration::from_mins(16)
        } else {
            length / 3
        }
    }

    fn last_moment() -> SignedDuration {
        SignedDuration::from_secs(10)
    }
}

impl Timed for IdentityToken {
    fn expiration(&self) -> Timestamp {
        self.expiration
    }

    fn ahead(length: SignedDuration) -> SignedDuration {
        length / 2
    }

    fn last_moment() -> SignedDuration {
        SignedDuration::from_secs(10)
    }
}

impl<T: Timed> Cached<T> {
    /// An empty cache over whatever `fetch` fetches.
    pub fn fetched<F>(fetch: impl Fn() -> F + Send + Sync + 'static, clock: Clock) -> Self
    where
        F: Future<Output = Result<T, SourceError>> + Send + 'static,
    {
        Self::over(Box::new(move || Box::pin(fetch())), clock, 0.0)
    }

    fn over(fetch: Box<dyn Fn() -> Fetching<T> + Send + Sync>, clock: Clock, spread: f64) -> Self {
        Self {
            shared: Arc::new(Shared {
                fetch,
                clock,
                spread: spread.clamp(0.0, 1.0),
                state: Mutex::new(State {
                    held: None,
                    flight: None,
                    not_before: None,
                    refused: None,
                }),
            }),
        }
    }

    /// What to serve now.
    ///
    /// # Errors
    /// The source's error, where nothing valid is held.
    pub async fn current(&self) -> Result<Arc<T>, SourceError> {
        match self.look() {
            Found::Fresh(value) => Ok(value),
            Found::Ageing(old, flight) => {
                match tokio::time::timeout(PATIENCE, land(flight)).await {
                    Ok(Ok(new)) => Ok(new),
                    Ok(Err(_)) | Err(_) => Ok(old),
                }
            }
            Found::Nothing(flight) => land(flight).await,
            Found::Refused(error) => Err(error),
        }
    }

    /// When what is held ends, if anything is.
    pub fn held_until(&self) -> Option<Timestamp> {
        let state = self.shared.lock();
        state.held.as_ref().map(|held| held.value.expiration())
    }

    /// Forgets what is held and what was refused: the next who asks gets a new one.
    pub fn flush(&self) {
        let mut state = self.shared.lock();
        state.held = None;
        state.not_before = None;
        state.refused = None;
    }

    fn look(&self) -> Found<T> {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        let held = state
            .held
            .as_ref()
            .filter(|held| now < held.value.expiration() - T::last_moment())
            .map(|held| (Arc::clone(&held.value), now < held.refresh_from));
        let resting = state.not_before.is_some_and(|moment| now < moment);
        match held {
            Some((value, fresh)) if fresh || resting => Found::Fresh(value),
            Some((value, _)) => Found::Ageing(value, self.fly(&mut state)),
            None => match &state.refused {
                Some((until, error)) if now < *until && state.flight.is_none() => {
                    Found::Refused(error.clone())
                }
                _ => Found::Nothing(self.fly(&mut state)),
            },
        }
    }

    /// Joins the fetch under way or starts one. It goes on even if nobody waits for it any more.
    fn fly(&self, state: &mut State<T>) -> Flight<T> {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let (landed, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            // A panic of the source must not leave a flight behind that never lands.
            let outcome = tokio::spawn((shared.fetch)())
                .await
                .unwrap_or_else(|_| Err(lost()))
                .map(Arc::new);
            shared.keep(&outcome);
            // Nobody waiting is fine.
            let _ = landed.send(Some(outcome));
        });
        flight
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T: Timed> Shared<T> {
    fn keep(&self, outcome: &Outcome<T>) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.flight = None;
        match outcome {
            Ok(value) => {
                state.not_before = None;
                state.refused = None;
                let length = value.expiration().duration_since(now);
                let ahead = T::ahead(length);
                let earlier = (length - ahead).as_secs_f64() * SPREAD * self.spread;
                let earlier = SignedDuration::try_from_secs_f64(earlier).unwrap_or_default();
                state.held = Some(Held {
                    value: Arc::clone(value),
                    refresh_from: value.expiration() - ahead - earlier,
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a refresh failed");
                state.not_before = Some(now + REST);
                state.refused = error.permanent.then(|| (now + REST, error.clone()));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing in here can be left half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn land<T>(mut flight: Flight<T>) -> Outcome<T> {
    match flight.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(lost())),
        Err(_) => Err(lost()),
    }
}

fn lost() -> SourceError {
    SourceError {
        code: "Internal".to_owned(),
        message: "the fetch was cut off".to_owned(),
        permanent: false,
    }
}

/// How long somebody with good credentials in sight is kept waiting for newer ones; botocore
/// gives an endpoint two seconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a failed fetch ahead of time is not repeated.
const REST: SignedDuration = SignedDuration::from_secs(10);
/// The most by which a spread makes a refresh earlier, of the time until it is due.
const SPREAD: f64 = 0.2;
