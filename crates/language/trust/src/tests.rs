#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod corners;
mod properties;

use rolecall_source::SourceText;

use crate::wildcard::Wildcard;
use crate::{
    Cause, CompiledPolicy, Context, ContextValue, Decision, Policy, Principal, Request, reason,
};

fn compiled(text: &str) -> CompiledPolicy {
    CompiledPolicy::compile(&Policy::parse(&SourceText::new("policy", text)).unwrap())
}

/// Whether `"Condition": {condition}` holds for a context.
fn holds(condition: &str, context: &[(&str, ContextValue)]) -> bool {
    let policy = compiled(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
    ));
    let mut request = Request {
        principal: Principal::Anonymous,
        action: "sts:AssumeRole".to_owned(),
        resource: None,
        context: Context::new(),
    };
    for (key, value) in context {
        match value {
            ContextValue::Single(value) => request.context.set(key, value),
            ContextValue::Multiple(values) => request.context.set_list(key, values),
        };
    }
    policy.decide(&request) == Decision::Allow
}

fn one(value: &str) -> ContextValue {
    ContextValue::Single(value.to_owned())
}

fn many(values: &[&str]) -> ContextValue {
    ContextValue::Multiple(values.iter().map(|value| (*value).to_owned()).collect())
}

#[test]
fn question_marks_count_utf16_units() {
    let like = |pattern: &str, text: &str| Wildcard::new(pattern).matches(text);
    assert!(like("a??b", "a\u{1F600}b"));
    assert!(!like("a?b", "a\u{1F600}b"));
    assert!(like("a?b", "aéb"));
    assert!(like("*", "x/y:z\nw"));
}

#[test]
fn a_wildcard_does_not_blow_up() {
    let pattern = "*a".repeat(5_000);
    let text = "a".repeat(4_999) + "b";
    assert!(!Wildcard::new(&pattern).matches(&text));
    assert!(!Wildcard::new(&format!("{pattern}?")).matches(&text));
}

#[test]
fn scalar_operators_never_match_multivalued_keys() {
    let sets = [("k", many(&["a"]))];
    for operator in [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIfExists",
        "StringNotLikeIfExists",
    ] {
        assert!(
            !holds(&format!(r#"{{"{operator}":{{"k":"a"}}}}"#), &sets),
            "{operator}"
        );
    }
    assert!(holds(r#"{"ForAnyValue:StringEquals":{"k":"a"}}"#, &sets));
    assert!(holds(r#"{"Null":{"k":"false"}}"#, &sets));
}

#[test]
fn malformed_request_values() {
    for operator in ["IpAddress", "NotIpAddress"] {
        assert!(!holds(
            &format!(r#"{{"{operator}":{{"k":"10.0.0.0/8"}}}}"#),
            &[("k", one("x"))]
        ));
    }
    for operator in ["ArnLike", "ArnNotLike"] {
        let condition = format!(r#"{{"{operator}":{{"k":"arn:aws:iam::1:role/a"}}}}"#);
        assert!(!holds(&condition, &[("k", one("role/a"))]));
    }
    assert!(holds(
        r#"{"NumericNotEquals":{"k":"1"}}"#,
        &[("k", one("x"))]
    ));
    assert!(holds(
        r#"{"DateNotEquals":{"k":"2024-01-01"}}"#,
        &[("k", one("x"))]
    ));
}

#[test]
fn literals_compare_by_value() {
    let holds_one = |condition: &str, value: &str| holds(condition, &[("k", one(value))]);
    assert!(holds_one(r#"{"NumericEquals":{"k":"+007.50"}}"#, "7.5"));
    assert!(holds_one(r#"{"NumericLessThan":{"k":10}}"#, "9.99"));
    assert!(holds_one(r#"{"NumericGreaterThan":{"k":"-2"}}"#, "-1"));
    assert!(holds_one(
        r#"{"DateEquals":{"k":"2024-01-01T00:00:00.0004Z"}}"#,
        "1704067200"
    ));
    assert!(holds_one(
        r#"{"DateLessThan":{"k":"2024-01-01T02:00:00+01:00"}}"#,
        "2024-01-01T00:59:59Z"
    ));
    assert!(holds_one(r#"{"Bool":{"k":true}}"#, "TRUE"));
    assert!(holds_one(r#"{"Bool":{"k":"false"}}"#, "anything"));
    assert!(holds_one(
        r#"{"IpAddress":{"k":"10.1.2.3/8"}}"#,
        "::ffff:10.9.9.9"
    ));
    assert!(!holds_one(
        r#"{"IpAddress":{"k":"2001:db8::1/32"}}"#,
        "2001:db8::1"
    ));
    assert!(holds_one(
        r#"{"IpAddress":{"k":"2001:db8::/32"}}"#,
        "2001:db8::1"
    ));
    assert!(holds_one(r#"{"BinaryEquals":{"k":"QQ=="}}"#, "QQ=="));
    assert!(holds_one(r#"{"StringEqualsIgnoreCase":{"k":"ÄB"}}"#, "äb"));
    assert!(!holds_one(r#"{"StringEqualsIgnoreCase":{"k":"S"}}"#, "ſ"));
    assert!(!holds_one(
        r#"{"ArnLike":{"k":"arn:aws:*:role/a"}}"#,
        "arn:aws:iam::1:role/a"
    ));
}

#[test]
fn policy_variables() {
    let context = [
        ("k", one("home/bob*")),
        ("aws:username", one("bob*")),
        ("set", many(&["x"])),
    ];
    assert!(holds(
        r#"{"StringEquals":{"K":"home/${AWS:UserName}"}}"#,
        &context
    ));
    assert!(holds(
        r#"{"StringLike":{"k":"home/${aws:username}"}}"#,
        &context
    ));
    assert!(!holds(
        r#"{"StringLike":{"k":"home/${set, 'bob*'}"}}"#,
        &context
    ));
    assert!(holds(
        r#"{"StringNotLike":{"k":"home/${set, 'bob*'}"}}"#,
        &context
    ));
    assert!(holds(
        r#"{"StringEquals":{"k":"home/${none, 'bob*'}"}}"#,
        &context
    ));
    assert!(holds(r#"{"StringLike":{"k":"home/???${*}"}}"#, &context));
    assert!(!holds(r#"{"StringLike":{"k":"home/bo${*}"}}"#, &context));
    // A substituted value is never read as a wildcard.
    assert!(!holds(
        r#"{"StringLike":{"k":"${w}"}}"#,
        &[("k", one("abc")), ("w", one("*"))]
    ));
    let old = compiled(
        r#"{"Statement":{"Effect":"Allow","Action":"*","Condition":{"StringEquals":{"k":"${k}"}}}}"#,
    );
    let mut request = web("x");
    request.context.set("k", "${k}");
    assert_eq!(old.decide(&request), Decision::Allow);
}

#[test]
fn identity_policies_by_resource() {
    let policy = compiled(
        r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/team-${aws:PrincipalTag/team}-*"},
        {"Effect":"Deny","NotAction":"sts:AssumeRole","NotResource":"*"}]}"#,
    );
    let mut request = web("x").with_action("STS:assumeRole");
    request.context.set("aws:PrincipalTag/team", "data");
    request.resource = Some("arn:aws:iam::222222222222:role/team-data-reader".to_owned());
    assert_eq!(policy.decide(&request), Decision::Allow);
    request.resource = Some("arn:aws:iam::222222222222:role/team-ops-reader".to_owned());
    assert_eq!(policy.decide(&request), Decision::ImplicitDeny);
}

#[test]
fn principals_of_every_kind() {
    let decide = |principal: &str, caller: Principal| {
        let policy = compiled(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}}}"#
        ));
        let request = Request {
            principal: caller,
            action: "sts:AssumeRole".to_owned(),
            resource: None,
            context: Context::new(),
        };
        policy.grant(&request)
    };
    use crate::Grant;
    let role = "arn:aws:iam::111111111111:role/path/app";
    let session = || Principal::session("arn:aws:sts::111111111111:assumed-role/app/run", role);
    assert_eq!(
        decide(r#"{"AWS":"111111111111"}"#, session()),
        Grant::Account
    );
    assert_eq!(
        decide(r#"{"AWS":"arn:aws:iam::111111111111:root"}"#, session()),
        Grant::Account
    );
    assert_eq!(
        decide(
            &format!(r#"{{"AWS":["222222222222","{role}"]}}"#),
            session()
        ),
        Grant::Caller
    );
    assert_eq!(
        decide(
            r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/app/run"}"#,
            session()
        ),
        Grant::Caller
    );
    assert_eq!(
        decide(
            r#"{"AWS":"arn:aws:sts::111111111111:assumed-role/app/other"}"#,
            session()
        ),
        Grant::Nothing
    );
    assert_eq!(decide(r#""*""#, session()), Grant::Caller);
    assert_eq!(
        decide(
            r#""*""#,
            Principal::Federated("accounts.google.com".to_owned())
        ),
        Grant::Nothing
    );
    assert_eq!(
        decide(
            r#"{"Service":"ec2.amazonaws.com"}"#,
            Principal::Service("ec2.amazonaws.com".to_owned())
        ),
        Grant::Caller
    );
    let service = Principal::Service("ec2.amazonaws.com".to_owned());
    assert_eq!(decide(r#""*""#, service), Grant::Caller);
}

#[test]
fn a_session_is_its_roles_also_where_only_its_arn_is_known() {
    let decide = |role: &str| {
        let policy = compiled(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{role}"}},"Action":"*"}}}}"#
        ));
        let mut request = web("x");
        request.principal = Principal::aws("arn:aws:sts::111111111111:assumed-role/app/run");
        policy.decide(&request)
    };
    for role in ["app", "any/path/app"] {
        let role = format!("arn:aws:iam::111111111111:role/{role}");
        assert_eq!(decide(&role), Decision::Allow, "{role}");
    }
    for role in [
        "arn:aws:iam::111111111111:role/app/run",
        "arn:aws:iam::111111111111:user/app",
        "arn:aws:iam::222222222222:role/app",
        "arn:aws-cn:iam::111111111111:role/app",
    ] {
        assert_eq!(decide(role), Decision::ImplicitDeny, "{role}");
    }
}

/// Each of these took tens of seconds when work grew with the square of the document.
#[test]
fn large_documents_are_read_in_one_pass() {
    let members: Vec<String> = (0..50_000).map(|one| format!("\"k{one}\":1")).collect();
    let wide = format!("{{{}}}", members.join(","));
    assert!(Policy::parse(&SourceText::new("x", wide)).is_err());
    let name = "S".repeat(1_000_000);
    let long =
        format!(r#"{{"Statement":{{"Effect":"Allow","Condition":{{"{name}":{{"k":"v"}}}}}}}}"#);
    let error = Policy::parse(&SourceText::new("x", long)).unwrap_err();
    assert!(error.to_string().len() < 1_000);
}

#[test]
fn depth_is_bounded_whatever_stands_before_it() {
    for head in [
        "/* \" */",
        "// \"\n",
        "'\"'",
        "{\"a\":'\"',\"b\":",
        "\u{feff}",
    ] {
        for open in ["[", "{\"a\":"] {
            let text = format!("{head}{}", open.repeat(100_000));
            assert!(Policy::parse(&SourceText::new("x", text)).is_err());
        }
    }
}

#[test]
fn errors_have_places() {
    let error = Policy::parse(&SourceText::new(
        "trust.json",
        "{\"Statement\": {\"Effect\": \"Allow\",\n  \"Condition\": {\"StringLik\": {}}}}",
    ))
    .unwrap_err();
    insta::assert_snapshot!(error, @r#"
    trust.json:2:17: unknown condition operator `StringLik`
      |
    2 |   "Condition": {"StringLik": {}}}}
      |                 ^^^^^^^^^^^
    hint: Did you mean `StringLike`?
    "#);
    let deep = "[".repeat(100_000);
    assert!(Policy::parse(&SourceText::new("x", deep)).is_err());
    let twice = compiled(r#"{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*"}}"#);
    assert_eq!(twice.policy().warnings().len(), 1);
    assert_eq!(twice.decide(&web("x")), Decision::Allow);
}

fn web(sub: &str) -> Request {
    seed("acme.cubecloud.dev", "sts.amazonaws.com", sub)
}

fn seed(issuer: &str, aud: &str, sub: &str) -> Request {
    let mut context = Context::new();
    context.set(format!("{issuer}:aud"), aud);
    context.set(format!("{issuer}:sub"), sub);
    Request {
        principal: Principal::Federated(format!(
            "arn:aws:iam::123456789012:oidc-provider/{issuer}"
        )),
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: None,
        context,
    }
}

fn trusting(issuer: &str, condition: &str) -> CompiledPolicy {
    compiled(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",
        "Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/{issuer}"}},
        "Action":"sts:AssumeRoleWithWebIdentity","Condition":{condition}}}]}}"#
    ))
}

/// The policies that the platforms publish, with a caller that belongs and one that does not.
#[test]
fn published_policies() {
    let cube = trusting(
        "acme.cubecloud.dev",
        r#"{"StringEquals":{"acme.cubecloud.dev:aud":"sts.amazonaws.com"},
        "StringLike":{"acme.cubecloud.dev:sub":"cube:deployment:*:component:cube_store"}}"#,
    );
    assert_eq!(
        cube.decide(&web("cube:deployment:42:component:cube_store")),
        Decision::Allow
    );
    let denied = cube.explain(&web("cube:deployment:42:component:cube_api"));
    assert_eq!(reason(&denied).unwrap().cause, Cause::Segment);

    let issuer = "demo.app.spacelift.io";
    let sub = "space:production-01:stack:oidc-is-awesome:run_type:TRACKED:scope:write";
    let run = seed(issuer, issuer, sub);
    for (pattern, decision) in [
        ("space:production-01:*", Decision::Allow),
        ("*:stack:oidc-is-awesome:*", Decision::Allow),
        ("space:legacy-01:*", Decision::ImplicitDeny),
    ] {
        let policy = trusting(
            issuer,
            &format!(
                r#"{{"StringEquals":{{"{issuer}:aud":"{issuer}"}},"StringLike":{{"{issuer}:sub":"{pattern}"}}}}"#
            ),
        );
        assert_eq!(policy.decide(&run), decision, "{pattern}");
    }

    let issuer = "api.pulumi.com/oidc";
    let sub = "pulumi:environments:pulumi.organization.login:contoso:currentEnvironment.name:project/development:pulumi.user.login:personA";
    let pulumi = trusting(
        issuer,
        &format!(r#"{{"StringEquals":{{"{issuer}:aud":"aws:contoso","{issuer}:sub":"{sub}"}}}}"#),
    );
    assert_eq!(
        pulumi.decide(&seed(issuer, "aws:contoso", sub)),
        Decision::Allow
    );
    let other = pulumi.explain(&seed(
        issuer,
        "aws:contoso",
        &sub.replace("personA", "personB"),
    ));
    let why = reason(&other).unwrap().difference.unwrap();
    assert_eq!(why.label.as_deref(), Some("pulumi.user.login"));
    let denied = pulumi.explain(&seed(issuer, "contoso", sub));
    assert_eq!(reason(&denied).unwrap().cause, Cause::Audience);

    let issuer = "api.prefect.cloud/oidc-provider";
    let run = seed(issuer, "prefect-cloud", "prefect:account:a1");
    let policy = |key: &str, operator: &str, value: &str| {
        trusting(
            issuer,
            &format!(r#"{{"{operator}":{{"{key}:sub":"{value}"}}}}"#),
        )
    };
    let why = |policy: CompiledPolicy| reason(&policy.explain(&run)).unwrap();
    let asked = why(policy(issuer, "StringEquals", "prefect:cloud:a1"));
    assert_eq!(asked.cause, Cause::Segment);
    let difference = asked.difference.unwrap();
    assert_eq!(difference.expected.as_deref(), Some("cloud"));
    assert_eq!(difference.actual.as_deref(), Some("account"));
    // The advice given in the thread keeps the wrong segment and adds a tail.
    let advised = why(policy(issuer, "StringLike", "prefect:cloud:a1:*"));
    assert_eq!(advised.cause, Cause::Segment);
    assert_eq!(
        advised.mend.line.as_deref(),
        Some(r#""StringLike": { "api.prefect.cloud/oidc-provider:sub": "prefect:account:a1" }"#)
    );
    let renamed = policy("api.prefect.cloud/oidc", "StringLike", "prefect:*");
    assert_eq!(why(renamed).cause, Cause::KeyPrefix);
    for left_in in ["prefect:account:[ACCOUNT_ID]", "prefect\u{2601}\u{fe0f}a1"] {
        let policy = policy(issuer, "StringEquals", left_in);
        assert_eq!(why(policy).cause, Cause::Placeholder, "{left_in}");
    }
    let mended = policy(issuer, "StringEquals", "prefect:account:a1");
    assert_eq!(mended.decide(&run), Decision::Allow);
}
