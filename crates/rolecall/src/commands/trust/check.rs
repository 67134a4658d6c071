//! `rolecall trust check`: one policy, one question.

use std::process::ExitCode;

use rolecall_source::Diagnostic;
use rolecall_trust::{
    CompiledPolicy, Context, Decision, ObservedRule, Policy, Principal, Request, Verdict,
    WebIdentity, observed_rule, reason, web_identity,
};
use serde_json::{Map, Value, json};

use super::answer;
use super::reading::{self, Policies};
use crate::cli::Output;
use crate::cli::trust::CheckArgs;
use crate::denial;
use crate::failure::{Exit, Failure};
use crate::printing;

/// Decides and prints.
///
/// # Errors
/// What cannot be read, or is not said clearly enough to decide.
pub fn run(args: CheckArgs) -> Result<ExitCode, Failure> {
    let policies = Policies::read(&args.policy)?;
    let policy = policies.parse(policies.only()?)?;
    for warning in policy.warnings() {
        anstream::eprintln!("{}", warning.render(policy.source()));
    }
    let compiled = CompiledPolicy::compile(&policy);
    let requests = requests(&args, &policy)?;
    let verdicts: Vec<Verdict> = requests
        .iter()
        .map(|request| compiled.explain(request))
        .collect();
    let denied = verdicts
        .iter()
        .find(|verdict| verdict.decision != Decision::Allow);
    // With parts unknown, only a yes is certain: it rests on what is known.
    if denied.is_some() && !policy.symbols().is_empty() {
        return Err(undecided(&policy));
    }
    match args.output {
        Output::Json => printing::line(&report(&verdicts).to_string())?,
        Output::Text => printing::text(&told(&policy, &verdicts))?,
    }
    Ok(answer(denied.is_none()))
}

fn requests(args: &CheckArgs, policy: &Policy) -> Result<Vec<Request>, Failure> {
    let context = context(&args.context);
    let claims = reading::claims(args.token.as_deref(), args.claims.as_deref())?;
    let mut requests = match (claims, &args.principal) {
        (Some(claims), _) => {
            let provider = provider(args.provider.as_deref(), &claims, policy)?;
            WebIdentity::read(&provider, &claims)
                .map_err(|error| Failure::from_error(Exit::TokenNotValid, &error))?
                .requests(context)
        }
        (None, Some(principal)) => vec![Request {
            principal: Principal::named(principal),
            action: "sts:AssumeRole".to_owned(),
            resource: None,
            context,
        }],
        (None, None) => {
            return Err(Failure::new(Exit::Usage, "who asks is not said").hint(
                "Give --token or --claims for a web identity, --principal for a signed caller",
            ));
        }
    };
    if let Some(action) = &args.action {
        requests = vec![requests[0].with_action(action)];
    }
    Ok(requests)
}

/// The condition keys that were given; a key that is given twice is multivalued.
pub fn context(given: &[(String, String)]) -> Context {
    let mut context = Context::new();
    for (key, _) in given {
        let values: Vec<&str> = given
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_str())
            .collect();
        match values[..] {
            [one] => context.set(key, one),
            _ => context.set_list(key, values),
        };
    }
    context
}

/// The provider's ARN: as given, or the one that the token's issuer has in the account that the
/// policy trusts.
pub fn provider(
    given: Option<&str>,
    claims: &Map<String, Value>,
    policy: &Policy,
) -> Result<String, Failure> {
    if let Some(given) = given
        && given.starts_with("arn:")
    {
        return Ok(given.to_owned());
    }
    let url = given
        .or_else(|| claims.get("iss").and_then(Value::as_str))
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "the claims have no `iss`, and no --provider is given",
            )
        })?;
    let host = url.strip_prefix("https://").unwrap_or(url);
    let trusted = policy.federated_principals();
    let same = trusted
        .iter()
        .find(|arn| web_identity::provider_prefix(arn) == host);
    if let Some(same) = same {
        return Ok((*same).to_owned());
    }
    // The role's account is the one whose providers the policy trusts.
    let account = trusted
        .iter()
        .find_map(|arn| arn.split(':').nth(4))
        .filter(|account| account.len() == 12)
        .unwrap_or("000000000000");
    let partition = trusted
        .iter()
        .find_map(|arn| arn.split(':').nth(1))
        .unwrap_or("aws");
    Ok(web_identity::provider_arn(partition, account, host))
}

fn undecided(policy: &Policy) -> Failure {
    let name = &policy.source().name;
    Failure::new(
        Exit::Usage,
        format_args!("cannot decide: parts of the policy in `{name}` are known to a template only"),
    )
    .note(policy.symbols().join("\n"))
    .hint("Give their values, such as --set 'AWS::AccountId=111122223333'")
}

fn report(verdicts: &[Verdict]) -> Value {
    let decision = decision(verdicts);
    let actions: Vec<Value> = verdicts
        .iter()
        .map(|verdict| json!({ "verdict": verdict, "reason": reason(verdict) }))
        .collect();
    json!({ "decision": decision, "actions": actions, "restsOn": observed(verdicts) })
}

/// What AWS's documentation does not settle and the verdicts hang on, each once.
fn observed(verdicts: &[Verdict]) -> Vec<&'static ObservedRule> {
    let mut names: Vec<&str> = verdicts
        .iter()
        .flat_map(|verdict| verdict.rests_on.iter().copied())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(observed_rule).collect()
}

/// All actions together.
fn decision(verdicts: &[Verdict]) -> Decision {
    let of = |wanted| verdicts.iter().any(|verdict| verdict.decision == wanted);
    if of(Decision::ExplicitDeny) {
        Decision::ExplicitDeny
    } else if of(Decision::ImplicitDeny) {
        Decision::ImplicitDeny
    } else {
        Decision::Allow
    }
}

fn told(policy: &Policy, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for verdict in verdicts {
        let word = match verdict.decision {
            Decision::Allow => "allowed",
            Decision::ImplicitDeny => "denied",
            Decision::ExplicitDeny => "denied explicitly",
        };
        text.push_str(&format!(
            "{word}: {} by {}\n",
            verdict.action, verdict.principal
        ));
        if let Some(reason) = reason(verdict) {
            let diagnostic =
                Diagnostic::error("denied", reason.message.clone(), reason.place.span());
            text.push_str(&denial::reason_text(&verdict.action, &json!(reason)));
            text.push_str(&format!("\n{}\n", diagnostic.render(policy.source())));
            text.push_str(&format!("mend: {}\n", reason.mend.sentence));
            if let Some(line) = &reason.mend.line {
                text.push_str(&format!("  {line}\n"));
            }
        }
    }
    for rule in observed(verdicts) {
        text.push_str(&format!(
            "rests on ({}): {}\n  {}, {}\n",
            rule.confidence.as_str(),
            rule.rule,
            rule.source,
            rule.date
        ));
    }
    text
}
