//! Two subject formats, and how a subject, or a pattern of subjects, goes from one to the other.

use std::collections::BTreeMap;

use crate::shape::{Part, SubjectTemplate, TemplateError};

/// A change of format that ships with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// The issuer that makes it, without its scheme.
    pub issuer: &'static str,
    /// The old format.
    pub from: &'static str,
    /// The new format.
    pub to: &'static str,
    /// What it is about.
    pub about: &'static str,
}

/// The changes that ship.
pub const PRESETS: &[Preset] = &[Preset {
    name: "github-immutable",
    issuer: "token.actions.githubusercontent.com",
    from: "repo:{owner}/{repository}:{context}",
    to: "repo:{owner}@{owner_id}/{repository}@{repository_id}:{context}",
    about: "GitHub's subjects with identifiers, sent by repositories created, renamed or moved since 2026-07-15",
}];

/// An old and a new format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatChange {
    from: SubjectTemplate,
    to: SubjectTemplate,
    issuer: Option<String>,
    /// Rows of values that belong together, by placeholder.
    map: Vec<BTreeMap<String, String>>,
}

/// Why two formats are no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// One of them is no format.
    #[error("`{format}` is no subject format: {source}")]
    Template {
        /// The format.
        format: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// A line of the map that says nothing.
    #[error("line {line} of the map: expected `name=value name=value …`, found `{found}`")]
    Map {
        /// The line, from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// A name in the map that neither format has.
    #[error("line {line} of the map: neither format has a placeholder `{name}`")]
    Name {
        /// The line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
}

impl FormatChange {
    /// A change between two formats. `map` has lines of `name=value` pairs that belong together,
    /// such as `owner=octo owner_id=65`; `issuer`, a URL with or without its scheme, limits it to
    /// one issuer's subjects.
    ///
    /// # Errors
    /// [`FormatError`] where a format or the map is not readable.
    pub fn new(from: &str, to: &str, issuer: Option<&str>, map: &str) -> Result<Self, FormatError> {
        let template = |format: &str| {
            SubjectTemplate::parse(format).map_err(|source| FormatError::Template {
                format: format.to_owned(),
                source,
            })
        };
        let (from, to) = (template(from)?, template(to)?);
        let mut rows = Vec::new();
        for (index, line) in map.lines().enumerate() {
            let line_number = index + 1;
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let mut row = BTreeMap::new();
            for pair in line.split_whitespace() {
                let Some((name, value)) = pair.split_once('=') else {
                    return Err(FormatError::Map {
                        line: line_number,
                        found: pair.to_owned(),
                    });
                };
                if !from
                    .placeholders()
                    .chain(to.placeholders())
                    .any(|known| known == name)
                {
                    return Err(FormatError::Name {
                        line: line_number,
                        name: name.to_owned(),
                    });
                }
                row.insert(name.to_owned(), value.to_owned());
            }
            rows.push(row);
        }
        Ok(Self {
            from,
            to,
            issuer: issuer.map(|url| url.strip_prefix("https://").unwrap_or(url).to_owned()),
            map: rows,
        })
    }

    /// Whether a condition key is one of the issuer that changes.
    pub(super) fn is_about(&self, key: &str) -> bool {
        self.issuer.as_ref().is_none_or(|issuer| {
            key.len() > issuer.len()
                && key
                    .get(..issuer.len())
                    .is_some_and(|prefix| prefix.eq_ignore_ascii_case(issuer))
                && key[issuer.len()..].starts_with(':')
        })
    }

    /// Whether a value is of the new form.
    pub(super) fn is_new(&self, value: &str) -> bool {
        apart(&self.to, value).is_some()
    }

    /// A value of the old form in the new one, or the placeholders that have no value. `None` where
    /// it is not of the old form.
    pub(super) fn renamed(&self, value: &str) -> Option<Result<String, Vec<String>>> {
        let old = apart(&self.from, value)?;
        let mut missing = Vec::new();
        let mut renamed = String::new();
        for part in self.to.parts() {
            match part {
                Part::Literal(literal) => renamed.push_str(literal),
                Part::Placeholder(name) => match self.value(name, &old) {
                    Some(value) => renamed.push_str(&value),
                    None => missing.push(format!("`{name}`")),
                },
            }
        }
        Some(match missing.is_empty() {
            true => Ok(renamed),
            false => Err(missing),
        })
    }

    /// The value of a placeholder: the subject's own, or the map's.
    fn value(&self, name: &str, old: &BTreeMap<String, String>) -> Option<String> {
        if let Some(value) = old.get(name) {
            return Some(value.clone());
        }
        let fits = |row: &&BTreeMap<String, String>| {
            row.contains_key(name)
                && row
                    .iter()
                    .all(|(known, value)| old.get(known).is_none_or(|own| own == value))
                && row.keys().any(|known| old.contains_key(known))
        };
        if let Some(row) = self.map.iter().find(fits) {
            return row.get(name).cloned();
        }
        // The identifier of what is open is open as well: `{owner_id}` belongs to `{owner}`.
        let belongs = name.strip_suffix("_id").and_then(|base| old.get(base));
        belongs
            .filter(|value| *value == "*")
            .map(|_| "*".to_owned())
    }
}

/// The values of a subject, or of a pattern: a `*` that stands where a value and all behind it would
/// is `*` for each. The last placeholder takes all that is left.
fn apart(template: &SubjectTemplate, text: &str) -> Option<BTreeMap<String, String>> {
    let parts = template.parts();
    let (mut values, mut rest) = (BTreeMap::new(), text);
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(literal) => match rest.strip_prefix(literal.as_str()) {
                Some(behind) => rest = behind,
                None if rest.is_empty()
                    && values.values().last().is_some_and(|last| last == "*") => {}
                None => return None,
            },
            Part::Placeholder(name) => {
                let open = rest == "*"
                    || rest.is_empty() && index > 0 && values.values().any(|one| one == "*");
                let end = match parts.get(index + 1) {
                    _ if open => rest.len(),
                    Some(Part::Literal(next)) => {
                        let stop = next.chars().next()?;
                        let end = rest.find([stop, ':', '/'])?;
                        rest[end..].starts_with(next.as_str()).then_some(end)?
                    }
                    _ => rest.len(),
                };
                let value = &rest[..end];
                if value.is_empty() && !open {
                    return None;
                }
                let value = if open { "*" } else { value };
                values.insert(name.clone(), value.to_owned());
                rest = &rest[end..];
            }
        }
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn subjects_and_patterns_are_renamed() {
        let preset = PRESETS[0];
        let map =
            "owner=octo owner_id=65\nowner=octo repository=app repository_id=4242 # the shop\n";
        let change = FormatChange::new(preset.from, preset.to, Some(preset.issuer), map).unwrap();
        let renamed = |value: &str| change.renamed(value);
        assert_eq!(
            renamed("repo:octo/app:ref:refs/heads/main"),
            Some(Ok("repo:octo@65/app@4242:ref:refs/heads/main".to_owned()))
        );
        assert_eq!(
            renamed("repo:octo/app:*"),
            Some(Ok("repo:octo@65/app@4242:*".to_owned()))
        );
        assert_eq!(
            renamed("repo:octo/*"),
            Some(Ok("repo:octo@65/*@*:*".to_owned()))
        );
        assert_eq!(
            renamed("repo:octo/other:*"),
            Some(Err(vec!["`repository_id`".to_owned()]))
        );
        assert_eq!(
            renamed("repo:else/app:*"),
            Some(Err(vec![
                "`owner_id`".to_owned(),
                "`repository_id`".to_owned()
            ]))
        );
        assert_eq!(renamed("organization:octo"), None);
        assert!(change.is_new("repo:octo@65/app@4242:*"));
        assert!(!change.is_new("repo:octo/app:*"));
        assert!(change.is_about("token.actions.githubusercontent.com:sub"));
        assert!(!change.is_about("token.actions.githubusercontent.com.evil:sub"));
    }

    #[test]
    fn maps_that_say_nothing_are_refused() {
        let error = |map: &str| {
            FormatChange::new("a:{b}", "a:{c}", None, map)
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(error("b"), @"line 1 of the map: expected `name=value name=value …`, found `b`");
        insta::assert_snapshot!(error("\nx=1"), @"line 2 of the map: neither format has a placeholder `x`");
    }
}
