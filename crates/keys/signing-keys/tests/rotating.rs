//! Half a day of rotation with real keys: two replicas that are behind, verifiers that keep the JWKS as
//! long as they may and fetch it for no other reason, and a leader that dies between any two steps.
//! No token may be refused from its first second until five minutes after its last.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::VecDeque;

use rolecall_jose::{Algorithm, Compact, JwkSet, VerifyingKey};
use rolecall_sealed::{ExposeSecret as _, MasterKey};
use rolecall_signing_keys::rotation::{AWS_GRACE, PolicyText, RotationPolicy};
use rolecall_signing_keys::*;

/// The tightest policy that is possible: every margin counts.
const MAX_AGE: i64 = 300;
const LIFE: i64 = 1800;
const BEHIND: i64 = 60;

fn policy() -> RotationPolicy {
    let text = PolicyText {
        period: Some(LIFE + AWS_GRACE + BEHIND),
        publish_ahead: MAX_AGE + BEHIND,
        ..PolicyText::default()
    };
    RotationPolicy::new(text, MAX_AGE, LIFE).unwrap()
}

/// What is stored, as one transaction after the other leaves it.
struct Installation {
    master: MasterKey,
    signers: Signers,
    keys: Vec<SealedSigningKey>,
    /// What each replica serves, and what it will serve once it has heard of it.
    replicas: [Replica; 2],
    chance: Chance,
}

struct Replica {
    serves: KeyRing,
    hears: VecDeque<(i64, KeyRing)>,
}

/// A row of numbers, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        i64::try_from(self.0 >> 33).unwrap() % end
    }
}

impl Installation {
    async fn begin(now: i64) -> Self {
        let master = MasterKey::from_bytes(&[3; 32]).unwrap();
        let signers = Signers::from(SignerLimit::per_core());
        let mut slots = Slots::default();
        let (policy, bits) = (policy(), RsaBits::default());
        let turn = signers
            .advance("acme", &mut slots, &policy, bits, &master, now, SCHEDULE)
            .await;
        let keys = turn.unwrap().unwrap().made;
        let ring = KeyRing::load("acme", &keys, &master, &signers, JwksForm::default()).unwrap();
        let replica = || Replica {
            serves: ring.clone(),
            hears: VecDeque::new(),
        };
        Self {
            replicas: [replica(), replica()],
            master,
            signers,
            keys,
            chance: Chance(7),
        }
    }

    /// The leader's look: it makes all that is due, unless it dies on the way, also with a step
    /// made and not stored.
    async fn look(&mut self, now: i64) {
        loop {
            let records = self.keys.iter().map(|key| key.record.clone());
            let mut slots = Slots::new(records.collect(), now - 1);
            let (policy, bits) = (policy(), RsaBits::default());
            let turn = self
                .signers
                .advance(
                    "acme",
                    &mut slots,
                    &policy,
                    bits,
                    &self.master,
                    now,
                    SCHEDULE,
                )
                .await
                .unwrap();
            let Some(turn) = turn else { return };
            if self.chance.below(4) == 0 {
                return;
            }
            self.keys.extend(turn.made);
            for changed in turn.changed {
                let key = self
                    .keys
                    .iter_mut()
                    .find(|key| key.record.kid == changed.kid);
                key.unwrap().record = changed;
            }
            self.keys
                .retain(|key| !turn.removed.contains(&key.record.kid));
            let form = JwksForm::default();
            let ring = KeyRing::load("acme", &self.keys, &self.master, &self.signers, form);
            let ring = ring.unwrap();
            for replica in &mut self.replicas {
                // One after the other, as a replica hears of changes in their order.
                let before = replica.hears.back().map_or(now, |(at, _)| *at);
                // At once, or as late as may be: that is where the margins show.
                let at = (now + self.chance.below(2) * (BEHIND - 1)).max(before);
                replica.hears.push_back((at, ring.clone()));
            }
        }
    }

    fn tell(&mut self, now: i64) {
        for replica in &mut self.replicas {
            while replica.hears.front().is_some_and(|(at, _)| *at <= now) {
                let (_, ring) = replica.hears.pop_front().unwrap();
                replica.serves = ring;
            }
        }
    }
}

/// Keeps a JWKS for as long as it may, and never asks for a `kid` that it does not know.
struct Verifier {
    kept: JwkSet,
    fetched_at: i64,
}

impl Verifier {
    fn takes(&mut self, token: &str, now: i64, from: &KeyRing) -> bool {
        if now - self.fetched_at >= MAX_AGE {
            self.kept = from.jwks().clone();
            self.fetched_at = now;
        }
        let token = Compact::parse(token).unwrap();
        self.kept
            .signing_key(token.header().kid())
            .is_ok_and(|key| token.verify(&VerifyingKey::from_jwk(key).unwrap()).is_ok())
    }
}

#[tokio::test]
async fn no_token_is_refused_while_it_lives() {
    let mut installation = Installation::begin(0).await;
    let mut verifiers: Vec<Verifier> = (0..12)
        .map(|_| Verifier {
            kept: installation.replicas[0].serves.jwks().clone(),
            fetched_at: -installation.chance.below(MAX_AGE),
        })
        .collect();
    let mut alive: VecDeque<(i64, String)> = VecDeque::new();
    let mut names = std::collections::BTreeSet::new();
    let (mut tokens, mut verified, mut longest) = (0, 0, 0);
    for now in (0..43_200).step_by(30) {
        if now % 60 == 0 {
            installation.look(now).await;
        }
        installation.tell(now);
        // Replicas that are behind mint too.
        let replica = usize::try_from(installation.chance.below(2)).unwrap();
        let algorithm = if now % 90 == 0 {
            Algorithm::Rs256
        } else {
            Algorithm::Es256
        };
        let ring = installation.replicas[replica].serves.clone();
        let token = ring.sign(algorithm, *br#"{"sub":"x"}"#).await.unwrap();
        names.insert(ring.kid(algorithm).unwrap().to_owned());
        alive.push_back((now + LIFE + AWS_GRACE, token.expose_secret().to_owned()));
        tokens += 1;
        while alive.front().is_some_and(|(until, _)| *until < now) {
            alive.pop_front();
        }
        // The newest and the oldest are those that could be refused.
        for (_, token) in alive.front().into_iter().chain(alive.back()) {
            for verifier in &mut verifiers {
                let replica = usize::try_from(installation.chance.below(2)).unwrap();
                let from = &installation.replicas[replica].serves;
                assert!(verifier.takes(token, now, from), "refused at {now}");
                verified += 1;
            }
        }
        longest = longest.max(ring.jwks().keys.len());
    }
    assert!(
        names.len() > 30,
        "{} keys signed {tokens} tokens",
        names.len()
    );
    assert!(verified > 30_000);
    assert!(longest <= 8, "a JWKS of {longest} keys");
}
