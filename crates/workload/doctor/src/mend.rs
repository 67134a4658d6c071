//! What may be mended without asking: nothing here can lose what somebody wrote.

use serde::Serialize;

/// One change of the machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Mend {
    /// Let nobody else read a file: mode 0600.
    Close {
        /// The file.
        path: String,
    },
    /// Take blanks, line ends and a byte order mark from around a token.
    Trim {
        /// The token's file.
        path: String,
    },
    /// Call a section of `~/.aws/config` a profile.
    Header {
        /// The file.
        path: String,
        /// The section, as it stands between the brackets.
        section: String,
    },
    /// Remove a file of a session that has ended.
    Remove {
        /// The file.
        path: String,
    },
}

impl Mend {
    /// What it does, as a person reads it.
    pub fn told(&self) -> String {
        match self {
            Self::Close { path } => format!("{path}: only its owner may read it (0600)"),
            Self::Trim { path } => format!("{path}: nothing but the token in it"),
            Self::Header { path, section } => {
                format!("{path}: `[{section}]` becomes `[profile {section}]`")
            }
            Self::Remove { path } => format!("{path}: removed, the session in it has ended"),
        }
    }
}

/// The file's bytes with `[section]` called `[profile section]`, everything else as it was; `None`
/// where there is no such section, or that profile is there already.
pub fn with_profile_header(bytes: &[u8], section: &str) -> Option<Vec<u8>> {
    let wanted = format!("profile {section}");
    let header = |line: &[u8]| {
        let line = std::str::from_utf8(line).ok()?;
        let inner = line.trim().strip_prefix('[')?.split_once(']')?.0;
        Some(inner.trim().to_owned())
    };
    let lines = || bytes.split_inclusive(|byte| *byte == b'\n');
    if lines().any(|line| header(line).as_deref() == Some(wanted.as_str())) {
        return None;
    }
    let mut changed = false;
    let mut after = Vec::with_capacity(bytes.len() + wanted.len());
    for line in lines() {
        if !changed && header(line).as_deref() == Some(section) {
            let at = line.iter().position(|byte| *byte == b'[').unwrap_or(0) + 1;
            after.extend_from_slice(&line[..at]);
            after.extend_from_slice(b"profile ");
            after.extend_from_slice(line[at..].trim_ascii_start());
            changed = true;
        } else {
            after.extend_from_slice(line);
        }
    }
    changed.then_some(after)
}
