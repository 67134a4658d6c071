//! A policy and a token: every part that fails, its cause, and the edit that mends it. Each edit
//! is decided before it is offered.

use rolecall_documents::{Node, Step, TreeEdit, edited, value_at};

use super::catalogue as c;
use super::catalogue::CauseId;
use super::cause::{Mended, condition};
use super::element::{deny, element};
use super::evidence::SeenPolicy;
use super::finding::{Alignment, Finding, Patch, Site};
use super::patch;
use super::place::fits;
use super::question::{NO_ACCOUNT, Question};
use super::subject::without_ids;
use super::symbols::settled;

use crate::compiled::{CompiledPolicy, Decision};
use crate::policy::Effect;
use crate::reason::{condition_miss, misses, nearest};
use crate::request::Context;
use crate::verdict::{ConditionProof, StatementProof, Verdict};
use crate::web_identity::WebIdentity;
use crate::{Policy, TrustError};

/// A policy's answer to a token, and why.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) decision: Decision,
    pub(crate) findings: Vec<Finding>,
    /// What holds in the statement that came nearest, in words.
    pub(crate) kept: Vec<String>,
    /// What was taken for granted, in words.
    pub(crate) assumptions: Vec<String>,
    /// Conditions that hang on what is not known of the request, in words.
    pub(crate) unknown: Vec<String>,
}

/// A part of a statement that fails.
#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) statement: usize,
    pub(crate) part: String,
    pub(crate) mended: Mended,
    pub(crate) site: Site,
    pub(crate) evidence: Vec<String>,
    pub(crate) alignment: Option<Alignment>,
}

/// Decides and explains.
///
/// # Errors
/// [`TrustError`] where the document has not the shape of a policy.
pub(crate) fn judge(policy: &SeenPolicy, question: &Question) -> Result<Judged, TrustError> {
    let identity = &question.identity;
    let known = settled(&policy.found.tree, identity);
    let mut assumptions = question.assumptions.clone();
    assumptions.extend(
        known
            .iter()
            .filter(|(_, value)| *value != NO_ACCOUNT)
            .map(|(name, value)| format!("`{name}` is taken to be `{value}`")),
    );
    let tree = policy
        .found
        .tree
        .filled(&|name| known.get(name).map(String::as_str));
    let (tree, unknown) = without_unknown(tree, &question.context);
    let bench = Bench {
        policy,
        identity,
        context: &question.context,
    };
    let (decision, failing) = bench.failing(&tree)?;
    let (all, allowed) = bench.mend(&tree)?;
    let single = failing.len() == 1;
    let mut findings: Vec<Finding> = Vec::new();
    let messages: Vec<String> = failing
        .iter()
        .map(|one| one.mended.message.clone())
        .collect();
    for (index, one) in group(failing).into_iter().enumerate() {
        let edits = one.mended.edits.clone();
        let alone = !edits.is_empty() && bench.allowed(&tree, &edits);
        let base = match (single || alone, index) {
            (true, _) => 99,
            (false, index) => 96u8.saturating_sub(3 * u8::try_from(index).unwrap_or(10)),
        };
        let score = if question.assumptions.is_empty() {
            base
        } else {
            base - 3
        };
        let mut finding = Finding::new(
            one.mended.cause,
            score,
            one.mended.message.clone(),
            one.mended.mend.clone(),
        );
        finding.evidence = one.evidence;
        finding.place = Some(one.site);
        finding.alignment = one.alignment;
        let besides: Vec<String> = messages
            .iter()
            .filter(|other| !one.mended.message.contains(other.as_str()))
            .cloned()
            .collect();
        let (edits, complete, besides) = if alone {
            (edits, true, Vec::new())
        } else if allowed && index == 0 {
            (all.clone(), true, besides)
        } else {
            (edits, false, besides)
        };
        let nameless = edits
            .iter()
            .any(|edit| format!("{edit:?}").contains(NO_ACCOUNT));
        let (complete, mut besides) = (complete && !nameless, besides);
        if nameless {
            besides.push(format!("the role's account is not known: write its number in the place of {NO_ACCOUNT}, or give --role-arn"));
        }
        if !edits.is_empty() {
            let written = patch::written(policy, &tree, &edits);
            finding.patch = Some(Patch {
                diff: written.as_ref().map(|(_, diff)| diff.clone()),
                apply: patch::apply(policy),
                changed: written.map(|(text, _)| text),
                edits,
                complete,
                besides,
            });
        }
        findings.push(finding);
    }
    Ok(Judged {
        decision,
        findings,
        kept: bench.kept(&tree)?,
        assumptions,
        unknown,
    })
}

/// A token before changing versions of a policy.
struct Bench<'e> {
    policy: &'e SeenPolicy,
    identity: &'e WebIdentity,
    context: &'e Context,
}

impl Bench<'_> {
    fn compiled(&self, tree: &Node) -> Result<CompiledPolicy, TrustError> {
        Ok(CompiledPolicy::compile(&Policy::from_tree(
            &self.policy.source,
            tree,
        )?))
    }

    fn allowed(&self, tree: &Node, edits: &[TreeEdit]) -> bool {
        edited(tree, edits)
            .and_then(|tree| self.compiled(&tree).ok())
            .is_some_and(|policy| {
                self.identity.decide(&policy, self.context.clone()) == Decision::Allow
            })
    }

    /// Edits until the token is allowed, or nothing more can be mended.
    fn mend(&self, tree: &Node) -> Result<(Vec<TreeEdit>, bool), TrustError> {
        let (mut tree, mut all) = (tree.clone(), Vec::new());
        for _ in 0..ROUNDS {
            let (decision, failing) = self.failing(&tree)?;
            if decision == Decision::Allow {
                return Ok((all, true));
            }
            let mut changed = false;
            for one in failing {
                if one.mended.edits.is_empty() {
                    continue;
                }
                // Worked out before the round's other edits: what no longer fits waits for the next.
                if changed && !fits(&tree, &one.mended.edits) {
                    continue;
                }
                if let Some(next) = edited(&tree, &one.mended.edits) {
                    changed |= next != tree;
                    tree = next;
                    all.extend(one.mended.edits);
                }
            }
            if !changed {
                break;
            }
        }
        let (decision, _) = self.failing(&tree)?;
        Ok((all, decision == Decision::Allow))
    }

    /// What holds in the statement that comes nearest to allowing the exchange.
    fn kept(&self, tree: &Node) -> Result<Vec<String>, TrustError> {
        let compiled = self.compiled(tree)?;
        let Some(request) = self
            .identity
            .requests(self.context.clone())
            .into_iter()
            .next()
        else {
            return Ok(Vec::new());
        };
        let verdict = compiled.explain(&request);
        let Some(proof) = nearest(&verdict) else {
            return Ok(Vec::new());
        };
        let principal = proof.principal.iter().filter(|one| one.holds);
        let conditions = proof.conditions.iter().filter(|one| one.holds);
        Ok(principal
            .map(|one| {
                format!(
                    "`Principal` is {}",
                    one.expected.join(", ").replace(NO_ACCOUNT, "…")
                )
            })
            .chain(conditions.map(|one| {
                format!(
                    "`{}` on `{}` is {}",
                    one.operator,
                    one.key,
                    one.expected.join(", ")
                )
            }))
            .collect())
    }

    /// What stands in the way of the token, over all actions that it needs.
    fn failing(&self, tree: &Node) -> Result<(Decision, Vec<Failing>), TrustError> {
        let compiled = self.compiled(tree)?;
        let decision = self.identity.decide(&compiled, self.context.clone());
        let mut failing: Vec<Failing> = Vec::new();
        for request in self.identity.requests(self.context.clone()) {
            let verdict = compiled.explain(&request);
            let found = match verdict.decision {
                Decision::Allow => continue,
                Decision::ExplicitDeny => verdict
                    .statements
                    .iter()
                    .filter(|proof| proof.matched && proof.effect == Effect::Deny)
                    .map(|proof| {
                        self.site(
                            &verdict,
                            proof,
                            "Effect".to_owned(),
                            proof.place.span(),
                            deny(tree, self.identity, &verdict, proof),
                        )
                    })
                    .collect(),
                Decision::ImplicitDeny => match nearest(&verdict) {
                    Some(proof) => self.of_statement(tree, &verdict, proof),
                    None => vec![self.nothing(tree, &verdict)],
                },
            };
            for one in found {
                let known = failing.iter().any(|other| {
                    other.statement == one.statement
                        && other.part == one.part
                        && other.mended.cause == one.mended.cause
                });
                if !known {
                    failing.push(one);
                }
            }
        }
        Ok((decision, failing))
    }

    fn of_statement(&self, tree: &Node, verdict: &Verdict, proof: &StatementProof) -> Vec<Failing> {
        misses(verdict, proof)
            .into_iter()
            .map(|(index, miss)| {
                let failed = index.map(|index| &proof.conditions[index]);
                let nearest = failed.and_then(nearest_value);
                let miss = nearest.map_or(miss, |nearest| condition_miss(verdict, &nearest));
                let part = miss.part.clone();
                let span = miss.place.span();
                let mended = match failed {
                    Some(failed) => condition(tree, self.identity, proof, failed, &miss),
                    None => element(tree, self.identity, proof, &miss),
                };
                let mut one = self.site(verdict, proof, part, span, mended);
                one.evidence = seen(&miss.expected, &miss.actual);
                if let (Some(difference), [actual]) = (&miss.difference, miss.actual.as_slice()) {
                    one.alignment = Some(Alignment::new(difference, actual));
                }
                one
            })
            .collect()
    }

    fn site(
        &self,
        verdict: &Verdict,
        proof: &StatementProof,
        part: String,
        span: rolecall_source::Span,
        mended: Mended,
    ) -> Failing {
        let statement = match &proof.sid {
            Some(sid) if !sid.is_empty() => format!("statement `{sid}`"),
            _ => format!("statement {}", proof.index + 1),
        };
        Failing {
            statement: proof.index,
            site: Site::new(&self.policy.source, span, format!("{statement}, {part}")),
            part,
            mended,
            evidence: vec![format!("{statement} applies to {}", verdict.action)],
            alignment: None,
        }
    }

    fn nothing(&self, tree: &Node, verdict: &Verdict) -> Failing {
        Failing {
            statement: 0,
            part: "Statement".to_owned(),
            site: Site::new(&self.policy.source, tree.span, "Statement".to_owned()),
            mended: Mended {
                cause: c::ACTION,
                message: "no statement of the policy allows anything".to_owned(),
                mend: format!(
                    "Add a statement that allows `{}` to the provider.",
                    verdict.action
                ),
                edits: Vec::new(),
            },
            evidence: Vec::new(),
            alignment: None,
        }
    }
}

/// A condition with several values for a subject, as if it had the one alone that comes nearest.
fn nearest_value(failed: &ConditionProof) -> Option<ConditionProof> {
    let [actual] = failed.actual.as_deref()? else {
        return None;
    };
    if failed.expected.len() < 2 || !failed.key.ends_with(":sub") {
        return None;
    }
    let best = failed
        .expected
        .iter()
        .rev()
        .max_by_key(|value| alike(value, actual))?;
    Some(ConditionProof {
        expected: vec![best.clone()],
        ..failed.clone()
    })
}

/// How many segments two subjects share; names count without the IDs behind them.
fn alike(one: &str, other: &str) -> usize {
    let same = |(one, other): (&str, &str)| {
        usize::from(one == other) * 2 + usize::from(without_ids(one) == without_ids(other))
    };
    one.split(':').zip(other.split(':')).map(same).sum()
}

/// Failing parts of one cause in one statement are one finding.
fn group(failing: Vec<Failing>) -> Vec<Failing> {
    let mut groups: Vec<Failing> = Vec::new();
    for one in failing {
        let same = groups.iter_mut().find(|other| {
            other.mended.cause == one.mended.cause && other.statement == one.statement
        });
        match same {
            Some(group) => {
                group.mended.edits.extend(one.mended.edits);
                group.mended.message = format!("{}; {}", group.mended.message, one.mended.message);
                group.evidence.extend(one.evidence);
                group.alignment = group.alignment.take().or(one.alignment);
            }
            None => groups.push(one),
        }
    }
    groups.sort_by_key(|one| weight(one.mended.cause));
    groups
}

/// Several parts may fail through one mistake: what it most likely is comes first.
fn weight(cause: CauseId) -> usize {
    const ORDER: &[CauseId] = &[
        c::EXPLICIT_DENY,
        c::PASTE,
        c::PRINCIPAL_KIND,
        c::PROVIDER,
        c::ACTION,
        c::KEY_PREFIX,
        c::UNSUPPORTED_KEY,
        c::ABSENT_KEY,
        c::WILDCARD_UNDER_EQUALS,
        c::SPELLING,
        c::SEGMENT,
        c::CONTEXT,
        c::MISSING_TAIL,
        c::EXTRA_TAIL,
        c::AUTHORIZED_PARTY,
        c::AUDIENCE,
    ];
    ORDER
        .iter()
        .position(|one| *one == cause)
        .unwrap_or(ORDER.len())
}

fn seen(expected: &[String], actual: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = expected
        .iter()
        .map(|text| format!("the policy wants  {text}"))
        .collect();
    match actual {
        [] => lines.push("the request has   nothing of that name".to_owned()),
        actual => lines.extend(
            actual
                .iter()
                .map(|text| format!("the request has   {text}")),
        ),
    }
    lines
}

/// The tree without the conditions of Allow statements that hang on what a request always has and
/// nobody told; they are told in words.
fn without_unknown(mut tree: Node, context: &Context) -> (Node, Vec<String>) {
    let mut unknown = Vec::new();
    let count = tree
        .get("Statement")
        .map_or(0, |statements| statements.elements().len());
    for index in 0..count {
        let path = vec![Step::Name("Statement".to_owned()), Step::Index(index)];
        let Some(statement) = value_at(&mut tree, &path) else {
            continue;
        };
        if statement.get("Effect").and_then(Node::text) == Some("Deny") {
            continue;
        }
        let operators = statement
            .get("Condition")
            .and_then(Node::members)
            .unwrap_or_default();
        let keys: Vec<(String, String)> = operators
            .iter()
            .flat_map(|operator| {
                let keys = operator.value.members().unwrap_or_default();
                keys.iter()
                    .map(|key| (operator.name().to_owned(), key.name().to_owned()))
            })
            .filter(|(_, key)| {
                let lower = key.to_ascii_lowercase();
                ALWAYS_PRESENT.contains(&lower.as_str()) && context.value(key).is_none()
            })
            .collect();
        for (operator, key) in keys {
            let mut path = path.clone();
            path.extend(
                ["Condition", operator.as_str(), key.as_str()]
                    .map(|name| Step::Name(name.to_owned())),
            );
            if let Some(next) = edited(&tree, &[TreeEdit::Remove { path }]) {
                tree = next;
                unknown.push(format!(
                    "`{operator}` on `{key}` in statement {}",
                    index + 1
                ));
            }
        }
    }
    (tree, unknown)
}

/// Keys that every request has, with values that a token does not tell.
const ALWAYS_PRESENT: &[&str] = &[
    "aws:sourceip",
    "aws:useragent",
    "aws:requestedregion",
    "aws:currenttime",
    "aws:epochtime",
    "sts:rolesessionname",
];
/// How often a policy is mended and decided again.
const ROUNDS: usize = 6;
