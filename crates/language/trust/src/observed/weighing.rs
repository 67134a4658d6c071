//! Whether a verdict hangs on observed rules: it does where without them it could be another one.

use crate::compiled::Decision;
use crate::policy::Effect;
use crate::verdict::StatementProof;

/// The rules on which the decision hangs; none where documented rules alone lead to it.
pub(crate) fn verdict(decision: Decision, statements: &[StatementProof]) -> Vec<&'static str> {
    let of = |effect| {
        statements
            .iter()
            .filter(move |proof| proof.effect == effect)
    };
    let mut rules = match decision {
        Decision::ExplicitDeny => fewest(of(Effect::Deny)),
        Decision::Allow => {
            let mut rules = fewest(of(Effect::Allow));
            rules.extend(of(Effect::Deny).flat_map(kept_out));
            rules
        }
        Decision::ImplicitDeny => of(Effect::Allow).flat_map(kept_out).collect(),
    };
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// Of the statements that apply, the rules of the one that needs fewest.
fn fewest<'a>(statements: impl Iterator<Item = &'a StatementProof>) -> Vec<&'static str> {
    statements
        .filter(|proof| proof.matched)
        .map(|proof| parts(proof).flat_map(|(_, rules)| rules.to_vec()).collect())
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

/// The rules that alone keep a statement from applying: none where a part without any does.
fn kept_out(proof: &StatementProof) -> Vec<&'static str> {
    let failing = || parts(proof).filter(|(holds, _)| !holds);
    if failing().any(|(_, rules)| rules.is_empty()) {
        return Vec::new();
    }
    failing().flat_map(|(_, rules)| rules.to_vec()).collect()
}

fn parts(proof: &StatementProof) -> impl Iterator<Item = (bool, &[&'static str])> {
    let missing_action = proof.action.is_none().then_some((false, &[][..]));
    [&proof.principal, &proof.action, &proof.resource]
        .into_iter()
        .flatten()
        .map(|element| (element.holds, &element.rests_on[..]))
        .chain(missing_action)
        .chain(
            proof
                .conditions
                .iter()
                .map(|condition| (condition.holds, &condition.rests_on[..])),
        )
}
