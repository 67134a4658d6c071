//! Tokens, key sets and subject formats, as strangers send them.

use rolecall_jose::{Compact, JwkSet, VerifyingKey};
use rolecall_mint::{Attributes, SubjectFormat};
use rolecall_trust::shape::SubjectTemplate;

use crate::text;

/// A compact token (RFC 7515 section 7.1) before a newline, a key set (RFC 7517) after it.
pub(crate) fn token(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (token, keys) = text.split_once('\n').unwrap_or((text, ""));
    let keys = JwkSet::parse(keys.as_bytes());
    if let Ok(token) = Compact::parse(token) {
        let _ = token.claims();
        if let Ok(keys) = &keys
            && let Ok(key) = keys.signing_key(token.header().kid())
            && let Ok(key) = VerifyingKey::from_jwk(key)
        {
            // Only a signature by the key's owner passes, and no seed holds one with its key.
            let _ = token.verify(&key);
        }
    }
}

/// A subject format: what it renders can be read back, and the trust engine reads the same format.
pub(crate) fn format(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (format, value) = text.split_once('\n').unwrap_or((text, "a:b"));
    if let Ok(format) = SubjectFormat::parse(format) {
        let names: Vec<String> = format.placeholders().map(str::to_owned).collect();
        let attributes =
            Attributes::from_iter(names.iter().map(|name| (name.clone(), value.to_owned())));
        if let Ok(subject) = format.render(&attributes) {
            assert!(subject.len() <= 2048);
            assert!(!subject.contains(['*', '?', '\n', ' ']));
        }
    }
    if let Ok(template) = SubjectTemplate::parse(format) {
        let _ = template.values(value);
    }
}
