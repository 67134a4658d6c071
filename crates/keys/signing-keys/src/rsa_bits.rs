//! The sizes of RSA key that a tenant may have.

use rolecall_jose::KeyKind;

use crate::SigningKeysError;

/// Size of a tenant's RSA key. Larger is slower: 3072 bits sign at a third, 4096 at a sixth of the
/// rate of 2048.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RsaBits {
    /// 2048 bits: the default, known to work with AWS.
    #[default]
    B2048,
    /// 3072 bits.
    B3072,
    /// 4096 bits.
    B4096,
}

impl RsaBits {
    /// Bits of the modulus.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::B2048 => 2048,
            Self::B3072 => 3072,
            Self::B4096 => 4096,
        }
    }

    pub(crate) fn kind(self) -> KeyKind {
        match self {
            Self::B2048 => KeyKind::Rsa2048,
            Self::B3072 => KeyKind::Rsa3072,
            Self::B4096 => KeyKind::Rsa4096,
        }
    }
}

impl TryFrom<u32> for RsaBits {
    type Error = SigningKeysError;

    fn try_from(bits: u32) -> Result<Self, Self::Error> {
        match bits {
            2048 => Ok(Self::B2048),
            3072 => Ok(Self::B3072),
            4096 => Ok(Self::B4096),
            given => Err(SigningKeysError::RsaBits { given }),
        }
    }
}
