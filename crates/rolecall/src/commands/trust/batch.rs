//! `rolecall trust check --batch`: JSON lines in, JSON lines out. A line that cannot be decided is
//! answered with an error, and the rest goes on.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use rolecall_source::SourceText;
use rolecall_trust::{
    CompiledPolicy, Context, Decision, Policy, Principal, Request, WebIdentity, decide_assume_role,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{answer, reading};
use crate::failure::{Exit, Failure};

/// A question.
#[derive(Deserialize)]
struct Question {
    policy: Value,
    principal: Option<String>,
    action: Option<String>,
    #[serde(default)]
    context: Map<String, Value>,
    token: Option<String>,
    claims: Option<Map<String, Value>>,
    provider: Option<String>,
    /// The role's ARN.
    resource: Option<String>,
    /// The policies of a signed caller.
    identity_policies: Option<Vec<Value>>,
}

/// Decides line by line; ends with the code for "no" where a line had an error.
pub fn run() -> Result<ExitCode, Failure> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut clean = true;
    let mut last: Option<(Value, CompiledPolicy)> = None;
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line.map_err(|error| {
            Failure::new(Exit::Local, format!("cannot read standard input: {error}"))
        })?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let (id, decided) = decide(&line, &mut last);
        let said = match decided {
            Ok(decision) => json!({ "id": id, "decision": word(decision) }),
            Err(why) => {
                clean = false;
                json!({ "id": id, "line": number + 1, "error": why })
            }
        };
        let written = writeln!(output, "{said}");
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(unwritable(&error)),
        }
    }
    match output.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(unwritable(&error)),
        _ => Ok(answer(clean)),
    }
}

fn unwritable(error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Local,
        format_args!("cannot write to standard output: {error}"),
    )
}

/// The line's `id`, and the decision. A policy that was the last line's too is compiled once.
fn decide(
    line: &[u8],
    last: &mut Option<(Value, CompiledPolicy)>,
) -> (Value, Result<Decision, String>) {
    let mut members: Map<String, Value> = match serde_json::from_slice(line) {
        Ok(members) => members,
        Err(error) => return (Value::Null, Err(format!("not a JSON object: {error}"))),
    };
    let id = members.remove("id").unwrap_or_default();
    let decided = serde_json::from_value(Value::Object(members))
        .map_err(|error| error.to_string())
        .and_then(|question| judge(question, last));
    (id, decided)
}

fn judge(
    question: Question,
    last: &mut Option<(Value, CompiledPolicy)>,
) -> Result<Decision, String> {
    if last
        .as_ref()
        .is_none_or(|(known, _)| *known != question.policy)
    {
        *last = Some((question.policy.clone(), compile(&question.policy)?));
    }
    let Some((_, policy)) = last else {
        return Err("no policy".to_owned());
    };
    let mut context = Context::new();
    for (key, value) in &question.context {
        match value {
            Value::Array(items) => context.set_list(key, items.iter().map(text)),
            value => context.set(key, text(value)),
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
        let (Some(identity), Principal::Aws { .. }) =
            (&question.identity_policies, &request.principal)
        else {
            return Ok(policy.decide(&request));
        };
        let account = request
            .resource
            .as_deref()
            .and_then(|arn| arn.split(':').nth(4));
        let account = account
            .ok_or("`resource`, the role's ARN, is missing")?
            .to_owned();
        let identity: Vec<CompiledPolicy> =
            identity.iter().map(compile).collect::<Result<_, _>>()?;
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

fn compile(policy: &Value) -> Result<CompiledPolicy, String> {
    let text = match policy {
        Value::String(text) => text.clone(),
        policy => policy.to_string(),
    };
    Policy::parse(&SourceText::new("policy", text))
        .map(|policy| CompiledPolicy::compile(&policy))
        .map_err(|error| error.to_string())
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::ImplicitDeny => "implicit_deny",
        Decision::ExplicitDeny => "explicit_deny",
    }
}
