use std::fs::File;
use std::io;

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::process::Child;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The signals that are passed on to a child, received from the moment this exists.
pub(crate) struct Forwarded {
    interrupt: Stream,
    quit: Stream,
    terminate: Stream,
    hang_up: Stream,
}

impl Forwarded {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal that the child has not already been sent by the terminal.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            let received = tokio::select! {
                _ = self.interrupt.recv() => Signal::INT,
                _ = self.quit.recv() => Signal::QUIT,
                _ = self.terminate.recv() => Signal::TERM,
                _ = self.hang_up.recv() => Signal::HUP,
            };
            // Ctrl-C reaches the whole foreground group. A second one makes programs such as
            // terraform drop everything, so it must not be doubled.
            let from_keys = received == Signal::INT || received == Signal::QUIT;
            if !(from_keys && in_foreground()) {
                return received;
            }
        }
    }
}

/// Sends a signal to a child that has not been waited for yet.
pub(crate) fn send(child: &Child, signal: Signal) {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // A child that is just gone needs no signal.
        let _ = kill_process(pid, signal);
    }
}

fn in_foreground() -> bool {
    File::open("/dev/tty").is_ok_and(|terminal| tcgetpgrp(&terminal) == Ok(getpgrp()))
}
