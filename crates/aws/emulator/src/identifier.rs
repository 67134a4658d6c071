//! Identifiers and keys in AWS's forms.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rolecall_names::AccountId;

use crate::secret::Secret;

/// The machine gave no random numbers.
#[derive(Debug)]
pub(crate) struct NoRandomness;

/// `AROA`, `AIDA`, `ANPA` and 17 characters.
pub(crate) fn unique_id(prefix: &str) -> Result<String, NoRandomness> {
    Ok(format!("{prefix}{}", characters::<17>()?))
}

/// `AKIA` or `ASIA` and 16 characters, of which the first eight encode the account so that
/// GetAccessKeyInfo can be told from the key alone.
pub(crate) fn access_key_id(prefix: &str, account: &AccountId) -> Result<String, NoRandomness> {
    let mut number: u64 = account.as_str().parse().unwrap_or_default();
    let mut encoded = [b'A'; 8];
    for place in encoded.iter_mut().rev() {
        *place = ALPHABET[(number % 32) as usize];
        number /= 32;
    }
    let encoded: String = encoded.iter().copied().map(char::from).collect();
    Ok(format!("{prefix}{encoded}{}", characters::<8>()?))
}

/// The account that an access key of this emulator belongs to.
pub(crate) fn account_of_key(access_key_id: &str) -> Option<AccountId> {
    let encoded = access_key_id.get(4..12)?;
    let mut number: u64 = 0;
    for byte in encoded.bytes() {
        let place = ALPHABET.iter().position(|&letter| letter == byte)?;
        number = number * 32 + place as u64;
    }
    format!("{number:012}").parse().ok()
}

/// 40 characters, 240 bits.
pub(crate) fn secret_access_key() -> Result<Secret, NoRandomness> {
    let bytes: [u8; 30] = random()?;
    Ok(Secret::new(STANDARD_NO_PAD.encode(bytes)))
}

/// A session token: opaque, as long as real ones are at the least.
pub(crate) fn session_token() -> Result<Secret, NoRandomness> {
    let bytes: [u8; 192] = random()?;
    Ok(Secret::new(format!(
        "FwoGZXIvYXdzE{}",
        STANDARD_NO_PAD.encode(bytes)
    )))
}

fn characters<const N: usize>() -> Result<String, NoRandomness> {
    let bytes: [u8; N] = random()?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect())
}

fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| NoRandomness)?;
    Ok(bytes)
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests;
