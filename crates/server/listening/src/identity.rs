//! What the server shows of itself: a certificate chain, and the key that fits it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::{Error as PemError, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroize as _;

use crate::ListeningError;

/// A certificate chain and its private key as they stand in files, PEM.
#[derive(Clone, Copy)]
pub struct PairText<'a> {
    /// Where the chain stands, for messages.
    pub certificate_path: &'a Path,
    /// The chain, the server's own certificate first.
    pub certificate: &'a [u8],
    /// Where the key stands, for messages.
    pub key_path: &'a Path,
    /// The key: PKCS#8, SEC 1 or PKCS#1.
    pub key: &'a [u8],
}

/// A certificate chain in order with the key of its first certificate.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    begins: i64,
    ends: i64,
    is_authority: bool,
}

/// What will not keep a server from starting, but clients from trusting it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concern {
    /// It ended so many seconds ago.
    Ended(i64),
    /// It begins in so many seconds.
    NotYet(i64),
    /// It ends in so many seconds, which is soon.
    EndsSoon(i64),
    /// The certificate is an authority's own.
    Authority,
    /// It is not for this host.
    NotFor(String),
}

impl Identity {
    /// Reads a pair and checks that it belongs together.
    ///
    /// # Errors
    /// What is missing, malformed, out of order, or of another pair.
    pub fn read(text: PairText<'_>, provider: &CryptoProvider) -> Result<Self, ListeningError> {
        let chain = certificates(text.certificate_path, text.certificate)?;
        let mut key = private_key(text)?;
        let signing = provider.key_provider.load_private_key(key.clone_key());
        key.zeroize();
        let signing = signing.map_err(|error| ListeningError::KeyForm {
            path: text.key_path.to_owned(),
            why: error.to_string(),
        })?;
        let certified = CertifiedKey::new(chain, signing);
        if !fits(&certified, 0) {
            let place = (1..certified.cert.len()).find(|&at| fits(&certified, at));
            return Err(match place {
                Some(at) => ListeningError::OwnNotFirst {
                    path: text.certificate_path.to_owned(),
                    number: at + 1,
                },
                None => ListeningError::KeyOfAnother {
                    certificate: text.certificate_path.to_owned(),
                    key: text.key_path.to_owned(),
                },
            });
        }
        Self::of_ordered(text.certificate_path, certified)
    }

    fn of_ordered(path: &Path, certified: CertifiedKey) -> Result<Self, ListeningError> {
        let mut parsed = Vec::with_capacity(certified.cert.len());
        for (at, der) in certified.cert.iter().enumerate() {
            let (_, certificate) = X509Certificate::from_der(der)
                .map_err(|_| malformed(path, at, &"it is no X.509 certificate"))?;
            parsed.push(certificate);
        }
        for (at, pair) in parsed.windows(2).enumerate() {
            if let [signed, signer] = pair
                && signed.issuer().as_raw() != signer.subject().as_raw()
            {
                return Err(ListeningError::ChainOrder {
                    path: path.to_owned(),
                    number: at + 2,
                    wanted: signed.issuer().to_string(),
                    found: signer.subject().to_string(),
                });
            }
        }
        let own = parsed
            .first()
            .ok_or_else(|| ListeningError::NoCertificate {
                path: path.to_owned(),
            })?;
        let (begins, ends) = (
            own.validity().not_before.timestamp(),
            own.validity().not_after.timestamp(),
        );
        let is_authority = own.is_ca();
        drop(parsed);
        Ok(Self {
            certified: Arc::new(certified),
            begins,
            ends,
            is_authority,
        })
    }

    /// When the certificate ends, in seconds since the epoch.
    pub fn ends(&self) -> i64 {
        self.ends
    }

    /// When the certificate begins, in seconds since the epoch.
    pub fn begins(&self) -> i64 {
        self.begins
    }

    /// Whether it is for `host`, a name or an address, as clients judge (RFC 6125).
    pub fn is_for(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let Ok(name) = ServerName::try_from(bare) else {
            return false;
        };
        let own = self.certified.cert.first();
        own.and_then(|der| webpki::EndEntityCert::try_from(der).ok())
            .is_some_and(|own| own.verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// What clients will object to at `now` (seconds since the epoch) when they ask for `hosts`.
    pub fn concerns<'h>(&self, now: i64, hosts: impl IntoIterator<Item = &'h str>) -> Vec<Concern> {
        let mut concerns = Vec::new();
        if self.ends <= now {
            concerns.push(Concern::Ended(now - self.ends));
        } else if self.begins > now {
            concerns.push(Concern::NotYet(self.begins - now));
        } else if self.ends - now < SOON.min((self.ends - self.begins) / 3) {
            concerns.push(Concern::EndsSoon(self.ends - now));
        }
        if self.is_authority {
            concerns.push(Concern::Authority);
        }
        let missing = hosts.into_iter().filter(|host| !self.is_for(host));
        concerns.extend(missing.map(|host| Concern::NotFor(host.to_owned())));
        concerns
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("begins", &self.begins)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(ago) => write!(
                formatter,
                "the certificate ended {} ago, and clients refuse it; renew it",
                span(*ago)
            ),
            Self::NotYet(until) => write!(
                formatter,
                "the certificate begins in {}, and clients refuse it until then; look at the clocks of this machine and of the one that made it",
                span(*until)
            ),
            Self::EndsSoon(until) => write!(
                formatter,
                "the certificate ends in {}; renew it, the new files are taken over without a restart",
                span(*until)
            ),
            Self::Authority => formatter.write_str(
                "the certificate is an authority's own, which some clients refuse for a server; let the authority sign one for the host",
            ),
            Self::NotFor(host) => write!(
                formatter,
                "the certificate is not for `{host}`, and clients that ask for it there refuse it"
            ),
        }
    }
}

/// All certificates of a PEM text, which must have one.
pub(crate) fn certificates(
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, ListeningError> {
    let mut found = Vec::new();
    for (at, der) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let der = der.map_err(|error| malformed(path, at, &error))?;
        X509Certificate::from_der(&der)
            .map_err(|_| malformed(path, at, &"it is no X.509 certificate"))?;
        found.push(der);
    }
    if found.is_empty() {
        return Err(ListeningError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(found)
}

fn private_key(text: PairText<'_>) -> Result<PrivateKeyDer<'static>, ListeningError> {
    let path = text.key_path.to_owned();
    PrivateKeyDer::from_pem_slice(text.key).map_err(|error| {
        let encrypted = [
            b"ENCRYPTED PRIVATE KEY".as_slice(),
            b"Proc-Type: 4,ENCRYPTED",
        ];
        let has = |part: &[u8]| text.key.windows(part.len()).any(|window| window == part);
        match error {
            _ if encrypted.into_iter().any(has) => ListeningError::KeyEncrypted { path },
            PemError::NoItemsFound => ListeningError::NoKey { path },
            other => ListeningError::KeyForm {
                path,
                why: other.to_string(),
            },
        }
    })
}

/// Whether the key is that of the certificate at `at`. A key that cannot tell its public half is
/// taken to be.
fn fits(certified: &CertifiedKey, at: usize) -> bool {
    let Some(public) = certified.key.public_key() else {
        return at == 0;
    };
    let parsed = certified
        .cert
        .get(at)
        .map(|der| X509Certificate::from_der(der));
    matches!(parsed, Some(Ok((_, certificate))) if certificate.public_key().raw == public.as_ref())
}

fn malformed(path: &Path, at: usize, why: &dyn fmt::Display) -> ListeningError {
    ListeningError::CertificateForm {
        path: path.to_owned(),
        number: at + 1,
        why: why.to_string(),
    }
}

/// A time as one would say it, in days, hours or minutes.
fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        172_800.. => (seconds / 86_400, "days"),
        7_200.. => (seconds / 3_600, "hours"),
        120.. => (seconds / 60, "minutes"),
        _ => (seconds, "seconds"),
    };
    format!("{count} {unit}")
}

/// Two weeks, of certificates that live long enough for that.
const SOON: i64 = 14 * 86_400;

#[cfg(test)]
mod tests;
