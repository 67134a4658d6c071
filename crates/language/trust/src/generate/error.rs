//! Why a policy was not made.

use crate::lint::Finding;
use crate::write_time::WriteError;

/// Why a policy was not made. All of them are for the caller to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// The subject format cannot be read.
    #[error("the subject format `{format}` cannot be read at column {column}: {why}")]
    Format {
        /// The format.
        format: String,
        /// The column, from one.
        column: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// A name that the format does not have.
    #[error("there is no `{name}` to choose{}; {}", asked(.nearest), listed(.known))]
    UnknownName {
        /// The name that was given.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
        /// All that there are.
        known: Vec<String>,
    },
    /// A part of the subject that is neither pinned nor open by choice.
    #[error("`{name}` ({meaning}) is not pinned")]
    Unpinned {
        /// The placeholder.
        name: String,
        /// What it stands for.
        meaning: String,
        /// Whether it may be left open.
        may_be_open: bool,
    },
    /// What tells the customers of a shared issuer apart was left open.
    #[error(
        "`{name}` cannot be left open: `{issuer}` issues tokens to many customers, and everyone of them would be let in"
    )]
    TenantOpen {
        /// The placeholder.
        name: String,
        /// The issuer.
        issuer: String,
    },
    /// A part of the issuer's URL or of the audience was left open.
    #[error("`{name}` cannot be left open: it stands in the issuer's URL or the audience")]
    NotInSubject {
        /// The placeholder.
        name: String,
    },
    /// A value that cannot stand there.
    #[error("`{value}` cannot be the value of `{name}`: {why}")]
    Value {
        /// The placeholder or parameter.
        name: String,
        /// The value.
        value: String,
        /// Why not.
        why: String,
    },
    /// The same name is chosen in two ways.
    #[error("`{0}` is both pinned and left open")]
    Twice(String),
    /// The issuer's URL or the audience needs one value.
    #[error("`{0}` stands in the issuer's URL or the audience and takes one value")]
    OneValue(String),
    /// Nothing of the subject is pinned.
    #[error("nothing of the subject is pinned: every token of the issuer would be let in")]
    NothingPinned,
    /// More subjects than a policy can hold.
    #[error("that makes {0} subjects, more than a trust policy can hold")]
    TooMany(usize),
    /// No such preset.
    #[error("there is no preset `{name}`{}", asked(.nearest))]
    UnknownPreset {
        /// The name that was given.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
    },
    /// A part of the design that AWS does not take: what it is, the text, why.
    #[error("the {what} `{text}` {why}")]
    Word {
        /// What it is.
        what: &'static str,
        /// As it was given.
        text: String,
        /// Why it is none.
        why: &'static str,
    },
    /// Too many thumbprints.
    #[error("{0} thumbprints were given, and a provider takes 5 at most")]
    Thumbprints(usize),
    /// No such target of permissions.
    #[error("there are no permissions for `{name}`{}; {}", asked(.nearest), listed(.known))]
    UnknownTarget {
        /// The name that was given.
        name: String,
        /// The nearest that there is.
        nearest: Option<String>,
        /// All that there are.
        known: Vec<String>,
    },
    /// A parameter of a target is missing.
    #[error("`{target}` needs `{name}`, {meaning}")]
    MissingParameter {
        /// The target.
        target: &'static str,
        /// The parameter.
        name: &'static str,
        /// What it is.
        meaning: &'static str,
    },
    /// A part of a target's parameters is not `name=value`.
    #[error("`{0}` is no `NAME=VALUE` of `TARGET:NAME=VALUE,NAME=VALUE`")]
    Parameters(String),
    /// Permissions are wanted, and none were named.
    #[error("no permissions were named")]
    NoPermissions,
    /// JSON holds one document.
    #[error("JSON holds one document, and several are wanted")]
    OnePart,
    /// IAM would refuse the policy.
    #[error("IAM would refuse the policy: {0}")]
    Refused(WriteError),
    /// It would not work, or let in whom it should not.
    #[error("{}: {} ({})", .0.rule.code, .0.message, .0.rule.why)]
    Finding(Box<Finding>),
}

fn asked(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!(", did you mean `{name}`?"))
        .unwrap_or_default()
}

fn listed(known: &[String]) -> String {
    match known {
        [] => "nothing is left to choose".to_owned(),
        names => format!("there is `{}`", names.join("`, `")),
    }
}
