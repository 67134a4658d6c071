//! What can keep an emulator from starting or staying up.

use std::path::PathBuf;

/// Why an emulator could not be made or kept running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The seed document is not of its form. The operator's to mend.
    #[error("the seed is not readable: {why}")]
    SeedUnreadable {
        /// What is wrong, with line and column.
        why: String,
    },
    /// Something in the seed is refused as IAM would refuse it. The operator's to mend.
    #[error("the seed's {what} is refused: {why}")]
    SeedRefused {
        /// Which entry, such as ``role `Reader` of account 123456789012``.
        what: String,
        /// AWS's code and message.
        why: String,
    },
    /// The state file cannot be used; it was not touched. The operator's to mend.
    #[error("the state file `{}` cannot be used: {why}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// A file could not be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A pair of `connect_to` is not two origins. The operator's to mend.
    #[error("`{given}` is not an origin such as `https://acme.example`: {why}")]
    Origin {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[source] reqwest::Error),
    /// The server ended with an error of the network.
    #[error("the emulator stopped serving: {0}")]
    Serve(#[source] std::io::Error),
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers")]
    Randomness,
}

impl EmulatorError {
    /// Whether the seed is at fault rather than the machine or its files.
    #[must_use]
    pub fn is_in_seed(&self) -> bool {
        matches!(self, Self::SeedUnreadable { .. } | Self::SeedRefused { .. })
    }
}
