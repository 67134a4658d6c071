//! Compact serialisation (RFC 7515 §7.1): reading, verifying, signing.

use std::fmt;

use secrecy::SecretString;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::shown;
use crate::{Algorithm, JoseError, Part, SigningKey, VerifyingKey, encoding};

/// The longest text that is looked at, in characters. AWS takes 20 000; the rest is margin for
/// tokens that only this program reads.
pub const MAX_TOKEN_LENGTH: usize = 65_536;

/// A token taken apart, not yet verified.
///
/// `Debug` shows the header only: claims may be personal and a token is a secret.
pub struct Compact<'t> {
    header: Header,
    header_json: Vec<u8>,
    payload: Vec<u8>,
    signed_text: &'t str,
    signature: Vec<u8>,
}

/// The members of a JOSE header (RFC 7515 §4) that this crate acts on.
///
/// `jwk`, `jku`, `x5u` and `x5c` are left out on purpose: a token cannot bring its own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Vec<String>,
}

impl<'t> Compact<'t> {
    /// Takes a token apart without judging its algorithm or signature, so that it can also be shown.
    ///
    /// # Errors
    /// Wrong number of parts, base64url that is not canonical, a header that is not a JSON object
    /// with a textual `alg`, a text over [`MAX_TOKEN_LENGTH`].
    pub fn parse(token: &'t str) -> Result<Self, JoseError> {
        if token.is_empty() {
            return Err(JoseError::Empty);
        }
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(JoseError::TooLong {
                length: token.chars().count(),
                limit: MAX_TOKEN_LENGTH,
            });
        }
        let found = token.split('.').count();
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(match found {
                5 => JoseError::Encrypted,
                _ => JoseError::Segments { found },
            });
        };
        let header_json = encoding::decode_part(header, Part::Header)?;
        Ok(Self {
            header: Header::read(&header_json)?,
            header_json,
            payload: encoding::decode_part(payload, Part::Payload)?,
            signed_text: &token[..header.len() + 1 + payload.len()],
            signature: encoding::decode_part(signature, Part::Signature)?,
        })
    }

    /// The header. Nothing in it may be believed before [`verify`](Self::verify).
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's JSON text as it was sent, for showing.
    #[must_use]
    pub fn header_json(&self) -> &[u8] {
        &self.header_json
    }

    /// The payload's bytes as they were sent.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload as a JSON object; of duplicate members the last wins, as at AWS.
    ///
    /// # Errors
    /// [`JoseError::NotAnObject`].
    pub fn claims(&self) -> Result<Map<String, Value>, JoseError> {
        serde_json::from_slice(&self.payload).map_err(|_| JoseError::NotAnObject {
            part: Part::Payload,
        })
    }

    /// Verifies the signature with a key that the caller trusts.
    ///
    /// # Errors
    /// `Algorithm*` and `Critical` for what the header asks, `KeyMismatch`, `Signature*`.
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), JoseError> {
        let algorithm = self.header.algorithm()?;
        if !self.header.crit.is_empty() {
            let names: Vec<String> = self
                .header
                .crit
                .iter()
                .take(8)
                .map(|name| format!("`{}`", shown(name)))
                .collect();
            return Err(JoseError::Critical {
                names: names.join(", "),
            });
        }
        key.verify(algorithm, self.signed_text.as_bytes(), &self.signature)
    }
}

impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compact")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Header {
    /// The algorithm, if it is one that is accepted.
    ///
    /// # Errors
    /// `AlgorithmNone`, `AlgorithmSymmetric`, `AlgorithmPss` or `AlgorithmUnknown`.
    pub fn algorithm(&self) -> Result<Algorithm, JoseError> {
        self.alg.parse()
    }

    /// `alg` as sent.
    #[must_use]
    pub fn alg(&self) -> &str {
        &self.alg
    }

    /// `kid`, the name of the key.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// `typ`, usually `JWT`.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// `crit`: extensions that a reader must understand. None is, so a token with any is refused.
    #[must_use]
    pub fn crit(&self) -> &[String] {
        &self.crit
    }

    fn read(json: &[u8]) -> Result<Self, JoseError> {
        let mut members: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|_| JoseError::NotAnObject { part: Part::Header })?;
        let mut text = |name: &'static str| match members.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(JoseError::HeaderMember {
                name,
                expected: "a string",
            }),
        };
        let alg = text("alg")?.ok_or(JoseError::AlgorithmMissing)?;
        let (kid, typ) = (text("kid")?, text("typ")?);
        let crit = match members.remove("crit") {
            None => Vec::new(),
            Some(value) => serde_json::from_value::<Vec<String>>(value)
                .ok()
                .filter(|names| !names.is_empty())
                .ok_or(JoseError::HeaderMember {
                    name: "crit",
                    expected: "an array of names that is not empty",
                })?,
        };
        Ok(Self {
            alg,
            kid,
            typ,
            crit,
        })
    }
}

/// A token that waits for its signature, which something else makes: a security module or a
/// service.
pub struct Unsigned {
    text: Zeroizing<String>,
    algorithm: Algorithm,
}

impl Unsigned {
    /// A JSON payload under the header `alg`, `kid`, `typ: JWT`.
    #[must_use]
    pub fn jwt(algorithm: Algorithm, kid: &str, payload_json: &[u8]) -> Self {
        let header = header(algorithm, kid, "JWT");
        let mut text = String::with_capacity(header.len() + 700 + payload_json.len() * 4 / 3);
        text.push_str(&header);
        text.push('.');
        encoding::encode_into(payload_json, &mut text);
        Self {
            text: text.into(),
            algorithm,
        }
    }

    /// What is to be signed.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The token, if `signature` (for ECDSA `r || s`) is that of `key` over the message: what comes
    /// from elsewhere is not handed on unseen.
    ///
    /// # Errors
    /// As [`VerifyingKey::verify`].
    pub fn signed(
        mut self,
        signature: &[u8],
        key: &VerifyingKey,
    ) -> Result<SecretString, JoseError> {
        key.verify(self.algorithm, self.message(), signature)?;
        self.text.push('.');
        encoding::encode_into(signature, &mut self.text);
        Ok(SecretString::from(std::mem::take(&mut *self.text)))
    }
}

/// Signs a JSON payload into a compact token with the header `alg`, `kid`, `typ`.
///
/// # Errors
/// [`JoseError::Signing`] if the crypto library fails.
pub fn sign_compact(
    key: &SigningKey,
    typ: &str,
    payload_json: &[u8],
) -> Result<SecretString, JoseError> {
    let made_now;
    let header = match typ {
        "JWT" => key.jwt_header(),
        other => {
            made_now = encoded_header(key, other);
            &made_now
        }
    };
    let signed = header.len() + 1 + encoding::encoded_len(payload_json.len());
    // Exact, so that turning it into a secret neither copies nor leaves a copy.
    let whole = signed + 1 + encoding::encoded_len(key.signature_len());
    let mut token = String::with_capacity(whole);
    token.push_str(header);
    token.push('.');
    encoding::encode_into(payload_json, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    encoding::encode_into(&signature, &mut token);
    Ok(SecretString::from(token))
}

pub(crate) fn encoded_header(key: &SigningKey, typ: &str) -> String {
    header(key.algorithm(), key.kid(), typ)
}

fn header(algorithm: Algorithm, kid: &str, typ: &str) -> String {
    let (kid, typ) = (Value::from(kid), Value::from(typ));
    let json = format!(r#"{{"alg":"{algorithm}","kid":{kid},"typ":{typ}}}"#);
    encoding::encode(json.as_bytes())
}
