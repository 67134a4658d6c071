//! The signature algorithms that AWS accepts from an OIDC provider, and no other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::JoseError;

/// A JWS algorithm (RFC 7518 §3.1) that AWS STS accepts in a web-identity token.
///
/// `PS*`, `EdDSA`, `HS*` and `none` have no value here, so they cannot be chosen by mistake.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// ECDSA on P-256 with SHA-256; signature is `r || s`, 64 bytes.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384; signature is `r || s`, 96 bytes.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA on P-521 with SHA-512; signature is `r || s`, 132 bytes.
    #[serde(rename = "ES512")]
    Es512,
}

impl Algorithm {
    /// The name as it stands in a header's `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// Whether this algorithm signs with an RSA key.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rs256 | Self::Rs384 | Self::Rs512)
    }

    /// All algorithms, in the order of RFC 7518.
    pub const ALL: [Self; 6] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
    ];
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = JoseError;

    /// Reads an `alg` value. Names are case-sensitive (RFC 7515 §4.1.1).
    ///
    /// # Errors
    /// One error for each family that is refused on purpose: `none`, `HS*`, `PS*`, anything else.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(known) = Self::ALL.into_iter().find(|known| known.as_str() == name) {
            return Ok(known);
        }
        Err(if name.eq_ignore_ascii_case("none") {
            JoseError::AlgorithmNone
        } else if name.starts_with("HS") {
            JoseError::algorithm_symmetric(name)
        } else if name.starts_with("PS") {
            JoseError::algorithm_pss(name)
        } else {
            JoseError::algorithm_unknown(name)
        })
    }
}
