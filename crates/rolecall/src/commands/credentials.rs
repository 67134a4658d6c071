//! `rolecall credentials`: the whole way once, printed in the form that was asked for.

use rolecall_deliver::Format;
use rolecall_sealed::ExposeSecret as _;

use crate::asking::Asking;
use crate::cli::{CredentialsArgs, Format as Asked, Output};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::{printing, sources};

/// Plans, and prints the plan or walks it.
pub async fn run(args: CredentialsArgs) -> Result<(), Failure> {
    let loaded = Loaded::read(&args.ask.config)?;
    let asking = Asking::plan(&loaded, &args.connection, &args.ask)?;
    if args.explain_plan {
        return match args.output {
            Output::Text => printing::text(&asking.planned().explain()),
            Output::Json => serde_json::to_string(&asking.planned().explain_json())
                .map_err(|error| Failure::from_error(Exit::Unexpected, &error))
                .and_then(|json| printing::line(&json)),
        };
    }
    let progress = Progress::start(&args.connection);
    let obtained = asking.obtain(&mut |event| progress.show(event)).await;
    progress.end();
    let session = obtained?;
    let format = match args.format {
        Asked::Env => Format::Env,
        Asked::Dotenv => Format::Dotenv,
        Asked::Json => Format::Json,
        Asked::Process => Format::Process,
    };
    let text = format
        .render(
            &sources::credentials(&session, &asking),
            Some(asking.planned().address().region()),
        )
        .map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    printing::text(text.expose_secret())
}
