//! Which of many workloads take a piece of evidence.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::federated::claim_rule::scalar;
use crate::federated::{ClaimPath, Evidence, EvidenceRule};

/// The rules of all workloads on the tokens of one issuer, found by the values that they name: with
/// a hundred thousand workloads, a token is compared with the few that may mean it.
#[derive(Debug)]
pub struct Takers<W> {
    shapes: Vec<Shape<W>>,
}

/// Rules that name a value for the same claims.
#[derive(Debug)]
struct Shape<W> {
    paths: Vec<ClaimPath>,
    by_values: HashMap<Vec<String>, Vec<(W, Arc<EvidenceRule>)>>,
}

impl<W> Takers<W> {
    /// Sorts rules; each comes with the workload whose it is.
    pub fn new(rules: impl IntoIterator<Item = (W, Arc<EvidenceRule>)>) -> Self {
        let mut shapes: BTreeMap<Vec<ClaimPath>, Shape<W>> = BTreeMap::new();
        for (workload, rule) in rules {
            let named = rule.rules().iter().filter_map(|rule| {
                let [value] = rule.exact_values()? else {
                    return None;
                };
                Some((rule.path().clone(), value.clone()))
            });
            let (paths, values): (Vec<_>, Vec<_>) = named.unzip();
            shapes
                .entry(paths.clone())
                .or_insert_with(|| Shape {
                    paths,
                    by_values: HashMap::new(),
                })
                .by_values
                .entry(values)
                .or_default()
                .push((workload, rule));
        }
        Self {
            shapes: shapes.into_values().collect(),
        }
    }

    /// The rules that may take the evidence; whether they do, [`EvidenceRule::admits`] says.
    pub fn candidates<'s>(
        &'s self,
        evidence: &Evidence,
    ) -> impl Iterator<Item = &'s (W, Arc<EvidenceRule>)> {
        self.shapes
            .iter()
            .flat_map(|shape| shape.candidates(evidence))
    }
}

impl<W> Shape<W> {
    fn candidates(&self, evidence: &Evidence) -> Vec<&(W, Arc<EvidenceRule>)> {
        let mut values = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            match path.find(&evidence.claims) {
                None => return Vec::new(),
                // Any item may be the one that is named.
                Some(serde_json::Value::Array(_)) => {
                    return self.by_values.values().flatten().collect();
                }
                Some(value) => match scalar(value) {
                    Some(text) => values.push(text.into_owned()),
                    None => return Vec::new(),
                },
            }
        }
        self.by_values
            .get(&values)
            .map(|rules| rules.iter().collect())
            .unwrap_or_default()
    }
}
