//! Certificates from an authority that speaks ACME (RFC 8555), proved over the served port itself by
//! TLS-ALPN-01 (RFC 8737): no other port, and nothing that a proxy would have to pass on.
//!
//! What is there is served until something newer is. A failure is told, and tried again after a
//! growing pause: authorities count failed attempts and then refuse all for a while.

mod cache;
mod client;
mod ordering;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::acme::cache::Cache;
use crate::tls::{Shown, provider, verifier_of};
use crate::{Identity, ListeningError, Tls};

/// Where certificates come from.
#[derive(Debug, Clone)]
pub struct AcmeSettings {
    /// The authority's directory (RFC 8555 §7.1.1). Whoever names it agrees to its terms.
    pub directory: String,
    /// Where the authority may write to, such as `mailto:operations@example.com`.
    pub contact: Vec<String>,
    /// Authorities that vouch for the directory's own certificate, PEM, instead of the system's.
    pub ca: Option<PathBuf>,
    /// A folder for the account and the certificate; made if it is missing.
    pub cache: PathBuf,
    /// Authorities that vouch for clients, PEM, as in [`crate::TlsFiles`].
    pub clients: Option<PathBuf>,
}

/// A listener's certificate, kept fresh by an authority.
#[derive(Debug)]
pub struct Acme {
    settings: AcmeSettings,
    cache: Cache,
    tls: Tls,
}

/// Why a certificate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    /// There is none yet.
    First,
    /// The one that is there is not for all names.
    Names,
    /// It nears its end.
    End,
}

impl Acme {
    /// Shows the certificate that was obtained before, if there is one that can be read.
    ///
    /// # Errors
    /// The folder cannot be made or is open to others, or the clients' authorities cannot be read.
    pub fn open(settings: AcmeSettings) -> Result<Self, ListeningError> {
        let cache = Cache::open(&settings.cache, &settings.directory)?;
        let acme = Self {
            cache,
            tls: Tls::without_certificate(),
            settings,
        };
        let clients = verifier_of(acme.settings.clients.as_deref())?;
        match acme.cache.certificate() {
            Ok(None) => {}
            Ok(Some(identity)) => acme.tls.show(Shown::new(identity, clients)?),
            Err(error) => {
                tracing::warn!(
                    "the certificate of before is not served, a new one is ordered: {error}"
                )
            }
        }
        Ok(acme)
    }

    /// What a listener needs to show the certificate and to prove the names.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Orders a certificate for `names` whenever one is due, for ever. `now` gives seconds since the
    /// epoch; `wanted` makes it look at once and forget past failures.
    pub async fn keep_renewing(
        self,
        wanted: &Notify,
        names: impl Fn() -> Vec<String>,
        now: impl Fn() -> i64,
    ) {
        let mut failures = 0;
        let mut given: Option<(Instant, Vec<String>)> = None;
        loop {
            let mut wait = LOOK;
            let names = ordered(names());
            // What was just given and is due again would be so for ever: a clock is wrong, or the
            // authority leaves names out.
            let just_given = given.as_ref().is_some_and(|(when, names_then)| {
                when.elapsed() < BETWEEN_TWO && *names_then == names
            });
            let due = self.due(&names, now()).filter(|_| !just_given);
            if let Some(due) = due {
                match self.renew(&names).await {
                    Ok(()) => {
                        failures = 0;
                        given = Some((Instant::now(), names.clone()));
                        tracing::warn!(
                            ?names,
                            "the authority gave a certificate, which is served from now on"
                        );
                    }
                    Err(error) => {
                        self.tls.figures().failed();
                        wait = pause(failures, random());
                        failures += 1;
                        let served = if due == Due::First {
                            "there is none to serve"
                        } else {
                            "the old one is served on"
                        };
                        tracing::error!(
                            "no certificate was obtained, {served}, next attempt in {} seconds: {}",
                            wait.as_secs(),
                            told(&error)
                        );
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = wanted.notified() => {
                    (failures, given) = (0, None);
                    self.show_again();
                }
            }
        }
    }

    fn due(&self, names: &[String], now: i64) -> Option<Due> {
        if names.is_empty() {
            return None;
        }
        due(self.tls.identity().as_ref(), names, now)
    }

    async fn renew(&self, names: &[String]) -> Result<(), ListeningError> {
        let ordering = ordering::order(&self.settings, &self.cache, &self.tls, names);
        let obtained = match tokio::time::timeout(PATIENCE, ordering).await {
            Ok(obtained) => obtained,
            Err(_) => Err(ListeningError::Acme {
                directory: self.settings.directory.clone(),
                why: format!("the order was not done within {PATIENCE:?}"),
            }),
        };
        self.tls.prove(Default::default());
        let pem = obtained?;
        let identity = self.cache.read(&pem)?;
        let clients = verifier_of(self.settings.clients.as_deref())?;
        let shown = Shown::new(identity, clients)?;
        self.cache.keep_certificate(&pem)?;
        self.tls.show(shown);
        Ok(())
    }

    /// The same certificate, with the clients' authorities as their file has them now.
    fn show_again(&self) {
        let Some(identity) = self.tls.identity() else {
            return;
        };
        let again = verifier_of(self.settings.clients.as_deref())
            .and_then(|clients| Shown::new(identity, clients));
        match again {
            Ok(shown) => self.tls.show(shown),
            Err(error) => tracing::error!(
                "the authorities of clients were not read again: {}",
                told(&error)
            ),
        }
    }
}

/// Whether a certificate for `names` is to be ordered at `now`: a third of its life before its end.
fn due(served: Option<&Identity>, names: &[String], now: i64) -> Option<Due> {
    let Some(served) = served else {
        return Some(Due::First);
    };
    if !names.iter().all(|name| served.is_for(name)) {
        return Some(Due::Names);
    }
    let life = served.ends() - served.begins();
    (now >= served.ends() - life / 3).then_some(Due::End)
}

/// How long to wait after so many failures before this one: a minute, doubled each time, up to six
/// hours; by up to a tenth more, so that many servers do not ask at once.
fn pause(failures: u32, random: u8) -> Duration {
    let base = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures));
    let base = base.min(LONGEST_PAUSE);
    base + base.mul_f64(f64::from(random) / 2560.0)
}

/// Each name once, in an order that does not change; addresses cannot be proved so.
fn ordered(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| name.trim_matches(['[', ']']).parse::<IpAddr>().is_err());
    names.sort();
    names.dedup();
    names
}

fn random() -> u8 {
    let mut byte = [0; 1];
    // Without randomness the pauses are only more alike.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    let [byte] = byte;
    byte
}

fn told(error: &ListeningError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// How often it is looked whether one is due; the names may change with the tenants.
const LOOK: Duration = Duration::from_secs(10);

/// Between two certificates for the same names.
const BETWEEN_TWO: Duration = Duration::from_secs(3600);

/// For a whole order.
const PATIENCE: Duration = Duration::from_secs(300);

const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

#[cfg(test)]
mod tests;
