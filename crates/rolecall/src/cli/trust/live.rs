//! The arguments of `--live`.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

/// What `--live` may do.
#[derive(Debug, Args)]
pub struct LiveArgs {
    /// Read the role, its providers and the denied exchange from AWS, with your own credentials;
    /// nothing is written (docs/live.md)
    #[arg(long)]
    pub live: bool,
    /// How far back CloudTrail is searched, such as `90m` or `6h`
    #[arg(long, value_name = "DURATION", default_value = "90m", value_parser = span, requires = "live")]
    pub since: SignedDuration,
    /// Exchange the token of --token again, and up to five times more while IAM may still be
    /// spreading a change
    #[arg(long, requires_all = ["live", "token"])]
    pub retest: bool,
    /// The pause between two of these tries
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = pause, requires = "live")]
    pub retest_interval: Duration,
}

fn span(text: &str) -> Result<SignedDuration, String> {
    let span: SignedDuration = text
        .parse()
        .map_err(|_| "expected a duration, such as 90m or 6h".to_owned())?;
    // CloudTrail looks up what is at most ninety days old.
    if span <= SignedDuration::ZERO || span > SignedDuration::from_hours(90 * 24) {
        return Err("CloudTrail looks back at most 90 days (2160h)".to_owned());
    }
    Ok(span)
}

fn pause(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration up to 10m, such as 10s".to_owned();
    let pause: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(pause)
        .ok()
        .filter(|pause| *pause <= Duration::from_secs(600))
        .ok_or_else(wrong)
}
