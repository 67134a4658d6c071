//! `agent:`: whom the agent of this machine serves, and how.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use rolecall_agent::{
    AgentError, CallerText, Callers, EndpointForm, KeptFile, SocketSettings, Target, Wanted,
};
use rolecall_deliver::SecretFile;
use rolecall_names::RoleArn;
use serde::Deserialize;

use super::Loaded;
use crate::failure::Failure;

/// `agent:` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSection {
    /// The socket's path.
    #[serde(default)]
    socket: Option<PathBuf>,
    /// Its mode, octal digits.
    #[serde(default)]
    socket_mode: Option<Mode>,
    /// Its group's id.
    #[serde(default)]
    socket_group: Option<u32>,
    /// Who may ask.
    #[serde(default)]
    callers: Vec<CallerText>,
    /// The token config with which roles are reached that are asked for by their ARNs alone;
    /// whichever there is for AWS's audience if nothing is said.
    #[serde(default)]
    role_token_config: Option<String>,
    /// Token files that are kept fresh.
    #[serde(default)]
    token_files: Vec<TokenFileSection>,
    /// Endpoints of AWS's own forms.
    #[serde(default)]
    endpoints: Vec<EndpointSection>,
}

/// One of `token_files:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFileSection {
    token_config: String,
    path: PathBuf,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    owner: Option<u32>,
    #[serde(default)]
    group: Option<u32>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// One of `endpoints:`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointSection {
    listen: SocketAddr,
    #[serde(default)]
    connection: Option<String>,
    #[serde(default)]
    role: Option<RoleArn>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    form: Form,
    /// Of the form `container`: where its authorization token goes.
    #[serde(default)]
    authorization_file: Option<PathBuf>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    owner: Option<u32>,
    #[serde(default)]
    group: Option<u32>,
    /// Of the form `metadata`: the users whose processes are answered.
    #[serde(default)]
    users: BTreeSet<u32>,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// The container credentials endpoint.
    Container,
    /// Instance metadata, version 2.
    Metadata,
}

/// A file's mode as it is written: a text of octal digits, `"0640"`. A number would be read as a
/// decimal one by half of all YAML readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Mode(u32);

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("0o").unwrap_or(&text);
        match u32::from_str_radix(digits, 8) {
            Ok(mode) if digits.len() >= 3 && mode & !0o777 == 0 && mode & 0o007 == 0 => {
                Ok(Self(mode))
            }
            Ok(mode) if mode & 0o007 != 0 && mode <= 0o777 => Err(format!(
                "the mode `{text}` lets everybody on the machine in: give a group instead, such as \"0640\""
            )),
            _ => Err(format!(
                "`{text}` is no mode: write octal digits in quotes, such as \"0640\""
            )),
        }
    }
}

/// An agent as it is to run.
pub struct AgentSettings {
    /// Its socket.
    pub socket: SocketSettings,
    /// Who may ask.
    pub callers: Callers,
    /// For roles that are asked for by their ARNs alone.
    pub role_token_config: Option<String>,
    /// The files that it keeps.
    pub files: Vec<KeptFile>,
    /// The endpoints that it serves.
    pub endpoints: Vec<(SocketAddr, Wanted, EndpointForm)>,
}

impl Loaded {
    /// The agent that this file says runs here; without the section, one for its own user.
    ///
    /// # Errors
    /// `Configuration`.
    pub fn agent(&self, socket: Option<PathBuf>) -> Result<AgentSettings, Failure> {
        let none = AgentSection::default();
        let section = self.document.agent.as_ref().unwrap_or(&none);
        let own = rustix::process::geteuid().as_raw();
        let callers = Callers::read(&section.callers, own).map_err(|error| {
            let field = match &error {
                AgentError::Caller { index, field, .. } => {
                    format!("agent.callers[{index}].{field}")
                }
                _ => "agent.callers".to_owned(),
            };
            self.broken(&field, error)
        })?;
        for (index, caller) in section.callers.iter().enumerate() {
            for name in &caller.connections {
                self.known(&format!("agent.callers[{index}].connections"), name)?;
            }
        }
        let given = socket.or_else(|| section.socket.as_ref().map(|path| self.resolve(path)));
        let path = given.or_else(|| crate::agent_client::places().into_iter().next());
        let files = section.token_files.iter().map(|file| KeptFile {
            token_config: file.token_config.clone(),
            attributes: file.attributes.clone(),
            file: shared(self.resolve(&file.path), file.mode, file.owner, file.group),
        });
        let endpoints = section.endpoints.iter().enumerate();
        Ok(AgentSettings {
            socket: SocketSettings {
                path: path.unwrap_or_default(),
                mode: section.socket_mode.map_or(0o600, |mode| mode.0),
                group: section.socket_group,
            },
            callers,
            role_token_config: section.role_token_config.clone(),
            files: files.collect(),
            endpoints: endpoints
                .map(|(index, one)| self.endpoint(index, one))
                .collect::<Result<_, _>>()?,
        })
    }

    fn endpoint(
        &self,
        index: usize,
        section: &EndpointSection,
    ) -> Result<(SocketAddr, Wanted, EndpointForm), Failure> {
        let field = |name: &str| format!("agent.endpoints[{index}].{name}");
        let what = match (&section.connection, &section.role) {
            (Some(name), None) => {
                self.known(&field("connection"), name)?;
                Target::Connection(name.clone())
            }
            (None, Some(role)) => Target::Role(role.to_string()),
            _ => {
                return Err(self.broken(
                    &format!("agent.endpoints[{index}]"),
                    "an endpoint serves one `connection` or one `role`",
                ));
            }
        };
        if !section.listen.ip().is_loopback() {
            return Err(self.broken(
                &field("listen"),
                "credentials are served on loopback addresses only",
            ));
        }
        let form = match section.form {
            Form::Container => {
                let Some(path) = &section.authorization_file else {
                    return Err(self.broken(
                        &format!("agent.endpoints[{index}]"),
                        "the form `container` needs an `authorization_file`: whoever can read it may ask",
                    ));
                };
                let path = self.resolve(path);
                EndpointForm::Container {
                    authorization: shared(path, section.mode, section.owner, section.group),
                }
            }
            Form::Metadata if section.users.is_empty() => {
                return Err(self.broken(
                    &format!("agent.endpoints[{index}]"),
                    "the form `metadata` needs `users`: it has no place for a secret, so the kernel is asked whose connection it is",
                ));
            }
            Form::Metadata => EndpointForm::Metadata {
                users: section.users.clone(),
            },
        };
        let wanted = Wanted {
            what,
            attributes: section.attributes.clone(),
        };
        Ok((section.listen, wanted, form))
    }

    fn known(&self, field: &str, name: &str) -> Result<(), Failure> {
        match self.document.connections.named(name) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.broken(field, error)),
        }
    }
}

/// A file for these readers; for the agent's own user where nobody is named.
fn shared(path: PathBuf, mode: Option<Mode>, owner: Option<u32>, group: Option<u32>) -> SecretFile {
    SecretFile::new(path).shared_with(mode.map_or(0o600, |mode| mode.0), owner, group)
}
