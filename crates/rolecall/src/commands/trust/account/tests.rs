use std::path::Path;

use rolecall_services::Role;

use super::{Live, text};

fn role(trust_policy: &str) -> Role {
    Role {
        arn: "arn:aws:iam::123456789012:role/team/Deploy".to_owned(),
        name: "Deploy".to_owned(),
        path: "/team/".to_owned(),
        id: "AROADBQP57FF2AEXAMPLE".to_owned(),
        trust_policy: trust_policy.to_owned(),
        max_session_duration: Some(3600),
        tags: Vec::new(),
        permissions_boundary: None,
    }
}

#[test]
fn a_policy_stands_on_lines_of_its_own_and_twice_written_members_stay() {
    let source = text(&role(
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"a \"{,\\","Action":[ ],"Action":"b"}]}"#,
    ));
    assert_eq!(source.name, "arn:aws:iam::123456789012:role/team/Deploy");
    insta::assert_snapshot!(source.text, @r#"
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "a \"{,\\",
                "Action": [],
                "Action": "b"
            }
        ]
    }
    "#);
}

#[test]
fn a_policy_that_was_indented_already_stays_one() {
    let source = text(&role("{\n  \"Version\" : \"2012-10-17\"\n}"));
    assert_eq!(source.text, "{\n    \"Version\": \"2012-10-17\"\n}\n");
}

#[test]
fn arns_and_the_account_are_told_from_files() {
    let named = |text: &str| Live::named(Path::new(text));
    assert_eq!(named("trust.json").unwrap(), None);
    assert_eq!(named("-").unwrap(), None);
    assert_eq!(named("iam://").unwrap(), Some(Live::Account));
    assert!(matches!(
        named("arn:aws:iam::123456789012:role/team/Deploy").unwrap(),
        Some(Live::Role(_))
    ));
    let error = named("arn:aws:sts::123456789012:assumed-role/Deploy/x").unwrap_err();
    insta::assert_snapshot!(error.what(), @"`arn:aws:sts::123456789012:assumed-role/Deploy/x` is not a role ARN: it names a session of a role, not the role; expected `arn:aws:iam::<account>:role/<path and name>`");
}
