//! The two forms of an ES256 signature: `r || s`, which a JWS carries (RFC 7518 §3.4), and DER,
//! which X.509, PKCS and most services use.

use crate::{Algorithm, JoseError, der};

/// `r || s`, 64 bytes, from an `ECDSA-Sig-Value` (RFC 3279 §2.2.3).
///
/// # Errors
/// [`JoseError::SignatureLength`] for anything that is not one of two positive numbers of at most
/// 32 bytes.
pub fn es256_from_der(signature: &[u8]) -> Result<Vec<u8>, JoseError> {
    der::read_ecdsa_signature(signature, HALF).ok_or(JoseError::SignatureLength {
        algorithm: Algorithm::Es256,
        expected: 2 * HALF,
        found: signature.len(),
    })
}

/// An `ECDSA-Sig-Value` from `r || s`.
///
/// # Errors
/// [`JoseError::SignatureLength`] for anything but 64 bytes.
pub fn es256_to_der(signature: &[u8]) -> Result<Vec<u8>, JoseError> {
    if signature.len() != 2 * HALF {
        return Err(JoseError::SignatureLength {
            algorithm: Algorithm::Es256,
            expected: 2 * HALF,
            found: signature.len(),
        });
    }
    Ok(der::write_ecdsa_signature(signature))
}

const HALF: usize = 32;
