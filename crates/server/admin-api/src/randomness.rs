//! Where random bits come from.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::refused::Refused;

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Refused> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|error| Refused::ours(&error))?;
    Ok(bytes)
}

/// A random word for a name.
pub(crate) fn word() -> Result<String, Refused> {
    Ok(URL_SAFE_NO_PAD.encode(random::<9>()?))
}
