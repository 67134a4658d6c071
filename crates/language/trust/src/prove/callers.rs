//! Who can ask STS for what: one caller for each kind that two policies tell apart, with the
//! actions that such a caller can ask for.

use crate::policy::{Policy, PrincipalEntry, PrincipalKind};
use crate::principal::account_of;
use crate::request::Principal;

/// Callers that stand for all that the policies can tell apart: each one that is named, a stranger
/// in each account that is named, and strangers altogether. Callers with a token come first.
pub(super) fn callers(policies: [&Policy; 2]) -> Vec<Principal> {
    let mut federated: Vec<Principal> = Vec::new();
    let (mut named, mut strangers) = (Vec::new(), Vec::new());
    let mut services: Vec<Principal> = Vec::new();
    let entries: Vec<&PrincipalEntry> = policies
        .into_iter()
        .flat_map(|policy| &policy.statements)
        .filter_map(|statement| statement.principal.as_ref())
        .flat_map(|element| &element.values)
        .collect();
    // A name of users and sessions that no entry ends with.
    let mut names = std::iter::once("x".to_owned()).chain((1..).map(|number| format!("x{number}")));
    let free = |name: &String| {
        let end = format!("/{name}");
        !entries.iter().any(|entry| entry.value.text.ends_with(&end))
    };
    let fresh = names.find(free).unwrap_or_default();
    let stranger = |account: &str| Principal::aws(format!("arn:aws:iam::{account}:user/{fresh}"));
    for entry in &entries {
        let text = entry.value.text.as_str();
        match entry.kind {
            PrincipalKind::Federated => federated.push(Principal::Federated(text.to_owned())),
            PrincipalKind::Service => services.push(Principal::Service(text.to_owned())),
            PrincipalKind::Aws if text != "*" => match account_of(text) {
                Some(account) => {
                    strangers.push(stranger(account));
                    strangers.push(Principal::aws(format!("arn:aws:iam::{account}:root")));
                }
                None => {
                    let caller = named_caller(text, &fresh);
                    if let Principal::Aws { account, .. } = &caller {
                        strangers.push(stranger(account));
                    }
                    named.push(caller);
                }
            },
            PrincipalKind::Everyone | PrincipalKind::Aws | PrincipalKind::CanonicalUser => {}
        }
    }
    let mentioned = |name: &str| {
        let all = federated.iter().chain(&services);
        all.into_iter().any(|principal| principal.name() == name)
    };
    let provider = (0..)
        .map(|number| format!("arn:aws:iam::111122223333:oidc-provider/idp{number}.example.com"))
        .find(|arn| !mentioned(arn));
    let account = (0..)
        .map(|number| format!("{:012}", 999_999_999_999_u64 - number))
        .find(|account| {
            strangers.iter().all(
                |known| !matches!(known, Principal::Aws { account: other, .. } if other == account),
            )
        });
    let service = (0..)
        .map(|number| format!("service{number}.amazonaws.com"))
        .find(|name| !mentioned(name));
    federated.extend(provider.map(Principal::Federated));
    strangers.extend(account.map(|account| stranger(&account)));
    services.extend(service.map(Principal::Service));
    let mut callers: Vec<Principal> = Vec::new();
    for caller in [federated, named, strangers, services].concat() {
        if !callers.contains(&caller) {
            callers.push(caller);
        }
    }
    callers
}

/// The caller that the text of an `AWS` principal names: of a role, one of its sessions.
fn named_caller(text: &str, fresh: &str) -> Principal {
    if !text.starts_with("arn:") {
        let arn = format!("arn:aws:iam::111122223333:user/{fresh}");
        return Principal::Aws {
            arn,
            account: "111122223333".to_owned(),
            role: None,
            unique_id: Some(text.to_owned()),
        };
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", partition, "iam", _, account, resource] = parts[..]
        && let Some(path) = resource.strip_prefix("role/")
    {
        let name = path.rsplit('/').next().unwrap_or(path);
        let session = format!("arn:{partition}:sts::{account}:assumed-role/{name}/{fresh}");
        return Principal::session(session, text);
    }
    Principal::aws(text)
}

/// What such a caller can ask STS for that a role's trust policy decides.
pub(super) fn actions(caller: &Principal) -> &'static [&'static str] {
    match caller {
        Principal::Federated(name) if name.contains(":saml-provider/") => SAML,
        Principal::Federated(_) => WEB_IDENTITY,
        Principal::Aws { .. } | Principal::Service(_) => SIGNED,
        Principal::Anonymous => &[],
    }
}

const WEB_IDENTITY: &[&str] = &[
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:SetSourceIdentity",
];
const SAML: &[&str] = &[
    "sts:AssumeRoleWithSAML",
    "sts:TagSession",
    "sts:SetSourceIdentity",
];
const SIGNED: &[&str] = &[
    "sts:AssumeRole",
    "sts:TagSession",
    "sts:SetSourceIdentity",
    "sts:SetContext",
];
