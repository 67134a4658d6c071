//! Who on this machine may have what. Pure.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_attest::{SocketPeer, SocketPeerRule, SocketPeerText};
use rolecall_names::RoleArn;
use serde::Deserialize;

use crate::AgentError;
use crate::broker::{Target, Wanted};

/// One of `callers:` as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerText {
    /// What it is called in logs and answers.
    pub name: String,
    /// Which processes are it.
    pub peer: SocketPeerText,
    /// The connections that it may have.
    #[serde(default)]
    pub connections: BTreeSet<String>,
    /// The roles that it may have by their ARNs alone.
    #[serde(default)]
    pub roles: Vec<RoleArn>,
    /// The token configs whose tokens it may have as they are.
    #[serde(default)]
    pub token_configs: BTreeSet<String>,
    /// What is said to the issuer when it is asked on its behalf; the issuer decides whether this
    /// agent may.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// Somebody who may ask.
#[derive(Debug, Clone)]
pub struct Caller {
    name: String,
    rule: Option<SocketPeerRule>,
    /// `None` for everything.
    allowed: Option<Allowed>,
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Allowed {
    connections: BTreeSet<String>,
    roles: BTreeSet<String>,
    token_configs: BTreeSet<String>,
}

/// Everybody who may ask.
#[derive(Debug, Clone)]
pub struct Callers {
    own_uid: u32,
    declared: Vec<Caller>,
}

impl Callers {
    /// Those that are declared. Where nobody is, processes of the agent's own user `own_uid` may
    /// have everything, and nobody else anything.
    ///
    /// # Errors
    /// [`AgentError::Caller`].
    pub fn read(texts: &[CallerText], own_uid: u32) -> Result<Self, AgentError> {
        let mut names = BTreeSet::new();
        let declared = texts.iter().enumerate().map(|(index, text)| {
            let broken = |field, why: String| AgentError::Caller { index, field, why };
            if text.name.is_empty() || !names.insert(text.name.as_str()) {
                return Err(broken(
                    "name",
                    "each caller needs a name of its own".to_owned(),
                ));
            }
            let rule = SocketPeerRule::read(&text.peer)
                .map_err(|error| broken("peer", error.to_string()))?;
            Ok(Caller {
                name: text.name.clone(),
                rule: Some(rule),
                allowed: Some(Allowed {
                    connections: text.connections.clone(),
                    roles: text.roles.iter().map(ToString::to_string).collect(),
                    token_configs: text.token_configs.clone(),
                }),
                attributes: text.attributes.clone(),
            })
        });
        Ok(Self {
            own_uid,
            declared: declared.collect::<Result<_, _>>()?,
        })
    }

    /// Who the peer is: the first declared that it fits.
    ///
    /// # Errors
    /// Nobody; in words for the peer, which do not tell whom the agent knows.
    pub fn find(&self, peer: &SocketPeer) -> Result<Caller, String> {
        if self.declared.is_empty() {
            return if peer.uid == self.own_uid {
                Ok(Caller::everything("owner"))
            } else {
                Err(format!(
                    "this agent serves its own user only, and you are user {}: declare you under `agent.callers`",
                    peer.uid
                ))
            };
        }
        let fitting = self.declared.iter().find(|caller| {
            caller
                .rule
                .as_ref()
                .is_some_and(|rule| rule.admits(peer).is_ok())
        });
        fitting.cloned().ok_or_else(|| {
            let executable = peer.executable.as_deref().unwrap_or("unknown");
            format!(
                "no caller of this agent is user {}, group {}, executable `{executable}`, control group `{}`: declare one under `agent.callers`",
                peer.uid,
                peer.gid,
                peer.cgroup.as_deref().unwrap_or("unknown"),
            )
        })
    }
}

impl Caller {
    /// One who may have everything.
    #[must_use]
    pub fn everything(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            rule: None,
            allowed: None,
            attributes: BTreeMap::new(),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Those of `all` connections that it may have.
    #[must_use]
    pub fn connections(&self, all: Vec<String>) -> Vec<String> {
        match &self.allowed {
            None => all,
            Some(allowed) => (all.into_iter())
                .filter(|name| allowed.connections.contains(name))
                .collect(),
        }
    }

    /// What is asked for on its behalf.
    ///
    /// # Errors
    /// It may not have that; what it may have, in words.
    pub fn wants(&self, target: Target) -> Result<Wanted, String> {
        if let Some(allowed) = &self.allowed {
            let (may, kind, name, of) = match &target {
                Target::Connection(name) => (
                    allowed.connections.contains(name),
                    "connection",
                    name,
                    &allowed.connections,
                ),
                Target::Role(role) => (allowed.roles.contains(role), "role", role, &allowed.roles),
            };
            if !may {
                return Err(self.refused(kind, name, of));
            }
        }
        Ok(self.wanted(target))
    }

    /// A token of that token config on its behalf.
    ///
    /// # Errors
    /// As [`Self::wants`].
    pub fn wants_token(&self, token_config: &str) -> Result<Wanted<String>, String> {
        match &self.allowed {
            Some(allowed) if !allowed.token_configs.contains(token_config) => {
                Err(self.refused("token config", token_config, &allowed.token_configs))
            }
            _ => Ok(self.wanted(token_config.to_owned())),
        }
    }

    /// Whether it may have everything.
    #[must_use]
    pub fn has_everything(&self) -> bool {
        self.allowed.is_none()
    }

    /// Whether this is what it would get.
    #[must_use]
    pub fn shares(&self, wanted: &Wanted) -> bool {
        self.has_everything() || self.wants(wanted.what.clone()).as_ref() == Ok(wanted)
    }

    /// The same of a token.
    #[must_use]
    pub fn shares_token(&self, wanted: &Wanted<String>) -> bool {
        self.has_everything() || self.wants_token(&wanted.what).as_ref() == Ok(wanted)
    }

    fn wanted<T>(&self, what: T) -> Wanted<T> {
        Wanted {
            what,
            attributes: self.attributes.clone(),
        }
    }

    fn refused(&self, kind: &str, name: &str, of: &BTreeSet<String>) -> String {
        let near = (of.iter())
            .map(|known| (strsim::damerau_levenshtein(known, name), known))
            .filter(|(distance, known)| *distance <= 1 + known.chars().count() / 4)
            .min();
        let may = match (near, of.is_empty()) {
            (Some((_, near)), _) => format!("did you mean `{near}`?"),
            (None, true) => format!("it may have no {kind}"),
            (None, false) => {
                let names: Vec<&str> = of.iter().map(String::as_str).collect();
                format!("it may have `{}`", names.join("`, `"))
            }
        };
        format!(
            "the caller `{}` may not have the {kind} `{name}`: {may}",
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers(yaml: serde_json::Value) -> Callers {
        let texts: Vec<CallerText> = serde_json::from_value(yaml).unwrap();
        Callers::read(&texts, 1000).unwrap()
    }

    fn peer(uid: u32) -> SocketPeer {
        SocketPeer {
            uid,
            gid: uid,
            executable: Some("/usr/bin/app".to_owned()),
            cgroup: None,
        }
    }

    fn connection(name: &str) -> Target {
        Target::Connection(name.to_owned())
    }

    #[test]
    fn without_callers_the_agents_own_user_may_have_everything() {
        let callers = callers(serde_json::json!([]));
        let owner = callers.find(&peer(1000)).unwrap();
        assert!(owner.wants(connection("any")).is_ok());
        assert!(owner.wants_token("any").is_ok());
        insta::assert_snapshot!(callers.find(&peer(0)).unwrap_err(), @"this agent serves its own user only, and you are user 0: declare you under `agent.callers`");
    }

    #[test]
    fn the_first_caller_that_fits_counts_and_has_what_it_is_given() {
        let callers = callers(serde_json::json!([
            {"name": "web", "peer": {"uid": 33, "executable": "/usr/bin/app"}, "connections": ["athena", "bucket"],
             "roles": ["arn:aws:iam::111122223333:role/web"], "attributes": {"component": "web"}},
            {"name": "rest", "peer": {"uid": 33}, "token_configs": ["warehouse"]},
        ]));
        let web = callers.find(&peer(33)).unwrap();
        assert_eq!(web.name(), "web");
        let wanted = web.wants(connection("athena")).unwrap();
        assert_eq!(wanted.attributes["component"], "web");
        assert!(
            web.wants(Target::Role(
                "arn:aws:iam::111122223333:role/web".to_owned()
            ))
            .is_ok()
        );
        let all = ["athena", "other"].map(str::to_owned).to_vec();
        assert_eq!(web.connections(all), ["athena"]);
        insta::assert_snapshot!(web.wants(connection("athina")).unwrap_err(), @"the caller `web` may not have the connection `athina`: did you mean `athena`?");
        insta::assert_snapshot!(web.wants(connection("x")).unwrap_err(), @"the caller `web` may not have the connection `x`: it may have `athena`, `bucket`");
        insta::assert_snapshot!(web.wants_token("warehouse").unwrap_err(), @"the caller `web` may not have the token config `warehouse`: it may have no token config");
        insta::assert_snapshot!(web.wants(Target::Role("arn:aws:iam::111122223333:role/evil".to_owned())).unwrap_err(), @"the caller `web` may not have the role `arn:aws:iam::111122223333:role/evil`: did you mean `arn:aws:iam::111122223333:role/web`?");
        let other = SocketPeer {
            executable: Some("/bin/sh".to_owned()),
            ..peer(33)
        };
        assert_eq!(callers.find(&other).unwrap().name(), "rest");
        insta::assert_snapshot!(callers.find(&peer(1000)).unwrap_err(), @"no caller of this agent is user 1000, group 1000, executable `/usr/bin/app`, control group `unknown`: declare one under `agent.callers`");
    }

    #[test]
    fn a_caller_has_a_name_of_its_own_and_is_somebody() {
        let read = |value| {
            let texts: Vec<CallerText> = serde_json::from_value(value).unwrap();
            Callers::read(&texts, 0).unwrap_err().to_string()
        };
        let twice = serde_json::json!([{"name": "a", "peer": {"uid": 1}}, {"name": "a", "peer": {"uid": 2}}]);
        insta::assert_snapshot!(read(twice), @"each caller needs a name of its own");
        insta::assert_snapshot!(read(serde_json::json!([{"name": "a", "peer": {}}])), @"name a `uid` or a `gid`: every user may run an executable");
    }
}
