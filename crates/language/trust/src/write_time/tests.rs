#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn said(statement: &str) -> String {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    match validate_trust_policy(&policy) {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn web(provider: &str, condition: &str) -> String {
    said(&format!(
        r#"{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/{provider}"}},
        "Action":"sts:AssumeRoleWithWebIdentity","Condition":{condition}}}"#
    ))
}

#[test]
fn a_self_hosted_issuer_needs_no_condition() {
    assert_eq!(web("acme.cubecloud.dev", "{}"), "ok");
}

#[test]
fn shared_issuers_need_a_pinned_key() {
    let github = "token.actions.githubusercontent.com";
    let sub = |operator: &str, value: &str| {
        web(
            github,
            &format!(r#"{{"{operator}":{{"{github}:sub":"{value}"}}}}"#),
        )
    };
    assert_eq!(sub("StringLike", "repo:octo/*"), "ok");
    assert_eq!(sub("ForAnyValue:StringEquals", "repo:octo/x:ref:y"), "ok");
    insta::assert_snapshot!(sub("StringLike", "*"), @"MalformedPolicyDocument: Missing required condition in trust policy: token.actions.githubusercontent.com:sub or token.actions.githubusercontent.com:job_workflow_ref");
    for (operator, value) in [
        ("StringLike", "*octo"),
        ("StringLike", " "),
        ("StringNotLike", "repo:x"),
        ("StringEqualsIfExists", "repo:x"),
    ] {
        assert_ne!(sub(operator, value), "ok", "{operator} {value}");
    }
    let pulumi = |value: &str| {
        let key = "api.pulumi.com/oidc:AUD";
        web(
            "api.pulumi.com/oidc",
            &format!(r#"{{"StringEquals":{{"{key}":"{value}"}}}}"#),
        )
    };
    assert_eq!(pulumi("aws:acme"), "ok");
    assert_eq!(pulumi("**"), "ok");
    assert_ne!(pulumi("*"), "ok");
}

#[test]
fn refusals_in_iams_words() {
    let aws = |principal: &str, action: &str| {
        said(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}"}}"#
        ))
    };
    assert_eq!(aws("123456789012", "sts:AssumeRole"), "ok");
    assert_eq!(aws("*", "sts:AssumeRole*"), "ok");
    insta::assert_snapshot!(aws("arn:aws:iam::123456789012:role/a*", "sts:AssumeRole"), @r#"MalformedPolicyDocument: Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/a*""#);
    insta::assert_snapshot!(aws("123456789012", "sts:*"), @"MalformedPolicyDocument: AssumeRole policy may only specify STS AssumeRole actions.");
    insta::assert_snapshot!(aws("123456789012", "s3:GetObject"), @"MalformedPolicyDocument: AssumeRole policy may only specify STS AssumeRole actions.");
    insta::assert_snapshot!(said(r#"{"Effect":"allow"}"#), @"MalformedPolicyDocument: Invalid effect: allow");
    insta::assert_snapshot!(said(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#), @"MalformedPolicyDocument: Missing required field Principal");
    insta::assert_snapshot!(said(r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Resource":"*","Action":"sts:AssumeRole"}"#), @"MalformedPolicyDocument: Has prohibited field Resource");
    insta::assert_snapshot!(said(r#"{"Effect":"Allow","Principal":{"Federated":"https://idp.example"},"Action":"sts:AssumeRoleWithWebIdentity"}"#), @"MalformedPolicyDocument: Federated principals must be valid domain names or SAML metadata ARNs");
    insta::assert_snapshot!(said(r#"{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity"}"#), @"MalformedPolicyDocument: A condition block must be present for the Cognito provider");
    insta::assert_snapshot!(web("idp.example", r#"{"StringEqual":{"idp.example:sub":"x"}}"#), @"MalformedPolicyDocument: Syntax error in policy.");
    insta::assert_snapshot!(web("idp.example", r#"{"IpAddress":{"aws:SourceIp":"300.0.0.1"}}"#), @"MalformedPolicyDocument: Syntax error in policy.");
}

#[test]
fn whole_documents() {
    let said = |text: &str| validate_trust_policy(text).unwrap_err().to_string();
    insta::assert_snapshot!(said("{"), @"MalformedPolicyDocument: This policy contains invalid Json");
    insta::assert_snapshot!(said(r#"{"Version":"2013-10-17","Statement":[]}"#), @"MalformedPolicyDocument: The policy must contain a valid version string");
    insta::assert_snapshot!(said(r#"{"Version":"2012-10-17","Statement":[]}"#), @"MalformedPolicyDocument: Could not parse the policy: Statement is empty!");
    insta::assert_snapshot!(said("{\"Id\":\"\u{2603}\"}"), @r"ValidationError: 1 validation error detected: Value at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+");
    let one = r#"{"Sid":"A","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#;
    insta::assert_snapshot!(said(&format!(r#"{{"Statement":[{one},{one}]}}"#)), @"MalformedPolicyDocument: The Statement Ids in the policy are not unique");
}

#[test]
fn the_quota_leaves_whitespace_out() {
    let many = |value: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/i.example"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"i.example:sub":"{value}"}}}}}}"#
        );
        format!("{{\"Statement\":{}{statement}}}", " ".repeat(3000))
    };
    assert!(validate_trust_policy(&many("x")).is_ok());
    let long = many(&"x".repeat(2048));
    let error = validate_trust_policy(&long).unwrap_err();
    insta::assert_snapshot!(error, @"LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048");
    assert!(validate_trust_policy_within(&long, 4096).is_ok());
}
