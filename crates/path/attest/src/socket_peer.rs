//! Processes on the same machine, by what the kernel says of the peer of a Unix socket.
//!
//! Whoever listens asks the kernel (`SO_PEERCRED`, and `/proc` for the executable) and hands what it
//! said to [`SocketPeerRule::admits`]. A process cannot forge any of it, but one that ends may be
//! followed by another with its process id: ask while the peer waits for its answer.

use serde::{Deserialize, Serialize};

use crate::error::shown;

/// What the kernel says of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPeer {
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
    /// The path of its executable, where it can be told.
    pub executable: Option<String>,
}

/// Which processes are one workload, as it is written; what is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketPeerText {
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// The group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<u32>,
    /// The absolute path of the executable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
}

/// A checked rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPeerRule(SocketPeerText);

/// Why a peer is not the workload, or a rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SocketPeerError {
    /// A rule that cannot be. The operator's.
    #[error("{why}")]
    Declared {
        /// What to write instead.
        why: &'static str,
    },
    /// Another user, group or executable.
    #[error("the process has the {what} {found}, which is not the workload's")]
    Other {
        /// `user`, `group` or `executable`.
        what: &'static str,
        /// What it has.
        found: String,
    },
}

impl SocketPeerRule {
    /// Checks a rule. An executable alone names nobody: every user may run it.
    ///
    /// # Errors
    /// [`SocketPeerError::Declared`].
    pub fn read(text: &SocketPeerText) -> Result<Self, SocketPeerError> {
        let refused = |why| Err(SocketPeerError::Declared { why });
        if text.uid.is_none() && text.gid.is_none() {
            return refused("name a `uid` or a `gid`: every user may run an executable");
        }
        let path = text.executable.as_deref().unwrap_or("/");
        let tidy = path.starts_with('/') && !path.split('/').any(|part| matches!(part, "." | ".."));
        if !tidy {
            return refused("`executable` must be an absolute path without `.` and `..`");
        }
        Ok(Self(text.clone()))
    }

    /// Whether the peer is the workload. An executable that was replaced or deleted since it was
    /// started is another: the kernel says so at the end of its path.
    ///
    /// # Errors
    /// [`SocketPeerError::Other`].
    pub fn admits(&self, peer: &SocketPeer) -> Result<(), SocketPeerError> {
        let other = |what, found| Err(SocketPeerError::Other { what, found });
        let rule = &self.0;
        if rule.uid.is_some_and(|uid| uid != peer.uid) {
            return other("user", peer.uid.to_string());
        }
        if rule.gid.is_some_and(|gid| gid != peer.gid) {
            return other("group", peer.gid.to_string());
        }
        match (&rule.executable, &peer.executable) {
            (Some(wanted), Some(found)) if wanted != found => {
                other("executable", format!("`{}`", shown(found)))
            }
            (Some(_), None) => other("executable", "that cannot be told".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn peer(uid: u32, gid: u32, executable: &str) -> SocketPeer {
        SocketPeer {
            uid,
            gid,
            executable: (!executable.is_empty()).then(|| executable.to_owned()),
        }
    }

    #[test]
    fn everything_that_is_said_must_hold() {
        let rule = SocketPeerRule::read(&SocketPeerText {
            uid: Some(1000),
            gid: Some(50),
            executable: Some("/usr/bin/cube".to_owned()),
        })
        .unwrap();
        assert_eq!(rule.admits(&peer(1000, 50, "/usr/bin/cube")), Ok(()));
        let refused = |peer| rule.admits(&peer).unwrap_err().to_string();
        insta::assert_snapshot!(refused(peer(0, 50, "/usr/bin/cube")), @"the process has the user 0, which is not the workload's");
        insta::assert_snapshot!(refused(peer(1000, 0, "/usr/bin/cube")), @"the process has the group 0, which is not the workload's");
        insta::assert_snapshot!(refused(peer(1000, 50, "/usr/bin/cube (deleted)")), @"the process has the executable `/usr/bin/cube (deleted)`, which is not the workload's");
        insta::assert_snapshot!(refused(peer(1000, 50, "")), @"the process has the executable that cannot be told, which is not the workload's");
    }

    #[test]
    fn a_rule_names_somebody() {
        let read = |uid, executable: &str| {
            SocketPeerRule::read(&SocketPeerText {
                uid,
                gid: None,
                executable: Some(executable.to_owned()),
            })
        };
        insta::assert_snapshot!(read(None, "/usr/bin/cube").unwrap_err(), @"name a `uid` or a `gid`: every user may run an executable");
        for path in ["cube", "/usr/../bin/cube"] {
            assert!(read(Some(1), path).is_err());
        }
        assert!(read(Some(0), "/usr/bin/cube").is_ok());
    }
}
