//! Named profiles in a user's `~/.aws/config`: one block between two comments is ours, and every
//! byte outside of it stays as it is.
//!
//! What the file means is read as botocore reads it, and more cautiously where SDKs differ: a
//! section that any of them might take for a profile is somebody's profile.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

mod block;
pub(crate) mod file;
mod sections;

use std::path::Path;

use rolecall_names::Region;

use crate::format::quoting;
use crate::{DeliverError, ProfileName};
use block::Parts;

/// One profile whose credentials a program fetches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    name: ProfileName,
    credential_process: String,
    region: Option<Region>,
}

impl Profile {
    /// A profile that runs `program credentials CONNECTION --config CONFIG --format process`. Both
    /// paths are absolute: an SDK runs it from anywhere.
    ///
    /// # Errors
    /// [`DeliverError::ProfileCommand`] for what cannot stand in a line of AWS's files, or what
    /// would be taken for an option.
    pub fn new(
        name: ProfileName,
        program: &Path,
        connection: &str,
        config: &Path,
        region: Option<Region>,
    ) -> Result<Self, DeliverError> {
        let path = |path: &Path| match path.to_str() {
            Some(text) if path.is_absolute() => word(text),
            _ => Err(DeliverError::ProfileCommand {
                given: path.display().to_string(),
            }),
        };
        let connection = match connection.strip_prefix('-') {
            Some(_) => Err(DeliverError::ProfileCommand {
                given: connection.to_owned(),
            }),
            None => word(connection),
        };
        Ok(Self {
            credential_process: format!(
                "{} credentials {} --config {} --format process",
                path(program)?,
                connection?,
                path(config)?
            ),
            name,
            region,
        })
    }

    /// The profile's name.
    pub fn name(&self) -> &ProfileName {
        &self.name
    }

    /// `[default]` is the one section that SDKs find without the word `profile`.
    fn section(&self, end: &str) -> String {
        let mut text = match self.name.as_str() {
            "default" => format!("[default]{end}"),
            name => format!("[profile {name}]{end}"),
        };
        text.push_str(&format!(
            "credential_process = {}{end}",
            self.credential_process
        ));
        if let Some(region) = &self.region {
            text.push_str(&format!("region = {region}{end}"));
        }
        text
    }
}

/// A file with these profiles in its block and no others; all else as it was. Without any profile
/// there is no block.
///
/// # Errors
/// [`DeliverError::ProfileTaken`] where the user wrote a profile of that name,
/// [`DeliverError::ProfileMarkers`] where the comments around the block are not a pair, and
/// [`DeliverError::LooseSetting`] for a setting behind the block that would belong to another
/// section.
pub fn written(before: &[u8], profiles: &[Profile]) -> Result<Vec<u8>, DeliverError> {
    let parts = Parts::split(before)?;
    for profile in profiles {
        if let Some(line) = parts.line_of_profile(profile.name()) {
            return Err(DeliverError::ProfileTaken {
                name: profile.name().to_string(),
                line,
            });
        }
    }
    Ok(parts.with_block(profiles))
}

/// A file without our block, as it was before there was one.
///
/// # Errors
/// As [`written`], but for names.
pub fn removed(before: &[u8]) -> Result<Vec<u8>, DeliverError> {
    Ok(Parts::split(before)?.with_block(&[]))
}

/// The line, from 1, at which a file of credentials has a section of that name: its keys would win
/// over a profile's `credential_process`.
pub fn line_of_credentials(credentials: &[u8], name: &ProfileName) -> Option<usize> {
    sections::line_of(credentials, |header| header == name.as_str())
}

/// A file's text for a diff: the values of settings that may be secret are not in it.
pub fn without_secrets(file: &[u8]) -> String {
    let text = String::from_utf8_lossy(file);
    let lines = text.split_inclusive('\n').map(|line| {
        let name = line.split(['=', ':']).next().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        let is_setting = name.len() < line.len() && !lower.trim_start().starts_with('[');
        if is_setting && SECRET_WORDS.iter().any(|word| lower.contains(word)) {
            let end = &line[line.trim_end_matches(['\r', '\n']).len()..];
            format!("{}= (not shown){end}", name)
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

/// One word of a command that is split by shells and by Python's `shlex` alike. SDKs disagree on
/// comments behind a value.
fn word(text: &str) -> Result<String, DeliverError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./@:+%=,".contains(&byte);
    if text.chars().any(char::is_control) || text.contains(" #") || text.contains(" ;") {
        return Err(DeliverError::ProfileCommand {
            given: text.to_owned(),
        });
    }
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Ok(quoting::posix(text))
}

const SECRET_WORDS: [&str; 4] = ["secret", "token", "password", "private"];
