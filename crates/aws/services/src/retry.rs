//! How often and how patiently AWS is asked.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::ServiceError;

/// Exponential backoff with full jitter on throttling, AWS's own failures and a broken network;
/// never on a refusal.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Attempts at most, the first included.
    pub attempts: u32,
    /// The longest first pause; it doubles with each attempt.
    pub base: Duration,
    /// The longest pause of all.
    pub cap: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long all attempts and pauses of one request may take together.
    pub total: Duration,
    /// The pause between two requests to CloudTrail, which takes two a second from an account in a
    /// region. <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>
    pub lookup_pause: Duration,
}

impl Default for Retry {
    /// Five attempts within 30 seconds; pauses up to 0.3, 0.6, 1.2 and 2.4 seconds.
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(300),
            cap: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            total: Duration::from_secs(30),
            lookup_pause: Duration::from_millis(550),
        }
    }
}

impl Retry {
    /// Asks until there is an answer, an error that repeats itself, or no attempt or time left.
    pub(crate) async fn run<T, F>(
        &self,
        late: impl Fn(String) -> ServiceError,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ServiceError>
    where
        F: Future<Output = Result<T, ServiceError>>,
    {
        let end = Instant::now() + self.total;
        let mut made = 0;
        loop {
            made += 1;
            let limit = self
                .attempt_timeout
                .min(end.saturating_duration_since(Instant::now()));
            let error = match tokio::time::timeout(limit, attempt()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => late(format!("no answer within {} s", limit.as_secs_f32())),
            };
            let pause = self.pause(made);
            let over = made >= self.attempts || Instant::now() + pause >= end;
            if over || !error.is_transient() {
                return Err(error.after(made));
            }
            tracing::debug!(attempt = made, pause_ms = pause.as_millis(), %error, "asking AWS again");
            sleep(pause).await;
        }
    }

    /// The pause behind the given attempt: a random part of `base`, doubled each time, up to `cap`.
    fn pause(&self, attempt: u32) -> Duration {
        let doubled = self
            .base
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        // `std`'s hash keys come from the operating system: good for spreading retries.
        let bits = RandomState::new().hash_one(attempt) >> 11;
        doubled
            .min(self.cap)
            .mul_f64(bits as f64 / (1_u64 << 53) as f64)
    }
}
