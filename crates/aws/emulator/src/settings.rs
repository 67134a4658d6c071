//! What an emulator is started with.

use std::path::PathBuf;

use rolecall_names::AccountId;

use crate::{Clock, Seed};

/// How an emulated account behaves and where it keeps what it knows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The accounts that exist from the start; those of [`Settings::seed`] and of the state file
    /// are added. Empty means `123456789012`.
    pub accounts: Vec<AccountId>,
    /// In which generation of AWS's words errors are told.
    pub messages: Messages,
    /// What time it is.
    pub clock: Clock,
    /// Pairs of an origin and the address that is really asked for it, such as
    /// `("https://acme.example", "http://127.0.0.1:4000")`; the `Host` header stays the origin's.
    pub connect_to: Vec<(String, String)>,
    /// A file that gets one CloudTrail-shaped record a line.
    pub trail: Option<PathBuf>,
    /// A file that keeps accounts and sessions over a restart. It holds secrets and is 0600.
    pub state: Option<PathBuf>,
    /// Providers and roles to make at the start, unless they are already there.
    pub seed: Option<Seed>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            accounts: Vec::new(),
            messages: Messages::Newer,
            clock: Clock::system(),
            connect_to: Vec::new(),
            trail: None,
            state: None,
            seed: None,
        }
    }
}

/// A generation of AWS's error messages. About July 2026 AWS made some of them vaguer; older texts
/// still stand in documents, logs and regions not yet moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Messages {
    /// The wording since July 2026.
    #[default]
    Newer,
    /// The wording before.
    Older,
}

impl std::str::FromStr for Messages {
    type Err = String;

    /// Reads `newer` or `older`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "newer" => Ok(Self::Newer),
            "older" => Ok(Self::Older),
            other => Err(format!("`{other}` is neither `newer` nor `older`")),
        }
    }
}
