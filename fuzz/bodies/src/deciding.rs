//! The evaluator and the proofs over it: what two ways must say alike.

use arbitrary::{Result, Unstructured};
use rolecall_documents::find;
use rolecall_source::SourceText;
use rolecall_trust::mend::{self, Wanted};
use rolecall_trust::prove::{Answer, compare as compared};
use rolecall_trust::{CompiledPolicy, Context, Decision, Policy, Principal, Request, WebIdentity};
use serde_json::json;

use crate::policies::{self, PROVIDER};

/// A decision and its proof are one.
pub(crate) fn decide(bytes: &[u8]) {
    let _ = deciding(&mut Unstructured::new(bytes));
}

fn deciding(bytes: &mut Unstructured<'_>) -> Result<()> {
    let Some((source, policy)) = policies::policy(bytes)? else {
        return Ok(());
    };
    let compiled = CompiledPolicy::compile(&policy);
    for _ in 0..4 {
        let request = policies::request(bytes, true)?;
        let decision = compiled.decide(&request);
        let verdict = compiled.explain(&request);
        assert_eq!(decision, verdict.decision, "{}", source.text);
        let again = CompiledPolicy::compile(&policy).decide(&request);
        assert_eq!(decision, again);
    }
    Ok(())
}

/// A wildcard agrees with the plain table over all prefixes.
pub(crate) fn wildcard(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some((pattern, value)) = text.split_once('\n') else {
        return;
    };
    // Variables have a grammar of their own, and the table is quadratic.
    if pattern.contains('$') || text.len() > 2_000 {
        return;
    }
    let document = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Federated": PROVIDER },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringLike": { "oidc.example:sub": pattern } },
    }]});
    let Ok(policy) = Policy::parse(&SourceText::new("fuzz.json", document.to_string())) else {
        return;
    };
    let mut context = Context::new();
    context.set("oidc.example:sub", value);
    let request = Request {
        principal: Principal::Federated(PROVIDER.to_owned()),
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: None,
        context,
    };
    let allowed = CompiledPolicy::compile(&policy).decide(&request) == Decision::Allow;
    assert_eq!(allowed, fits(pattern, value), "{pattern:?} {value:?}");
}

/// `?` is one unit of UTF-16, as observed of AWS.
fn fits(pattern: &str, value: &str) -> bool {
    let value: Vec<u16> = value.encode_utf16().collect();
    let mut row = vec![false; value.len() + 1];
    row[0] = true;
    for symbol in pattern.encode_utf16() {
        let mut next = vec![false; value.len() + 1];
        for at in 0..=value.len() {
            next[at] = match symbol {
                STAR => row[at] || (at > 0 && next[at - 1]),
                ONE => at > 0 && row[at - 1],
                other => at > 0 && row[at - 1] && value[at - 1] == other,
            };
        }
        row = next;
    }
    row[value.len()]
}

const STAR: u16 = b'*' as u16;
const ONE: u16 = b'?' as u16;

/// A witness is one: the one policy admits it and the other does not. Nothing is between a policy
/// and itself.
pub(crate) fn compare(bytes: &[u8]) {
    let _ = comparing(&mut Unstructured::new(bytes));
}

fn comparing(bytes: &mut Unstructured<'_>) -> Result<()> {
    let (Some((_, old)), Some((_, new))) = (policies::policy(bytes)?, policies::policy(bytes)?)
    else {
        return Ok(());
    };
    let both = compared(&old, &new);
    let [old_compiled, new_compiled] = [&old, &new].map(CompiledPolicy::compile);
    let directions = [
        (&both.new_admits_more, &new_compiled, &old_compiled),
        (&both.old_admits_more, &old_compiled, &new_compiled),
    ];
    for (answer, more, less) in directions {
        if let Answer::More(witness) = answer {
            assert_eq!(more.decide(&witness.request), Decision::Allow);
            assert_ne!(less.decide(&witness.request), Decision::Allow);
        }
    }
    for _ in 0..4 {
        let request = policies::request(bytes, false)?;
        if !can_be_made(&request) {
            continue;
        }
        for (answer, more, less) in directions {
            if *answer == Answer::Nothing && more.decide(&request) == Decision::Allow {
                assert_eq!(
                    less.decide(&request),
                    Decision::Allow,
                    "{request:?}\n{}\n{}",
                    old.source().text,
                    new.source().text
                );
            }
        }
    }
    let own = compared(&old, &old);
    assert!(!matches!(own.new_admits_more, Answer::More(_)));
    Ok(())
}

/// Whether STS takes such a call from such a caller: only of these does a comparison speak.
fn can_be_made(request: &Request) -> bool {
    match request.principal {
        Principal::Anonymous => false,
        Principal::Federated(_) => {
            ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"].contains(&request.action.as_str())
        }
        Principal::Aws { .. } | Principal::Service(_) => request.action == "sts:TagSession",
    }
}

/// A fix admits the token that it was asked for, and no other subject.
pub(crate) fn fix(bytes: &[u8]) {
    let _ = fixing(&mut Unstructured::new(bytes));
}

fn fixing(bytes: &mut Unstructured<'_>) -> Result<()> {
    let Some((source, old)) = policies::policy(bytes)? else {
        return Ok(());
    };
    let (own, foreign) = (policies::subject(bytes)?, policies::subject(bytes)?);
    let keep = bytes.arbitrary()?;
    let claims =
        |subject: &str| json!({ "iss": "https://oidc.example", "aud": "a", "sub": subject });
    let admits = |policy: &Policy, subject: &str| {
        let claims = claims(subject);
        let identity = claims
            .as_object()
            .and_then(|claims| WebIdentity::read(PROVIDER, claims).ok());
        identity.is_some_and(|identity| {
            identity.decide(&CompiledPolicy::compile(policy), Context::new()) == Decision::Allow
        })
    };
    let files = [source];
    let found = find(&files);
    let (Some(policy), wanted) = (found.policies.first(), claims(&own)) else {
        return Ok(());
    };
    let Some(claims) = wanted.as_object() else {
        return Ok(());
    };
    let wanted = Wanted {
        claims,
        provider: PROVIDER,
        context: &Context::new(),
        keep,
    };
    if let Ok(fix) = mend::fix(&files, policy, &wanted) {
        let changed = Policy::parse(&SourceText::new("fixed.json", &fix.changed));
        assert!(
            changed.as_ref().is_ok_and(|changed| admits(changed, &own)),
            "{}",
            fix.changed
        );
        if let Ok(changed) = changed
            && own != foreign
            && !admits(&old, &foreign)
        {
            assert!(!admits(&changed, &foreign), "{foreign}: {}", fix.changed);
        }
    }
    Ok(())
}
