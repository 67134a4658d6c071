//! The key backends of the configuration, opened.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rolecall_kms::{KmsBackend, KmsSettings};
use rolecall_pkcs11::{Module, Pkcs11Backend, Pkcs11Settings};
use rolecall_sealed::{SecretString, Zeroizing};
use rolecall_signing_keys::{Backend, BackendError, SignerLimit, Signers};

use crate::config::Loaded;
use crate::config::issuer::ServerSection;
use crate::config::keys::{KeyBackendSection, Pkcs11Section};
use crate::failure::{Exit, Failure};

/// What the tenants' keys are made in and sign with. Each backend is tried: a wrong PIN or a token
/// that is not there is told now, and not when a key is due.
///
/// # Errors
/// `Configuration` for settings that cannot be, `Local` for a backend that cannot be used.
pub async fn signers(loaded: &Loaded, section: &ServerSection) -> Result<Signers, Failure> {
    if let Some(field) = section.misnamed_backend() {
        return Err(loaded.broken(
            &field,
            "the backend `software` is always there and has no settings; take another name",
        ));
    }
    let mut modules = BTreeMap::new();
    let mut backends: BTreeMap<String, Arc<dyn Backend>> = BTreeMap::new();
    for (name, written) in &section.key_backends {
        let field = format!("server.key_backends.{name}");
        let unusable = |error: BackendError| {
            Failure::new(
                Exit::Local,
                format_args!("the key backend `{name}` cannot be used: {error}"),
            )
        };
        let backend: Arc<dyn Backend> = match written {
            KeyBackendSection::Pkcs11(written) => {
                let pin = pin(loaded, &format!("{field}.pkcs11"), written)?;
                let module = module(&mut modules, &written.module).map_err(unusable)?;
                let settings = Pkcs11Settings {
                    token: written.token.clone(),
                    pin,
                    sessions: written.sessions,
                };
                Arc::new(Pkcs11Backend::new(module, settings))
            }
            KeyBackendSection::Kms(written) => {
                let settings = KmsSettings {
                    region: written.region.clone(),
                    endpoint: written.endpoint.clone(),
                    deletion_window_days: written.deletion_window_days,
                };
                let kms = KmsBackend::from_environment(settings).await;
                Arc::new(kms.map_err(unusable)?)
            }
        };
        backend.check().await.map_err(unusable)?;
        backends.insert(name.clone(), backend);
    }
    Ok(Signers::new(SignerLimit::per_core(), backends))
}

/// One of each library: it may be initialised once in a program.
fn module(modules: &mut BTreeMap<PathBuf, Module>, path: &Path) -> Result<Module, BackendError> {
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Module::load(path)?;
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

/// The PIN, from a file that its owner alone can read or from a variable.
fn pin(loaded: &Loaded, field: &str, section: &Pkcs11Section) -> Result<SecretString, Failure> {
    match (&section.pin_file, &section.pin_variable) {
        (Some(file), None) => pin_file(&loaded.resolve(file)),
        (None, Some(variable)) => std::env::var(variable)
            .map(SecretString::from)
            .map_err(|_| {
                Failure::new(
                    Exit::Local,
                    format_args!("the variable `{variable}`, which is to hold the PIN, is not set"),
                )
            }),
        (Some(_), Some(_)) => Err(loaded.broken(
            field,
            "there are `pin_file` and `pin_variable`; one of them must go",
        )),
        (None, None) => Err(loaded
            .broken(field, "there is no PIN for the token")
            .hint("Set `pin_file` to a file of mode 0600, or `pin_variable` to a variable's name")),
    }
}

fn pin_file(path: &Path) -> Result<SecretString, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Local,
            format_args!("the PIN file `{}` cannot be read: {why}", path.display()),
        )
    };
    let mut file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    // Of the open file, so that it cannot be exchanged between look and read.
    let mode = file
        .metadata()
        .map_err(|error| failed(&error))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Failure::new(
            Exit::Local,
            format_args!(
                "the PIN file `{}` has mode {mode:04o}; it must be 0600, readable by its owner only",
                path.display()
            ),
        ));
    }
    let mut text = Zeroizing::new(String::new());
    file.by_ref()
        .take(LONGEST_PIN)
        .read_to_string(&mut text)
        .map_err(|error| failed(&error))?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}

/// Bytes; tokens take far fewer.
const LONGEST_PIN: u64 = 4096;
