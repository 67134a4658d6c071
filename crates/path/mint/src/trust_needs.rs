//! What a role's trust policy must allow for a config's tokens, beyond the exchange itself.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use serde::Serialize;

use crate::Lever;

/// A line that the trust policy needs, and what goes wrong without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustNeed {
    /// The action to allow, in the statement that admits the token.
    pub action: &'static str,
    /// What needs it; none for the exchange itself.
    pub lever: Option<Lever>,
    /// What is seen without it.
    pub without: &'static str,
    /// Conditions that can be written because of it, and that hold the lever to what is meant.
    pub conditions: Vec<TrustCondition>,
}

/// A condition of a trust policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustCondition {
    /// The operator, such as `StringEquals`.
    pub operator: &'static str,
    /// The key, such as `aws:RequestTag/team`.
    pub key: String,
    /// The values.
    pub values: Vec<String>,
}

impl TrustNeed {
    /// The exchange itself: the audience and the subject, both of which a policy must name.
    pub(crate) fn exchange(issuer: &str, audience: &str, subject: &str) -> Self {
        let prefix = issuer
            .strip_prefix("https://")
            .or_else(|| issuer.strip_prefix("http://"))
            .unwrap_or(issuer);
        let equals = |name: &str, value: &str| TrustCondition {
            operator: "StringEquals",
            key: format!("{prefix}:{name}"),
            values: vec![value.to_owned()],
        };
        Self {
            action: "sts:AssumeRoleWithWebIdentity",
            lever: None,
            without: "AccessDenied",
            conditions: vec![equals("aud", audience), equals("sub", subject)],
        }
    }

    pub(crate) fn tags<'t>(
        tags: impl Iterator<Item = (&'t str, &'t str)>,
        transitive: &[String],
    ) -> Self {
        let mut conditions: Vec<TrustCondition> = tags
            .map(|(key, value)| TrustCondition {
                operator: "StringEquals",
                key: format!("aws:RequestTag/{key}"),
                values: vec![value.to_owned()],
            })
            .collect();
        if !transitive.is_empty() {
            conditions.push(TrustCondition {
                operator: "ForAllValues:StringEquals",
                key: "sts:TransitiveTagKeys".to_owned(),
                values: transitive.to_vec(),
            });
        }
        Self {
            action: "sts:TagSession",
            lever: Some(Lever::SessionTags),
            without: "AccessDenied for the whole exchange, even where no permission uses a tag",
            conditions,
        }
    }

    pub(crate) fn source_identity(value: &str) -> Self {
        Self {
            action: "sts:SetSourceIdentity",
            lever: Some(Lever::SourceIdentity),
            without: "AccessDenied for the whole exchange",
            conditions: vec![TrustCondition {
                operator: "StringEquals",
                key: "sts:SourceIdentity".to_owned(),
                values: vec![value.to_owned()],
            }],
        }
    }

    /// No action is needed for the roles claim, since STS checks it before the policy; but a policy
    /// can demand that tokens have one.
    pub(crate) fn roles() -> Self {
        Self {
            action: "sts:AssumeRoleWithWebIdentity",
            lever: Some(Lever::Roles),
            without: "nothing: STS refuses other roles by itself; the condition also refuses tokens that name no role",
            conditions: vec![TrustCondition {
                operator: "Bool",
                key: "sts:RoleAuthorizedByIdp".to_owned(),
                values: vec!["true".to_owned()],
            }],
        }
    }
}
