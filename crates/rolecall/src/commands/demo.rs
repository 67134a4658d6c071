//! `rolecall demo`: issuer and emulated account on loopback, the whole way once, then a denial and
//! its mend. Everything goes the way that `serve`, `credentials` and `aws-emulator` go; only the
//! ground is prepared here.

mod ground;
mod pasting;
mod story;

use crate::cli::DemoArgs;
use crate::failure::Failure;
use crate::{printing, process};

use ground::Ground;

/// Shows the way; with `--serve`, stays up behind it.
pub async fn run(args: DemoArgs) -> Result<(), Failure> {
    let stop = process::stop_signal()?;
    let ground = Ground::prepare().await?;
    let told = tell(&ground, &args, stop).await;
    ground.clear().await;
    told
}

async fn tell(
    ground: &Ground,
    args: &DemoArgs,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    tokio::pin!(stop);
    tokio::select! {
        told = story::tell(ground) => told?,
        () = &mut stop => return Ok(()),
    }
    if args.serve {
        let _fresh = pasting::keep_token(ground).await?;
        printing::text(&pasting::commands(ground))?;
        stop.await;
    }
    Ok(())
}
