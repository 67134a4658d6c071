//! Policies as parts of documents, as they stand in a paste, and what is said of them.

use super::{CLAIMS, DENIED, POLICY, read};
use crate::diagnose::Diagnosis;

const OBJECT: &str = r#"{
  Version = "2012-10-17"
  Statement = [{
    Effect = "Allow"
    Action = "sts:AssumeRoleWithWebIdentity"
    Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider" }
    Condition = {
      StringEquals = {
        "api.prefect.cloud/oidc-provider:aud" = "prefect-cloud"
        "api.prefect.cloud/oidc-provider:sub" = "prefect:cloud:6f9c"
      }
    }
  }]
}"#;

fn pasted(fragment: &str) -> Diagnosis {
    read(&[&format!(
        "Look at this:\n\n{fragment}\n\nIt fails with\n{DENIED}\nfor {CLAIMS}\n"
    )])
}

#[test]
fn every_fragment_is_read_and_patched_where_it_stands() {
    let json = POLICY.replace("prefect:account", "prefect:cloud");
    let yaml = "AssumeRolePolicyDocument:\n  Version: \"2012-10-17\"\n  Statement:\n    - Effect: Allow\n      Principal:\n        Federated: arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider\n      Action: sts:AssumeRoleWithWebIdentity\n      Condition:\n        StringEquals:\n          api.prefect.cloud/oidc-provider:aud: prefect-cloud\n          api.prefect.cloud/oidc-provider:sub: prefect:cloud:6f9c\n";
    let data = "data \"aws_iam_policy_document\" \"trust\" {\n  statement {\n    actions = [\"sts:AssumeRoleWithWebIdentity\"]\n    principals {\n      type        = \"Federated\"\n      identifiers = [\"arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider\"]\n    }\n    condition {\n      test     = \"StringEquals\"\n      variable = \"api.prefect.cloud/oidc-provider:sub\"\n      values   = [\"prefect:cloud:6f9c\"]\n    }\n  }\n}";
    let fragments = [
        format!("```json\n{json}\n```"),
        format!("assume_role_policy = jsonencode({OBJECT})"),
        format!("  assume_role_policy = jsonencode(\n    {OBJECT}\n  )"),
        format!("assume_role_policy = <<-EOF\n{json}\nEOF"),
        format!("jsonencode({OBJECT})"),
        OBJECT.to_owned(),
        format!(
            "resource \"aws_iam_role\" \"deploy\" {{\n  assume_role_policy = jsonencode({OBJECT})\n}}"
        ),
        data.to_owned(),
        yaml.to_owned(),
        format!(
            "{{\"Role\": {{\"RoleName\": \"deploy\", \"Arn\": \"arn:aws:iam::123456789012:role/deploy\", \"AssumeRolePolicyDocument\": {json}}}}}"
        ),
    ];
    for fragment in fragments {
        let diagnosis = pasted(&fragment);
        let first = diagnosis
            .findings
            .first()
            .unwrap_or_else(|| panic!("nothing about {fragment}"));
        assert_eq!(first.cause.as_str(), "C01", "{fragment}: {first:?}");
        assert!(
            first.place.as_ref().unwrap().text.contains("6f9c") || fragment.contains("data"),
            "{fragment}: {:?}",
            first.place
        );
        let diff = first
            .patch
            .as_ref()
            .unwrap()
            .diff
            .as_ref()
            .unwrap_or_else(|| panic!("no diff for {fragment}"));
        let changed: Vec<&str> = diff
            .lines()
            .filter(|line| line.starts_with(['+', '-']))
            .skip(2)
            .collect();
        assert_eq!(changed.len(), 2, "{diff}");
        assert!(changed[1].contains("prefect:account:6f9c"), "{diff}");
    }
}

#[test]
fn the_damage_that_kept_a_policy_from_being_read_is_told() {
    let smart = POLICY.replace("\"Effect\"", "\u{201c}Effect\u{201d}");
    let diagnosis = pasted(&smart);
    assert_eq!(diagnosis.findings[0].cause.as_str(), "C26");
    assert!(diagnosis.findings[0].message.contains("typographic quotes"));
}

#[test]
fn a_documented_format_is_cited_and_never_certain() {
    let wrong = POLICY.replace("prefect:account", "prefect:cloud");
    let first = |policy: &str| read(&[DENIED, policy]).findings.into_iter().next().unwrap();
    let found = first(&wrong);
    assert_eq!(
        (found.cause.as_str(), found.confidence.as_str()),
        ("C01", "likely")
    );
    assert!(
        found.evidence[0].contains("2026-03"),
        "{:?}",
        found.evidence
    );
    assert!(!found.patch.unwrap().complete);
    // An issuer of which nothing is documented: nothing is made up.
    let unknown = wrong.replace("api.prefect.cloud/oidc-provider", "oidc.example.com");
    let found = first(&unknown);
    assert_eq!(
        (found.cause.as_str(), found.confidence.as_str()),
        ("C01", "possible")
    );
    assert!(found.alignment.is_none() && found.patch.is_none());
}

#[test]
fn parts_that_a_template_knows_are_settled_by_the_token() {
    let policy = POLICY
        .replace("prefect:account:6f9c", "prefect:cloud:[REDACTED_ID]")
        .replace("123456789012", "[REDACTED_AWS_ACCOUNT]");
    let diagnosis = read(&[DENIED, &policy, CLAIMS]);
    let first = &diagnosis.findings[0];
    assert_eq!(first.cause.as_str(), "C01");
    assert!(first.patch.as_ref().unwrap().complete);
    assert_eq!(
        diagnosis
            .assumptions
            .iter()
            .filter(|line| line.contains("6f9c"))
            .count(),
        1
    );
}
