use std::collections::BTreeMap;

use rolecall_ask::{
    Asker, Audience, Connection, HopDuration, PolicyArns, SessionDuration, SessionPolicy,
};
use rolecall_exchange::{Retry, Sts, StsAddress, StsEnvironment};
use rolecall_names::{ExternalId, RoleArn, RoleSessionName, SourceIdentity};

use crate::{ChainError, needs};

/// What will be asked of STS, step by step, for one asker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    connection: String,
    audience: Audience,
    address: StsAddress,
    steps: Vec<Step>,
}

/// One call to STS.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    pub(crate) number: usize,
    pub(crate) role: RoleArn,
    pub(crate) session_name: RoleSessionName,
    pub(crate) call: Call,
    pub(crate) policy: Option<SessionPolicy>,
    pub(crate) policy_arns: PolicyArns,
    pub(crate) trust_needs: Vec<String>,
    pub(crate) identity_needs: Vec<String>,
}

/// Which operation a step calls, with the parameters that only it takes.
#[derive(Clone, PartialEq, Eq)]
pub enum Call {
    /// `AssumeRoleWithWebIdentity`, always the first.
    WebIdentity {
        /// How long the session lasts.
        duration: SessionDuration,
    },
    /// `AssumeRole`, with the session of the step before.
    Hop {
        /// How long the session lasts.
        duration: HopDuration,
        /// What the trust policy expects in `sts:ExternalId`. Kept out of every print-out.
        external_id: Option<ExternalId>,
        /// Session tags.
        tags: BTreeMap<String, String>,
        /// Which of them further hops keep.
        transitive_tag_keys: Vec<String>,
        /// Who stands behind the session.
        source_identity: Option<SourceIdentity>,
    },
}

impl Plan {
    /// Plans a connection for an asker. Nothing is called.
    ///
    /// # Errors
    /// An attribute that a template needs and the asker lacks, a rendered value that AWS refuses,
    /// or an environment that names no usable STS.
    pub fn make(
        connection: &Connection,
        asker: &Asker,
        environment: &StsEnvironment,
    ) -> Result<Self, ChainError> {
        let address = StsAddress::resolve(
            connection.region(),
            connection.endpoint(),
            connection.role().partition(),
            environment,
        )
        .map_err(|error| ChainError::Address(Box::new(error)))?;
        let mut steps = vec![Step {
            number: 1,
            role: connection.role().clone(),
            session_name: connection.session_name(asker)?,
            call: Call::WebIdentity {
                duration: connection.duration(),
            },
            policy: connection.session_policy().cloned(),
            policy_arns: connection.policy_arns().clone(),
            trust_needs: Vec::new(),
            identity_needs: Vec::new(),
        }];
        for (at, hop) in connection.hops().iter().enumerate() {
            steps.push(Step {
                number: at + 2,
                role: hop.role().clone(),
                session_name: connection.hop_session_name(hop, asker)?,
                call: Call::Hop {
                    duration: hop.duration(),
                    external_id: hop
                        .external_id()
                        .map(|template| template.render(asker))
                        .transpose()?,
                    tags: hop.tags().render(asker)?,
                    transitive_tag_keys: hop.tags().transitive().to_vec(),
                    source_identity: hop
                        .source_identity()
                        .map(|template| template.render(asker))
                        .transpose()?,
                },
                policy: hop.session_policy().cloned(),
                policy_arns: hop.policy_arns().clone(),
                trust_needs: Vec::new(),
                identity_needs: Vec::new(),
            });
        }
        needs::fill(&mut steps);
        Ok(Self {
            connection: connection.name().to_owned(),
            audience: connection.audience().clone(),
            address,
            steps,
        })
    }

    /// The connection's name.
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// Which token is presented.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Where STS is called.
    pub fn address(&self) -> &StsAddress {
        &self.address
    }

    /// The calls in their order; the first is the web-identity step.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A client for the plan's address. Nothing is called.
    pub fn sts(&self, retry: Retry) -> Sts {
        Sts::new(&self.address, retry)
    }

    /// The only step, where an SDK in the workload can make it by itself from a token file, role
    /// and session name.
    ///
    /// # Errors
    /// What the SDK would leave out, in a sentence: hops, session policies, the duration.
    pub fn left_to_sdk(&self) -> Result<&Step, String> {
        let [step] = &self.steps[..] else {
            return Err(format!(
                "connection `{}` has hops, which an SDK cannot make from a token file; use `--via endpoint`",
                self.connection
            ));
        };
        if step.policy.is_some() || !step.policy_arns.as_slice().is_empty() {
            return Err(format!(
                "connection `{}` bounds its session by policies, which an SDK would leave out; use `--via endpoint`",
                self.connection
            ));
        }
        if step.duration_seconds() != ROLE_DEFAULT_SECONDS {
            return Err(format!(
                "connection `{}` asks for {} s, but an SDK would ask for its default of {ROLE_DEFAULT_SECONDS} s; use `--via endpoint`, or leave `duration` out",
                self.connection,
                step.duration_seconds()
            ));
        }
        Ok(step)
    }

    /// What is worth knowing before the first call although nothing forbids it: sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.address.endpoint().is_readable_by_others() {
            notes.push(format!(
                "{} is plain http to another machine: whoever sees that network can take the token and the credentials",
                self.address.endpoint()
            ));
        }
        for step in &self.steps {
            let seconds = step.duration_seconds();
            if seconds > ROLE_DEFAULT_SECONDS {
                notes.push(format!(
                    "step {} asks for {seconds} s: the role's maximum session duration must have been raised to that from the {ROLE_DEFAULT_SECONDS} s that IAM gives",
                    step.number
                ));
            }
        }
        let [first, .., last] = &self.steps[..] else {
            return notes;
        };
        if first.duration_seconds() > last.duration_seconds() {
            notes.push(format!(
                "the first session may last {} s, but what is delivered is the last one's, {} s: AWS caps role chaining at 3600 s",
                first.duration_seconds(),
                last.duration_seconds()
            ));
        }
        notes
    }
}

impl Step {
    /// Its place in the plan, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The role that is assumed.
    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// What the session is called.
    pub fn session_name(&self) -> &RoleSessionName {
        &self.session_name
    }

    /// Which operation is called.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The operation's name as AWS and CloudTrail write it.
    pub fn operation(&self) -> &'static str {
        match self.call {
            Call::WebIdentity { .. } => "AssumeRoleWithWebIdentity",
            Call::Hop { .. } => "AssumeRole",
        }
    }

    /// `DurationSeconds` of the call.
    pub fn duration_seconds(&self) -> u32 {
        match &self.call {
            Call::WebIdentity { duration } => duration.seconds(),
            Call::Hop { duration, .. } => duration.seconds(),
        }
    }

    /// Who the step will make the caller: the ARN that later policies and CloudTrail see. The
    /// role's path is not in it.
    pub fn session_arn(&self) -> String {
        format!(
            "arn:{}:sts::{}:assumed-role/{}/{}",
            self.role.partition(),
            self.role.account(),
            self.role.name(),
            self.session_name
        )
    }

    /// What the role's trust policy must allow: sentences.
    pub fn trust_policy_needs(&self) -> &[String] {
        &self.trust_needs
    }

    /// What the policies of the role before must allow: sentences, none for the first step.
    pub fn identity_policy_needs(&self) -> &[String] {
        &self.identity_needs
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Step")
            .field("number", &self.number)
            .field("operation", &self.operation())
            .field("role", &self.role)
            .field("session_name", &self.session_name)
            .finish_non_exhaustive()
    }
}

/// `MaxSessionDuration` of a role that says nothing.
const ROLE_DEFAULT_SECONDS: u32 = 3600;
