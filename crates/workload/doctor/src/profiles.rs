//! Profiles, as both files together make them.

use std::collections::BTreeMap;

use crate::aws_file::{AwsFile, Section, Setting};
use crate::machine::Machine;

/// All profiles by name.
#[derive(Debug, Default)]
pub(crate) struct Profiles<'m> {
    by_name: BTreeMap<String, Profile<'m>>,
    machine: Option<&'m Machine>,
}

/// A profile's sections in either file.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Profile<'m> {
    pub(crate) config: Option<&'m Section>,
    pub(crate) credentials: Option<&'m Section>,
}

impl<'m> Profiles<'m> {
    pub(crate) fn of(machine: &'m Machine) -> Self {
        let mut by_name: BTreeMap<String, Profile<'m>> = BTreeMap::new();
        for section in &machine.config.file.sections {
            if let Some(name) = name_in_config(&section.header) {
                by_name.entry(name).or_default().config = Some(section);
            }
        }
        for section in &machine.credentials.file.sections {
            let profile = by_name.entry(section.header.clone()).or_default();
            profile.credentials = Some(section);
        }
        Self {
            by_name,
            machine: Some(machine),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Profile<'m>> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Profile<'m>)> {
        self.by_name
            .iter()
            .map(|(name, profile)| (name.as_str(), profile))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The names on the way from a profile back to one that was met before; nothing where it ends.
    /// A profile with keys may begin with itself.
    pub(crate) fn cycle(&self, name: &str) -> Vec<String> {
        let mut met = vec![name.to_owned()];
        while let Some(profile) = met.last().and_then(|name| self.get(name)) {
            let Some(source) = profile.value("source_profile") else {
                break;
            };
            if profile.value("role_arn").is_none() {
                break;
            }
            let itself = met.last().is_some_and(|name| name == source);
            if itself && profile.value("aws_access_key_id").is_some() {
                break;
            }
            let again = met.iter().any(|one| one == source);
            met.push(source.to_owned());
            if again {
                return met;
            }
        }
        Vec::new()
    }

    /// Where a setting of a profile stands: `file:line`.
    pub(crate) fn place(&self, profile: &Profile<'m>, name: &str) -> Option<String> {
        let machine = self.machine?;
        let in_credentials = setting(profile.credentials, name);
        if let Some(found) = in_credentials {
            return Some(format!("{}:{}", machine.credentials.path, found.line));
        }
        let found = setting(profile.config, name)?;
        Some(format!("{}:{}", machine.config.path, found.line))
    }
}

impl<'m> Profile<'m> {
    /// A setting's value, of the credentials file before the configuration's.
    pub(crate) fn value(&self, name: &str) -> Option<&'m str> {
        let found = setting(self.credentials, name).or_else(|| setting(self.config, name))?;
        (!found.value.is_empty()).then_some(found.value.as_str())
    }

    /// Whether anything is said for single sign-on.
    pub(crate) fn signs_on(&self) -> bool {
        self.value("sso_start_url").is_some() || self.value("sso_session").is_some()
    }

    /// Whether the profile takes on a role with credentials of another source.
    pub(crate) fn assumes(&self) -> bool {
        self.value("role_arn").is_some() && self.value("web_identity_token_file").is_none()
    }
}

/// A setting of one section.
pub(crate) fn setting<'m>(section: Option<&'m Section>, name: &str) -> Option<&'m Setting> {
    section?
        .settings
        .iter()
        .rev()
        .find(|setting| setting.name == name)
}

/// Which profile a section of `~/.aws/config` is.
pub(crate) fn name_in_config(header: &str) -> Option<String> {
    if header == "default" {
        return Some(header.to_owned());
    }
    let rest = header.strip_prefix("profile")?;
    if !rest.starts_with([' ', '\t']) {
        return None;
    }
    let name = rest.trim().trim_matches(['"', '\'']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Sections of `~/.aws/config` that are no profile and were probably meant to be one.
pub(crate) fn nearly_profiles(file: &AwsFile) -> impl Iterator<Item = &Section> {
    file.sections.iter().filter(|section| {
        let header = section.header.as_str();
        let other = ["sso-session", "services", "preview", "plugins", "plugin"];
        name_in_config(header).is_none()
            && !other
                .iter()
                .any(|word| header.split_whitespace().next() == Some(word))
            && section.settings.iter().any(|setting| {
                PROFILE_SETTINGS.contains(&setting.name.as_str())
                    || setting.name.starts_with("aws_")
                    || setting.name.starts_with("sso_")
            })
    })
}

const PROFILE_SETTINGS: [&str; 7] = [
    "region",
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "output",
];
