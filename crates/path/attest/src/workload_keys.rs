//! The public keys that were registered for a workload.

use rolecall_jose::{Algorithm, Header, Jwk, VerifyingKey};

use crate::AttestError;
use crate::error::shown;

/// The keys of one workload, parsed once.
///
/// A key answers to its `kid` and to its RFC 7638 thumbprint. Where the JWK says `alg`, only that
/// algorithm is accepted with it.
#[derive(Clone, Debug)]
pub struct WorkloadKeys(Vec<RegisteredKey>);

#[derive(Clone, Debug)]
struct RegisteredKey {
    thumbprint: String,
    algorithm: Option<Algorithm>,
    key: VerifyingKey,
}

impl WorkloadKeys {
    /// Takes 1 to 16 public keys. The same key may be there twice.
    ///
    /// # Errors
    /// `Key` with its place for one that is malformed, for encryption, or private (a private key
    /// has no place in the issuer's configuration); `KeyCount`.
    pub fn new(keys: &[Jwk]) -> Result<Self, AttestError> {
        if !(1..=MOST).contains(&keys.len()) {
            return Err(AttestError::KeyCount {
                found: keys.len(),
                limit: MOST,
            });
        }
        keys.iter()
            .enumerate()
            .map(|(at, jwk)| {
                RegisteredKey::new(jwk).map_err(|why| AttestError::Key {
                    position: at + 1,
                    why,
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The one key that may have signed a token with this header.
    pub(crate) fn for_header(&self, header: &Header) -> Result<&VerifyingKey, AttestError> {
        let found = match header.kid() {
            Some(kid) => self
                .0
                .iter()
                .find(|registered| {
                    registered.key.kid() == Some(kid) || registered.thumbprint == kid
                })
                .ok_or_else(|| AttestError::UnknownKey { kid: shown(kid) })?,
            None => match self.0.as_slice() {
                [only] => only,
                several => {
                    return Err(AttestError::KidMissing {
                        keys: several.len(),
                    });
                }
            },
        };
        let algorithm = header.algorithm().map_err(AttestError::Jose)?;
        match found.algorithm {
            Some(registered) if registered != algorithm => Err(AttestError::AlgorithmOfKey {
                found: algorithm.to_string(),
                registered: registered.to_string(),
            }),
            _ => Ok(&found.key),
        }
    }
}

impl RegisteredKey {
    fn new(jwk: &Jwk) -> Result<Self, String> {
        if jwk.private {
            return Err(
                "it holds the private half; register the public JWK, and make a new key if others \
                 have seen this one"
                    .to_owned(),
            );
        }
        if !jwk.is_for_signatures() {
            return Err("its `use` is not `sig`".to_owned());
        }
        let algorithm = jwk
            .alg
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|error: rolecall_jose::JoseError| error.to_string())?;
        Ok(Self {
            thumbprint: jwk.thumbprint().map_err(|error| error.to_string())?,
            algorithm,
            key: VerifyingKey::from_jwk(jwk).map_err(|error| error.to_string())?,
        })
    }
}

const MOST: usize = 16;
