//! A key that was made just now.

use rolecall_jose::{Algorithm, JoseError, Jwk, KeyKind, SigningKey, VerifyingKey};
use rolecall_sealed::{ExposeSecret as _, MasterKey, SecretSlice, seal};

use crate::certificate::{UnsignedCertificate, self_signed};
use crate::document::{Document, Head};
use crate::rotation::NewKey;
use crate::sealed_record::{failed, identity};
use crate::{RsaBits, SOFTWARE, Signers, SigningKeysError, WantedKey};

/// A key that was made just now and is stored nowhere yet.
#[derive(Debug)]
pub struct MadeKey {
    tenant: String,
    algorithm: Algorithm,
    head: Head,
    pkcs8: SecretSlice<u8>,
}

impl Signers {
    /// Makes a key in a backend, with a certificate of its own. RSA in [`SOFTWARE`] takes 0.1 s
    /// (2048 bits) to 2 s (4096) of a blocking thread; a security module may take longer.
    ///
    /// # Errors
    /// `Algorithm` for anything but RS256 and ES256, `UnknownBackend`, `Backend` if it does not
    /// make the key, `Jose` if the crypto library fails, `Stopped` if the runtime is shutting
    /// down.
    pub async fn make(
        &self,
        tenant: &str,
        backend: &str,
        algorithm: Algorithm,
        rsa_bits: RsaBits,
    ) -> Result<MadeKey, SigningKeysError> {
        let kind = match algorithm {
            Algorithm::Rs256 => rsa_bits.kind(),
            Algorithm::Es256 => KeyKind::P256,
            algorithm => return Err(SigningKeysError::Algorithm { algorithm }),
        };
        if backend != SOFTWARE {
            return self
                .make_elsewhere(tenant, backend, algorithm, rsa_bits)
                .await;
        }
        let make = move || {
            let key = SigningKey::generate(kind)?;
            let certificate = self_signed(&key)?;
            Ok::<_, JoseError>((key, certificate))
        };
        let (key, certificate) = match algorithm {
            Algorithm::Rs256 => self.limit.run(make).await??,
            _ => make()?,
        };
        Ok(MadeKey {
            tenant: tenant.to_owned(),
            algorithm,
            head: Head::new(key.public_jwk().clone(), &certificate, SOFTWARE, None),
            pkcs8: key.to_pkcs8_der()?,
        })
    }

    async fn make_elsewhere(
        &self,
        tenant: &str,
        name: &str,
        algorithm: Algorithm,
        rsa_bits: RsaBits,
    ) -> Result<MadeKey, SigningKeysError> {
        let backend = self.known_backend(tenant, name)?;
        let failed = |source| SigningKeysError::Backend {
            backend: name.to_owned(),
            source,
        };
        let wanted = WantedKey {
            tenant: tenant.to_owned(),
            algorithm,
            rsa_bits,
        };
        let held = backend.make(&wanted).await.map_err(failed)?;
        let unsigned = UnsignedCertificate::new(&held.public, algorithm)?;
        let signature = backend
            .sign(&held.reference, algorithm, unsigned.message())
            .await
            .map_err(failed)?;
        // The first signature shows that both halves belong together.
        VerifyingKey::from_jwk(&held.public)?.verify(algorithm, unsigned.message(), &signature)?;
        let certificate = unsigned.signed(&signature)?;
        Ok(MadeKey {
            tenant: tenant.to_owned(),
            algorithm,
            head: Head::new(held.public, &certificate, name, Some(held.reference)),
            pkcs8: SecretSlice::from(Vec::new()),
        })
    }
}

impl MadeKey {
    /// What the slots take in.
    #[must_use]
    pub fn new_key(&self) -> NewKey {
        NewKey {
            kid: self.kid().to_owned(),
            algorithm: self.algorithm,
            backend: self.head.backend.clone(),
        }
    }

    /// The key as it is stored beside its record. It opens only for its tenant and name.
    ///
    /// # Errors
    /// `Sealed` if the crypto library fails.
    pub fn seal(&self, master: &MasterKey) -> Result<Vec<u8>, SigningKeysError> {
        let unwritten = || SigningKeysError::Record {
            tenant: self.tenant.clone(),
            kid: self.kid().to_owned(),
        };
        let document =
            Document::write(&self.head, self.pkcs8.expose_secret()).ok_or_else(unwritten)?;
        seal(master, &identity(&self.tenant, self.kid()), &document)
            .map_err(|source| failed(&self.tenant, self.kid(), source))
    }

    /// How the backend finds the key; `None` in [`SOFTWARE`].
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.head.reference.as_deref()
    }

    fn kid(&self) -> &str {
        self.head.public.kid.as_deref().unwrap_or_default()
    }
}

impl Head {
    fn new(public: Jwk, certificate: &[u8], backend: &str, reference: Option<String>) -> Self {
        Self {
            public: public.with_certificate(certificate),
            backend: backend.to_owned(),
            reference,
        }
    }
}
