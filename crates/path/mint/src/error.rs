//! Why a configuration was refused, or a token not made.

use rolecall_names::NamesError;

use crate::FormatError;

/// Who can mend a [`MintError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Whoever wrote issuer, token config or workload.
    Operator,
    /// Whoever asks for the token, with these attributes and this role.
    Asker,
}

/// Why an issuer URL or token config was refused, or a token not made from them.
///
/// The first variants are the operator's and come up when the configuration is read; the last,
/// from [`AttributeMissing`](Self::AttributeMissing) on, come up for one request. `field` names the
/// place as in the configuration file: `subject`, `claims.team`, `aws.session_tags.team`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// Not an issuer URL that AWS and other verifiers would take literally.
    #[error("`{given}` cannot be an issuer URL: {why}")]
    Issuer {
        /// What was given.
        given: String,
        /// The rule that it breaks, and what to write instead.
        why: String,
    },
    /// The name of a token config becomes part of file names.
    #[error(
        "`{given}` cannot be the name of a token config: use 1 to 64 of `a-z`, `0-9`, `_` and `-`, beginning with a letter or digit"
    )]
    ConfigName {
        /// What was given.
        given: String,
    },
    /// An audience that IAM could not register as a client ID.
    #[error("`{given}` cannot be an audience: {why}")]
    Audience {
        /// What was given.
        given: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A lifetime of a token config outside what its tenant or AWS allows.
    #[error("a lifetime of {seconds} s is not possible: {least} s to {most} s is")]
    Lifetime {
        /// Seconds given.
        seconds: u32,
        /// Shortest that is possible, in seconds.
        least: u32,
        /// Longest that is possible, in seconds.
        most: u32,
    },
    /// Bounds of lifetimes that are empty or wider than what is around them.
    #[error(
        "lifetimes from {shortest} s to {longest} s are not possible: both must lie between {least} s and {most} s, the shortest first"
    )]
    Lifetimes {
        /// Shortest, in seconds.
        shortest: u32,
        /// Longest, in seconds.
        longest: u32,
        /// Shortest that is possible, in seconds.
        least: u32,
        /// Longest that is possible, in seconds.
        most: u32,
    },
    /// `nbf` further before `iat` than verifiers' clocks are apart.
    #[error("`backdate` of {seconds} s is not possible: 0 s to 600 s is")]
    Backdate {
        /// Seconds given.
        seconds: u32,
    },
    /// A beginning of claim names that cannot be reserved.
    #[error("`{given}` cannot be reserved: write 1 to 128 ASCII characters, such as `acme:`")]
    ReservedClaims {
        /// What was given.
        given: String,
    },
    /// A preset that does not exist.
    #[error("there is no preset `{name}`{}", did_you_mean(nearest))]
    UnknownPreset {
        /// What was given.
        name: String,
        /// The most similar one.
        nearest: Option<String>,
    },
    /// A field that must be written because the preset leaves it open.
    #[error("`{field}` is missing: {why}")]
    Missing {
        /// The field.
        field: &'static str,
        /// What to write.
        why: String,
    },
    /// Two token configs of a tenant share what is one's alone.
    #[error("{what} is that of the token config `{other}` already")]
    Shared {
        /// Which of them is the later one, from 0.
        index: usize,
        /// The field that shares.
        field: &'static str,
        /// What they share.
        what: String,
        /// The earlier one.
        other: String,
    },
    /// An environment variable that must not be pointed at a token.
    #[error("`{given}` cannot be a target variable: {why}")]
    TargetVariable {
        /// What was given.
        given: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A setting that tokens of this kind do not have.
    #[error("`{field}` is not possible here: {why}")]
    NotHere {
        /// The field.
        field: &'static str,
        /// Why.
        why: &'static str,
    },
    /// A change of what is fixed when a token config is made.
    #[error(
        "whom the tokens of `{config}` speak for cannot change; make another token config with a name of its own"
    )]
    SubjectFixed {
        /// The token config.
        config: String,
    },
    /// A declaration of an attribute that contradicts itself.
    #[error("the attribute `{name}` cannot be declared so: {why}")]
    Declared {
        /// The attribute.
        name: String,
        /// The rule that it breaks.
        why: String,
    },
    /// A text with placeholders that is malformed.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A custom claim that is reserved or has an unusable name.
    #[error("`{name}` cannot be a custom claim: {why}")]
    ClaimName {
        /// The claim.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A custom claim whose value is too long, too many or of an impossible type.
    #[error("`{field}` {why}")]
    ClaimValue {
        /// Where.
        field: String,
        /// The rule that it breaks.
        why: String,
    },
    /// More custom claims than the bound.
    #[error("there are {found} custom claims; at most {limit} are possible")]
    TooManyClaims {
        /// Found.
        found: usize,
        /// Allowed.
        limit: usize,
    },
    /// A session tag that STS would refuse.
    #[error("the session tag `{key}` {why}")]
    SessionTag {
        /// The tag's key.
        key: String,
        /// The rule that it breaks.
        why: String,
    },
    /// A session tag's value or a source identity without placeholders that STS would refuse.
    #[error("`{field}` has a value that STS would refuse: {why}")]
    Fixed {
        /// The field.
        field: String,
        /// The rule that the value breaks.
        why: String,
    },
    /// More session tags than STS takes.
    #[error("there are {found} session tags; STS takes at most {limit}")]
    TooManySessionTags {
        /// Found.
        found: usize,
        /// Allowed.
        limit: usize,
    },
    /// An entry of `aws.roles` that is no role ARN.
    #[error("`aws.roles`: {0}")]
    Role(NamesError),

    /// A placeholder for which the workload has no attribute.
    #[error(
        "`{field}` needs the attribute `{name}`, which the workload does not have{}",
        did_you_mean(nearest)
    )]
    AttributeMissing {
        /// The field whose format names it.
        field: String,
        /// The attribute.
        name: String,
        /// The most similar attribute that the workload has.
        nearest: Option<String>,
    },
    /// An attribute with a value that must not enter this field.
    #[error("`{field}` cannot take the attribute `{name}`: its value {why}")]
    AttributeValue {
        /// The field.
        field: String,
        /// The attribute.
        name: String,
        /// What is wrong with the value.
        why: String,
    },
    /// A lifetime that was asked for and that the token config does not give.
    #[error(
        "the token config `{config}` gives tokens for {least} s to {most} s, not for {seconds} s"
    )]
    LifetimeNotOffered {
        /// The token config.
        config: String,
        /// Seconds asked for.
        seconds: u32,
        /// Shortest, in seconds.
        least: u32,
        /// Longest, in seconds.
        most: u32,
    },
    /// The subject would be too long.
    #[error("the subject would have {length} characters; at most {limit} are possible")]
    SubjectTooLong {
        /// Characters that it would have.
        length: usize,
        /// Allowed.
        limit: usize,
    },
    /// A session tag or the source identity came out in a form that STS would refuse.
    #[error("`{field}` came out as a value that STS would refuse: {why}")]
    Rendered {
        /// The field.
        field: String,
        /// The rule that the value breaks.
        why: String,
    },
    /// The request names a role that the token config does not offer.
    #[error("the token config `{config}` does not offer the role `{role}`: {why}")]
    RoleNotOffered {
        /// The token config.
        config: String,
        /// The role asked for.
        role: String,
        /// Whether it offers others or none.
        why: &'static str,
    },
    /// The token would be longer than AWS takes.
    #[error("the claims have {length} bytes; at most {limit} fit into a token that AWS takes")]
    TooLong {
        /// Bytes of the payload.
        length: usize,
        /// Allowed.
        limit: usize,
    },
}

impl MintError {
    /// Who can mend it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::AttributeMissing { .. }
            | Self::AttributeValue { .. }
            | Self::LifetimeNotOffered { .. }
            | Self::SubjectTooLong { .. }
            | Self::Rendered { .. }
            | Self::RoleNotOffered { .. }
            | Self::TooLong { .. } => Fault::Asker,
            _ => Fault::Operator,
        }
    }
}

impl MintError {
    /// The field of a token config that is wrong, as in the configuration file: `subject`,
    /// `claims.team`; empty where it is the config as a whole.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::ConfigName { .. } => "name".to_owned(),
            Self::Audience { .. } => "audience".to_owned(),
            Self::Lifetime { .. } => "lifetime".to_owned(),
            Self::Lifetimes { .. } => "longest_lifetime".to_owned(),
            Self::Backdate { .. } => "backdate".to_owned(),
            Self::UnknownPreset { .. } => "preset".to_owned(),
            Self::TargetVariable { .. } => "target_variable".to_owned(),
            Self::SubjectFixed { .. } => "token_subject".to_owned(),
            Self::Missing { field, .. }
            | Self::NotHere { field, .. }
            | Self::Shared { field, .. } => (*field).to_owned(),
            Self::Format(error) => error.field().to_owned(),
            Self::ClaimName { name, .. } => format!("claims.{name}"),
            Self::TooManyClaims { .. } => "claims".to_owned(),
            Self::SessionTag { key, .. } => format!("aws.session_tags.{key}"),
            Self::TooManySessionTags { .. } => "aws.session_tags".to_owned(),
            Self::Role(_) => "aws.roles".to_owned(),
            Self::ClaimValue { field, .. }
            | Self::Fixed { field, .. }
            | Self::Rendered { field, .. }
            | Self::AttributeMissing { field, .. }
            | Self::AttributeValue { field, .. } => field.clone(),
            _ => String::new(),
        }
    }
}

/// `; did you mean ...` where there is something similar.
pub(crate) fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|nearest| format!("; did you mean `{nearest}`?"))
        .unwrap_or_default()
}

/// The candidate most similar to `word`, if one is similar enough to be meant.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    rolecall_source::nearest(word, candidates).map(str::to_owned)
}

/// Text from outside, made fit for a message: escaped, and cut after 64 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}
