use rolecall_ask::AskError;
use rolecall_exchange::ExchangeError;

/// Why a chain could not be planned or walked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The connection does not fit the asker.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// No STS can be chosen. The operator's to mend.
    #[error("no STS can be chosen: {_0}")]
    Address(Box<ExchangeError>),
    /// A step failed; the steps before it had worked.
    #[error("step {number} of {of} (`{role}`): {error}")]
    Step {
        /// The step, from 1.
        number: usize,
        /// How many steps the plan has.
        of: usize,
        /// The role that could not be assumed.
        role: String,
        /// What STS or the network said.
        #[source]
        error: Box<ExchangeError>,
        /// What to look at next: a sentence.
        hint: Option<String>,
    },
}

impl ChainError {
    /// What to look at next, where it can be told: a sentence.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Step { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }

    /// What STS or the network said, where it came to that.
    pub fn exchange(&self) -> Option<&ExchangeError> {
        match self {
            Self::Address(error) | Self::Step { error, .. } => Some(error),
            Self::Ask(_) => None,
        }
    }
}
