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
use super::predicate::{Predicate, Shape};
use super::value::{Found, value};
use crate::compiled::{CompiledPolicy, Decision};
use crate::operator::Test;
use crate::policy::{Effect, Policy, PrincipalKind};
use crate::principal::Cover;
use crate::request::{Context, Request};
use crate::template::{Template, text_of};
use crate::web_identity::WebIdentity;
use crate::wildcard::Token;
use index::{Entry, Index};

mod index;

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

/// Which keys differ among callers that are looked at together.
struct Varying {
    subject: String,
    prefix: String,
    claims: bool,
    tagged: bool,
}

impl Varying {
    fn has(&self, key: &str) -> bool {
        if key == self.subject {
            return true;
        }
        let own = key
            .strip_prefix(&self.prefix)
            .and_then(|rest| rest.strip_prefix(':'));
        match own {
            Some("aud" | "oaud") => self.claims,
            Some("amr") => self.tagged || self.claims,
            Some(_) => self.claims,
            None => self.tagged && TAGGED.iter().any(|prefix| key.starts_with(prefix)),
        }
    }
}

/// A policy, its conditions read once.
struct Read<'p> {
    written: &'p Policy,
    compiled: CompiledPolicy,
    /// For each statement its conditions.
    predicates: Vec<Vec<(Predicate, Values)>>,
}

/// The values of a condition that an index can take.
enum Values {
    /// Whole texts.
    Texts(Vec<String>),
    /// Patterns.
    Patterns(Vec<Vec<Token>>),
    /// Neither: the condition has to be evaluated.
    Other,
}

impl<'p> Read<'p> {
    fn new(written: &'p Policy) -> Self {
        let compiled = CompiledPolicy::compile(written);
        let pairs = written.statements.iter().zip(&compiled.statements);
        let predicates = pairs
            .map(|(statement, compiled)| {
                let conditions = statement.conditions.iter().zip(&compiled.conditions);
                conditions
                    .map(|(condition, compiled)| {
                        let predicate = Predicate::new(
                            condition,
                            compiled,
                            (statement.effect, written.variables),
                            true,
                            0,
                        );
                        let values = values(condition, written.variables);
                        (predicate, values)
                    })
                    .collect()
            })
            .collect();
        Self {
            written,
            compiled,
            predicates,
        }
    }

    fn statements(
        &self,
    ) -> impl Iterator<Item = (&crate::policy::Statement, &Vec<(Predicate, Values)>)> + Clone {
        self.written.statements.iter().zip(&self.predicates)
    }

    /// Puts what is left of the policy for callers that are looked at together into the index.
    /// `whole` is what one of them asks.
    fn enter(&self, number: u32, whole: &[Request], varying: &Varying, index: &mut Index) {
        let Some(assume) = whole.first() else {
            return;
        };
        // Settled for all of them, as far as the rest of the policy allows it.
        let settled = |predicate: &Predicate| {
            let outside = matches!(predicate.shape, Shape::Variable(_));
            let known = !outside && !varying.has(predicate.key());
            known.then(|| predicate.condition.holds(&assume.context))
        };
        let applies = |at: usize, request: &Request| {
            let statement = &self.compiled.statements[at];
            statement.takes_action(&request.action.to_ascii_lowercase())
                && statement.takes_resource(request)
                && statement.covers(request) != Cover::None
                && self.predicates[at]
                    .iter()
                    .all(|(predicate, _)| settled(predicate) != Some(false))
        };
        let denies = self.compiled.statements.iter().enumerate();
        let may_deny = denies
            .filter(|(_, statement)| statement.effect == Effect::Deny)
            .any(|(at, _)| whole.iter().any(|request| applies(at, request)));
        let several = whole.len() > 1 || may_deny;
        for (at, statement) in self.compiled.statements.iter().enumerate() {
            if statement.effect == Effect::Deny || !applies(at, assume) {
                continue;
            }
            let open: Vec<&(Predicate, Values)> = self.predicates[at]
                .iter()
                .filter(|(predicate, _)| settled(predicate).is_none())
                .collect();
            let on_subject = open
                .iter()
                .filter(|(predicate, _)| predicate.key() == varying.subject)
                .map(|(_, values)| values)
                .filter(|values| !matches!(values, Values::Other))
                .min_by_key(|values| matches!(values, Values::Patterns(_)));
            let verify = several || open.len() > usize::from(on_subject.is_some());
            let entry = Entry {
                policy: number,
                verify,
            };
            match on_subject {
                Some(Values::Texts(texts)) => {
                    texts.iter().for_each(|text| index.text(text, entry));
                }
                Some(Values::Patterns(patterns)) => {
                    patterns
                        .iter()
                        .for_each(|pattern| index.pattern(pattern, entry));
                }
                Some(Values::Other) | None => index.everyone(entry),
            }
        }
    }

    /// Whether a statement admits tokens of an issuer whatever they say of the subject.
    fn is_open(&self) -> bool {
        self.statements()
            .enumerate()
            .any(|(at, (statement, predicates))| {
                let providers = statement
                    .principal
                    .iter()
                    .filter(|principal| !principal.not)
                    .flat_map(|principal| &principal.values)
                    .filter(|entry| entry.kind == PrincipalKind::Federated);
                statement.effect == Effect::Allow
                    && self.compiled.statements[at].takes_action("sts:assumerolewithwebidentity")
                    && providers.into_iter().any(|entry| {
                        let provider = &entry.value.text;
                        let prefix = crate::web_identity::provider_prefix(provider).to_lowercase();
                        !provider.contains(":saml-provider/")
                            && predicates
                                .iter()
                                .all(|(predicate, _)| admits_all(predicate, &prefix))
                    })
            })
    }
}

/// Whether a condition leaves open what a token says of its subject.
fn admits_all(predicate: &Predicate, prefix: &str) -> bool {
    let claim = predicate
        .key()
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix(':'));
    match claim {
        None | Some("aud" | "oaud") => true,
        Some(_) if predicate.outside().is_some() => false,
        Some(_) => {
            let one = std::slice::from_ref(predicate);
            let refused = value(predicate.key(), &[(0, false)], one);
            matches!(refused, Found::Nothing | Found::Absent)
        }
    }
}

fn values(condition: &crate::policy::Condition, variables: bool) -> Values {
    let operator = condition.operator;
    let plain = !operator.negated
        && !condition.key_symbolic
        && condition.values.iter().all(|value| !value.symbolic);
    let like = operator.test == Test::StringLike;
    if !plain || !(like || operator.test == Test::StringEquals) {
        return Values::Other;
    }
    let tokens: Option<Vec<Vec<Token>>> = condition
        .values
        .iter()
        .map(|value| Template::new(&value.text, variables, like).constant())
        .collect();
    match tokens {
        None => Values::Other,
        Some(tokens) if like => Values::Patterns(tokens),
        Some(tokens) => Values::Texts(tokens.iter().map(|tokens| text_of(tokens)).collect()),
    }
}

/// Keys, in lower case, that tags and the source identity of a token give.
const TAGGED: &[&str] = &[
    "aws:requesttag/",
    "aws:tagkeys",
    "sts:transitivetagkeys",
    "sts:sourceidentity",
];
