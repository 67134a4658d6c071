//! The published keys of an issuer (RFC 7517 §5).

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::error::shown;
use crate::{JoseError, Jwk};

/// A JWK set: what an issuer serves at its `jwks_uri`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JwkSet {
    /// The keys in the order of the document.
    #[serde(deserialize_with = "readable_keys")]
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// A set of these keys, in this order.
    #[must_use]
    pub fn new(keys: Vec<Jwk>) -> Self {
        Self { keys }
    }

    /// Reads a set from JSON text. Entries that are no readable JWK are left out, as RFC 7517 §5
    /// advises.
    ///
    /// # Errors
    /// [`JoseError::JwkSet`] if the text is not a JSON object with an array `keys`.
    pub fn parse(json: &[u8]) -> Result<Self, JoseError> {
        serde_json::from_slice(json).map_err(|error| JoseError::JwkSet {
            why: error.to_string(),
        })
    }

    /// The signing key that a token with this `kid` asks for, by the rules that AWS was seen to
    /// follow: keys for encryption are passed over, of two keys with one name the later wins, and a
    /// token without a name is served only if there is exactly one signing key.
    ///
    /// # Errors
    /// [`JoseError::KidUnknown`] or [`JoseError::KidMissing`].
    pub fn signing_key(&self, kid: Option<&str>) -> Result<&Jwk, JoseError> {
        let mut signing = self.keys.iter().filter(|key| key.is_for_signatures());
        match kid {
            Some(kid) => signing
                .rfind(|key| key.kid.as_deref() == Some(kid))
                .ok_or_else(|| JoseError::KidUnknown { kid: shown(kid) }),
            None => match (signing.next(), signing.count()) {
                (Some(only), 0) => Ok(only),
                (first, others) => Err(JoseError::KidMissing {
                    signing_keys: usize::from(first.is_some()) + others,
                }),
            },
        }
    }
}

fn readable_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Jwk>, D::Error> {
    let entries = Vec::<serde_json::Value>::deserialize(deserializer)?;
    Ok(entries
        .into_iter()
        .filter_map(|entry| serde_json::from_value(entry).ok())
        .collect())
}
