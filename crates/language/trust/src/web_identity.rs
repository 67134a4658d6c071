//! What a web-identity token brings into a trust policy's decision: which actions it asks for, and
//! which condition keys it gives.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::compiled::{CompiledPolicy, Decision};
use crate::provider_keys::claim_values;
use crate::request::{Context, Principal, Request};

/// A token as the trust policy sees it. How it was verified is not its concern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The ARN of the provider in the role's account, or the host name of one built into AWS.
    pub provider: String,
    /// The provider's URL without its scheme: the prefix of its condition keys.
    pub prefix: String,
    /// The audience that counts: `azp` where there is one, else `aud`.
    pub audience: String,
    /// `aud`, where `azp` has taken its place.
    pub original_audience: Option<String>,
    /// `sub`; a number as its text.
    pub subject: String,
    /// The authentication methods (RFC 8176).
    pub amr: Vec<String>,
    /// All claims: AWS makes keys of some more for providers that it knows by name.
    pub claims: Map<String, Value>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Keys of tags that go on to the next role of a chain.
    pub transitive: Vec<String>,
    /// The source identity.
    pub source_identity: Option<String>,
    /// Whether the token's roles claim names the role.
    pub role_authorized: bool,
}

/// Why claims are not those of a token that could be exchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// A claim that must be there is not, or is empty.
    #[error("the claim `{0}` is missing or empty")]
    Missing(&'static str),
    /// A claim has a shape that STS does not take.
    #[error("the claim `{claim}` {why}")]
    Shape {
        /// The claim.
        claim: String,
        /// What is wrong with it, as the rest of a sentence.
        why: &'static str,
    },
}

impl WebIdentity {
    /// Reads the claims of a token of `provider`: its ARN, or the host name of one built into AWS.
    /// Tags are read in the nested and in the flattened form.
    ///
    /// # Errors
    /// [`ClaimFault`] for claims that STS would refuse before it looks at any policy.
    pub fn read(provider: &str, claims: &Map<String, Value>) -> Result<Self, ClaimFault> {
        let subject = match claims.get("sub") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            None | Some(Value::Null) => return Err(ClaimFault::Missing("sub")),
            Some(_) => return Err(shape("sub", "is neither text nor a number")),
        };
        let audiences = texts(claims.get("aud"))
            .ok_or_else(|| shape("aud", "is neither text nor a list of texts"))?;
        let azp = claims.get("azp").and_then(Value::as_str);
        let (audience, original_audience) = match (azp, audiences.as_slice()) {
            (Some(azp), audiences) => (azp.to_owned(), audiences.first().cloned()),
            (None, [one]) => (one.clone(), None),
            (None, []) => return Err(ClaimFault::Missing("aud")),
            (None, _) => return Err(shape("aud", "has several values, and there is no `azp`")),
        };
        let (tags, transitive) = session_tags(claims)?;
        Ok(Self {
            prefix: provider_prefix(provider).to_owned(),
            provider: provider.to_owned(),
            audience,
            original_audience,
            subject,
            amr: texts(claims.get("amr")).unwrap_or_default(),
            tags,
            transitive,
            source_identity: claims
                .get(SOURCE_IDENTITY)
                .and_then(Value::as_str)
                .map(str::to_owned),
            role_authorized: false,
            claims: claims.clone(),
        })
    }

    /// The actions that the policy has to allow, all of them.
    pub fn actions(&self) -> Vec<&'static str> {
        let mut actions = vec![ASSUME];
        if !self.tags.is_empty() {
            actions.push(TAG_SESSION);
        }
        if self.source_identity.is_some() {
            actions.push(SET_SOURCE_IDENTITY);
        }
        actions
    }

    /// Adds the keys that the token gives to a context.
    pub fn fill(&self, context: &mut Context) {
        let prefix = &self.prefix;
        context
            .set(format!("{prefix}:aud"), &self.audience)
            .set(format!("{prefix}:sub"), &self.subject)
            .set_list(format!("{prefix}:amr"), self.amr.clone())
            .set("sts:RoleAuthorizedByIdp", self.role_authorized.to_string())
            .set("aws:PrincipalType", "User")
            .set("aws:userid", &self.provider)
            .set("aws:FederatedProvider", &self.provider)
            .set_list("aws:TagKeys", self.tags.keys().cloned())
            .set_list("sts:TransitiveTagKeys", self.transitive.clone());
        if let Some(account) = self.provider.split(':').nth(4) {
            context.set("aws:PrincipalAccount", account);
        }
        if let Some(original) = &self.original_audience {
            context.set(format!("{prefix}:oaud"), original);
        }
        for (key, value) in claim_values(prefix, &self.claims) {
            context.set(key, value);
        }
        for (key, value) in &self.tags {
            context.set(format!("aws:RequestTag/{key}"), value);
        }
        if let Some(identity) = &self.source_identity {
            context.set("sts:SourceIdentity", identity);
        }
    }

    /// The questions to the policy, one an action; `context` holds what the token does not give:
    /// the session's name, the caller's address.
    pub fn requests(&self, mut context: Context) -> Vec<Request> {
        self.fill(&mut context);
        let request = Request {
            principal: Principal::Federated(self.provider.clone()),
            action: String::new(),
            resource: None,
            context,
        };
        self.actions()
            .into_iter()
            .map(|action| request.with_action(action))
            .collect()
    }

    /// Whether a role with that trust policy admits the token, all actions together.
    pub fn decide(&self, policy: &CompiledPolicy, context: Context) -> Decision {
        let decisions = self
            .requests(context)
            .into_iter()
            .map(|request| policy.decide(&request));
        let mut together = Decision::Allow;
        for decision in decisions {
            match decision {
                Decision::ExplicitDeny => return Decision::ExplicitDeny,
                Decision::ImplicitDeny => together = Decision::ImplicitDeny,
                Decision::Allow => {}
            }
        }
        together
    }
}

/// The URL without its scheme that an OIDC provider's ARN names; other names stand for themselves.
pub fn provider_prefix(provider: &str) -> &str {
    provider
        .split_once(":oidc-provider/")
        .map_or(provider, |(_, url)| url)
}

/// The ARN of the OIDC provider with that URL. `partition` is `aws`, `aws-cn` or `aws-us-gov`,
/// `account` twelve digits.
pub fn provider_arn(partition: &str, account: &str, url: &str) -> String {
    let url = url.strip_prefix("https://").unwrap_or(url);
    format!("arn:{partition}:iam::{account}:oidc-provider/{url}")
}

fn session_tags(
    claims: &Map<String, Value>,
) -> Result<(BTreeMap<String, String>, Vec<String>), ClaimFault> {
    let (mut tags, mut transitive) = (BTreeMap::new(), Vec::new());
    let wrong = |why| shape(TAGS, why);
    match claims.get(TAGS) {
        None | Some(Value::Null) => {}
        Some(Value::Object(nested)) => {
            match nested.get("principal_tags") {
                None | Some(Value::Null) => {}
                Some(Value::Object(given)) => {
                    for (key, value) in given {
                        let [Value::String(value)] =
                            value.as_array().map(Vec::as_slice).unwrap_or_default()
                        else {
                            return Err(wrong("has a tag whose value is not a list of one text"));
                        };
                        tags.insert(key.clone(), value.clone());
                    }
                }
                Some(_) => return Err(wrong("has `principal_tags` that are no object")),
            }
            transitive.extend(
                texts(nested.get("transitive_tag_keys"))
                    .ok_or_else(|| wrong("has `transitive_tag_keys` that are no texts"))?,
            );
        }
        Some(_) => return Err(wrong("is no object")),
    }
    let flattened = format!("{TAGS}/principal_tags/");
    for (claim, value) in claims {
        if let (Some(key), Value::String(value)) = (claim.strip_prefix(&flattened), value) {
            tags.insert(key.to_owned(), value.clone());
        }
    }
    let flattened = claims.get(&format!("{TAGS}/transitive_tag_keys"));
    for key in texts(flattened).unwrap_or_default() {
        if !transitive.contains(&key) {
            transitive.push(key);
        }
    }
    Ok((tags, transitive))
}

/// A text, or a list of texts; nothing is an empty list.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    }
}

fn shape(claim: &str, why: &'static str) -> ClaimFault {
    let claim = claim.to_owned();
    ClaimFault::Shape { claim, why }
}

/// The action of the exchange itself.
pub const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
/// What a policy has to allow beside for a token with session tags.
pub const TAG_SESSION: &str = "sts:TagSession";
/// What a policy has to allow beside for a token with a source identity.
pub const SET_SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";
const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rolecall_source::SourceText;
    use serde_json::json;

    use super::*;
    use crate::Policy;

    fn identity(claims: Value) -> Result<WebIdentity, ClaimFault> {
        let provider = provider_arn("aws", "111122223333", "https://oidc.example/t");
        WebIdentity::read(&provider, claims.as_object().unwrap())
    }

    #[test]
    fn the_authorized_party_takes_the_audiences_place() {
        let two = json!({"sub": 7, "aud": ["a", "b"]});
        assert!(identity(two).is_err());
        let token = identity(json!({"sub": 7, "aud": ["a", "b"], "azp": "c"})).unwrap();
        let mut context = Context::new();
        token.fill(&mut context);
        let value = |key: &str| context.value(key).map(|value| value.values()[0].clone());
        assert_eq!(value("oidc.example/t:aud").as_deref(), Some("c"));
        assert_eq!(value("oidc.example/t:oaud").as_deref(), Some("a"));
        assert_eq!(value("oidc.example/t:sub").as_deref(), Some("7"));
        assert_eq!(
            value("aws:PrincipalAccount").as_deref(),
            Some("111122223333")
        );
    }

    #[test]
    fn tags_ask_for_an_action_of_their_own() {
        let policy = |actions: &str| {
            let text = format!(
                r#"{{"Statement": {{"Effect": "Allow", "Action": {actions},
                   "Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example/t"}}}}}}"#
            );
            CompiledPolicy::compile(&Policy::parse(&SourceText::new("p", text)).unwrap())
        };
        let token = identity(json!({"sub": "s", "aud": "a",
            "https://aws.amazon.com/tags": {"principal_tags": {"team": ["x"]}}}))
        .unwrap();
        let assume = policy(r#""sts:AssumeRoleWithWebIdentity""#);
        assert_eq!(
            token.decide(&assume, Context::new()),
            Decision::ImplicitDeny
        );
        let both = policy(r#"["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]"#);
        assert_eq!(token.decide(&both, Context::new()), Decision::Allow);
    }
}
