//! One public key as JSON (RFC 7517 §4).

use aws_lc_rs::digest;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::shown;
use crate::{JoseError, der, encoding};

/// A public JSON Web Key.
///
/// Reading is lenient: members that this crate does not know are dropped, so that any provider's
/// set can be read. Writing is strict and minimal: `kty, kid, use, alg` and `n, e` or `crv, x, y`,
/// nothing else, because AWS refuses a key that carries `key_ops` and compares `x5c` when it is
/// there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Jwk {
    /// Key type: `RSA` or `EC` can be used, others can only be read.
    pub kty: String,
    /// The key's name within its set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `use`: `sig` or `enc`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub key_use: Option<String>,
    /// The algorithm that the key is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// RSA modulus, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Curve: `P-256`, `P-384` or `P-521`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// X coordinate, base64url, as long as the curve's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Y coordinate, base64url, as long as the curve's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// `key_ops`, if the set carries them. Never written.
    #[serde(default, skip_serializing)]
    pub key_ops: Option<Vec<String>>,
    /// Certificate chain, base64 of DER, leaf first. Never written.
    #[serde(default, skip_serializing)]
    pub x5c: Option<Vec<String>>,
    /// Whether the text also held the private half (`d`) or a shared secret (`k`). The material
    /// itself is not kept.
    #[serde(
        default,
        rename = "d",
        alias = "k",
        skip_serializing,
        deserialize_with = "present"
    )]
    pub private: bool,
}

impl Jwk {
    /// Reads one JWK from JSON text.
    ///
    /// # Errors
    /// [`JoseError::Jwk`] with line and column if the text is not a JSON object with a `kty`.
    pub fn parse(json: &[u8]) -> Result<Self, JoseError> {
        serde_json::from_slice(json).map_err(|error| JoseError::Jwk {
            why: error.to_string(),
        })
    }

    /// The RFC 7638 thumbprint: SHA-256 over the required members in their fixed order, base64url.
    ///
    /// # Errors
    /// As [`VerifyingKey::from_jwk`](crate::VerifyingKey::from_jwk) for missing members and foreign
    /// key types.
    pub fn thumbprint(&self) -> Result<String, JoseError> {
        let members: Vec<(&str, &str)> = match self.kty.as_str() {
            "RSA" => vec![
                ("e", self.member("e", "RSA", &self.e)?),
                ("kty", "RSA"),
                ("n", self.member("n", "RSA", &self.n)?),
            ],
            "EC" => vec![
                ("crv", self.member("crv", "EC", &self.crv)?),
                ("kty", "EC"),
                ("x", self.member("x", "EC", &self.x)?),
                ("y", self.member("y", "EC", &self.y)?),
            ],
            other => {
                return Err(JoseError::KeyType {
                    found: shown(other),
                });
            }
        };
        let mut canonical = String::from("{");
        for (at, (name, value)) in members.iter().enumerate() {
            if at > 0 {
                canonical.push(',');
            }
            canonical.push_str(&serde_json::json!(name).to_string());
            canonical.push(':');
            canonical.push_str(&serde_json::json!(value).to_string());
        }
        canonical.push('}');
        let hash = digest::digest(&digest::SHA256, canonical.as_bytes());
        Ok(encoding::encode(hash.as_ref()))
    }

    /// Whether the key may sign tokens: its `use` is absent or `sig`.
    #[must_use]
    pub fn is_for_signatures(&self) -> bool {
        self.key_use
            .as_deref()
            .is_none_or(|key_use| key_use == "sig")
    }

    /// Whether the first certificate of `x5c` holds this very key; `None` without `x5c`.
    ///
    /// The certificate is searched for the key's own encoding (`RSAPublicKey`, or the uncompressed
    /// point); it is not validated, since no trust is taken from it.
    #[must_use]
    pub fn agrees_with_certificate(&self) -> Option<bool> {
        let chain = self.x5c.as_ref()?;
        let Some(certificate) = chain
            .first()
            .and_then(|leaf| encoding::decode_standard(leaf))
        else {
            return Some(false);
        };
        let Some(key) = self.encoded_key() else {
            return Some(false);
        };
        Some(certificate.windows(key.len()).any(|window| window == key))
    }

    fn encoded_key(&self) -> Option<Vec<u8>> {
        match self.kty.as_str() {
            "RSA" => {
                let modulus = encoding::decode(self.n.as_ref()?)?;
                let exponent = encoding::decode(self.e.as_ref()?)?;
                Some(der::write_rsa_public_key(&modulus, &exponent))
            }
            "EC" => {
                let mut point = vec![4];
                point.extend(encoding::decode(self.x.as_ref()?)?);
                point.extend(encoding::decode(self.y.as_ref()?)?);
                Some(point)
            }
            _ => None,
        }
    }

    pub(crate) fn member<'j>(
        &'j self,
        name: &'static str,
        kty: &'static str,
        value: &'j Option<String>,
    ) -> Result<&'j str, JoseError> {
        value
            .as_deref()
            .ok_or(JoseError::JwkMemberMissing { name, kty })
    }
}

/// Notes that a member is there without keeping its value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}
