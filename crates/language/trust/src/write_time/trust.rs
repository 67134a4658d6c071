//! Trust policies, as CreateRole and UpdateAssumeRolePolicy check them.

use rolecall_source::SourceText;

use super::texts_only;
use super::{WriteError, check_parameter, condition_fault, counted_size, is_empty, shared_issuers};
use crate::policy::{STATEMENT_ELEMENTS, last};
use crate::principal::account_of;
use crate::wildcard::Wildcard;
use rolecall_documents::{Member, Node, json};

/// Checks a trust policy under the default quota of 2048 characters.
///
/// # Errors
/// What IAM answers: `MalformedPolicyDocument`, `LimitExceeded`, or `ValidationError`.
pub fn validate_trust_policy(text: &str) -> Result<(), WriteError> {
    validate_trust_policy_within(text, DEFAULT_QUOTA)
}

/// Checks a trust policy under a raised quota, in characters without whitespace outside of texts;
/// AWS raises it to 4096 at most.
///
/// # Errors
/// As [`validate_trust_policy`].
pub fn validate_trust_policy_within(text: &str, quota: usize) -> Result<(), WriteError> {
    check_parameter(text, "assumeRolePolicyDocument")?;
    if counted_size(text) > quota {
        let message = format!("Cannot exceed quota for ACLSizePerRole: {quota}");
        return Err(WriteError::limit(message));
    }
    let json = json(&SourceText::new("policy", text))
        .map_err(|_| WriteError::malformed("This policy contains invalid Json"))?;
    let document = json.members().ok_or_else(syntax)?;
    only_known(document, &["Version", "Id", "Statement"])?;
    if let Some(version) = last(document, "Version")
        && !matches!(version.value.text(), Some("2012-10-17" | "2008-10-17"))
    {
        let message = "The policy must contain a valid version string";
        return Err(WriteError::malformed(message));
    }
    if last(document, "Id").is_some_and(|id| id.value.text().is_none()) {
        return Err(syntax());
    }
    let statements = match last(document, "Statement") {
        Some(member) if !is_empty(&member.value) => member.value.elements(),
        _ => {
            let message = "Could not parse the policy: Statement is empty!";
            return Err(WriteError::malformed(message));
        }
    };
    let mut sids = Vec::new();
    for statement in statements {
        let members = statement.members().ok_or_else(syntax)?;
        check_statement(members)?;
        if let Some(sid) = last(members, "Sid").and_then(|sid| sid.value.text())
            && !sid.is_empty()
        {
            if sids.contains(&sid) {
                let message = "The Statement Ids in the policy are not unique";
                return Err(WriteError::malformed(message));
            }
            sids.push(sid);
        }
    }
    Ok(())
}

fn check_statement(statement: &[Member]) -> Result<(), WriteError> {
    only_known(statement, STATEMENT_ELEMENTS)?;
    if let Some(sid) = last(statement, "Sid") {
        let text = sid.value.text().ok_or_else(syntax)?;
        if !text.chars().all(|char| char.is_ascii_alphanumeric()) {
            return Err(syntax());
        }
    }
    let effect = last(statement, "Effect").ok_or_else(|| missing("Effect"))?;
    match effect.value.text() {
        Some("Allow" | "Deny") => {}
        Some(other) => return Err(WriteError::malformed(format!("Invalid effect: {other}"))),
        None => return Err(syntax()),
    }
    if last(statement, "NotPrincipal").is_some() {
        let message = "AssumeRole policy must not contain NotPrincipal field.";
        return Err(WriteError::malformed(message));
    }
    if last(statement, "Resource").is_some() || last(statement, "NotResource").is_some() {
        return Err(WriteError::malformed("Has prohibited field Resource"));
    }
    let principal = last(statement, "Principal").ok_or_else(|| missing("Principal"))?;
    let federated = check_principal(&principal.value)?;
    let web_identity = check_actions(statement)?;
    let condition = last(statement, "Condition").map(|member| &member.value);
    if condition.is_some_and(|condition| condition_fault(condition).is_some()) {
        return Err(syntax());
    }
    if federated.contains(&COGNITO) && condition.is_none_or(is_empty) {
        let message = "A condition block must be present for the Cognito provider";
        return Err(WriteError::malformed(message));
    }
    let allows = effect.value.text() == Some("Allow");
    if allows
        && web_identity
        && let Some(keys) = shared_issuers::missing(statement, federated)
    {
        let message = format!(
            "Missing required condition in trust policy: {}",
            keys.join(" or ")
        );
        return Err(WriteError::malformed(message));
    }
    Ok(())
}

/// Checks the principals and answers with the federated ones.
fn check_principal(principal: &Node) -> Result<Vec<&str>, WriteError> {
    if principal.text() == Some("*") {
        return Ok(Vec::new());
    }
    if is_empty(principal) {
        let message = "Missing required field Principal cannot be empty!";
        return Err(WriteError::malformed(message));
    }
    let kinds = principal
        .members()
        .ok_or_else(|| WriteError::malformed("Principal must be a JSON object."))?;
    let mut federated = Vec::new();
    for kind in kinds {
        if is_empty(&kind.value) {
            let message = "Missing required field Principal cannot be empty!";
            return Err(WriteError::malformed(message));
        }
        for value in kind.value.elements() {
            let text = value.text().ok_or_else(syntax)?;
            let fits = match kind.name() {
                "AWS" => aws(text),
                "Service" => service(text),
                "Federated" => {
                    if !provider(text) {
                        let message =
                            "Federated principals must be valid domain names or SAML metadata ARNs";
                        return Err(WriteError::malformed(message));
                    }
                    federated.push(text);
                    true
                }
                "CanonicalUser" => false,
                _ => return Err(syntax()),
            };
            if !fits {
                return Err(invalid_principal(kind.name(), text));
            }
        }
    }
    Ok(federated)
}

/// Checks the actions and answers whether AssumeRoleWithWebIdentity is one of them.
fn check_actions(statement: &[Member]) -> Result<bool, WriteError> {
    let only_assume =
        || WriteError::malformed("AssumeRole policy may only specify STS AssumeRole actions.");
    if last(statement, "NotAction").is_some() {
        return Err(only_assume());
    }
    let action = last(statement, "Action").ok_or_else(|| missing("Action"))?;
    if is_empty(&action.value) {
        return Err(missing("Action"));
    }
    if !texts_only(&action.value) {
        return Err(syntax());
    }
    let mut web_identity = false;
    for text in action.value.elements().iter().filter_map(Node::text) {
        let lower = text.to_ascii_lowercase();
        let pattern = Wildcard::new(&lower);
        let names_any = ACTIONS.iter().any(|known| pattern.matches(known));
        if matches!(lower.as_str(), "*" | "sts:*") || !lower.starts_with("sts:") || !names_any {
            return Err(only_assume());
        }
        web_identity |= pattern.matches("sts:assumerolewithwebidentity");
    }
    Ok(web_identity)
}

fn aws(text: &str) -> bool {
    if text == "*" || account_of(text).is_some() {
        return true;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", partition, service, "", account, resource] = parts[..] {
        let kinds: &[&str] = match service {
            "iam" => &["user/", "role/"],
            "sts" => &["assumed-role/", "federated-user/"],
            _ => return false,
        };
        let named = kinds.iter().any(|kind| {
            resource
                .strip_prefix(kind)
                .is_some_and(|rest| !rest.is_empty())
        });
        return PARTITIONS.contains(&partition)
            && account_of(account).is_some()
            && named
            && !text.contains(['*', '?']);
    }
    // A unique ID, as IAM shows it once the principal behind it is gone.
    let id = text.starts_with("AIDA") || text.starts_with("AROA");
    id && text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn service(text: &str) -> bool {
    text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn")
}

fn provider(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", partition, "iam", "", account, resource] = parts[..] {
        let named = ["oidc-provider/", "saml-provider/"].iter().any(|kind| {
            resource
                .strip_prefix(kind)
                .is_some_and(|rest| !rest.is_empty() && !rest.contains(['*', '?', ' ']))
        });
        return PARTITIONS.contains(&partition) && account_of(account).is_some() && named;
    }
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty()
                && label
                    .chars()
                    .all(|char| char.is_ascii_alphanumeric() || char == '-')
        })
}

fn only_known(members: &[Member], known: &[&str]) -> Result<(), WriteError> {
    let all_known = members.iter().all(|member| known.contains(&member.name()));
    if all_known { Ok(()) } else { Err(syntax()) }
}

fn syntax() -> WriteError {
    WriteError::malformed("Syntax error in policy.")
}

fn missing(field: &str) -> WriteError {
    WriteError::malformed(format!("Missing required field {field}"))
}

fn invalid_principal(kind: &str, value: &str) -> WriteError {
    let kind = kind.to_uppercase();
    WriteError::malformed(format!(
        "Invalid principal in policy: \"{kind}\":\"{value}\""
    ))
}

const DEFAULT_QUOTA: usize = 2048;
const COGNITO: &str = "cognito-identity.amazonaws.com";
const PARTITIONS: &[&str] = &["aws", "aws-cn", "aws-us-gov"];
const ACTIONS: &[&str] = &[
    "sts:assumerole",
    "sts:assumerolewithwebidentity",
    "sts:assumerolewithsaml",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
];
