//! Whether one policy admits a request that another does not.

use std::collections::HashSet;

use serde::Serialize;

use super::callers::{actions, callers};
use super::language::{Search, search};
use super::pattern::Pattern;
use super::predicate::{Predicate, Shape};
use super::search::{Doubt, Requests};
use crate::compiled::{CompiledPolicy, Decision};
use crate::policy::{Effect, Policy};
use crate::principal::Cover;
use crate::request::{Context, Principal, Request};
use crate::verdict::Place;

/// Two policies beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Whether the new policy admits what the old one does not.
    pub new_admits_more: Answer,
    /// Whether the old policy admits what the new one does not.
    pub old_admits_more: Answer,
}

/// Whether a policy admits more than another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It does not: that is proved.
    Nothing,
    /// It does, and here is a request.
    More(Box<Witness>),
    /// Not decided, and why.
    Undecided(Undecided),
}

/// A request that one policy admits and the other does not. Both policies have been asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The request. Condition keys that it leaves out are absent.
    pub request: Request,
    /// The number of the statement that admits it, from 0.
    pub statement: usize,
    /// The statement's `Sid`.
    pub sid: Option<String>,
    /// Where the statement stands in the policy that admits the request.
    pub place: Place,
}

/// What kept a proof from being found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Undecided {
    /// The construct, in words.
    pub what: String,
    /// Which policy has it.
    pub side: Side,
    /// Where it stands in that policy.
    pub place: Place,
}

/// One of the two policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The old one.
    Old,
    /// The new one.
    New,
}

/// Compares two policies in both directions.
pub fn compare(old: &Policy, new: &Policy) -> Comparison {
    let policies = [CompiledPolicy::compile(old), CompiledPolicy::compile(new)];
    compare_compiled(&policies[0], &policies[1])
}

/// Compares two policies that are compiled already.
pub fn compare_compiled(old: &CompiledPolicy, new: &CompiledPolicy) -> Comparison {
    let pair = Pair::new(old, new);
    Comparison {
        new_admits_more: pair.more(1),
        old_admits_more: pair.more(0),
    }
}

/// Whether any request at all is admitted.
pub fn reachable(policy: &CompiledPolicy) -> Answer {
    let nothing = CompiledPolicy {
        policy: Policy {
            statements: Vec::new(),
            ..policy.policy.clone()
        },
        statements: Vec::new(),
    };
    Pair::new(&nothing, policy).more(1)
}

/// Two policies with their conditions read; conditions that say the same have one index.
struct Pair<'a> {
    policies: [&'a CompiledPolicy; 2],
    predicates: Vec<Predicate>,
    /// For each policy and statement the indexes of its conditions.
    conditions: [Vec<Vec<usize>>; 2],
}

impl<'a> Pair<'a> {
    fn new(old: &'a CompiledPolicy, new: &'a CompiledPolicy) -> Self {
        let mut predicates: Vec<Predicate> = Vec::new();
        let policies = [old, new];
        let obscure = |key: &str| {
            let keys = policies
                .iter()
                .flat_map(|policy| &policy.policy.statements)
                .flat_map(|statement| &statement.conditions)
                .map(|condition| condition.key.as_str());
            may_be_another(key, keys)
        };
        let mut side = 0;
        let conditions = policies.map(|policy| {
            let written = &policy.policy.statements;
            let all = written
                .iter()
                .zip(&policy.statements)
                .map(|(statement, compiled)| {
                    let pairs = statement.conditions.iter().zip(&compiled.conditions);
                    pairs
                        .map(|(condition, compiled)| {
                            let predicate = Predicate::new(
                                condition,
                                compiled,
                                (statement.effect, policy.policy.variables),
                                condition.key_symbolic && obscure(&condition.key),
                                side,
                            );
                            let known = predicates
                                .iter()
                                .position(|known| known.is_same(&predicate));
                            known.unwrap_or_else(|| {
                                predicates.push(predicate);
                                predicates.len() - 1
                            })
                        })
                        .collect()
                })
                .collect();
            side += 1;
            all
        });
        Self {
            policies,
            predicates,
            conditions,
        }
    }

    /// Whether the policy of that index admits what the other does not.
    fn more(&self, side: usize) -> Answer {
        if let Some(undecided) = self.elements_outside() {
            return Answer::Undecided(undecided);
        }
        let [old, new] = self.policies;
        let mut requests = Requests::new(&self.predicates);
        let mut doubt = None;
        let mut seen: HashSet<[Vec<usize>; 2]> = HashSet::new();
        for caller in callers([&old.policy, &new.policy]) {
            for action in actions(&caller) {
                let request = Request {
                    principal: caller.clone(),
                    action: (*action).to_owned(),
                    resource: None,
                    context: Context::new(),
                };
                let about = self.policies.map(|policy| about(policy, &request));
                if !seen.insert(about.clone()) {
                    continue;
                }
                match self.witness(side, &about, request, &mut requests) {
                    Ok(Some(witness)) => return Answer::More(Box::new(witness)),
                    Ok(None) => {}
                    Err(undecided) => doubt = doubt.or(Some(undecided)),
                }
            }
        }
        let doubt = doubt.or_else(|| requests.doubt.map(|doubt| self.undecided(side, doubt)));
        doubt.map_or(Answer::Nothing, Answer::Undecided)
    }

    /// A request of one caller and action, or `None`; an error where a principal is not known.
    fn witness(
        &self,
        side: usize,
        about: &[Vec<usize>; 2],
        mut request: Request,
        requests: &mut Requests<'_>,
    ) -> Result<Option<Witness>, Undecided> {
        let other = 1 - side;
        let of = |side: usize, effect: Effect| {
            let statements = &self.policies[side].statements;
            about[side]
                .iter()
                .filter(move |at| statements[**at].effect == effect)
                .map(move |at| (*at, &self.conditions[side][*at]))
        };
        let denies: Vec<Vec<usize>> = of(side, Effect::Deny).map(|(_, all)| all.clone()).collect();
        for (statement, conditions) in of(side, Effect::Allow) {
            let mut unallowed = denies.clone();
            unallowed.extend(of(other, Effect::Allow).map(|(_, all)| all.clone()));
            let mut context = requests.find(conditions, &unallowed);
            for (_, denied) in of(other, Effect::Deny) {
                if context.is_some() {
                    break;
                }
                context = requests.find(&[conditions.as_slice(), denied].concat(), &denies);
            }
            let Some(context) = context else {
                continue;
            };
            if let Some(undecided) = self.principal_outside(&request.principal) {
                return Err(undecided);
            }
            request.context = context;
            let admits = |policy: &CompiledPolicy| policy.decide(&request) == Decision::Allow;
            let confirmed = admits(self.policies[side]) && !admits(self.policies[other]);
            debug_assert!(confirmed, "a witness that is none: {request:?}");
            let policy = &self.policies[side].policy;
            let written = &policy.statements[statement];
            let place = Place::new(&policy.source, written.span);
            if !confirmed {
                return Err(Undecided {
                    what: "a request that was found and does not stand up to the decision"
                        .to_owned(),
                    side: SIDES[side],
                    place,
                });
            }
            return Ok(Some(Witness {
                request,
                statement,
                sid: written.sid.clone(),
                place,
            }));
        }
        Ok(None)
    }

    fn undecided(&self, side: usize, doubt: Doubt) -> Undecided {
        let (at, what) = match doubt {
            Doubt::Outside(at) => {
                let outside = self.predicates[at].outside();
                let what = outside.unwrap_or("a condition that depends on others");
                (Some(at), what.to_owned())
            }
            Doubt::TooLarge(at) => {
                let predicate = &self.predicates[at];
                let what = match predicate.shape {
                    Shape::Regular { .. } => "patterns on `{}` that take too many states",
                    _ => "operators of different kinds on `{}`",
                };
                (Some(at), what.replace("{}", predicate.key()))
            }
            Doubt::TooMany => (None, "too many combinations of conditions".to_owned()),
        };
        let (side, span) = match at {
            Some(at) => (self.predicates[at].side, Some(self.predicates[at].span)),
            None => (side, None),
        };
        let policy = &self.policies[side].policy;
        let first = policy.statements.first().map(|statement| statement.span);
        let span = span.or(first).unwrap_or_default();
        Undecided {
            what,
            side: SIDES[side],
            place: Place::new(&policy.source, span),
        }
    }

    /// Elements that no proof speaks of.
    fn elements_outside(&self) -> Option<Undecided> {
        self.policies.iter().zip(SIDES).find_map(|(policy, side)| {
            let policy = &policy.policy;
            policy.statements.iter().find_map(|statement| {
                let resource = statement.resource.as_ref().filter(|resource| {
                    resource.not || resource.values.iter().any(|value| value.text != "*")
                });
                let action = statement.action.iter().flat_map(|action| &action.values);
                let (what, span) = if let Some(resource) = resource {
                    ("the element `Resource`".to_owned(), resource.span)
                } else {
                    let unknown = action.into_iter().find(|value| value.symbolic)?;
                    let what = format!(
                        "the action `{}`, which only a template engine knows",
                        unknown.text
                    );
                    (what, unknown.span)
                };
                let place = Place::new(&policy.source, span);
                Some(Undecided { what, side, place })
            })
        })
    }

    /// Where only a template engine knows some names, a caller that is named may be one that is
    /// named otherwise as well.
    fn principal_outside(&self, caller: &Principal) -> Option<Undecided> {
        let entries = || {
            let sides = self.policies.iter().zip(SIDES);
            sides.flat_map(|(policy, side)| {
                let principals = policy
                    .policy
                    .statements
                    .iter()
                    .filter_map(|statement| statement.principal.as_ref());
                principals
                    .flat_map(|element| &element.values)
                    .map(move |entry| (entry, side, &policy.policy.source))
            })
        };
        let name = match caller {
            Principal::Aws {
                role: Some(role), ..
            } => role,
            other => other.name(),
        };
        let (own, ..) = entries().find(|(entry, ..)| entry.value.text == name)?;
        let (entry, side, source) = entries().find(|(entry, ..)| {
            (own.value.symbolic || entry.value.symbolic)
                && may_be_another(name, std::iter::once(entry.value.text.as_str()))
        })?;
        Some(Undecided {
            what: format!(
                "whether the principals `{name}` and `{}` are the same, which only a template \
                 engine knows",
                entry.value.text
            ),
            side,
            place: Place::new(source, entry.value.span),
        })
    }
}

/// Whether a text with symbols may stand for another of the texts.
fn may_be_another<'t>(text: &str, mut others: impl Iterator<Item = &'t str>) -> bool {
    let own = [Pattern::loosely(&text.to_lowercase())];
    others.any(|other| {
        let other = other.to_lowercase();
        other != text.to_lowercase()
            && search(&[&own, &[Pattern::loosely(&other)]], &[]) != Search::Empty
    })
}

/// The statements that are about a caller and an action, whatever the context.
fn about(policy: &CompiledPolicy, request: &Request) -> Vec<usize> {
    let action = request.action.to_ascii_lowercase();
    let statements = policy.statements.iter().enumerate();
    statements
        .filter(|(_, statement)| {
            statement.takes_action(&action)
                && statement.takes_resource(request)
                && statement.covers(request) != Cover::None
        })
        .map(|(index, _)| index)
        .collect()
}

const SIDES: [Side; 2] = [Side::Old, Side::New];
