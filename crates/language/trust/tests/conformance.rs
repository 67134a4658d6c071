//! The engine against a corpus of decisions gathered from AWS's documents, public test suites and
//! live probes. The corpus is data outside the project, named by `ROLECALL_TRUST_CASES`; without it
//! there is nothing to compare and the test says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use rolecall_source::SourceText;
use rolecall_trust::{
    CompiledPolicy, Context, Decision, Policy, Principal, Request, decide_assume_role, prove,
    write_time,
};
use serde_json::Value;

/// Cases of grade L on which AWS's own page says otherwise, each with the page.
const EXCEPTIONS: &[(&str, &str)] = &[];

#[test]
fn decisions() {
    let Some(cases) = rows(&cases_file()) else {
        return;
    };
    let mut score: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let grade = case["grade"].as_str().unwrap();
        let expected = case["expected"].as_str().unwrap();
        let decided = decide(case);
        let excepted = grade == "L" && EXCEPTIONS.iter().any(|(known, _)| *known == id);
        let right = decided == expected || excepted;
        let entry = score.entry(grade.to_owned()).or_default();
        entry.0 += usize::from(right);
        entry.1 += 1;
        if !right {
            wrong.push(format!(
                "{id} ({grade}): expected {expected}, decided {decided}"
            ));
        }
    }
    for (grade, (right, all)) in &score {
        eprintln!("grade {grade}: {right} of {all}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rows about identity policies are checked against the identity validator in full. For trust
/// policies they count as far as grammar goes: a document whose JSON shape IAM refuses is refused
/// there too.
#[test]
fn write_time_refusals() {
    let Some(cases) = rows(&cases_file().with_file_name("write-time.jsonl")) else {
        return;
    };
    let (mut codes, mut messages, mut with_message) = (0, 0, 0);
    let mut wrong = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let kind = case["policy_type"].as_str().unwrap();
        let text = match &case["document"] {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        };
        let expected = case["expected"].as_str().unwrap();
        let result = if kind.starts_with("identity") {
            write_time::validate_identity_policy(&text)
        } else {
            write_time::validate_trust_policy(&text)
        };
        let code = result.as_ref().err().map_or("ok", |error| error.code);
        if code == expected {
            codes += 1;
        } else {
            wrong.push(format!("{id}: expected {expected}, found {result:?}"));
        }
        if let Some(message) = case["message"].as_str() {
            with_message += 1;
            let said = result.as_ref().err().map(|error| error.message.as_str());
            if said == Some(message) {
                messages += 1;
            } else {
                eprintln!("{id}: expected `{message}`, said {said:?}");
            }
            if kind.starts_with("identity") && message.starts_with("Syntax errors") {
                let trust = write_time::validate_trust_policy(&text);
                assert!(trust.is_err(), "{id}: refused by neither");
            }
        }
    }
    eprintln!(
        "write time: {codes} of {} codes, {messages} of {with_message} messages",
        cases.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Subjects that a solver found to be let in by one of two policies only.
#[test]
fn witnesses() {
    let Some(cases) = rows(&cases_file().with_file_name("inclusions.jsonl")) else {
        return;
    };
    let mut checked = 0;
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let issuer = case["issuer"].as_str().unwrap();
        for (member, inside, outside) in [
            ("sub_only_in_new", "new", "old"),
            ("sub_only_in_old", "old", "new"),
        ] {
            let Some(sub) = case[member].as_str() else {
                continue;
            };
            let mut context = Context::new();
            context.set(format!("{issuer}:sub"), sub);
            context.set(format!("{issuer}:aud"), "sts.amazonaws.com");
            let request = Request {
                principal: Principal::Federated(format!(
                    "arn:aws:iam::123456789012:oidc-provider/{issuer}"
                )),
                action: "sts:AssumeRoleWithWebIdentity".to_owned(),
                resource: None,
                context,
            };
            let decide = |policy: &str| compile(&case[policy]).decide(&request);
            assert_eq!(decide(inside), Decision::Allow, "{id}: `{sub}` in {inside}");
            assert_ne!(
                decide(outside),
                Decision::Allow,
                "{id}: `{sub}` in {outside}"
            );
            checked += 1;
        }
    }
    eprintln!("witnesses: {checked} of {checked}");
}

/// Every pair is compared in both directions, as a solver found it, and every witness of ours is
/// put to both policies.
#[test]
fn comparisons() {
    let Some(cases) = rows(&cases_file().with_file_name("inclusions.jsonl")) else {
        return;
    };
    let mut wrong = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().unwrap();
        let [old, new] = ["old", "new"].map(|member| {
            let text = case[member].to_string();
            Policy::parse(&SourceText::new(member, text)).unwrap()
        });
        let comparison = prove::compare(&old, &new);
        let [old, new] = [&old, &new].map(CompiledPolicy::compile);
        for (member, answer, inside, outside) in [
            ("new_admits_more", &comparison.new_admits_more, &new, &old),
            ("old_admits_more", &comparison.old_admits_more, &old, &new),
        ] {
            let expected = case[member].as_bool().unwrap();
            match answer {
                prove::Answer::Nothing if !expected => {}
                prove::Answer::More(witness) if expected => {
                    let request = &witness.request;
                    assert_eq!(inside.decide(request), Decision::Allow, "{id}: {request:?}");
                    assert_ne!(
                        outside.decide(request),
                        Decision::Allow,
                        "{id}: {request:?}"
                    );
                }
                answer => wrong.push(format!("{id}: {member} is {expected}, found {answer:?}")),
            }
        }
    }
    eprintln!(
        "comparisons: {} of {}",
        cases.len() - wrong.len(),
        cases.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn decide(case: &Value) -> &'static str {
    let trust = compile(&case["policy"]);
    let name = case["principal"].as_str().unwrap().to_owned();
    let principal = match case["principal_kind"].as_str().unwrap() {
        "Federated" => Principal::Federated(name),
        "Service" => Principal::Service(name),
        _ => Principal::aws(name),
    };
    let resource = case["resource"].as_str().map(str::to_owned);
    let account = resource
        .as_deref()
        .and_then(|arn| arn.split(':').nth(4))
        .unwrap_or_default()
        .to_owned();
    let request = Request {
        principal,
        action: case["action"].as_str().unwrap().to_owned(),
        resource,
        context: context(&case["context"]),
    };
    let decision = if case["kind"] == "assume-role" {
        let identity: Vec<CompiledPolicy> = case["identity_policies"]
            .as_array()
            .map(|policies| policies.iter().map(compile).collect())
            .unwrap_or_default();
        decide_assume_role(&trust, &identity, &account, &request)
    } else {
        trust.decide(&request)
    };
    assert_eq!(trust.explain(&request).decision, trust.decide(&request));
    match decision {
        Decision::Allow => "allow",
        Decision::ImplicitDeny => "deny",
        Decision::ExplicitDeny => "explicit-deny",
    }
}

fn compile(policy: &Value) -> CompiledPolicy {
    let policy = Policy::parse(&SourceText::new("case", policy.to_string())).unwrap();
    CompiledPolicy::compile(&policy)
}

fn context(values: &Value) -> Context {
    let mut context = Context::new();
    for (key, value) in values.as_object().into_iter().flatten() {
        match value {
            Value::Array(list) => {
                context.set_list(key, list.iter().map(text));
            }
            other => {
                context.set(key, text(other));
            }
        }
    }
    context
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn cases_file() -> PathBuf {
    std::env::var_os("ROLECALL_TRUST_CASES").map_or_else(
        || {
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("../../../../shared/conformance/trust/cases.jsonl")
        },
        PathBuf::from,
    )
}

fn rows(file: &PathBuf) -> Option<Vec<Value>> {
    let Ok(text) = std::fs::read_to_string(file) else {
        eprintln!("{}: no cases there, nothing compared", file.display());
        return None;
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Some(
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}
