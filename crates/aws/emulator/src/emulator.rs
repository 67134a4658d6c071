//! The library's front: make an emulator, serve it, look into it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use rolecall_names::AccountId;
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::account::{AccessKey, Account, Tags, User};
use crate::core::Core;
use crate::decision::{Decision, Decisions};
use crate::identifier::{self, NoRandomness};
use crate::issuer::Issuers;
use crate::policy::Policies;
use crate::state_file::{self, StateFile};
use crate::trail::Trail;
use crate::wire::{Fault, catalogue};
use crate::world::{Keeper, World};
use crate::{EmulatorError, Settings, server};

/// A running emulated AWS: one or several accounts behind one address. Clones share everything.
#[derive(Debug, Clone)]
pub struct Emulator {
    core: Arc<Core>,
}

/// A long-lived key of an account.
#[derive(Debug, Clone)]
pub struct AccessKeys {
    /// The account.
    pub account: AccountId,
    /// `AKIA…`.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: SecretString,
}

impl Emulator {
    /// Makes an emulator. A state file that exists is read; a seed is planted where it is missing;
    /// every account gets a user `admin` that may do everything.
    ///
    /// # Errors
    /// [`EmulatorError`]: a seed that IAM would refuse, a state file that is damaged or of another
    /// version (it is left as it is), a file that cannot be written.
    pub fn new(settings: Settings) -> Result<Self, EmulatorError> {
        let issuers = Issuers::new(&settings.connect_to)?;
        let trail = Trail::open(settings.trail.as_deref())?;
        let (file, kept) = match &settings.state {
            None => (None, None),
            Some(path) => {
                let (file, kept) = StateFile::open(path)?;
                (Some(file), kept)
            }
        };
        let mut world = kept.unwrap_or_default();
        let now = settings.clock.seconds();
        furnish(&mut world, &settings, now)?;
        let keeper = Keeper::new(world, file).map_err(|source| EmulatorError::Write {
            path: settings.state.clone().unwrap_or_default(),
            source,
        })?;
        let message_key =
            rolecall_sealed::MasterKey::generate().map_err(|_| EmulatorError::Randomness)?;
        Ok(Self {
            core: Arc::new(Core {
                keeper,
                policies: Policies::default(),
                issuers,
                decisions: Decisions::default(),
                trail,
                messages: settings.messages,
                clock: settings.clock,
                message_key,
            }),
        })
    }

    /// The HTTP interface, to be mounted or served by the caller. `aws:SourceIp` needs the router
    /// served with connection info, as [`Emulator::serve`] does.
    pub fn router(&self) -> Router {
        server::router(Arc::clone(&self.core))
    }

    /// Serves on `listener` until `shutdown` is done, then lets open requests end.
    ///
    /// # Errors
    /// [`EmulatorError::Serve`] when the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), EmulatorError> {
        let service = self
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service)
            .with_graceful_shutdown(shutdown)
            .await
            .map_err(EmulatorError::Serve)
    }

    /// The accounts, the first one first and the others by number.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        self.core.keeper.read(|world| {
            let mut accounts: Vec<AccountId> = world.accounts.keys().cloned().collect();
            accounts.sort_by_key(|id| (Some(id) != world.first.as_ref(), id.clone()));
            accounts
        })
    }

    /// The key of each account's user `admin`, in the order of [`Emulator::accounts`]. An account
    /// whose admin was deleted has none.
    #[must_use]
    pub fn admin_credentials(&self) -> Vec<AccessKeys> {
        let accounts = self.accounts();
        self.core.keeper.read(|world| {
            accounts
                .into_iter()
                .filter_map(|id| {
                    let key = world.account(&id)?.user(ADMIN)?.keys.first()?;
                    Some(AccessKeys {
                        account: id,
                        access_key_id: key.id.clone(),
                        secret_access_key: SecretString::from(key.secret.expose()),
                    })
                })
                .collect()
        })
    }

    /// Writes the admins' keys as an AWS shared-credentials file, 0600 and replaced whole: a
    /// profile `emulator-<account>` each, and `default` for the first account.
    ///
    /// # Errors
    /// [`EmulatorError::Write`].
    pub fn write_admin_credentials(&self, path: &Path) -> Result<(), EmulatorError> {
        use secrecy::ExposeSecret as _;
        let mut text = zeroize::Zeroizing::new(String::new());
        let keys = self.admin_credentials();
        let default = keys.first().map(|keys| ("default".to_owned(), keys));
        let named = keys
            .iter()
            .map(|keys| (format!("emulator-{}", keys.account), keys));
        for (profile, keys) in default.into_iter().chain(named) {
            text.push_str(&format!(
                "[{profile}]\naws_access_key_id = {}\naws_secret_access_key = {}\n\n",
                keys.access_key_id,
                keys.secret_access_key.expose_secret()
            ));
        }
        state_file::replace(path, text.as_bytes()).map_err(|source| EmulatorError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Makes an access key of an account's root user, which IAM itself does not let others do.
    /// Nothing for an account that does not exist.
    ///
    /// # Errors
    /// [`EmulatorError::Randomness`], also when the state file could not be written.
    pub fn create_root_key(
        &self,
        account: &AccountId,
    ) -> Result<Option<AccessKeys>, EmulatorError> {
        let now = self.core.clock.seconds();
        let keeper = &self.core.keeper;
        let begun = keeper.epoch();
        keeper
            .change(|world| {
                let Some(owner) = world.accounts.get_mut(account) else {
                    return Ok(None);
                };
                let key = access_key(account, now)
                    .map_err(|NoRandomness| Fault::new(&catalogue::INTERNAL))?;
                owner.root_keys.push(key.clone());
                Ok(Some(AccessKeys {
                    account: account.clone(),
                    access_key_id: key.id,
                    secret_access_key: SecretString::from(key.secret.expose()),
                }))
            })
            .and_then(|keys| keeper.settle(begun).map(|()| keys))
            .map_err(|_| EmulatorError::Randomness)
    }

    /// What was checked for a request of STS, by its `x-amzn-RequestId`. The latest 2048 are kept.
    #[must_use]
    pub fn decision(&self, request_id: &str) -> Option<Decision> {
        self.core.decisions.of(request_id)
    }

    /// The latest records of the trail, oldest first, in CloudTrail's form.
    #[must_use]
    pub fn trail(&self) -> Vec<Value> {
        self.core.trail.latest()
    }
}

/// Accounts, admins and seed, where they are missing.
fn furnish(world: &mut World, settings: &Settings, now: i64) -> Result<(), EmulatorError> {
    for id in &settings.accounts {
        world.accounts.entry(id.clone()).or_default();
    }
    for id in settings.seed.iter().flat_map(crate::Seed::accounts) {
        world.accounts.entry(id.clone()).or_default();
    }
    if world.accounts.is_empty()
        && let Ok(id) = DEFAULT_ACCOUNT.parse()
    {
        world.accounts.insert(id, Account::default());
    }
    if world.first.is_none() {
        world.first = settings
            .accounts
            .first()
            .or_else(|| world.accounts.keys().next())
            .cloned();
    }
    if let Some(seed) = &settings.seed {
        seed.plant(world, now)?;
    }
    for (id, account) in &mut world.accounts {
        if account.user(ADMIN).is_none() {
            let admin = admin(id, now).map_err(|NoRandomness| EmulatorError::Randomness)?;
            account.users.insert(ADMIN.to_owned(), admin);
        }
    }
    Ok(())
}

fn admin(account: &AccountId, now: i64) -> Result<User, NoRandomness> {
    Ok(User {
        id: identifier::unique_id("AIDA")?,
        name: ADMIN.to_owned(),
        path: "/".to_owned(),
        inline: Default::default(),
        attached: vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()],
        keys: vec![access_key(account, now)?],
        tags: Tags::new(),
        created: now,
    })
}

/// A new long-lived key.
pub(crate) fn access_key(account: &AccountId, now: i64) -> Result<AccessKey, NoRandomness> {
    Ok(AccessKey {
        id: identifier::access_key_id("AKIA", account)?,
        secret: identifier::secret_access_key()?,
        active: true,
        created: now,
    })
}

const ADMIN: &str = "admin";

const DEFAULT_ACCOUNT: &str = "123456789012";
