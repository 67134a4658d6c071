//! Arguments of `rolecall doctor`.

use clap::Args;

use super::Output;

/// `rolecall doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Look at this profile, as with the aws CLI's own --profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Ask nothing on the network: neither STS for its clock, nor endpoints, nor instance metadata
    #[arg(long)]
    pub offline: bool,
    /// Mend what can be mended safely: modes of files, blanks around tokens, `[name]` that should be
    /// `[profile name]` (the file from before stays beside it), sessions that have ended
    #[arg(long)]
    pub fix: bool,
    /// With --fix: print what would be done, and do nothing
    #[arg(long, requires = "fix")]
    pub plan: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}
