#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future as _;
use std::num::NonZero;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rolecall_jose::{Algorithm, Compact, KeyKind, SigningKey, VerifyingKey};
use rolecall_sealed::{ExposeSecret as _, MasterKey, SealedError};
use tokio::sync::OnceCell;
use tokio::sync::oneshot;

use crate::rotation::{PolicyText, RotationPolicy};
use crate::*;

mod elsewhere;
mod slots;

static KEYS: OnceCell<Vec<SealedSigningKey>> = OnceCell::const_new();

/// The first keys of a tenant, sealed with the first master key; RSA keys are slow to make.
async fn keys() -> Vec<SealedSigningKey> {
    let keys = KEYS.get_or_init(|| async {
        let signers = Signers::from(SignerLimit::per_core());
        let mut slots = Slots::default();
        let (policy, bits) = (policy(), RsaBits::default());
        let turn = signers
            .advance("acme", &mut slots, &policy, bits, &master(1), 7, SCHEDULE)
            .await;
        turn.unwrap().unwrap().made
    });
    keys.await.clone()
}

fn policy() -> RotationPolicy {
    RotationPolicy::new(PolicyText::default(), 300, 3600).unwrap()
}

/// One ring for all tests, in a limit of its own for each.
async fn ring(at_once: usize) -> (KeyRing, SignerLimit) {
    let limit = SignerLimit::new(NonZero::new(at_once).unwrap());
    let ring = loaded(&keys().await, &limit).unwrap();
    (ring, limit)
}

fn loaded(keys: &[SealedSigningKey], limit: &SignerLimit) -> Result<KeyRing, SigningKeysError> {
    let signers = limit.clone().into();
    KeyRing::load("acme", keys, &master(1), &signers, JwksForm::default())
}

fn master(byte: u8) -> MasterKey {
    MasterKey::from_bytes(&[byte; 32]).unwrap()
}

fn verified(ring: &KeyRing, token: &str) -> Algorithm {
    let token = Compact::parse(token).unwrap();
    let jwk = ring.jwks().signing_key(token.header().kid()).unwrap();
    token.verify(&VerifyingKey::from_jwk(jwk).unwrap()).unwrap();
    assert_eq!(token.header().typ(), Some("JWT"));
    assert_eq!(token.payload(), br#"{"sub":"x"}"#);
    token.header().algorithm().unwrap()
}

#[tokio::test]
async fn both_keys_sign_and_are_published_rs256_first() {
    let (ring, _) = ring(2).await;
    let algorithms: Vec<_> = ring.jwks().keys.iter().map(|key| key.alg.clone()).collect();
    assert_eq!(
        algorithms,
        [Some("RS256".to_owned()), Some("ES256".to_owned())]
    );
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let token = ring.sign(algorithm, *br#"{"sub":"x"}"#).await.unwrap();
        assert_eq!(verified(&ring, token.expose_secret()), algorithm);
        let token = Compact::parse(token.expose_secret()).unwrap();
        assert_eq!(token.header().kid(), Some(ring.kid(algorithm).unwrap()));
    }
}

#[tokio::test]
async fn other_algorithms_are_refused() {
    let (ring, _) = ring(1).await;
    for algorithm in [
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Es384,
        Algorithm::Es512,
    ] {
        let error = ring.sign(algorithm, Vec::new()).await.unwrap_err();
        assert!(
            matches!(error, SigningKeysError::Algorithm { algorithm: found } if found == algorithm)
        );
        assert!(ring.kid(algorithm).is_err());
    }
}

#[tokio::test]
async fn records_open_for_their_own_tenant_key_and_master_only() {
    let keys = keys().await;
    let signers = SignerLimit::per_core().into();
    let load = |tenant: &str, keys: &[SealedSigningKey], byte| {
        KeyRing::load(tenant, keys, &master(byte), &signers, JwksForm::default()).unwrap_err()
    };
    assert!(matches!(
        load("other", &keys, 1),
        SigningKeysError::Sealed {
            source: SealedError::NotAuthentic,
            ..
        }
    ));
    assert!(matches!(
        load("acme", &keys, 8),
        SigningKeysError::Sealed {
            source: SealedError::OtherMasterKey,
            ..
        }
    ));
    let mut renamed = keys.clone();
    renamed[0].record.kid = renamed[1].record.kid.clone();
    assert!(matches!(
        load("acme", &renamed, 1),
        SigningKeysError::Sealed {
            source: SealedError::NotAuthentic,
            ..
        }
    ));
    let mut swapped = keys.clone();
    swapped[0].record.algorithm = Algorithm::Es256;
    swapped[1].record.algorithm = Algorithm::Rs256;
    assert!(matches!(
        load("acme", &swapped, 1),
        SigningKeysError::Record { .. }
    ));
    for (missing, algorithm) in [(0, Algorithm::Es256), (1, Algorithm::Rs256)] {
        assert!(matches!(
            load("acme", &keys[missing..=missing], 1),
            SigningKeysError::Missing { algorithm: found, .. } if found == algorithm
        ));
    }
}

#[tokio::test]
async fn a_key_that_the_first_release_sealed_still_signs() {
    let mut keys = keys().await;
    for (at, kind) in [KeyKind::Rsa2048, KeyKind::P256].into_iter().enumerate() {
        let key = SigningKey::generate(kind).unwrap();
        let identity = crate::sealed_record::identity("acme", key.kid());
        let pkcs8 = key.to_pkcs8_der().unwrap();
        keys[at].sealed =
            rolecall_sealed::seal(&master(1), &identity, pkcs8.expose_secret()).unwrap();
        keys[at].record.kid = key.kid().to_owned();
    }
    let ring = loaded(&keys, &SignerLimit::per_core()).unwrap();
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let token = ring.sign(algorithm, *br#"{"sub":"x"}"#).await.unwrap();
        assert_eq!(verified(&ring, token.expose_secret()), algorithm);
    }
    let json = serde_json::to_string(ring.jwks()).unwrap();
    assert!(!json.contains("x5c"), "{json}");
}

#[tokio::test]
async fn keys_move_to_another_master_key_all_or_none() {
    let keys = keys().await;
    let before = loaded(&keys, &SignerLimit::per_core()).unwrap();
    let texts = |keys: &[SealedSigningKey]| -> Vec<(String, Vec<u8>)> {
        keys.iter()
            .map(|key| (key.record.kid.clone(), key.sealed.clone()))
            .collect()
    };
    let resealed = |texts: &[(String, Vec<u8>)], old, new| {
        let keys = texts
            .iter()
            .map(|(kid, sealed)| ("acme", kid.as_str(), sealed.as_slice()));
        reseal_keys(keys, &master(old), &master(new))
    };
    let moved = resealed(&texts(&keys), 1, 2).unwrap();
    let mut under_new = keys.clone();
    for (key, sealed) in under_new.iter_mut().zip(moved) {
        key.sealed = sealed;
    }
    let signers = SignerLimit::per_core().into();
    let form = JwksForm::default();
    let after = KeyRing::load("acme", &under_new, &master(2), &signers, form).unwrap();
    assert_eq!(after.jwks(), before.jwks());
    assert!(loaded(&under_new, &SignerLimit::per_core()).is_err());

    // Begun before and not finished: what is there already stays.
    let half = vec![texts(&under_new)[0].clone(), texts(&keys)[1].clone()];
    assert_eq!(resealed(&half, 1, 2).unwrap()[0], half[0].1);
    // One that does not open lets none through.
    let mut broken = texts(&keys);
    broken[1].1[40] ^= 1;
    assert!(matches!(
        resealed(&broken, 1, 2),
        Err(SigningKeysError::Sealed {
            source: SealedError::NotAuthentic,
            ..
        })
    ));
    assert!(resealed(&texts(&keys), 3, 2).is_err());
}

#[tokio::test]
async fn rs256_waits_for_its_turn_and_es256_does_not() {
    let (ring, limit) = ring(1).await;
    let held = hold(&limit).await;
    assert_eq!(limit.free(), 0);
    let mut waiting = pin!(ring.sign(Algorithm::Rs256, *br#"{"sub":"x"}"#));
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Pending));
    let token = ring
        .sign(Algorithm::Es256, *br#"{"sub":"x"}"#)
        .await
        .unwrap();
    assert_eq!(verified(&ring, token.expose_secret()), Algorithm::Es256);
    assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Pending));
    drop(held);
    let token = waiting.await.unwrap();
    assert_eq!(verified(&ring, token.expose_secret()), Algorithm::Rs256);
}

#[tokio::test]
async fn the_limit_is_shared_and_given_back() {
    let (ring, limit) = ring(2).await;
    let signing: Vec<_> = (0..16)
        .map(|_| {
            let ring = ring.clone();
            tokio::spawn(async move { ring.sign(Algorithm::Rs256, *br#"{"sub":"x"}"#).await })
        })
        .collect();
    for signed in signing {
        verified(&ring, signed.await.unwrap().unwrap().expose_secret());
    }
    // An asker that goes away takes no place from others.
    drop(tokio::spawn({
        let ring = ring.clone();
        async move { ring.sign(Algorithm::Rs256, Vec::new()).await }
    }));
    let (_first, _second) = (hold(&limit).await, hold(&limit).await);
    assert_eq!(limit.free(), 0);
    assert!(SignerLimit::per_core().free() >= 1);
}

#[tokio::test]
async fn work_that_panics_gives_its_place_back() {
    let limit = SignerLimit::new(NonZero::<usize>::MIN);
    let held = hold(&limit).await;
    // Both wait in the queue: the second is served although the first panics.
    let panics = tokio::spawn({
        let limit = limit.clone();
        async move { limit.run(|| panic!("as a test")).await }
    });
    tokio::task::yield_now().await;
    let behind = tokio::spawn({
        let limit = limit.clone();
        async move { limit.run(|| 7).await }
    });
    tokio::task::yield_now().await;
    drop(held);
    let lost = panics.await.unwrap();
    assert!(matches!(lost, Err::<(), _>(SigningKeysError::Stopped)));
    assert_eq!(behind.await.unwrap().unwrap(), 7);
    assert_eq!(limit.run(|| 8).await.unwrap(), 8);
}

/// Takes one place until what is returned is dropped.
async fn hold(limit: &SignerLimit) -> oneshot::Sender<()> {
    let (held, release) = oneshot::channel::<()>();
    let (started, begun) = oneshot::channel();
    let limit = limit.clone();
    tokio::spawn(async move {
        limit
            .run(move || {
                started.send(()).unwrap();
                let _ = release.blocking_recv();
            })
            .await
    });
    begun.await.unwrap();
    held
}

#[tokio::test]
async fn larger_rsa_keys_are_made_on_wish() {
    let signers = Signers::from(SignerLimit::per_core());
    let bits = 3072.try_into().unwrap();
    let made = signers.make("acme", SOFTWARE, Algorithm::Rs256, bits).await;
    let mut keys = keys().await;
    let made = made.unwrap();
    keys[0].record.kid = made.new_key().kid;
    keys[0].sealed = made.seal(&master(1)).unwrap();
    let ring = loaded(&keys, &SignerLimit::per_core()).unwrap();
    let modulus = ring.jwks().keys[0].n.as_ref().unwrap();
    assert_eq!(modulus.len(), 512);
    for given in [0, 1024, 2047, 8192] {
        let error = RsaBits::try_from(given).unwrap_err();
        assert!(error.to_string().contains(&given.to_string()));
    }
}

#[tokio::test]
async fn nothing_printed_holds_a_private_key() {
    let signers = Signers::from(SignerLimit::per_core());
    let made = signers
        .make("acme", SOFTWARE, Algorithm::Es256, RsaBits::default())
        .await
        .unwrap();
    let sealed = made.seal(&master(1)).unwrap();
    let identity = crate::sealed_record::identity("acme", &made.new_key().kid);
    let opened = rolecall_sealed::open(&master(1), &identity, &sealed).unwrap();
    let pkcs8 = &opened.expose_secret()[opened.expose_secret().len() - 64..];
    assert!(
        !sealed
            .windows(16)
            .any(|window| pkcs8.windows(16).any(|part| part == window))
    );
    let shown = format!("{made:?}");
    assert!(shown.contains("REDACTED"), "{shown}");
    let (ring, _) = ring(1).await;
    let shown = format!("{ring:?}");
    assert!(shown.contains(ring.kid(Algorithm::Es256).unwrap()));
    assert!(
        !shown.contains("pkcs8") && !shown.contains("pair"),
        "{shown}"
    );
}
