//! Everything that can be wrong with a token or a key, one variant for each thing to mend.

use std::fmt;

use crate::Algorithm;

/// Which of the three parts of a compact token an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first part: the JOSE header.
    Header,
    /// The second part: the claims.
    Payload,
    /// The third part: the signature.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Why a token or key was refused.
///
/// Up to [`SignatureInvalid`](Self::SignatureInvalid) the fault lies with the token (its sender or
/// its issuer); `Kid*` and `Jwk*` with the published key set; `Pem*`, `PrivateKey*` with the
/// operator's key file; the last two with this program or its crypto library.
///
/// No variant carries a token, a signature or private key material; quoted text from outside is cut
/// and escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoseError {
    /// The text is empty.
    #[error("the token is empty")]
    Empty,
    /// The text is longer than [`MAX_TOKEN_LENGTH`](crate::MAX_TOKEN_LENGTH).
    #[error("the token has {length} characters; at most {limit} are accepted")]
    TooLong {
        /// Characters found.
        length: usize,
        /// Characters allowed.
        limit: usize,
    },
    /// Not `header.payload.signature`.
    #[error(
        "the token has {found} part(s) separated by `.` instead of 3; it may be truncated or not be a JWT"
    )]
    Segments {
        /// Parts found.
        found: usize,
    },
    /// Five parts: an encrypted token (JWE, RFC 7516).
    #[error("the token has 5 parts: it is encrypted (JWE), and only signed tokens are accepted")]
    Encrypted,
    /// A character outside the base64url alphabet, padding or an impossible length.
    #[error("the {part} is not base64url without padding; the token may be truncated or altered")]
    Base64 {
        /// Where.
        part: Part,
    },
    /// Base64url whose last character has unused bits set: two texts would mean the same bytes.
    #[error("the {part} is not canonical base64url: its last character carries unused bits")]
    NotCanonical {
        /// Where.
        part: Part,
    },
    /// Header or payload is not a JSON object.
    #[error("the {part} is not a JSON object")]
    NotAnObject {
        /// Where.
        part: Part,
    },
    /// A header member has the wrong JSON type.
    #[error("the header member `{name}` must be {expected}")]
    HeaderMember {
        /// The member.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The header has no `alg`.
    #[error("the header has no `alg`")]
    AlgorithmMissing,
    /// `alg: none`: the token is not signed.
    #[error("the token is not signed: its `alg` is `none`")]
    AlgorithmNone,
    /// `HS*`: a shared secret, which must never be a public key.
    #[error(
        "the algorithm `{name}` signs with a shared secret; only RS256/384/512 and ES256/384/512 are accepted"
    )]
    AlgorithmSymmetric {
        /// The `alg`.
        name: String,
    },
    /// `PS*`: RSASSA-PSS, which AWS does not accept.
    #[error(
        "the algorithm `{name}` (RSASSA-PSS) is not accepted by AWS; sign with RS256/384/512 or ES256/384/512"
    )]
    AlgorithmPss {
        /// The `alg`.
        name: String,
    },
    /// Any other `alg`.
    #[error("the algorithm `{name}` is not one of RS256, RS384, RS512, ES256, ES384, ES512")]
    AlgorithmUnknown {
        /// The `alg`.
        name: String,
    },
    /// The header demands an extension (`crit`, RFC 7515 §4.1.11); none is supported.
    #[error("the header demands extensions that are not supported: {names}")]
    Critical {
        /// The demanded names, quoted and separated by commas.
        names: String,
    },
    /// The algorithm belongs to another kind of key.
    #[error("the token is signed with {algorithm}, but the key is {key}")]
    KeyMismatch {
        /// The header's algorithm.
        algorithm: Algorithm,
        /// What the key is, such as `RSA` or `EC P-256`.
        key: &'static str,
    },
    /// An empty third part.
    #[error("the token has no signature")]
    SignatureMissing,
    /// An ECDSA signature in ASN.1 DER instead of `r || s` (RFC 7518 §3.4).
    #[error("the {algorithm} signature is in DER form; a JWS carries the fixed form r || s")]
    SignatureIsDer {
        /// The header's algorithm.
        algorithm: Algorithm,
    },
    /// A signature of another length than key and algorithm give.
    #[error("the {algorithm} signature has {found} bytes instead of {expected}")]
    SignatureLength {
        /// The header's algorithm.
        algorithm: Algorithm,
        /// Bytes that the key would give.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Right in form, but not made by this key over this text.
    #[error("the signature does not match: the token was altered or signed by another key")]
    SignatureInvalid,

    /// The token names no key and the set has not exactly one signing key.
    #[error("the token has no `kid` and the key set has {signing_keys} signing keys instead of 1")]
    KidMissing {
        /// Signing keys in the set.
        signing_keys: usize,
    },
    /// The set has no signing key of this name.
    #[error("the key set has no signing key with `kid` `{kid}`")]
    KidUnknown {
        /// The token's `kid`.
        kid: String,
    },
    /// The text is not a JWK set (RFC 7517 §5).
    #[error("the text is not a JWK set: {why}")]
    JwkSet {
        /// What is wrong and where.
        why: String,
    },
    /// The text is not a JWK (RFC 7517 §4).
    #[error("the text is not a JWK: {why}")]
    Jwk {
        /// What is wrong and where.
        why: String,
    },
    /// A JWK member that its key type needs is absent.
    #[error("the JWK has no `{name}`, which a {kty} key needs")]
    JwkMemberMissing {
        /// The member.
        name: &'static str,
        /// The key type.
        kty: &'static str,
    },
    /// A JWK member with a value that cannot be.
    #[error("the JWK member `{name}` {why}")]
    JwkMember {
        /// The member.
        name: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A key type other than `RSA` and `EC`, or another curve.
    #[error("keys of type `{found}` are not supported; use RSA, or EC with P-256, P-384 or P-521")]
    KeyType {
        /// The `kty` or `crv`.
        found: String,
    },

    /// The text is not PEM (RFC 7468).
    #[error("the text is not PEM: {why}")]
    Pem {
        /// What is wrong.
        why: &'static str,
    },
    /// PEM, but not of a private key.
    #[error("the PEM block is `{label}`, not a private key; `PRIVATE KEY` (PKCS#8) is expected")]
    PemLabel {
        /// The label of the block.
        label: String,
    },
    /// The private key is protected by a password.
    #[error("the private key is encrypted; give it without a password in a file of mode 0600")]
    PrivateKeyEncrypted,
    /// Not a private key, damaged, or of a kind that is not supported.
    #[error(
        "the private key is damaged or of a kind that is not supported; RSA of 2048 to 4096 bits and EC P-256 are"
    )]
    PrivateKeyRefused,

    /// Not a `SubjectPublicKeyInfo` of a key that can be used.
    #[error("the public key is damaged or of a kind that is not supported; RSA and EC P-256 are")]
    PublicKeyRefused,

    /// The crypto library could not make a key.
    #[error("the key could not be generated")]
    KeyGeneration,
    /// The crypto library could not sign.
    #[error("the token could not be signed")]
    Signing,
}

impl JoseError {
    pub(crate) fn algorithm_symmetric(name: &str) -> Self {
        Self::AlgorithmSymmetric { name: shown(name) }
    }

    pub(crate) fn algorithm_pss(name: &str) -> Self {
        Self::AlgorithmPss { name: shown(name) }
    }

    pub(crate) fn algorithm_unknown(name: &str) -> Self {
        Self::AlgorithmUnknown { name: shown(name) }
    }
}

/// Text from outside, made fit for a message: escaped, and cut after 64 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}
