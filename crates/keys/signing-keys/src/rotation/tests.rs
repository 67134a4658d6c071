#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod properties;

use rolecall_jose::Algorithm;

use super::*;
use crate::{JournalEntry, KeyRecord, Reason, SCHEDULE, SOFTWARE, Slots};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn policy(change: impl FnOnce(&mut PolicyText)) -> RotationPolicy {
    let mut text = PolicyText::default();
    change(&mut text);
    RotationPolicy::new(text, 300, HOUR).unwrap()
}

/// A tenant and the journal of its keys, with names counted up.
#[derive(Default)]
struct Tenant {
    slots: Slots,
    journal: Vec<JournalEntry>,
    made: u32,
}

impl Tenant {
    fn founded(policy: &RotationPolicy) -> Self {
        let mut tenant = Self::default();
        tenant.run(policy, 0);
        tenant
    }

    fn make(&mut self, due: &Due, policy: &RotationPolicy, now: i64) -> Result<(), RotationError> {
        if let Step::Create {
            algorithm, backend, ..
        } = &due.step
        {
            self.made += 1;
            let made = NewKey {
                kid: format!("{}-{}", algorithm.as_str(), self.made),
                algorithm: *algorithm,
                backend: backend.clone(),
            };
            let entry = self.slots.create(due, made, policy, now, SCHEDULE)?;
            self.journal.push(entry);
        } else {
            self.journal
                .extend(self.slots.apply(due, policy, now, SCHEDULE)?);
        }
        Ok(())
    }

    /// Makes everything that is due, and tells when to look again.
    fn run(&mut self, policy: &RotationPolicy, now: i64) -> Option<i64> {
        loop {
            let plan = self.slots.plan(policy, now).unwrap();
            if plan.due.is_empty() {
                return plan.next_at;
            }
            // All first keys of one plan, in one transaction; otherwise one step at a time.
            let founding = self.slots.keys().is_empty();
            if founding {
                let mut founded = Vec::new();
                for due in &plan.due {
                    let mut alone = Self {
                        made: self.made,
                        ..Self::default()
                    };
                    alone.make(due, policy, now).unwrap();
                    self.made = alone.made;
                    self.journal.extend(alone.journal);
                    founded.extend(alone.slots.keys().to_vec());
                }
                self.slots = Slots::new(founded, now);
            } else {
                self.make(&plan.due[0], policy, now).unwrap();
            }
        }
    }

    fn order(&mut self, kid: &str, order: Order, now: i64) {
        let entry = self.slots.order(kid, order, now, "alice").unwrap();
        self.journal.push(entry);
    }

    /// The journal since `from` as lines.
    fn told(&self, from: usize) -> String {
        let slot = |slot: Option<Slot>| slot.map_or("-", Slot::as_str);
        self.journal[from..]
            .iter()
            .map(|entry| {
                format!(
                    "{:>9} {} {}: {} to {}, {:?}\n",
                    entry.at,
                    entry.by,
                    entry.kid,
                    slot(entry.from),
                    slot(entry.to),
                    entry.reason
                )
            })
            .collect()
    }

    fn published(&self) -> Vec<&str> {
        let published = self.slots.published(Algorithm::Rs256);
        published.iter().map(|key| key.kid.as_str()).collect()
    }

    fn signer(&self) -> &str {
        &self.slots.signer(Algorithm::Es256).unwrap().kid
    }
}

/// Runs until `until`, looking whenever the plan says so.
fn live(tenant: &mut Tenant, policy: &RotationPolicy, from: i64, until: i64) {
    let mut now = from;
    while now <= until {
        match tenant.run(policy, now) {
            Some(next) => {
                assert!(next > now);
                now = next;
            }
            None => return,
        }
    }
}

#[test]
fn a_key_lives_through_all_its_slots() {
    let policy = policy(|text| text.period = Some(30 * DAY));
    let mut tenant = Tenant::founded(&policy);
    live(&mut tenant, &policy, 0, 31 * DAY);
    insta::assert_snapshot!(tenant.told(0), @r"
            0 schedule RS256-1: - to active, First
            0 schedule ES256-2: - to active, First
      2505600 schedule RS256-3: - to next, Scheduled
      2505600 schedule RS256-3: next to next, Published
      2505600 schedule ES256-4: - to next, Scheduled
      2505600 schedule ES256-4: next to next, Published
      2592000 schedule RS256-1: active to retired, Scheduled
      2592000 schedule RS256-3: next to active, Scheduled
      2592000 schedule ES256-2: active to retired, Scheduled
      2592000 schedule ES256-4: next to active, Scheduled
      2595960 schedule RS256-1: retired to -, Expired
      2595960 schedule ES256-2: retired to -, Expired
    ");
}

#[test]
fn what_signs_is_published_first() {
    let policy = policy(|text| text.period = Some(30 * DAY));
    let mut tenant = Tenant::founded(&policy);
    live(&mut tenant, &policy, 0, 29 * DAY);
    assert_eq!(
        tenant.published(),
        ["RS256-1", "ES256-2", "RS256-3", "ES256-4"]
    );
    live(&mut tenant, &policy, 30 * DAY, 30 * DAY);
    assert_eq!(
        tenant.published(),
        ["RS256-3", "ES256-4", "RS256-1", "ES256-2"]
    );
    let first: Vec<_> = tenant
        .slots
        .published(Algorithm::Es256)
        .iter()
        .map(|key| key.kid.clone())
        .collect();
    assert_eq!(first, ["ES256-4", "RS256-3", "ES256-2", "RS256-1"]);
}

#[test]
fn without_a_period_only_an_operator_rotates() {
    let policy = policy(|text| text.period = None);
    let mut tenant = Tenant::founded(&policy);
    assert_eq!(tenant.run(&policy, 10_000 * DAY), None);
    let from = tenant.journal.len();
    tenant.order("ES256-2", Order::Replace, 10_000 * DAY);
    live(&mut tenant, &policy, 10_000 * DAY, 10_002 * DAY);
    insta::assert_snapshot!(tenant.told(from), @r"
    864000000 alice ES256-2: active to active, Ordered(Replace)
    864000000 schedule ES256-3: - to next, Ordered(Replace)
    864000000 schedule ES256-3: next to next, Published
    864086400 schedule ES256-2: active to retired, Ordered(Replace)
    864086400 schedule ES256-3: next to active, Ordered(Replace)
    864090360 schedule ES256-2: retired to -, Expired
    ");
}

#[test]
fn a_withdrawn_key_signs_until_verifiers_know_its_successor() {
    let policy = policy(|_| {});
    let mut tenant = Tenant::founded(&policy);
    let from = tenant.journal.len();
    tenant.order("ES256-2", Order::Withdraw, DAY);
    live(&mut tenant, &policy, DAY, 2 * DAY);
    insta::assert_snapshot!(tenant.told(from), @r"
    86400 alice ES256-2: active to active, Ordered(Withdraw)
    86400 schedule ES256-3: - to next, Ordered(Withdraw)
    86400 schedule ES256-3: next to next, Published
    86760 schedule ES256-2: active to retired, Ordered(Withdraw)
    86760 schedule ES256-3: next to active, Ordered(Withdraw)
    86760 schedule ES256-2: retired to -, Ordered(Withdraw)
    ");
}

#[test]
fn a_revoked_key_is_gone_at_once_and_its_successor_signs_at_once() {
    let policy = policy(|_| {});
    let mut tenant = Tenant::founded(&policy);
    let from = tenant.journal.len();
    tenant.order("ES256-2", Order::Revoke, DAY);
    assert_eq!(tenant.published(), ["RS256-1"]);
    assert!(tenant.slots.signer(Algorithm::Es256).is_none());
    tenant.run(&policy, DAY);
    assert_eq!(tenant.signer(), "ES256-3");
    insta::assert_snapshot!(tenant.told(from), @r"
    86400 alice ES256-2: active to active, Ordered(Revoke)
    86400 schedule ES256-3: - to next, Ordered(Revoke)
    86400 schedule ES256-3: next to next, Published
    86400 schedule ES256-2: active to retired, Ordered(Revoke)
    86400 schedule ES256-3: next to active, Ordered(Revoke)
    86400 schedule ES256-2: retired to -, Ordered(Revoke)
    ");
}

#[test]
fn with_a_standby_key_an_emergency_breaks_no_new_token() {
    let policy = policy(|text| text.standby = true);
    let mut tenant = Tenant::founded(&policy);
    assert_eq!(
        tenant.published(),
        ["RS256-1", "ES256-2", "RS256-3", "ES256-4"]
    );
    tenant.order("ES256-2", Order::Revoke, DAY);
    tenant.run(&policy, DAY);
    assert_eq!(tenant.signer(), "ES256-4");
    let key = tenant.slots.key("ES256-4").unwrap();
    assert_eq!((key.published_at, key.activated_at), (Some(0), Some(DAY)));
}

#[test]
fn condemned_keys_that_do_not_sign_go_at_once() {
    let policy = policy(|text| text.period = Some(30 * DAY));
    let mut tenant = Tenant::founded(&policy);
    live(&mut tenant, &policy, 0, 29 * DAY);
    tenant.order("ES256-4", Order::Withdraw, 29 * DAY);
    assert!(!tenant.published().contains(&"ES256-4"));
    tenant.run(&policy, 29 * DAY);
    assert!(tenant.slots.key("ES256-4").is_none());
    // A new one is published ahead for the whole time, so the turn comes that much later.
    assert!(tenant.published().contains(&"ES256-5"));
    live(&mut tenant, &policy, 30 * DAY, 30 * DAY);
    tenant.order("RS256-1", Order::Revoke, 30 * DAY);
    tenant.run(&policy, 30 * DAY);
    assert!(tenant.slots.key("RS256-1").is_none());
}

#[test]
fn another_backend_is_moved_to_as_in_any_rotation() {
    let software = policy(|text| text.standby = true);
    let mut tenant = Tenant::founded(&software);
    let hsm = policy(|text| text.backend = "hsm".to_owned());
    live(&mut tenant, &hsm, DAY, 3 * DAY);
    let signer = tenant.slots.signer(Algorithm::Es256).unwrap();
    assert_eq!(signer.backend, "hsm");
    assert_eq!(signer.activated_at, Some(2 * DAY));
    assert!(tenant.slots.keys().iter().all(|key| key.backend == "hsm"));
}

#[test]
fn tokens_that_may_live_longer_keep_a_retired_key_longer() {
    let short = policy(|text| text.period = Some(30 * DAY));
    let long = RotationPolicy::new(
        PolicyText {
            period: Some(30 * DAY),
            ..PolicyText::default()
        },
        300,
        12 * HOUR,
    )
    .unwrap();
    let mut tenant = Tenant::founded(&short);
    tenant.run(&long, DAY);
    tenant.run(&short, DAY + 1);
    live(&mut tenant, &short, 29 * DAY, 30 * DAY);
    assert!(tenant.slots.key("ES256-2").is_some());
    tenant.run(&short, 30 * DAY + 12 * HOUR + 359);
    assert!(tenant.slots.key("ES256-2").is_some());
    tenant.run(&short, 30 * DAY + 12 * HOUR + 360);
    assert!(tenant.slots.key("ES256-2").is_none());
}

#[test]
fn the_schedule_waits_before_retired_keys_pile_up() {
    let text = |period| PolicyText {
        period: Some(period),
        publish_ahead: 360,
        ..PolicyText::default()
    };
    let short = RotationPolicy::new(text(420), 300, 60).unwrap();
    let long = RotationPolicy::new(text(13 * HOUR), 300, 12 * HOUR).unwrap();
    let mut tenant = Tenant::founded(&short);
    // Every key is told of long-lived tokens, and then rotated as if there were none.
    for round in 1..12 {
        tenant.run(&long, round * 500 - 1);
        live(&mut tenant, &short, round * 500, round * 500 + 420);
    }
    assert_eq!(tenant.published().len(), 2 * (4 + 1 + 1));
    live(&mut tenant, &short, 14 * HOUR, 40 * HOUR);
    assert!(tenant.published().len() <= 2 * (1 + 1 + 1));
}

#[test]
fn a_forecast_is_what_comes() {
    let policy = policy(|text| text.period = Some(30 * DAY));
    let mut tenant = Tenant::founded(&policy);
    let told = tenant.slots.forecast(&policy, 5, 61 * DAY).unwrap();
    let from = tenant.journal.len();
    live(&mut tenant, &policy, 5, 61 * DAY);
    let steps = |entries: &[JournalEntry]| -> Vec<_> {
        let step = |entry: &JournalEntry| (entry.at, entry.algorithm, entry.from, entry.to);
        entries.iter().map(step).collect()
    };
    assert_eq!(steps(&told), steps(&tenant.journal[from..]));
    assert_eq!((told[0].at, told[0].kid.as_str()), (29 * DAY, "new-1"));
    let endless = tenant.slots.forecast(&policy, 61 * DAY, i64::MAX).unwrap();
    assert!(endless.len() >= LONGEST_FORECAST);
    let nothing = Slots::default().forecast(&policy, 0, DAY).unwrap();
    assert_eq!(nothing, []);
}

#[test]
fn an_overview_says_what_comes_next_for_each_key() {
    let policy = policy(|text| text.period = Some(30 * DAY));
    let mut tenant = Tenant::founded(&policy);
    live(&mut tenant, &policy, 0, 29 * DAY);
    live(&mut tenant, &policy, 30 * DAY, 30 * DAY);
    tenant.order("RS256-3", Order::Revoke, 30 * DAY);
    let seen = tenant.slots.overview(&policy, 30 * DAY).unwrap();
    let lines: Vec<_> = seen
        .iter()
        .map(|key| {
            let becomes = key.becomes.map_or("gone", Slot::as_str);
            let (record, at) = (&key.record, key.changes_at.unwrap());
            let (slot, published) = (record.slot.as_str(), key.published);
            format!(
                "{} {slot}, published {published}, {becomes} at {at}",
                record.kid
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    ES256-4 active, published true, retired at 5184000
    RS256-1 retired, published true, gone at 2595960
    ES256-2 retired, published true, gone at 2595960
    RS256-3 active, published false, retired at 2592000
    ");
    let json = serde_json::to_value(&seen[0]).unwrap();
    assert_eq!(json["slot"], "active");
}

#[test]
fn two_active_keys_of_which_one_is_revoked_are_mended() {
    let policy = policy(|_| {});
    let mut tenant = Tenant::founded(&policy);
    let mut keys = tenant.slots.keys().to_vec();
    keys.push(KeyRecord {
        kid: "other".to_owned(),
        order: Some(Order::Revoke),
        ..keys[1].clone()
    });
    tenant.slots = Slots::new(keys, 5);
    tenant.run(&policy, 5);
    assert!(tenant.slots.key("other").is_none());
    assert_eq!(tenant.signer(), "ES256-2");
}

#[test]
fn a_clock_that_went_backwards_changes_nothing() {
    let policy = policy(|_| {});
    let mut tenant = Tenant::founded(&policy);
    let slots = Slots::new(tenant.slots.keys().to_vec(), 100 * DAY);
    let error = slots.plan(&policy, 100 * DAY - 7).unwrap_err();
    insta::assert_snapshot!(error, @"the clock stands 7 seconds before what was recorded last; no key is rotated until it is right");
    tenant.run(&policy, 89 * DAY);
    let before = tenant.slots.clone();
    let due = Due {
        step: Step::Promote {
            kid: "ES256-4".to_owned(),
            retiring: vec!["ES256-2".to_owned()],
        },
        reason: Reason::Scheduled,
    };
    for now in [-1, 0, 89 * DAY - 1] {
        assert!(matches!(
            tenant.slots.apply(&due, &policy, now, SCHEDULE),
            Err(RotationError::ClockBackwards { .. })
        ));
    }
    assert_eq!(tenant.slots, before);
}

#[test]
fn a_step_is_made_once_and_when_it_is_due() {
    let policy = policy(|_| {});
    let mut tenant = Tenant::founded(&policy);
    tenant.run(&policy, 89 * DAY);
    let due = Due {
        step: Step::Promote {
            kid: "ES256-4".to_owned(),
            retiring: vec!["ES256-2".to_owned()],
        },
        reason: Reason::Scheduled,
    };
    let mut apply = |now| tenant.slots.apply(&due, &policy, now, SCHEDULE);
    assert_eq!(apply(90 * DAY - 1), Err(RotationError::NotDue));
    assert_eq!(apply(90 * DAY).unwrap().len(), 2);
    assert_eq!(apply(90 * DAY), Err(RotationError::NotDue));
}

#[test]
fn two_active_keys_are_mended() {
    let policy = policy(|_| {});
    let key = |kid: &str, at| {
        let made = NewKey {
            kid: kid.to_owned(),
            algorithm: Algorithm::Es256,
            backend: SOFTWARE.to_owned(),
        };
        KeyRecord::first(made, HOUR, at)
    };
    let mut tenant = Tenant {
        slots: Slots::new(vec![key("b", 7), key("a", 5)], 0),
        ..Tenant::default()
    };
    assert_eq!(tenant.signer(), "b");
    tenant.run(&policy, 8);
    assert_eq!(tenant.slots.key("a").unwrap().slot, Slot::Retired);
    assert_eq!(tenant.slots.key("b").unwrap().slot, Slot::Active);
}

#[test]
fn orders_that_change_nothing_are_refused() {
    let policy = policy(|text| text.standby = true);
    let mut tenant = Tenant::founded(&policy);
    tenant.order("ES256-2", Order::Withdraw, 1);
    let mut refused = |kid: &str, order| {
        let error = tenant.slots.order(kid, order, 2, "alice").unwrap_err();
        error.to_string()
    };
    insta::assert_snapshot!(refused("ES256-2", Order::Withdraw), @"the order `withdraw` changes nothing for the active key `ES256-2`");
    insta::assert_snapshot!(refused("ES256-2", Order::Replace), @"the order `replace` changes nothing for the active key `ES256-2`");
    insta::assert_snapshot!(refused("ES256-4", Order::Replace), @"the order `replace` changes nothing for the next key `ES256-4`");
    insta::assert_snapshot!(refused("x", Order::Revoke), @"there is no signing key `x`");
    tenant.order("ES256-2", Order::Revoke, 2);
}

#[test]
fn impossible_policies_are_refused() {
    let refused = |period, publish_ahead, life| {
        let text = PolicyText {
            period,
            publish_ahead,
            ..PolicyText::default()
        };
        RotationPolicy::new(text, 300, life)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(refused(None, 359, HOUR), @"publish_ahead is 359 seconds; it must be at least 360, longer than verifiers that obey `Cache-Control` keep the JWKS");
    insta::assert_snapshot!(refused(Some(HOUR), 2 * HOUR, 60), @"period is 3600 seconds; it must be at least 7200, so that a successor can be published ahead, and the key before is gone by then");
    insta::assert_snapshot!(refused(Some(HOUR), 360, HOUR), @"period is 3600 seconds; it must be at least 3960, so that a successor can be published ahead, and the key before is gone by then");
}

#[test]
fn records_and_journal_are_written_as_json() {
    let policy = policy(|_| {});
    let mut tenant = Tenant::founded(&policy);
    tenant.order("ES256-2", Order::Revoke, 5);
    let key = tenant.slots.key("ES256-2").unwrap();
    let json = serde_json::to_string(key).unwrap();
    insta::assert_snapshot!(json, @r#"{"kid":"ES256-2","algorithm":"ES256","slot":"active","backend":"software","created_at":0,"published_at":0,"activated_at":0,"longest_token_life":3600,"order":"revoke"}"#);
    assert_eq!(serde_json::from_str::<KeyRecord>(&json).unwrap(), *key);
    let json = serde_json::to_string(&tenant.journal[1..]).unwrap();
    insta::assert_snapshot!(json, @r#"[{"at":0,"by":"schedule","kid":"ES256-2","algorithm":"ES256","backend":"software","from":null,"to":"active","reason":"first"},{"at":5,"by":"alice","kid":"ES256-2","algorithm":"ES256","backend":"software","from":"active","to":"active","reason":{"ordered":"revoke"}}]"#);
    let read: Vec<JournalEntry> = serde_json::from_str(&json).unwrap();
    assert_eq!(read, tenant.journal[1..]);
    let plan = tenant.slots.plan(&policy, 5).unwrap();
    insta::assert_snapshot!(serde_json::to_string(&plan).unwrap(), @r#"{"due":[{"step":"create","algorithm":"ES256","backend":"software","first":false,"reason":{"ordered":"revoke"}}],"next_at":7689600}"#);
}
