//! The claims of a web-identity token, read and judged as STS does. Pure: the signature is another
//! module's.

use rolecall_jose::{Algorithm, Compact};
use serde_json::{Map, Value};

use crate::wire::{Fault, catalogue};

/// The claims that STS looks at.
#[derive(Debug, Clone)]
pub(crate) struct Claims {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// All audiences as sent.
    pub(crate) audiences: Vec<String>,
    pub(crate) authorized_party: Option<String>,
    pub(crate) amr: Vec<String>,
    pub(crate) all: Map<String, Value>,
}

/// Times as they stand in a token, in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) expires: i64,
    pub(crate) issued: i64,
    pub(crate) not_before: Option<i64>,
}

/// Takes a token apart: three parts, an accepted algorithm, a JSON object.
pub(crate) fn open(token: &str) -> Result<(Compact<'_>, Algorithm), Fault> {
    let refused = |why: String| {
        let why = if token.ends_with(['\n', '\r']) {
            format!("{why}; it ends in a line break, so write token files without one")
        } else {
            why
        };
        Fault::new(&catalogue::NOT_A_JWT).noted(why)
    };
    let compact = Compact::parse(token).map_err(|error| refused(error.to_string()))?;
    let algorithm = compact
        .header()
        .algorithm()
        .map_err(|error| refused(error.to_string()))?;
    if !compact.header().crit().is_empty() {
        return Err(refused("the header demands extensions (`crit`)".to_owned()));
    }
    Ok((compact, algorithm))
}

impl Claims {
    /// Reads the claims; those that must be there are asked for in STS's order.
    pub(crate) fn read(compact: &Compact<'_>) -> Result<Self, Fault> {
        let all = compact
            .claims()
            .map_err(|error| Fault::new(&catalogue::NOT_A_JWT).noted(error.to_string()))?;
        for claim in ["iss", "sub", "aud", "iat", "exp"] {
            if !all.contains_key(claim) {
                return Err(Fault::new(&catalogue::MISSING_CLAIM).with("claim", claim));
            }
        }
        let subject = match &all["sub"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null => return Err(Fault::new(&catalogue::NULL_SUBJECT)),
            _ => {
                return Err(Fault::new(&catalogue::NOT_A_JWT)
                    .noted("the claim `sub` is neither text nor a number"));
            }
        };
        let Value::String(issuer) = &all["iss"] else {
            return Err(Fault::new(&catalogue::NOT_A_JWT).noted("the claim `iss` is not text"));
        };
        let audiences = match &all["aud"] {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) if items.is_empty() => {
                return Err(Fault::new(&catalogue::EMPTY_CLAIM).with("claim", "aud"));
            }
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| {
                    Fault::new(&catalogue::NOT_A_JWT)
                        .noted("the claim `aud` holds something other than text")
                })?,
            _ => {
                return Err(Fault::new(&catalogue::NOT_A_JWT)
                    .noted("the claim `aud` is neither text nor an array"));
            }
        };
        let authorized_party = match all.get("azp") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                return Err(Fault::new(&catalogue::NOT_A_JWT).noted("the claim `azp` is not text"));
            }
        };
        let amr = match all.get("amr") {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        Ok(Self {
            issuer: issuer.clone(),
            subject,
            audiences,
            authorized_party,
            amr,
            all,
        })
    }

    /// The audience that counts: `azp` where there is one, else the only `aud`.
    pub(crate) fn effective_audience(&self) -> Result<&str, Fault> {
        match (&self.authorized_party, self.audiences.as_slice()) {
            (Some(party), _) => Ok(party),
            (None, [only]) => Ok(only),
            (None, _) => Err(Fault::new(&catalogue::SEVERAL_AUDIENCES)),
        }
    }

    /// `exp`, `iat` and `nbf`: whole numbers, or texts of whole numbers.
    pub(crate) fn times(&self) -> Result<Times, Fault> {
        let time = |claim: &str| -> Result<Option<i64>, Fault> {
            let wrong = || {
                Fault::new(&catalogue::INVALID_TIMESTAMP)
                    .noted(format!("the claim `{claim}` is not a whole number"))
            };
            match self.all.get(claim) {
                None => Ok(None),
                Some(Value::Number(number)) => number.as_i64().map(Some).ok_or_else(wrong),
                Some(Value::String(text)) => text.parse().map(Some).map_err(|_| wrong()),
                Some(_) => Err(wrong()),
            }
        };
        let required = |claim: &'static str| {
            time(claim)?.ok_or_else(|| Fault::new(&catalogue::MISSING_CLAIM).with("claim", claim))
        };
        Ok(Times {
            expires: required("exp")?,
            issued: required("iat")?,
            not_before: time("nbf")?,
        })
    }
}

impl Times {
    /// Judges the times at `now` with five minutes of leeway.
    pub(crate) fn judge(&self, now: i64) -> Result<(), Fault> {
        // The printed time is the shifted one, as AWS prints it.
        let earliest = now.saturating_sub(LEEWAY_SECONDS);
        let latest = now.saturating_add(LEEWAY_SECONDS);
        if earliest >= self.expires {
            return Err(Fault::new(&catalogue::TOKEN_EXPIRED)
                .with("now", earliest.to_string())
                .with("exp", self.expires.to_string()));
        }
        if self.issued > latest {
            return Err(
                Fault::new(&catalogue::ISSUED_IN_FUTURE).with("iat", self.issued.to_string())
            );
        }
        match self.not_before {
            Some(not_before) if not_before > latest => Err(Fault::new(&catalogue::NOT_YET_VALID)
                .with("now", latest.to_string())
                .with("nbf", not_before.to_string())),
            _ => Ok(()),
        }
    }
}

pub(crate) const LEEWAY_SECONDS: i64 = 300;

#[cfg(test)]
mod tests;
