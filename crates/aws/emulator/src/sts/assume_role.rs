//! AssumeRole: a signed caller becomes another role.

use std::collections::BTreeSet;

use rolecall_names::RoleArn;
use rolecall_trust::{Context, Decision, Grant, Request};
use serde_json::{Value, json};

use super::session_policy::SessionPolicies;
use super::{Journal, credentials, role};
use crate::access;
use crate::account::{Role, Tags};
use crate::aws_claims::check_tags;
use crate::call::Call;
use crate::caller::Caller;
use crate::core::Core;
use crate::session::{SessionOf, assumed_role_arn};
use crate::wire::{Fault, Shape, Xml, catalogue, shape};

pub(super) fn assume(
    core: &Core,
    call: &Call,
    caller: &Caller,
    journal: &mut Journal,
) -> Result<Xml, Fault> {
    let mut asked = Asked::read(call, journal).inspect_err(|fault| {
        journal
            .proof
            .failed("request", json!({"why": fault.note()}));
    })?;
    asked.record(caller, journal);
    if caller.is_root() {
        journal.proof.failed("caller", json!({"why": "root"}));
        return Err(Fault::new(&catalogue::ROOT_CANNOT_ASSUME));
    }
    let inherited = asked.inherit(caller);
    journal.proof.check(
        "inheritance",
        json!({"tags": asked.tags, "transitive": asked.transitive}),
        inherited,
    )?;

    let role = role::find(core, &asked.role).map_err(|missing| {
        journal.proof.failed(
            "role",
            json!({"role": asked.role.as_str(), "why": missing.why}),
        );
        journal.proof.mend(missing.mend);
        denied(caller, "sts:AssumeRole", &asked.role)
    })?;
    journal
        .proof
        .passed("role", json!({"role": asked.role.as_str()}));
    asked.judge(core, call, caller, &role, journal)?;

    let seconds = asked.duration.unwrap_or(3600);
    let chained = caller.is_role_session();
    journal.proof.check(
        "duration",
        json!({"seconds": seconds, "max_session_duration": role.max_session_duration, "role_chaining": chained}),
        if chained && seconds > CHAINING_SECONDS {
            Err(Fault::new(&catalogue::DURATION_OVER_CHAINING))
        } else if seconds > role.max_session_duration {
            Err(Fault::new(&catalogue::DURATION_OVER_MAXIMUM))
        } else {
            Ok(())
        },
    )?;
    asked.give(core, call, caller, &role, seconds, journal)
}

/// What was asked for; after [`Asked::inherit`] with what the caller's session brings along.
struct Asked<'c> {
    role: RoleArn,
    session_name: &'c str,
    duration: Option<i32>,
    policies: SessionPolicies,
    external_id: Option<&'c str>,
    source_identity: Option<String>,
    tags: Tags,
    transitive: Vec<String>,
}

impl<'c> Asked<'c> {
    fn read(call: &'c Call, journal: &mut Journal) -> Result<Self, Fault> {
        let parameters = &call.parameters;
        let mut shape = Shape::new(parameters);
        let role = shape.required("RoleArn", 20..=2048, None);
        let session_name = shape.required("RoleSessionName", 2..=64, Some(shape::NAME));
        journal.proof.asks(role, session_name);
        let duration = shape.integer("DurationSeconds", 900..=43_200)?;
        let external_id = shape.optional("ExternalId", 2..=1224, Some(shape::EXTERNAL_ID));
        let source_identity = shape.optional("SourceIdentity", 2..=64, Some(shape::NAME));
        let with_mfa = mfa(&mut shape);
        let contexts = provided_contexts(call, &mut shape)?;
        // AWS's model gives the policy of this operation no length; the room for it is checked later.
        let policies = SessionPolicies::read(call, &mut shape, usize::MAX)?;
        let mut tags = Vec::new();
        for (at, mut fields) in parameters.structures("Tags")?.into_iter().enumerate() {
            let place = format!("tags.{}.member", at + 1);
            let key = fields.remove("Key");
            let value = fields.remove("Value");
            match (key, value) {
                (Some(key), Some(value)) => {
                    shape.member(&format!("{place}.key"), &key, 1..=128, Some(shape::TAG));
                    shape.member(&format!("{place}.value"), &value, 0..=256, Some(shape::TAG));
                    tags.push((key, value));
                }
                (None, _) => shape.absent(&format!("{place}.key")),
                (_, None) => shape.absent(&format!("{place}.value")),
            }
        }
        shape.at_most("tags", tags.len(), 50);
        let transitive = parameters.list("TransitiveTagKeys")?;
        shape.at_most("transitiveTagKeys", transitive.len(), 50);
        for (at, key) in transitive.iter().enumerate() {
            let place = format!("transitiveTagKeys.{}.member", at + 1);
            shape.member(&place, key, 1..=128, Some(shape::TAG));
        }
        shape.finish()?;

        let role = role
            .parse::<RoleArn>()
            .map_err(|error| Fault::new(&catalogue::ARN_INVALID).noted(error.to_string()))?;
        if with_mfa {
            return Err(Fault::new(&catalogue::MFA_FAILED));
        }
        if let Some(provider) = contexts.first() {
            return Err(Fault::new(&catalogue::VALIDATION)
                .with(
                    "message",
                    format!("The context provider {provider} is not known"),
                )
                .noted("the emulator has no context providers"));
        }
        let keys: BTreeSet<String> = tags.iter().map(|(key, _)| key.to_lowercase()).collect();
        if keys.len() < tags.len() {
            return Err(Fault::new(&catalogue::TAG_KEYS_REPEATED));
        }
        let tags: Tags = tags.into_iter().collect();
        check_tags(&tags, &transitive)
            .map_err(|why| Fault::new(&catalogue::VALIDATION).with("message", why))?;
        if !transitive
            .iter()
            .all(|key| tags.keys().any(|tag| tag.eq_ignore_ascii_case(key)))
        {
            return Err(Fault::new(&catalogue::TRANSITIVE_NOT_TAGGED));
        }
        journal.proof.passed("request", json!({}));
        Ok(Self {
            role,
            session_name,
            duration,
            policies,
            external_id,
            source_identity: source_identity.map(str::to_owned),
            tags,
            transitive,
        })
    }

    fn record(&self, caller: &Caller, journal: &mut Journal) {
        let parameters = &mut journal.event.parameters;
        parameters.insert("roleArn".to_owned(), self.role.as_str().into());
        parameters.insert("roleSessionName".to_owned(), self.session_name.into());
        let mut optional = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                parameters.insert(name.to_owned(), value);
            }
        };
        optional("externalId", self.external_id.map(Value::from));
        optional("durationSeconds", self.duration.map(Value::from));
        optional("policy", self.policies.inline.clone().map(Value::from));
        optional("policyArns", self.policies.record());
        optional(
            "sourceIdentity",
            self.source_identity.clone().map(Value::from),
        );
        let tags = self
            .tags
            .iter()
            .map(|(key, value)| json!({"key": key, "value": value}));
        optional("tags", (!self.tags.is_empty()).then(|| tags.collect()));
        optional(
            "transitiveTagKeys",
            (!self.transitive.is_empty()).then(|| json!(self.transitive)),
        );
        journal.event.resources = Some(json!([{
            "accountId": self.role.account(),
            "type": "AWS::IAM::Role",
            "ARN": self.role.as_str(),
        }]));
        journal.event.recipient = Some(self.role.account().clone());
        journal.event.shared_with = Some(caller.account.clone());
    }

    /// Takes over transitive tags and the source identity of the caller's session. Neither can be
    /// changed on the way.
    fn inherit(&mut self, caller: &Caller) -> Result<(), Fault> {
        let Some(session) = caller.session() else {
            return Ok(());
        };
        for key in &session.transitive {
            let Some((key, value)) = session
                .tags
                .iter()
                .find(|(tag, _)| tag.eq_ignore_ascii_case(key))
            else {
                continue;
            };
            if self.tags.keys().any(|tag| tag.eq_ignore_ascii_case(key)) {
                return Err(Fault::new(&catalogue::TRANSITIVE_TAG_OVERRIDDEN));
            }
            self.tags.insert(key.clone(), value.clone());
            self.transitive.push(key.clone());
        }
        if let Some(identity) = &session.source_identity {
            match &self.source_identity {
                Some(asked) if asked != identity => {
                    return Err(denied(caller, "sts:SetSourceIdentity", &self.role).noted(
                        "the session already has another source identity, which stays for the whole chain",
                    ));
                }
                _ => self.source_identity = Some(identity.clone()),
            }
        }
        Ok(())
    }

    /// Weighs the role's trust policy and the caller's own policies, for each action needed.
    fn judge(
        &self,
        core: &Core,
        call: &Call,
        caller: &Caller,
        role: &Role,
        journal: &mut Journal,
    ) -> Result<(), Fault> {
        let mut actions = vec!["sts:AssumeRole"];
        if !self.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if self.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        for action in actions {
            let request = Request {
                principal: caller.principal(),
                action: action.to_owned(),
                resource: None,
                context: core.keeper.read(|world| {
                    let mut context = self.context(call, role);
                    caller.describe(world, &mut context);
                    context
                }),
            };
            let grant = core.policies.grant(&role.trust_policy, &request);
            let own = core.keeper.read(|world| {
                access::decide(
                    world,
                    &core.policies,
                    caller,
                    action,
                    self.role.as_str(),
                    &request.context,
                )
            });
            let with_resource = Request {
                resource: Some(self.role.as_str().to_owned()),
                ..request.clone()
            };
            let narrowed = access::narrowed(&core.policies, caller, &with_resource);
            let same_account = caller.account == *self.role.account();
            let allowed = match grant {
                Grant::Denied | Grant::Nothing => false,
                // Named itself in its own account, a caller needs no policy of its own.
                Grant::Caller if same_account => {
                    own != Decision::ExplicitDeny && narrowed == Decision::Allow
                }
                Grant::Caller | Grant::Account => own == Decision::Allow,
            };
            let by_trust = matches!(grant, Grant::Caller | Grant::Account);
            super::trust::note(
                core,
                &role.trust_policy,
                &request,
                by_trust,
                &mut journal.proof,
            );
            if by_trust {
                let detail = json!({
                    "action": action,
                    "resource": self.role.as_str(),
                    "trust_policy_names": if grant == Grant::Caller { "the caller" } else { "the caller's account" },
                    "same_account": same_account,
                    "caller_policies": own,
                    "session_policies": narrowed,
                });
                if allowed {
                    journal.proof.passed("caller_policies", detail);
                } else {
                    journal.proof.failed("caller_policies", detail);
                    journal.proof.mend(format!(
                        "allow `{action}` on `{}` in a policy of {}",
                        self.role,
                        caller.arn()
                    ));
                }
            }
            if !allowed {
                return Err(denied(caller, action, &self.role));
            }
        }
        Ok(())
    }

    fn context(&self, call: &Call, role: &Role) -> Context {
        let mut context = call.context();
        context
            .set("sts:RoleSessionName", self.session_name)
            .set_list("aws:TagKeys", self.tags.keys().cloned())
            .set_list("sts:TransitiveTagKeys", self.transitive.clone());
        if let Some(id) = self.external_id {
            context.set("sts:ExternalId", id);
        }
        if let Some(identity) = &self.source_identity {
            context.set("sts:SourceIdentity", identity);
        }
        for (key, value) in &self.tags {
            context.set(format!("aws:RequestTag/{key}"), value);
        }
        for (key, value) in &role.tags {
            context
                .set(format!("iam:ResourceTag/{key}"), value)
                .set(format!("aws:ResourceTag/{key}"), value);
        }
        context
    }

    fn give(
        self,
        core: &Core,
        call: &Call,
        caller: &Caller,
        role: &Role,
        seconds: i32,
        journal: &mut Journal,
    ) -> Result<Xml, Fault> {
        let account = self.role.account();
        let policies = core
            .keeper
            .read(|world| self.policies.texts(world, account));
        let policies = journal.proof.check(
            "session_policies",
            json!({"inline": self.policies.inline.is_some(), "arns": self.policies.arns}),
            policies,
        )?;
        let packed = self.policies.packed_percent(&self.tags, "");
        let packed = journal
            .proof
            .check("packed_policy_size", json!({}), packed)?;
        let of = SessionOf::Role {
            arn: self.role.as_str().to_owned(),
            id: role.id.clone(),
            name: role.name.clone(),
            session_name: self.session_name.to_owned(),
        };
        let mut session = credentials::new_session(account, of, call.now, seconds)?;
        session.policies = policies;
        session.tags = self.tags;
        session.transitive = self.transitive;
        session.source_identity = self.source_identity;
        session.federated = caller
            .session()
            .and_then(|session| session.federated.clone());
        core.keeper.change(|world| {
            world.add_session(session.clone(), call.now);
            Ok(())
        })?;

        let id = format!("{}:{}", role.id, self.session_name);
        let arn = assumed_role_arn(account, &role.name, self.session_name);
        journal.event.response = Some(json!({
            "credentials": credentials::record(&session),
            "assumedRoleUser": {"assumedRoleId": id, "arn": arn},
            "sourceIdentity": session.source_identity,
            "packedPolicySize": packed,
        }));
        let mut xml = Xml::new();
        credentials::write(&mut xml, &session);
        credentials::write_assumed_role(&mut xml, &id, &arn);
        xml.text("PackedPolicySize", &packed.to_string())
            .optional("SourceIdentity", session.source_identity.as_deref());
        Ok(xml)
    }
}

/// Checks the shape of the parameters of MFA, and tells whether they are there. The emulator has no
/// devices, so that no code is right.
pub(super) fn mfa(shape: &mut Shape<'_>) -> bool {
    let number = shape.optional("SerialNumber", 9..=256, Some(shape::SERIAL_NUMBER));
    let code = shape.optional("TokenCode", 6..=6, Some(shape::DIGITS));
    number.is_some() || code.is_some()
}

/// The providers of `ProvidedContexts`.
fn provided_contexts(call: &Call, shape: &mut Shape<'_>) -> Result<Vec<String>, Fault> {
    let contexts = call.parameters.structures("ProvidedContexts")?;
    shape.at_most("providedContexts", contexts.len(), 5);
    let mut providers = Vec::new();
    for (at, mut fields) in contexts.into_iter().enumerate() {
        let place = format!("providedContexts.{}.member", at + 1);
        if let Some(assertion) = fields.remove("ContextAssertion") {
            shape.secret_member(&format!("{place}.contextAssertion"), &assertion, 4..=2048);
        }
        let provider = fields.remove("ProviderArn").unwrap_or_default();
        shape.member(&format!("{place}.providerArn"), &provider, 20..=2048, None);
        providers.push(provider);
    }
    Ok(providers)
}

fn denied(caller: &Caller, action: &str, role: &RoleArn) -> Fault {
    Fault::new(&catalogue::NOT_AUTHORIZED)
        .with("user", caller.arn())
        .with("action", action)
        .with("resource", role.as_str())
}

/// The most that role credentials give to a further role, whatever that role allows.
const CHAINING_SECONDS: i32 = 3600;
