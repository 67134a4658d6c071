//! What is sealed for a key: what is public about it, so that it can be published without being
//! parsed, and the private key or the reference to it.
//!
//! ```text
//! 1 | length 4, big-endian | head, JSON | PKCS#8 DER, or nothing
//! ```
//! A value that begins with 0x30 is a bare PKCS#8 document, which is how the first release sealed
//! keys.

use rolecall_jose::{JoseError, Jwk, SigningKey};
use rolecall_sealed::{ExposeSecret as _, SecretSlice, Zeroizing};
use serde::{Deserialize, Serialize};

/// What is public about a key, and who holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    /// With its certificate.
    pub(crate) public: Jwk,
    pub(crate) backend: String,
    /// How the backend finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
}

/// What was sealed.
pub(crate) enum Document {
    /// As the first release wrote it.
    Bare(SigningKey),
    Headed {
        head: Head,
        pkcs8: SecretSlice<u8>,
    },
}

impl Document {
    pub(crate) fn write(head: &Head, pkcs8: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let json = serde_json::to_vec(head).ok()?;
        let length = u32::try_from(json.len()).ok()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(5 + json.len() + pkcs8.len()));
        bytes.push(VERSION);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&json);
        bytes.extend_from_slice(pkcs8);
        Some(bytes)
    }

    /// `None` for a document that no release wrote.
    pub(crate) fn read(bytes: &SecretSlice<u8>) -> Option<Result<Self, JoseError>> {
        let bytes = bytes.expose_secret();
        let (&version, rest) = bytes.split_first()?;
        if version == BARE {
            return Some(SigningKey::from_pkcs8_der(bytes).map(Self::Bare));
        }
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (json, pkcs8) = rest.split_at_checked(length)?;
        let head = serde_json::from_slice(json).ok()?;
        (version == VERSION).then(|| {
            Ok(Self::Headed {
                head,
                pkcs8: SecretSlice::from(pkcs8.to_vec()),
            })
        })
    }
}

const VERSION: u8 = 1;

/// The tag of an ASN.1 sequence.
const BARE: u8 = 0x30;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Option<Result<Document, JoseError>> {
        Document::read(&SecretSlice::from(bytes.to_vec()))
    }

    #[test]
    fn a_document_is_read_as_it_was_written() {
        let head = Head {
            public: Jwk::parse(br#"{"kty":"EC"}"#).unwrap(),
            backend: "hsm".to_owned(),
            reference: Some("label".to_owned()),
        };
        let written = Document::write(&head, b"secret").unwrap();
        let Some(Ok(Document::Headed {
            head: read_head,
            pkcs8,
        })) = read(&written)
        else {
            panic!("not what was written");
        };
        assert_eq!(read_head.reference, head.reference);
        assert_eq!(read_head.backend, "hsm");
        assert_eq!(pkcs8.expose_secret(), b"secret");
        for cut in 0..written.len() - b"secret".len() {
            assert!(read(&written[..cut]).is_none(), "{cut}");
        }
        let mut newer = written.to_vec();
        newer[0] = 2;
        assert!(read(&newer).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_no_document(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!matches!(read(&bytes), Some(Ok(_))));
        }
    }
}
