//! Identity policies, as CreatePolicy and PutRolePolicy check them, in the order that IAM shows.

use rolecall_source::SourceText;

use super::{ConditionFault, WriteError, check_parameter, condition_fault, is_empty, texts_only};
use crate::policy::last;
use rolecall_documents::{Member, Node, json};

/// Checks an identity policy.
///
/// # Errors
/// What IAM answers: `MalformedPolicyDocument` or `ValidationError`.
pub fn validate_identity_policy(text: &str) -> Result<(), WriteError> {
    check_parameter(text, "policyDocument")?;
    let json = json(&SourceText::new("policy", text)).map_err(|_| syntax())?;
    let document = json.members().ok_or_else(syntax)?;
    let statements = grammar(document)?;
    if last(document, "Version").is_none_or(|version| version.value.text() != Some("2012-10-17")) {
        let message = "Policy document must be version 2012-10-17 or greater.";
        return Err(WriteError::malformed(message));
    }
    for statement in &statements {
        legacy(statement)?;
    }
    sids(&statements)?;
    for statement in &statements {
        if ["Action", "NotAction"]
            .iter()
            .all(|name| last(statement, name).is_none_or(|member| no_values(&member.value)))
        {
            let message = "Policy statement must contain actions.";
            return Err(WriteError::malformed(message));
        }
    }
    for statement in &statements {
        if ["Resource", "NotResource"]
            .iter()
            .all(|name| last(statement, name).is_none_or(|member| no_values(&member.value)))
        {
            let message = "Policy statement must contain resources.";
            return Err(WriteError::malformed(message));
        }
    }
    for resource in values(&statements, &["Resource", "NotResource"]) {
        check_resource(resource)?;
    }
    for action in values(&statements, &["Action", "NotAction"]) {
        check_action(action)?;
    }
    Ok(())
}

/// The JSON shape alone.
fn grammar(document: &[Member]) -> Result<Vec<&[Member]>, WriteError> {
    let known = |members: &[Member], names: &[&str]| {
        members.iter().all(|member| names.contains(&member.name()))
    };
    let text = |members: &[Member], name: &str| {
        last(members, name).is_none_or(|member| member.value.text().is_some())
    };
    let version = last(document, "Version").map(|version| version.value.text());
    if !known(document, &["Version", "Id", "Statement"])
        || !text(document, "Id")
        || !matches!(version, None | Some(Some("2012-10-17" | "2008-10-17")))
    {
        return Err(syntax());
    }
    let statements = last(document, "Statement").ok_or_else(syntax)?;
    if is_empty(&statements.value) {
        return Err(syntax());
    }
    let mut all = Vec::new();
    for statement in statements.value.elements() {
        let members = statement.members().ok_or_else(syntax)?;
        let effect = last(members, "Effect").and_then(|effect| effect.value.text());
        let both = |one, other| last(members, one).is_some() && last(members, other).is_some();
        let lists = ["Action", "NotAction", "Resource", "NotResource"];
        let fine = known(members, ELEMENTS)
            && text(members, "Sid")
            && effect.is_some_and(|effect| {
                effect.eq_ignore_ascii_case("Allow") || effect.eq_ignore_ascii_case("Deny")
            })
            && !both("Action", "NotAction")
            && !both("Resource", "NotResource")
            && lists
                .iter()
                .all(|name| last(members, name).is_none_or(|member| texts_only(&member.value)))
            && last(members, "Condition").is_none_or(|condition| {
                condition_fault(&condition.value) != Some(ConditionFault::Grammar)
            });
        if !fine {
            return Err(syntax());
        }
        all.push(members);
    }
    Ok(all)
}

/// What IAM calls "legacy parsing": ARNs without all their parts, values that their operator
/// cannot read, an effect in the wrong letter case.
fn legacy(statement: &[Member]) -> Result<(), WriteError> {
    let effect = last(statement, "Effect").and_then(|effect| effect.value.text());
    let condition = last(statement, "Condition");
    let arns_whole = values(&[statement], &["Resource", "NotResource"]).all(|resource| {
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, ref rest @ ..] if PARTITIONS.contains(&partition) => {
                rest.len() == 4 && !rest[0].is_empty()
            }
            _ => true,
        }
    });
    let fine = matches!(effect, Some("Allow" | "Deny"))
        && condition.is_none_or(|condition| condition_fault(&condition.value).is_none())
        && arns_whole;
    if fine {
        return Ok(());
    }
    Err(WriteError::malformed("The policy failed legacy parsing"))
}

fn sids(statements: &[&[Member]]) -> Result<(), WriteError> {
    let mut seen = Vec::new();
    for statement in statements {
        let Some(sid) = last(statement, "Sid").and_then(|sid| sid.value.text()) else {
            continue;
        };
        if !sid
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || char == '_')
        {
            let message = format!(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*: {sid}"
            );
            return Err(WriteError::malformed(message));
        }
        if !sid.is_empty() && seen.contains(&sid) {
            let message = "Statement IDs (SID) in a single policy must be unique.";
            return Err(WriteError::malformed(message));
        }
        seen.push(sid);
    }
    Ok(())
}

fn check_resource(resource: &str) -> Result<(), WriteError> {
    if resource == "*" {
        return Ok(());
    }
    let mut parts = resource.splitn(6, ':');
    parts.next();
    let rest: Vec<&str> = parts.collect();
    let Some(&partition) = rest.first() else {
        let message = format!("Resource {resource} must be in ARN format or \"*\".");
        return Err(WriteError::malformed(message));
    };
    if !PARTITIONS.contains(&partition) {
        let mut whole = rest.clone();
        whole.resize(5, "*");
        let whole = whole.join(":");
        let message =
            format!("Partition \"{partition}\" is not valid for resource \"arn:{whole}\".");
        return Err(WriteError::malformed(message));
    }
    if let ["s3", region, _, name] = rest[1..]
        && !region.is_empty()
        && !matches!(region, "*")
        && !name.starts_with("accesspoint/")
    {
        let message = format!("Resource {resource} can not contain region information.");
        return Err(WriteError::malformed(message));
    }
    Ok(())
}

fn check_action(action: &str) -> Result<(), WriteError> {
    if action == "*" {
        return Ok(());
    }
    let parts: Vec<&str> = action.split(':').collect();
    let [vendor, _] = parts[..] else {
        let message = match parts.len() {
            1 => "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            _ => "Actions/Condition can contain only one colon.",
        };
        return Err(WriteError::malformed(message));
    };
    let named = |char: char| char.is_ascii_alphanumeric() || "-._*?".contains(char);
    if vendor.is_empty() || !vendor.chars().all(named) {
        return Err(WriteError::malformed(format!(
            "Vendor {vendor} is not valid"
        )));
    }
    Ok(())
}

fn values<'a>(
    statements: &[&'a [Member]],
    names: &[&str],
) -> impl Iterator<Item = &'a str> + use<'a> {
    let mut found = Vec::new();
    for statement in statements {
        for name in names {
            if let Some(member) = last(statement, name) {
                found.extend(member.value.elements().iter().filter_map(Node::text));
            }
        }
    }
    found.into_iter()
}

/// A list without elements; an empty text is a value.
fn no_values(value: &Node) -> bool {
    value.elements().is_empty()
}

fn syntax() -> WriteError {
    WriteError::malformed("Syntax errors in policy.")
}

const ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
const PARTITIONS: &[&str] = &["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "*"];
