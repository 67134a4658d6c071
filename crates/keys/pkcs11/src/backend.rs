//! The backend: keys made, used and deleted by label, on threads that may block.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use rolecall_jose::{Algorithm, Jwk};
use rolecall_sealed::SecretString;
use rolecall_signing_keys::{Backend, BackendError, HeldKey, Pending, WantedKey};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::point::uncompressed;
use crate::token::{Failed, Module, Token};

/// Which token, and how it is used.
#[derive(Debug)]
pub struct Pkcs11Settings {
    /// The token's label (`CKA_LABEL` of the token, up to 32 bytes).
    pub token: String,
    /// The user PIN.
    pub pin: SecretString,
    /// How many sessions at most, which is how many signatures at once.
    pub sessions: NonZero<usize>,
}

/// Keys in one token. A key is found by its label, which is `rolecall-TENANT-ALGORITHM-` and a
/// random UUID; that is the reference that is stored.
#[derive(Debug)]
pub struct Pkcs11Backend {
    token: Arc<Token>,
    sessions: Arc<Semaphore>,
}

impl Pkcs11Backend {
    /// A token of `module`. Nothing is asked of it yet; [`Backend::check`] does.
    #[must_use]
    pub fn new(module: Module, settings: Pkcs11Settings) -> Self {
        Self {
            token: Token::new(module, settings.token, settings.pin),
            sessions: Arc::new(Semaphore::new(settings.sessions.get())),
        }
    }

    /// Does `work` on a blocking thread, as soon as a session is free.
    async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Fn(&Token, &Session) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, BackendError> {
        let running = async {
            let sessions = Arc::clone(&self.sessions);
            let Ok(permit) = sessions.acquire_owned().await else {
                return Err(stopped());
            };
            let token = Arc::clone(&self.token);
            let working = tokio::task::spawn_blocking(move || {
                let done = token.with_session(|session| work(&token, session));
                // A call that hangs keeps its session, also after nobody waits for it.
                drop(permit);
                done
            });
            working.await.map_err(|_| stopped())?
        };
        tokio::time::timeout(limit, running)
            .await
            .map_err(|_| BackendError::Unavailable {
                why: format!("the PKCS#11 token did not answer within {limit:?}"),
            })?
    }
}

impl Backend for Pkcs11Backend {
    fn make<'b>(&'b self, wanted: &'b WantedKey) -> Pending<'b, HeldKey> {
        let id = Uuid::new_v4();
        let algorithm = wanted.algorithm;
        let label = format!(
            "rolecall-{}-{}-{id}",
            wanted.tenant,
            algorithm.as_str().to_lowercase()
        );
        let bits = wanted.rsa_bits.bits();
        Box::pin(self.run(MAKE_LIMIT, move |_, session| {
            let named = || {
                [
                    Attribute::Label(label.as_bytes().to_vec()),
                    Attribute::Id(id.as_bytes().to_vec()),
                ]
            };
            let mut public = vec![Attribute::Token(true), Attribute::Verify(true)];
            public.extend(named());
            let mechanism = match algorithm {
                Algorithm::Rs256 => {
                    public.push(Attribute::ModulusBits(u64::from(bits).into()));
                    public.push(Attribute::PublicExponent(vec![1, 0, 1]));
                    Mechanism::RsaPkcsKeyPairGen
                }
                Algorithm::Es256 => {
                    public.push(Attribute::EcParams(PRIME256V1.to_vec()));
                    Mechanism::EccKeyPairGen
                }
                other => return Err(Failed::Known(unsupported(other))),
            };
            let mut private = vec![
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Sign(true),
            ];
            private.extend(named());
            let (public, _) = session.generate_key_pair(&mechanism, &public, &private)?;
            Ok(HeldKey {
                reference: label.clone(),
                public: published(session, public, algorithm)?,
            })
        }))
    }

    fn sign<'b>(
        &'b self,
        reference: &'b str,
        algorithm: Algorithm,
        message: &'b [u8],
    ) -> Pending<'b, Vec<u8>> {
        let label = reference.to_owned();
        let message = message.to_vec();
        Box::pin(self.run(SIGN_LIMIT, move |token, session| {
            let key = token.private_key(session, &label)?;
            Ok(match algorithm {
                Algorithm::Rs256 => session.sign(&Mechanism::Sha256RsaPkcs, key, &message)?,
                // The token gives r || s (PKCS#11 2.40 §2.3.1), which is what a JWS carries.
                Algorithm::Es256 => {
                    session.sign(&Mechanism::Ecdsa, key, digest(&SHA256, &message).as_ref())?
                }
                other => return Err(Failed::Known(unsupported(other))),
            })
        }))
    }

    fn delete<'b>(&'b self, reference: &'b str) -> Pending<'b, ()> {
        let label = reference.to_owned();
        Box::pin(self.run(SIGN_LIMIT, move |token, session| {
            token.forget(&label);
            // Both halves.
            let label = Attribute::Label(label.as_bytes().to_vec());
            for object in session.find_objects(&[label])? {
                session.destroy_object(object)?;
            }
            Ok(())
        }))
    }

    fn check(&self) -> Pending<'_, ()> {
        Box::pin(self.run(SIGN_LIMIT, |_, session| {
            session.get_session_info()?;
            Ok(())
        }))
    }
}

/// The public half as it is published.
fn published(session: &Session, key: ObjectHandle, algorithm: Algorithm) -> Result<Jwk, Failed> {
    let wanted = match algorithm {
        Algorithm::Rs256 => &[AttributeType::Modulus, AttributeType::PublicExponent][..],
        _ => &[AttributeType::EcPoint],
    };
    let unusable = |why: String| {
        Failed::Known(BackendError::Unexpected {
            why: format!("the token made a key that cannot be published: {why}"),
        })
    };
    match session.get_attributes(key, wanted)?.as_slice() {
        [Attribute::Modulus(n), Attribute::PublicExponent(e)] => Jwk::rs256(n, e),
        [Attribute::EcPoint(point)] => {
            let point = uncompressed(point)
                .ok_or_else(|| unusable("it is no uncompressed point of P-256".to_owned()))?;
            Jwk::es256(point)
        }
        _ => return Err(unusable("its public half is not there".to_owned())),
    }
    .map_err(|error| unusable(error.to_string()))
}

fn unsupported(algorithm: Algorithm) -> BackendError {
    BackendError::Configuration {
        why: format!("tokens are signed with RS256 or ES256, not with {algorithm}"),
    }
}

fn stopped() -> BackendError {
    BackendError::Unavailable {
        why: "the server is shutting down".to_owned(),
    }
}

/// The object identifier 1.2.840.10045.3.1.7 in DER, which names P-256 (RFC 5480 §2.1.1.1).
const PRIME256V1: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Network modules queue; a caller waits no longer than its own client would.
const SIGN_LIMIT: Duration = Duration::from_secs(10);

/// Slow tokens take most of a minute for an RSA key.
const MAKE_LIMIT: Duration = Duration::from_secs(120);
