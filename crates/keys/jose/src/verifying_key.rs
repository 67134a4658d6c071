//! A public key, parsed once and ready to verify.

use std::fmt;

use aws_lc_rs::signature::{
    self, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents,
};

use crate::error::shown;
use crate::{Algorithm, JoseError, Jwk, encoding};

/// A public key that verifies signatures. Parsed once; cheap to share between threads.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa {
        modulus_bytes: usize,
        sha256: ParsedPublicKey,
        sha384: ParsedPublicKey,
        sha512: ParsedPublicKey,
    },
    Ec {
        curve: Curve,
        key: ParsedPublicKey,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

impl VerifyingKey {
    /// Takes the key out of a JWK. Only `kty` and the key's own members are used: neither `alg`,
    /// `use`, `key_ops` nor `x5c` limits the result, since what they mean is the caller's to judge.
    ///
    /// # Errors
    /// Missing or malformed members, RSA keys outside 2048 to 8192 bits or with an even or tiny
    /// exponent, points that are not on their curve, and key types other than RSA and EC.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, JoseError> {
        let material = match jwk.kty.as_str() {
            "RSA" => rsa(jwk)?,
            "EC" => ec(jwk)?,
            other => {
                return Err(JoseError::KeyType {
                    found: shown(other),
                });
            }
        };
        Ok(Self {
            kid: jwk.kid.clone(),
            material,
        })
    }

    /// The JWK's `kid`, if it had one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Verifies `signature` over `message`.
    ///
    /// # Errors
    /// [`JoseError::KeyMismatch`] if the algorithm is not of this key, otherwise one of the
    /// `Signature*` errors.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), JoseError> {
        let (key, expected) = self.key_for(algorithm)?;
        if signature.is_empty() {
            return Err(JoseError::SignatureMissing);
        }
        if signature.len() != expected {
            return Err(if !algorithm.is_rsa() && signature[0] == 0x30 {
                JoseError::SignatureIsDer { algorithm }
            } else {
                JoseError::SignatureLength {
                    algorithm,
                    expected,
                    found: signature.len(),
                }
            });
        }
        key.verify_sig(message, signature)
            .map_err(|_| JoseError::SignatureInvalid)
    }

    /// What the key is, in a word for messages: `RSA`, `EC P-256`, ...
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.material {
            Material::Rsa { .. } => "RSA",
            Material::Ec { curve, .. } => curve.kind(),
        }
    }

    fn key_for(&self, algorithm: Algorithm) -> Result<(&ParsedPublicKey, usize), JoseError> {
        match (&self.material, algorithm) {
            (
                Material::Rsa {
                    modulus_bytes,
                    sha256,
                    sha384,
                    sha512,
                },
                Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512,
            ) => {
                let key = match algorithm {
                    Algorithm::Rs384 => sha384,
                    Algorithm::Rs512 => sha512,
                    _ => sha256,
                };
                Ok((key, *modulus_bytes))
            }
            (Material::Ec { curve, key }, algorithm) if curve.algorithm() == algorithm => {
                Ok((key, 2 * curve.field_bytes()))
            }
            _ => Err(JoseError::KeyMismatch {
                algorithm,
                key: self.kind(),
            }),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("kind", &self.kind())
            .finish()
    }
}

impl Curve {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::P256 => "EC P-256",
            Self::P384 => "EC P-384",
            Self::P521 => "EC P-521",
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }

    fn field_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::P521 => &signature::ECDSA_P521_SHA512_FIXED,
        }
    }
}

fn rsa(jwk: &Jwk) -> Result<Material, JoseError> {
    let n = unsigned("n", jwk.member("n", "RSA", &jwk.n)?)?;
    let e = unsigned("e", jwk.member("e", "RSA", &jwk.e)?)?;
    // invariant: `unsigned` gives at least one byte, and the first is not 0.
    let bits = n.len() * 8 - n[0].leading_zeros() as usize;
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(JoseError::JwkMember {
            name: "n",
            why: format!("has {bits} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted"),
        });
    }
    if e == [1] || e.len() > 4 || e.last().is_none_or(|last| last % 2 == 0) {
        return Err(JoseError::JwkMember {
            name: "e",
            why: "must be an odd number from 3 to 2^32".to_owned(),
        });
    }
    let modulus_bytes = n.len();
    let components = RsaPublicKeyComponents { n, e };
    let parsed = |parameters: &'static RsaParameters| {
        components
            .to_parsed_public_key(parameters)
            .map_err(|_| JoseError::JwkMember {
                name: "n",
                why: "is not an RSA modulus".to_owned(),
            })
    };
    Ok(Material::Rsa {
        modulus_bytes,
        sha256: parsed(&signature::RSA_PKCS1_2048_8192_SHA256)?,
        sha384: parsed(&signature::RSA_PKCS1_2048_8192_SHA384)?,
        sha512: parsed(&signature::RSA_PKCS1_2048_8192_SHA512)?,
    })
}

fn ec(jwk: &Jwk) -> Result<Material, JoseError> {
    let name = jwk.member("crv", "EC", &jwk.crv)?;
    let curve = Curve::from_name(name).ok_or_else(|| JoseError::KeyType { found: shown(name) })?;
    let mut point = Vec::with_capacity(1 + 2 * curve.field_bytes());
    point.push(4);
    point.extend(coordinate("x", jwk.member("x", "EC", &jwk.x)?, curve)?);
    point.extend(coordinate("y", jwk.member("y", "EC", &jwk.y)?, curve)?);
    let key =
        ParsedPublicKey::new(curve.verification(), point).map_err(|_| JoseError::JwkMember {
            name: "x",
            why: "and `y` are not a point of the curve".to_owned(),
        })?;
    Ok(Material::Ec { curve, key })
}

fn unsigned(name: &'static str, text: &str) -> Result<Vec<u8>, JoseError> {
    let bytes = decoded(name, text)?;
    if bytes.first().is_none_or(|&first| first == 0) {
        return Err(JoseError::JwkMember {
            name,
            why: "must be a positive number without leading zero bytes".to_owned(),
        });
    }
    Ok(bytes)
}

fn coordinate(name: &'static str, text: &str, curve: Curve) -> Result<Vec<u8>, JoseError> {
    let bytes = decoded(name, text)?;
    if bytes.len() != curve.field_bytes() {
        return Err(JoseError::JwkMember {
            name,
            why: format!(
                "has {} bytes; {} needs exactly {}",
                bytes.len(),
                curve.kind(),
                curve.field_bytes()
            ),
        });
    }
    Ok(bytes)
}

fn decoded(name: &'static str, text: &str) -> Result<Vec<u8>, JoseError> {
    encoding::decode(text).ok_or_else(|| JoseError::JwkMember {
        name,
        why: "is not canonical base64url without padding".to_owned(),
    })
}

const MIN_RSA_BITS: usize = 2048;
const MAX_RSA_BITS: usize = 8192;
