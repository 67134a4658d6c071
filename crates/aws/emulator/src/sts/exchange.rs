//! A verified token becomes a session, if the role trusts it.

use rolecall_names::AccountId;
use rolecall_trust::{Decision, WebIdentity};
use serde_json::json;

use super::web_identity::Asked;
use super::{Journal, credentials, role};
use crate::account::Role;
use crate::aws_claims::AwsClaims;
use crate::call::Call;
use crate::core::Core;
use crate::session::{Federated, SessionOf, assumed_role_arn};
use crate::token::Claims;
use crate::wire::{Fault, Xml, catalogue};

/// A verified token and what it is exchanged for.
pub(super) struct Exchange<'c> {
    pub(super) asked: Asked<'c>,
    pub(super) claims: Claims,
    pub(super) aws: AwsClaims,
    pub(super) account: AccountId,
    pub(super) audience: String,
    pub(super) prefix: String,
    pub(super) provider: String,
    pub(super) listed: bool,
}

impl Exchange<'_> {
    /// Fills the record of the call.
    pub(super) fn record(&self, journal: &mut Journal) {
        journal.event.identity = json!({
            "type": "WebIdentityUser",
            "principalId": format!("{}:{}:{}", self.provider, self.audience, self.claims.subject),
            "userName": self.claims.subject,
            "identityProvider": self.provider,
        });
        let parameters = &mut journal.event.parameters;
        parameters.insert("roleArn".to_owned(), self.asked.role.as_str().into());
        parameters.insert("roleSessionName".to_owned(), self.asked.session_name.into());
        if let Some(seconds) = self.asked.duration {
            parameters.insert("durationSeconds".to_owned(), seconds.into());
        }
        if let Some(identity) = &self.aws.source_identity {
            parameters.insert("sourceIdentity".to_owned(), identity.as_str().into());
        }
        if !self.aws.tags.is_empty() {
            parameters.insert("principalTags".to_owned(), json!(self.aws.tags));
        }
        if !self.aws.transitive.is_empty() {
            parameters.insert("transitiveTagKeys".to_owned(), json!(self.aws.transitive));
        }
        if let Some(policy) = &self.asked.policies.inline {
            parameters.insert("policy".to_owned(), policy.as_str().into());
        }
        if let Some(arns) = self.asked.policies.record() {
            parameters.insert("policyArns".to_owned(), arns);
        }
        journal.event.resources = Some(json!([{
            "accountId": self.account,
            "type": "AWS::IAM::Role",
            "ARN": self.asked.role.as_str(),
        }]));
        journal.event.additional.insert(
            "identityProviderConnectionVerificationMethod".to_owned(),
            "IAMTrustStore".into(),
        );
        if self.listed {
            journal
                .event
                .additional
                .insert("RoleAuthorizedByIdp".to_owned(), true.into());
        }
    }

    /// Role, trust policy, duration, session policies; then the session.
    pub(super) fn decide(
        &self,
        core: &Core,
        call: &Call,
        journal: &mut Journal,
    ) -> Result<Xml, Fault> {
        let role = role::find(core, &self.asked.role).map_err(|missing| {
            journal.proof.failed(
                "role",
                json!({"role": self.asked.role.as_str(), "why": missing.why}),
            );
            journal.proof.mend(missing.mend);
            Fault::new(&catalogue::WEB_IDENTITY_DENIED).noted(missing.why)
        })?;
        journal
            .proof
            .passed("role", json!({"role": self.asked.role.as_str()}));
        self.judge_trust(core, call, &role, journal)?;

        let seconds = self.asked.duration.unwrap_or(3600);
        journal.proof.check(
            "duration",
            json!({"seconds": seconds, "max_session_duration": role.max_session_duration}),
            if seconds > role.max_session_duration {
                Err(Fault::new(&catalogue::DURATION_OVER_MAXIMUM))
            } else {
                Ok(())
            },
        )?;
        self.give(core, call, &role, seconds, journal)
    }

    /// Asks the trust policy for every action that the token needs; all must be allowed.
    fn judge_trust(
        &self,
        core: &Core,
        call: &Call,
        role: &Role,
        journal: &mut Journal,
    ) -> Result<(), Fault> {
        let mut context = call.context();
        context.set("sts:RoleSessionName", self.asked.session_name);
        for request in self.identity().requests(context) {
            let allowed = core.policies.decide(&role.trust_policy, &request) == Decision::Allow;
            super::trust::note(
                core,
                &role.trust_policy,
                &request,
                allowed,
                &mut journal.proof,
            );
            if !allowed {
                return Err(Fault::new(&catalogue::WEB_IDENTITY_DENIED).noted(format!(
                    "the trust policy does not allow {}",
                    request.action
                )));
            }
        }
        Ok(())
    }

    /// The token as the trust policy sees it.
    fn identity(&self) -> WebIdentity {
        WebIdentity {
            provider: self.provider.clone(),
            prefix: self.prefix.clone(),
            audience: self.audience.clone(),
            original_audience: self
                .claims
                .authorized_party
                .as_ref()
                .and(self.claims.audiences.first().cloned()),
            subject: self.claims.subject.clone(),
            amr: self.claims.amr.clone(),
            claims: self.claims.all.clone(),
            tags: self.aws.tags.clone(),
            transitive: self.aws.transitive.clone(),
            source_identity: self.aws.source_identity.clone(),
            role_authorized: self.listed,
        }
    }

    fn give(
        &self,
        core: &Core,
        call: &Call,
        role: &Role,
        seconds: i32,
        journal: &mut Journal,
    ) -> Result<Xml, Fault> {
        let policies = core
            .keeper
            .read(|world| self.asked.policies.texts(world, &self.account));
        let policies = journal.proof.check(
            "session_policies",
            json!({"inline": self.asked.policies.inline.is_some(), "arns": self.asked.policies.arns}),
            policies,
        )?;
        let packed = journal.proof.check(
            "packed_policy_size",
            json!({}),
            self.asked
                .policies
                .packed_percent(&self.aws.tags, &self.claims.subject),
        )?;
        let of = SessionOf::Role {
            arn: self.asked.role.as_str().to_owned(),
            id: role.id.clone(),
            name: role.name.clone(),
            session_name: self.asked.session_name.to_owned(),
        };
        let mut session = credentials::new_session(&self.account, of, call.now, seconds)?;
        session.policies = policies;
        session.tags = self.aws.tags.clone();
        session.transitive = self.aws.transitive.clone();
        session.source_identity = self.aws.source_identity.clone();
        session.federated = Some(Federated {
            provider_arn: self.provider.clone(),
            prefix: self.prefix.clone(),
            audience: self.audience.clone(),
            subject: self.claims.subject.clone(),
        });
        core.keeper.change(|world| {
            world.add_session(session.clone(), call.now);
            Ok(())
        })?;

        let id = format!("{}:{}", role.id, self.asked.session_name);
        let arn = assumed_role_arn(&self.account, &role.name, self.asked.session_name);
        journal.event.response = Some(json!({
            "credentials": credentials::record(&session),
            "subjectFromWebIdentityToken": self.claims.subject,
            "assumedRoleUser": {"assumedRoleId": id, "arn": arn},
            "provider": self.provider,
            "audience": self.audience,
            "sourceIdentity": self.aws.source_identity,
            "packedPolicySize": packed,
        }));
        let mut xml = Xml::new();
        credentials::write(&mut xml, &session);
        xml.text("SubjectFromWebIdentityToken", &self.claims.subject);
        credentials::write_assumed_role(&mut xml, &id, &arn);
        xml.text("PackedPolicySize", &packed.to_string())
            .text("Provider", &self.provider)
            .text("Audience", &self.audience)
            .optional("SourceIdentity", self.aws.source_identity.as_deref());
        Ok(xml)
    }
}
