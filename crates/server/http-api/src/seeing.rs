//! Whether keys are where verifiers look, for tenants whose documents somebody else shows. Looked
//! for as any verifier would: by fetching.

use std::time::Duration;

use rolecall_attest::federated::{KeysFrom, TrustedIssuer, TrustedIssuerText};
use rolecall_attest_keys::TrustedKeys;
use rolecall_signing_keys::Slots;
use rolecall_store::{AuditKind, AuditRecord, Change, Edit, Outcome, SealedKey};

use crate::InstallationError;
use crate::first_start;
use crate::installation::Installation;
use crate::lowering::lower_stored;
use crate::stored::declared;

/// How often keys that nobody has seen are looked for.
pub(crate) const LOOK_FOR_UNSEEN_EVERY: Duration = Duration::from_secs(5);

impl Installation {
    /// Looks where verifiers do for the keys of a tenant, and notes those that are there. Whether
    /// any are missing still.
    pub(crate) async fn look_outside(&self, name: &str) -> Result<bool, InstallationError> {
        let shared = &*self.shared;
        let Some(found) = shared.store.reader().tenant(name).await? else {
            return Ok(false);
        };
        let checked = lower_stored(&declared(&found)?)?;
        let records = first_start::opened(&found.keys)?;
        let mut slots = Slots::new(records.into_iter().map(|key| key.record).collect(), 0);
        let unseen: Vec<String> = slots
            .unseen(&checked.rotation)
            .map(|key| key.kid.clone())
            .collect();
        if unseen.is_empty() {
            return Ok(false);
        }
        let place = checked.federation.jwks_uri.as_str();
        let keys = match self.shown(name, place) {
            Ok(keys) => keys,
            Err(why) => {
                tracing::error!(
                    tenant = name,
                    place,
                    why,
                    "the published keys of a tenant cannot be looked for"
                );
                return Ok(true);
            }
        };
        let now = shared.clock.now();
        let (mut edits, mut records, mut missing) = (Vec::new(), Vec::new(), false);
        for kid in &unseen {
            // Why it could not be fetched, the fetching logs.
            let there = keys.for_kid(Some(kid)).await;
            if !there.is_ok_and(|keys| keys.knows(Some(kid))) {
                missing = true;
                continue;
            }
            slots.seen(kid, now.as_second());
            let (Some(record), Some(key)) = (
                slots.key(kid),
                found.keys.iter().find(|key| key.kid == *kid),
            ) else {
                continue;
            };
            edits.push(Edit::PutKey(SealedKey {
                record: first_start::text(record)?,
                ..key.clone()
            }));
            let mut told = AuditRecord::new(now, AuditKind::SigningKey, name, Outcome::Granted);
            told.kid = Some(kid.clone());
            told.reason = Some(format!("seen at {place}"));
            records.push(told);
            tracing::info!(
                tenant = name,
                kid,
                place,
                "a signing key was seen where verifiers look"
            );
        }
        if edits.is_empty() {
            return Ok(missing);
        }
        edits.insert(
            0,
            Edit::Guard {
                tenant: name.to_owned(),
                revision: found.entry.revision,
            },
        );
        let change = Change {
            edits,
            records,
            answered: None,
            now: now.as_second(),
        };
        match self.carry_out(change).await {
            Ok(()) => Ok(missing),
            // Somebody changed the tenant meanwhile: it is looked at again.
            Err(InstallationError::Store(rolecall_store::StoreError::Stale { .. })) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The keys at `place`.
    fn shown(&self, name: &str, place: &str) -> Result<TrustedKeys, String> {
        let mut text = TrustedIssuerText::new("published", place);
        text.keys = KeysFrom::Url(place.to_owned());
        text.audiences = vec![name.to_owned()];
        let issuer = TrustedIssuer::read(&text, "").map_err(|error| error.to_string())?;
        let means = self.shared.means();
        means
            .trusted_keys
            .keys_of(&issuer)
            .map_err(|error| error.to_string())
    }
}
