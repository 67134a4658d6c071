//! A token config: one audience, one lifetime, one shape of claims.

use std::collections::BTreeMap;

use rolecall_jose::Algorithm;
use serde::{Deserialize, Serialize};

use crate::claims::push_json_text;
use crate::error::shown;
use crate::{
    AwsClaims, AwsClaimsText, ClaimText, CustomClaims, FormatError, MintError, SubjectFormat,
};

/// A token config as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfigText {
    /// Unique in its tenant; becomes part of file names.
    pub name: String,
    /// The `aud` claim, such as `sts.amazonaws.com`.
    pub audience: String,
    /// How long a token lives, in seconds: 300 to 43200.
    #[serde(default = "default_lifetime")]
    pub lifetime_seconds: u32,
    /// What signs: RS256 or ES256. AWS takes both; ES256 is forty times cheaper.
    #[serde(default = "default_algorithm")]
    pub algorithm: Algorithm,
    /// The subject format.
    pub subject: String,
    /// Custom claims.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimText>,
    /// Claims that AWS gives a meaning to.
    #[serde(default)]
    pub aws: AwsClaimsText,
}

impl TokenConfigText {
    /// One hour, RS256, no further claims.
    #[must_use]
    pub fn new(name: &str, audience: &str, subject: &str) -> Self {
        Self {
            name: name.to_owned(),
            audience: audience.to_owned(),
            lifetime_seconds: default_lifetime(),
            algorithm: default_algorithm(),
            subject: subject.to_owned(),
            claims: BTreeMap::new(),
            aws: AwsClaimsText::default(),
        }
    }
}

/// A checked token config, ready to mint from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    name: String,
    audience: String,
    lifetime_seconds: u32,
    algorithm: Algorithm,
    subject: SubjectFormat,
    claims: CustomClaims,
    aws: AwsClaims,
    audience_json: Vec<u8>,
}

impl TokenConfig {
    /// Checks and parses a config as a whole.
    ///
    /// # Errors
    /// The first thing that is wrong, always the operator's: see [`MintError`].
    pub fn read(text: &TokenConfigText) -> Result<Self, MintError> {
        check_name(&text.name)?;
        check_audience(&text.audience)?;
        if !(SHORTEST_LIFETIME..=LONGEST_LIFETIME).contains(&text.lifetime_seconds) {
            return Err(MintError::Lifetime {
                seconds: text.lifetime_seconds,
            });
        }
        let mut audience_json = Vec::with_capacity(text.audience.len() + 2);
        push_json_text(&text.audience, &mut audience_json);
        Ok(Self {
            name: text.name.clone(),
            audience: text.audience.clone(),
            lifetime_seconds: text.lifetime_seconds,
            algorithm: text.algorithm,
            subject: SubjectFormat::parse(&text.subject)?,
            claims: CustomClaims::read(&text.claims)?,
            aws: AwsClaims::read(&text.aws)?,
            audience_json,
        })
    }

    /// Refuses placeholders anywhere in the config that are not among the `known` attributes and
    /// have no stand-in, naming the nearest.
    ///
    /// # Errors
    /// [`FormatError`] for the first one.
    pub fn check_known(&self, known: &[&str]) -> Result<(), FormatError> {
        self.subject.check_known(known)?;
        self.claims.check_known(known)?;
        self.aws.check_known(known)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `aud` claim.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// How long a token lives, in seconds.
    #[must_use]
    pub fn lifetime_seconds(&self) -> u32 {
        self.lifetime_seconds
    }

    /// What signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
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

    pub(crate) fn audience_json(&self) -> &[u8] {
        &self.audience_json
    }
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

fn check_audience(audience: &str) -> Result<(), MintError> {
    let refused = |why| {
        Err(MintError::Audience {
            given: shown(audience),
            why,
        })
    };
    if audience.is_empty() {
        return refused("it is empty");
    }
    if audience.len() > LONGEST_AUDIENCE {
        return refused("it has more than 255 characters, the most that IAM registers");
    }
    if !audience.chars().all(|c| c.is_ascii_graphic()) {
        return refused("it holds a blank, a control character or one beyond ASCII");
    }
    Ok(())
}

fn default_lifetime() -> u32 {
    DEFAULT_LIFETIME
}

fn default_algorithm() -> Algorithm {
    Algorithm::Rs256
}

const DEFAULT_LIFETIME: u32 = 3600;
const SHORTEST_LIFETIME: u32 = 300;
/// Seconds that a token may live at most: what a role session may last.
pub const LONGEST_LIFETIME: u32 = 43_200;
const LONGEST_AUDIENCE: usize = 255;
