//! Roles and the policies on them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_trust::write_time;

use super::{Asked, encoded, exists, no_such, refused_policy, tags};
use crate::account::{Account, Role, Tags};
use crate::clock::iso;
use crate::identifier::{self, NoRandomness};
use crate::principals;
use crate::wire::{Fault, Shape, Xml, catalogue, shape};
use crate::world::World;

pub(crate) const ACTIONS: [&str; 20] = [
    "CreateRole",
    "GetRole",
    "ListRoles",
    "DeleteRole",
    "UpdateRole",
    "UpdateRoleDescription",
    "UpdateAssumeRolePolicy",
    "TagRole",
    "UntagRole",
    "ListRoleTags",
    "PutRolePermissionsBoundary",
    "DeleteRolePermissionsBoundary",
    "ListInstanceProfilesForRole",
    "PutRolePolicy",
    "GetRolePolicy",
    "ListRolePolicies",
    "DeleteRolePolicy",
    "AttachRolePolicy",
    "DetachRolePolicy",
    "ListAttachedRolePolicies",
];

/// A role that may become one.
#[derive(Debug, Clone)]
pub(crate) struct NewRole {
    pub(crate) name: String,
    pub(crate) path: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) trust_policy: String,
    /// Seconds.
    pub(crate) max_session_duration: Option<i32>,
    pub(crate) permissions_boundary: Option<String>,
    pub(crate) tags: Tags,
}

impl NewRole {
    /// Checks all but what the accounts hold already.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        check_name("roleName", &self.name, 64)?;
        check_path(self.path.as_deref().unwrap_or("/"))?;
        let empty = crate::wire::Parameters::default();
        let mut shape = Shape::new(&empty);
        if let Some(seconds) = self.max_session_duration {
            shape.number("maxSessionDuration", seconds, 3600..=43_200);
        }
        if let Some(text) = &self.description {
            shape.member("description", text, 0..=1000, None);
        }
        shape.finish()?;
        write_time::validate_trust_policy(&self.trust_policy).map_err(refused_policy)?;
        tags::check(&self.tags)
    }

    /// Makes the role. Its trust policy is kept as it is given: see [`crate::principals::kept`].
    pub(crate) fn create(self, account: &mut Account, now: i64) -> Result<Role, Fault> {
        self.check()?;
        let key = self.name.to_ascii_lowercase();
        if account.roles.contains_key(&key) {
            return Err(exists(format!(
                "Role with name {} already exists.",
                self.name
            )));
        }
        let id = identifier::unique_id("AROA")
            .map_err(|NoRandomness| Fault::new(&catalogue::INTERNAL))?;
        let role = Role {
            id,
            name: self.name,
            path: self.path.unwrap_or_else(|| "/".to_owned()),
            description: self.description,
            trust_policy: self.trust_policy,
            max_session_duration: self.max_session_duration.unwrap_or(3600),
            permissions_boundary: self.permissions_boundary,
            inline: Default::default(),
            attached: Vec::new(),
            tags: self.tags,
            created: now,
        };
        account.roles.insert(key, role.clone());
        Ok(role)
    }
}

/// Puts an inline policy on a role.
pub(crate) fn put_inline(
    account: &mut Account,
    role: &str,
    name: &str,
    document: &str,
) -> Result<(), Fault> {
    check_name("policyName", name, 128)?;
    write_time::validate_identity_policy(document).map_err(refused_policy)?;
    role_mut(account, role)?
        .inline
        .insert(name.to_owned(), document.to_owned());
    Ok(())
}

pub(super) fn run(asked: &Asked<'_>) -> Result<Xml, Fault> {
    match asked.action() {
        "CreateRole" => create(asked),
        "ListRoles" => list(asked),
        "PutRolePolicy"
        | "GetRolePolicy"
        | "ListRolePolicies"
        | "DeleteRolePolicy"
        | "AttachRolePolicy"
        | "DetachRolePolicy"
        | "ListAttachedRolePolicies" => policies(asked),
        _ => one(asked),
    }
}

fn create(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let parameters = asked.parameters();
    let new = NewRole {
        name: asked.required("RoleName")?.to_owned(),
        path: parameters.text("Path").map(str::to_owned),
        description: parameters.text("Description").map(str::to_owned),
        trust_policy: asked.required("AssumeRolePolicyDocument")?.to_owned(),
        max_session_duration: parameters.integer("MaxSessionDuration")?,
        permissions_boundary: parameters.text("PermissionsBoundary").map(str::to_owned),
        tags: tags::read(parameters)?,
    };
    let path = new.path.as_deref().unwrap_or("/");
    asked.authorize(&asked.arn(&format!("role{path}{}", new.name)))?;
    let now = asked.call.now;
    let (role, shown) = asked.core.keeper.change(|world| {
        new.check()?;
        let trust_policy = principals::kept(world, &new.trust_policy)?;
        let account = world
            .accounts
            .get_mut(&asked.account)
            .ok_or_else(|| Fault::new(&catalogue::INTERNAL))?;
        let new = NewRole {
            trust_policy,
            ..new
        };
        let role = new.create(account, now)?;
        let shown = principals::shown(world, &role.trust_policy);
        Ok((role, shown))
    })?;
    let mut xml = Xml::new();
    // The answer of CreateRole leaves out description and duration, as AWS's was seen to do.
    xml.element("Role", |xml| {
        head(xml, asked, &role, &shown);
        if !role.tags.is_empty() {
            tags::write(xml, &role.tags);
        }
    });
    Ok(xml)
}

/// The roles in the order of their names, a page at a time. IAM may give fewer than it is asked
/// for, and this one does: a client that forgets the marker is found out.
fn list(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let parameters = asked.parameters();
    let prefix = parameters.text("PathPrefix").unwrap_or("/");
    asked.authorize(&asked.arn(&format!("role{prefix}")))?;
    let mut shape = Shape::new(parameters);
    let most = shape.integer("MaxItems", 1..=1000)?;
    shape.finish()?;
    let most = most
        .and_then(|most| usize::try_from(most).ok())
        .map_or(ROLES_OF_A_PAGE, |most| most.min(ROLES_OF_A_PAGE));
    let after = parameters.text("Marker").map(read_marker).transpose()?;
    asked.look(|world, account| {
        let mut roles = account
            .roles
            .iter()
            .filter(|(_, role)| role.path.starts_with(prefix))
            .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
            .peekable();
        let page: Vec<_> = roles.by_ref().take(most).collect();
        let next = page
            .last()
            .filter(|_| roles.peek().is_some())
            .map(|(key, _)| STANDARD.encode(key));
        let mut xml = Xml::new();
        xml.text("IsTruncated", if next.is_some() { "true" } else { "false" })
            .optional("Marker", next.as_deref())
            .list("Roles", page, |xml, (_, role)| {
                let shown = principals::shown(world, &role.trust_policy);
                head(xml, asked, role, &shown);
                xml.optional("Description", role.description.as_deref())
                    .text("MaxSessionDuration", &role.max_session_duration.to_string());
            });
        Ok(xml)
    })
}

fn read_marker(marker: &str) -> Result<String, Fault> {
    STANDARD
        .decode(marker)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Fault::new(&catalogue::VALIDATION).with(
                "message",
                "Invalid Marker: it was not given by this operation.",
            )
        })
}

/// The operations on one role that exists.
fn one(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let name = asked.required("RoleName")?;
    asked.authorize(&resource(asked, name)?)?;
    let parameters = asked.parameters();
    let change = |change: &dyn Fn(&mut Role) -> Result<(), Fault>| {
        asked.change(|account| change(role_mut(account, name)?))
    };
    let mut xml = Xml::new();
    match asked.action() {
        "GetRole" => asked.look(|world, account| {
            describe(&mut xml, asked, world, role(account, name)?);
            Ok(())
        })?,
        "ListRoleTags" => {
            return asked.read(|account| Ok(tags::answer(&role(account, name)?.tags)));
        }
        "ListInstanceProfilesForRole" => {
            asked.read(|account| role(account, name).map(|_| ()))?;
            xml.text("IsTruncated", "false")
                .texts("InstanceProfiles", []);
        }
        "DeleteRole" => asked.change(|account| {
            let found = role(account, name)?;
            if !found.inline.is_empty() {
                return Err(conflict("must delete policies first"));
            }
            if !found.attached.is_empty() {
                return Err(conflict("must detach all policies first"));
            }
            account.roles.remove(&name.to_ascii_lowercase());
            Ok(())
        })?,
        "UpdateRole" => {
            let duration = parameters.integer("MaxSessionDuration")?;
            if let Some(seconds) = duration {
                let mut shape = Shape::new(parameters);
                shape.integer("MaxSessionDuration", 3600..=43_200)?;
                shape.finish()?;
                change(&|role| {
                    role.max_session_duration = seconds;
                    Ok(())
                })?;
            }
            if let Some(text) = parameters.text("Description") {
                change(&|role| {
                    role.description = Some(text.to_owned()).filter(|text| !text.is_empty());
                    Ok(())
                })?;
            }
            asked.read(|account| role(account, name).map(|_| ()))?;
        }
        "UpdateRoleDescription" => {
            let text = asked.required("Description")?;
            change(&|role| {
                role.description = Some(text.to_owned()).filter(|text| !text.is_empty());
                Ok(())
            })?;
            asked.look(|world, account| {
                describe(&mut xml, asked, world, role(account, name)?);
                Ok(())
            })?;
        }
        "UpdateAssumeRolePolicy" => {
            let document = asked.required("PolicyDocument")?;
            asked.read(|account| role(account, name).map(|_| ()))?;
            write_time::validate_trust_policy(document).map_err(refused_policy)?;
            asked.core.keeper.change(|world| {
                let kept = principals::kept(world, document)?;
                let account = world
                    .accounts
                    .get_mut(&asked.account)
                    .ok_or_else(|| Fault::new(&catalogue::INTERNAL))?;
                role_mut(account, name)?.trust_policy = kept;
                Ok(())
            })?;
        }
        "TagRole" => {
            let new = tags::read(parameters)?;
            change(&|role| tags::add(&mut role.tags, new.clone()))?;
        }
        "UntagRole" => change(&|role| tags::remove(&mut role.tags, parameters))?,
        "PutRolePermissionsBoundary" => {
            let arn = asked.required("PermissionsBoundary")?;
            change(&|role| {
                role.permissions_boundary = Some(arn.to_owned());
                Ok(())
            })?;
        }
        _ => change(&|role| {
            role.permissions_boundary = None;
            Ok(())
        })?,
    }
    Ok(xml)
}

/// Inline and attached policies of a role.
fn policies(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let name = asked.required("RoleName")?;
    asked.authorize(&resource(asked, name)?)?;
    let mut xml = Xml::new();
    match asked.action() {
        "PutRolePolicy" => {
            let policy = asked.required("PolicyName")?;
            let document = asked.required("PolicyDocument")?;
            asked.change(|account| put_inline(account, name, policy, document))?;
        }
        "GetRolePolicy" => {
            let policy = asked.required("PolicyName")?;
            asked.read(|account| {
                let role = role(account, name)?;
                let document = role
                    .inline
                    .get(policy)
                    .ok_or_else(|| no_policy("role", policy))?;
                xml.text("RoleName", &role.name)
                    .text("PolicyName", policy)
                    .text("PolicyDocument", &encoded(document));
                Ok(())
            })?;
        }
        "DeleteRolePolicy" => {
            let policy = asked.required("PolicyName")?;
            asked.change(|account| {
                role_mut(account, name)?
                    .inline
                    .remove(policy)
                    .map(|_| ())
                    .ok_or_else(|| no_policy("role", policy))
            })?;
        }
        "ListRolePolicies" => asked.read(|account| {
            let role = role(account, name)?;
            xml.text("IsTruncated", "false")
                .texts("PolicyNames", role.inline.keys().map(String::as_str));
            Ok(())
        })?,
        "ListAttachedRolePolicies" => asked.read(|account| {
            write_attached(&mut xml, &role(account, name)?.attached);
            Ok(())
        })?,
        "AttachRolePolicy" => {
            let arn = asked.required("PolicyArn")?;
            asked.change(|account| {
                check_attachable(account, arn)?;
                let role = role_mut(account, name)?;
                if !role.attached.iter().any(|known| known == arn) {
                    role.attached.push(arn.to_owned());
                }
                Ok(())
            })?;
        }
        _ => {
            let arn = asked.required("PolicyArn")?;
            asked.change(|account| {
                let role = role_mut(account, name)?;
                let before = role.attached.len();
                role.attached.retain(|known| known != arn);
                if role.attached.len() == before {
                    return Err(no_such(format!("Policy {arn} was not found.")));
                }
                Ok(())
            })?;
        }
    }
    Ok(xml)
}

pub(super) fn write_attached(xml: &mut Xml, attached: &[String]) {
    xml.text("IsTruncated", "false")
        .list("AttachedPolicies", attached, |xml, arn| {
            xml.text("PolicyName", arn.rsplit('/').next().unwrap_or(arn))
                .text("PolicyArn", arn);
        });
}

pub(super) fn check_attachable(account: &Account, arn: &str) -> Result<(), Fault> {
    // AWS's own policies are many, and only those with a known text decide anything.
    if arn.starts_with("arn:aws:iam::aws:policy/") || account.policies.contains_key(arn) {
        Ok(())
    } else {
        Err(no_such(format!(
            "Policy {arn} does not exist or is not attachable."
        )))
    }
}

pub(super) fn no_policy(kind: &str, policy: &str) -> Fault {
    no_such(format!(
        "The {kind} policy with name {policy} cannot be found."
    ))
}

pub(super) fn conflict(what: &str) -> Fault {
    Fault::new(&catalogue::CONFLICT).with("message", format!("Cannot delete entity, {what}."))
}

pub(super) fn check_name(at: &str, name: &str, longest: usize) -> Result<(), Fault> {
    let empty = crate::wire::Parameters::default();
    let mut shape = Shape::new(&empty);
    shape.member(at, name, 1..=longest, Some(shape::NAME));
    shape.finish()
}

pub(super) fn check_path(path: &str) -> Result<(), Fault> {
    let printable = path.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if path.len() <= 512 && path.starts_with('/') && path.ends_with('/') && printable {
        Ok(())
    } else {
        Err(Fault::new(&catalogue::VALIDATION).with("message", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."))
    }
}

fn head(xml: &mut Xml, asked: &Asked<'_>, role: &Role, trust_policy: &str) {
    xml.text("Path", &role.path)
        .text("RoleName", &role.name)
        .text("RoleId", &role.id)
        .text("Arn", &role.arn(&asked.account))
        .text("CreateDate", &iso(role.created))
        .text("AssumeRolePolicyDocument", &encoded(trust_policy));
}

fn describe(xml: &mut Xml, asked: &Asked<'_>, world: &World, role: &Role) {
    xml.element("Role", |xml| {
        head(
            xml,
            asked,
            role,
            &principals::shown(world, &role.trust_policy),
        );
        xml.optional("Description", role.description.as_deref())
            .text("MaxSessionDuration", &role.max_session_duration.to_string());
        if let Some(arn) = &role.permissions_boundary {
            xml.element("PermissionsBoundary", |xml| {
                xml.text("PermissionsBoundaryType", "Policy")
                    .text("PermissionsBoundaryArn", arn);
            });
        }
        if !role.tags.is_empty() {
            tags::write(xml, &role.tags);
        }
        xml.element("RoleLastUsed", |_| {});
    });
}

fn resource(asked: &Asked<'_>, name: &str) -> Result<String, Fault> {
    asked.read(|account| {
        Ok(account.role(name).map_or_else(
            || asked.arn(&format!("role/{name}")),
            |role| role.arn(&asked.account),
        ))
    })
}

fn role<'a>(account: &'a Account, name: &str) -> Result<&'a Role, Fault> {
    account.role(name).ok_or_else(|| no_role(name))
}

fn role_mut<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut Role, Fault> {
    account
        .roles
        .get_mut(&name.to_ascii_lowercase())
        .ok_or_else(|| no_role(name))
}

fn no_role(name: &str) -> Fault {
    no_such(format!("The role with name {name} cannot be found."))
}

const ROLES_OF_A_PAGE: usize = 100;
