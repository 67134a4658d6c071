//! Why a secret could not be sealed, opened or found.

use std::io;
use std::path::PathBuf;

/// Why sealing, opening or reading the master key failed. No variant carries key or secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealedError {
    /// The master key is not 32 bytes of base64: the operator's file or environment is wrong.
    #[error(
        "the master key must be 32 bytes in base64 (44 characters), as `openssl rand -base64 32` gives"
    )]
    MasterKeyForm,
    /// The master key file can be read by others than its owner.
    #[error("the master key file `{}` has mode {mode:04o}; it must be 0600, readable by its owner only", path.display())]
    FileMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The path is a folder, socket or device.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The master key file cannot be read or made.
    #[error("the master key file `{}` cannot be {action}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried: `read` or `created`.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The value was sealed under another master key.
    #[error(
        "the value was sealed with another master key; start with the key that this state was made with"
    )]
    OtherMasterKey,
    /// The value has a version that this program does not know.
    #[error("the sealed value has format {found}; this program reads format {known}")]
    Version {
        /// The version found.
        found: u8,
        /// The version known.
        known: u8,
    },
    /// The value is shorter than any sealed value.
    #[error("the sealed value is truncated: {length} bytes")]
    Truncated {
        /// Bytes found.
        length: usize,
    },
    /// The value was altered, or belongs to another record than it was found in.
    #[error("the sealed value was altered or belongs to another record")]
    NotAuthentic,
    /// The system's random source or the crypto library failed.
    #[error("the crypto library failed")]
    Crypto,
}
