//! What is happening now, on a terminal only: nothing is shown for what is over in a second, and
//! nothing at all in a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rolecall_chain::Event;

/// A line on stderr that tells the step under way.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins with the issuer.
    pub fn start(connection: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(format!("{connection}: asking the issuer"));
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(bar)
    }

    /// A line that stays away until it is needed; see [`Self::during`].
    pub fn quiet(message: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.set_message(message.to_owned());
        Self(bar)
    }

    /// Tells what is under way now.
    pub fn say(&self, message: &str) {
        self.0.set_message(message.to_owned());
    }

    /// Waits for `work`; shows the line once that takes over a second, and wipes it in the end.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(Duration::from_secs(1), &mut work).await {
            return done;
        }
        self.0
            .set_draw_target(ProgressDrawTarget::stderr_with_hz(4));
        self.0.enable_steady_tick(Duration::from_millis(250));
        let done = work.await;
        self.end();
        done
    }

    /// Shows a step of the chain.
    pub fn show(&self, event: Event<'_>) {
        if let Event::Started { step } = event {
            self.0
                .set_message(format!("{} of {}", step.operation(), step.role()));
        }
    }

    /// Wipes the line.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
