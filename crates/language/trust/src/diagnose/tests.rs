#![allow(clippy::unwrap_used)]

use rolecall_source::SourceText;

use super::*;

const POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider" },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "api.prefect.cloud/oidc-provider:aud": "prefect-cloud",
          "api.prefect.cloud/oidc-provider:sub": "prefect:account:6f9c"
        }
      }
    }
  ]
}"#;
const CLAIMS: &str = r#"{"iss": "https://api.prefect.cloud/oidc-provider", "aud": "prefect-cloud", "sub": "prefect:account:6f9c", "iat": 1, "exp": 2}"#;
const ROLE: &str = "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/deploy";
const DENIED: &str = "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity";

fn read(texts: &[&str]) -> Diagnosis {
    let mut evidence = Evidence::default();
    for text in texts {
        evidence.read(&SourceText::new("paste", *text));
    }
    diagnose(&evidence, None)
}

fn first(texts: &[&str]) -> (String, u8, bool) {
    let diagnosis = read(texts);
    let first = diagnosis
        .findings
        .first()
        .unwrap_or_else(|| panic!("nothing found: {diagnosis:?}"));
    let complete = first.patch.as_ref().is_some_and(|patch| patch.complete);
    (first.cause.as_str().to_owned(), first.score, complete)
}

/// The policy with one text in the place of another, before the right token.
fn mistaken(right: &str, wrong: &str) -> (String, u8, bool) {
    assert!(POLICY.contains(right));
    first(&[DENIED, &POLICY.replace(right, wrong), CLAIMS, ROLE])
}

fn certain(cause: &str) -> (String, u8, bool) {
    (cause.to_owned(), 99, true)
}

#[test]
fn mistakes_of_the_policy() {
    let sub = "\"prefect:account:6f9c\"";
    assert_eq!(mistaken("prefect:account", "prefect:cloud"), certain("C01"));
    assert_eq!(mistaken(sub, "\"prefect:account:6f9c:*\""), certain("C02"));
    assert_eq!(mistaken(sub, "\"prefect:account\""), certain("C03"));
    assert_eq!(mistaken(sub, "\"prefect:account:*\""), certain("C04"));
    assert_eq!(mistaken(sub, "\"prefect:account:6F9C\""), certain("C05"));
    assert_eq!(mistaken(sub, "\"prefect:account:6f9c \""), certain("C05"));
    assert_eq!(mistaken(sub, "\"prefect:account:global\""), certain("C06"));
    assert_eq!(
        mistaken("\"prefect-cloud\"", "\"sts.amazonaws.com\""),
        certain("C08")
    );
    assert_eq!(
        mistaken(
            "api.prefect.cloud/oidc-provider:sub",
            "api.prefect.cloud:sub"
        ),
        certain("C10")
    );
    assert_eq!(
        mistaken("oidc-provider:sub", "oidc-provider:subject"),
        certain("C11")
    );
    assert_eq!(
        mistaken(
            "oidc-provider:sub\"",
            "oidc-provider:iss\": \"x\", \"api.prefect.cloud/oidc-provider:sub\""
        ),
        certain("C11")
    );
    assert_eq!(
        mistaken(
            "\"api.prefect.cloud/oidc-provider:sub\"",
            "\"sts:ExternalId\": \"x\", \"api.prefect.cloud/oidc-provider:sub\""
        ),
        certain("C12")
    );
    assert_eq!(
        mistaken("cloud/oidc-provider\" }", "cloud/oidc\" }"),
        certain("C13")
    );
    assert_eq!(
        mistaken(
            "\"Federated\": \"arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider\"",
            "\"Service\": \"ecs-tasks.amazonaws.com\""
        ),
        certain("C14")
    );
    assert_eq!(
        mistaken("sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"),
        certain("C15")
    );
    assert_eq!(
        mistaken("prefect:account:6f9c", "prefect:account:<account-id>"),
        certain("C26")
    );
    assert_eq!(
        mistaken("prefect:account:6f9c", "prefect:account:[REDACTED]"),
        ("C26".to_owned(), 85, true)
    );
    assert_eq!(
        mistaken("prefect:account:6f9c", "prefect:cloud:[REDACTED]"),
        certain("C01")
    );
    assert_eq!(
        mistaken(
            "\"prefect-cloud\"",
            "\"<http://prefect-cloud|prefect-cloud>\""
        ),
        certain("C26")
    );
    assert_eq!(
        mistaken("arn:aws:iam::123456789012:", "arnawsiam::123456789012:"),
        certain("C26")
    );
}

mod beyond;
mod fragments;
mod reading;
mod wrappings;
