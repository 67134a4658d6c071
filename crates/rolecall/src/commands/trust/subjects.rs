//! Lists of subjects: a line each, as text or as claims.

use std::path::Path;

use rolecall_trust::WebIdentity;
use serde_json::{Map, Value};

use super::reading;
use crate::failure::{Exit, Failure};

/// A line of a list.
pub enum Line {
    /// A subject and, where they are given, its audience and provider.
    Text {
        /// `sub`
        subject: String,
        /// `aud`
        audience: Option<String>,
        /// An ARN or URL.
        provider: Option<String>,
    },
    /// A token's claims.
    Claims(Map<String, Value>),
}

/// Reads a list; empty lines are passed over.
///
/// # Errors
/// `Local` for what cannot be read, `Usage` for a line that is no subject.
pub fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let source = reading::read(path)?;
    let mut lines = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() {
            continue;
        }
        if line.trim_start().starts_with('{') {
            let claims = serde_json::from_str(line).map_err(|error| {
                let column = error.column();
                let what = format!(
                    "{}:{}:{column}: not a JSON object of claims: {error}",
                    source.name,
                    number + 1
                );
                Failure::new(Exit::Usage, what)
                    .hint("A line is a subject as text, or a token's claims as one JSON object")
            })?;
            lines.push(Line::Claims(claims));
            continue;
        }
        let mut fields = line.split('\t');
        let subject = fields.next().unwrap_or_default().to_owned();
        let mut field = || {
            fields
                .next()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let (audience, provider) = (field(), field());
        lines.push(Line::Text {
            subject,
            audience,
            provider,
        });
    }
    if lines.is_empty() {
        let what = format!("there are no subjects in `{}`", source.name);
        return Err(Failure::new(Exit::Usage, what).hint("Write one subject a line"));
    }
    Ok(lines)
}

impl Line {
    /// The subject.
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::Text { subject, .. } => Some(subject.clone()),
            Self::Claims(claims) => match claims.get("sub")? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            },
        }
    }

    /// The provider that the line names: an ARN or a URL.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Text { provider, .. } => provider.as_deref(),
            Self::Claims(claims) => claims.get("iss").and_then(Value::as_str),
        }
    }

    /// The token as a trust policy sees it, through the provider of that name.
    ///
    /// # Errors
    /// What STS would refuse, in words.
    pub fn identity(&self, provider: &str, default_audience: &str) -> Result<WebIdentity, String> {
        match self {
            Self::Text {
                subject, audience, ..
            } => {
                let audience = audience.as_deref().unwrap_or(default_audience);
                Ok(WebIdentity::plain(provider, audience, subject))
            }
            Self::Claims(claims) if claims.contains_key("aud") => {
                WebIdentity::read(provider, claims).map_err(|error| error.to_string())
            }
            Self::Claims(claims) => {
                let mut claims = claims.clone();
                claims.insert("aud".to_owned(), Value::from(default_audience));
                WebIdentity::read(provider, &claims).map_err(|error| error.to_string())
            }
        }
    }
}
