//! A folder of 1,000 policies found and linted, as a ratio of its budget of one second.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::Instant;

use rolecall_documents::find;
use rolecall_source::SourceText;
use rolecall_trust::lint::lint_files;

fn main() {
    let files: Vec<SourceText> = (0..1_000).map(file).collect();
    let mut times: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let found = find(&files);
            let findings = lint_files(&files, &found);
            assert_eq!(found.policies.len(), 1_000);
            assert!(findings.iter().all(|file| !file.findings.is_empty()));
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let middle = times[times.len() / 2];
    println!(
        "lint of 1,000 policies  {:.0} ms   {middle:.3} of its budget of 1 s",
        middle * 1e3
    );
}

/// A policy in JSON, YAML or Terraform by turns.
fn file(number: usize) -> SourceText {
    let subject = format!("repo:octo-{number}/app:*");
    let statement = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {{"StringEquals": {{"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}, "StringLike": {{"token.actions.githubusercontent.com:sub": "{subject}"}}}}}}]}}"#
    );
    match number % 3 {
        0 => SourceText::new(format!("{number}.json"), statement),
        1 => SourceText::new(
            format!("{number}.yaml"),
            format!(
                "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {statement}\n"
            ),
        ),
        _ => SourceText::new(
            format!("{number}/main.tf"),
            format!(
                "resource \"aws_iam_role\" \"r\" {{\n  assume_role_policy = jsonencode({statement})\n}}\n"
            ),
        ),
    }
}
