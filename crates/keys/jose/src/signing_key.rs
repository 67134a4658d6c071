//! A private key, parsed once and ready to sign.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::pem::PrivateKeyPem;
use crate::{Algorithm, JoseError, Jwk, compact, der, pem};

/// What kind of signing key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, 2048 bits: the default, and the fastest that AWS takes.
    Rsa2048,
    /// RSA, 3072 bits: about a third of the speed of 2048.
    Rsa3072,
    /// RSA, 4096 bits: about a sixth of the speed of 2048.
    Rsa4096,
    /// ECDSA on P-256: about forty times the speed of RSA-2048.
    P256,
}

/// A private key that signs tokens, RS256 or ES256.
///
/// The key is kept parsed: parsing anew for each signature costs nearly half of the RSA rate.
/// `Debug` shows kind and `kid` only.
pub struct SigningKey {
    pair: Pair,
    public: Jwk,
    kid: String,
    jwt_header: String,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// Makes a new key. RSA takes 0.1 s (2048 bits) to 2 s (4096 bits): call it on a blocking
    /// thread.
    ///
    /// # Errors
    /// [`JoseError::KeyGeneration`] if the system's random source or the crypto library fails.
    pub fn generate(kind: KeyKind) -> Result<Self, JoseError> {
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa);
        let pair = match kind {
            KeyKind::Rsa2048 => rsa(KeySize::Rsa2048),
            KeyKind::Rsa3072 => rsa(KeySize::Rsa3072),
            KeyKind::Rsa4096 => rsa(KeySize::Rsa4096),
            KeyKind::P256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256)
            }
        };
        Self::from_pair(pair.map_err(|_| JoseError::KeyGeneration)?)
    }

    /// Reads an unencrypted PKCS#8 private key: RSA of 2048 to 4096 bits or EC P-256.
    ///
    /// # Errors
    /// [`JoseError::PrivateKeyRefused`].
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, JoseError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map(Pair::Rsa).or_else(|_| {
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Pair::P256)
        });
        Self::from_pair(pair.map_err(|_| JoseError::PrivateKeyRefused)?)
    }

    /// Reads a PEM private key: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    ///
    /// # Errors
    /// `Pem*` for the text, `PrivateKey*` for the key in it.
    pub fn from_pem(text: &SecretString) -> Result<Self, JoseError> {
        let pair = match pem::read(text.expose_secret())? {
            PrivateKeyPem::Pkcs8(der) => return Self::from_pkcs8_der(der.expose_secret()),
            PrivateKeyPem::Rsa(der) => RsaKeyPair::from_der(der.expose_secret()).map(Pair::Rsa),
            PrivateKeyPem::Ec(der) => EcdsaKeyPair::from_private_key_der(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                der.expose_secret(),
            )
            .map(Pair::P256),
        };
        Self::from_pair(pair.map_err(|_| JoseError::PrivateKeyRefused)?)
    }

    /// The key as PKCS#8 DER, in memory that is wiped when dropped.
    ///
    /// # Errors
    /// [`JoseError::PrivateKeyRefused`] if the crypto library cannot write it.
    pub fn to_pkcs8_der(&self) -> Result<SecretSlice<u8>, JoseError> {
        // Both library types wipe their own copy when dropped.
        match &self.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair)
                .map(|der| SecretSlice::from(der.as_ref().to_vec())),
            Pair::P256(pair) => pair
                .to_pkcs8v1()
                .map(|document| SecretSlice::from(document.as_ref().to_vec())),
        }
        .map_err(|_| JoseError::PrivateKeyRefused)
    }

    /// The key as a PEM `PRIVATE KEY` block.
    ///
    /// # Errors
    /// As [`to_pkcs8_der`](Self::to_pkcs8_der).
    pub fn to_pem(&self) -> Result<SecretString, JoseError> {
        Ok(pem::write(&self.to_pkcs8_der()?))
    }

    /// [`Algorithm::Rs256`] or [`Algorithm::Es256`].
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::P256(_) => Algorithm::Es256,
        }
    }

    /// The public half as it is published: exactly `kty, kid, use, alg` and `n, e` or `crv, x, y`.
    #[must_use]
    pub fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    /// The key's name: its RFC 7638 thumbprint, so that the same key has the same name everywhere.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Bytes of a signature: the modulus for RSA, 64 for P-256.
    #[must_use]
    pub fn signature_len(&self) -> usize {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_modulus_len(),
            Pair::P256(_) => 64,
        }
    }

    /// Signs `message`: PKCS#1 v1.5 with SHA-256, or ECDSA as `r || s`. About 1 ms of one core for
    /// RSA-2048, 25 µs for P-256.
    ///
    /// # Errors
    /// [`JoseError::Signing`] if the crypto library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
            Pair::P256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
        }
        .map_err(|_| JoseError::Signing)
    }

    /// The encoded header of a `typ: JWT` token, made once per key.
    pub(crate) fn jwt_header(&self) -> &str {
        &self.jwt_header
    }

    fn from_pair(pair: Pair) -> Result<Self, JoseError> {
        let public = match &pair {
            Pair::Rsa(rsa) => {
                let (n, e) = der::read_rsa_public_key(rsa.public_key().as_ref())
                    .ok_or(JoseError::PrivateKeyRefused)?;
                if n.len() > MAX_RSA_BYTES {
                    return Err(JoseError::PrivateKeyRefused);
                }
                Jwk::rs256(n, e)
            }
            Pair::P256(ec) => Jwk::es256(ec.public_key().as_ref()),
        }
        .map_err(|_| JoseError::PrivateKeyRefused)?;
        let kid = public.kid.clone().ok_or(JoseError::PrivateKeyRefused)?;
        let mut key = Self {
            pair,
            public,
            kid,
            jwt_header: String::new(),
        };
        key.jwt_header = compact::encoded_header(&key, "JWT");
        Ok(key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

const MAX_RSA_BYTES: usize = 512;
