//! What the process is set up with before any command runs.

use std::io::IsTerminal as _;

use rolecall_telemetry::Traces;

use crate::failure::{Exit, Failure};

/// Keeps what is in memory out of core dumps and away from other processes of this user
/// (`PR_SET_DUMPABLE`, prctl(2)). It is not inherited by programs that `exec` starts, unlike a
/// limit on core files.
pub fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    {
        // Where a sandbox forbids the call the process runs on as before.
        let _ =
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
}

/// Where traces go, if the environment names a collector.
///
/// # Errors
/// `Configuration` where it says what cannot be.
pub fn traces() -> Result<Option<Traces>, Failure> {
    Traces::from_environment(env!("CARGO_PKG_VERSION"))
        .map_err(|error| Failure::from_error(Exit::Configuration, &error).hint(error.hint()))
}

/// Logs go to stderr: `RUST_LOG` chooses what, `ROLECALL_LOG_FORMAT=json` chooses the form. They
/// become part of `traces` too, each line in the span of what it is about.
pub fn log_to_stderr(traces: Option<&Traces>) {
    use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _};
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let json = std::env::var("ROLECALL_LOG_FORMAT").is_ok_and(|format| format == "json");
    let lines = if json {
        lines.json().boxed()
    } else {
        lines.boxed()
    };
    let subscriber = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces.map(Traces::layer));
    // A second set-up in one process would be refused; the first one stays, which is right.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The runtime on which every command runs.
///
/// # Errors
/// `Unexpected` where the system refuses threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                Exit::Unexpected,
                format_args!("cannot start the runtime: {error}"),
            )
        })
}

/// A future that is ready once the process is asked to stop (SIGINT or SIGTERM). The signals are
/// caught from now on, not only once it is awaited.
///
/// # Errors
/// `Unexpected` where the handlers cannot be set.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let refused = |error: std::io::Error| {
        Failure::new(
            Exit::Unexpected,
            format_args!("cannot wait for signals: {error}"),
        )
    };
    let mut interrupted = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(refused)?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// SIGHUP: the configuration file is to be read again.
///
/// # Errors
/// `Unexpected` where the handler cannot be set.
pub fn reload_signal() -> Result<tokio::signal::unix::Signal, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::hangup()).map_err(|error| {
        Failure::new(
            Exit::Unexpected,
            format_args!("cannot wait for signals: {error}"),
        )
    })
}
