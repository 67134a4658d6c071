//! The parts of one running emulator.

use crate::decision::Decisions;
use crate::issuer::Issuers;
use crate::policy::Policies;
use crate::trail::Trail;
use crate::world::Keeper;
use crate::{Clock, Messages};

/// Everything that an operation may need.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) keeper: Keeper,
    pub(crate) policies: Policies,
    pub(crate) issuers: Issuers,
    pub(crate) decisions: Decisions,
    pub(crate) trail: Trail,
    pub(crate) messages: Messages,
    pub(crate) clock: Clock,
    /// Seals the messages that DecodeAuthorizationMessage opens; lives as long as the process.
    pub(crate) message_key: rolecall_sealed::MasterKey,
}
