#![allow(clippy::unwrap_used, clippy::panic)]

use rolecall_documents::find;

use super::*;

/// A trust policy of GitHub's issuer with these conditions, one element a line.
fn github(conditions: &str) -> String {
    statement("token.actions.githubusercontent.com", conditions)
}

fn statement(host: &str, conditions: &str) -> String {
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [{{
    "Effect": "Allow",
    "Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/{host}"}},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {}
  }}]
}}"#,
        conditions.replace("HOST", host)
    )
}

const AUD: &str = r#""HOST:aud": "sts.amazonaws.com""#;

fn sub(operator: &str, subject: &str) -> String {
    match operator {
        "StringEquals" => format!(r#"{{"StringEquals": {{{AUD}, "HOST:sub": {subject}}}}}"#),
        _ => format!(r#"{{"StringEquals": {{{AUD}}}, "{operator}": {{"HOST:sub": {subject}}}}}"#),
    }
}

/// The codes that are found, in their order.
fn codes(name: &str, text: &str) -> Vec<&'static str> {
    let files = [SourceText::new(name, text)];
    let found = find(&files);
    let all = lint_files(&files, &found);
    let findings = all.into_iter().flat_map(|file| file.findings);
    findings
        .filter(|one| one.ignored.is_none())
        .map(|one| one.rule.code)
        .collect()
}

fn json_codes(text: &str) -> Vec<&'static str> {
    codes("trust.json", text)
}

#[test]
fn what_is_right_is_left_alone() {
    for (host, operator, subject) in [
        (
            "acme.cubecloud.dev",
            "StringEquals",
            "\"cube:deployment:42:component:cube_api\"",
        ),
        (
            "acme.cubecloud.dev",
            "StringLike",
            "\"cube:deployment:42:*\"",
        ),
        (
            "demo.app.spacelift.io",
            "StringEquals",
            "\"space:legacy-01:stack:infra:run_type:TRACKED:scope:write\"",
        ),
        (
            "api.pulumi.com/oidc",
            "StringEquals",
            "\"pulumi:environments:org:contoso:env:development\"",
        ),
        (
            "api.prefect.cloud/oidc-provider",
            "StringEquals",
            "\"prefect:account:9b7c1c1e-0000-4000-8000-5f1e8d6a2b10\"",
        ),
        (
            "app.terraform.io",
            "StringEquals",
            "\"organization:acme:project:p:workspace:w:run_phase:apply\"",
        ),
        (
            "gitlab.com",
            "StringEquals",
            "\"project_path:acme/app:ref_type:branch:ref:main\"",
        ),
        ("oidc.example.com", "StringEquals", "\"anything at all\""),
        (
            "oidc.eks.eu-west-1.amazonaws.com/id/ABC",
            "StringEquals",
            "\"system:serviceaccount:default:app\"",
        ),
    ] {
        let found = json_codes(&statement(host, &sub(operator, subject)));
        assert_eq!(found, Vec::<&str>::new(), "{host} {subject}");
    }
    let named = github(&sub(
        "StringEquals",
        "\"repo:octo@1/app@2:ref:refs/heads/main\"",
    ));
    assert_eq!(json_codes(&named), Vec::<&str>::new());
}

/// Every rule has a policy that breaks it, and the finding stands where the mistake does.
#[test]
fn every_rule_finds_its_mistake() {
    let wide = |subject: &str| github(&sub("StringLike", subject));
    let with = |extra: &str| {
        github(&format!(
            r#"{{"StringEquals": {{{AUD}, "HOST:sub": "repo:o@1/r@2:environment:p"{extra}}}}}"#
        ))
    };
    let cases: Vec<(&str, String, &str)> = vec![
        ("RC1001", statement("oidc.example.com", &format!("{{\"StringEquals\": {{{AUD}}}}}")), "{\n    \"Effect\""),
        ("RC1002", statement("oidc.example.com", r#"{"StringEquals": {"HOST:sub": "x"}}"#), "{\n    \"Effect\""),
        ("RC1003", wide("\"repo:*/app:ref:refs/heads/main\""), "\"repo:*/app:ref:refs/heads/main\""),
        ("RC1003", statement("app.terraform.io", &sub("StringLike", "\"organization:*:workspace:w:run_phase:apply\"")), "\"organization:*:workspace:w:run_phase:apply\""),
        ("RC1004", wide("\"repo:octo*/app:ref:refs/heads/main\""), "\"repo:octo*/app:ref:refs/heads/main\""),
        ("RC1004", statement("oidc.example.com", &sub("StringLike", "\"contoso*\"")), "\"contoso*\""),
        ("RC1005", statement("acme.cubecloud.dev", &sub("StringLike", "\"cube:deployment:*\"")), "\"cube:deployment:*\""),
        ("RC1006", wide("\"repo:octo/app:*\""), "\"repo:octo/app:*\""),
        ("RC1006", statement("app.terraform.io", &sub("StringLike", "\"organization:o:project:p:workspace:w:run_phase:*\"")), "\"organization:o:project:p:workspace:w:run_phase:*\""),
        ("RC1007", github(&sub("ForAllValues:StringLike", "\"repo:o@1/r@2:environment:p*\"")), "\"ForAllValues:StringLike\""),
        ("RC1008", github(&sub("StringEqualsIfExists", "\"repo:o@1/r@2:environment:p\"")), "\"StringEqualsIfExists\""),
        ("RC1009", statement("oidc.example.com", r#"{"StringNotEquals": {"HOST:sub": "x"}}"#), "\"HOST:sub\": \"x\""),
        ("RC1010", statement("demo.app.spacelift.io", &sub("StringLike", "\"*:stack:infra:*\"")), "\"*:stack:infra:*\""),
        ("RC1011", statement("oidc.example.com", r#"{"StringLike": {"HOST:aud": "sts.*"}, "StringEquals": {"HOST:sub": "x"}}"#), "\"sts.*\""),
        ("RC1012", r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}}"#.to_owned(), "\"*\""),
        ("RC1013", statement("oidc.example.com", &sub("StringEquals", "\"x\"")).replace("]\n}", r#", {"Effect": "Deny", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example.com"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}]
}"#), "\"aws:MultiFactorAuthPresent\": \"false\""),
        ("RC1014", wide("\"repo:octo/app:ref:refs/heads/*\""), "\"repo:octo/app:ref:refs/heads/*\""),
        ("RC2001", github(&sub("StringEquals", "\"repo:octo/app:*\"")), "\"repo:octo/app:*\""),
        ("RC2002", wide("\"repo:o@1/r@2:environment:p\""), "\"repo:o@1/r@2:environment:p\""),
        ("RC2003", github(&sub("StringEquals", "\"repo:octo/app\"")), "\"repo:octo/app\""),
        ("RC2003", statement("api.prefect.cloud/oidc-provider", &sub("StringEquals", "\"prefect:cloud:abc\"")), "\"prefect:cloud:abc\""),
        ("RC2004", statement("api.pulumi.com/oidc", r#"{"StringEquals": {"api.pulumi.com:aud": "a", "HOST:sub": "x"}}"#), "\"api.pulumi.com:aud\""),
        ("RC2004", statement("oidc.example.com", r#"{"StringEquals": {"https://HOST:aud": "a", "HOST:sub": "x"}}"#), "\"https://HOST:aud\""),
        ("RC2005", with(", \"HOST:iss\": \"x\""), "\"HOST:iss\""),
        ("RC2006", with(", \"sts:ExternalId\": \"x\""), "\"sts:ExternalId\""),
        ("RC2007", with(", \"aws:PrincipalArn\": \"x\""), "\"aws:PrincipalArn\""),
        ("RC2008", with("").replace("AssumeRoleWithWebIdentity", "AssumeRole"), "\"Action\": \"sts:AssumeRole\""),
        ("RC2009", with(", \"aws:RequestTag/team\": \"x\""), "\"aws:RequestTag/team\""),
        ("RC2010", with(", \"sts:SourceIdentity\": \"x\""), "\"sts:SourceIdentity\""),
        ("RC2011", with("").replace("arn:aws:iam::111122223333:oidc-provider/", "https://"), "\"https://HOST\""),
        ("RC2012", with("").replace("111122223333", "<ACCOUNT>"), "\"arn:aws:iam::<ACCOUNT>:oidc-provider/HOST\""),
        ("RC2013", with(", \"HOST:sub\": \"repo:o@1/r@2:environment:q\""), "\"HOST:sub\""),
        ("RC2014", with("").replace("\"Version\": \"2012-10-17\",", "").replace("environment:p", "environment:${aws:username}"), "\"repo:o@1/r@2:environment:${aws:username}\""),
        ("RC2015", with("").replace("\"Effect\": \"Allow\",", "\"Effect\": \"Allow\", \"Resource\": \"*\","), "{"),
        ("RC2016", github(&format!("{{\"StringEquals\": {{{AUD}}}}}")), "{"),
        ("RC2017", github(&sub("StringEquals", &format!("\"repo:o@1/r@2:environment:{}\"", "p".repeat(2000)))), "{"),
        ("RC2018", with(", \"HOST:amr\": \"x\""), "\"StringEquals\""),
        ("RC2019", github(&format!(r#"{{"StringEquals": {{{AUD}, "HOST:sub": "repo:o@1/r@2:environment:p"}}, "StringLike": {{"HOST:sub": "repo:o@1/r@2:environment:q*"}}}}"#)), "\"HOST:sub\""),
        ("RC2020", wide("[\"repo:o@1/r@2:environment:*\", \"repo:o@1/r@2:environment:prod-*\"]"), "\"repo:o@1/r@2:environment:prod-*\""),
        ("RC2021", github(&format!(r#"{{"StringEquals": {{{AUD}, "HOST:sub": "repo:o@1/r@2:environment:p"}}, "IpAddress": {{"aws:SourceIp": "10.0.0.0/8"}}}}"#)), "\"10.0.0.0/8\""),
        ("RC2022", github(&format!(r#"{{"StringEquals": {{{AUD}, "HOST:sub": "repo:o@1/r@2:environment:p"}}, "ArnLike": {{"aws:FederatedProvider": "arn:aws:iam:*"}}}}"#)), "\"arn:aws:iam:*\""),
        ("RC2023", with("").replace("\"Version\": \"2012-10-17\",", ""), "{"),
        ("RC3001", r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "rds-db:connect", "Resource": "arn:aws:rds-db:eu-west-1:111122223333:dbuser/db-ABC/app"}}"#.to_owned(), "\"arn:aws:rds-db:eu-west-1:111122223333:dbuser/db-ABC/app\""),
        ("RC3002", r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:Converse", "Resource": "*"}}"#.to_owned(), "\"bedrock:Converse\""),
        ("RC9001", with("").replace("\"Allow\"", "\"allow\""), "\"allow\""),
    ];
    let mut missed: Vec<&str> = Vec::new();
    for (code, text, place) in &cases {
        let files = [SourceText::new("trust.json", text.clone())];
        let all = lint_files(&files, &find(&files));
        let host = files[0]
            .text
            .split("oidc-provider/")
            .nth(1)
            .map_or("token.actions.githubusercontent.com", |rest| {
                rest.split('"').next().unwrap()
            });
        let place = place.replace("HOST", host);
        let finding = all[0].findings.iter().find(|one| one.rule.code == *code);
        let Some(finding) = finding else {
            let found: Vec<_> = all[0]
                .findings
                .iter()
                .map(|one| (one.rule.code, &one.message))
                .collect();
            panic!("{code} is not found, but {found:?} in {text}");
        };
        let slice = files[0].slice(finding.span);
        assert!(
            slice.starts_with(&place),
            "{code} stands at `{slice}`, not at `{place}`"
        );
        assert!(
            !finding.message.ends_with('.') && finding.mend.ends_with(['.', '?']),
            "{code}"
        );
    }
    for rule in RULES {
        if !cases.iter().any(|(code, ..)| *code == rule.code) {
            missed.push(rule.code);
        }
    }
    assert_eq!(missed, ["RC9002", "RC9003"], "their tests are below");
}

#[test]
fn letters_that_look_alike_are_told_apart() {
    let found = |subject: &str| json_codes(&github(&sub("StringLike", subject)));
    assert!(!found("\"repo:org/*\"").contains(&"RC1004"));
    assert!(!found("\"repo:org/*\"").contains(&"RC1003"));
    assert!(found("\"repo:org*\"").contains(&"RC1004"));
    assert!(found("\"repo:*\"").contains(&"RC1003"));
    assert!(found("\"*\"").contains(&"RC1005"));
}

#[test]
fn what_a_template_fills_in_is_not_judged() {
    let text = "\
resource \"aws_iam_role\" \"r\" {
  assume_role_policy = jsonencode({
    Version = \"2012-10-17\"
    Statement = [{
      Effect = \"Allow\"
      Principal = { Federated = var.provider_arn }
      Action = \"sts:AssumeRoleWithWebIdentity\"
      Condition = { StringEquals = {
        \"${var.host}:aud\" = \"sts.amazonaws.com\"
        \"${var.host}:sub\" = \"repo:${var.org}*\"
      } }
    }]
  })
}
";
    assert_eq!(codes("main.tf", text), Vec::<&str>::new());
}

#[test]
fn suppressions_need_a_reason_and_a_finding() {
    let yaml = |comment: &str| {
        format!(
            "Version: '2012-10-17'\nStatement:\n- Effect: Allow\n  Principal: {{Federated: arn:aws:iam::111122223333:oidc-provider/oidc.example.com}}\n  Action: sts:AssumeRoleWithWebIdentity\n  Condition:\n    StringEquals: {{'oidc.example.com:aud': a}}\n    StringLike:\n      {comment}\n      oidc.example.com:sub: contoso*\n"
        )
    };
    assert_eq!(codes("p.yaml", &yaml("# nothing")), ["RC1004"]);
    assert_eq!(
        codes("p.yaml", &yaml("# rolecall:ignore RC1004 reason: one word")),
        Vec::<&str>::new()
    );
    assert_eq!(
        codes("p.yaml", &yaml("# rolecall:ignore RC1004")),
        ["RC1004", "RC9002"]
    );
    assert_eq!(
        codes("p.yaml", &yaml("# rolecall:ignore RC1003 reason: x")),
        ["RC1004", "RC9003"]
    );

    let files = [SourceText::new("p.yaml", yaml("# nothing"))];
    let mut all = lint_files(&files, &find(&files));
    let ignore: Ignore = "RC1004:p.yaml=one word".parse().unwrap();
    ignore.apply(&files[0], &mut all[0].findings);
    assert_eq!(all[0].findings[0].ignored.as_deref(), Some("one word"));
    assert_eq!("RC1004".parse::<Ignore>(), Err(IgnoreError::Reason));
    assert_eq!(
        "RC9=x".parse::<Ignore>(),
        Err(IgnoreError::Rule("RC9".to_owned()))
    );
}

#[test]
fn findings_are_told_with_their_place() {
    let files = [SourceText::new(
        "trust.json",
        github(&sub("StringLike", "\"repo:octo*\"")),
    )];
    let all = lint_files(&files, &find(&files));
    insta::assert_snapshot!(text(&all).lines().take(5).collect::<Vec<_>>().join("
"), @r#"
    trust.json:7:159: security RC1004: `repo:octo*` also fits every owner whose name begins so
      |
    7 | "sts.amazonaws.com"}, "StringLike": {"token.actions.githubusercontent.com:sub": "repo:octo*"}}
      |                                                                                 ^^^^^^^^^^^^
    hint: Put the separator before the `*`, or write the name out.
    "#);
    let sarif = sarif(&all, "0.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        result["locations"][0]["physicalLocation"]["region"]["startLine"],
        7
    );
    let index = result["ruleIndex"].as_u64().unwrap() as usize;
    assert_eq!(
        sarif["runs"][0]["tool"]["driver"]["rules"][index]["id"],
        result["ruleId"]
    );
}

#[test]
fn codes_are_in_order_and_once() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes, sorted);
}

/// The guide's table is the rules' table.
#[test]
fn the_guide_lists_every_rule() {
    let guide = include_str!("../../../../../docs/lint.md");
    let table: Vec<&str> = guide
        .lines()
        .filter(|line| line.starts_with("| RC"))
        .collect();
    let rules: Vec<String> = RULES
        .iter()
        .map(|rule| {
            format!(
                "| {} | {} | {} | {} |",
                rule.code,
                rule.severity.as_str(),
                rule.title,
                rule.why
            )
        })
        .collect();
    assert_eq!(
        table,
        rules,
        "docs/lint.md is behind; its table should read:\n{}",
        rules.join("\n")
    );
}
