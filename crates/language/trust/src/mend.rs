//! The smallest change to a policy that lets one token in.
//!
//! The change is the one that the diagnosis offers for the causes it found. It is made in the
//! document's own language, read again, decided again, and its reach is proved: what the changed
//! policy admits beyond the old one is held against the one token it was changed for.

use rolecall_documents::{
    AmendError, FoundPolicy, Kind, Node, Step, TreeEdit, Value, amended, edited, unified, value_at,
};
use rolecall_source::SourceText;
use serde::Serialize;
use serde_json::Map;

use crate::compiled::{CompiledPolicy, Decision};
use crate::diagnose::{Diagnosis, Evidence, Finding, SeenClaims, diagnose};
use crate::policy::{Effect, Policy};
use crate::prove::{Answer, compare};
use crate::request::{Context, ContextValue, Request};
use crate::verdict::StatementProof;
use crate::web_identity::{SET_SOURCE_IDENTITY, TAG_SESSION, WebIdentity};

/// What a policy is to be changed for.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The token's claims.
    pub claims: &'w Map<String, serde_json::Value>,
    /// The ARN of the provider that the token comes through, in the role's account.
    pub provider: &'w str,
    /// Condition keys of the request that the token does not give.
    pub context: &'w Context,
    /// Leave values that are there, and add the token's beside them.
    pub keep: bool,
}

/// A change, made and proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What was wrong, a clause each.
    pub mended: Vec<String>,
    /// The change in terms of the policy.
    pub edits: Vec<TreeEdit>,
    /// The document's text with the change made.
    pub changed: String,
    /// The change as a unified diff.
    pub diff: String,
    /// What the changed policy admits beyond the old one.
    pub reach: Reach,
    /// A request that the policy admitted and does not any more, in words: one value may have taken
    /// another's place.
    pub lost: Option<String>,
}

/// What a change lets in. Serialises to JSON with members in camel case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reach {
    /// The token's subject and audience, and nothing else: proved by inclusion.
    OnlyThisToken,
    /// More, as patterns that were in the policy already say; for instance this request.
    #[serde(rename_all = "camelCase")]
    More {
        /// A request that is admitted as well, in words.
        instance: String,
    },
    /// It could not be proved, for this reason.
    #[serde(rename_all = "camelCase")]
    NotProved {
        /// The construct that stands in the way.
        why: String,
    },
}

/// Why a policy is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FixError {
    /// The policy admits the token as it is.
    #[error("the policy admits the token as it is")]
    AlreadyAllowed,
    /// A Deny statement applies; to take that away is not for a program to decide.
    #[error("a Deny statement applies to the token: {0}")]
    Denied(String),
    /// Nothing in the policy can be changed to admit the token.
    #[error("no change of the policy admits the token: {0}")]
    NoWay(String),
    /// The policy's document cannot be written.
    #[error(transparent)]
    Amend(#[from] AmendError),
}

/// Finds the smallest change to `policy`, one that [`rolecall_documents::find`] found in `files`,
/// that admits a token, makes it, and proves what it lets in.
///
/// # Errors
/// [`FixError`]; nothing is written by this function in any case.
pub fn fix(
    files: &[SourceText],
    policy: &FoundPolicy,
    wanted: &Wanted<'_>,
) -> Result<Fix, FixError> {
    let identity = WebIdentity::read(wanted.provider, wanted.claims)
        .map_err(|fault| FixError::NoWay(fault.to_string()))?;
    let source = &files[policy.file];
    let old = Policy::from_tree(source, &policy.tree)
        .map_err(|error| FixError::NoWay(error.to_string()))?;
    let compiled = CompiledPolicy::compile(&old);
    if identity.decide(&compiled, wanted.context.clone()) == Decision::Allow {
        return Err(FixError::AlreadyAllowed);
    }
    let attempt = Attempt {
        files,
        policy,
        old: &old,
        identity: &identity,
        wanted,
    };
    // What a template fills in may admit the token: nothing is added beside it.
    let templated = !policy.tree.symbols().is_empty();
    let added = || (!templated).then(|| added(&identity));
    let (candidates, mended, refusal) = match offered(files, policy, wanted) {
        Ok((finding, edits)) => {
            let edits = match wanted.keep {
                true => kept(&policy.tree, edits),
                false => edits,
            };
            // A part that a template fills in is told, and not gone around.
            if let Err(error @ (AmendError::Place { .. } | AmendError::NotASource(_))) =
                amended(files, policy, &edits)
            {
                return Err(error.into());
            }
            let (exact, pinned) = (exact(&edits, &identity), attempt.pinned(&edits));
            let candidates = [Some(edits), exact, pinned, added()];
            let refusal = FixError::NoWay(format!(
                "{}; whatever mends it lets others in as well",
                finding.message
            ));
            let mut mended = vec![finding.message];
            mended.extend(finding.patch.map(|patch| patch.besides).unwrap_or_default());
            (candidates, mended, refusal)
        }
        Err(refusal @ FixError::Denied(_)) => return Err(refusal),
        Err(refusal) => {
            let mended = vec!["no statement can be changed to admit this token alone".to_owned()];
            ([added(), None, None, None], mended, refusal)
        }
    };
    candidates
        .into_iter()
        .flatten()
        .find_map(|edits| attempt.made(edits, &mended))
        .ok_or(refusal)
}

/// A policy that is changed for a token.
struct Attempt<'a> {
    files: &'a [SourceText],
    policy: &'a FoundPolicy,
    old: &'a Policy,
    identity: &'a WebIdentity,
    wanted: &'a Wanted<'a>,
}

impl Attempt<'_> {
    fn source(&self) -> &SourceText {
        &self.files[self.policy.file]
    }

    /// The change, if it admits the token and no stranger, keeps out nobody who is to be kept, and
    /// can be written.
    fn made(&self, edits: Vec<TreeEdit>, mended: &[String]) -> Option<Fix> {
        let source = self.source();
        let new = with(source, self.policy, &edits)?;
        let decision = self
            .identity
            .decide(&CompiledPolicy::compile(&new), self.wanted.context.clone());
        if decision != Decision::Allow
            || lets_strangers_in(source, self.policy, &new, self.identity).is_some()
        {
            return None;
        }
        let lost = self.lost(&new);
        if self.wanted.keep && lost.is_some() {
            return None;
        }
        let changed = amended(self.files, self.policy, &edits).ok()?;
        Some(Fix {
            mended: mended.to_vec(),
            diff: unified(file_name(source), &source.text, &changed),
            changed,
            reach: reach(source, self.policy, &new, self.identity),
            lost,
            edits,
        })
    }

    /// A request that the old policy admits and the new one does not.
    fn lost(&self, new: &Policy) -> Option<String> {
        match compare(self.old, new).old_admits_more {
            Answer::More(witness) => Some(described(&witness.request)),
            Answer::Nothing | Answer::Undecided(_) => None,
        }
    }

    /// A statement that never held may be loose in what it left open: it is pinned to the token,
    /// unless others come in by it.
    fn pinned(&self, edits: &[TreeEdit]) -> Option<Vec<TreeEdit>> {
        let loose = with(self.source(), self.policy, edits)?;
        let statement = lets_strangers_in(self.source(), self.policy, &loose, self.identity)?;
        let tree = edited(&self.policy.tree, edits)?;
        let mut edits = edits.to_vec();
        edits.extend(pinned(&tree, statement, self.identity));
        let new = with(self.source(), self.policy, &edits)?;
        (self.lost(&new).is_none() || self.lost(&loose).is_some()).then_some(edits)
    }
}

/// The same edits with the token's subject wherever they write a pattern of subjects.
fn exact(edits: &[TreeEdit], identity: &WebIdentity) -> Option<Vec<TreeEdit>> {
    let key = format!("{}:sub", identity.prefix);
    let mut edits = edits.to_vec();
    let mut changed = false;
    for edit in &mut edits {
        if let TreeEdit::Set { path, value } | TreeEdit::Append { path, value } = edit
            && let Value::Text(text) = value
            && *text != identity.subject
            && path
                .iter()
                .any(|step| matches!(step, Step::Name(name) if name.eq_ignore_ascii_case(&key)))
        {
            text.clone_from(&identity.subject);
            changed = true;
        }
    }
    changed.then_some(edits)
}

/// A statement of its own for the token.
fn added(identity: &WebIdentity) -> Vec<TreeEdit> {
    vec![TreeEdit::Append {
        path: vec![Step::Name("Statement".to_owned())],
        value: statement(identity),
    }]
}

/// What the diff calls the document: a policy that was read from an account is no file yet.
fn file_name(source: &SourceText) -> &str {
    match source.name.starts_with("arn:") {
        true => "trust-policy.json",
        false => &source.name,
    }
}

/// The surest cause with a patch that was decided to admit the token.
fn offered(
    files: &[SourceText],
    policy: &FoundPolicy,
    wanted: &Wanted<'_>,
) -> Result<(Finding, Vec<TreeEdit>), FixError> {
    let mut evidence = Evidence {
        context: wanted.context.clone(),
        ..Evidence::default()
    };
    evidence.read_files(files);
    evidence.policies.retain(|seen| {
        seen.source.name == files[policy.file].name
            && seen.found.role == policy.role
            && seen.found.tree.span == policy.tree.span
    });
    evidence.providers.clear();
    evidence.add_claims(SeenClaims::given(wanted.claims.clone(), "the token"));
    if let Some(account) = wanted
        .provider
        .split(':')
        .nth(4)
        .filter(|one| !one.is_empty())
    {
        let partition = wanted.provider.split(':').nth(1).unwrap_or("aws");
        // The role is in the provider's account; its name does not matter here.
        evidence.add_role(format!("arn:{partition}:iam::{account}:role/this"));
    }
    let diagnosis = diagnose(&evidence, None);
    let refusal = refusal(&diagnosis);
    diagnosis
        .findings
        .into_iter()
        .filter(|finding| finding.cause.as_str() != "C18")
        .find_map(|finding| {
            let patch = finding.patch.as_ref()?;
            let edits = patch.complete.then(|| patch.edits.clone())?;
            Some((finding, edits))
        })
        .ok_or(refusal)
}

fn refusal(diagnosis: &Diagnosis) -> FixError {
    let first = diagnosis.findings.first();
    let message = first.map_or_else(
        || "no cause was found".to_owned(),
        |finding| format!("{}. {}", finding.message, finding.mend),
    );
    match first.map(|finding| finding.cause.as_str()) {
        Some("C20") => FixError::Denied(message),
        _ => FixError::NoWay(message),
    }
}

/// Edits that put a value in the place of another, as edits that add it beside.
fn kept(tree: &Node, edits: Vec<TreeEdit>) -> Vec<TreeEdit> {
    let there = |path: &[Step]| {
        let mut tree = tree.clone();
        let node = value_at(&mut tree, path);
        node.is_some_and(|node| matches!(node.kind, Kind::Text(_) | Kind::List(_)))
    };
    edits
        .into_iter()
        .map(|edit| match edit {
            TreeEdit::Set {
                mut path,
                value: value @ Value::Text(_),
            } if path.contains(&Step::Name("Condition".to_owned())) && there(&path) => {
                if let Some(Step::Index(_)) = path.last() {
                    path.pop();
                }
                TreeEdit::Append { path, value }
            }
            edit => edit,
        })
        .collect()
}

/// Holds what the changed policy admits against the old one and the token alone.
fn reach(source: &SourceText, policy: &FoundPolicy, new: &Policy, identity: &WebIdentity) -> Reach {
    let alone = TreeEdit::Append {
        path: vec![Step::Name("Statement".to_owned())],
        value: statement(identity),
    };
    let Some(bounds) = with(source, policy, &[alone]) else {
        return Reach::NotProved {
            why: "the policy has no list of statements".to_owned(),
        };
    };
    match compare(&bounds, new).new_admits_more {
        Answer::Nothing => Reach::OnlyThisToken,
        Answer::More(witness) => Reach::More {
            instance: described(&witness.request),
        },
        Answer::Undecided(undecided) => Reach::NotProved {
            why: undecided.what,
        },
    }
}

/// The statement of the changed policy by which another subject, or the same with another audience,
/// is let in that the old policy kept out. The actions beside the exchange do not count: without
/// it they give nothing.
fn lets_strangers_in(
    source: &SourceText,
    policy: &FoundPolicy,
    new: &Policy,
    identity: &WebIdentity,
) -> Option<usize> {
    let append = |value: Value| TreeEdit::Append {
        path: vec![Step::Name("Statement".to_owned())],
        value,
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let beside = Value::Map(vec![
        ("Effect".to_owned(), text("Allow")),
        (
            "Principal".to_owned(),
            Value::Map(vec![("Federated".to_owned(), text(&identity.provider))]),
        ),
        (
            "Action".to_owned(),
            Value::List(vec![text(TAG_SESSION), text(SET_SOURCE_IDENTITY)]),
        ),
    ]);
    let bounds = with(
        source,
        policy,
        &[append(statement(identity)), append(beside)],
    )?;
    match compare(&bounds, new).new_admits_more {
        Answer::More(witness) => Some(witness.statement),
        Answer::Nothing => None,
        Answer::Undecided(_) => stranger_let_in(&bounds, new, identity),
    }
}

/// Where the proofs do not reach: the statement that lets one of a few strangers in, each with the
/// token's claims and a subject or an audience that is near it.
fn stranger_let_in(bounds: &Policy, new: &Policy, identity: &WebIdentity) -> Option<usize> {
    let [bounds, new] = [bounds, new].map(CompiledPolicy::compile);
    let own = &identity.subject;
    let mut subjects = vec!["x".to_owned(), format!("{own}x"), format!("x{own}")];
    subjects.extend(
        own.match_indices([':', '/'])
            .map(|(at, mark)| format!("{}{mark}x", &own[..at])),
    );
    let mut strangers: Vec<WebIdentity> = Vec::new();
    for subject in subjects {
        strangers.push(WebIdentity {
            subject,
            ..identity.clone()
        });
    }
    strangers.push(WebIdentity {
        audience: format!("{}x", identity.audience),
        ..identity.clone()
    });
    strangers.into_iter().find_map(|stranger| {
        let request = stranger.requests(Context::new()).into_iter().next()?;
        if new.decide(&request) != Decision::Allow || bounds.decide(&request) == Decision::Allow {
            return None;
        }
        let verdict = new.explain(&request);
        let admitting = |proof: &&StatementProof| proof.matched && proof.effect == Effect::Allow;
        Some(verdict.statements.iter().find(admitting)?.index)
    })
}

/// Conditions on the token's audience and subject, exactly, in a statement of the tree.
fn pinned(tree: &Node, statement: usize, identity: &WebIdentity) -> Vec<TreeEdit> {
    let name = |name: &str| Step::Name(name.to_owned());
    let mut path = vec![name("Statement"), Step::Index(statement)];
    let keys: Vec<(String, Value)> = [("aud", &identity.audience), ("sub", &identity.subject)]
        .into_iter()
        .map(|(key, value)| {
            let key = format!("{}:{key}", identity.prefix);
            (key, Value::Text(value.clone()))
        })
        .collect();
    let there = |path: &[Step]| value_at(&mut tree.clone(), path).is_some();
    path.push(name("Condition"));
    if !there(&path) {
        let equals = vec![("StringEquals".to_owned(), Value::Map(keys))];
        let value = Value::Map(equals);
        return vec![TreeEdit::Set { path, value }];
    }
    path.push(name("StringEquals"));
    if !there(&path) {
        let value = Value::Map(keys);
        return vec![TreeEdit::Set { path, value }];
    }
    keys.into_iter()
        .map(|(key, value)| {
            let path = path.iter().cloned().chain([Step::Name(key)]).collect();
            TreeEdit::Set { path, value }
        })
        .collect()
}

/// The old policy with edits made.
fn with(source: &SourceText, policy: &FoundPolicy, edits: &[TreeEdit]) -> Option<Policy> {
    let tree = edited(&policy.tree, edits)?;
    Policy::from_tree(source, &tree).ok()
}

/// A statement that admits the token and nothing else.
fn statement(identity: &WebIdentity) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let actions = identity.actions().into_iter().map(text).collect();
    let keys = vec![
        (format!("{}:aud", identity.prefix), text(&identity.audience)),
        (format!("{}:sub", identity.prefix), text(&identity.subject)),
    ];
    Value::Map(vec![
        ("Effect".to_owned(), text("Allow")),
        (
            "Principal".to_owned(),
            Value::Map(vec![("Federated".to_owned(), text(&identity.provider))]),
        ),
        ("Action".to_owned(), Value::List(actions)),
        (
            "Condition".to_owned(),
            Value::Map(vec![("StringEquals".to_owned(), Value::Map(keys))]),
        ),
    ])
}

/// A request in words: what, who, and the keys it brings, sorted.
fn described(request: &Request) -> String {
    let mut keys: Vec<&str> = request.context.keys().collect();
    keys.sort_unstable();
    let keys: Vec<String> = keys
        .into_iter()
        .filter_map(|key| {
            let values = request.context.value(key).map(ContextValue::values)?;
            Some(format!("{key} = {}", values.join(", ")))
        })
        .collect();
    format!(
        "{} by {} with {}",
        request.action,
        request.principal.name(),
        keys.join("; ")
    )
}

#[cfg(test)]
mod tests;
