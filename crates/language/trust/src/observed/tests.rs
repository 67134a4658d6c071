use rolecall_source::SourceText;

use super::{OBSERVED, observed_rule};
use crate::{CompiledPolicy, Context, Decision, Policy, Principal, Request, Verdict};

const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev";

fn explained(statements: &str, request: &Request) -> Verdict {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let policy = Policy::parse(&SourceText::new("x", text)).unwrap();
    let policy = CompiledPolicy::compile(&policy);
    let verdict = policy.explain(request);
    assert_eq!(verdict.decision, policy.decide(request));
    verdict
}

fn statement(effect: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{{condition}}}}}"#
    )
}

fn request(keys: &[(&str, &str)]) -> Request {
    let mut context = Context::new();
    for (key, value) in keys {
        match value.split_once('|') {
            Some((first, second)) => context.set_list(key, [first, second]),
            None => context.set(key, *value),
        };
    }
    Request {
        principal: Principal::Federated(PROVIDER.to_owned()),
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: None,
        context,
    }
}

/// What an Allow with one condition decides, and on what that rests.
fn decided(condition: &str, keys: &[(&str, &str)]) -> (Decision, Vec<&'static str>) {
    let verdict = explained(&statement("Allow", condition), &request(keys));
    (verdict.decision, verdict.rests_on)
}

#[test]
fn each_rule_is_named_where_a_verdict_rests_on_it() {
    use Decision::{Allow, ImplicitDeny};
    for (condition, key, value, decision, rule) in [
        (
            r#""StringNotEquals":{"k":"a"}"#,
            "k",
            "b|c",
            ImplicitDeny,
            "plain-operator-on-set",
        ),
        (
            r#""ForAnyValue:StringLikeIfExists":{"k":"a"}"#,
            "other",
            "b",
            Allow,
            "any-value-if-exists",
        ),
        (
            r#""Null":{"k":"false"}"#,
            "k",
            "",
            Allow,
            "empty-is-present",
        ),
        (
            r#""NumericNotEquals":{"k":"5"}"#,
            "k",
            "five",
            Allow,
            "unreadable-value",
        ),
        (
            r#""DateLessThan":{"k":"2024"}"#,
            "k",
            "soon",
            ImplicitDeny,
            "unreadable-value",
        ),
        (r#""Bool":{"k":"false"}"#, "k", "no", Allow, "not-a-boolean"),
        (
            r#""NotIpAddress":{"k":"10.0.0.0/8"}"#,
            "k",
            "home",
            ImplicitDeny,
            "malformed-address",
        ),
        (
            r#""IpAddress":{"k":"10.0.0.0/8"}"#,
            "k",
            "::ffff:10.1.2.3",
            Allow,
            "mapped-address",
        ),
        (
            r#""NotIpAddress":{"k":"2001:db8::1/64"}"#,
            "k",
            "2001:db8::1",
            Allow,
            "ipv6-host-bits",
        ),
        (
            r#""ArnNotLike":{"k":"arn:aws:iam::*:role/*"}"#,
            "k",
            "me",
            ImplicitDeny,
            "malformed-arn",
        ),
        (
            r#""ArnNotLike":{"k":"arn:aws:iam"}"#,
            "k",
            "arn:aws:iam::1:role/a",
            ImplicitDeny,
            "short-arn-pattern",
        ),
        (
            r#""StringEqualsIgnoreCase":{"k":"CAFÉ"}"#,
            "k",
            "café",
            Allow,
            "lower-case",
        ),
        (
            r#""StringLike":{"k":"?"}"#,
            "k",
            "😀",
            ImplicitDeny,
            "question-mark-utf16",
        ),
        (
            r#""StringLike":{"k":"a*b"}"#,
            "k",
            "a\nb",
            Allow,
            "star-over-line-feed",
        ),
        (
            r#""StringNotEquals":{"k":"${k}"}"#,
            "k",
            "a|b",
            ImplicitDeny,
            "plain-operator-on-set",
        ),
        (
            r#""ForAnyValue:StringEquals":{"k":"${k, 'a'}"}"#,
            "k",
            "a|b",
            ImplicitDeny,
            "variable-of-set",
        ),
        (
            r#""StringLike":{"k":"${k}"}"#,
            "k",
            "a*",
            Allow,
            "substituted-wildcards",
        ),
    ] {
        assert_eq!(
            decided(condition, &[(key, value)]),
            (decision, vec![rule]),
            "{condition} on `{value}`"
        );
    }
    let everyone = r#"{"Effect":"Allow","Principal":"*","Action":"sts:*"}"#;
    let verdict = explained(everyone, &request(&[]));
    assert_eq!(verdict.decision, ImplicitDeny);
    assert_eq!(verdict.rests_on, ["star-not-web-identity"]);
    let excluding = format!(
        r#"{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"NotAction":"sts:TagSession"}}"#
    );
    assert_eq!(
        explained(&excluding, &request(&[])).rests_on,
        ["not-action-in-trust"]
    );
    let keys = [
        ("aws:FederatedProvider", PROVIDER),
        ("aws:PrincipalType", "User"),
    ];
    let typed = decided(r#""StringEquals":{"aws:PrincipalType":"User"}"#, &keys);
    assert_eq!(typed, (Allow, vec!["web-identity-keys"]));
}

#[test]
fn documented_rules_need_no_others() {
    for condition in [
        r#""StringEquals":{"k":"a"}"#,
        r#""StringNotEquals":{"k":"b"}"#,
        r#""StringLike":{"k":"?","missing":"x"}"#,
        r#""ForAllValues:StringEquals":{"missing":"a"}"#,
    ] {
        assert_eq!(
            decided(condition, &[("k", "a")]).1,
            Vec::<&str>::new(),
            "{condition}"
        );
    }
}

#[test]
fn a_verdict_that_stands_without_an_observed_rule_does_not_name_it() {
    let observed = r#""Bool":{"k":"false"}"#;
    let documented = r#""StringEquals":{"k":"no"}"#;
    let keys = [("k", "no")];
    // Another statement allows by documented rules alone.
    let both = format!(
        "{},{}",
        statement("Allow", observed),
        statement("Allow", documented)
    );
    assert!(explained(&both, &request(&keys)).rests_on.is_empty());
    // Denied by a documented condition besides.
    let (decision, rules) = decided(
        r#""NumericEquals":{"k":"5"},"StringEquals":{"k":"a"}"#,
        &keys,
    );
    assert_eq!((decision, rules), (Decision::ImplicitDeny, vec![]));
    // A Deny that an observed rule alone keeps from applying.
    let denied = statement("Deny", r#""NumericEquals":{"k":"5"}"#);
    let allowed = explained(
        &format!("{},{denied}", statement("Allow", documented)),
        &request(&keys),
    );
    assert_eq!(allowed.decision, Decision::Allow);
    assert_eq!(allowed.rests_on, ["unreadable-value"]);
    // A Deny that applies by one.
    let applied = format!(
        "{},{}",
        statement("Allow", documented),
        statement("Deny", observed)
    );
    let verdict = explained(&applied, &request(&keys));
    assert_eq!(verdict.decision, Decision::ExplicitDeny);
    assert_eq!(verdict.rests_on, ["not-a-boolean"]);
}

#[test]
fn rules_have_names_of_their_own_and_are_found_by_them() {
    for rule in OBSERVED {
        assert_eq!(
            observed_rule(rule.id),
            Some(rule),
            "{} is there twice",
            rule.id
        );
        assert!(rule.date.len() == 7 && !rule.source.is_empty(), "{rule:?}");
    }
    assert_eq!(observed_rule("unheard-of"), None);
}
