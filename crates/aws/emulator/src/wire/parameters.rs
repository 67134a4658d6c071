//! Parameters of the query protocol, out of a form body or a query string.

use std::collections::BTreeMap;

use super::{Fault, catalogue};

/// The decoded parameters of one request. `Debug` shows names only: values hold tokens.
#[derive(Clone, Default)]
pub(crate) struct Parameters {
    values: BTreeMap<String, String>,
}

impl std::fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_set()
            .entries(self.values.keys())
            .finish_non_exhaustive()
    }
}

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` text; the first of repeated names counts.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text) {
            values
                .entry(name.into_owned())
                .or_insert_with(|| value.into_owned());
        }
        Self { values }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// `name.member.N` in the order of N. `name=` alone is the empty list.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>, Fault> {
        Ok(self
            .structures(name)?
            .into_iter()
            .filter_map(|mut fields| fields.remove(""))
            .collect())
    }

    /// `name.member.N.field` in the order of N, each with its fields; a plain text has field ``.
    ///
    /// Indices begin with 1, `01` means 1, and at most 10 may be left out at a time.
    pub(crate) fn structures(&self, name: &str) -> Result<Vec<BTreeMap<String, String>>, Fault> {
        let prefix = format!("{name}.member.");
        let mut found: BTreeMap<u32, BTreeMap<String, String>> = BTreeMap::new();
        for (key, value) in self.values.range(prefix.clone()..) {
            let Some(rest) = key.strip_prefix(&prefix) else {
                break;
            };
            let (index, field) = rest.split_once('.').unwrap_or((rest, ""));
            let index = index
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| index.parse::<u32>().ok())
                .flatten()
                .filter(|&index| index > 0)
                .ok_or_else(|| malformed(format!("`{key}` is not a valid list index")))?;
            found
                .entry(index)
                .or_default()
                .insert(field.to_owned(), value.clone());
        }
        let mut previous = 0;
        for &index in found.keys() {
            if index - previous > MAX_STEP {
                return Err(malformed(format!(
                    "the indices of `{name}` leave out more than 10 from {previous} to {index}"
                )));
            }
            previous = index;
        }
        Ok(found.into_values().collect())
    }

    /// All parameters but those of the protocol, in the spelling of CloudTrail.
    pub(crate) fn for_record(&self) -> serde_json::Map<String, serde_json::Value> {
        self.values
            .iter()
            .filter(|(name, _)| {
                !matches!(name.as_str(), "Action" | "Version") && !name.starts_with("X-Amz-")
            })
            .map(|(name, value)| {
                let mut lower = name.clone();
                if let Some(first) = lower.get_mut(..1) {
                    first.make_ascii_lowercase();
                }
                (lower, value.as_str().into())
            })
            .collect()
    }

    /// A 32-bit integer: sign and leading zeros are taken, blanks, decimals and exponents not.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i32>, Fault> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse::<i32>()
                    .map_err(|_| malformed(format!("`{name}` is not a 32-bit integer")))
            })
            .transpose()
    }

    /// `true`, `false`, `1` or `0`.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Fault> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .map(|text| match text {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(malformed(format!("`{name}` is neither true nor false"))),
            })
            .transpose()
    }
}

fn malformed(message: String) -> Fault {
    Fault::new(&catalogue::MALFORMED_INPUT).with("message", message)
}

/// The largest distance between two indices of one list: ten may be missing.
const MAX_STEP: u32 = 11;
