//! Keys that a backend holds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rolecall_jose::JoseError;

use super::*;

/// A backend that holds its keys in memory and can be told to go wrong.
#[derive(Debug, Default)]
struct Held {
    keys: Mutex<BTreeMap<String, Arc<SigningKey>>>,
    wrong: Mutex<Option<Wrong>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Gone,
    OtherSignature,
}

impl Backend for Held {
    fn make<'b>(&'b self, wanted: &'b WantedKey) -> Pending<'b, HeldKey> {
        Box::pin(async move {
            if *self.wrong.lock().unwrap() == Some(Wrong::Gone) {
                return Err(unavailable());
            }
            let kind = match wanted.algorithm {
                Algorithm::Rs256 => KeyKind::Rsa2048,
                _ => KeyKind::P256,
            };
            let key = SigningKey::generate(kind).unwrap();
            let mut keys = self.keys.lock().unwrap();
            let reference = format!("{}-{}", wanted.tenant, keys.len());
            let public = key.public_jwk().clone();
            keys.insert(reference.clone(), Arc::new(key));
            Ok(HeldKey { reference, public })
        })
    }

    fn sign<'b>(
        &'b self,
        reference: &'b str,
        _: Algorithm,
        message: &'b [u8],
    ) -> Pending<'b, Vec<u8>> {
        Box::pin(async move {
            match *self.wrong.lock().unwrap() {
                Some(Wrong::Gone) => Err(unavailable()),
                Some(Wrong::OtherSignature) => {
                    Ok(self.keys.lock().unwrap()[reference].sign(b"other").unwrap())
                }
                None => Ok(self.keys.lock().unwrap()[reference].sign(message).unwrap()),
            }
        })
    }

    fn delete<'b>(&'b self, reference: &'b str) -> Pending<'b, ()> {
        Box::pin(async move {
            self.keys.lock().unwrap().remove(reference);
            Ok(())
        })
    }

    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn unavailable() -> BackendError {
    BackendError::Unavailable {
        why: "the token was removed".to_owned(),
    }
}

fn signers() -> (Signers, Arc<Held>) {
    let held = Arc::new(Held::default());
    let backend: Arc<dyn Backend> = held.clone();
    let backends = BTreeMap::from([("hsm".to_owned(), backend)]);
    (Signers::new(SignerLimit::per_core(), backends), held)
}

fn in_hsm() -> RotationPolicy {
    let text = PolicyText {
        backend: "hsm".to_owned(),
        ..PolicyText::default()
    };
    RotationPolicy::new(text, 300, 3600).unwrap()
}

async fn turn(
    signers: &Signers,
    slots: &mut Slots,
    now: i64,
) -> Result<Option<Turn>, SigningKeysError> {
    let bits = RsaBits::default();
    signers
        .advance("acme", slots, &in_hsm(), bits, &master(1), now, SCHEDULE)
        .await
}

#[tokio::test]
async fn keys_of_a_backend_sign_and_are_published_with_certificates() {
    let (signers, held) = signers();
    let made = turn(&signers, &mut Slots::default(), 7).await;
    let made = made.unwrap().unwrap().made;
    let form = JwksForm {
        members: JwkMembers::WithX5c,
        ..JwksForm::default()
    };
    let ring = KeyRing::load("acme", &made, &master(1), &signers, form).unwrap();
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let token = ring.sign(algorithm, *br#"{"sub":"x"}"#).await.unwrap();
        assert_eq!(verified(&ring, token.expose_secret()), algorithm);
    }
    for key in &ring.jwks().keys {
        assert_eq!(key.agrees_with_certificate(), Some(true));
    }
    assert_eq!(held.keys.lock().unwrap().len(), 2);
    signers.delete("acme", &made[0], &master(1)).await.unwrap();
    assert_eq!(held.keys.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_backend_that_goes_wrong_signs_nothing() {
    let (signers, held) = signers();
    let made = turn(&signers, &mut Slots::default(), 7).await;
    let made = made.unwrap().unwrap().made;
    let form = JwksForm::default();
    let ring = KeyRing::load("acme", &made, &master(1), &signers, form).unwrap();
    *held.wrong.lock().unwrap() = Some(Wrong::OtherSignature);
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        assert!(matches!(
            ring.sign(algorithm, *b"{}").await,
            Err(SigningKeysError::Jose(JoseError::SignatureInvalid))
        ));
    }
    *held.wrong.lock().unwrap() = Some(Wrong::Gone);
    let error = ring.sign(Algorithm::Es256, *b"{}").await.unwrap_err();
    insta::assert_snapshot!(error, @"the key backend `hsm` failed: the token was removed");
    let error = loaded(&made, &SignerLimit::per_core()).unwrap_err();
    insta::assert_snapshot!(error, @"tenant `acme` has keys in the backend `hsm`, which is not configured; there is `software`");
}

#[tokio::test]
async fn a_backend_that_is_away_holds_up_no_other_step() {
    let (signers, held) = signers();
    let records = keys().await.into_iter().map(|key| key.record).collect();
    let mut slots = Slots::new(records, 7);
    let kid = slots.signer(Algorithm::Es256).unwrap().kid.clone();
    slots.order(&kid, Order::Replace, 8, "alice").unwrap();
    *held.wrong.lock().unwrap() = Some(Wrong::Gone);
    let before = slots.clone();
    let error = turn(&signers, &mut slots, 9).await.unwrap_err();
    assert!(matches!(error, SigningKeysError::Backend { .. }));
    assert_eq!(slots, before);
    *held.wrong.lock().unwrap() = None;
    let moved = turn(&signers, &mut slots, 10).await.unwrap().unwrap();
    assert_eq!(moved.made[0].record.backend, "hsm");
    *held.wrong.lock().unwrap() = Some(Wrong::Gone);
    // The ES256 key cannot be made, and the RS256 key is published all the same.
    let published = turn(&signers, &mut slots, 11).await.unwrap().unwrap();
    assert_eq!(published.changed[0].published_at, Some(11));
}
