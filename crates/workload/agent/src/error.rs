use std::io;
use std::path::PathBuf;

/// Why the agent cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Another agent serves the socket. The operator's.
    #[error("another agent serves the socket `{}`", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// There is something at the socket's path that is no socket. The operator's.
    #[error("`{}` is there already and is no socket", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket cannot be made. The operator's.
    #[error("the socket `{}` cannot be made: {error}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// An endpoint cannot listen. The operator's.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A caller is declared in a way that cannot be. The operator's.
    #[error("{why}")]
    Caller {
        /// Its place in the list, from 0.
        index: usize,
        /// The field.
        field: &'static str,
        /// What to write instead.
        why: String,
    },
    /// An endpoint's secret or file cannot be written. The operator's.
    #[error(transparent)]
    Deliver(#[from] rolecall_deliver::DeliverError),
}

impl AgentError {
    /// What to do next, where it is not said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InUse { .. } => {
                Some("Stop the other one first, or give this one another `agent.socket`.")
            }
            Self::NotASocket { .. } => Some("Move it away, or give another `agent.socket`."),
            Self::Socket { .. } => Some(
                "Its folder must be there and writable for this user: systemd makes one with `RuntimeDirectory=rolecall`.",
            ),
            _ => None,
        }
    }
}
