//! A policy, its conditions read once, and what is left of it for callers that are alike.

use super::index::{Entry, Index};
use crate::compiled::CompiledPolicy;
use crate::operator::Test;
use crate::policy::{Effect, Policy, PrincipalKind};
use crate::principal::Cover;
use crate::prove::predicate::{Predicate, Shape};
use crate::prove::value::{Found, value};
use crate::request::Request;
use crate::template::{Template, text_of};
use crate::wildcard::Token;

/// Which keys differ among callers that are looked at together.
pub(super) struct Varying {
    pub(super) subject: String,
    pub(super) prefix: String,
    pub(super) claims: bool,
    pub(super) tagged: bool,
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
pub(super) struct Read<'p> {
    written: &'p Policy,
    pub(super) compiled: CompiledPolicy,
    /// For each statement its conditions.
    predicates: Vec<Vec<(Predicate, Values)>>,
}

/// The values of a condition that an index can take.
pub(super) enum Values {
    /// Whole texts.
    Texts(Vec<String>),
    /// Patterns.
    Patterns(Vec<Vec<Token>>),
    /// Neither: the condition has to be evaluated.
    Other,
}

impl<'p> Read<'p> {
    pub(super) fn new(written: &'p Policy) -> Self {
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

    pub(super) fn statements(
        &self,
    ) -> impl Iterator<Item = (&crate::policy::Statement, &Vec<(Predicate, Values)>)> + Clone {
        self.written.statements.iter().zip(&self.predicates)
    }

    /// Puts what is left of the policy for callers that are looked at together into the index.
    /// `whole` is what one of them asks.
    pub(super) fn enter(
        &self,
        number: u32,
        whole: &[Request],
        varying: &Varying,
        index: &mut Index,
    ) {
        let Some(assume) = whole.first() else {
            return;
        };
        // Settled for all of them, as far as the rest of the policy allows it.
        let settled = |predicate: &Predicate| {
            let outside = matches!(predicate.shape, Shape::Variable(..));
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
    pub(super) fn is_open(&self) -> bool {
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
