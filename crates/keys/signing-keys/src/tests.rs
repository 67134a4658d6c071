#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::future::Future as _;
use std::num::NonZero;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use rolecall_jose::{Algorithm, Compact, VerifyingKey};
use rolecall_sealed::{ExposeSecret as _, MasterKey, SealedError};
use tokio::sync::OnceCell;
use tokio::sync::oneshot;

use crate::*;

static RING: OnceCell<KeyRing> = OnceCell::const_new();

/// One ring for all tests, in a limit of its own for each: RSA keys are slow to make.
async fn ring(at_once: usize) -> (KeyRing, SignerLimit) {
    let limit = SignerLimit::new(NonZero::new(at_once).unwrap());
    let made = RING
        .get_or_init(|| async {
            KeyRing::generate("acme", RsaBits::default(), SignerLimit::per_core())
                .await
                .unwrap()
        })
        .await;
    let records = made.seal(&master(1)).unwrap();
    let ring = KeyRing::load("acme", &records, &master(1), limit.clone()).unwrap();
    (ring, limit)
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
async fn sealed_and_loaded_again_it_is_the_same_ring() {
    let (ring, limit) = ring(1).await;
    let records = ring.seal(&master(7)).unwrap();
    assert_eq!(records[0].algorithm, Algorithm::Rs256);
    assert_eq!(records[1].algorithm, Algorithm::Es256);
    let loaded = KeyRing::load("acme", &records, &master(7), limit).unwrap();
    assert_eq!(loaded.jwks(), ring.jwks());
    assert_eq!(loaded.tenant(), "acme");
    let token = loaded
        .sign(Algorithm::Rs256, *br#"{"sub":"x"}"#)
        .await
        .unwrap();
    verified(&ring, token.expose_secret());
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
    let (ring, limit) = ring(1).await;
    let records = ring.seal(&master(7)).unwrap();
    let load = |tenant: &str, records: &[SealedSigningKey], byte| {
        KeyRing::load(tenant, records, &master(byte), limit.clone()).unwrap_err()
    };
    assert!(matches!(
        load("other", &records, 7),
        SigningKeysError::Sealed {
            source: SealedError::NotAuthentic,
            ..
        }
    ));
    assert!(matches!(
        load("acme", &records, 8),
        SigningKeysError::Sealed {
            source: SealedError::OtherMasterKey,
            ..
        }
    ));
    let mut renamed = records.clone();
    renamed[0].kid = records[1].kid.clone();
    assert!(matches!(
        load("acme", &renamed, 7),
        SigningKeysError::Sealed {
            source: SealedError::NotAuthentic,
            ..
        }
    ));
    let mut swapped = records.clone();
    swapped[0].algorithm = Algorithm::Es256;
    swapped[1].algorithm = Algorithm::Rs256;
    assert!(matches!(
        load("acme", &swapped, 7),
        SigningKeysError::Record { .. }
    ));
    for (missing, algorithm) in [(0, Algorithm::Es256), (1, Algorithm::Rs256)] {
        assert!(matches!(
            load("acme", &records[missing..=missing], 7),
            SigningKeysError::Missing { algorithm: found, .. } if found == algorithm
        ));
    }
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
    let ring = KeyRing::generate("acme", 3072.try_into().unwrap(), SignerLimit::per_core())
        .await
        .unwrap();
    let modulus = ring.jwks().keys[0].n.as_ref().unwrap();
    assert_eq!(modulus.len(), 512);
    for given in [0, 1024, 2047, 8192] {
        let error = RsaBits::try_from(given).unwrap_err();
        assert!(error.to_string().contains(&given.to_string()));
    }
}

#[tokio::test]
async fn nothing_printed_holds_a_private_key() {
    use rolecall_jose::SigningKey;
    let key = SigningKey::generate(rolecall_jose::KeyKind::P256).unwrap();
    let pkcs8 = key.to_pkcs8_der().unwrap();
    let record = SealedSigningKey::seal("acme", &key, &master(1)).unwrap();
    assert!(
        !record
            .sealed
            .windows(16)
            .any(|window| pkcs8.expose_secret().windows(16).any(|part| part == window))
    );
    let (ring, _) = ring(1).await;
    let shown = format!("{ring:?}");
    assert!(shown.contains(ring.kid(Algorithm::Es256).unwrap()));
    assert!(!shown.contains("pair"), "{shown}");
}
