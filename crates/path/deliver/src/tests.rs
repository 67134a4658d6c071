#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::{Clock, CredentialSource, Credentials, IdentityToken, SourceError, TokenSource};

mod caching;
mod endpoint;
mod environment;
mod executing;
mod format;
mod profiles;
mod secret_file;
mod user_file;

/// Noon of a day in November 2026, where every test begins.
fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Credentials that hold the word `canary` wherever it must not be seen.
fn credentials(access_key_id: &str, expiration: Timestamp) -> Credentials {
    Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: "canary/secret+key=".into(),
        session_token: "canary/session+token==".into(),
        expiration,
        account_id: Some("123456789012".to_owned()),
        role_arn: Some("arn:aws:iam::123456789012:role/First".to_owned()),
    }
}

fn unavailable() -> SourceError {
    SourceError {
        code: "Unavailable".to_owned(),
        message: "STS cannot be reached".to_owned(),
        permanent: false,
    }
}

fn denied() -> SourceError {
    SourceError {
        code: "AccessDenied".to_owned(),
        message: "not authorized".to_owned(),
        permanent: true,
    }
}

/// A source that answers from a script and counts; the gate, where there is one, holds it back.
struct Scripted {
    script: Mutex<VecDeque<Result<Credentials, SourceError>>>,
    fetches: AtomicUsize,
    gate: Option<tokio::sync::Semaphore>,
}

impl Scripted {
    fn new(script: Vec<Result<Credentials, SourceError>>) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into()),
            fetches: AtomicUsize::new(0),
            gate: None,
        })
    }

    fn gated(script: Vec<Result<Credentials, SourceError>>) -> Arc<Self> {
        Arc::new(Self {
            script: Mutex::new(script.into()),
            fetches: AtomicUsize::new(0),
            gate: Some(tokio::sync::Semaphore::new(0)),
        })
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

impl CredentialSource for Scripted {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Credentials, SourceError>> + Send + '_>> {
        Box::pin(async move {
            self.fetches.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            let next = self.script.lock().unwrap().pop_front();
            next.expect("fetched more often than scripted")
        })
    }
}

/// A token source that numbers its tokens; each lasts an hour of the given clock.
struct Tokens {
    fetches: AtomicUsize,
    clock: Clock,
}

impl Tokens {
    fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            fetches: AtomicUsize::new(0),
            clock,
        })
    }
}

impl TokenSource for Tokens {
    fn fetch(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<IdentityToken, SourceError>> + Send + '_>> {
        Box::pin(async move {
            let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(IdentityToken {
                token: format!("canary.token.{number}").into(),
                expiration: self.clock.now() + SignedDuration::from_hours(1),
                target_variable: None,
            })
        })
    }
}

/// A clock that starts at noon and goes on as tokio's time does.
fn passing() -> Clock {
    let start = tokio::time::Instant::now();
    Clock::new(move || noon() + start.elapsed())
}

/// A clock that starts at noon and is turned by hand.
#[derive(Clone)]
struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    fn at_noon() -> Self {
        Self(Arc::new(Mutex::new(noon())))
    }

    fn forward(&self, minutes: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_mins(minutes);
    }

    fn clock(&self) -> Clock {
        let hands = self.clone();
        Clock::new(move || *hands.0.lock().unwrap())
    }
}
