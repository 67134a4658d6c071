use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::{Clock, CredentialSource, Credentials, SourceError};

/// Credentials that are fetched ahead of their end and once at a time, however many ask.
///
/// What it serves has at least 15 minutes left wherever the session's length allows, because
/// botocore takes less for expired and asks again at every call. While fetching fails, the old
/// ones are served as long as AWS takes them. Cheap to clone; clones share.
#[derive(Clone)]
pub struct CachedCredentials {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn CredentialSource>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The fetch under way; everybody who needs it waits for this one.
    flight: Option<Flight>,
    /// No fetch ahead of time before this moment.
    not_before: Option<Timestamp>,
}

struct Held {
    credentials: Arc<Credentials>,
    refresh_from: Timestamp,
}

type Outcome = Result<Arc<Credentials>, SourceError>;
type Flight = watch::Receiver<Option<Outcome>>;

/// What a look at the cache found.
enum Found {
    Fresh(Arc<Credentials>),
    /// Good still, and a fetch is under way.
    Ageing(Arc<Credentials>, Flight),
    Nothing(Flight),
}

impl CachedCredentials {
    /// An empty cache over a source.
    pub fn new(source: Arc<dyn CredentialSource>, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                source,
                clock,
                state: Mutex::default(),
            }),
        }
    }

    /// The credentials to serve now.
    ///
    /// # Errors
    /// The source's error, where nothing valid is held.
    pub async fn current(&self) -> Result<Arc<Credentials>, SourceError> {
        match self.look() {
            Found::Fresh(credentials) => Ok(credentials),
            Found::Ageing(old, flight) => {
                match tokio::time::timeout(PATIENCE, land(flight)).await {
                    Ok(Ok(new)) => Ok(new),
                    Ok(Err(_)) | Err(_) => Ok(old),
                }
            }
            Found::Nothing(flight) => land(flight).await,
        }
    }

    fn look(&self) -> Found {
        let now = self.shared.clock.now();
        let mut state = self.shared.lock();
        let held = state
            .held
            .as_ref()
            .filter(|held| now < held.credentials.expiration - LAST_MOMENT)
            .map(|held| (held.credentials.clone(), now < held.refresh_from));
        let resting = state.not_before.is_some_and(|moment| now < moment);
        match held {
            Some((credentials, fresh)) if fresh || resting => Found::Fresh(credentials),
            Some((credentials, _)) => Found::Ageing(credentials, self.fly(&mut state)),
            None => Found::Nothing(self.fly(&mut state)),
        }
    }

    /// Joins the fetch under way or starts one. It goes on even if nobody waits for it any more.
    fn fly(&self, state: &mut State) -> Flight {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let (landed, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let shared = self.shared.clone();
        tokio::spawn(async move {
            // A panic of the source must not leave a flight behind that never lands.
            let fetching = shared.clone();
            let outcome = tokio::spawn(async move { fetching.source.fetch().await })
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

impl Shared {
    fn keep(&self, outcome: &Outcome) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.flight = None;
        match outcome {
            Ok(credentials) => {
                state.not_before = None;
                state.held = Some(Held {
                    credentials: credentials.clone(),
                    refresh_from: credentials.expiration
                        - ahead(credentials.expiration.duration_since(now)),
                });
            }
            Err(error) => {
                tracing::warn!(%error, "credentials could not be refreshed");
                state.not_before = Some(now + REST);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can be left half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn land(mut flight: Flight) -> Outcome {
    match flight.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(lost())),
        Err(_) => Err(lost()),
    }
}

fn lost() -> SourceError {
    SourceError {
        code: "Internal".to_owned(),
        message: "the fetch of credentials was cut off".to_owned(),
        permanent: false,
    }
}

/// How long before their end credentials of that length are replaced.
fn ahead(length: SignedDuration) -> SignedDuration {
    if length >= SignedDuration::from_mins(30) {
        SignedDuration::from_mins(20)
    } else if length >= SignedDuration::from_mins(18) {
        SignedDuration::from_mins(16)
    } else {
        length / 3
    }
}

/// How long somebody with good credentials in sight is kept waiting for newer ones; botocore
/// gives an endpoint two seconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a failed fetch ahead of time is not repeated.
const REST: SignedDuration = SignedDuration::from_secs(10);
/// With less than this left, credentials end before the request that they sign arrives.
const LAST_MOMENT: SignedDuration = SignedDuration::from_secs(10);
