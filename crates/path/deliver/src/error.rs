use std::io;
use std::path::PathBuf;

use crate::{Format, SourceError};

/// Why credentials could not be delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// Not the name of a format.
    #[error(
        "`{given}` is not a format: expected `env`, `fish`, `powershell`, `dotenv`, `profile`, `json` or `process`"
    )]
    Format {
        /// What was given.
        given: String,
    },
    /// A value that readers of dotenv files would read differently.
    #[error(
        "the value of {key} holds characters that readers of dotenv files disagree on; use `--format env` or `json`"
    )]
    Dotenv {
        /// The variable.
        key: &'static str,
    },
    /// A value that readers of AWS's shared files would read differently.
    #[error(
        "the value of {key} holds characters that readers of `~/.aws/credentials` disagree on; use `--format env` or `json`"
    )]
    Section {
        /// The setting.
        key: &'static str,
    },
    /// A form whose members are fixed has no place for the old name of the session token.
    #[error(
        "`{format}` has no place for AWS_SECURITY_TOKEN; use `env`, `dotenv`, `fish`, `powershell`, `github` or `profile`"
    )]
    LegacyToken {
        /// The form.
        format: Format,
    },
    /// Not a name that every SDK takes for a profile.
    #[error(
        "`{given}` cannot be the name of a profile: SDKs agree on letters, digits and `_ - . / @ : + %` only"
    )]
    ProfileName {
        /// What was given.
        given: String,
    },
    /// The user has a profile of that name.
    #[error(
        "line {line}: the profile `{name}` is there already and was not written by `rolecall profiles write`, which leaves it alone"
    )]
    ProfileTaken {
        /// The profile.
        name: String,
        /// The line of its section, from 1.
        line: usize,
    },
    /// The comments around our block are not a pair.
    #[error(
        "line {line}: {why}; the comments `# >>> rolecall profiles` and `# <<< rolecall profiles` must be one pair"
    )]
    ProfileMarkers {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// A setting behind our block that is in no section of its own.
    #[error(
        "line {line}: this setting stands behind Rolecall's block and before the next section, so it belongs to the last profile of the block; move it into its own section"
    )]
    LooseSetting {
        /// The line, from 1.
        line: usize,
    },
    /// What cannot stand in a profile's `credential_process`.
    #[error(
        "`{given}` cannot stand in a profile's `credential_process`: paths must be absolute UTF-8 without control characters, ` #` and ` ;`, and a connection's name must not begin with `-`"
    )]
    ProfileCommand {
        /// The path or name.
        given: String,
    },
    /// A file of the user's could not be read.
    #[error("`{}` cannot be read: {error}", path.display())]
    UserFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A file of the user's was written by somebody else while it was about to be replaced.
    #[error("`{}` was changed by another program just now; it was left as it is, run this again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Credentials that cannot be written as JSON: a defect of ours.
    #[error("the credentials cannot be written as JSON: {_0}")]
    Json(#[source] serde_json::Error),
    /// A file could not be written. What was there before is still there.
    #[error("`{}` cannot be written: {error}; what was there before is unchanged", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// A folder for the child's files could not be made.
    #[error("no private folder can be made for the child: {_0}")]
    Folder(#[source] io::Error),
    /// No port could be opened on 127.0.0.1.
    #[error("the credentials endpoint cannot listen on 127.0.0.1: {_0}")]
    Listen(#[source] io::Error),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for the endpoint's token")]
    Random,
    /// The first credentials or the first token did not come, so the child was not started.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No such program.
    #[error("`{program}` was not found; give a path, or look at PATH")]
    NotFound {
        /// What was to be run.
        program: String,
    },
    /// A program that cannot be run.
    #[error("`{program}` cannot be run: {error}")]
    NotExecutable {
        /// What was to be run.
        program: String,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The child could not be waited for, or signals not be received.
    #[error("the child process was lost: {_0}")]
    Child(#[source] io::Error),
}

impl DeliverError {
    /// What a shell would exit with: 127 for a program that is not there, 126 for one that cannot
    /// be run, nothing for all else.
    pub fn shell_exit_code(&self) -> Option<u8> {
        match self {
            Self::NotFound { .. } => Some(127),
            Self::NotExecutable { .. } => Some(126),
            _ => None,
        }
    }
}
