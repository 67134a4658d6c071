#![allow(clippy::unwrap_used, clippy::panic)]

use rolecall_documents::find;

use super::*;

fn policy(values: &str) -> SourceText {
    SourceText::new(
        "trust.json",
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{
  "Effect": "Allow",
  "Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}},
  "Action": "sts:AssumeRoleWithWebIdentity",
  "Condition": {{
    "StringEquals": {{"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}},
    "StringLike": {{"token.actions.githubusercontent.com:sub": {values}}}
  }}
}}]}}
"#
        ),
    )
}

fn github() -> FormatChange {
    let preset = PRESETS[0];
    let map = "owner=octo owner_id=65\nowner=octo repository=app repository_id=4242";
    FormatChange::new(preset.from, preset.to, Some(preset.issuer), map).unwrap()
}

fn step(source: &SourceText, stage: Stage) -> Result<Option<Migrated>, MigrateError> {
    let files = [source.clone()];
    migrate(&files, &find(&files).policies[0], &github(), stage)
}

fn standing(source: &SourceText) -> Standing {
    outlook(&Policy::parse(source).unwrap(), &github()).standing
}

#[test]
fn widen_then_narrow() {
    let mut source = policy("\"repo:octo/app:*\"");
    assert_eq!(standing(&source), Standing::Breaks);
    let too_early = step(&source, Stage::Narrow);
    assert_eq!(
        too_early,
        Err(MigrateError::NotWidened("repo:octo/app:*".to_owned()))
    );

    let widened = step(&source, Stage::Widen).unwrap().unwrap();
    assert_eq!(widened.proof, Proof::Holds);
    assert!(
        widened
            .changed
            .contains(r#"["repo:octo/app:*", "repo:octo@65/app@4242:*"]"#),
        "{}",
        widened.changed
    );
    source.text = widened.changed;
    assert_eq!(standing(&source), Standing::Ready);
    assert_eq!(step(&source, Stage::Widen), Ok(None));

    let narrowed = step(&source, Stage::Narrow).unwrap().unwrap();
    assert_eq!(narrowed.proof, Proof::Holds);
    assert!(
        !narrowed.changed.contains("repo:octo/app:*"),
        "{}",
        narrowed.changed
    );
    source.text = narrowed.changed;
    assert_eq!(standing(&source), Standing::Done);
    assert_eq!(step(&source, Stage::Narrow), Ok(None));
}

#[test]
fn what_the_map_does_not_know_is_blocked_by_name() {
    let source = policy("[\"repo:octo/app:*\", \"repo:octo/new:*\"]");
    assert_eq!(standing(&source), Standing::Blocked);
    let error = step(&source, Stage::Widen).unwrap_err().to_string();
    insta::assert_snapshot!(error, @"the new form of `repo:octo/new:*` is not known: the map has no `repository_id` for it");
}

#[test]
fn other_policies_are_left_alone() {
    assert_eq!(
        standing(&policy("\"organization:octo\"")),
        Standing::Untouched
    );
    assert_eq!(
        step(&policy("\"organization:octo\""), Stage::Widen),
        Ok(None)
    );
}
