use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{Clock, DeliverError, IdentityToken, SecretFile, SourceError, TokenSource};

/// Keeps a token file fresh for as long as it is polled: replaces the token at half of its life,
/// since SDKs read the file whenever they need a session. A failure is told to `observe` and
/// tried again, sooner the nearer the end is; it never ends the keeping.
///
/// `first` is the token that the file already holds.
pub async fn keep_token_fresh(
    source: Arc<dyn TokenSource>,
    file: SecretFile,
    first: &IdentityToken,
    clock: Clock,
    observe: impl Fn(Result<&IdentityToken, &DeliverError>) + Send,
) {
    let mut due = half_of(first.expiration, clock.now());
    let mut failures = 0_u32;
    loop {
        until(due, &clock).await;
        match renew(source.as_ref(), &file).await {
            Ok(token) => {
                failures = 0;
                due = half_of(token.expiration, clock.now());
                observe(Ok(&token));
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                let pause = FIRST_RETRY
                    .saturating_mul(2_u32.saturating_pow(failures - 1))
                    .min(LAST_RETRY);
                due = clock.now() + pause;
                observe(Err(&error));
            }
        }
    }
}

/// The same from the beginning: the first token is fetched and written as soon as it can be had.
pub async fn keep_token_file(
    source: Arc<dyn TokenSource>,
    file: SecretFile,
    clock: Clock,
    observe: impl Fn(Result<&IdentityToken, &DeliverError>) + Send,
) {
    let mut pause = FIRST_RETRY;
    let first = loop {
        match renew(source.as_ref(), &file).await {
            Ok(token) => break token,
            Err(error) => observe(Err(&error)),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_RETRY);
    };
    observe(Ok(&first));
    keep_token_fresh(source, file, &first, clock, observe).await;
}

/// Fetches a token and writes it.
pub(crate) async fn renew(
    source: &dyn TokenSource,
    file: &SecretFile,
) -> Result<IdentityToken, DeliverError> {
    let token = source.fetch().await?;
    let (file, secret) = (file.clone(), token.token.clone());
    tokio::task::spawn_blocking(move || file.write(&secret))
        .await
        .map_err(|error| {
            DeliverError::Source(SourceError {
                code: "Internal".to_owned(),
                message: format!("writing the token was cut off: {error}"),
                permanent: false,
            })
        })??;
    Ok(token)
}

/// Half of what is left, but never a busy loop.
fn half_of(expiration: Timestamp, now: Timestamp) -> Timestamp {
    let left: SignedDuration = expiration.duration_since(now);
    now + (left / 2).max(SignedDuration::from_secs(1))
}

/// Waits until the clock says so. The clock is looked at again and again: it may be set, and a
/// machine that slept did not count the time.
async fn until(due: Timestamp, clock: &Clock) {
    loop {
        let left = Duration::try_from(due.duration_since(clock.now())).unwrap_or_default();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK_EVERY)).await;
    }
}

/// Between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);
