//! The question that a policy is asked: the token as it meets the role, and its surroundings.

use rolecall_documents::Node;

use super::evidence::{Evidence, SeenPolicy};
use super::provider::bare;
use super::token::SeenClaims;
use crate::request::{BUILT_IN_PROVIDERS, Context};
use crate::web_identity::{WebIdentity, provider_arn, provider_prefix};
use crate::{ClaimFault, Policy};

/// A token before a role.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) identity: WebIdentity,
    pub(crate) context: Context,
    /// Where the claims come from.
    pub(crate) origin: String,
    /// What had to be assumed, in words.
    pub(crate) assumptions: Vec<String>,
}

impl Question {
    /// The claims before the policy's role.
    ///
    /// # Errors
    /// [`ClaimFault`] for claims that STS refuses before it looks at a policy.
    pub(crate) fn new(
        evidence: &Evidence,
        policy: &SeenPolicy,
        claims: &SeenClaims,
        now: Option<i64>,
    ) -> Result<Self, ClaimFault> {
        let mut assumptions = Vec::new();
        let provider = provider(evidence, policy, claims, &mut assumptions);
        let mut given = claims.claims.clone();
        // An event may not tell the audience; then it is not in question.
        if !given.contains_key("aud") {
            let found = federated_audience(&policy.found.tree);
            assumptions.push("the audience is not known and taken to be right".to_owned());
            given.insert("aud".to_owned(), found.into());
        }
        let identity = WebIdentity::read(&provider, &given)?;
        Ok(Self {
            identity,
            context: context(evidence, now),
            origin: claims.origin.clone(),
            assumptions,
        })
    }
}

/// What the request has beside the token.
pub(crate) fn context(evidence: &Evidence, now: Option<i64>) -> Context {
    let mut context = evidence.context.clone();
    if context.value("aws:SecureTransport").is_none() {
        context.set("aws:SecureTransport", "true");
    }
    let event = evidence
        .events
        .iter()
        .find(|event| event.name == "AssumeRoleWithWebIdentity");
    if let Some(address) = event.and_then(|event| event.address.as_ref()) {
        context.set("aws:SourceIp", address);
    }
    if let Some(name) = event.and_then(|event| event.session_name.as_ref()) {
        context.set("sts:RoleSessionName", name);
    }
    if let Some(now) = now {
        context.set("aws:EpochTime", now.to_string());
        if let Ok(time) = jiff::Timestamp::from_second(now) {
            context.set("aws:CurrentTime", time.to_string());
        }
    }
    context
}

/// The provider through which the token comes: as registered, or as its issuer's name makes it.
fn provider(
    evidence: &Evidence,
    policy: &SeenPolicy,
    claims: &SeenClaims,
    assumptions: &mut Vec<String>,
) -> String {
    let trusted = Policy::from_tree(&policy.source, &policy.found.tree)
        .map(|policy| {
            policy
                .federated_principals()
                .iter()
                .map(|arn| (*arn).to_owned())
                .collect::<Vec<_>>()
        })
        .unwrap_or_default();
    let Some(issuer) = claims.text("iss") else {
        assumptions.push(
            "the issuer is not known and taken to be the one that the policy trusts".to_owned(),
        );
        return trusted.first().cloned().unwrap_or_default();
    };
    let url = bare(&issuer);
    if BUILT_IN_PROVIDERS.contains(&url) {
        return url.to_owned();
    }
    let registered = evidence
        .providers
        .iter()
        .find(|provider| provider.url == url);
    if let Some(arn) = registered.and_then(|provider| provider.arn.clone()) {
        return arn;
    }
    if let Some(arn) = evidence
        .events
        .iter()
        .filter_map(|event| event.provider.as_ref())
        .find(|arn| provider_prefix(arn) == url)
    {
        return arn.clone();
    }
    let account_of = |arn: &str| {
        let parts: Vec<&str> = arn.split(':').collect();
        let account = parts.get(4).copied().unwrap_or_default();
        let whole = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        whole.then(|| (parts[1].to_owned(), account.to_owned()))
    };
    let role = policy
        .found
        .role
        .as_deref()
        .filter(|role| role.starts_with("arn:"));
    let known = role
        .into_iter()
        .chain(evidence.roles.iter().map(String::as_str))
        .find_map(account_of);
    if let Some((partition, account)) = known {
        return provider_arn(&partition, &account, url);
    }
    // Where there is no token, nothing is known of the account.
    let unknown = claims.origin.is_empty();
    if let Some(same) = trusted
        .iter()
        .find(|arn| provider_prefix(arn) == url && (unknown || account_of(arn).is_some()))
    {
        assumptions.push(format!(
            "{NO_ROLE} and taken to be the one that the policy names"
        ));
        return same.clone();
    }
    let named = trusted.iter().find_map(|arn| account_of(arn));
    let (partition, account) = named
        .or_else(|| Some(("aws".to_owned(), account_in(&policy.found.tree)?)))
        .unwrap_or_else(|| ("aws".to_owned(), NO_ACCOUNT.to_owned()));
    if account != NO_ACCOUNT {
        assumptions.push(format!(
            "{NO_ROLE} and taken to be {account}, which the policy names"
        ));
    }
    provider_arn(&partition, &account, url)
}

/// The account that a policy's principals name, however they are spelt.
fn account_in(tree: &Node) -> Option<String> {
    let statements = tree.get("Statement").map(Node::elements)?;
    let principals = statements
        .iter()
        .filter_map(|statement| statement.get("Principal")?.members());
    principals
        .flatten()
        .flat_map(|kind| kind.value.elements())
        .filter_map(Node::scalar)
        .find_map(|text| {
            let mut runs = text.value.split(|c: char| !c.is_ascii_digit());
            runs.find(|run| run.len() == 12).map(str::to_owned)
        })
}

/// The audience that a policy wants.
fn federated_audience(tree: &Node) -> String {
    let statements = tree
        .get("Statement")
        .map(Node::elements)
        .unwrap_or_default();
    statements
        .iter()
        .filter_map(|statement| statement.get("Condition")?.members())
        .flatten()
        .filter_map(|operator| operator.value.members())
        .flatten()
        .find(|key| key.name().ends_with(":aud"))
        .and_then(|key| key.value.elements().first()?.scalar())
        .map_or_else(|| "sts.amazonaws.com".to_owned(), |text| text.value)
}

/// What is assumed of a role whose ARN nobody told, in words.
pub(crate) const NO_ROLE: &str = "the role's account is not known";
/// Stands where the account is not known.
pub(crate) const NO_ACCOUNT: &str = "000000000000";
