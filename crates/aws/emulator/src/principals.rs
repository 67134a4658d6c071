//! Principals of trust policies as IAM keeps them: accounts as their root ARN, roles and users by
//! unique ID, so that one who is made again under an old name is not trusted.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use rolecall_names::{AccountId, Arn};
use rolecall_source::SourceText;
use rolecall_trust::Policy;

use crate::wire::{Fault, catalogue};
use crate::world::World;

/// A trust policy as it is kept. A role or user of an emulated account must exist; of other accounts
/// nothing is known, and their principals stay as written.
pub(crate) fn kept(world: &World, trust_policy: &str) -> Result<String, Fault> {
    rewritten(trust_policy, |principal| {
        if let Ok(account) = principal.parse::<AccountId>() {
            return Ok(Some(format!("arn:aws:iam::{account}:root")));
        }
        let Ok(arn) = principal.parse::<Arn>() else {
            return Ok(None);
        };
        let Ok(id) = arn.account().parse::<AccountId>() else {
            return Ok(None);
        };
        let Some(account) = world.account(&id) else {
            return Ok(None);
        };
        let resource = arn.resource();
        let name = resource.rsplit('/').next().unwrap_or_default();
        let known = match (arn.service(), resource.split_once('/')) {
            ("iam", Some(("role", _))) => account
                .role(name)
                .filter(|role| role.arn(&id) == principal)
                .map(|role| &role.id),
            ("iam", Some(("user", _))) => account
                .user(name)
                .filter(|user| user.arn(&id) == principal)
                .map(|user| &user.id),
            _ => return Ok(None),
        };
        match known {
            Some(id) => Ok(Some(id.clone())),
            None => Err(Fault::new(&catalogue::MALFORMED_POLICY).with(
                "message",
                format!("Invalid principal in policy: \"AWS\":\"{principal}\""),
            )),
        }
    })
}

/// A trust policy as it is shown: unique IDs as ARNs again, where there still is somebody behind.
pub(crate) fn shown(world: &World, kept: &str) -> String {
    // Nothing here refuses, so that only a text that cannot be read is left as it is.
    rewritten(kept, |principal| Ok(arn_of(world, principal)))
        .unwrap_or_else(|_: Fault| kept.to_owned())
}

/// The unique IDs of a trust policy behind which there is nobody any more.
pub(crate) fn gone(world: &World, kept: &str) -> Vec<String> {
    Policy::parse(&SourceText::new("policy", kept)).map_or_else(
        |_| Vec::new(),
        |policy| {
            policy
                .aws_principals()
                .map(|(principal, _)| principal)
                .filter(|id| is_unique_id(id) && arn_of(world, id).is_none())
                .map(str::to_owned)
                .collect()
        },
    )
}

fn is_unique_id(principal: &str) -> bool {
    principal.starts_with("AROA") || principal.starts_with("AIDA")
}

fn arn_of(world: &World, unique_id: &str) -> Option<String> {
    if !is_unique_id(unique_id) {
        return None;
    }
    world.accounts.iter().find_map(|(id, account)| {
        let role = account.roles.values().find(|role| role.id == unique_id);
        let user = || account.users.values().find(|user| user.id == unique_id);
        role.map(|role| role.arn(id))
            .or_else(|| user().map(|user| user.arn(id)))
    })
}

/// The text with some of its `AWS` principals replaced, and all else as it was written.
fn rewritten(
    text: &str,
    replacement: impl Fn(&str) -> Result<Option<String>, Fault>,
) -> Result<String, Fault> {
    let Ok(policy) = Policy::parse(&SourceText::new("policy", text)) else {
        return Ok(text.to_owned());
    };
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (principal, span) in policy.aws_principals() {
        let (Some(before), Some(new)) = (text.get(copied..span.start), replacement(principal)?)
        else {
            continue;
        };
        out.push_str(before);
        out.push_str(&serde_json::Value::from(new).to_string());
        copied = span.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Ok(out)
}
