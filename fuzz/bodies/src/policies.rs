//! Policies and requests drawn from bytes: few names, so that they meet.

use arbitrary::{Result, Unstructured};
use rolecall_source::SourceText;
use rolecall_trust::{Context, Policy, Principal, Request};
use serde_json::{Map, Value, json};

pub(crate) const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.example";

/// Every operator of the language, and some that are none.
const OPERATORS: [&str; 28] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
    "stringlike",
    "StringLikeish",
    "",
];
const KEYS: [&str; 8] = [
    "oidc.example:sub",
    "oidc.example:aud",
    "OIDC.example:SUB",
    "aws:RequestTag/team",
    "aws:SourceIp",
    "aws:CurrentTime",
    "sts:ExternalId",
    "aws:PrincipalArn",
];
const PARTS: [&str; 22] = [
    "a",
    "b",
    "ab",
    ":",
    "*",
    "?",
    "/",
    "${aws:PrincipalArn}",
    "${oidc.example:sub, 'x'}",
    "${*}",
    "${?}",
    "${$}",
    "${",
    "arn:aws:iam::111122223333:role/",
    "2026-01-01T00:00:00Z",
    "10.0.0.0/8",
    "10.1.2.3",
    "::1",
    "12.5",
    "-0",
    "true",
    "é",
];
const ACTIONS: [&str; 6] = [
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:*",
    "*",
    "STS:assumerole*",
    "s3:GetObject",
];

fn pick<'a>(bytes: &mut Unstructured<'_>, choices: &[&'a str]) -> Result<&'a str> {
    bytes.choose(choices).copied()
}

fn value(bytes: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    for _ in 0..bytes.int_in_range(0..=6)? {
        text.push_str(pick(bytes, &PARTS)?);
    }
    Ok(text)
}

fn values(bytes: &mut Unstructured<'_>) -> Result<Vec<String>> {
    let count = bytes.int_in_range(0..=3)?;
    (0..count).map(|_| value(bytes)).collect()
}

fn one_or_many(bytes: &mut Unstructured<'_>, mut values: Vec<String>) -> Result<Value> {
    let single = values.len() == 1 && bytes.arbitrary()?;
    Ok(match single {
        true => json!(values.remove(0)),
        false => json!(values),
    })
}

fn conditions(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut operators = Map::new();
    for _ in 0..bytes.int_in_range(0..=3)? {
        let set = pick(bytes, &["", "", "ForAllValues:", "ForAnyValue:"])?;
        let suffix = pick(bytes, &["", "", "IfExists"])?;
        let operator = format!("{set}{}{suffix}", pick(bytes, &OPERATORS)?);
        let mut keys = Map::new();
        for _ in 0..bytes.int_in_range(0..=2)? {
            let values = values(bytes)?;
            keys.insert(pick(bytes, &KEYS)?.to_owned(), one_or_many(bytes, values)?);
        }
        operators.insert(operator, Value::Object(keys));
    }
    Ok(Value::Object(operators))
}

fn principal(bytes: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=5)? {
        0 => json!("*"),
        1 => json!({ "AWS": ["111122223333", "arn:aws:iam::111122223333:user/a"] }),
        2 => json!({ "AWS": "*" }),
        3 => json!({ "Service": "ec2.amazonaws.com" }),
        _ => json!({ "Federated": PROVIDER }),
    })
}

fn statement(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut statement = Map::new();
    let effect = pick(bytes, &["Allow", "Allow", "Allow", "Deny"])?;
    statement.insert("Effect".to_owned(), json!(effect));
    let named = pick(
        bytes,
        &["Principal", "Principal", "Principal", "NotPrincipal"],
    )?;
    statement.insert(named.to_owned(), principal(bytes)?);
    let action = pick(bytes, &["Action", "Action", "Action", "NotAction"])?;
    let actions = (0..bytes.int_in_range(1..=2)?)
        .map(|_| pick(bytes, &ACTIONS).map(str::to_owned))
        .collect::<Result<Vec<_>>>()?;
    statement.insert(action.to_owned(), one_or_many(bytes, actions)?);
    if bytes.ratio(3, 4)? {
        statement.insert("Condition".to_owned(), conditions(bytes)?);
    }
    Ok(Value::Object(statement))
}

/// A policy's text.
pub(crate) fn policy_text(bytes: &mut Unstructured<'_>) -> Result<String> {
    let version = pick(bytes, &["2012-10-17", "2012-10-17", "2008-10-17"])?;
    let statements = (0..bytes.int_in_range(1..=3)?)
        .map(|_| statement(bytes))
        .collect::<Result<Vec<_>>>()?;
    Ok(json!({ "Version": version, "Statement": statements }).to_string())
}

/// A policy, where the text is one.
pub(crate) fn policy(bytes: &mut Unstructured<'_>) -> Result<Option<(SourceText, Policy)>> {
    let source = SourceText::new("fuzz.json", policy_text(bytes)?);
    let read = Policy::parse(&source).ok();
    Ok(read.map(|policy| (source, policy)))
}

/// A request that may meet such a policy; with `lists` also one that gives several values of keys
/// that AWS gives one of.
pub(crate) fn request(bytes: &mut Unstructured<'_>, lists: bool) -> Result<Request> {
    let mut context = Context::new();
    for _ in 0..bytes.int_in_range(0..=4)? {
        let key = pick(bytes, &KEYS)?;
        match !lists || bytes.arbitrary()? {
            true => context.set(key, value(bytes)?),
            false => context.set_list(key, values(bytes)?),
        };
    }
    let principal = match bytes.int_in_range(0..=4)? {
        0 => Principal::aws("arn:aws:iam::111122223333:user/a"),
        1 => Principal::Service("ec2.amazonaws.com".to_owned()),
        2 => Principal::Anonymous,
        _ => Principal::Federated(PROVIDER.to_owned()),
    };
    Ok(Request {
        principal,
        action: pick(bytes, &ACTIONS)?.to_owned(),
        resource: None,
        context,
    })
}

/// A subject as a token may have it.
pub(crate) fn subject(bytes: &mut Unstructured<'_>) -> Result<String> {
    let mut text = pick(bytes, &["a", "b", "ab"])?.to_owned();
    for _ in 0..bytes.int_in_range(0..=5)? {
        text.push_str(pick(bytes, &["a", "b", ":", "/", "ab"])?);
    }
    Ok(text)
}
