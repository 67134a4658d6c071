//! PEM (RFC 7468) of private keys, both ways.

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use zeroize::Zeroizing;

use crate::error::shown;
use crate::{JoseError, encoding};

/// The forms in which a private key comes.
pub(crate) enum PrivateKeyPem {
    /// `PRIVATE KEY`: PKCS#8, any kind.
    Pkcs8(SecretSlice<u8>),
    /// `RSA PRIVATE KEY`: PKCS#1.
    Rsa(SecretSlice<u8>),
    /// `EC PRIVATE KEY`: RFC 5915.
    Ec(SecretSlice<u8>),
}

/// Takes the first private key out of a PEM text; an `EC PARAMETERS` block before it is passed over.
///
/// # Errors
/// `Pem`, `PemLabel` or `PrivateKeyEncrypted`.
pub(crate) fn read(text: &str) -> Result<PrivateKeyPem, JoseError> {
    let mut rest = text;
    loop {
        let (label, body, after) = next_block(rest)?;
        rest = after;
        match label {
            "EC PARAMETERS" => {}
            "PRIVATE KEY" => return Ok(PrivateKeyPem::Pkcs8(decoded(body)?)),
            "RSA PRIVATE KEY" => return Ok(PrivateKeyPem::Rsa(decoded(body)?)),
            "EC PRIVATE KEY" => return Ok(PrivateKeyPem::Ec(decoded(body)?)),
            "ENCRYPTED PRIVATE KEY" => return Err(JoseError::PrivateKeyEncrypted),
            other => {
                return Err(JoseError::PemLabel {
                    label: shown(other),
                });
            }
        }
    }
}

/// Writes PKCS#8 bytes as a `PRIVATE KEY` block, lines of 64 characters, newline at the end.
pub(crate) fn write(pkcs8: &SecretSlice<u8>) -> SecretString {
    let body = Zeroizing::new(encoding::encode_standard(pkcs8.expose_secret()));
    // Exact, so that no half-written copy is left behind by a reallocation.
    let lines = body.len().div_ceil(LINE);
    let mut text = String::with_capacity(BEGIN.len() + END.len() + 18 + body.len() + lines);
    text.push_str(BEGIN);
    text.push_str("PRIVATE KEY-----\n");
    let mut left = body.as_str();
    while !left.is_empty() {
        let (line, after) = left.split_at(left.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        left = after;
    }
    text.push_str(END);
    text.push_str("PRIVATE KEY-----\n");
    SecretString::from(text)
}

fn next_block(text: &str) -> Result<(&str, &str, &str), JoseError> {
    let why = |why| JoseError::Pem { why };
    let (_, after) = text
        .split_once(BEGIN)
        .ok_or(why("there is no `-----BEGIN` line of a private key"))?;
    let (label, after) = after
        .split_once("-----")
        .ok_or(why("the `-----BEGIN` line does not end in `-----`"))?;
    let (body, after) = after.split_once(END).ok_or(why(
        "the `-----END` line is missing; the file may be truncated",
    ))?;
    let after = after
        .strip_prefix(label)
        .and_then(|after| after.strip_prefix("-----"))
        .ok_or(why(
            "the `-----END` line does not match the `-----BEGIN` line",
        ))?;
    Ok((label, body, after))
}

fn decoded(body: &str) -> Result<SecretSlice<u8>, JoseError> {
    if body.contains("Proc-Type:") && body.contains("ENCRYPTED") {
        return Err(JoseError::PrivateKeyEncrypted);
    }
    let mut packed = Zeroizing::new(String::with_capacity(body.len()));
    packed.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    encoding::decode_standard(&packed)
        .map(SecretSlice::from)
        .ok_or(JoseError::Pem {
            why: "what stands between the lines is not base64",
        })
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const LINE: usize = 64;
