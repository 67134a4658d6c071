//! Users, their access keys and policies.

use rolecall_trust::write_time;

use super::roles::{check_attachable, check_name, check_path, conflict, no_policy, write_attached};
use super::{Asked, encoded, exists, no_such, refused_policy, tags};
use crate::account::{Account, User};
use crate::clock::iso;
use crate::emulator::access_key;
use crate::identifier::{self, NoRandomness};
use crate::wire::{Fault, Xml, catalogue};

pub(crate) const ACTIONS: [&str; 19] = [
    "CreateUser",
    "GetUser",
    "ListUsers",
    "DeleteUser",
    "TagUser",
    "UntagUser",
    "ListUserTags",
    "ListGroupsForUser",
    "CreateAccessKey",
    "ListAccessKeys",
    "UpdateAccessKey",
    "DeleteAccessKey",
    "PutUserPolicy",
    "GetUserPolicy",
    "ListUserPolicies",
    "DeleteUserPolicy",
    "AttachUserPolicy",
    "DetachUserPolicy",
    "ListAttachedUserPolicies",
];

pub(super) fn run(asked: &Asked<'_>) -> Result<Xml, Fault> {
    match asked.action() {
        "CreateUser" => create(asked),
        "ListUsers" => list(asked),
        action if action.contains("AccessKey") => keys(asked),
        action if action.contains("UserPolic") || action.contains("AttachedUser") => {
            policies(asked)
        }
        _ => one(asked),
    }
}

fn create(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let name = asked.required("UserName")?;
    let path = asked.parameters().text("Path").unwrap_or("/");
    asked.authorize(&asked.arn(&format!("user{path}{name}")))?;
    check_name("userName", name, 64)?;
    check_path(path)?;
    let user = User {
        id: identifier::unique_id("AIDA")
            .map_err(|NoRandomness| Fault::new(&catalogue::INTERNAL))?,
        name: name.to_owned(),
        path: path.to_owned(),
        inline: Default::default(),
        attached: Vec::new(),
        keys: Vec::new(),
        tags: tags::read(asked.parameters())?,
        created: asked.call.now,
    };
    let mut xml = Xml::new();
    xml.element("User", |xml| write(xml, asked, &user));
    asked.change(|account| {
        let key = name.to_ascii_lowercase();
        if account.users.contains_key(&key) {
            return Err(exists(format!("User with name {name} already exists.")));
        }
        account.users.insert(key, user);
        Ok(())
    })?;
    Ok(xml)
}

fn list(asked: &Asked<'_>) -> Result<Xml, Fault> {
    asked.authorize(&asked.arn("user/"))?;
    asked.read(|account| {
        let mut xml = Xml::new();
        xml.text("IsTruncated", "false")
            .list("Users", account.users.values(), |xml, user| {
                write(xml, asked, user);
            });
        Ok(xml)
    })
}

/// Whom the call is about: `UserName`, else the caller.
fn named<'a>(asked: &'a Asked<'_>) -> Result<&'a str, Fault> {
    match asked.parameters().text("UserName") {
        Some(name) => Ok(name),
        None => asked.caller.user_name().ok_or_else(|| {
            Fault::new(&catalogue::VALIDATION).with(
                "message",
                "Must specify userName when calling with non-User credentials",
            )
        }),
    }
}

fn one(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let name = named(asked)?;
    authorize(asked, name)?;
    let parameters = asked.parameters();
    let mut xml = Xml::new();
    match asked.action() {
        "GetUser" => asked.read(|account| {
            let user = user(account, name)?;
            xml.element("User", |xml| {
                write(xml, asked, user);
                tags::write(xml, &user.tags);
            });
            Ok(())
        })?,
        "ListUserTags" => {
            return asked.read(|account| Ok(tags::answer(&user(account, name)?.tags)));
        }
        "ListGroupsForUser" => {
            asked.read(|account| user(account, name).map(|_| ()))?;
            xml.text("IsTruncated", "false").texts("Groups", []);
        }
        "DeleteUser" => asked.change(|account| {
            let found = user(account, name)?;
            if !found.keys.is_empty() {
                return Err(conflict("must delete access keys first"));
            }
            if !found.inline.is_empty() {
                return Err(conflict("must delete policies first"));
            }
            if !found.attached.is_empty() {
                return Err(conflict("must detach all policies first"));
            }
            account.users.remove(&name.to_ascii_lowercase());
            Ok(())
        })?,
        "TagUser" => {
            let new = tags::read(parameters)?;
            asked.change(|account| tags::add(&mut user_mut(account, name)?.tags, new))?;
        }
        _ => {
            asked.change(|account| tags::remove(&mut user_mut(account, name)?.tags, parameters))?
        }
    }
    Ok(xml)
}

fn keys(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let name = named(asked)?;
    authorize(asked, name)?;
    let mut xml = Xml::new();
    match asked.action() {
        "CreateAccessKey" => {
            let key = access_key(&asked.account, asked.call.now)
                .map_err(|NoRandomness| Fault::new(&catalogue::INTERNAL))?;
            xml.element("AccessKey", |xml| {
                xml.text("UserName", name)
                    .text("AccessKeyId", &key.id)
                    .text("Status", "Active")
                    .text("SecretAccessKey", key.secret.expose())
                    .text("CreateDate", &iso(key.created));
            });
            asked.change(|account| {
                let user = user_mut(account, name)?;
                if user.keys.len() >= KEYS {
                    return Err(Fault::new(&catalogue::LIMIT).with(
                        "message",
                        format!("Cannot exceed quota for AccessKeysPerUser: {KEYS}"),
                    ));
                }
                user.keys.push(key);
                Ok(())
            })?;
        }
        "ListAccessKeys" => asked.read(|account| {
            let user = user(account, name)?;
            xml.text("IsTruncated", "false")
                .list("AccessKeyMetadata", &user.keys, |xml, key| {
                    xml.text("UserName", &user.name)
                        .text("AccessKeyId", &key.id)
                        .text("Status", if key.active { "Active" } else { "Inactive" })
                        .text("CreateDate", &iso(key.created));
                });
            Ok(())
        })?,
        "UpdateAccessKey" => {
            let id = asked.required("AccessKeyId")?;
            let active = match asked.required("Status")? {
                "Active" => true,
                "Inactive" => false,
                other => {
                    return Err(Fault::new(&catalogue::VALIDATION).with("message", format!("1 validation error detected: Value '{other}' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive]")));
                }
            };
            asked.change(|account| {
                let user = user_mut(account, name)?;
                let key = user.keys.iter_mut().find(|key| key.id == id);
                key.ok_or_else(|| no_key(id))?.active = active;
                Ok(())
            })?;
        }
        _ => {
            let id = asked.required("AccessKeyId")?;
            asked.change(|account| {
                let user = user_mut(account, name)?;
                let before = user.keys.len();
                user.keys.retain(|key| key.id != id);
                if user.keys.len() == before {
                    return Err(no_key(id));
                }
                Ok(())
            })?;
        }
    }
    Ok(xml)
}

fn policies(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let name = named(asked)?;
    authorize(asked, name)?;
    let mut xml = Xml::new();
    match asked.action() {
        "PutUserPolicy" => {
            let policy = asked.required("PolicyName")?;
            let document = asked.required("PolicyDocument")?;
            check_name("policyName", policy, 128)?;
            write_time::validate_identity_policy(document).map_err(refused_policy)?;
            asked.change(|account| {
                user_mut(account, name)?
                    .inline
                    .insert(policy.to_owned(), document.to_owned());
                Ok(())
            })?;
        }
        "GetUserPolicy" => {
            let policy = asked.required("PolicyName")?;
            asked.read(|account| {
                let document = user(account, name)?
                    .inline
                    .get(policy)
                    .ok_or_else(|| no_policy("user", policy))?;
                xml.text("UserName", name)
                    .text("PolicyName", policy)
                    .text("PolicyDocument", &encoded(document));
                Ok(())
            })?;
        }
        "ListUserPolicies" => asked.read(|account| {
            let user = user(account, name)?;
            xml.text("IsTruncated", "false")
                .texts("PolicyNames", user.inline.keys().map(String::as_str));
            Ok(())
        })?,
        "DeleteUserPolicy" => {
            let policy = asked.required("PolicyName")?;
            asked.change(|account| {
                user_mut(account, name)?
                    .inline
                    .remove(policy)
                    .map(|_| ())
                    .ok_or_else(|| no_policy("user", policy))
            })?;
        }
        "ListAttachedUserPolicies" => asked.read(|account| {
            write_attached(&mut xml, &user(account, name)?.attached);
            Ok(())
        })?,
        "AttachUserPolicy" => {
            let arn = asked.required("PolicyArn")?;
            asked.change(|account| {
                check_attachable(account, arn)?;
                let user = user_mut(account, name)?;
                if !user.attached.iter().any(|known| known == arn) {
                    user.attached.push(arn.to_owned());
                }
                Ok(())
            })?;
        }
        _ => {
            let arn = asked.required("PolicyArn")?;
            asked.change(|account| {
                user_mut(account, name)?
                    .attached
                    .retain(|known| known != arn);
                Ok(())
            })?;
        }
    }
    Ok(xml)
}

fn authorize(asked: &Asked<'_>, name: &str) -> Result<(), Fault> {
    let resource = asked.read(|account| {
        Ok(account.user(name).map_or_else(
            || asked.arn(&format!("user/{name}")),
            |user| user.arn(&asked.account),
        ))
    })?;
    asked.authorize(&resource)
}

fn write(xml: &mut Xml, asked: &Asked<'_>, user: &User) {
    xml.text("Path", &user.path)
        .text("UserName", &user.name)
        .text("UserId", &user.id)
        .text("Arn", &user.arn(&asked.account))
        .text("CreateDate", &iso(user.created));
}

fn user<'a>(account: &'a Account, name: &str) -> Result<&'a User, Fault> {
    account.user(name).ok_or_else(|| no_user(name))
}

fn user_mut<'a>(account: &'a mut Account, name: &str) -> Result<&'a mut User, Fault> {
    account
        .users
        .get_mut(&name.to_ascii_lowercase())
        .ok_or_else(|| no_user(name))
}

fn no_user(name: &str) -> Fault {
    no_such(format!("The user with name {name} cannot be found."))
}

fn no_key(id: &str) -> Fault {
    no_such(format!("The Access Key with id {id} cannot be found."))
}

/// Access keys a user can have.
const KEYS: usize = 2;
