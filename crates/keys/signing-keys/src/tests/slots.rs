//! Rings of keys in every slot.

use super::*;

/// The keys of `acme` after every step that was due at these times, as the store would have them.
async fn stored_after(times: &[i64], orders: &[(usize, Order)]) -> Vec<SealedSigningKey> {
    let signers = Signers::from(SignerLimit::per_core());
    let mut stored = keys().await;
    let records = stored.iter().map(|key| key.record.clone()).collect();
    let mut slots = Slots::new(records, 7);
    for (at, order) in orders {
        let kid = stored[*at].record.kid.clone();
        slots.order(&kid, *order, 8, "alice").unwrap();
        stored[*at].record = slots.key(&kid).unwrap().clone();
    }
    for now in times {
        loop {
            let (policy, bits) = (policy(), RsaBits::default());
            let turn = signers
                .advance("acme", &mut slots, &policy, bits, &master(1), *now, "x")
                .await
                .unwrap();
            let Some(turn) = turn else { break };
            stored.extend(turn.made);
            for changed in turn.changed {
                let key = stored
                    .iter_mut()
                    .find(|key| key.record.kid == changed.kid)
                    .unwrap();
                key.record = changed;
            }
            stored.retain(|key| !turn.removed.contains(&key.record.kid));
        }
        let records: Vec<_> = stored.iter().map(|key| key.record.clone()).collect();
        assert_eq!(records, slots.keys());
    }
    stored
}

const DAY: i64 = 86_400;

#[tokio::test]
async fn only_the_active_key_signs_and_it_is_published_first() {
    let limit = SignerLimit::per_core();
    let before = loaded(&keys().await, &limit).unwrap();
    let waiting = stored_after(&[89 * DAY + 7], &[]).await;
    let ahead = loaded(&waiting, &limit).unwrap();
    assert_eq!(ahead.jwks().keys[..2], before.jwks().keys);
    assert_eq!(ahead.jwks().keys.len(), 4);
    let after = loaded(
        &stored_after(&[89 * DAY + 7, 90 * DAY + 7], &[]).await,
        &limit,
    )
    .unwrap();
    assert_eq!(after.jwks().keys.len(), 4);
    assert_eq!(after.jwks().keys[2..], before.jwks().keys);
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        assert_eq!(
            before.kid(algorithm).unwrap(),
            ahead.kid(algorithm).unwrap()
        );
        assert_ne!(
            before.kid(algorithm).unwrap(),
            after.kid(algorithm).unwrap()
        );
        // What was signed before is still verified.
        let old = before.sign(algorithm, *br#"{"sub":"x"}"#).await.unwrap();
        assert_eq!(verified(&after, old.expose_secret()), algorithm);
        let new = after.sign(algorithm, *br#"{"sub":"x"}"#).await.unwrap();
        assert_eq!(verified(&after, new.expose_secret()), algorithm);
    }
}

#[tokio::test]
async fn a_revoked_key_neither_signs_nor_is_published_until_there_is_another() {
    let limit = SignerLimit::per_core();
    let stored = stored_after(&[], &[(1, Order::Revoke)]).await;
    let ring = loaded(&stored, &limit).unwrap();
    assert_eq!(ring.jwks().keys.len(), 1);
    let refused = ring.sign(Algorithm::Es256, Vec::new()).await.unwrap_err();
    insta::assert_snapshot!(refused, @"tenant `acme` has no ES256 signing key");
    ring.sign(Algorithm::Rs256, Vec::new()).await.unwrap();
    let stored = stored_after(&[9], &[(1, Order::Revoke)]).await;
    let ring = loaded(&stored, &limit).unwrap();
    assert_eq!(ring.jwks().keys.len(), 2);
    ring.sign(Algorithm::Es256, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn certificates_are_published_on_wish_and_stay_the_same() {
    let signers = SignerLimit::per_core().into();
    let form = JwksForm {
        members: JwkMembers::WithX5c,
        first: Algorithm::Es256,
    };
    let load = || async {
        let keys = keys().await;
        KeyRing::load("acme", &keys, &master(1), &signers, form).unwrap()
    };
    let ring = load().await;
    assert_eq!(ring.jwks().keys[0].alg.as_deref(), Some("ES256"));
    let json = serde_json::to_string(ring.jwks()).unwrap();
    assert_eq!(json.matches("\"x5c\":[\"").count(), 2);
    for key in &ring.jwks().keys {
        assert_eq!(key.agrees_with_certificate(), Some(true));
    }
    assert_eq!(serde_json::to_string(load().await.jwks()).unwrap(), json);
    let minimal = loaded(&keys().await, &SignerLimit::per_core()).unwrap();
    assert!(
        !serde_json::to_string(minimal.jwks())
            .unwrap()
            .contains("x5c")
    );
}

#[test]
fn the_form_of_the_jwks_is_written_in_words() {
    let form: JwksForm = serde_json::from_str(r#"{"members":"with_x5c"}"#).unwrap();
    assert_eq!(form.members, JwkMembers::WithX5c);
    assert_eq!(form.first, Algorithm::Rs256);
    assert!(serde_json::from_str::<JwksForm>(r#"{"member":"minimal"}"#).is_err());
}
