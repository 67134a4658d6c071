//! One public key as JSON (RFC 7517 §4).

use aws_lc_rs::digest;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::error::shown;
use crate::{Algorithm, JoseError, der, encoding};

/// A public JSON Web Key.
///
/// Reading is lenient: members that this crate does not know are dropped, so that any provider's
/// set can be read. Writing is strict and minimal: `kty, kid, use, alg` and `n, e` or `crv, x, y`,
/// because AWS refuses a key that carries `key_ops` and compares `x5c` when it is there; a
/// certificate is written only if it was [given on purpose](Self::with_certificate).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// Certificate chain, base64 of DER, leaf first, as it was read. Not written.
    #[serde(default, skip_serializing)]
    pub x5c: Option<Vec<String>>,
    /// The certificate that is published with the key.
    #[serde(
        rename = "x5c",
        skip_deserializing,
        skip_serializing_if = "Option::is_none"
    )]
    certificate: Option<[String; 1]>,
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

    /// An RSA key that signs RS256, in the form in which it is published, named by its thumbprint.
    /// Modulus and exponent are big-endian; leading zeros are left out.
    ///
    /// # Errors
    /// `Jwk*` if no such key can be [used](crate::VerifyingKey::from_jwk).
    pub fn rs256(modulus: &[u8], exponent: &[u8]) -> Result<Self, JoseError> {
        let number = |bytes: &[u8]| {
            let start = bytes.iter().position(|&byte| byte != 0);
            encoding::encode(&bytes[start.unwrap_or(bytes.len())..])
        };
        Self {
            kty: "RSA".to_owned(),
            alg: Some(Algorithm::Rs256.as_str().to_owned()),
            n: Some(number(modulus)),
            e: Some(number(exponent)),
            ..Self::default()
        }
        .published()
    }

    /// A P-256 key that signs ES256, in the form in which it is published, named by its
    /// thumbprint. `point` is uncompressed (SEC 1 §2.3.3): 0x04, then both coordinates of 32 bytes.
    ///
    /// # Errors
    /// `Jwk*` if it is not a point of the curve in this form.
    pub fn es256(point: &[u8]) -> Result<Self, JoseError> {
        let coordinates = match point {
            [4, coordinates @ ..] if coordinates.len() == 64 => coordinates,
            _ => {
                return Err(JoseError::JwkMember {
                    name: "x",
                    why: "must come from an uncompressed point of 65 bytes".to_owned(),
                });
            }
        };
        Self {
            kty: "EC".to_owned(),
            alg: Some(Algorithm::Es256.as_str().to_owned()),
            crv: Some("P-256".to_owned()),
            x: Some(encoding::encode(&coordinates[..32])),
            y: Some(encoding::encode(&coordinates[32..])),
            ..Self::default()
        }
        .published()
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280 §4.1) of an RSA or P-256 key, in the form in which
    /// it is published.
    ///
    /// # Errors
    /// [`JoseError::PublicKeyRefused`] for any other key or text, otherwise as
    /// [`rs256`](Self::rs256) and [`es256`](Self::es256).
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, JoseError> {
        match der::read_spki(spki).ok_or(JoseError::PublicKeyRefused)? {
            der::Spki::Rsa { modulus, exponent } => Self::rs256(modulus, exponent),
            der::Spki::P256 { point } => Self::es256(point),
        }
    }

    /// The same key with a certificate (DER), which is written with it.
    #[must_use]
    pub fn with_certificate(mut self, certificate: &[u8]) -> Self {
        self.x5c = Some(vec![encoding::encode_standard(certificate)]);
        self.publishing_certificate()
    }

    /// The same key; the first certificate that it was read with is written with it again.
    #[must_use]
    pub fn publishing_certificate(mut self) -> Self {
        let first = self.x5c.as_ref().and_then(|chain| chain.first());
        self.certificate = first.map(|first| [first.clone()]);
        self
    }

    /// The same key without any certificate.
    #[must_use]
    pub fn without_certificate(mut self) -> Self {
        self.x5c = None;
        self.certificate = None;
        self
    }

    /// Names the key and makes sure that it can be used.
    fn published(mut self) -> Result<Self, JoseError> {
        self.key_use = Some("sig".to_owned());
        self.kid = Some(self.thumbprint()?);
        crate::VerifyingKey::from_jwk(&self)?;
        Ok(self)
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
        let Some(key) = self.public_key_der() else {
            return Some(false);
        };
        Some(certificate.windows(key.len()).any(|window| window == key))
    }

    /// The key as it stands in the bit string of a `SubjectPublicKeyInfo`: an `RSAPublicKey`
    /// (RFC 8017 §A.1.1) or an uncompressed point. `None` if a member is missing or malformed.
    #[must_use]
    pub fn public_key_der(&self) -> Option<Vec<u8>> {
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
