//! The one key that an operator keeps: 32 random bytes.

use std::fmt;

use aws_lc_rs::hkdf::{self, HKDF_SHA256};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use zeroize::Zeroizing;

use crate::SealedError;

/// The key that wraps the data key of every sealed value. It never encrypts data itself.
///
/// `Debug` shows its [id](Self::id) only.
pub struct MasterKey {
    wrapping: SecretBox<[u8; KEY_BYTES]>,
    master: SecretBox<[u8; KEY_BYTES]>,
    id: [u8; ID_BYTES],
}

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`SealedError::Crypto`] if the system's random source fails.
    pub fn generate() -> Result<Self, SealedError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(bytes.as_mut()).map_err(|_| SealedError::Crypto)?;
        Self::from_bytes(&bytes)
    }

    /// Reads the key from ordinary base64 with padding; blanks and newlines around it are ignored.
    /// For the environment variable and the key file.
    ///
    /// # Errors
    /// [`SealedError::MasterKeyForm`].
    pub fn from_base64(text: &SecretString) -> Result<Self, SealedError> {
        let text = text.expose_secret().trim();
        let decoded = Zeroizing::new(
            STANDARD
                .decode(text)
                .map_err(|_| SealedError::MasterKeyForm)?,
        );
        let bytes = decoded
            .as_slice()
            .try_into()
            .map_err(|_| SealedError::MasterKeyForm)?;
        Self::from_bytes(bytes)
    }

    /// The key as ordinary base64, 44 characters.
    #[must_use]
    pub fn to_base64(&self) -> SecretString {
        SecretString::from(STANDARD.encode(self.master.expose_secret()))
    }

    /// A name for the key that tells nothing about it: 8 bytes derived from it. Every sealed value
    /// carries it, so that a wrong master key is told apart from a damaged value.
    #[must_use]
    pub fn id(&self) -> [u8; ID_BYTES] {
        self.id
    }

    /// Derives the key's id and wrapping key by HKDF-SHA-256 (RFC 5869).
    ///
    /// # Errors
    /// [`SealedError::Crypto`] if the crypto library fails.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, SealedError> {
        let derived = hkdf::Salt::new(HKDF_SHA256, SALT).extract(bytes);
        let mut wrapping = Box::new([0; KEY_BYTES]);
        let mut id = [0; ID_BYTES];
        derived
            .expand(&[b"wrapping key"], Length(KEY_BYTES))
            .and_then(|okm| okm.fill(wrapping.as_mut()))
            .and_then(|()| derived.expand(&[b"key id"], Length(ID_BYTES)))
            .and_then(|okm| okm.fill(&mut id))
            .map_err(|_| SealedError::Crypto)?;
        Ok(Self {
            wrapping: SecretBox::new(wrapping),
            master: SecretBox::new(Box::new(*bytes)),
            id,
        })
    }

    pub(crate) fn wrapping_key(&self) -> &[u8; KEY_BYTES] {
        self.wrapping.expose_secret()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({:016x})", u64::from_be_bytes(self.id))
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const ID_BYTES: usize = 8;
const SALT: &[u8] = b"rolecall sealed 1";
