//! Misses of `Principal`, `Action` and `Resource`.

use super::placeholder::placeholder;
use super::{Cause, Mend, Miss, named, quoted, quoted_all};
use crate::verdict::{ElementProof, StatementProof, Verdict};

/// The elements of a statement that do not hold.
pub(super) fn misses(verdict: &Verdict, proof: &StatementProof) -> Vec<Miss> {
    let mut misses = Vec::new();
    if let Some(principal) = proof.principal.as_ref().filter(|one| !one.holds) {
        misses.push(caller(verdict, principal));
    }
    match &proof.action {
        Some(action) if !action.holds => misses.push(self::action(verdict, proof, action)),
        Some(_) => {}
        None => misses.push(Miss {
            cause: Cause::Action,
            part: "Action".to_owned(),
            expected: Vec::new(),
            actual: vec![verdict.action.clone()],
            message: "the statement has no `Action` and so applies to nothing".to_owned(),
            difference: None,
            mend: Mend {
                sentence: "Give the statement an `Action`.".to_owned(),
                line: Some(format!("\"Action\": {}", quoted(&verdict.action))),
            },
            place: proof.place,
        }),
    }
    if let Some(resource) = proof.resource.as_ref().filter(|one| !one.holds) {
        let line = Some(format!("\"Resource\": {}", quoted(&resource.actual)));
        misses.push(Miss {
            cause: Cause::Resource,
            message: format!(
                "`{}` does not cover the resource `{}`",
                resource.element, resource.actual
            ),
            mend: Mend {
                sentence: "Add the resource to the statement.".to_owned(),
                line,
            },
            ..plain(resource)
        });
    }
    misses
}

/// Whether the caller is missed only by its account, its path or a placeholder.
pub(super) fn nearly(verdict: &Verdict, proof: &StatementProof) -> bool {
    let own = tail(&verdict.principal);
    proof.principal.as_ref().is_some_and(|principal| {
        principal
            .expected
            .iter()
            .any(|text| placeholder(text).is_some() || loosely(tail(text), own))
    })
}

fn caller(verdict: &Verdict, principal: &ElementProof) -> Miss {
    let caller = &verdict.principal;
    let federated = verdict.principal_kind == "Federated";
    let plain = plain(principal);
    let line = match verdict.principal_kind.as_str() {
        "AWS" => Some(format!(
            "\"Principal\": {{ \"AWS\": {} }}",
            quoted(&role_of(caller))
        )),
        "Federated" | "Service" => Some(format!(
            "\"Principal\": {{ \"{}\": {} }}",
            verdict.principal_kind,
            quoted(caller)
        )),
        _ => None,
    };
    let mend = |sentence: String| Mend {
        sentence,
        line: line.clone(),
    };
    if let Some(mark) = principal.expected.iter().find_map(|text| placeholder(text)) {
        return Miss {
            cause: Cause::Placeholder,
            message: format!("the principal still has the placeholder `{mark}`"),
            mend: mend(format!("Replace `{mark}` by its value.")),
            ..plain
        };
    }
    let own = tail(caller);
    let same_name = principal
        .expected
        .iter()
        .find(|text| tail(text) == own && own != caller.as_str());
    if let Some(other) = same_name {
        let there = account(other).unwrap_or("another account");
        let here = account(caller).unwrap_or("another account");
        return Miss {
            cause: Cause::Account,
            message: format!("the principal is in account {there}, the caller in account {here}"),
            mend: mend(match federated {
                true => "An identity provider and the roles that trust it live in one account: name the provider of this account.".to_owned(),
                false => "Name the caller's own account.".to_owned(),
            }),
            ..plain
        };
    }
    if federated {
        let near = principal
            .expected
            .iter()
            .find(|text| loosely(tail(text), own));
        let message = match near {
            Some(near) => format!(
                "the provider is spelt `{}`, the token's issuer is `{own}`",
                tail(near)
            ),
            None if principal
                .expected
                .iter()
                .all(|text| !text.starts_with("Federated")) =>
            {
                format!(
                    "{} does not cover callers with a token",
                    named(&principal.expected)
                )
            }
            None => format!(
                "the statement trusts {}, the token comes from `{own}`",
                named(
                    &principal
                        .expected
                        .iter()
                        .map(|text| tail(text).to_owned())
                        .collect::<Vec<_>>()
                )
            ),
        };
        let sentence = match near {
            Some(_) => {
                "Letter case and a trailing slash count: name the provider as it is registered."
            }
            None => "Name the provider that issues the token.",
        };
        return Miss {
            cause: Cause::Provider,
            message,
            mend: mend(sentence.to_owned()),
            ..plain
        };
    }
    let gone = principal
        .expected
        .iter()
        .find(|text| text.starts_with("AWS: AIDA") || text.starts_with("AWS: AROA"));
    let message = match gone {
        Some(id) => format!(
            "`{}` is the ID of a principal that was deleted; one of the same name does not inherit its trust",
            tail(id)
        ),
        None => format!("`{}` does not cover `{caller}`", principal.element),
    };
    Miss {
        cause: Cause::Principal,
        message,
        mend: mend("Name the caller in `Principal`.".to_owned()),
        ..plain
    }
}

fn action(verdict: &Verdict, proof: &StatementProof, action: &ElementProof) -> Miss {
    let asked = &verdict.action;
    let (cause, message, sentence) = match asked.to_ascii_lowercase().as_str() {
        "sts:tagsession" => (
            Cause::TagSessionMissing,
            "session tags are passed and `sts:TagSession` is not allowed".to_owned(),
            "Allow `sts:TagSession` beside the assume action, for the same principal, or pass no tags.".to_owned(),
        ),
        "sts:setsourceidentity" => (
            Cause::SetSourceIdentityMissing,
            "a source identity is set and `sts:SetSourceIdentity` is not allowed".to_owned(),
            "Allow `sts:SetSourceIdentity` beside the assume action, for the same principal, or set none.".to_owned(),
        ),
        _ => (
            Cause::Action,
            format!(
                "the statement {} {}, the call is `{asked}`",
                if proof.action.as_ref().is_some_and(|one| one.element == "NotAction") {
                    "allows everything but"
                } else {
                    "allows"
                },
                named(&action.expected)
            ),
            format!("Allow `{asked}`."),
        ),
    };
    let mut wanted: Vec<String> = match (cause, action.element.as_str()) {
        (Cause::Action, _) | (_, "NotAction") => Vec::new(),
        _ => action.expected.clone(),
    };
    wanted.push(asked.clone());
    Miss {
        cause,
        message,
        mend: Mend {
            sentence,
            line: Some(format!("\"Action\": {}", quoted_all(&wanted))),
        },
        ..plain(action)
    }
}

fn plain(element: &ElementProof) -> Miss {
    Miss {
        cause: Cause::Value,
        part: element.element.clone(),
        expected: element.expected.clone(),
        actual: vec![element.actual.clone()],
        message: String::new(),
        difference: None,
        mend: Mend {
            sentence: String::new(),
            line: None,
        },
        place: element.place,
    }
}

/// What identifies a principal within its account: the provider's URL, or the resource of its ARN.
fn tail(text: &str) -> &str {
    let text = text.split_once(": ").map_or(text, |(_, name)| name);
    if let Some((_, url)) = text.split_once(":oidc-provider/") {
        return url;
    }
    text.splitn(6, ':').nth(5).unwrap_or(text)
}

fn account(text: &str) -> Option<&str> {
    let text = text.split_once(": ").map_or(text, |(_, name)| name);
    text.split(':').nth(4)
}

/// The same but for letter case and a trailing slash.
fn loosely(one: &str, other: &str) -> bool {
    one.trim_end_matches('/')
        .eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// The role behind a session, as far as its ARN tells (it leaves out the role's path).
fn role_of(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    if let ["arn", partition, "sts", _, account, resource] = parts[..]
        && let Some(rest) = resource.strip_prefix("assumed-role/")
        && let Some((name, _)) = rest.split_once('/')
    {
        return format!("arn:{partition}:iam::{account}:role/{name}");
    }
    arn.to_owned()
}
