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
    /// Its control group, from the root of the hierarchy (cgroups(7), version 2), where it can be
    /// told.
    pub cgroup: Option<String>,
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
    /// The control group, or one above: `/system.slice/web.service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// The container's id, whole or its first twelve digits or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
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
    /// Another user, group, executable, control group or container.
    #[error("the process has the {what} {found}, which is not the workload's")]
    Other {
        /// `user`, `group`, `executable`, `control group` or `container`.
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
        let is_id = |id: &String| {
            (12..=64).contains(&id.len())
                && (id.bytes())
                    .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
        };
        if text.container.as_ref().is_some_and(|id| !is_id(id)) {
            return refused("`container` must be 12 to 64 hexadecimal digits in lower case");
        }
        let cgroup = text.cgroup.as_deref().unwrap_or("/system.slice");
        if !cgroup.starts_with('/') || cgroup == "/" || cgroup.ends_with('/') {
            return refused("`cgroup` must be a path such as `/system.slice/web.service`");
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
        }?;
        let found = peer.cgroup.as_deref();
        let told = || {
            found.map_or("that cannot be told".to_owned(), |it| {
                format!("`{}`", shown(it))
            })
        };
        if let Some(wanted) = &rule.cgroup {
            let below = |found: &str| {
                let rest = found.strip_prefix(wanted.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !found.is_some_and(below) {
                return other("control group", told());
            }
        }
        if let Some(wanted) = &rule.container
            && !found
                .and_then(container)
                .is_some_and(|id| id.starts_with(wanted.as_str()))
        {
            return other("container", told());
        }
        Ok(())
    }
}

/// The container whose control group this is. Docker, containerd, CRI-O and Podman all name it by
/// 64 digits, with their own words before and `.scope` after; the innermost counts.
fn container(cgroup: &str) -> Option<&str> {
    cgroup.rsplit('/').find_map(|segment| {
        let segment = segment.strip_suffix(".scope").unwrap_or(segment);
        let id = segment.rsplit(['-', ':']).next()?;
        let is_id = id.len() == 64 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_id.then_some(id)
    })
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
            cgroup: None,
        }
    }

    #[test]
    fn everything_that_is_said_must_hold() {
        let rule = SocketPeerRule::read(&SocketPeerText {
            uid: Some(1000),
            gid: Some(50),
            executable: Some("/usr/bin/cube".to_owned()),
            ..SocketPeerText::default()
        })
        .unwrap();
        assert_eq!(rule.admits(&peer(1000, 50, "/usr/bin/cube")), Ok(()));
        let refused = |peer| rule.admits(&peer).unwrap_err().to_string();
        insta::assert_snapshot!(refused(peer(0, 50, "/usr/bin/cube")), @"the process has the user 0, which is not the workload's");
        insta::assert_snapshot!(refused(peer(1000, 0, "/usr/bin/cube")), @"the process has the group 0, which is not the workload's");
        insta::assert_snapshot!(refused(peer(1000, 50, "/usr/bin/cube (deleted)")), @"the process has the executable `/usr/bin/cube (deleted)`, which is not the workload's");
        insta::assert_snapshot!(refused(peer(1000, 50, "")), @"the process has the executable that cannot be told, which is not the workload's");
    }

    fn within(cgroup: Option<&str>) -> SocketPeer {
        SocketPeer {
            cgroup: cgroup.map(str::to_owned),
            ..peer(7, 7, "")
        }
    }

    #[test]
    fn a_service_is_its_control_group_and_what_is_below() {
        let rule = SocketPeerRule::read(&SocketPeerText {
            uid: Some(7),
            cgroup: Some("/system.slice/web.service".to_owned()),
            ..SocketPeerText::default()
        })
        .unwrap();
        for good in [
            "/system.slice/web.service",
            "/system.slice/web.service/worker",
        ] {
            assert_eq!(rule.admits(&within(Some(good))), Ok(()));
        }
        let refused = |cgroup| rule.admits(&within(cgroup)).unwrap_err().to_string();
        insta::assert_snapshot!(refused(Some("/system.slice/web.service-evil")), @"the process has the control group `/system.slice/web.service-evil`, which is not the workload's");
        insta::assert_snapshot!(refused(Some("/user.slice/system.slice/web.service")), @"the process has the control group `/user.slice/system.slice/web.service`, which is not the workload's");
        insta::assert_snapshot!(refused(None), @"the process has the control group that cannot be told, which is not the workload's");
    }

    #[test]
    fn a_container_is_known_by_its_id() {
        let id = "0123456789abcdef".repeat(4);
        let rule = SocketPeerRule::read(&SocketPeerText {
            uid: Some(7),
            container: Some(id[..12].to_owned()),
            ..SocketPeerText::default()
        })
        .unwrap();
        for cgroup in [
            format!("/docker/{id}"),
            format!("/system.slice/docker-{id}.scope"),
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("/machine.slice/libpod-{id}.scope/container"),
            format!("/k8s.io/cri-containerd:{id}"),
        ] {
            assert_eq!(rule.admits(&within(Some(&cgroup))), Ok(()), "{cgroup}");
        }
        let other = format!("/docker/{id}/docker/{}", "f".repeat(64));
        assert!(
            rule.admits(&within(Some(&other))).is_err(),
            "the innermost counts"
        );
        assert!(
            rule.admits(&within(Some(&format!("/user.slice/{}", &id[..12]))))
                .is_err()
        );
        for bad in ["0123456789a", "0123456789AB", "xyz", ""] {
            let text = SocketPeerText {
                uid: Some(7),
                container: Some(bad.to_owned()),
                ..SocketPeerText::default()
            };
            assert!(SocketPeerRule::read(&text).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_names_somebody() {
        let read = |uid, executable: &str| {
            SocketPeerRule::read(&SocketPeerText {
                uid,
                gid: None,
                executable: Some(executable.to_owned()),
                ..SocketPeerText::default()
            })
        };
        insta::assert_snapshot!(read(None, "/usr/bin/cube").unwrap_err(), @"name a `uid` or a `gid`: every user may run an executable");
        for path in ["cube", "/usr/../bin/cube"] {
            assert!(read(Some(1), path).is_err());
        }
        assert!(read(Some(0), "/usr/bin/cube").is_ok());
    }
}
