//! Envelope encryption: each value under its own random key, that key under the master key.
//!
//! ```text
//! version 1 | master key id 8 | nonce 12 | wrapped data key 32+16 | nonce 12 | value n+16
//! ```
//! Both layers are AES-256-GCM. The associated data of both is everything before them plus the
//! record's identity, so neither part can be exchanged for that of another record.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use secrecy::{ExposeSecret as _, SecretSlice};
use zeroize::Zeroizing;

use crate::master_key::{ID_BYTES, KEY_BYTES};
use crate::{MasterKey, SealedError};

/// Seals `secret` under the master key for the record that `record` names (for instance tenant and
/// key id; any bytes, not kept). The result is 97 bytes longer than the secret and may be stored
/// anywhere. About 2 µs.
///
/// # Errors
/// [`SealedError::Crypto`] if the random source or the crypto library fails.
pub fn seal(master: &MasterKey, record: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealedError> {
    let mut data_key = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(data_key.as_mut()).map_err(|_| SealedError::Crypto)?;

    let mut sealed = Vec::with_capacity(OVERHEAD + secret.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(&master.id());
    append(
        &mut sealed,
        master.wrapping_key(),
        record,
        data_key.as_ref(),
    )?;
    append(&mut sealed, data_key.as_ref(), record, secret)?;
    Ok(sealed)
}

/// Opens what [`seal`] made for the same record.
///
/// # Errors
/// `Truncated`, `Version`, `OtherMasterKey`, or `NotAuthentic` for a value that was altered or
/// sealed for another record.
pub fn open(
    master: &MasterKey,
    record: &[u8],
    sealed: &[u8],
) -> Result<SecretSlice<u8>, SealedError> {
    if let Some(&found) = sealed.first()
        && found != VERSION
    {
        return Err(SealedError::Version {
            found,
            known: VERSION,
        });
    }
    if sealed.len() < OVERHEAD {
        return Err(SealedError::Truncated {
            length: sealed.len(),
        });
    }
    if sealed[1..HEADER] != master.id() {
        return Err(SealedError::OtherMasterKey);
    }
    let unwrapped = take(sealed, HEADER, WRAPPED, master.wrapping_key(), record)?;
    let data_key = Zeroizing::new(unwrapped);
    let secret = take(sealed, WRAPPED, sealed.len(), &data_key, record)?;
    Ok(SecretSlice::from(secret))
}

/// What [`seal`] made under `old`, for the same record under `new`. What is sealed under `new`
/// already comes back as it is, if it opens.
///
/// # Errors
/// As [`open`]; [`SealedError::OtherMasterKey`] if it is sealed under neither.
pub fn reseal(
    old: &MasterKey,
    new: &MasterKey,
    record: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, SealedError> {
    match open(old, record, sealed) {
        Ok(secret) => seal(new, record, secret.expose_secret()),
        Err(SealedError::OtherMasterKey) => open(new, record, sealed).map(|_| sealed.to_vec()),
        Err(error) => Err(error),
    }
}

/// Encrypts `plain` behind what `out` holds, which is authenticated with it.
fn append(out: &mut Vec<u8>, key: &[u8], record: &[u8], plain: &[u8]) -> Result<(), SealedError> {
    let mut nonce = [0; NONCE];
    rand::fill(&mut nonce).map_err(|_| SealedError::Crypto)?;
    let associated = [out.as_slice(), record].concat();
    out.extend_from_slice(&nonce);
    let start = out.len();
    out.extend_from_slice(plain);
    let tag = cipher(key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            &mut out[start..],
        )
        .map_err(|_| SealedError::Crypto)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// Decrypts `sealed[from..to]`, authenticated with everything before it.
fn take(
    sealed: &[u8],
    from: usize,
    to: usize,
    key: &[u8],
    record: &[u8],
) -> Result<Vec<u8>, SealedError> {
    let (nonce, ciphertext) =
        sealed[from..to]
            .split_at_checked(NONCE)
            .ok_or(SealedError::Truncated {
                length: sealed.len(),
            })?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealedError::NotAuthentic)?;
    let associated = [&sealed[..from], record].concat();
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let plain = cipher(key)?
        .open_in_place(nonce, Aad::from(associated), &mut buffer)
        .map_err(|_| SealedError::NotAuthentic)?;
    Ok(plain.to_vec())
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, SealedError> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| SealedError::Crypto)
}

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;
const HEADER: usize = 1 + ID_BYTES;
const WRAPPED: usize = HEADER + NONCE + KEY_BYTES + TAG;
const OVERHEAD: usize = WRAPPED + NONCE + TAG;
