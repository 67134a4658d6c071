//! A token and the sessions with it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use rolecall_sealed::SecretString;
use rolecall_signing_keys::BackendError;

/// A PKCS#11 library, loaded and initialised. Cheap to clone; one for each library, however many of
/// its tokens are used.
#[derive(Clone, Debug)]
pub struct Module {
    path: PathBuf,
    library: Pkcs11,
    /// Held for reading by all who call the library, for writing by who starts it anew.
    running: Arc<RwLock<Running>>,
}

#[derive(Debug, Default)]
struct Running {
    /// How often it was started anew. What was opened and found before is worth nothing then: a
    /// handle may even be that of another key.
    times: u64,
    last: Option<Instant>,
}

impl Module {
    /// Loads the library at `path`, such as `/usr/lib/softhsm/libsofthsm2.so`. It stays loaded and
    /// initialised until the program ends.
    ///
    /// # Errors
    /// `Configuration` if it is no PKCS#11 library or does not start.
    pub fn load(path: &Path) -> Result<Self, BackendError> {
        let shown = path.display();
        let library = Pkcs11::new(path).map_err(|error| BackendError::Configuration {
            why: format!("`{shown}` cannot be loaded as a PKCS#11 library: {error}"),
        })?;
        match library.initialize(started()) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(Self {
                path: path.to_owned(),
                library,
                running: Arc::default(),
            }),
            Err(error) => Err(BackendError::Configuration {
                why: format!("the PKCS#11 library `{shown}` does not start: {error}"),
            }),
        }
    }
}

impl Module {
    /// Starts the library anew, as most demand after their device was lost; at most once in a
    /// while, and not while somebody else is within it, for whom that would be an ambush. Whether
    /// it was done.
    fn restart(&self) -> bool {
        let Ok(mut running) = self.running.try_write() else {
            return false;
        };
        let recently = |last: Instant| last.elapsed() < BETWEEN_RESTARTS;
        if running.last.is_some_and(recently) {
            return false;
        }
        running.last = Some(Instant::now());
        running.times += 1;
        // Whether it takes leave properly or not, what counts is whether it starts.
        let _ = self.library.clone().finalize();
        let restarted = self.library.initialize(started());
        tracing::warn!(module = %self.path.display(), failed = restarted.is_err(), "started the PKCS#11 library anew, since its token was lost");
        restarted.is_ok()
    }

    fn calling(&self) -> RwLockReadGuard<'_, Running> {
        self.running.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads of this program call it side by side.
fn started() -> CInitializeArgs {
    CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)
}

/// One token of a module, found by its label. All that it does may block.
#[derive(Debug)]
pub(crate) struct Token {
    module: Module,
    label: String,
    pin: SecretString,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Sessions that are logged in and that nobody uses at present.
    idle: Vec<Session>,
    /// Where keys were found, by label. Handles of objects on a token hold for all sessions.
    found: HashMap<String, ObjectHandle>,
    /// Why it is of no use to try again: another wrong PIN could lock the token.
    refused: Option<BackendError>,
    /// The start of the library that the rest belongs to.
    times: u64,
}

impl State {
    /// A session that can be used, if there is one of this start of the library.
    fn idle(&mut self, times: u64) -> Option<Session> {
        if self.times != times {
            self.clear();
            self.times = times;
        }
        self.idle.pop()
    }

    fn clear(&mut self) {
        self.idle.clear();
        self.found.clear();
    }
}

/// How a piece of work with a session failed.
pub(crate) enum Failed {
    Library(Error),
    Known(BackendError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl Token {
    pub(crate) fn new(module: Module, label: String, pin: SecretString) -> Arc<Self> {
        Arc::new(Self {
            module,
            label,
            pin,
            state: Mutex::new(State::default()),
        })
    }

    /// Does `work` with a session of its own. If session or token were lost, everything is opened
    /// anew and the work is done once more; if that does not help, the library is started anew, and
    /// the work is done a last time.
    pub(crate) fn with_session<T>(
        &self,
        work: impl Fn(&Session) -> Result<T, Failed>,
    ) -> Result<T, BackendError> {
        let mut restarted = false;
        loop {
            let calling = self.module.calling();
            let idle = self.state().idle(calling.times);
            let fresh = idle.is_none();
            let done = match idle.map_or_else(|| self.open(), Ok) {
                Ok(session) => work(&session).inspect(|_| self.state().idle.push(session)),
                Err(failed) => Err(failed),
            };
            let error = match done {
                Ok(value) => return Ok(value),
                Err(Failed::Known(error @ BackendError::Unavailable { .. })) => error,
                Err(Failed::Known(error)) => return Err(error),
                Err(Failed::Library(error)) if is_loss(&error) => self.lost(&error),
                Err(Failed::Library(error)) => return Err(self.told(&error)),
            };
            // Logins and handles went with it.
            self.state().clear();
            drop(calling);
            if fresh {
                if restarted || !self.module.restart() {
                    return Err(error);
                }
                restarted = true;
            }
        }
    }

    /// The private key with this label.
    pub(crate) fn private_key(
        &self,
        session: &Session,
        label: &str,
    ) -> Result<ObjectHandle, Failed> {
        use cryptoki::object::{Attribute, ObjectClass};
        if let Some(found) = self.state().found.get(label) {
            return Ok(*found);
        }
        let found = session.find_objects(&[
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::Label(label.as_bytes().to_vec()),
        ])?;
        let Some(&key) = found.first() else {
            return Err(Failed::Known(BackendError::KeyMissing {
                reference: label.to_owned(),
            }));
        };
        self.state().found.insert(label.to_owned(), key);
        Ok(key)
    }

    /// Forgets where a key was.
    pub(crate) fn forget(&self, label: &str) {
        self.state().found.remove(label);
    }

    /// A new session, logged in. Read-write, because keys are made and deleted with it.
    fn open(&self) -> Result<Session, Failed> {
        if let Some(refused) = &self.state().refused {
            return Err(Failed::Known(refused.clone()));
        }
        let session = self.module.library.open_rw_session(self.slot()?)?;
        match session.login(UserType::User, Some(&self.pin)) {
            // Another session of this program is logged in already, and a login holds for all.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(code, _)) if is_pin_refused(&code) => {
                let refused = BackendError::Configuration {
                    why: self.pin_refused(&code),
                };
                self.state().refused = Some(refused.clone());
                Err(Failed::Known(refused))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The slot that the token is in at present.
    fn slot(&self) -> Result<Slot, Failed> {
        let library = &self.module.library;
        let mut labels = Vec::new();
        for slot in library.get_slots_with_initialized_token()? {
            let label = library.get_token_info(slot)?.label().to_owned();
            if label == self.label {
                return Ok(slot);
            }
            labels.push(format!("`{label}`"));
        }
        labels.sort();
        let there = match labels.as_slice() {
            [] => "no token at all".to_owned(),
            labels => labels.join(", "),
        };
        Err(Failed::Known(BackendError::Unavailable {
            why: format!(
                "there is no token with the label `{}` in `{}`; there is {there}. It was removed, or the label is another",
                self.label,
                self.module.path.display()
            ),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs under the lock, so what it guards is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pin_refused(&self, code: &RvError) -> String {
        let label = &self.label;
        match code {
            RvError::PinLocked => format!(
                "the PIN of the token `{label}` is locked after too many wrong ones; its security officer must set a new one"
            ),
            RvError::PinExpired | RvError::UserPinNotInitialized => format!(
                "the token `{label}` has no valid user PIN; its security officer must set one"
            ),
            _ => format!(
                "the PIN is not that of the token `{label}`; it is not tried again before a restart, so that the token does not lock"
            ),
        }
    }

    fn lost(&self, error: &Error) -> BackendError {
        BackendError::Unavailable {
            why: format!(
                "the token `{}` does not answer; it was removed, or its service is down ({error})",
                self.label
            ),
        }
    }

    fn told(&self, error: &Error) -> BackendError {
        let label = &self.label;
        match error {
            Error::Pkcs11(
                RvError::MechanismInvalid | RvError::CurveNotSupported | RvError::KeySizeRange,
                _,
            ) => BackendError::Configuration {
                why: format!(
                    "the token `{label}` has not what is needed: RSA PKCS#1 v1.5 with SHA-256 and ECDSA on P-256 ({error})"
                ),
            },
            Error::Pkcs11(
                RvError::TokenWriteProtected | RvError::SessionReadOnly | RvError::ActionProhibited,
                _,
            ) => BackendError::Configuration {
                why: format!("the token `{label}` does not let keys be made or deleted ({error})"),
            },
            Error::Pkcs11(RvError::DeviceMemory, _) => BackendError::Configuration {
                why: format!(
                    "the token `{label}` has no room for another key; delete what is not needed"
                ),
            },
            Error::Pkcs11(..) => BackendError::Unexpected {
                why: format!("the token `{label}` refused: {error}"),
            },
            error => BackendError::Unexpected {
                why: format!(
                    "what the PKCS#11 library answered for the token `{label}` cannot be used: {error}"
                ),
            },
        }
    }
}

/// Whether opening everything anew may help.
fn is_loss(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::CryptokiNotInitialized
                | RvError::DeviceError
                | RvError::DeviceRemoved
                | RvError::GeneralError
                | RvError::FunctionFailed
                | RvError::KeyHandleInvalid
                | RvError::ObjectHandleInvalid
                | RvError::OperationActive
                | RvError::SessionClosed
                | RvError::SessionHandleInvalid
                | RvError::SlotIdInvalid
                | RvError::TokenNotPresent
                | RvError::TokenNotRecognized
                | RvError::UserNotLoggedIn,
            _
        )
    )
}

/// Long enough that a token that stays away costs each request little, short enough that one that
/// is back is used before anybody wonders.
const BETWEEN_RESTARTS: Duration = Duration::from_secs(2);

fn is_pin_refused(code: &RvError) -> bool {
    matches!(
        code,
        RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinExpired
            | RvError::PinLocked
            | RvError::UserPinNotInitialized
    )
}
