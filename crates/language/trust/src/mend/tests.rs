#![allow(clippy::unwrap_used, clippy::panic)]

use rolecall_documents::find;
use serde_json::json;

use super::*;

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.acme.example";

fn policy(conditions: &str) -> SourceText {
    SourceText::new(
        "trust.json",
        format!(
            r#"{{
  "Version": "2012-10-17",
  "Statement": [{{
    "Effect": "Allow",
    "Principal": {{ "Federated": "{PROVIDER}" }},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {conditions}
  }}]
}}
"#
        ),
    )
}

fn mended(source: SourceText, subject: &str, keep: bool) -> Result<Fix, FixError> {
    let claims =
        json!({"iss": "https://oidc.acme.example", "aud": "sts.amazonaws.com", "sub": subject});
    let files = [source];
    let found = find(&files);
    fix(
        &files,
        &found.policies[0],
        &Wanted {
            claims: claims.as_object().unwrap(),
            provider: PROVIDER,
            context: &Context::new(),
            keep,
        },
    )
}

fn conditions(subject: &str) -> String {
    format!(
        r#"{{ "StringEquals": {{ "oidc.acme.example:aud": "sts.amazonaws.com", "oidc.acme.example:sub": {subject} }} }}"#
    )
}

#[test]
fn one_value_is_replaced_and_nothing_else_gets_in() {
    let fix = mended(
        policy(&conditions("\"cube:cluster:42\"")),
        "cube:deployment:42",
        false,
    )
    .unwrap();
    assert_eq!(fix.reach, Reach::OnlyThisToken);
    assert!(fix.changed.contains("\"cube:deployment:42\""));
    assert!(!fix.changed.contains("cube:cluster"));
    assert_eq!(fix.diff.matches("\n+").count(), 2, "{}", fix.diff);
}

#[test]
fn values_that_are_there_are_kept_on_wish() {
    let fix = mended(
        policy(&conditions("\"cube:cluster:42\"")),
        "cube:deployment:42",
        true,
    )
    .unwrap();
    assert!(
        fix.changed
            .contains(r#"["cube:cluster:42", "cube:deployment:42"]"#),
        "{}",
        fix.changed
    );
    assert_eq!(fix.reach, Reach::OnlyThisToken);
}

#[test]
fn a_star_taken_literally_becomes_what_the_token_has() {
    let fix = mended(
        policy(&conditions("\"cube:deployment:*\"")),
        "cube:deployment:42",
        false,
    )
    .unwrap();
    assert!(!fix.changed.contains('*'), "{}", fix.changed);
    assert_eq!(fix.reach, Reach::OnlyThisToken);
}

#[test]
fn an_action_that_others_get_as_well_is_told_with_an_instance() {
    let source = policy(
        r#"{ "StringEquals": { "oidc.acme.example:aud": "sts.amazonaws.com" }, "StringLike": { "oidc.acme.example:sub": "cube:deployment:*" } }"#,
    );
    let claims = json!({
        "iss": "https://oidc.acme.example", "aud": "sts.amazonaws.com", "sub": "cube:deployment:42",
        "https://aws.amazon.com/tags": {"principal_tags": {"team": ["data"]}},
    });
    let files = [source];
    let found = find(&files);
    let wanted = Wanted {
        claims: claims.as_object().unwrap(),
        provider: PROVIDER,
        context: &Context::new(),
        keep: false,
    };
    let fix = fix(&files, &found.policies[0], &wanted).unwrap();
    assert!(fix.changed.contains("sts:TagSession"));
    let Reach::More { instance } = &fix.reach else {
        panic!("{:?}", fix.reach);
    };
    assert!(
        instance.contains("sts:TagSession") && instance.contains("cube:deployment:"),
        "{instance}"
    );
}

#[test]
fn several_misses_are_mended_at_once() {
    let source = policy(
        r#"{ "StringEquals": { "https://oidc.acme.example:aud": "wrong", "oidc.acme.example:sub": "Cube:deployment:42", "sts:ExternalId": "x" } }"#,
    );
    let fix = mended(source, "cube:deployment:42", false).unwrap();
    assert_eq!(fix.reach, Reach::OnlyThisToken, "{}", fix.changed);
}

#[test]
fn whom_a_replaced_value_admitted_is_told() {
    let replaced = mended(
        policy(&conditions("\"cube:cluster:42\"")),
        "cube:deployment:42",
        false,
    )
    .unwrap();
    let lost = replaced.lost.unwrap();
    assert!(lost.contains("cube:cluster:42"), "{lost}");
    let kept = mended(
        policy(&conditions("\"cube:cluster:42\"")),
        "cube:deployment:42",
        true,
    )
    .unwrap();
    assert_eq!(kept.lost, None);
}

#[test]
fn a_statement_that_serves_others_by_a_pattern_is_left_and_one_is_added() {
    let source = policy(
        r#"{ "StringLike": { "oidc.acme.example:sub": ["cube:*:7", "space:*"] }, "StringEquals": { "oidc.acme.example:aud": "other" } }"#,
    );
    let fix = mended(source, "repo:a:b", true).unwrap();
    assert_eq!(fix.reach, Reach::OnlyThisToken, "{}", fix.changed);
    assert_eq!(fix.lost, None);
    assert_eq!(
        fix.changed.matches("\"Effect\"").count(),
        2,
        "{}",
        fix.changed
    );
}

#[test]
fn what_is_right_or_denied_stays() {
    let right = policy(&conditions("\"cube:deployment:42\""));
    assert_eq!(
        mended(right, "cube:deployment:42", false),
        Err(FixError::AlreadyAllowed)
    );
    let mut denied = policy(&conditions("\"cube:deployment:42\""));
    denied.text = denied.text.replace("\"Allow\"", "\"Deny\"");
    assert!(mended(denied, "cube:deployment:42", false).is_err());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn subject() -> impl Strategy<Value = String> {
        "(cube|space|repo)(:[a-z]{1,4}){1,4}"
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            subject(),
            "(cube|space)(:[a-z*?]{1,3}){1,3}",
            "\\*",
            "[a-z]{0,3}"
        ]
    }

    fn operator() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just("StringEquals"),
            Just("StringLike"),
            Just("StringEqualsIgnoreCase"),
            Just("ForAnyValue:StringEquals"),
            Just("StringNotEquals"),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn the_token_gets_in_and_strangers_do_not(
            sub in subject(),
            values in proptest::collection::vec(value(), 1..3),
            operator in operator(),
            strangers in proptest::collection::vec(subject(), 1..8),
            prefix in prop_oneof![Just("oidc.acme.example"), Just("oidc.acme.example/"), Just("other.example")],
            keep in any::<bool>(),
        ) {
            let values = serde_json::Value::from(values).to_string();
            // Two objects of the same operator would be one name twice.
            let audience = if operator == "StringEquals" { "ForAnyValue:StringLike" } else { "StringEquals" };
            let source = policy(&format!(
                r#"{{ "{audience}": {{ "{prefix}:aud": "sts.amazonaws.com" }}, "{operator}": {{ "{prefix}:sub": {values} }} }}"#
            ));
            let Ok(before) = Policy::parse(&source) else { return Ok(()); };
            let Ok(fix) = mended(source, &sub, keep) else { return Ok(()); };
            let after = Policy::parse(&SourceText::new("after", fix.changed.clone())).unwrap();
            let (before, after) = (CompiledPolicy::compile(&before), CompiledPolicy::compile(&after));
            let decide = |policy: &CompiledPolicy, sub: &str, aud: &str| {
                let claims = json!({"aud": aud, "sub": sub});
                let identity = WebIdentity::read(PROVIDER, claims.as_object().unwrap()).unwrap();
                identity.decide(policy, Context::new())
            };
            prop_assert_eq!(decide(&after, &sub, "sts.amazonaws.com"), Decision::Allow);
            {
                let longer = format!("{sub}-evil");
                for stranger in strangers.iter().chain([&longer]).filter(|one| **one != sub) {
                    for aud in ["sts.amazonaws.com", "other"] {
                        let was = decide(&before, stranger, aud);
                        let is = decide(&after, stranger, aud);
                        prop_assert!(is != Decision::Allow || was == Decision::Allow, "{stranger} gets in: {}", fix.diff);
                    }
                }
            }
        }
    }
}
