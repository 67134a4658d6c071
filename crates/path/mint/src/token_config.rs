//! A token config: one audience, one lifetime, one shape of claims.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rolecall_jose::Algorithm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audience::AudienceKind;
use crate::claims::push_json_text;
use crate::error::shown;
use crate::literals::Literals;
use crate::presets::{Preset, When, pulumi};
use crate::rules::{TenantRules, lifetimes};
use crate::subject::FIELD as SUBJECT;
use crate::target_variable;
use crate::user_token::{self, IDENTIFIERS, TokenSubject};
use crate::{
    AwsClaims, AwsClaimsText, ClaimText, CustomClaims, DeclaredAttributes, FormatError,
    FormatProblem, MintError, SubjectFormat,
};

/// A token config as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfigText {
    /// Unique in its tenant; becomes part of file names.
    pub name: String,
    /// The preset that fills in what is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Which audience is meant; the kinds but `custom` are one's alone in a tenant.
    #[serde(default)]
    pub kind: AudienceKind,
    /// The `aud` claim, such as `sts.amazonaws.com`; empty, that of the kind or preset.
    #[serde(default)]
    pub audience: String,
    /// How long a token lives, in seconds; without one, as long as the preset's, or an hour.
    #[serde(default)]
    pub lifetime_seconds: Option<u32>,
    /// The shortest lifetime that may be asked for, in seconds; without one, the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortest_lifetime_seconds: Option<u32>,
    /// The longest lifetime that may be asked for, in seconds; without one, the config's own
    /// lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_lifetime_seconds: Option<u32>,
    /// How far `nbf` lies before `iat`, in seconds, for verifiers whose clocks are behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backdate_seconds: Option<u32>,
    /// What signs: RS256 or ES256. AWS takes both; ES256 is forty times cheaper.
    #[serde(default = "default_algorithm")]
    pub algorithm: Algorithm,
    /// Whom the tokens speak for. Fixed when the config is made.
    #[serde(default)]
    pub token_subject: TokenSubject,
    /// The subject format; empty, the preset's.
    #[serde(default)]
    pub subject: String,
    /// Pulumi's `subjectAttributes`, in place of a subject format.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_attributes: Vec<String>,
    /// Custom claims.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimText>,
    /// Claims that AWS gives a meaning to.
    #[serde(default)]
    pub aws: AwsClaimsText,
    /// The environment variable that is pointed at the token's file wherever the workload's
    /// programs run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_variable: Option<String>,
}

impl TokenConfigText {
    /// One hour, RS256, no further claims.
    #[must_use]
    pub fn new(name: &str, audience: &str, subject: &str) -> Self {
        Self {
            name: name.to_owned(),
            preset: None,
            kind: AudienceKind::Custom,
            audience: audience.to_owned(),
            lifetime_seconds: None,
            shortest_lifetime_seconds: None,
            longest_lifetime_seconds: None,
            backdate_seconds: None,
            algorithm: default_algorithm(),
            token_subject: TokenSubject::Workload,
            subject: subject.to_owned(),
            subject_attributes: Vec::new(),
            claims: BTreeMap::new(),
            aws: AwsClaimsText::default(),
            target_variable: None,
        }
    }

    /// Refuses a change of what is fixed once `self` was made: whom its tokens speak for. What
    /// trusts them would otherwise find people where it knew workloads.
    ///
    /// # Errors
    /// `SubjectFixed`.
    pub fn check_change(&self, to: &Self) -> Result<(), MintError> {
        if self.name == to.name && self.token_subject != to.token_subject {
            return Err(MintError::SubjectFixed {
                config: shown(&self.name),
            });
        }
        Ok(())
    }
}

/// A checked token config, ready to mint from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    name: String,
    kind: AudienceKind,
    audience: String,
    lifetime_seconds: u32,
    lifetimes: RangeInclusive<u32>,
    backdate_seconds: u32,
    algorithm: Algorithm,
    token_subject: TokenSubject,
    subject: SubjectFormat,
    claims: CustomClaims,
    aws: AwsClaims,
    target_variable: Option<String>,
    audience_json: Vec<u8>,
}

impl TokenConfig {
    /// Checks and parses a config as a whole, in a tenant that declares nothing.
    ///
    /// # Errors
    /// The first thing that is wrong, always the operator's: see [`MintError`].
    pub fn read(text: &TokenConfigText) -> Result<Self, MintError> {
        Self::read_in(text, &TenantRules::default())
    }

    /// Checks and parses a config as a whole, within its tenant's rules.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_in(text: &TokenConfigText, rules: &TenantRules) -> Result<Self, MintError> {
        check_name(&text.name)?;
        let preset = text.preset.as_deref().map(Preset::named).transpose()?;
        let audience = audience(text, preset)?;
        let lifetimes_of = Lifetimes::read(text, preset, rules)?;
        let backdate_seconds = text
            .backdate_seconds
            .or(preset.map(|preset| preset.backdate_seconds))
            .unwrap_or(0);
        if backdate_seconds > MOST_BACKDATED {
            return Err(MintError::Backdate {
                seconds: backdate_seconds,
            });
        }
        let declared = match preset {
            Some(preset) => preset.declared()?.and(rules.attributes()),
            None => rules.attributes().clone(),
        };
        let declared = with_own_name(declared);
        let is_user = text.token_subject == TokenSubject::User;
        if is_user {
            check_user(text)?;
        }
        let subject = subject(text, preset, &declared)?;
        let mut reserved = rules.reserved_claims().to_vec();
        reserved.extend(
            preset
                .iter()
                .flat_map(|preset| preset.reserved_claims)
                .map(|&prefix| prefix.to_owned()),
        );
        let mut claims = CustomClaims::read(&text.claims, &reserved)?;
        let mut aws = AwsClaims::read(&text.aws)?;
        if is_user {
            let namespace = reserved.first().map_or("", String::as_str);
            claims.add(&format!("{namespace}user_id"), "{user_id}", false)?;
            let names: Vec<String> = claims
                .placeholders()
                .map(|(_, placeholder, _)| placeholder.name.clone())
                .collect();
            claims.bind(&user_token::claim_attributes(
                names.iter().map(String::as_str),
            ))?;
        } else {
            add_preset_claims(&mut claims, preset, &subject)?;
            claims.bind(&declared)?;
        }
        aws.bind(&declared)?;
        if let Some(variable) = &text.target_variable {
            if text.kind != AudienceKind::Custom {
                return Err(MintError::NotHere {
                    field: "target_variable",
                    why: "programs find the tokens of the clouds by the clouds' own variables; write `kind: custom`",
                });
            }
            target_variable::check(variable)?;
        }
        let mut audience_json = Vec::with_capacity(audience.len() + 2);
        push_json_text(&audience, &mut audience_json);
        Ok(Self {
            name: text.name.clone(),
            kind: text.kind,
            audience,
            lifetime_seconds: lifetimes_of.usual,
            lifetimes: lifetimes_of.possible,
            backdate_seconds,
            algorithm: text.algorithm,
            token_subject: text.token_subject,
            subject,
            claims,
            aws,
            target_variable: text.target_variable.clone(),
            audience_json,
        })
    }

    /// Refuses placeholders anywhere in the config for which a workload with the `known`
    /// attributes would have no value, naming the nearest.
    ///
    /// # Errors
    /// [`FormatError`] for the first one.
    pub fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.subject.check_known(known)?;
        self.claims.check_known(known)?;
        self.aws.check_known(known)
    }

    /// The lifetime of a token for which `asked` seconds were asked.
    ///
    /// # Errors
    /// `LifetimeNotOffered` outside [`lifetimes`](Self::lifetimes).
    pub fn lifetime_for(&self, asked: Option<u32>) -> Result<u32, MintError> {
        match asked {
            None => Ok(self.lifetime_seconds),
            Some(seconds) if self.lifetimes.contains(&seconds) => Ok(seconds),
            Some(seconds) => Err(MintError::LifetimeNotOffered {
                config: self.name.clone(),
                seconds,
                least: *self.lifetimes.start(),
                most: *self.lifetimes.end(),
            }),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which audience is meant.
    #[must_use]
    pub fn kind(&self) -> AudienceKind {
        self.kind
    }

    /// The `aud` claim.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// How long a token lives for which no lifetime is asked, in seconds.
    #[must_use]
    pub fn lifetime_seconds(&self) -> u32 {
        self.lifetime_seconds
    }

    /// The lifetimes that may be asked for, in seconds.
    #[must_use]
    pub fn lifetimes(&self) -> &RangeInclusive<u32> {
        &self.lifetimes
    }

    /// How far `nbf` lies before `iat`, in seconds.
    #[must_use]
    pub fn backdate_seconds(&self) -> u32 {
        self.backdate_seconds
    }

    /// What signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whom the tokens speak for.
    #[must_use]
    pub fn token_subject(&self) -> TokenSubject {
        self.token_subject
    }

    /// The subject format.
    #[must_use]
    pub fn subject(&self) -> &SubjectFormat {
        &self.subject
    }

    /// The custom claims.
    #[must_use]
    pub fn claims(&self) -> &CustomClaims {
        &self.claims
    }

    /// The AWS claims.
    #[must_use]
    pub fn aws(&self) -> &AwsClaims {
        &self.aws
    }

    /// The environment variable that is pointed at the token's file.
    #[must_use]
    pub fn target_variable(&self) -> Option<&str> {
        self.target_variable.as_deref()
    }

    pub(crate) fn audience_json(&self) -> &[u8] {
        &self.audience_json
    }
}

struct Lifetimes {
    usual: u32,
    possible: RangeInclusive<u32>,
}

impl Lifetimes {
    fn read(
        text: &TokenConfigText,
        preset: Option<&Preset>,
        rules: &TenantRules,
    ) -> Result<Self, MintError> {
        let bounds = rules.lifetimes();
        // What nobody wrote gives way to the tenant's bounds; what somebody wrote is held to them.
        let usual = text.lifetime_seconds.unwrap_or_else(|| {
            preset
                .map_or(DEFAULT_LIFETIME, |preset| preset.lifetime_seconds)
                .clamp(*bounds.start(), *bounds.end())
        });
        if !bounds.contains(&usual) {
            return Err(MintError::Lifetime {
                seconds: usual,
                least: *bounds.start(),
                most: *bounds.end(),
            });
        }
        let possible = lifetimes(
            text.shortest_lifetime_seconds,
            Some(text.longest_lifetime_seconds.unwrap_or(usual)),
            bounds.clone(),
        )?;
        if !possible.contains(&usual) {
            return Err(MintError::Lifetime {
                seconds: usual,
                least: *possible.start(),
                most: *possible.end(),
            });
        }
        Ok(Self { usual, possible })
    }
}

fn audience(text: &TokenConfigText, preset: Option<&Preset>) -> Result<String, MintError> {
    if text.audience.is_empty()
        && text.kind == AudienceKind::Custom
        && let Some(preset) = preset
    {
        if preset.audience.contains('{') {
            return Err(MintError::Missing {
                field: "audience",
                why: format!(
                    "the preset `{}` has `{}`, whose part in braces is yours to write",
                    preset.name, preset.audience
                ),
            });
        }
        return text.kind.audience(preset.audience);
    }
    text.kind.audience(&text.audience)
}

fn subject(
    text: &TokenConfigText,
    preset: Option<&Preset>,
    declared: &DeclaredAttributes,
) -> Result<SubjectFormat, MintError> {
    let literals = match (preset, text.token_subject) {
        (Some(preset), TokenSubject::User) if preset.literals == Literals::Cube => {
            Literals::CubePerson
        }
        (Some(preset), _) => preset.literals,
        (None, _) => Literals::Usual,
    };
    if text.token_subject == TokenSubject::User {
        let attributes = user_token::subject_attributes();
        let format = SubjectFormat::parse_with(&text.subject, literals, &attributes)?;
        if format
            .placeholders()
            .all(|name| !IDENTIFIERS.contains(&name))
        {
            return Err(FormatError {
                field: SUBJECT.to_owned(),
                span: format.whole_span(),
                text: text.subject.clone(),
                problem: FormatProblem::NoPerson,
            }
            .into());
        }
        return Ok(format);
    }
    let is_pulumi = preset.is_some_and(|preset| preset.literals == Literals::Pulumi);
    let written = if !text.subject_attributes.is_empty() {
        if !is_pulumi || !text.subject.is_empty() {
            return Err(MintError::NotHere {
                field: "subject_attributes",
                why: "it belongs to the presets of Pulumi, and takes the place of `subject`",
            });
        }
        let legacy = preset.is_some_and(|preset| preset.name == "pulumi-default-project");
        pulumi::subject(&text.subject_attributes, legacy)?
    } else if text.subject.is_empty() {
        preset.map_or(String::new(), |preset| preset.subject.to_owned())
    } else {
        text.subject.clone()
    };
    Ok(SubjectFormat::parse_with(&written, literals, declared)?)
}

fn add_preset_claims(
    claims: &mut CustomClaims,
    preset: Option<&Preset>,
    subject: &SubjectFormat,
) -> Result<(), MintError> {
    for claim in preset.iter().flat_map(|preset| preset.claims) {
        match claim.when {
            When::InSubject(name) if subject.placeholders().all(|used| used != name) => {}
            when => claims.add(claim.name, claim.value, when == When::Known)?,
        }
    }
    Ok(())
}

/// What tokens of people do not have: they are made for the systems that know these people, never
/// for a cloud's role, and never stand in a file.
fn check_user(text: &TokenConfigText) -> Result<(), MintError> {
    let refused = |field, why| Err(MintError::NotHere { field, why });
    if text.kind != AudienceKind::Custom {
        return refused("kind", "tokens of people are for custom audiences only");
    }
    if text.audience == "sts.amazonaws.com" {
        return refused("audience", "tokens of people are for custom audiences only");
    }
    if text.target_variable.is_some() {
        return refused(
            "target_variable",
            "tokens of people are handed on in memory and never written to a file",
        );
    }
    if text.aws != AwsClaimsText::default() {
        return refused("aws", "tokens of people are not for AWS");
    }
    if text.subject.is_empty() {
        return Err(MintError::Missing {
            field: "subject",
            why:
                "write one with `{user_email}`, `{username}` or `{user_id}`, such as `{user_email}`"
                    .to_owned(),
        });
    }
    if !text.subject_attributes.is_empty() {
        return refused("subject_attributes", "tokens of people have a `subject`");
    }
    Ok(())
}

/// Every workload has its own name, whatever is declared.
fn with_own_name(declared: DeclaredAttributes) -> DeclaredAttributes {
    if declared.is_empty() || declared.rule(OWN_NAME).is_some() {
        return declared;
    }
    DeclaredAttributes::of([(
        OWN_NAME.to_owned(),
        crate::AttributeRule::of_form(crate::Form::Any),
    )])
    .and(&declared)
}

fn check_name(name: &str) -> Result<(), MintError> {
    let fits = (1..=64).contains(&name.len())
        && !name.starts_with(['_', '-'])
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    fits.then_some(())
        .ok_or_else(|| MintError::ConfigName { given: shown(name) })
}

fn default_algorithm() -> Algorithm {
    Algorithm::Rs256
}

const OWN_NAME: &str = "name";
const DEFAULT_LIFETIME: u32 = 3600;
const MOST_BACKDATED: u32 = 600;
