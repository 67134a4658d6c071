//! What a request relies on (RFC 9110 §13.1). Pure.

use http::{HeaderMap, HeaderName, header};

use crate::refused::Refused;

/// What must be there for the request to be carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expects {
    /// `If-Match`: one of these versions; `Some([])` is `*`, anything at all.
    versions: Option<Vec<i64>>,
    /// `If-None-Match: *`: nothing.
    absent: bool,
}

impl Expects {
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Refused> {
        let odd = |name: &HeaderName| {
            Refused::malformed(format!(
                "`{name}` has to be an ETag as this API gives them, such as \"3\""
            ))
        };
        let text = |name: &HeaderName| match headers.get(name) {
            None => Ok(None),
            Some(value) => value.to_str().map(Some).map_err(|_| odd(name)),
        };
        let versions = match text(&header::IF_MATCH)? {
            None => None,
            Some("*") => Some(Vec::new()),
            Some(list) => {
                let versions = list.split(',').map(|etag| {
                    let etag = etag.trim().strip_prefix('"')?.strip_suffix('"')?;
                    etag.parse().ok()
                });
                let versions: Option<Vec<i64>> = versions.collect();
                Some(versions.ok_or_else(|| odd(&header::IF_MATCH))?)
            }
        };
        let absent = match text(&header::IF_NONE_MATCH)? {
            None => false,
            Some("*") => true,
            Some(_) => {
                return Err(Refused::malformed(
                    "with `If-None-Match` only `*` makes sense on a change: nothing may be there",
                ));
            }
        };
        Ok(Self { versions, absent })
    }

    /// Whether what is there, at that version, is as the asker relies on.
    pub(crate) fn check(&self, what: &str, there: Option<i64>) -> Result<(), Refused> {
        match (there, &self.versions) {
            (Some(_), _) if self.absent => {
                Err(Refused::precondition(format!("{what} is there already")))
            }
            (None, Some(_)) => Err(Refused::precondition(format!("there is no {what}"))),
            (Some(version), Some(versions))
                if !versions.is_empty() && !versions.contains(&version) =>
            {
                Err(Refused::precondition(format!(
                    "{what} was changed meanwhile: it is at version {version}"
                )))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn expects(name: HeaderName, value: &'static str) -> Result<Expects, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(name, http::HeaderValue::from_static(value));
        Expects::read(&headers)
    }

    #[test]
    fn a_version_must_be_the_one_that_was_read() {
        let third = expects(header::IF_MATCH, "\"2\", \"3\"").unwrap();
        third.check("it", Some(3)).unwrap();
        assert_eq!(
            third.check("it", Some(4)).unwrap_err().to_string(),
            "it was changed meanwhile: it is at version 4"
        );
        assert_eq!(third.check("it", None).unwrap_err().problem().status, 412);
    }

    #[test]
    fn anything_and_nothing() {
        let anything = expects(header::IF_MATCH, "*").unwrap();
        anything.check("it", Some(7)).unwrap();
        assert!(anything.check("it", None).is_err());
        let nothing = expects(header::IF_NONE_MATCH, "*").unwrap();
        nothing.check("it", None).unwrap();
        assert!(nothing.check("it", Some(1)).is_err());
        Expects::default().check("it", Some(1)).unwrap();
        Expects::default().check("it", None).unwrap();
    }

    #[test]
    fn what_is_no_etag_of_ours_is_told() {
        for value in ["3", "W/\"3\"", "\"a\"", "\"3"] {
            assert_eq!(
                expects(header::IF_MATCH, value)
                    .unwrap_err()
                    .problem()
                    .status,
                400,
                "{value}"
            );
        }
    }
}
