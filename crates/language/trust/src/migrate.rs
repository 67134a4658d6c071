//! A subject format changed under the policies that name its subjects: which break, how they are
//! widened to both forms, and how they are narrowed again once every token has the new one.
//!
//! The order is widen, switch the issuer, wait until the last old token has ended, narrow. A policy
//! that is narrowed before it is widened locks its callers out: that is refused.

mod form;

use rolecall_documents::{
    AmendError, Form, FoundPolicy, Step, TreeEdit, Value, amended, edited, unified,
};
use rolecall_source::SourceText;
use serde::Serialize;

use crate::operator::Test;
use crate::policy::{Effect, Policy};
use crate::prove::{Answer, compare};

pub use form::{FormatChange, FormatError, PRESETS, Preset};

/// Where a policy stands in the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// It names no subject of either form.
    Untouched,
    /// It names the new form only.
    Done,
    /// It names both: the issuer may switch.
    Ready,
    /// It names the old form only: callers with the new one are denied.
    Breaks,
    /// As that, and the new form cannot be told: names without identifiers in the map.
    Blocked,
}

/// One subject of a policy, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// The statement's number, from 0.
    pub statement: usize,
    /// The value as it is.
    pub old: String,
    /// The value in the new form; `None` where it cannot be told.
    pub new: Option<String>,
    /// What is not known, where it cannot be told.
    pub missing: Vec<String>,
    /// Whether the new value is among the statement's already.
    pub present: bool,
    #[serde(skip)]
    path: Vec<Step>,
    #[serde(skip)]
    index: usize,
}

/// What the change means for one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// Where it stands.
    pub standing: Standing,
    /// Its subjects of the old form.
    pub subjects: Vec<Subject>,
}

/// Which step of the change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The new form beside the old one.
    Widen,
    /// The new form alone.
    Narrow,
}

/// A policy with a step made, and its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The document's text, or for a policy out of IAM the policy as JSON.
    pub changed: String,
    /// The change as a unified diff.
    pub diff: String,
    /// Whether `changed` is the text of the file that was read.
    pub is_file: bool,
    /// What was proved, or why it could not be.
    pub proof: Proof,
}

/// What a step was proved to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    /// Widened: all that was admitted still is, and beyond it only the same subjects in the new
    /// form. Narrowed: nothing is admitted that was not, and of the new form nothing is lost.
    Holds,
    /// It could not be decided, for this reason.
    NotProved(String),
}

/// Why a step is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    /// The new form is not known for a subject.
    #[error("the new form of `{subject}` is not known: the map has no {missing} for it")]
    Unknown {
        /// The subject as the policy has it.
        subject: String,
        /// The placeholders without a value.
        missing: String,
    },
    /// Narrowing would lock callers out.
    #[error(
        "`{0}` is not in the policy in its new form: widen first, or its callers are locked out"
    )]
    NotWidened(String),
    /// A proof found that the step does something else.
    #[error("the step would change more than the form: {0}")]
    ChangesMore(String),
    /// The policy is not one.
    #[error(transparent)]
    Policy(#[from] crate::TrustError),
    /// The document cannot be written.
    #[error(transparent)]
    Amend(#[from] AmendError),
}

/// What a change of format means for a policy.
pub fn outlook(policy: &Policy, change: &FormatChange) -> Outlook {
    let (mut subjects, mut new_ones) = (Vec::new(), 0);
    for (statement, written) in policy.statements.iter().enumerate() {
        for condition in &written.conditions {
            let text = matches!(
                condition.operator.test,
                Test::StringEquals | Test::StringLike | Test::StringEqualsIgnoreCase
            );
            let subject =
                condition.key.to_lowercase().ends_with(":sub") && change.is_about(&condition.key);
            if !text
                || !subject
                || condition.key_symbolic
                || written.effect == Effect::Deny && condition.operator.negated
            {
                continue;
            }
            let path = vec![
                Step::Name("Statement".to_owned()),
                Step::Index(statement),
                Step::Name("Condition".to_owned()),
                Step::Name(condition.operator_name.clone()),
                Step::Name(condition.key.clone()),
            ];
            for (index, value) in condition.values.iter().enumerate() {
                if value.symbolic {
                    continue;
                }
                if change.is_new(&value.text) {
                    new_ones += 1;
                    continue;
                }
                let Some(renamed) = change.renamed(&value.text) else {
                    continue;
                };
                let (new, missing) = match renamed {
                    Ok(new) => (Some(new), Vec::new()),
                    Err(missing) => (None, missing),
                };
                let present = new
                    .as_ref()
                    .is_some_and(|new| condition.values.iter().any(|other| other.text == *new));
                subjects.push(Subject {
                    statement,
                    old: value.text.clone(),
                    new,
                    missing,
                    present,
                    path: path.clone(),
                    index,
                });
            }
        }
    }
    let standing = if subjects.is_empty() {
        match new_ones {
            0 => Standing::Untouched,
            _ => Standing::Done,
        }
    } else if subjects.iter().any(|one| one.new.is_none()) {
        Standing::Blocked
    } else if subjects.iter().all(|one| one.present) {
        Standing::Ready
    } else {
        Standing::Breaks
    };
    Outlook { standing, subjects }
}

/// Makes a step in a policy that [`rolecall_documents::find`] found in `files`; `None` where there
/// is nothing to do.
///
/// # Errors
/// [`MigrateError`]; nothing is written by this function in any case.
pub fn migrate(
    files: &[SourceText],
    found: &FoundPolicy,
    change: &FormatChange,
    stage: Stage,
) -> Result<Option<Migrated>, MigrateError> {
    let source = &files[found.file];
    let old = Policy::from_tree(source, &found.tree)?;
    let outlook = outlook(&old, change);
    let edits = match stage {
        Stage::Widen => widened(&outlook)?,
        Stage::Narrow => narrowed(&outlook)?,
    };
    if edits.is_empty() {
        return Ok(None);
    }
    let tree = edited(&found.tree, &edits).ok_or(AmendError::Missing)?;
    let new = Policy::from_tree(source, &tree)?;
    let proof = match stage {
        Stage::Widen => prove_widened(source, found, &old, &new, &outlook)?,
        Stage::Narrow => prove_narrowed(&old, &new, change)?,
    };
    if found.form == Form::GetRole {
        let (before, changed) = (found.tree.to_pretty_json(), tree.to_pretty_json());
        let name = found.role.as_deref().unwrap_or("trust-policy");
        let name = format!("{}.json", name.rsplit('/').next().unwrap_or(name));
        return Ok(Some(Migrated {
            diff: unified(&name, &before, &changed),
            changed,
            is_file: false,
            proof,
        }));
    }
    let changed = amended(files, found, &edits)?;
    Ok(Some(Migrated {
        diff: unified(&source.name, &source.text, &changed),
        changed,
        is_file: true,
        proof,
    }))
}

fn widened(outlook: &Outlook) -> Result<Vec<TreeEdit>, MigrateError> {
    let mut edits: Vec<TreeEdit> = Vec::new();
    for subject in outlook.subjects.iter().filter(|one| !one.present) {
        let new = known(subject)?;
        let edit = TreeEdit::Append {
            path: subject.path.clone(),
            value: Value::Text(new.to_owned()),
        };
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    Ok(edits)
}

fn narrowed(outlook: &Outlook) -> Result<Vec<TreeEdit>, MigrateError> {
    let mut edits = Vec::new();
    // From the back, so that the indices before stay.
    for subject in outlook.subjects.iter().rev() {
        known(subject)?;
        if !subject.present {
            return Err(MigrateError::NotWidened(subject.old.clone()));
        }
        let mut path = subject.path.clone();
        path.push(Step::Index(subject.index));
        edits.push(TreeEdit::Remove { path });
    }
    Ok(edits)
}

fn known(subject: &Subject) -> Result<&str, MigrateError> {
    subject.new.as_deref().ok_or_else(|| MigrateError::Unknown {
        subject: subject.old.clone(),
        missing: subject.missing.join(" and "),
    })
}

/// Nothing is lost, and beyond the old policy only its own statements with the new subjects in the
/// place of the old ones are admitted.
fn prove_widened(
    source: &SourceText,
    found: &FoundPolicy,
    old: &Policy,
    new: &Policy,
    outlook: &Outlook,
) -> Result<Proof, MigrateError> {
    let edits: Vec<TreeEdit> = outlook
        .subjects
        .iter()
        .filter_map(|subject| {
            let mut path = subject.path.clone();
            path.push(Step::Index(subject.index));
            let value = Value::Text(subject.new.clone()?);
            Some(TreeEdit::Set { path, value })
        })
        .collect();
    let renamed = edited(&found.tree, &edits).ok_or(AmendError::Missing)?;
    let renamed = Policy::from_tree(source, &renamed)?;
    let mut both = old.clone();
    both.statements.extend(renamed.statements);
    settled(compare(old, new).old_admits_more).and_then(|proof| match proof {
        Proof::Holds => settled(compare(&both, new).new_admits_more),
        undecided => Ok(undecided),
    })
}

/// Nothing new is admitted, and what is lost are subjects of the old form.
fn prove_narrowed(
    old: &Policy,
    new: &Policy,
    change: &FormatChange,
) -> Result<Proof, MigrateError> {
    let comparison = compare(old, new);
    match comparison.old_admits_more {
        Answer::More(witness) => {
            let subject = witness.request.context.keys().find_map(|key| {
                let value = witness.request.context.value(key)?;
                key.ends_with(":sub")
                    .then(|| value.values().first().cloned())?
            });
            match subject {
                Some(subject) if change.is_new(&subject) => {
                    return Err(MigrateError::ChangesMore(format!(
                        "`{subject}` would be lost"
                    )));
                }
                _ => {}
            }
        }
        Answer::Undecided(undecided) => return Ok(Proof::NotProved(undecided.what)),
        Answer::Nothing => {}
    }
    settled(comparison.new_admits_more)
}

fn settled(answer: Answer) -> Result<Proof, MigrateError> {
    match answer {
        Answer::Nothing => Ok(Proof::Holds),
        Answer::Undecided(undecided) => Ok(Proof::NotProved(undecided.what)),
        Answer::More(witness) => Err(MigrateError::ChangesMore(format!(
            "{} by {}",
            witness.request.action,
            witness.request.principal.name()
        ))),
    }
}

#[cfg(test)]
mod tests;
