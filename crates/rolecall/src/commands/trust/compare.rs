//! `rolecall trust compare`: what a change of trust policies lets in and shuts out.

use std::collections::{HashMap, VecDeque};
use std::process::ExitCode;
use std::sync::Arc;

use rolecall_documents::FoundPolicy;
use rolecall_source::{Diagnostic, SourceText};
use rolecall_trust::prove::{Answer, Comparison, Side, Undecided, Witness, compare, reachable};
use rolecall_trust::{CompiledPolicy, ContextValue, Policy, reason};
use serde_json::{Map, Value, json};

use super::answer;
use super::reading::Policies;
use crate::cli::Output;
use crate::cli::trust::{CompareArgs, PolicyArgs};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Compares and prints.
///
/// # Errors
/// What cannot be read, or paired.
pub fn run(args: CompareArgs) -> Result<ExitCode, Failure> {
    if args.old == args.new && args.old.as_os_str() == "-" {
        return Err(Failure::new(
            Exit::Usage,
            "OLD and NEW cannot both be standard input",
        ));
    }
    let read = |path: &std::path::Path| {
        Policies::read(&PolicyArgs {
            policies: vec![path.to_owned()],
            role: args.role.clone(),
            symbols: args.symbols.clone(),
        })
    };
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let names = [
        args.old.display().to_string(),
        args.new.display().to_string(),
    ];
    let mut judged = Vec::new();
    for pair in pairs([&old, &new], &names)? {
        judged.push(Judged::new(pair)?);
    }
    match args.output {
        Output::Json => {
            let pairs: Vec<Value> = judged.iter().map(Judged::report).collect();
            let whole = judged.iter().map(|one| one.result).max();
            let whole = whole.unwrap_or(Outcome::Equal);
            printing::line(&json!({ "result": whole.word(), "roles": pairs }).to_string())?;
        }
        Output::Text => {
            let alone = judged.len() == 1;
            let told: Vec<String> = judged.iter().map(|one| one.told(alone)).collect();
            printing::text(&told.concat())?;
        }
    }
    Ok(answer(judged.iter().all(|one| {
        matches!(one.result, Outcome::Equal | Outcome::Narrower)
    })))
}

/// A role's policies before and after.
struct Pair {
    name: String,
    old: Option<(String, Policy)>,
    new: Option<(String, Policy)>,
}

/// Pairs policies by the roles they belong to or, where files do not tell, by their places.
fn pairs(sides: [&Policies; 2], roots: &[String; 2]) -> Result<Vec<Pair>, Failure> {
    let [old, new] = sides;
    let files = sides.map(|side| -> Vec<Arc<SourceText>> {
        let files = side.files.iter().cloned();
        files.map(Arc::new).collect()
    });
    let lines = [&files[0], &files[1]].map(|files| -> Vec<Vec<usize>> {
        let ends =
            |file: &Arc<SourceText>| file.text.match_indices('\n').map(|(at, _)| at).collect();
        files.iter().map(ends).collect()
    });
    let side = |at: usize, found: &FoundPolicy| {
        let policy = Policy::from_shared(&files[at][found.file], &found.tree)
            .map_err(|error| Failure::from_error(Exit::Configuration, &error))?;
        Ok::<_, Failure>((
            name(&files[at][found.file], &lines[at][found.file], found),
            policy,
        ))
    };
    if let ([one], [other]) = (&old.found.policies[..], &new.found.policies[..]) {
        let name = other.role.clone().or_else(|| one.role.clone());
        return Ok(vec![Pair {
            name: name.unwrap_or_default(),
            old: Some(side(0, one)?),
            new: Some(side(1, other)?),
        }]);
    }
    let key = |at: usize, found: &FoundPolicy| match &found.role {
        Some(role) => role.rsplit('/').next().unwrap_or(role).to_owned(),
        None => {
            let name = &sides[at].files[found.file].name;
            let below = name.strip_prefix(&roots[at]).unwrap_or(name);
            below.trim_start_matches('/').to_owned()
        }
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for found in &old.found.policies {
        pairs.push(Pair {
            name: key(0, found),
            old: Some(side(0, found)?),
            new: None,
        });
    }
    let mut open: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (at, pair) in pairs.iter().enumerate() {
        open.entry(pair.name.clone()).or_default().push_back(at);
    }
    for found in &new.found.policies {
        let name = key(1, found);
        let policy = Some(side(1, found)?);
        let open = open.get_mut(&name).and_then(VecDeque::pop_front);
        match open {
            Some(at) => pairs[at].new = policy,
            None => pairs.push(Pair {
                name,
                old: None,
                new: policy,
            }),
        }
    }
    Ok(pairs)
}

/// A policy's name for people, as [`Policies::name`] has it. `ends` are the ends of the file's lines:
/// a file may hold thousands of roles, and is not to be read through for each.
fn name(source: &SourceText, ends: &[usize], found: &FoundPolicy) -> String {
    let start = found.tree.span.start;
    let line = ends.partition_point(|end| *end < start);
    let begun = match line {
        0 => 0,
        line => ends[line - 1] + 1,
    };
    let column = source
        .text
        .get(begun..start)
        .map_or(0, |text| text.chars().count());
    let place = format!("{}:{}:{}", source.name, line + 1, column + 1);
    match &found.role {
        Some(role) if *role != source.name => format!("{place} {role}"),
        _ => place,
    }
}

/// What a change comes to; of several roles the gravest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Equal,
    Narrower,
    Undecided,
    Wider,
    /// Each admits what the other does not.
    Different,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Narrower => "narrower",
            Self::Undecided => "undecided",
            Self::Wider => "wider",
            Self::Different => "different",
        }
    }
}

/// A pair with its answer.
struct Judged {
    pair: Pair,
    comparison: Comparison,
    result: Outcome,
}

impl Judged {
    fn new(pair: Pair) -> Result<Self, Failure> {
        let alone = |policy: &Policy| reachable(&CompiledPolicy::compile(policy));
        let comparison = match (&pair.old, &pair.new) {
            (Some((_, old)), Some((_, new))) => compare(old, new),
            (old, new) => Comparison {
                new_admits_more: new.as_ref().map_or(Answer::Nothing, |(_, new)| alone(new)),
                old_admits_more: old.as_ref().map_or(Answer::Nothing, |(_, old)| alone(old)),
            },
        };
        let result = match (&comparison.new_admits_more, &comparison.old_admits_more) {
            (Answer::More(_), Answer::More(_)) => Outcome::Different,
            (Answer::More(_), _) => Outcome::Wider,
            (Answer::Undecided(_), _) => Outcome::Undecided,
            (Answer::Nothing, Answer::Nothing) => Outcome::Equal,
            (Answer::Nothing, _) => Outcome::Narrower,
        };
        Ok(Self {
            pair,
            comparison,
            result,
        })
    }

    fn policy(&self, side: Side) -> Option<&Policy> {
        let side = match side {
            Side::Old => &self.pair.old,
            Side::New => &self.pair.new,
        };
        side.as_ref().map(|(_, policy)| policy)
    }

    /// The answer in words; of many roles most are equal, and one line says it.
    fn told(&self, alone: bool) -> String {
        let place = |side: &Option<(String, Policy)>| match side {
            Some((name, _)) => name.clone(),
            None => "no such role".to_owned(),
        };
        let mut text = format!(
            "{}: {} → {}\n",
            self.result.word(),
            place(&self.pair.old),
            place(&self.pair.new)
        );
        for (admitting, other, answer) in [
            (Side::New, Side::Old, &self.comparison.new_admits_more),
            (Side::Old, Side::New, &self.comparison.old_admits_more),
        ] {
            let name = word(admitting);
            match answer {
                Answer::Nothing => {}
                Answer::More(witness) => {
                    text.push_str(&format!("\n{name} admits more, for instance:\n"));
                    text.push_str(&self.witness_told(witness, admitting, other));
                }
                Answer::Undecided(undecided) => {
                    text.push_str(&format!(
                        "\nwhether {name} admits more is not decided: {}\n",
                        undecided.what
                    ));
                    text.push_str(&self.undecided_told(undecided));
                }
            }
        }
        match self.result {
            Outcome::Equal if alone => text.push_str("\nBoth admit exactly the same.\n"),
            Outcome::Equal => return text,
            Outcome::Narrower => text.push_str("\nNEW admits nothing that OLD does not.\n"),
            _ => {}
        }
        if !alone {
            text.push('\n');
        }
        text
    }

    fn witness_told(&self, witness: &Witness, admitting: Side, other: Side) -> String {
        let mut lines = vec![
            (
                "principal".to_owned(),
                witness.request.principal.name().to_owned(),
            ),
            ("action".to_owned(), witness.request.action.clone()),
        ];
        for (key, value) in context(witness) {
            let shown = match &value {
                Value::String(text) if !text.is_empty() => text.clone(),
                other => other.to_string(),
            };
            lines.push((key, shown));
        }
        let width = lines.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or_default();
        let mut text = String::new();
        for (name, value) in lines {
            text.push_str(&format!("  {name:<width$}  {value}\n"));
        }
        if let Some(policy) = self.policy(admitting) {
            let named = match &witness.sid {
                Some(sid) => format!("`{sid}`"),
                None => (witness.statement + 1).to_string(),
            };
            let message = format!("statement {named} of {} admits it", word(admitting));
            let diagnostic = Diagnostic::error("admitted", message, witness.place.span());
            text.push_str(&format!("{}\n", diagnostic.render(policy.source())));
        }
        if let Some(policy) = self.policy(other) {
            let verdict = CompiledPolicy::compile(policy).explain(&witness.request);
            if let Some(reason) = reason(&verdict) {
                text.push_str(&format!("{} denies it: {}\n", word(other), reason.message));
            }
        }
        text
    }

    fn undecided_told(&self, undecided: &Undecided) -> String {
        let Some(policy) = self.policy(undecided.side) else {
            return String::new();
        };
        let message = format!("in {}", word(undecided.side));
        let diagnostic = Diagnostic::error("undecided", message, undecided.place.span());
        format!("{}\n", diagnostic.render(policy.source()))
    }

    fn report(&self) -> Value {
        let place = |side: &Option<(String, Policy)>| side.as_ref().map(|(name, _)| name.clone());
        let answer = |answer: &Answer, admitting: Side| match answer {
            Answer::Nothing => json!({ "answer": "nothing" }),
            Answer::Undecided(undecided) => {
                json!({ "answer": "undecided", "undecided": undecided })
            }
            Answer::More(witness) => {
                let source = self.policy(admitting).map(|policy| &policy.source().name);
                json!({
                    "answer": "more",
                    "witness": {
                        "principal": witness.request.principal.name(),
                        "action": witness.request.action,
                        "context": context(witness),
                    },
                    "statement": witness.statement,
                    "sid": witness.sid,
                    "file": source,
                    "place": witness.place,
                })
            }
        };
        json!({
            "role": self.pair.name,
            "old": place(&self.pair.old),
            "new": place(&self.pair.new),
            "result": self.result.word(),
            "newAdmitsMore": answer(&self.comparison.new_admits_more, Side::New),
            "oldAdmitsMore": answer(&self.comparison.old_admits_more, Side::Old),
        })
    }
}

/// The request's keys by name.
fn context(witness: &Witness) -> Map<String, Value> {
    let context = &witness.request.context;
    let mut keys: Vec<&str> = context.keys().collect();
    keys.sort_unstable();
    let value = |key: &str| match context.value(key) {
        Some(ContextValue::Single(text)) => json!(text),
        Some(ContextValue::Multiple(texts)) => json!(texts),
        None => Value::Null,
    };
    keys.into_iter()
        .map(|key| (key.to_owned(), value(key)))
        .collect()
}

fn word(side: Side) -> &'static str {
    match side {
        Side::Old => "OLD",
        Side::New => "NEW",
    }
}
