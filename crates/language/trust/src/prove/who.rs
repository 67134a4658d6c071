//! Who can assume what: many roles, many callers with tokens, every pair answered as a decision
//! would answer it.
//!
//! Roles with the same policy are looked at once. Callers that differ only in what their tokens
//! say of the subject are taken together: conditions on anything else are settled once for all of
//! them. What is left of a policy is mostly a list of subjects or patterns, and those of all
//! policies go into one index. A condition of another kind is evaluated in full, for those callers
//! only that the index lets through.

use std::collections::HashMap;

use super::compare::{Answer, reachable};
use crate::compiled::Decision;
use crate::policy::{Effect, Policy, PrincipalKind};
use crate::request::Context;
use crate::web_identity::WebIdentity;
use index::Index;
use read::{Read, Varying};

mod index;
mod read;

/// Who can assume what. Roles and callers go by their numbers in the lists that were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Callers that can assume the same roles, the largest groups first; callers that can assume
    /// none are a group too.
    pub groups: Vec<Group>,
    /// Roles that admit any subject of an issuer, whatever else they ask for.
    pub open: Vec<usize>,
    /// Roles that none of the callers can assume.
    pub unused: Vec<usize>,
    /// Of those, the ones whose policy admits nobody at all.
    pub closed: Vec<usize>,
    /// For each caller the number of its group.
    pub group_of: Vec<usize>,
}

/// Callers that can assume the same roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The callers, in order.
    pub callers: Vec<usize>,
    /// The roles, in order.
    pub roles: Vec<usize>,
}

impl Reach {
    /// Whether a caller can assume a role.
    pub fn admits(&self, caller: usize, role: usize) -> bool {
        let group = self
            .group_of
            .get(caller)
            .and_then(|at| self.groups.get(*at));
        group.is_some_and(|group| group.roles.binary_search(&role).is_ok())
    }

    /// How many pairs of a caller and a role there are.
    pub fn pairs(&self) -> usize {
        let sizes = self.groups.iter();
        sizes
            .map(|group| group.callers.len() * group.roles.len())
            .sum()
    }
}

/// Tells for each role and caller whether the role's trust policy admits the caller's token, tags
/// and source identity included. Keys that a token does not give are absent.
pub fn who(roles: &[Policy], callers: &[WebIdentity]) -> Reach {
    let (policies, policy_of) = distinct(roles);
    let read: Vec<Read<'_>> = policies.iter().map(|at| Read::new(&roles[*at])).collect();
    let by_provider = by_provider(&read);
    let mut alike: HashMap<Alike<'_>, Vec<usize>> = HashMap::new();
    for (number, caller) in callers.iter().enumerate() {
        alike.entry(Alike::new(caller)).or_default().push(number);
    }
    let mut sets: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut group_of = vec![0; callers.len()];
    for numbers in alike.into_values() {
        let first = &callers[numbers[0]];
        let claims = numbers.iter().any(|at| !callers[*at].claims.is_empty());
        let tagged = numbers.iter().any(|at| callers[*at].varies());
        let prefix = first.prefix.to_lowercase();
        let varying = Varying {
            subject: format!("{prefix}:sub"),
            prefix,
            claims,
            tagged,
        };
        let relevant = by_provider
            .get(first.provider.as_str())
            .or_else(|| by_provider.get(""));
        let Some(relevant) = relevant else {
            assign(&mut sets, &mut members, &mut group_of, Vec::new(), &numbers);
            continue;
        };
        let whole = first.requests(Context::new());
        let mut index = Index::default();
        for policy in relevant {
            read[*policy as usize].enter(*policy, &whole, &varying, &mut index);
        }
        index.build();
        for number in numbers {
            let caller = &callers[number];
            let mut context = None;
            let mut found = index.find(&caller.subject);
            found.retain(|entry| {
                !entry.verify || {
                    let requests = context.get_or_insert_with(|| caller.requests(Context::new()));
                    let policy = &read[entry.policy as usize].compiled;
                    let mut all = requests.iter();
                    all.all(|request| policy.decide(request) == Decision::Allow)
                }
            });
            let mut set: Vec<u32> = found.into_iter().map(|entry| entry.policy).collect();
            set.sort_unstable();
            set.dedup();
            assign(&mut sets, &mut members, &mut group_of, set, &[number]);
        }
    }
    let mut roles_of: Vec<Vec<usize>> = vec![Vec::new(); policies.len()];
    for (role, policy) in policy_of.iter().enumerate() {
        roles_of[*policy].push(role);
    }
    finish(&read, &roles_of, sets, members, group_of)
}

fn finish(
    read: &[Read<'_>],
    roles_of: &[Vec<usize>],
    sets: HashMap<Vec<u32>, usize>,
    members: Vec<Vec<usize>>,
    group_of: Vec<usize>,
) -> Reach {
    let mut used = vec![false; read.len()];
    let mut groups: Vec<Group> = members
        .into_iter()
        .map(|callers| Group {
            callers,
            roles: Vec::new(),
        })
        .collect();
    for (set, at) in sets {
        for policy in &set {
            used[*policy as usize] = true;
        }
        let mut roles: Vec<usize> = set
            .iter()
            .flat_map(|policy| roles_of[*policy as usize].iter().copied())
            .collect();
        roles.sort_unstable();
        groups[at].roles = roles;
        groups[at].callers.sort_unstable();
    }
    groups.sort_by(|one, other| {
        let sizes = other.callers.len().cmp(&one.callers.len());
        sizes.then_with(|| one.callers.cmp(&other.callers))
    });
    let mut reach = Reach {
        groups,
        group_of,
        open: Vec::new(),
        unused: Vec::new(),
        closed: Vec::new(),
    };
    for (at, group) in reach.groups.iter().enumerate() {
        for caller in &group.callers {
            reach.group_of[*caller] = at;
        }
    }
    for (policy, roles) in roles_of.iter().enumerate() {
        if read[policy].is_open() {
            reach.open.extend(roles);
        }
        if !used[policy] {
            reach.unused.extend(roles);
            if reachable(&read[policy].compiled) == Answer::Nothing {
                reach.closed.extend(roles);
            }
        }
    }
    reach.open.sort_unstable();
    reach.unused.sort_unstable();
    reach.closed.sort_unstable();
    reach
}

fn assign(
    sets: &mut HashMap<Vec<u32>, usize>,
    members: &mut Vec<Vec<usize>>,
    group_of: &mut [usize],
    set: Vec<u32>,
    callers: &[usize],
) {
    let at = *sets.entry(set).or_insert_with(|| {
        members.push(Vec::new());
        members.len() - 1
    });
    members[at].extend(callers);
    for caller in callers {
        group_of[*caller] = at;
    }
}

/// The first role with each policy, and for each role the number of its policy among those.
fn distinct(roles: &[Policy]) -> (Vec<usize>, Vec<usize>) {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut firsts = Vec::new();
    let policy_of = roles
        .iter()
        .enumerate()
        .map(|(role, policy)| {
            *numbers.entry(spelt(policy)).or_insert_with(|| {
                firsts.push(role);
                firsts.len() - 1
            })
        })
        .collect();
    (firsts, policy_of)
}

/// All of a policy that decides, as one text.
fn spelt(policy: &Policy) -> String {
    let mut text = String::with_capacity(256);
    let mut put = |part: &str| {
        text.push_str(part);
        // The length keeps parts apart, whatever they contain.
        text.push_str(&format!("\u{0}{}\u{0}", part.len()));
    };
    put(if policy.variables { "v" } else { "" });
    for statement in &policy.statements {
        put(match statement.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        });
        if let Some(principal) = &statement.principal {
            put(if principal.not {
                "not principal"
            } else {
                "principal"
            });
            for entry in &principal.values {
                put(entry.kind.as_str());
                put(&entry.value.text);
            }
        }
        for (name, element) in [
            ("action", &statement.action),
            ("resource", &statement.resource),
        ] {
            if let Some(element) = element {
                put(name);
                put(if element.not { "not" } else { "" });
                for value in &element.values {
                    put(&value.text);
                }
            }
        }
        for condition in &statement.conditions {
            put("condition");
            put(&condition.operator_name);
            put(&condition.key);
            for value in &condition.values {
                put(if value.symbolic { "symbolic" } else { "" });
                put(&value.text);
            }
        }
    }
    text
}

/// For each provider the policies that may be about it; under the empty name those that may be
/// about any.
fn by_provider(read: &[Read<'_>]) -> HashMap<String, Vec<u32>> {
    let mut any: Vec<u32> = Vec::new();
    let mut named: HashMap<String, Vec<u32>> = HashMap::new();
    for (number, policy) in (0_u32..).zip(read) {
        let mut allows = policy.statements().filter_map(|(statement, _)| {
            (statement.effect == Effect::Allow).then_some(&statement.principal)
        });
        let wide = |principal: &&Option<_>| {
            principal
                .as_ref()
                .is_none_or(|principal: &crate::policy::Element<_>| principal.not)
        };
        if allows.clone().any(|principal| wide(&principal)) {
            any.push(number);
            continue;
        }
        let entries = allows
            .by_ref()
            .flatten()
            .flat_map(|principal| &principal.values);
        for entry in entries.filter(|entry| entry.kind == PrincipalKind::Federated) {
            let own = named.entry(entry.value.text.clone()).or_default();
            if own.last() != Some(&number) {
                own.push(number);
            }
        }
    }
    for own in named.values_mut() {
        own.extend(&any);
    }
    if !any.is_empty() {
        named.insert(String::new(), any);
    }
    named
}

/// What callers have in common that are looked at together.
#[derive(PartialEq, Eq, Hash)]
struct Alike<'c> {
    provider: &'c str,
    prefix: &'c str,
    audience: &'c str,
    original_audience: Option<&'c str>,
    tagged: bool,
    source_identity: bool,
    role_authorized: bool,
}

impl<'c> Alike<'c> {
    fn new(caller: &'c WebIdentity) -> Self {
        Self {
            provider: &caller.provider,
            prefix: &caller.prefix,
            audience: &caller.audience,
            original_audience: caller.original_audience.as_deref(),
            tagged: !caller.tags.is_empty(),
            source_identity: caller.source_identity.is_some(),
            role_authorized: caller.role_authorized,
        }
    }
}

impl WebIdentity {
    /// Whether keys beyond those of the provider and its claims come with the token.
    fn varies(&self) -> bool {
        !self.amr.is_empty()
            || !self.tags.is_empty()
            || !self.transitive.is_empty()
            || self.source_identity.is_some()
    }
}
