//! Many declarations at once: planned, agreed to, and carried out in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use http::StatusCode;
use rolecall_access::Deed;
use rolecall_http_api::{Standing, document, edits_between, of_the_api};
use rolecall_store::{AuditRecord, Edit, Expect, Listing, Resource, ResourceKind, Source};

use crate::api::AdminApi;
use crate::asked::{Asked, Write};
use crate::changing::{Amending, TRIES, Written, guard};
use crate::plan::{self, Memory};
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::{Applied, Apply, Plan, PlannedAction, PlannedChange};

pub(crate) async fn apply(
    State(api): State<AdminApi>,
    write: Write<Apply>,
) -> Result<Reply, Refused> {
    let (asked, apply) = (&write.asked, &write.body);
    check_set(&apply.set)?;
    // Whoever sees nothing of a tenant learns nothing of it, whatever it sends.
    for tenant in &apply.tenants {
        let may_make = asked
            .asker
            .may(Deed::HoldTenants, &rolecall_access::Scope::Installation);
        if may_make != rolecall_access::Decision::Allowed {
            asked.require(&api, Deed::See, &tenant.name, "apply")?;
        }
    }
    rolecall_http_api::check(&apply.tenants)?;
    let carried_out = async {
        for _ in 0..TRIES {
            let drafted = api.draft(asked, apply).await?;
            if apply.dry_run {
                return Reply::ok(&Applied {
                    plan: drafted.plan,
                    applied: false,
                });
            }
            if apply
                .expect
                .as_ref()
                .is_some_and(|expect| *expect != drafted.plan.digest)
            {
                return Err(Refused::changed_meanwhile(
                    "the plan is another by now: something was changed since it was agreed to",
                )
                .hint("Ask for the plan again with `dry_run`, and agree to that."));
            }
            let reply = Reply::ok(&Applied {
                plan: drafted.plan,
                applied: true,
            })?;
            if drafted.edits.is_empty() {
                return Ok(reply);
            }
            let body = reply.body.clone().unwrap_or_default();
            let kept = api.sealed(asked, write.mark.as_ref(), &body)?;
            let change = Amending {
                asked,
                mark: write.mark.as_ref(),
                insists: write.insists,
                tenant: "",
                kind: ResourceKind::Applied.as_str(),
                name: &apply.set,
            };
            let (edits, records) = (drafted.edits, drafted.records);
            match api
                .write(&change, edits, records, StatusCode::OK, &kept)
                .await
            {
                Ok(()) => return Ok(reply),
                Err(Written::Again) => {}
                Err(Written::Refused(refused)) => return Err(refused),
            }
        }
        Err(Refused::changed_meanwhile(
            "what is declared is being changed all the time",
        ))
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

/// A plan with all that it takes to carry it out.
struct Drafted {
    plan: Plan,
    edits: Vec<Edit>,
    records: Vec<AuditRecord>,
}

impl AdminApi {
    async fn draft(&self, asked: &Asked, apply: &Apply) -> Result<Drafted, Refused> {
        let mut drafted = Drafted {
            plan: Plan::default(),
            edits: Vec::new(),
            records: Vec::new(),
        };
        let mut revisions = Vec::new();
        for wanted in &apply.tenants {
            let standing = self.installation().standing(&wanted.name).await?;
            let (memory, others) = memories(standing.as_ref(), &apply.set)?;
            let before = standing.as_ref().map(|standing| &standing.declaration);
            let (part, after) = plan::part(before, wanted, &memory, &others, apply.prune);
            if let Some((what, set)) = part.taken.first() {
                return Err(Refused::new(
                    StatusCode::CONFLICT,
                    "of_another_set",
                    format!(
                        "`{what}` of tenant `{}` was applied by the set `{set}`",
                        wanted.name
                    ),
                )
                .hint("Take it out of one of the two, and apply that with `prune` first."));
            }
            for change in &part.changes {
                require(self, asked, change)?;
            }
            let revision = standing.as_ref().map_or(0, |one| one.stored.entry.revision);
            revisions.push((wanted.name.clone(), revision));
            if !part.changes.is_empty() || part.memory != memory {
                let written = self.written(standing.as_ref(), &after, apply, &part.memory);
                let (edits, records) = written.await?;
                drafted.edits.extend(edits);
                drafted.records.extend(rows(self, asked, &part.changes));
                drafted.records.extend(records);
            }
            drafted.plan.changes.extend(part.changes);
            drafted.plan.left.extend(part.left);
        }
        self.draft_gone(asked, apply, &mut revisions, &mut drafted)
            .await?;
        let plan = &mut drafted.plan;
        plan.digest = plan::digest_of_plan(&plan.changes, &plan.left, &revisions);
        Ok(drafted)
    }

    /// What is written for one tenant.
    async fn written(
        &self,
        standing: Option<&Standing>,
        after: &rolecall_http_api::TenantDeclaration,
        apply: &Apply,
        memory: &Memory,
    ) -> Result<(Vec<Edit>, Vec<AuditRecord>), Refused> {
        let before = standing.map(|standing| &standing.declaration);
        self.installation()
            .judge(before, after, apply.force)
            .await?;
        let mut edits: Vec<Edit> = standing.map(guard).into_iter().collect();
        let mut records = Vec::new();
        edits.extend(edits_between(standing, after)?);
        if standing.is_none() {
            let first = self.installation().first_keys(after).await?;
            edits.extend(first.edits);
            records.extend(first.records);
        }
        edits.push(Edit::Put {
            tenant: after.name.clone(),
            kind: ResourceKind::Applied,
            document: document(&apply.set, memory)?,
            source: Source::Api,
            expect: Expect::Any,
        });
        Ok((edits, records))
    }

    /// Whole tenants that the set applied and does not hold any more.
    async fn draft_gone(
        &self,
        asked: &Asked,
        apply: &Apply,
        revisions: &mut Vec<(String, i64)>,
        drafted: &mut Drafted,
    ) -> Result<(), Refused> {
        let held: BTreeSet<&str> = apply.tenants.iter().map(|one| one.name.as_str()).collect();
        let seen = asked.asker.sees();
        for (name, memory) in self.applied(&apply.set).await? {
            let hidden = (seen.as_ref()).is_some_and(|seen| !seen.contains(&name.as_str()));
            let owns = memory.documents.contains_key(&format!("tenant/{name}"));
            if held.contains(name.as_str()) || hidden || !owns {
                continue;
            }
            let Some(standing) = self.installation().standing(&name).await? else {
                continue;
            };
            let changes = plan::gone(&standing.declaration, &memory);
            revisions.push((name.clone(), standing.stored.entry.revision));
            if !apply.prune {
                drafted.plan.left.extend(changes);
                continue;
            }
            asked.require(self, Deed::HoldTenants, &name, &format!("tenant/{name}"))?;
            of_the_api(standing.stored.entry.source, &format!("tenant `{name}`"))?;
            drafted.edits.push(guard(&standing));
            drafted.edits.push(Edit::RemoveTenant {
                name,
                expect: Expect::Any,
            });
            drafted.records.extend(rows(self, asked, &changes));
            drafted.plan.changes.extend(changes);
        }
        Ok(())
    }

    /// What a set applied, by tenant.
    async fn applied(&self, set: &str) -> Result<Vec<(String, Memory)>, Refused> {
        let reader = self.installation().store().reader();
        let (mut after, mut all) = (String::new(), Vec::new());
        loop {
            let listing = Listing {
                tenant: None,
                kind: ResourceKind::Applied,
                after,
                limit: AT_ONCE,
            };
            let mut found = reader.list(&listing).await?;
            let full = found.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
            if let (true, Some(last)) = (full, found.last().map(|one| one.tenant.clone())) {
                // The last tenant's rows may be cut off: they come first in the next part.
                found.retain(|one| one.tenant != last);
            }
            let last = found.last().map(|one| one.tenant.clone());
            for one in &found {
                if one.document.name == set {
                    all.push((one.tenant.clone(), memory(one)?));
                }
            }
            match (full, last) {
                (true, Some(last)) => after = last,
                _ => return Ok(all),
            }
        }
    }
}

fn require(api: &AdminApi, asked: &Asked, change: &PlannedChange) -> Result<(), Refused> {
    let deed = match change.kind.as_str() {
        "token_config" => Deed::ShapeTokens,
        "trust_subscription" => Deed::ShapeTokens,
        "trusted_issuer" => Deed::TrustIssuers,
        "workload" => Deed::RegisterWorkloads,
        _ if change.action == PlannedAction::Create => Deed::HoldTenants,
        _ => Deed::SettleTenant,
    };
    asked.require(api, deed, &change.tenant, &target(change))
}

fn rows<'a>(
    api: &'a AdminApi,
    asked: &'a Asked,
    changes: &'a [PlannedChange],
) -> impl Iterator<Item = AuditRecord> + 'a {
    changes.iter().map(|change| {
        let mut row = asked.row(api, &change.tenant, &target(change));
        row.reason = Some(
            match change.action {
                PlannedAction::Create => "applied: made",
                PlannedAction::Change => "applied: changed",
                PlannedAction::Adopt => "applied: taken over",
                PlannedAction::Remove => "applied: removed",
            }
            .to_owned(),
        );
        row
    })
}

fn target(change: &PlannedChange) -> String {
    format!("{}/{}", change.kind, change.name)
}

/// What this set applied of a tenant, and what others did.
fn memories(
    standing: Option<&Standing>,
    set: &str,
) -> Result<(Memory, BTreeMap<String, String>), Refused> {
    let (mut own, mut others) = (Memory::default(), BTreeMap::new());
    let resources = standing.map(|standing| standing.stored.resources.as_slice());
    for one in resources.unwrap_or_default() {
        if one.kind != ResourceKind::Applied {
            continue;
        }
        if one.document.name == set {
            own = memory(one)?;
        } else {
            for key in memory(one)?.documents.into_keys() {
                others.insert(key, one.document.name.clone());
            }
        }
    }
    Ok((own, others))
}

fn memory(one: &Resource) -> Result<Memory, Refused> {
    serde_json::from_str(&one.document.json).map_err(|error| Refused::ours(&error))
}

fn check_set(set: &str) -> Result<(), Refused> {
    let fits = (1..=64).contains(&set.len())
        && set
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if fits {
        Ok(())
    } else {
        Err(Refused::invalid(
            "set",
            "the name of a set has 1 to 64 letters, digits and `-_.`",
        ))
    }
}

const AT_ONCE: u32 = 1_000;
