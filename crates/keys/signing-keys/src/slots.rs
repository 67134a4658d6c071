//! The keys of one tenant by what each is for, and the rules by which one becomes another.

use rolecall_jose::Algorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::journal::{JournalEntry, Reason};
use crate::rotation::{Due, NewKey, RotationError, RotationPolicy, Step};

/// What a key is for at present.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[schema(as = KeySlot)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// Signs, and is published.
    Active,
    /// Is published ahead of its turn, so that verifiers know it before it signs.
    Next,
    /// Signs no more; published as long as a token that it signed may live.
    Retired,
}

/// What an operator decided about a key, apart from the schedule; from mild to hard.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[schema(as = KeyOrder)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Replace it before its time, in the usual way: its successor is published ahead, and tokens
    /// that it signed live out their lives. Breaks nothing.
    Replace,
    /// It may be compromised: it signs until a successor has been published for as long as
    /// verifiers that obey `Cache-Control` keep an old JWKS, then it is unpublished at once.
    /// Tokens that it signed are refused from then on.
    Withdraw,
    /// It is compromised: it neither signs nor is published from this moment, and its successor
    /// signs at once, whether verifiers have seen it or not. Tokens that it signed are refused;
    /// so are new ones by verifiers that do not fetch the JWKS again for a name that they do not
    /// know, until what they keep is too old.
    Revoke,
}

impl Slot {
    /// As it is stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Next => "next",
            Self::Retired => "retired",
        }
    }
}

impl Order {
    /// As it is stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Withdraw => "withdraw",
            Self::Revoke => "revoke",
        }
    }
}

/// Everything about one signing key but the key. All times are seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// The key's name, its RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs: RS256 or ES256.
    pub algorithm: Algorithm,
    /// What it is for at present.
    pub slot: Slot,
    /// The name of the backend that holds it; [`SOFTWARE`](crate::SOFTWARE) for a sealed key.
    pub backend: String,
    /// When it was made.
    pub created_at: i64,
    /// When every replica was known to publish it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<i64>,
    /// When it was first seen where verifiers fetch it, if somebody else shows it to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<i64>,
    /// When it began to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<i64>,
    /// When it ceased to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<i64>,
    /// Seconds that the longest-lived token lives that it may have signed.
    #[serde(default)]
    pub longest_token_life: i64,
    /// What an operator decided about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

impl KeyRecord {
    /// A key that signs from the moment that it was made: one of a new tenant, whose JWKS nobody
    /// can have kept.
    #[must_use]
    pub fn first(made: NewKey, longest_token_life: i64, now: i64) -> Self {
        Self {
            slot: Slot::Active,
            published_at: Some(now),
            activated_at: Some(now),
            longest_token_life,
            ..Self::next(made, now)
        }
    }

    fn next(made: NewKey, now: i64) -> Self {
        Self {
            kid: made.kid,
            algorithm: made.algorithm,
            slot: Slot::Next,
            backend: made.backend,
            created_at: now,
            published_at: None,
            seen_at: None,
            activated_at: None,
            retired_at: None,
            longest_token_life: 0,
            order: None,
        }
    }

    /// Whether it belongs into the JWKS.
    #[must_use]
    pub fn is_published(&self) -> bool {
        match self.order {
            Some(Order::Revoke) => false,
            Some(Order::Withdraw) => self.slot == Slot::Active,
            Some(Order::Replace) | None => true,
        }
    }

    /// Whether it may sign.
    #[must_use]
    pub fn may_sign(&self) -> bool {
        self.slot == Slot::Active && self.order != Some(Order::Revoke)
    }

    /// The latest of its times.
    pub(crate) fn latest(&self) -> i64 {
        let times = [self.published_at, self.activated_at, self.retired_at];
        times.into_iter().flatten().fold(self.created_at, i64::max)
    }
}

/// All keys of one tenant. Changes only by [`apply`](Self::apply), [`create`](Self::create) and
/// [`order`](Self::order), each of which gives the journal entry that is to be stored in the same
/// transaction as the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    keys: Vec<KeyRecord>,
    seen_at: i64,
}

impl Slots {
    /// The keys as they are stored, in any order. `seen_at` is the latest time, in seconds since
    /// the epoch, that the installation has recorded anything at, such as its last audit record: a
    /// clock that stands before it went backwards.
    #[must_use]
    pub fn new(keys: Vec<KeyRecord>, seen_at: i64) -> Self {
        let seen_at = keys.iter().map(KeyRecord::latest).fold(seen_at, i64::max);
        Self { keys, seen_at }
    }

    /// The latest time that is known to have been.
    #[must_use]
    pub fn seen_at(&self) -> i64 {
        self.seen_at
    }

    /// The records, in the order in which they were given and made.
    #[must_use]
    pub fn keys(&self) -> &[KeyRecord] {
        &self.keys
    }

    /// The key with this name.
    #[must_use]
    pub fn key(&self, kid: &str) -> Option<&KeyRecord> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The key that signs with this algorithm. Should there be two, which no step leads to, it is
    /// the one that began later.
    #[must_use]
    pub fn signer(&self, algorithm: Algorithm) -> Option<&KeyRecord> {
        self.keys
            .iter()
            .filter(|key| key.algorithm == algorithm && key.may_sign())
            .max_by_key(|key| (key.activated_at, key.created_at))
    }

    /// The keys that verifiers should find elsewhere, and were not seen there yet.
    pub fn unseen<'s>(&'s self, policy: &RotationPolicy) -> impl Iterator<Item = &'s KeyRecord> {
        let elsewhere = policy.is_published_elsewhere();
        (self.keys.iter())
            .filter(move |key| elsewhere && key.is_published() && key.seen_at.is_none())
    }

    /// Notes that the key `kid` was seen at `now` where verifiers fetch it; `false` if it was known
    /// to be, or is not there.
    pub fn seen(&mut self, kid: &str, now: i64) -> bool {
        let key = self.keys.iter_mut().find(|key| key.kid == kid);
        match key {
            Some(key) if key.seen_at.is_none() => {
                key.seen_at = Some(now);
                true
            }
            _ => false,
        }
    }

    /// The keys that belong into the JWKS in their order: what signs first, the algorithm `first`
    /// before the other; then what will sign, then what signed, the latest first.
    #[must_use]
    pub fn published(&self, first: Algorithm) -> Vec<&KeyRecord> {
        let mut published: Vec<_> = self.keys.iter().filter(|key| key.is_published()).collect();
        published.sort_by_key(|key| {
            let signs = self
                .signer(key.algorithm)
                .is_some_and(|signer| signer.kid == key.kid);
            (
                !signs,
                key.slot,
                key.algorithm != first,
                key.algorithm,
                std::cmp::Reverse(key.latest()),
            )
        });
        published
    }

    /// Takes in a key that was made because the step `due` asked for it.
    ///
    /// # Errors
    /// `NotDue` if this creation is not due (another process may have been faster; the key that was
    /// made is of no use then), `Duplicate`, or what [`plan`](Self::plan) refuses.
    pub fn create(
        &mut self,
        due: &Due,
        made: NewKey,
        policy: &RotationPolicy,
        now: i64,
        by: &str,
    ) -> Result<JournalEntry, RotationError> {
        self.check_due(due, policy, now)?;
        let Step::Create {
            algorithm, first, ..
        } = due.step
        else {
            return Err(RotationError::NotDue);
        };
        if made.algorithm != algorithm {
            return Err(RotationError::NotDue);
        }
        if self.key(&made.kid).is_some() {
            return Err(RotationError::Duplicate { kid: made.kid });
        }
        let record = if first {
            KeyRecord::first(made, policy.longest_token_life(), now)
        } else {
            KeyRecord::next(made, now)
        };
        let entry = entry(&record, None, Some(record.slot), due.reason, now, by);
        self.keys.push(record);
        self.seen_at = now;
        Ok(entry)
    }

    /// Makes any other step that is due.
    ///
    /// A promotion retires the key before it in the same moment, so it gives two entries. A step
    /// that has been made already, or is not due yet, is refused: whoever plans with a state that
    /// is not the latest changes nothing.
    ///
    /// # Errors
    /// `NotDue`, or what [`plan`](Self::plan) refuses.
    pub fn apply(
        &mut self,
        due: &Due,
        policy: &RotationPolicy,
        now: i64,
        by: &str,
    ) -> Result<Vec<JournalEntry>, RotationError> {
        self.check_due(due, policy, now)?;
        let mut entries = Vec::new();
        match &due.step {
            Step::Create { .. } => return Err(RotationError::NotDue),
            Step::Publish { kid } => {
                let key = self.key_mut(kid)?;
                key.published_at = Some(now);
                entries.push(entry(
                    key,
                    Some(key.slot),
                    Some(key.slot),
                    due.reason,
                    now,
                    by,
                ));
            }
            Step::Lengthen { kid } => {
                let key = self.key_mut(kid)?;
                key.longest_token_life = policy.longest_token_life();
                entries.push(entry(
                    key,
                    Some(key.slot),
                    Some(key.slot),
                    due.reason,
                    now,
                    by,
                ));
            }
            Step::Promote { kid, retiring } => {
                for old in retiring {
                    entries.push(retire(self.key_mut(old)?, due.reason, now, by));
                }
                let key = self.key_mut(kid)?;
                key.slot = Slot::Active;
                key.published_at.get_or_insert(now);
                key.activated_at = Some(now);
                key.longest_token_life = policy.longest_token_life();
                let from = Some(Slot::Next);
                entries.push(entry(key, from, Some(Slot::Active), due.reason, now, by));
            }
            Step::Retire { kid } => {
                entries.push(retire(self.key_mut(kid)?, due.reason, now, by));
            }
            Step::Remove { kid } => {
                let key = self.key_mut(kid)?;
                entries.push(entry(key, Some(key.slot), None, due.reason, now, by));
                self.keys.retain(|key| key.kid != *kid);
            }
        }
        self.seen_at = now;
        Ok(entries)
    }

    /// Notes what an operator decided about a key; [`plan`](Self::plan) tells the steps that follow
    /// from it. A milder order never takes back a harder one.
    ///
    /// # Errors
    /// `Unknown` for a key that the tenant has not; `Pointless` where the order would change
    /// nothing: a key that does not sign cannot be replaced, and an order of the same or a harder
    /// kind was given already.
    pub fn order(
        &mut self,
        kid: &str,
        order: Order,
        now: i64,
        by: &str,
    ) -> Result<JournalEntry, RotationError> {
        let key = self.key_mut(kid)?;
        let pointless =
            key.order >= Some(order) || (order == Order::Replace && key.slot != Slot::Active);
        if pointless {
            return Err(RotationError::Pointless {
                kid: kid.to_owned(),
                order,
                slot: key.slot,
            });
        }
        key.order = Some(order);
        let reason = Reason::Ordered(order);
        Ok(entry(key, Some(key.slot), Some(key.slot), reason, now, by))
    }

    fn check_due(&self, due: &Due, policy: &RotationPolicy, now: i64) -> Result<(), RotationError> {
        let plan = self.plan(policy, now)?;
        if plan.due.contains(due) {
            Ok(())
        } else {
            Err(RotationError::NotDue)
        }
    }

    fn key_mut(&mut self, kid: &str) -> Result<&mut KeyRecord, RotationError> {
        self.keys
            .iter_mut()
            .find(|key| key.kid == kid)
            .ok_or_else(|| RotationError::Unknown {
                kid: kid.to_owned(),
            })
    }
}

fn retire(key: &mut KeyRecord, reason: Reason, now: i64, by: &str) -> JournalEntry {
    let from = key.slot;
    key.slot = Slot::Retired;
    key.retired_at = Some(now);
    entry(key, Some(from), Some(Slot::Retired), reason, now, by)
}

fn entry(
    key: &KeyRecord,
    from: Option<Slot>,
    to: Option<Slot>,
    reason: Reason,
    at: i64,
    by: &str,
) -> JournalEntry {
    JournalEntry {
        at,
        by: by.to_owned(),
        kid: key.kid.clone(),
        algorithm: key.algorithm,
        backend: key.backend.clone(),
        from,
        to,
        reason,
    }
}
