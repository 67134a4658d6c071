//! A self-signed certificate of a signing key, for verifiers that read keys from `x5c` only, such
//! as Ceph's object gateway. Nobody takes trust from it: the JWKS it stands in is what is trusted.

use std::sync::Mutex;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256,
    PublicKeyData, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use rolecall_jose::{Algorithm, JoseError, Jwk, SigningKey, es256_to_der};

/// A certificate that waits for its signature. It depends on the key alone, not on the time.
pub(crate) struct UnsignedCertificate {
    params: CertificateParams,
    key: Vec<u8>,
    algorithm: Algorithm,
    message: Vec<u8>,
}

impl UnsignedCertificate {
    pub(crate) fn new(public: &Jwk, algorithm: Algorithm) -> Result<Self, JoseError> {
        let key = public.public_key_der().ok_or(JoseError::PublicKeyRefused)?;
        let kid = public.kid.as_deref().unwrap_or_default();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, kid);
        // A positive number of at most 20 bytes (RFC 5280 §4.1.2.2).
        let serial = kid.bytes().take(16).collect::<Vec<u8>>();
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = date_time_ymd(2000, 1, 1);
        // "No well-defined expiration date" (RFC 5280 §4.1.2.5): rotation ends keys, not the date.
        params.not_after = date_time_ymd(9999, 12, 31);
        let mut certificate = Self {
            params,
            key,
            algorithm,
            message: Vec::new(),
        };
        // The first run finds out what is to be signed; see `Pass`.
        let seen = Mutex::new(Vec::new());
        certificate.run(&Pass {
            certificate: &certificate,
            signature: Vec::new(),
            seen: &seen,
        })?;
        certificate.message = seen.into_inner().map_err(|_| JoseError::Signing)?;
        Ok(certificate)
    }

    /// What is to be signed.
    pub(crate) fn message(&self) -> &[u8] {
        &self.message
    }

    /// The certificate with its signature, for ECDSA `r || s`; DER.
    pub(crate) fn signed(self, signature: &[u8]) -> Result<Vec<u8>, JoseError> {
        let signature = match self.algorithm {
            Algorithm::Es256 => es256_to_der(signature)?,
            _ => signature.to_vec(),
        };
        let seen = Mutex::new(Vec::new());
        let der = self.run(&Pass {
            certificate: &self,
            signature,
            seen: &seen,
        })?;
        let seen = seen.into_inner().map_err(|_| JoseError::Signing)?;
        if seen == self.message {
            Ok(der)
        } else {
            Err(JoseError::Signing)
        }
    }

    fn run(&self, pass: &Pass<'_>) -> Result<Vec<u8>, JoseError> {
        let certificate = self.params.self_signed(pass);
        Ok(certificate
            .map_err(|_| JoseError::Signing)?
            .der()
            .as_ref()
            .to_vec())
    }
}

/// The certificate of a key that is at hand.
pub(crate) fn self_signed(key: &SigningKey) -> Result<Vec<u8>, JoseError> {
    let unsigned = UnsignedCertificate::new(key.public_jwk(), key.algorithm())?;
    let signature = key.sign(unsigned.message())?;
    unsigned.signed(&signature)
}

/// A key, as the library sees it, that signs with a signature that is there already. So that a
/// key may sign which answers later, a certificate is put together twice: once to learn what is to
/// be signed, once with the signature.
struct Pass<'c> {
    certificate: &'c UnsignedCertificate,
    signature: Vec<u8>,
    seen: &'c Mutex<Vec<u8>>,
}

impl PublicKeyData for Pass<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.certificate.key
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.certificate.algorithm {
            Algorithm::Es256 => &PKCS_ECDSA_P256_SHA256,
            _ => &PKCS_RSA_SHA256,
        }
    }
}

impl rcgen::SigningKey for Pass<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut seen = self.seen.lock().map_err(|_| rcgen::Error::RemoteKeyError)?;
        message.clone_into(&mut seen);
        Ok(self.signature.clone())
    }
}
