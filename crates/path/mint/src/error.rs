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
    /// A lifetime outside 5 minutes to 12 hours.
    #[error(
        "a lifetime of {seconds} s is not possible: 300 s (5 minutes) to 43200 s (12 hours) is"
    )]
    Lifetime {
        /// Seconds given.
        seconds: u32,
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
            | Self::SubjectTooLong { .. }
            | Self::Rendered { .. }
            | Self::RoleNotOffered { .. }
            | Self::TooLong { .. } => Fault::Asker,
            _ => Fault::Operator,
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
