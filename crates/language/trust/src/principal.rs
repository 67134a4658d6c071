//! Whether a caller is one of the principals that a statement names.

use crate::policy::{Element, PrincipalEntry, PrincipalKind};
use crate::request::Principal;

/// How a caller is covered by a `Principal` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cover {
    /// Not at all.
    None,
    /// Through its account: the account still has to allow it by its own policies.
    Account,
    /// By itself.
    Itself,
}

/// A `Principal` or `NotPrincipal` element, ready to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompiledPrincipal {
    not: bool,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// `*`: every caller of AWS, signed or not, services too. Callers with a token are not covered.
    Everyone,
    Account(String),
    Aws(String),
    Federated(String),
    Service(String),
    /// Never a caller of STS.
    Other,
}

impl CompiledPrincipal {
    pub(crate) fn compile(element: &Element<PrincipalEntry>) -> Self {
        Self {
            not: element.not,
            entries: element.values.iter().map(Entry::compile).collect(),
        }
    }

    pub(crate) fn cover(&self, principal: &Principal) -> Cover {
        let cover = self
            .entries
            .iter()
            .map(|entry| entry.cover(principal))
            .max()
            .unwrap_or(Cover::None);
        match (self.not, cover) {
            (false, cover) => cover,
            (true, Cover::None) => Cover::Itself,
            (true, _) => Cover::None,
        }
    }
}

impl Entry {
    fn compile(entry: &PrincipalEntry) -> Self {
        let text = entry.value.text.clone();
        match entry.kind {
            PrincipalKind::Everyone => Self::Everyone,
            PrincipalKind::Aws if text == "*" => Self::Everyone,
            PrincipalKind::Aws => match account_of(&text) {
                Some(account) => Self::Account(account.to_owned()),
                None => Self::Aws(text),
            },
            PrincipalKind::Federated => Self::Federated(text),
            PrincipalKind::Service => Self::Service(text),
            PrincipalKind::CanonicalUser => Self::Other,
        }
    }

    fn cover(&self, principal: &Principal) -> Cover {
        let itself = match (self, principal) {
            (
                Self::Everyone,
                Principal::Aws { .. } | Principal::Service(_) | Principal::Anonymous,
            ) => true,
            (Self::Account(wanted), Principal::Aws { account, arn, .. }) => {
                if wanted != account {
                    return Cover::None;
                }
                if !arn.ends_with(":root") {
                    return Cover::Account;
                }
                true
            }
            (
                Self::Aws(wanted),
                Principal::Aws {
                    arn,
                    role,
                    unique_id,
                    ..
                },
            ) => {
                let by_role = match role {
                    Some(role) => role == wanted,
                    None => is_session_of(arn, wanted),
                };
                wanted == arn || by_role || unique_id.as_ref() == Some(wanted)
            }
            (Self::Federated(wanted), Principal::Federated(provider)) => wanted == provider,
            (Self::Service(wanted), Principal::Service(service)) => {
                wanted.eq_ignore_ascii_case(service)
            }
            _ => false,
        };
        if itself { Cover::Itself } else { Cover::None }
    }
}

/// Whether a session's ARN is one of a role's. The session's ARN leaves out the role's path, and
/// need not have it: role names are unique within an account.
fn is_session_of(session: &str, role: &str) -> bool {
    let session: Vec<&str> = session.splitn(6, ':').collect();
    let role: Vec<&str> = role.splitn(6, ':').collect();
    let (
        ["arn", partition, "sts", _, account, session],
        ["arn", role_partition, "iam", _, role_account, role],
    ) = (&session[..], &role[..])
    else {
        return false;
    };
    let assumed = session
        .strip_prefix("assumed-role/")
        .and_then(|rest| rest.split_once('/'))
        .map(|(name, _)| name);
    let named = role
        .strip_prefix("role/")
        .and_then(|path| path.rsplit('/').next());
    partition == role_partition
        && account == role_account
        && assumed.is_some_and(|name| !name.is_empty())
        && assumed == named
}

/// The account that `123456789012` or `arn:aws:iam::123456789012:root` stands for.
pub(crate) fn account_of(text: &str) -> Option<&str> {
    let account = match text.split(':').collect::<Vec<_>>()[..] {
        [bare] => bare,
        ["arn", _, "iam", "", account, "root"] => account,
        _ => return None,
    };
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some(account)
}
