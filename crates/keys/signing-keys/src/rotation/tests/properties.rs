//! What holds whatever happens: times, policies, orders, and deaths between any two steps.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Event {
    /// Time goes on, and the rotation runs; it dies after so many steps.
    Pass { seconds: i64, steps: usize },
    /// As `Pass`, but until the plan's own next time.
    UntilNext { steps: usize },
    /// The clock shows a time that has been.
    Backwards { seconds: i64 },
    /// An operator orders something for the key at this place.
    Order { place: usize, order: Order },
    /// The configuration is changed.
    Policy(PolicyText, i64),
}

const CACHE: i64 = 300;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_sequence_of_events_breaks_a_token(
        first in policies(),
        events in prop::collection::vec(events(), 1..80),
    ) {
        let mut world = World::new(first);
        for event in events {
            world.meets(event)?;
            world.is_right()?;
        }
    }
}

/// What is seen from outside: which tokens live, and since when verifiers could know which key.
struct World {
    tenant: Tenant,
    policy: RotationPolicy,
    now: i64,
    /// The last `exp` of the tokens that each key signed.
    expires: BTreeMap<String, i64>,
    /// Since when all replicas published it.
    seen: BTreeMap<String, i64>,
    /// Keys for which an operator took it that something breaks.
    given_up: BTreeSet<String>,
    /// Keys that sign without having been seen for long, since nothing else was left.
    hurried: BTreeSet<String>,
}

impl World {
    fn new((text, life): (PolicyText, i64)) -> Self {
        let policy = RotationPolicy::new(text, CACHE, life).unwrap();
        let tenant = Tenant::founded(&policy);
        let told = |reason| {
            let entries = tenant
                .journal
                .iter()
                .filter(move |entry| entry.reason == reason);
            entries.map(|entry| entry.kid.clone())
        };
        Self {
            hurried: told(Reason::First).collect(),
            seen: told(Reason::Published).map(|kid| (kid, 0)).collect(),
            tenant,
            policy,
            now: 0,
            expires: BTreeMap::new(),
            given_up: BTreeSet::new(),
        }
    }

    fn meets(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Pass { seconds, steps } => {
                self.now += seconds;
                self.rotates(steps)?;
            }
            Event::UntilNext { steps } => {
                let plan = self.tenant.slots.plan(&self.policy, self.now).unwrap();
                self.now = plan.next_at.unwrap_or(self.now);
                self.rotates(steps)?;
            }
            Event::Backwards { seconds } => {
                let before = self.tenant.slots.clone();
                let refused = self.tenant.slots.plan(&self.policy, self.now - seconds);
                let backwards = matches!(refused, Err(RotationError::ClockBackwards { .. }));
                prop_assert!(backwards, "{refused:?}");
                prop_assert_eq!(&before, &self.tenant.slots);
            }
            Event::Order { place, order } => {
                let keys = self.tenant.slots.keys();
                let Some(key) = keys.get(place % keys.len().max(1)) else {
                    return Ok(());
                };
                let kid = key.kid.clone();
                if let Ok(entry) = self.tenant.slots.order(&kid, order, self.now, "alice") {
                    self.tenant.journal.push(entry);
                    if order != Order::Replace {
                        self.given_up.insert(kid);
                    }
                }
            }
            Event::Policy(text, life) => {
                self.policy = RotationPolicy::new(text, CACHE, life).unwrap();
            }
        }
        // The installation remembers when it last looked.
        self.tenant.slots = Slots::new(self.tenant.slots.keys().to_vec(), self.now);
        self.mints();
        Ok(())
    }

    fn rotates(&mut self, steps: usize) -> Result<(), TestCaseError> {
        for _ in 0..steps {
            let plan = self.tenant.slots.plan(&self.policy, self.now).unwrap();
            let Some(due) = plan.due.first() else {
                return Ok(());
            };
            match &due.step {
                Step::Publish { kid } => {
                    self.seen.insert(kid.clone(), self.now);
                }
                Step::Promote { kid, .. } => {
                    let least = match due.reason {
                        Reason::Ordered(Order::Revoke) => {
                            self.hurried.insert(kid.clone());
                            0
                        }
                        Reason::Ordered(Order::Withdraw) | Reason::Missing => CACHE + 60,
                        _ => self.policy.publish_ahead(),
                    };
                    let since = self.seen.get(kid).map_or(0, |seen| self.now - seen);
                    prop_assert!(since >= least, "{kid} after {since}: {due:?}");
                }
                _ => {}
            }
            self.tenant.make(due, &self.policy, self.now).unwrap();
            self.is_right()?;
            self.mints();
        }
        Ok(())
    }

    /// Each key that may sign does, for as long as the policy allows.
    fn mints(&mut self) {
        for key in self.tenant.slots.keys().iter().filter(|key| key.may_sign()) {
            let life = key.longest_token_life.min(self.policy.longest_token_life());
            let expires = self.expires.entry(key.kid.clone()).or_default();
            *expires = self.now.saturating_add(life).max(*expires);
        }
    }

    fn is_right(&self) -> Result<(), TestCaseError> {
        let slots = &self.tenant.slots;
        let published = self.tenant.published();
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            let signing = slots
                .keys()
                .iter()
                .filter(|key| key.algorithm == algorithm && key.may_sign());
            prop_assert!(signing.count() <= 1);
            if let Some(signer) = slots.signer(algorithm) {
                prop_assert!(published.contains(&signer.kid.as_str()));
                let since = self.seen.get(&signer.kid).map_or(0, |seen| self.now - seen);
                prop_assert!(
                    self.hurried.contains(&signer.kid) || since > CACHE,
                    "{} signs after {since} seconds",
                    signer.kid
                );
            }
        }
        for (kid, expires) in &self.expires {
            let alive = self.now <= expires + AWS_GRACE;
            prop_assert!(
                !alive || published.contains(&kid.as_str()) || self.given_up.contains(kid),
                "{kid} is gone at {} and its tokens live until {expires}",
                self.now
            );
        }
        prop_assert!(published.len() <= 12, "{published:?}");
        let signers = published
            .iter()
            .take_while(|kid| slots.key(kid).unwrap().may_sign())
            .count();
        let all = published
            .iter()
            .filter(|kid| slots.key(kid).unwrap().may_sign())
            .count();
        prop_assert_eq!(signers, all);
        prop_assert_eq!(
            self.replayed(),
            slots
                .keys()
                .iter()
                .map(|key| (key.kid.as_str(), key.slot))
                .collect()
        );
        Ok(())
    }

    /// The slots as the journal alone tells them.
    fn replayed(&self) -> BTreeMap<&str, Slot> {
        let mut slots = BTreeMap::new();
        for entry in &self.tenant.journal {
            let before = match entry.to {
                Some(slot) => slots.insert(entry.kid.as_str(), slot),
                None => slots.remove(entry.kid.as_str()),
            };
            assert_eq!(before, entry.from, "{entry:?}");
        }
        slots
    }
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (seconds(), 0..12usize).prop_map(|(seconds, steps)| Event::Pass { seconds, steps }),
        4 => (0..12usize).prop_map(|steps| Event::UntilNext { steps }),
        1 => (1..100 * DAY).prop_map(|seconds| Event::Backwards { seconds }),
        1 => (0..8usize, orders()).prop_map(|(place, order)| Event::Order { place, order }),
        1 => policies().prop_map(|(text, life)| Event::Policy(text, life)),
    ]
}

fn seconds() -> impl Strategy<Value = i64> {
    prop_oneof![0..600i64, 0..2 * DAY, 0..200 * DAY]
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Replace),
        Just(Order::Withdraw),
        Just(Order::Revoke)
    ]
}

/// Every policy that is possible, and often the tightest.
fn policies() -> impl Strategy<Value = (PolicyText, i64)> {
    let life = prop_oneof![Just(60), 60..12 * HOUR];
    let ahead = prop_oneof![Just(360), 360..3 * DAY];
    let more = prop_oneof![Just(Some(0)), Just(None), (0..90 * DAY).prop_map(Some)];
    let backend = prop_oneof![4 => Just(SOFTWARE), 1 => Just("hsm")];
    (life, ahead, more, any::<bool>(), backend).prop_map(|(life, ahead, more, standby, backend)| {
        let least = ahead.max(life + 360);
        let text = PolicyText {
            period: more.map(|more: i64| least + more),
            publish_ahead: ahead,
            standby,
            publishing: Publishing::Own,
            backend: backend.to_owned(),
        };
        (text, life)
    })
}

proptest! {
    /// Where somebody else shows the keys, one that was never seen there never signs by schedule,
    /// however long it waits; once seen, it is published as long as any other first.
    #[test]
    fn what_nobody_saw_does_not_sign((text, life) in policies(), late in 1..90 * DAY) {
        let text = PolicyText { publishing: Publishing::External, ..text };
        let policy = RotationPolicy::new(text, 300, life).unwrap();
        let mut tenant = Tenant::founded(&policy);
        let first: Vec<String> = tenant.slots.keys().iter().map(|key| key.kid.clone()).collect();
        for kid in &first {
            tenant.slots.seen(kid, 0);
        }
        tenant.order(&first[0], Order::Replace, 0);
        tenant.run(&policy, 400 * DAY);
        tenant.run(&policy, 800 * DAY);
        for key in tenant.slots.keys() {
            prop_assert!(key.slot != Slot::Active || first.contains(&key.kid), "{key:?}");
        }
        let unseen: Vec<String> = tenant.slots.unseen(&policy).map(|key| key.kid.clone()).collect();
        prop_assert!(!unseen.is_empty());
        let seen_at = 800 * DAY + late;
        for kid in &unseen {
            tenant.slots.seen(kid, seen_at);
        }
        tenant.run(&policy, seen_at);
        let own = tenant.slots.keys().iter().filter(|key| unseen.contains(&key.kid));
        for key in own {
            prop_assert!(key.published_at.is_none_or(|at| at >= seen_at), "{key:?}");
            if let Some(at) = key.activated_at {
                prop_assert!(at >= seen_at + policy.least_publication(), "{key:?}");
            }
        }
    }
}
