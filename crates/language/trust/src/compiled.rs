//! A policy ready to decide: whatever needs doing once has been done.

use crate::arn::ArnPattern;
use crate::condition::CompiledCondition;
use crate::policy::{Effect, Element, Policy, Statement, Written};
use crate::principal::{CompiledPrincipal, Cover};
use crate::request::Request;
use crate::template::Template;
use crate::wildcard::{Token, Wildcard};

/// A policy ready to decide and to explain. Cheap to share, and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledPolicy {
    pub(crate) policy: Policy,
    pub(crate) statements: Vec<CompiledStatement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompiledStatement {
    pub(crate) effect: Effect,
    pub(crate) principal: Option<CompiledPrincipal>,
    action: Option<(bool, Vec<Wildcard>)>,
    resource: Option<(bool, Vec<ResourcePattern>)>,
    pub(crate) conditions: Vec<CompiledCondition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ResourcePattern {
    /// `*`
    Anything,
    Arn(ArnPattern),
    Variable(Template),
}

/// What a policy says about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow,
    /// No statement allows it.
    ImplicitDeny,
    /// A statement denies it, whatever others allow.
    ExplicitDeny,
}

/// How far an allowing policy carries; see [`CompiledPolicy::grant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Grant {
    /// The caller itself is named.
    Caller,
    /// Only the caller's account is named: the caller's own policies have to allow it as well.
    Account,
    /// Not allowed.
    Nothing,
    /// Denied explicitly.
    Denied,
}

impl CompiledPolicy {
    /// Does the work that every decision needs: keys lower-cased, patterns and literals read.
    pub fn compile(policy: &Policy) -> Self {
        Self {
            statements: policy
                .statements
                .iter()
                .map(|statement| CompiledStatement::compile(statement, policy.variables))
                .collect(),
            policy: policy.clone(),
        }
    }

    /// The policy as written.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides: any matching Deny, else any matching Allow, else nothing was said.
    pub fn decide(&self, request: &Request) -> Decision {
        match self.grant(request) {
            Grant::Denied => Decision::ExplicitDeny,
            Grant::Nothing => Decision::ImplicitDeny,
            Grant::Caller | Grant::Account => Decision::Allow,
        }
    }

    /// Decides, and tells whether the caller is allowed by itself or through its account only.
    pub fn grant(&self, request: &Request) -> Grant {
        let action = request.action.to_ascii_lowercase();
        let mut grant = Grant::Nothing;
        for statement in &self.statements {
            let cover = statement.applies(request, &action);
            match (cover, statement.effect) {
                (Cover::None, _) => {}
                (_, Effect::Deny) => return Grant::Denied,
                (Cover::Itself, Effect::Allow) => grant = Grant::Caller,
                (Cover::Account, Effect::Allow) if grant == Grant::Nothing => {
                    grant = Grant::Account;
                }
                (Cover::Account, Effect::Allow) => {}
            }
        }
        grant
    }
}

/// Decides `sts:AssumeRole` and its companions as AWS combines the two sides: in the role's own
/// account a trust policy that names the caller suffices, otherwise the caller's policies have to
/// allow it too. `account` is the role's, twelve digits. A deny on either side wins.
pub fn decide_assume_role<'a>(
    trust: &CompiledPolicy,
    identity: impl IntoIterator<Item = &'a CompiledPolicy>,
    account: &str,
    request: &Request,
) -> Decision {
    let mut by_identity = Decision::ImplicitDeny;
    for policy in identity {
        match policy.decide(request) {
            Decision::ExplicitDeny => return Decision::ExplicitDeny,
            Decision::Allow => by_identity = Decision::Allow,
            Decision::ImplicitDeny => {}
        }
    }
    let own_account = match &request.principal {
        crate::Principal::Aws {
            account: caller, ..
        } => caller == account,
        // A service has no policies of its own.
        _ => true,
    };
    match trust.grant(request) {
        Grant::Denied => Decision::ExplicitDeny,
        Grant::Nothing => Decision::ImplicitDeny,
        Grant::Caller if own_account => Decision::Allow,
        Grant::Caller | Grant::Account => by_identity,
    }
}

impl CompiledStatement {
    fn compile(statement: &Statement, variables: bool) -> Self {
        Self {
            effect: statement.effect,
            principal: statement.principal.as_ref().map(CompiledPrincipal::compile),
            action: statement.action.as_ref().map(|element| {
                let patterns = element
                    .values
                    .iter()
                    .map(|value| Wildcard::new(&value.text.to_ascii_lowercase()))
                    .collect();
                (element.not, patterns)
            }),
            resource: statement
                .resource
                .as_ref()
                .map(|element| resources(element, variables)),
            conditions: statement
                .conditions
                .iter()
                .map(|condition| CompiledCondition::compile(condition, statement.effect, variables))
                .collect(),
        }
    }

    /// Whether the statement is about the request, and how it covers the caller. The action is
    /// lower-case already.
    fn applies(&self, request: &Request, action: &str) -> Cover {
        if !self.takes_action(action) || !self.takes_resource(request) {
            return Cover::None;
        }
        let cover = self.covers(request);
        if cover == Cover::None {
            return Cover::None;
        }
        let holds = self
            .conditions
            .iter()
            .all(|condition| condition.holds(&request.context));
        if holds { cover } else { Cover::None }
    }

    pub(crate) fn covers(&self, request: &Request) -> Cover {
        match &self.principal {
            Some(principal) => principal.cover(&request.principal),
            None => Cover::Itself,
        }
    }

    pub(crate) fn takes_action(&self, action: &str) -> bool {
        self.action.as_ref().is_some_and(|(not, patterns)| {
            patterns.iter().any(|pattern| pattern.matches(action)) != *not
        })
    }

    pub(crate) fn takes_resource(&self, request: &Request) -> bool {
        let Some((not, patterns)) = &self.resource else {
            return true;
        };
        let resource = request.resource.as_deref().unwrap_or_default();
        let covered = patterns.iter().any(|pattern| match pattern {
            ResourcePattern::Anything => true,
            ResourcePattern::Arn(pattern) => pattern.matches(resource) == Some(true),
            ResourcePattern::Variable(template) => {
                template.expand(&request.context).is_some_and(|tokens| {
                    tokens == [Token::Run]
                        || ArnPattern::completed(&tokens).matches(resource) == Some(true)
                })
            }
        });
        covered != *not
    }
}

fn resources(element: &Element<Written>, variables: bool) -> (bool, Vec<ResourcePattern>) {
    let patterns = element
        .values
        .iter()
        .map(|value| {
            let template = Template::new(&value.text, variables, true);
            match template.constant() {
                Some(tokens) if tokens == [Token::Run] => ResourcePattern::Anything,
                Some(tokens) => ResourcePattern::Arn(ArnPattern::completed(&tokens)),
                None => ResourcePattern::Variable(template),
            }
        })
        .collect();
    (element.not, patterns)
}
