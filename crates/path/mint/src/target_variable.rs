//! The environment variable that programs find a token's file by.

use crate::MintError;
use crate::error::shown;

/// Checks the name of one (POSIX.1-2024 XBD 8.1), and that it is not one that decides how programs
/// are started or that Rolecall sets itself.
///
/// # Errors
/// `TargetVariable`.
pub fn check(name: &str) -> Result<(), MintError> {
    let refused = |why| {
        Err(MintError::TargetVariable {
            given: shown(name),
            why,
        })
    };
    let fits = (1..=128).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !fits {
        return refused("use 1 to 128 letters, digits and `_`, not beginning with a digit");
    }
    if STARTS_PROGRAMS.contains(&name) || name.starts_with("LD_") || name.starts_with("DYLD_") {
        return refused("it decides how programs are started");
    }
    if name.starts_with("AWS_") || name.starts_with("ROLECALL_") {
        return refused(
            "variables that begin with `AWS_` and `ROLECALL_` have their meaning already",
        );
    }
    Ok(())
}

const STARTS_PROGRAMS: [&str; 8] = [
    "PATH",
    "HOME",
    "SHELL",
    "IFS",
    "ENV",
    "BASH_ENV",
    "PYTHONPATH",
    "NODE_OPTIONS",
];
