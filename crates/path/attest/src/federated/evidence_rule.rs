//! Which evidence a workload takes, and which attributes come with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::shown;
use crate::federated::claim_rule::{Expected, scalar};
use crate::federated::{
    ClaimPath, ClaimRule, Evidence, EvidenceError, ExpectedText, GuardText, Preset, TrustedIssuer,
};

/// One of a workload's `evidence:` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceText {
    /// The trusted issuer, by name.
    pub from: String,
    /// Claims and what they must be; all must hold.
    #[serde(rename = "where")]
    pub conditions: BTreeMap<String, ExpectedText>,
    /// Attributes whose value is a claim's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeText>,
    /// What the workload may choose itself with this evidence, instead of what it may choose
    /// otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_claim: Option<BTreeMap<String, Vec<String>>>,
    /// Runs of strangers that are meant all the same.
    #[serde(default)]
    pub allow: GuardText,
}

/// Where an attribute's value comes from, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidenceAttributeText)]
#[serde(
    untagged,
    expecting = "expected the name of a claim, or `claim` with `only`"
)]
pub enum AttributeText {
    /// From this claim, whatever it says.
    Claim(String),
    /// From this claim, if it is as it must be.
    Held {
        /// The claim.
        claim: String,
        /// What it must be.
        only: ExpectedText,
    },
}

/// A checked rule of one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRule {
    issuer: String,
    preset: Preset,
    rules: Vec<ClaimRule>,
    attributes: Vec<MappedAttribute>,
    may_claim: Option<BTreeMap<String, Vec<String>>>,
    allow: GuardText,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct MappedAttribute {
    name: String,
    path: ClaimPath,
    only: Option<Expected>,
}

impl EvidenceRule {
    /// Checks a rule on the tokens of `issuer`, which [`EvidenceText::from`] names.
    ///
    /// # Errors
    /// [`EvidenceError::Declared`] with the field.
    pub fn read(text: &EvidenceText, issuer: &TrustedIssuer) -> Result<Self, EvidenceError> {
        let path = |claim: &str| match issuer.preset.short_name(claim) {
            Some(path) => Ok(path),
            None => claim.parse::<ClaimPath>(),
        };
        let mut rules: Vec<ClaimRule> = Vec::with_capacity(text.conditions.len());
        for (claim, expected) in &text.conditions {
            let within = |error: EvidenceError| error.within(&format!("where.{claim}"));
            let rule = ClaimRule::new(
                path(claim).map_err(within)?,
                Expected::read(expected).map_err(within)?,
            );
            if let Some(twin) = rules.iter().find(|one| one.path().leads_where(rule.path())) {
                return Err(within(EvidenceError::declared(
                    "",
                    format!("`{}` is the same claim as `{claim}`", twin.path()),
                )));
            }
            rules.push(rule);
        }
        if rules.is_empty() {
            return Err(EvidenceError::declared(
                "where",
                format!(
                    "without conditions every token of `{}` would do: name at least one claim",
                    issuer.name
                ),
            ));
        }
        issuer
            .preset
            .names_somebody(&rules)
            .map_err(|why| EvidenceError::declared("where", why))?;
        text.allow.check(issuer.preset)?;
        let attributes = text
            .attributes
            .iter()
            .map(|(name, text)| {
                let (claim, only) = match text {
                    AttributeText::Claim(claim) => (claim, None),
                    AttributeText::Held { claim, only } => (claim, Some(only)),
                };
                let mapped = || {
                    Ok(MappedAttribute {
                        name: name.clone(),
                        path: path(claim)?,
                        only: only.map(Expected::read).transpose()?,
                    })
                };
                mapped().map_err(|error: EvidenceError| error.within(&format!("attributes.{name}")))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            issuer: issuer.name.clone(),
            preset: issuer.preset,
            rules,
            attributes,
            may_claim: text.may_claim.clone(),
            allow: text.allow.clone(),
        })
    }

    /// The name of the trusted issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The conditions; all must hold.
    #[must_use]
    pub fn rules(&self) -> &[ClaimRule] {
        &self.rules
    }

    /// The names of the attributes that come with the evidence.
    pub fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .map(|attribute| attribute.name.as_str())
    }

    /// What may be chosen with this evidence, where that differs.
    #[must_use]
    pub fn may_claim(&self) -> Option<&BTreeMap<String, Vec<String>>> {
        self.may_claim.as_ref()
    }

    /// Whether the evidence is of the issuer that is meant and all conditions hold.
    ///
    /// # Errors
    /// [`EvidenceError::RuleClaimMissing`] or [`EvidenceError::RuleNotMet`], the first condition
    /// that does not.
    pub fn admits(&self, evidence: &Evidence) -> Result<(), EvidenceError> {
        if evidence.issuer() != self.issuer {
            return Err(EvidenceError::UnknownIssuer {
                issuer: shown(evidence.issuer()),
            });
        }
        for rule in &self.rules {
            let value = rule.path().find(&evidence.claims).ok_or_else(|| {
                EvidenceError::RuleClaimMissing {
                    claim: rule.path().to_string(),
                    needed_for: "the workload demands".to_owned(),
                }
            })?;
            if !rule.holds(value) {
                return Err(EvidenceError::RuleNotMet {
                    claim: rule.path().to_string(),
                    found: found(value),
                });
            }
        }
        Ok(())
    }

    /// The attributes that evidence brings which this rule [admits](Self::admits), once it is clear
    /// that no stranger started the run.
    ///
    /// # Errors
    /// `Trigger`, `Fork`, `UnprotectedRef`, `RuleClaimMissing`, `RuleNotMet`, `Attribute`.
    pub fn attributes(
        &self,
        evidence: &Evidence,
    ) -> Result<BTreeMap<String, String>, EvidenceError> {
        self.allow
            .judge(self.preset, &self.rules, &evidence.claims)?;
        self.attributes
            .iter()
            .map(|attribute| attribute.take(evidence))
            .collect()
    }
}

impl MappedAttribute {
    fn take(&self, evidence: &Evidence) -> Result<(String, String), EvidenceError> {
        let value =
            self.path
                .find(&evidence.claims)
                .ok_or_else(|| EvidenceError::RuleClaimMissing {
                    claim: self.path.to_string(),
                    needed_for: format!("the attribute `{}` is taken from", self.name),
                })?;
        let refused = |why| EvidenceError::Attribute {
            claim: self.path.to_string(),
            attribute: self.name.clone(),
            why,
        };
        let text = scalar(value).ok_or_else(|| refused("it is no text, number or boolean"))?;
        if self.only.as_ref().is_some_and(|only| !only.fits(value)) {
            return Err(refused("its value is not among those declared"));
        }
        if text.is_empty() || text.chars().nth(LONGEST_VALUE).is_some() {
            return Err(refused("it must have 1 to 256 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(refused("it holds control characters"));
        }
        Ok((self.name.clone(), text.into_owned()))
    }
}

/// A claim's value for a message.
fn found(value: &Value) -> String {
    match scalar(value) {
        Some(text) => format!("`{}`", shown(&text)),
        None => match value {
            Value::Array(_) => "a list of other values".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            _ => "no text, number or boolean".to_owned(),
        },
    }
}

const LONGEST_VALUE: usize = 256;
