//! What a token would say, and why, without one being made.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::declared::Source;
use crate::subject::{FIELD, LONGEST_SUBJECT, LONGEST_TEMPLATE};
use crate::trust_needs::TrustNeed;
use crate::{
    Asked, Attributes, IssuerUrl, LONGEST_PAYLOAD, Lever, MintError, TokenConfig, mint_asked,
};

/// A token that is not made.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The token config.
    pub token_config: String,
    /// The subject format.
    pub subject_format: String,
    /// The `sub` claim.
    pub subject: String,
    /// All claims; `jti` is a stand-in.
    pub claims: Map<String, Value>,
    /// Where each placeholder's value comes from.
    pub placeholders: Vec<Origin>,
    /// Sizes against their limits.
    pub sizes: Vec<Size>,
    /// What the trust policy of a role must allow; empty for tokens that are not for AWS.
    pub trust_policy: Vec<TrustNeed>,
}

/// Where the value of a placeholder comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The field that has the placeholder.
    pub field: String,
    /// The placeholder.
    pub name: String,
    /// The value, before anything is encoded.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
    /// What it is computed from, with values, where it is.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub from: Map<String, Value>,
}

/// A size against its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// What is measured.
    pub of: &'static str,
    /// Its size, in `unit`.
    pub size: usize,
    /// The most that is possible, in `unit`.
    pub limit: usize,
    /// `characters`, `bytes` or `percent`.
    pub unit: &'static str,
}

impl Preview {
    /// What a token from `config` for a workload with `attributes` would say.
    ///
    /// # Errors
    /// As minting.
    pub fn of(
        config: &TokenConfig,
        attributes: &Attributes,
        issuer: &IssuerUrl,
        asked: Asked<'_>,
    ) -> Result<Self, MintError> {
        let minted = mint_asked(config, attributes, issuer, asked)?;
        let claims = serde_json::from_slice(minted.json()).unwrap_or_default();
        let subject = minted.subject();
        let mut trust_policy = Vec::new();
        let mut sizes = vec![
            Size {
                of: "subject format",
                size: config.subject().as_str().chars().count(),
                limit: LONGEST_TEMPLATE,
                unit: "characters",
            },
            Size {
                of: "subject",
                size: subject.len(),
                limit: LONGEST_SUBJECT,
                unit: "characters",
            },
            Size {
                of: "claims",
                size: minted.json().len(),
                limit: LONGEST_PAYLOAD,
                unit: "bytes",
            },
        ];
        let for_aws = config.audience() == "sts.amazonaws.com";
        let aws_needs = config.aws().needs(attributes)?;
        if for_aws || !aws_needs.is_empty() {
            let (issuer, audience) = (issuer.as_str(), config.audience());
            trust_policy.push(TrustNeed::exchange(issuer, audience, subject));
            trust_policy.extend(aws_needs);
            sizes.push(Size {
                of: "session tags, estimated as AWS packs them",
                size: config.aws().packed_percent(attributes, subject.len())?,
                limit: 100,
                unit: "percent",
            });
        }
        Ok(Self {
            token_config: config.name().to_owned(),
            subject_format: config.subject().as_str().to_owned(),
            subject: subject.to_owned(),
            claims,
            placeholders: origins(config, attributes)?,
            sizes,
            trust_policy,
        })
    }
}

fn origins(config: &TokenConfig, attributes: &Attributes) -> Result<Vec<Origin>, MintError> {
    let subject = config
        .subject()
        .template()
        .placeholders()
        .map(|placeholder| (FIELD, placeholder));
    let claims = config
        .claims()
        .placeholders()
        .filter(|(_, placeholder, optional)| !optional || !placeholder.is_missing(attributes))
        .map(|(field, placeholder, _)| (field, placeholder));
    let aws = config
        .aws()
        .placeholders()
        .filter(|(field, _)| config.aws().has(lever(field), attributes));
    subject
        .chain(claims)
        .chain(aws)
        .map(|(field, placeholder)| {
            let (value, source) = placeholder.value(field, attributes)?;
            let inputs = placeholder
                .rule
                .as_deref()
                .map_or(&[][..], |rule| rule.inputs());
            let from = inputs
                .iter()
                .filter_map(|&name| Some((name.to_owned(), attributes.value(name)?.into())));
            Ok(Origin {
                field: field.to_owned(),
                name: placeholder.name.clone(),
                value: value.to_owned(),
                source,
                from: from.collect(),
            })
        })
        .collect()
}

fn lever(field: &str) -> Lever {
    if field.starts_with("aws.session_tags") {
        Lever::SessionTags
    } else {
        Lever::SourceIdentity
    }
}
