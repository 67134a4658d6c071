//! What a token's file says, without the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

/// A token's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenFacts {
    /// Bytes of the file.
    pub length: usize,
    /// Whether something that is no token stands before or after it: blanks or line ends.
    pub padded: bool,
    /// Whether it begins with a byte order mark.
    pub marked: bool,
    /// Whether it is a JWT (RFC 7519), of three parts with claims that can be read.
    pub is_jwt: bool,
    /// The `iss` claim.
    pub issuer: Option<String>,
    /// The `sub` claim.
    pub subject: Option<String>,
    /// The `aud` claim, all of it.
    pub audience: Vec<String>,
    /// The `exp` claim.
    pub expires: Option<Timestamp>,
    /// The later one of the `nbf` and `iat` claims.
    pub begins: Option<Timestamp>,
}

impl TokenFacts {
    /// Looks into a file's bytes. Nothing of the token but its public claims is kept.
    pub fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let unmarked = text.trim_start_matches('\u{feff}');
        let token = unmarked.trim();
        let mut facts = Self {
            length: bytes.len(),
            padded: token.len() != unmarked.len(),
            marked: unmarked.len() != text.len(),
            ..Self::default()
        };
        let parts: Vec<&str> = token.split('.').collect();
        let &[_, claims, _] = parts.as_slice() else {
            return facts;
        };
        let claims = URL_SAFE_NO_PAD.decode(claims).ok();
        let claims = claims.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        let Some(Value::Object(claims)) = claims else {
            return facts;
        };
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let time = |name: &str| {
            let seconds = claims.get(name).and_then(Value::as_f64)?;
            Timestamp::from_second(seconds as i64).ok()
        };
        facts.is_jwt = true;
        facts.issuer = text("iss");
        facts.subject = text("sub");
        facts.audience = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        facts.expires = time("exp");
        facts.begins = time("nbf").max(time("iat"));
        facts
    }
}
