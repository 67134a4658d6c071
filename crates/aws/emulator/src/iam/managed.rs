//! Managed policies.

use rolecall_trust::write_time;

use super::roles::{check_name, check_path, conflict};
use super::{Asked, encoded, exists, no_such, refused_policy, tags};
use crate::account::{Account, ManagedPolicy, PolicyVersion};
use crate::clock::iso;
use crate::identifier::{self, NoRandomness};
use crate::wire::{Fault, Xml, catalogue};

pub(crate) const ACTIONS: [&str; 13] = [
    "CreatePolicy",
    "GetPolicy",
    "ListPolicies",
    "DeletePolicy",
    "CreatePolicyVersion",
    "GetPolicyVersion",
    "ListPolicyVersions",
    "DeletePolicyVersion",
    "SetDefaultPolicyVersion",
    "TagPolicy",
    "UntagPolicy",
    "ListPolicyTags",
    "ListEntitiesForPolicy",
];

pub(super) fn run(asked: &Asked<'_>) -> Result<Xml, Fault> {
    match asked.action() {
        "CreatePolicy" => create(asked),
        "ListPolicies" => list(asked),
        action if action.contains("Version") => versions(asked),
        _ => one(asked),
    }
}

fn create(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let name = asked.required("PolicyName")?;
    let path = asked.parameters().text("Path").unwrap_or("/");
    let document = asked.required("PolicyDocument")?;
    let arn = asked.arn(&format!("policy{path}{name}"));
    asked.authorize(&arn)?;
    check_name("policyName", name, 128)?;
    check_path(path)?;
    write_time::validate_identity_policy(document).map_err(refused_policy)?;
    let policy = ManagedPolicy {
        id: identifier::unique_id("ANPA")
            .map_err(|NoRandomness| Fault::new(&catalogue::INTERNAL))?,
        name: name.to_owned(),
        path: path.to_owned(),
        description: asked.parameters().text("Description").map(str::to_owned),
        versions: vec![PolicyVersion {
            id: "v1".to_owned(),
            document: document.to_owned(),
            created: asked.call.now,
        }],
        default_version: "v1".to_owned(),
        tags: tags::read(asked.parameters())?,
        created: asked.call.now,
    };
    asked.change(|account| {
        if account.policies.contains_key(&arn) {
            return Err(exists(format!(
                "A policy called {name} already exists. Duplicate names are not allowed."
            )));
        }
        account.policies.insert(arn.clone(), policy);
        Ok(())
    })?;
    asked.read(|account| {
        let mut xml = Xml::new();
        xml.element("Policy", |xml| write(xml, account, &arn));
        Ok(xml)
    })
}

fn list(asked: &Asked<'_>) -> Result<Xml, Fault> {
    asked.authorize("*")?;
    asked.read(|account| {
        let mut xml = Xml::new();
        xml.text("IsTruncated", "false")
            .list("Policies", account.policies.keys(), |xml, arn| {
                write(xml, account, arn);
            });
        Ok(xml)
    })
}

fn one(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let arn = asked.required("PolicyArn")?;
    asked.authorize(arn)?;
    let parameters = asked.parameters();
    let mut xml = Xml::new();
    match asked.action() {
        "GetPolicy" => asked.read(|account| {
            if account.managed_document(arn).is_none() {
                return Err(absent(arn));
            }
            xml.element("Policy", |xml| write(xml, account, arn));
            Ok(())
        })?,
        "ListPolicyTags" => {
            return asked.read(|account| Ok(tags::answer(&policy(account, arn)?.tags)));
        }
        "ListEntitiesForPolicy" => asked.read(|account| {
            xml.text("IsTruncated", "false")
                .texts("PolicyGroups", [])
                .list("PolicyUsers", users_with(account, arn), |xml, (name, id)| {
                    xml.text("UserName", name).text("UserId", id);
                })
                .list("PolicyRoles", roles_with(account, arn), |xml, (name, id)| {
                    xml.text("RoleName", name).text("RoleId", id);
                });
            Ok(())
        })?,
        "DeletePolicy" => asked.change(|account| {
            policy(account, arn)?;
            if roles_with(account, arn).next().is_some() || users_with(account, arn).next().is_some()
            {
                return Err(
                    Fault::new(&catalogue::CONFLICT)
                        .with("message", "Cannot delete a policy attached to entities."),
                );
            }
            if policy(account, arn)?.versions.len() > 1 {
                return Err(Fault::new(&catalogue::CONFLICT).with("message", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."));
            }
            account.policies.remove(arn);
            Ok(())
        })?,
        "TagPolicy" => {
            let new = tags::read(parameters)?;
            asked.change(|account| tags::add(&mut policy_mut(account, arn)?.tags, new))?;
        }
        _ => asked.change(|account| tags::remove(&mut policy_mut(account, arn)?.tags, parameters))?,
    }
    Ok(xml)
}

fn versions(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let arn = asked.required("PolicyArn")?;
    asked.authorize(arn)?;
    let mut xml = Xml::new();
    match asked.action() {
        "CreatePolicyVersion" => {
            let document = asked.required("PolicyDocument")?;
            let default = asked.parameters().boolean("SetAsDefault")?.unwrap_or(false);
            write_time::validate_identity_policy(document).map_err(refused_policy)?;
            let now = asked.call.now;
            asked.change(|account| {
                let policy = policy_mut(account, arn)?;
                if policy.versions.len() >= VERSIONS {
                    return Err(Fault::new(&catalogue::LIMIT).with("message", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."));
                }
                let next = policy
                    .versions
                    .iter()
                    .filter_map(|version| version.id.strip_prefix('v')?.parse::<u32>().ok())
                    .max()
                    .unwrap_or(0)
                    + 1;
                let version = PolicyVersion {
                    id: format!("v{next}"),
                    document: document.to_owned(),
                    created: now,
                };
                if default {
                    policy.default_version.clone_from(&version.id);
                }
                xml.element("PolicyVersion", |xml| {
                    write_version(xml, &version, default, false);
                });
                policy.versions.push(version);
                Ok(())
            })?;
        }
        "ListPolicyVersions" => asked.read(|account| {
            let policy = policy(account, arn)?;
            xml.text("IsTruncated", "false")
                .list("Versions", &policy.versions, |xml, version| {
                    write_version(xml, version, version.id == policy.default_version, false);
                });
            Ok(())
        })?,
        "GetPolicyVersion" => {
            let id = asked.required("VersionId")?;
            asked.read(|account| {
                let known;
                let (version, default) = match account.policies.get(arn) {
                    Some(policy) => (version(policy, id)?, policy.default_version == id),
                    None => {
                        let document = account.managed_document(arn).ok_or_else(|| absent(arn))?;
                        known = PolicyVersion {
                            id: "v1".to_owned(),
                            document: document.to_owned(),
                            created: 0,
                        };
                        (&known, true)
                    }
                };
                xml.element("PolicyVersion", |xml| {
                    write_version(xml, version, default, true);
                });
                Ok(())
            })?;
        }
        "DeletePolicyVersion" => {
            let id = asked.required("VersionId")?;
            asked.change(|account| {
                let policy = policy_mut(account, arn)?;
                version(policy, id)?;
                if policy.default_version == id {
                    return Err(conflict("the version is the default version of the policy"));
                }
                policy.versions.retain(|version| version.id != id);
                Ok(())
            })?;
        }
        _ => {
            let id = asked.required("VersionId")?;
            asked.change(|account| {
                let policy = policy_mut(account, arn)?;
                version(policy, id)?;
                policy.default_version = id.to_owned();
                Ok(())
            })?;
        }
    }
    Ok(xml)
}

fn write(xml: &mut Xml, account: &Account, arn: &str) {
    let attached = roles_with(account, arn).count() + users_with(account, arn).count();
    let name = arn.rsplit('/').next().unwrap_or(arn);
    match account.policies.get(arn) {
        Some(policy) => {
            xml.text("PolicyName", &policy.name)
                .text("PolicyId", &policy.id)
                .text("Arn", arn)
                .text("Path", &policy.path)
                .text("DefaultVersionId", &policy.default_version)
                .text("AttachmentCount", &attached.to_string())
                .text("PermissionsBoundaryUsageCount", "0")
                .text("IsAttachable", "true")
                .optional("Description", policy.description.as_deref())
                .text("CreateDate", &iso(policy.created))
                .text(
                    "UpdateDate",
                    &iso(policy
                        .versions
                        .last()
                        .map_or(policy.created, |version| version.created)),
                );
            tags::write(xml, &policy.tags);
        }
        None => {
            xml.text("PolicyName", name)
                .text("Arn", arn)
                .text("Path", "/")
                .text("DefaultVersionId", "v1")
                .text("AttachmentCount", &attached.to_string())
                .text("IsAttachable", "true");
        }
    }
}

fn write_version(xml: &mut Xml, version: &PolicyVersion, default: bool, whole: bool) {
    if whole {
        xml.text("Document", &encoded(&version.document));
    }
    xml.text("VersionId", &version.id)
        .text("IsDefaultVersion", if default { "true" } else { "false" })
        .text("CreateDate", &iso(version.created));
}

fn roles_with<'a>(account: &'a Account, arn: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    account
        .roles
        .values()
        .filter(move |role| role.attached.iter().any(|attached| attached == arn))
        .map(|role| (role.name.as_str(), role.id.as_str()))
}

fn users_with<'a>(account: &'a Account, arn: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    account
        .users
        .values()
        .filter(move |user| user.attached.iter().any(|attached| attached == arn))
        .map(|user| (user.name.as_str(), user.id.as_str()))
}

fn version<'p>(policy: &'p ManagedPolicy, id: &str) -> Result<&'p PolicyVersion, Fault> {
    policy
        .versions
        .iter()
        .find(|version| version.id == id)
        .ok_or_else(|| no_such(format!("Policy version {id} does not exist.")))
}

fn policy<'a>(account: &'a Account, arn: &str) -> Result<&'a ManagedPolicy, Fault> {
    account.policies.get(arn).ok_or_else(|| absent(arn))
}

fn policy_mut<'a>(account: &'a mut Account, arn: &str) -> Result<&'a mut ManagedPolicy, Fault> {
    account.policies.get_mut(arn).ok_or_else(|| absent(arn))
}

fn absent(arn: &str) -> Fault {
    no_such(format!("Policy {arn} was not found."))
}

const VERSIONS: usize = 5;
