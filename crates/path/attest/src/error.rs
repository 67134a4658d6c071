//! Why evidence was not accepted.

use rolecall_jose::JoseError;

/// Why an assertion was not made or not accepted, or a workload's keys were not registered.
///
/// At the token endpoint every variant is `invalid_client` (RFC 6749 §5.2), except
/// [`MemoryFull`](Self::MemoryFull), which is the server's load, and `Key*`, which is the
/// operator's configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestError {
    /// A registered key that cannot verify assertions.
    #[error("key {position} of the workload cannot be used: {why}")]
    Key {
        /// Its place in the list, from 1.
        position: usize,
        /// What is wrong with it.
        why: String,
    },
    /// No key, or more than the bound.
    #[error("the workload has {found} keys; 1 to {limit} are possible")]
    KeyCount {
        /// Found.
        found: usize,
        /// Allowed.
        limit: usize,
    },

    /// The hash of a client secret that cannot be used. The operator's.
    #[error("the hash of the client secret cannot be used: {why}")]
    SecretHash {
        /// What is wrong with it.
        why: String,
    },

    /// The assertion could not be signed.
    #[error("the assertion could not be signed: {0}")]
    Signing(JoseError),
    /// Not a JWT, or not signed by the workload's key.
    #[error("the client assertion was not accepted: {0}")]
    Jose(JoseError),
    /// A claim is absent.
    #[error("the client assertion has no `{claim}`")]
    ClaimMissing {
        /// The claim.
        claim: &'static str,
    },
    /// A claim has another JSON type, or is empty or too long.
    #[error("the `{claim}` of the client assertion must be {expected}")]
    Claim {
        /// The claim.
        claim: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// `iss` and `sub` differ (RFC 7523 §3 wants both to be the client).
    #[error("`iss` and `sub` of the client assertion differ; both must be the workload's name")]
    TwoNames,
    /// No workload has this name.
    #[error("there is no workload `{workload}`")]
    UnknownWorkload {
        /// The name, cut and escaped.
        workload: String,
    },
    /// The workload has no key of this `kid`.
    #[error("the workload has no key with `kid` `{kid}`; it was removed or never registered")]
    UnknownKey {
        /// The name, cut and escaped.
        kid: String,
    },
    /// No `kid`, and more than one key.
    #[error("the client assertion has no `kid`, and the workload has {keys} keys")]
    KidMissing {
        /// Registered keys.
        keys: usize,
    },
    /// The registered key is meant for another algorithm.
    #[error(
        "the client assertion is signed with {found}, but the key is registered for {registered}"
    )]
    AlgorithmOfKey {
        /// The assertion's algorithm.
        found: String,
        /// The key's `alg`.
        registered: String,
    },
    /// Meant for somebody else.
    #[error("the client assertion is not meant for this issuer: its `aud` must be {accepted}")]
    Audience {
        /// The accepted audiences, quoted.
        accepted: String,
    },
    /// Past its `exp`.
    #[error("the client assertion expired {seconds} s ago; make a new one for each request")]
    Expired {
        /// Seconds since `exp`.
        seconds: i64,
    },
    /// `exp` too far ahead.
    #[error("the client assertion expires in {seconds} s; at most {limit} s are accepted")]
    TooLong {
        /// Seconds until `exp`.
        seconds: i64,
        /// Allowed.
        limit: i64,
    },
    /// `iat` or `nbf` ahead of the clock.
    #[error(
        "the `{claim}` of the client assertion is {seconds} s in the future; compare the clocks"
    )]
    NotYet {
        /// The claim.
        claim: &'static str,
        /// Seconds until it is reached.
        seconds: i64,
    },
    /// The same assertion again.
    #[error(
        "the client assertion was used before; make a new one, with its own `jti`, for each request"
    )]
    Replayed,
    /// More assertions are alive than the memory holds.
    #[error("too many client assertions are alive at once; try again in a minute")]
    MemoryFull,
    /// Evidence of a time that the memory has forgotten. The server's clock stood later before.
    #[error(
        "the server's clock went backwards, so it cannot be told whether this was used before; try again later"
    )]
    ClockBackwards,
}

/// Text from outside, made fit for a message: escaped, and cut after 64 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}
