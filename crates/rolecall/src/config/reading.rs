//! From a path to a checked document, and from a broken rule to a message at its line.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rolecall_ask::Connections;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::places::Places;
use crate::failure::{Exit, Failure};

/// The file as it is written. Rules that need more than one field are checked by the parts that
/// the fields are for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Where and how `rolecall serve` serves.
    #[serde(default)]
    pub server: Option<super::issuer::ServerSection>,
    /// Whose issuers are served.
    #[serde(default)]
    pub tenants: Vec<super::issuer::TenantSection>,
    /// Who asks, on the machine of a workload.
    #[serde(default)]
    pub workload: Option<super::workload::WorkloadSection>,
    /// What may be asked for.
    #[serde(default)]
    pub connections: Connections,
    /// Whom the agent of this machine serves.
    #[serde(default)]
    pub agent: Option<super::agent::AgentSection>,
}

/// A document that was read, with what is needed to point into it.
#[derive(Debug)]
pub struct Loaded {
    /// What it says.
    pub document: Document,
    path: PathBuf,
    text: String,
}

impl Loaded {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// `Configuration` where the file cannot be read, is not YAML, or has a field that is unknown,
    /// missing or of another kind.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let (document, text) = read_with_text(path).map_err(|failure| {
            if path.exists() {
                failure
            } else {
                failure.hint(
                    "Name the configuration file with --config FILE or ROLECALL_CONFIG; \
                     docs/configuration.md has a first one to copy",
                )
            }
        })?;
        Ok(Self {
            document,
            path: path.to_owned(),
            text,
        })
    }

    /// Reads a file that holds one section of a configuration file.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn section<T: DeserializeOwned>(path: &Path) -> Result<(Self, T), Failure> {
        let (section, text) = read_with_text(path)?;
        let loaded = Self {
            document: Document::default(),
            path: path.to_owned(),
            text,
        };
        Ok((loaded, section))
    }

    /// The failure of a rule that the field at `field` breaks, shown where it stands.
    pub fn broken(&self, field: &str, message: impl fmt::Display) -> Failure {
        match Places::read(&self.text).find(field) {
            Some(place) => located(&self.path, &self.text, place, message),
            None => Failure::new(
                Exit::Configuration,
                format_args!("{}: {message}", self.path.display()),
            ),
        }
        .note_field(field)
    }

    /// The failure of a rule that a part of the text at `field` breaks: shown at that part, where
    /// the text stands in the file as it is.
    pub fn broken_inside(
        &self,
        field: &str,
        text: &str,
        part: std::ops::Range<usize>,
        message: impl fmt::Display,
    ) -> Failure {
        let inside = Places::read(&self.text).find(field).and_then(|place| {
            let line = usize::try_from(place.0.checked_sub(1)?).ok()?;
            let before = usize::try_from(place.1.checked_sub(1)?).ok()?;
            let source: String = self.text.lines().nth(line)?.chars().skip(before).collect();
            let quotes = source
                .chars()
                .take_while(|c| matches!(c, '"' | '\''))
                .count()
                .min(1);
            source.get(quotes..)?.starts_with(text).then_some(())?;
            let offset = quotes + text.get(..part.start)?.chars().count();
            Some((place.0, place.1 + u64::try_from(offset).ok()?))
        });
        match inside {
            Some(place) if !text.is_empty() => {
                located(&self.path, &self.text, place, message).note_field(field)
            }
            _ => self.broken(field, message),
        }
    }

    /// A path in the file, which is meant from the file's own folder.
    pub fn resolve(&self, relative: &Path) -> PathBuf {
        self.path
            .parent()
            .map_or_else(|| relative.to_owned(), |folder| folder.join(relative))
            .components()
            .collect()
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads any YAML (or JSON) file of ours.
///
/// # Errors
/// `Configuration`, with file, line, column and what was expected.
pub fn read_yaml<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    read_with_text(path).map(|(document, _)| document)
}

fn read_with_text<T: DeserializeOwned>(path: &Path) -> Result<(T, String), Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = read.map_err(|error| {
        Failure::new(
            Exit::Configuration,
            format_args!("cannot read `{}`: {error}", path.display()),
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..valid];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        Failure::new(
            Exit::Configuration,
            format_args!("{}:{line}: the file is not UTF-8 text", path.display()),
        )
    })?;
    let document = serde_saphyr::from_str(&text).map_err(|error| malformed(path, &text, &error))?;
    Ok((document, text))
}

impl Failure {
    fn note_field(self, field: &str) -> Self {
        if field.is_empty() {
            self
        } else {
            self.note(format_args!("in `{field}`"))
        }
    }
}

fn malformed(path: &Path, text: &str, error: &serde_saphyr::Error) -> Failure {
    use serde_saphyr::Error;
    let plain = error.without_snippet();
    let (message, hint) = match plain {
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            format!("unknown field `{field}`, expected {}", one_of(expected)),
            rolecall_source::nearest(field, expected.iter().copied())
                .map(|word| format!("Did you mean `{word}`?")),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("unknown value `{variant}`, expected {}", one_of(expected)),
            rolecall_source::nearest(variant, expected.iter().copied())
                .map(|word| format!("Did you mean `{word}`?")),
        ),
        Error::SerdeMissingField { field, .. } => (format!("the field `{field}` is missing"), None),
        other => (first_line(&other.to_string()), None),
    };
    let failure = match plain.location().filter(|location| location.line() > 0) {
        Some(location) => located(path, text, (location.line(), location.column()), message),
        None => Failure::new(
            Exit::Configuration,
            format_args!("{}: {message}", path.display()),
        ),
    };
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// The message with the line it is about and a caret below the column.
fn located(path: &Path, text: &str, place: (u64, u64), message: impl fmt::Display) -> Failure {
    let (line, column) = place;
    let number = usize::try_from(line).unwrap_or(usize::MAX);
    let source = text
        .lines()
        .nth(number.saturating_sub(1))
        .unwrap_or_default();
    let before = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    // A tab counts as one column and is wider on the screen: keep it, so that the caret stands
    // right whatever its width.
    let gap: String = source
        .chars()
        .take(before)
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    Failure::new(
        Exit::Configuration,
        format_args!("{}:{line}:{column}: {message}", path.display()),
    )
    .note(format_args!("{line:>4} | {source}\n     | {gap}^"))
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => "none here".to_owned(),
        [only] => format!("`{only}`"),
        [rest @ .., last] => format!("`{}` or `{last}`", rest.join("`, `")),
    }
}

/// The parser adds the place and a picture of its own below its first line; ours are drawn by
/// [`located`].
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    // "... at line 3, column 5"
    let line = line.find(" at line ").map_or(line, |at| &line[..at]);
    match line {
        "expected mapping start" => "expected fields here, as in `name: value`".to_owned(),
        "expected sequence start" => "expected a list here, each item behind a `-`".to_owned(),
        other => other.to_owned(),
    }
}
