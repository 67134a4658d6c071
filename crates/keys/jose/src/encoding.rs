//! Base64url without padding, canonical only (RFC 7515 §2, RFC 4648 §3.5).

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::{DecodeError, Engine as _};

use crate::{JoseError, Part};

/// Decodes one part of a token.
///
/// # Errors
/// `Base64` for a foreign character, padding or length; `NotCanonical` for unused bits.
pub(crate) fn decode_part(text: &str, part: Part) -> Result<Vec<u8>, JoseError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|error| match error {
        DecodeError::InvalidLastSymbol(..) => JoseError::NotCanonical { part },
        _ => JoseError::Base64 { part },
    })
}

/// Decodes the value of a JWK member; `None` if it is not canonical base64url.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes into a new text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Encodes behind what `out` already holds.
pub(crate) fn encode_into(bytes: &[u8], out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

/// Characters that `bytes` bytes take when encoded.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Decodes ordinary base64 with padding, as in PEM and `x5c`.
pub(crate) fn decode_standard(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Encodes as ordinary base64 with padding.
pub(crate) fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
