//! The payload of a token.

use crate::{Attributes, IssuerUrl, MintError, TokenConfig};

/// The claims of one token, as the JSON text that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    json: Vec<u8>,
    subject: String,
    issued_at: i64,
    expires_at: i64,
}

impl Claims {
    /// The payload: hand it to the signer as it is.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The `sub` claim.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The `iat` claim, seconds since the epoch.
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.issued_at
    }

    /// The `exp` claim, seconds since the epoch.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// The payload, without a copy.
    #[must_use]
    pub fn into_json(self) -> Vec<u8> {
        self.json
    }
}

/// What is asked for, beside the config and the workload.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The time, in seconds since the epoch; becomes `iat`.
    pub now: i64,
    /// Unique in the issuer; becomes `jti`.
    pub jti: &'a str,
    /// The role that the token is wanted for, of the config's roles: narrows the roles claim.
    pub role: Option<&'a str>,
    /// How long the token is to live, in seconds; the config's own lifetime otherwise.
    pub lifetime: Option<u32>,
}

/// Makes the claims of a token that lives as long as the config says: see [`mint_asked`].
///
/// # Errors
/// As [`mint_asked`].
pub fn mint(
    config: &TokenConfig,
    attributes: &Attributes,
    issuer: &IssuerUrl,
    now: i64,
    jti: &str,
    role: Option<&str>,
) -> Result<Claims, MintError> {
    let asked = Asked {
        now,
        jti,
        role,
        lifetime: None,
    };
    mint_asked(config, attributes, issuer, asked)
}

/// Makes the claims `iss sub aud exp iat nbf jti` (RFC 7519 §4.1), then the custom and AWS claims.
///
/// About 1 µs; the text is written straight into one buffer.
///
/// # Errors
/// What the asker or the workload's attributes got wrong: see [`MintError::fault`].
pub fn mint_asked(
    config: &TokenConfig,
    attributes: &Attributes,
    issuer: &IssuerUrl,
    asked: Asked<'_>,
) -> Result<Claims, MintError> {
    let Asked { now, jti, role, .. } = asked;
    let lifetime = config.lifetime_for(asked.lifetime)?;
    let subject = config.subject().render(attributes)?;
    let expires_at = now.saturating_add(i64::from(lifetime));

    let mut json = Vec::with_capacity(USUAL_LENGTH);
    json.extend_from_slice(br#"{"iss":"#);
    push_json_text(issuer.as_str(), &mut json);
    json.extend_from_slice(br#","sub":"#);
    push_json_text(&subject, &mut json);
    json.extend_from_slice(br#","aud":"#);
    json.extend_from_slice(config.audience_json());
    json.extend_from_slice(br#","exp":"#);
    push_number(expires_at, &mut json);
    json.extend_from_slice(br#","iat":"#);
    push_number(now, &mut json);
    json.extend_from_slice(br#","nbf":"#);
    push_number(
        now.saturating_sub(i64::from(config.backdate_seconds())),
        &mut json,
    );
    json.extend_from_slice(br#","jti":"#);
    push_json_text(jti, &mut json);
    config.claims().push(attributes, &mut json)?;
    config
        .aws()
        .push(config.name(), attributes, role, &mut json)?;
    json.push(b'}');

    if json.len() > LONGEST_PAYLOAD {
        return Err(MintError::TooLong {
            length: json.len(),
            limit: LONGEST_PAYLOAD,
        });
    }
    Ok(Claims {
        json,
        subject,
        issued_at: now,
        expires_at,
    })
}

/// Appends a JSON string (RFC 8259 §7).
pub(crate) fn push_json_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 0xf)]);
            }
        }
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

fn push_number(number: i64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // invariant: writing into a vector cannot fail.
    let _ = write!(out, "{number}");
}

/// Bytes of a payload, at most: AWS takes tokens of 20 000 characters. Base64 adds a third; header and an RSA-4096 signature
/// need about 900 characters.
pub const LONGEST_PAYLOAD: usize = 14_000;
const USUAL_LENGTH: usize = 512;
const HEX: &[u8; 16] = b"0123456789abcdef";
