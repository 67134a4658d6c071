/// Why a text is not the name it was taken for. All of these are the caller's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// Not twelve decimal digits.
    #[error("`{given}` is not an AWS account id: expected 12 digits")]
    Account {
        /// What was given.
        given: String,
    },
    /// Not of the form `arn:partition:service:region:account:resource`.
    #[error("`{given}` is not an ARN: {why}")]
    Arn {
        /// What was given.
        given: String,
        /// Which of its parts is wrong, and how.
        why: String,
    },
    /// An ARN, but not of an IAM role.
    #[error(
        "`{given}` is not a role ARN: {why}; expected `arn:aws:iam::<account>:role/<path and name>`"
    )]
    Role {
        /// What was given.
        given: String,
        /// Which of its parts is wrong, and how.
        why: String,
    },
    /// A partition that Rolecall does not know.
    #[error("`{given}` is not a partition: expected `aws`, `aws-cn` or `aws-us-gov`")]
    Partition {
        /// What was given.
        given: String,
    },
    /// Not of the form of a region name.
    #[error("`{given}` is not a region: expected a name such as `eu-central-1`")]
    Region {
        /// What was given.
        given: String,
    },
    /// A request parameter outside the length or the characters that STS takes.
    #[error("`{given}` is not a valid {what}: {why}")]
    Parameter {
        /// Which parameter it was meant for.
        what: &'static str,
        /// What was given.
        given: String,
        /// The rule that it breaks.
        why: String,
    },
}
