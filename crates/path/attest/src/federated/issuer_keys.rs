//! The published keys of a trusted issuer.

use rolecall_jose::{Algorithm, Header, Jwk, JwkSet, VerifyingKey};

use crate::error::shown;
use crate::federated::EvidenceError;

/// The keys with which an issuer signs, parsed once.
///
/// Keys for encryption, of unknown kinds, malformed ones and those that were published with their
/// private half are passed over, since one of them must not make the others useless.
#[derive(Clone, Debug, Default)]
pub struct IssuerKeys(Vec<PublishedKey>);

#[derive(Clone, Debug)]
struct PublishedKey {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    is_rsa: bool,
    key: VerifyingKey,
}

impl IssuerKeys {
    /// Takes the usable keys of a set, at most 128.
    #[must_use]
    pub fn new(set: &JwkSet) -> Self {
        Self(
            set.keys
                .iter()
                .filter_map(PublishedKey::read)
                .take(MOST)
                .collect(),
        )
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a token that names `kid` could be judged; one that names none can be as long as
    /// there is a key.
    #[must_use]
    pub fn knows(&self, kid: Option<&str>) -> bool {
        match kid {
            Some(kid) => self.0.iter().any(|key| key.kid.as_deref() == Some(kid)),
            None => !self.0.is_empty(),
        }
    }

    /// The one key that may have signed a token with this header. What the key is for decides, not
    /// what the token says: an RSA key verifies RS256 and never anything else.
    pub(super) fn for_header(
        &self,
        header: &Header,
        algorithm: Algorithm,
    ) -> Result<&VerifyingKey, EvidenceError> {
        let mut fitting = self.0.iter().filter(|key| key.fits(algorithm));
        match header.kid() {
            Some(kid) => fitting
                .rfind(|key| key.kid.as_deref() == Some(kid))
                .map(|key| &key.key)
                .ok_or_else(|| EvidenceError::UnknownKey { kid: shown(kid) }),
            None => match (fitting.next(), fitting.count()) {
                (Some(only), 0) => Ok(&only.key),
                (first, others) => Err(EvidenceError::KidMissing {
                    keys: usize::from(first.is_some()) + others,
                }),
            },
        }
    }
}

impl PublishedKey {
    fn read(jwk: &Jwk) -> Option<Self> {
        if jwk.private || !jwk.is_for_signatures() {
            return None;
        }
        let algorithm = match &jwk.alg {
            Some(name) => Some(name.parse().ok()?),
            None => None,
        };
        Some(Self {
            kid: jwk.kid.clone(),
            algorithm,
            is_rsa: jwk.kty == "RSA",
            key: VerifyingKey::from_jwk(jwk).ok()?,
        })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.is_rsa == algorithm.is_rsa()
            && self
                .algorithm
                .is_none_or(|registered| registered == algorithm)
    }
}

const MOST: usize = 128;
