//! `rolecall workload`: what a workload needs before it can ask.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rolecall_jose::{KeyKind, SigningKey};
use rolecall_sealed::ExposeSecret as _;

use crate::cli::{WorkloadKeyArgs, WorkloadKeyKind};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Makes a key pair: the private part to a new 0600 file, the public part to stdout.
pub fn key(args: WorkloadKeyArgs) -> Result<(), Failure> {
    printing::line(&write_key(&args.to, args.kind)?)
}

/// Makes a key pair, writes the private part to a new 0600 file, and answers the public JWK.
///
/// # Errors
/// `Local` where the file is there already or cannot be written.
pub fn write_key(to: &Path, kind: WorkloadKeyKind) -> Result<String, Failure> {
    let kind = match kind {
        WorkloadKeyKind::P256 => KeyKind::P256,
        WorkloadKeyKind::Rsa2048 => KeyKind::Rsa2048,
    };
    let unexpected = |error: &dyn std::error::Error| Failure::from_error(Exit::Unexpected, error);
    let key = SigningKey::generate(kind).map_err(|error| unexpected(&error))?;
    let pem = key.to_pem().map_err(|error| unexpected(&error))?;
    let jwk = serde_json::to_string(key.public_jwk()).map_err(|error| unexpected(&error))?;
    let local = |error: std::io::Error| {
        let failure = Failure::new(
            Exit::Local,
            format_args!("cannot write the key file `{}`: {error}", to.display()),
        );
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => failure.hint(
                "An existing key is never overwritten: name another file, or move this one away",
            ),
            _ => failure.hint("Check that its folder exists and that this user may write there"),
        }
    };
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(local)?;
    file.write_all(pem.expose_secret().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| {
            // A key cut short helps nobody and would stop the next try.
            let _ = std::fs::remove_file(to);
            local(error)
        })?;
    Ok(jwk)
}
