use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::ExchangeError;

/// How often and how patiently STS is asked: exponential backoff with full jitter on throttling,
/// AWS's own failures and a broken network; never on a denial.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
#[derive(Debug, Clone)]
pub struct Retry {
    /// Attempts at most, the first included.
    pub attempts: u32,
    /// The longest first pause; it doubles with each attempt.
    pub base: Duration,
    /// The longest pause of all.
    pub cap: Duration,
    /// How long one attempt may take. STS itself waits five seconds for an identity provider.
    pub attempt_timeout: Duration,
    /// How long all attempts and pauses may take together.
    pub total: Duration,
    /// Where the randomness of the pauses comes from.
    pub jitter: Jitter,
}

/// A source of numbers from 0 (included) to 1 (excluded).
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Default for Retry {
    /// Five attempts within 30 seconds, pauses up to 0.2, 0.4, 0.8 and 1.6 seconds.
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            total: Duration::from_secs(30),
            jitter: Jitter::system(),
        }
    }
}

impl Retry {
    /// Asks until there is an answer, an error that repeats itself, or no attempt or time left.
    pub(crate) async fn run<T, F>(
        &self,
        endpoint: &str,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ExchangeError>
    where
        F: Future<Output = Result<T, ExchangeError>>,
    {
        let end = Instant::now() + self.total;
        let mut made = 0;
        loop {
            made += 1;
            let limit = self.attempt_timeout.min(end - Instant::now());
            let error = match tokio::time::timeout(limit, attempt()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => ExchangeError::Unreachable {
                    endpoint: endpoint.to_owned(),
                    why: format!("no answer within {} s", limit.as_secs_f32()),
                    attempts: made,
                },
            };
            let pause = self.pause(made);
            let over = made >= self.attempts || Instant::now() + pause >= end;
            if over || !error.is_transient() {
                return Err(error.after(made));
            }
            tracing::debug!(attempt = made, pause_ms = pause.as_millis(), %error, "asking STS again");
            sleep(pause).await;
        }
    }

    /// The pause behind the given attempt: a random part of `base`, doubled each time, up to `cap`.
    fn pause(&self, attempt: u32) -> Duration {
        let doubled = self
            .base
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(self.jitter.next())
    }
}

impl Jitter {
    /// Randomness from a function that gives numbers from 0 (included) to 1 (excluded); numbers
    /// outside are brought inside.
    pub fn new(source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Randomness from the operating system by way of `std`'s hash keys: good for spreading
    /// retries, not for secrets.
    pub fn system() -> Self {
        Self::new(|| {
            let bits = RandomState::new().hash_one(0_u8) >> 11;
            bits as f64 / (1_u64 << 53) as f64
        })
    }

    pub(crate) fn next(&self) -> f64 {
        let number = (self.0)();
        if number.is_finite() {
            number.clamp(0.0, 1.0)
        } else {
            1.0
        }
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Jitter")
    }
}
