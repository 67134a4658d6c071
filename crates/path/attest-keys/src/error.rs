/// Why the keys of a trusted issuer are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestKeysError {
    /// The certificates for the issuer's server are not PEM, or no certificates. The operator's.
    #[error("the certificates for `{issuer}` cannot be used: {why}")]
    Authorities {
        /// The issuer.
        issuer: String,
        /// What is wrong.
        why: String,
    },
    /// No answer in time, or none at all. The issuer's, or the network's.
    #[error("`{url}` cannot be reached: {why}")]
    Unreachable {
        /// What was fetched.
        url: String,
        /// What the network said.
        why: String,
    },
    /// An answer other than 200. The issuer's.
    #[error("`{url}` answered {status} instead of 200")]
    Status {
        /// What was fetched.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// More than any such document needs. The issuer's.
    #[error("`{url}` is larger than {limit} bytes")]
    TooLarge {
        /// What was fetched.
        url: String,
        /// The bound.
        limit: usize,
    },
    /// Not the document that was expected. The issuer's.
    #[error("`{url}` cannot be used: {why}")]
    Document {
        /// What was fetched.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The fetch was given up before it ended; ours.
    #[error("the keys of `{issuer}` were not fetched to the end; try again")]
    GivenUp {
        /// The issuer.
        issuer: String,
    },
}
