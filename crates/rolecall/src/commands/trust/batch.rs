//! `rolecall trust check --batch`: JSON lines in, JSON lines out. A line that cannot be decided is
//! answered with an error, and the rest goes on. Memory is bounded whatever the lines are, and who
//! sends one line at a time has the answer before the next.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::process::ExitCode;

use rolecall_source::SourceText;
use rolecall_trust::{
    CompiledPolicy, Context, Decision, Policy, Principal, Request, WebIdentity, decide_assume_role,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{answer, reading};
use crate::failure::{Exit, Failure};

/// A question. Members that are not known are passed over: they may be the sender's own.
#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    id: Value,
    /// As written, so that the places in messages are places in it.
    policy: Box<RawValue>,
    principal: Option<String>,
    action: Option<String>,
    #[serde(default)]
    context: Map<String, Value>,
    token: Option<String>,
    claims: Option<Map<String, Value>>,
    provider: Option<String>,
    /// The role's ARN. With it a signed caller's own policies count too, as they do in STS.
    resource: Option<String>,
    /// The policies of a signed caller; none when left out.
    identity_policies: Option<Vec<Box<RawValue>>>,
}

/// What is still said of a line that is no question.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: Value,
}

/// The policy of the last line: many lines have the same one.
type Last = Option<(Box<RawValue>, CompiledPolicy)>;

/// Decides line by line; ends with the code for "no" where a line had an error.
pub fn run() -> Result<ExitCode, Failure> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut input = BufReader::with_capacity(BUFFERED, std::io::stdin().lock());
    let mut clean = true;
    let mut last: Last = None;
    let mut line = Vec::new();
    for number in 1_usize.. {
        if input.buffer().is_empty() && !written(output.flush())? {
            break;
        }
        let (end, whole) = next(&mut input, &mut line).map_err(|error| {
            Failure::new(Exit::Local, format!("cannot read standard input: {error}"))
        })?;
        if whole && line.iter().all(u8::is_ascii_whitespace) {
            if end {
                break;
            }
            continue;
        }
        let (id, decided) = match whole {
            true => decide(&line, &mut last),
            false => (Value::Null, Err(too_long())),
        };
        let said = match decided {
            Ok(decision) => json!({ "id": id, "decision": word(decision) }),
            Err(why) => {
                clean = false;
                json!({ "id": id, "line": number, "error": why })
            }
        };
        if !written(writeln!(output, "{said}"))? || end {
            break;
        }
    }
    written(output.flush())?;
    Ok(answer(clean))
}

/// Reads a line, without its end, into `line`: whether the input ends with it, and whether it was
/// kept whole. Of a line that is too long the beginning is kept.
fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<(bool, bool)> {
    line.clear();
    input.by_ref().take(LINE_LIMIT).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok((false, true));
    }
    if (line.len() as u64) < LINE_LIMIT {
        return Ok((true, true));
    }
    input.skip_until(b'\n')?;
    Ok((input.fill_buf()?.is_empty(), false))
}

fn too_long() -> String {
    format!(
        "the line is longer than {} MiB, more than is read",
        LINE_LIMIT / 1024 / 1024
    )
}

/// Whether anybody still reads what is written.
fn written(result: std::io::Result<()>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(
            Exit::Local,
            format_args!("cannot write to standard output: {error}"),
        )),
    }
}

/// The line's `id`, and the decision. A policy that was the last line's too is compiled once.
fn decide(line: &[u8], last: &mut Last) -> (Value, Result<Decision, String>) {
    // Lists would be read as members in order.
    if line.trim_ascii_start().first() != Some(&b'{') {
        return (
            Value::Null,
            Err("not a question: a line must be a JSON object".to_owned()),
        );
    }
    match serde_json::from_slice::<Question>(line) {
        Ok(mut question) => (question.id.take(), judge(question, last)),
        Err(error) => {
            let named = serde_json::from_slice::<Named>(line);
            let id = named.map(|named| named.id).unwrap_or_default();
            (id, Err(format!("not a question: {error}")))
        }
    }
}

fn judge(question: Question, last: &mut Last) -> Result<Decision, String> {
    if last
        .as_ref()
        .is_none_or(|(known, _)| known.get() != question.policy.get())
    {
        *last = Some((question.policy.clone(), compile(&question.policy)?));
    }
    let Some((_, policy)) = last else {
        return Err("no policy".to_owned());
    };
    let mut context = Context::new();
    for (key, value) in &question.context {
        match value {
            // As good as absent.
            Value::Null => continue,
            Value::Array(items) => {
                let items = items.iter().map(|item| text(key, item));
                context.set_list(key, items.collect::<Result<Vec<_>, _>>()?)
            }
            value => context.set(key, text(key, value)?),
        };
    }
    let claims = match (question.claims, question.token) {
        (Some(claims), _) => Some(claims),
        (None, Some(token)) => {
            let claims = reading::token_claims(&token);
            Some(claims.map_err(|failure| failure.what().to_owned())?)
        }
        (None, None) => None,
    };
    let Some(claims) = claims else {
        let principal = question.principal.ok_or("`principal` is missing")?;
        let request = Request {
            principal: Principal::named(&principal),
            action: question.action.ok_or("`action` is missing")?,
            resource: question.resource,
            context,
        };
        let alone = question.identity_policies.is_none() && request.resource.is_none();
        if alone || !matches!(request.principal, Principal::Aws { .. }) {
            return Ok(policy.decide(&request));
        }
        let identity = question.identity_policies.unwrap_or_default();
        let account = request
            .resource
            .as_deref()
            .and_then(|arn| arn.split(':').nth(4));
        let account = account
            .ok_or("`resource`, the role's ARN, is missing")?
            .to_owned();
        let identity: Vec<CompiledPolicy> = identity
            .iter()
            .map(|policy| compile(policy))
            .collect::<Result<_, _>>()?;
        return Ok(decide_assume_role(policy, &identity, &account, &request));
    };
    let provider = question
        .provider
        .or(question.principal)
        .ok_or("`provider`, the ARN of the OIDC provider, is missing")?;
    let identity = WebIdentity::read(&provider, &claims).map_err(|error| error.to_string())?;
    Ok(match question.action {
        None => identity.decide(policy, context),
        Some(action) => {
            let requests = identity.requests(context);
            let first = requests.first().ok_or("the token asks for nothing")?;
            policy.decide(&first.with_action(action))
        }
    })
}

/// A policy as JSON, or as a text that holds it.
fn compile(policy: &RawValue) -> Result<CompiledPolicy, String> {
    let text = match serde_json::from_str::<String>(policy.get()) {
        Ok(text) => text,
        Err(_) => policy.get().to_owned(),
    };
    Policy::parse(&SourceText::new("policy", text))
        .map(|policy| CompiledPolicy::compile(&policy))
        .map_err(|error| error.to_string())
}

fn text(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(format!(
            "the value of `{key}` in `context` must be a text, a number, a boolean, or a list of those"
        )),
    }
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::ImplicitDeny => "implicit_deny",
        Decision::ExplicitDeny => "explicit_deny",
    }
}

/// Bytes of a line that are read, at most.
const LINE_LIMIT: u64 = 8 * 1024 * 1024;
/// Bytes that are read at once.
const BUFFERED: usize = 64 * 1024;
