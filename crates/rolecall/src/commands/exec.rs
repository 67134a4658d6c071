//! `rolecall exec`: a program with credentials that stay fresh.

use std::process::ExitCode;
use std::sync::Arc;

use rolecall_deliver::{ChildSettings, Clock, DeliverError, Delivery, Execution, exec};
use rolecall_exchange::Origin;

use crate::asking::Asking;
use crate::cli::{ExecArgs, Via};
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::sources::{self, ChainSource, IssuerSource};

/// Gets the first credentials, so that a denial is told before anything runs; then runs the
/// program and passes its exit code on.
pub async fn run(args: ExecArgs) -> Result<ExitCode, Failure> {
    let loaded = Loaded::read(&args.ask.config)?;
    let asking = Arc::new(Asking::plan(&loaded, &args.connection, &args.ask)?);
    let delivery = delivery(&args, &asking).await?;
    let address = asking.planned().address();
    let mut command = args.program.into_iter();
    let Some(program) = command.next() else {
        return Err(Failure::new(
            Exit::Usage,
            "name a program to run after `--`",
        ));
    };
    let execution = Execution {
        program,
        arguments: command.collect(),
        inherited: std::env::vars_os().collect(),
        settings: ChildSettings {
            region: Some(address.region().clone()),
            // A child that exchanges or asks who it is must find the same STS.
            sts_endpoint: (address.endpoint_from() != Origin::Default)
                .then(|| address.endpoint().as_str().to_owned()),
        },
        clock: Clock::system(),
    };
    match exec(execution, delivery).await {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(error) => match error.shell_exit_code() {
            Some(code) => {
                Failure::from_error(Exit::Local, &error).report();
                Ok(ExitCode::from(code))
            }
            None => Err(not_run(&error)),
        },
    }
}

async fn delivery(args: &ExecArgs, asking: &Arc<Asking>) -> Result<Delivery, Failure> {
    if args.via == Via::WebIdentity {
        let step = asking
            .planned()
            .left_to_sdk()
            .map_err(|why| Failure::new(Exit::Usage, why))?;
        let minted = asking.client().token(asking.token_ask()).await?;
        return Ok(Delivery::WebIdentity {
            source: Arc::new(
                IssuerSource::new(asking.client().clone(), asking.token_ask().clone())
                    .starting_with(minted),
            ),
            role_arn: step.role().to_string(),
            session_name: step.session_name().to_string(),
        });
    }
    let progress = Progress::start(&args.connection);
    let obtained = asking.obtain(&mut |event| progress.show(event)).await;
    progress.end();
    let credentials = sources::credentials(&obtained?, asking);
    Ok(match args.via {
        Via::Environment => Delivery::Environment { credentials },
        Via::Endpoint | Via::WebIdentity => Delivery::Endpoint {
            source: Arc::new(ChainSource::starting_with(Arc::clone(asking), credentials)),
        },
    })
}

fn not_run(error: &DeliverError) -> Failure {
    Failure::from_error(Exit::Local, error)
}
