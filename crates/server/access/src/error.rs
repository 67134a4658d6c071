/// Why access was not made, or a token is not one of ours. The asker's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// A name that cannot be one.
    #[error(
        "`{name}` cannot be the name of somebody with access: use 1 to 64 letters, digits and `._@-`, starting with a letter or digit"
    )]
    Name {
        /// What was given.
        name: String,
    },
    /// A lifetime out of bounds.
    #[error("a token for the admin API lives 1 minute to 400 days, not {seconds} s")]
    Lifetime {
        /// What was asked for.
        seconds: i64,
    },
    /// Not a token of this API at all: cut off, or another kind.
    #[error("this is not a token of the admin API; one starts with `rca_` or `rcu_`")]
    NotAToken,
}
