#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::wire::Code;

const ROLE: &str = "arn:aws:iam::123456789012:role/job";

fn roles(value: Value) -> RolesClaim {
    let claims = json!({"https://aws.amazon.com/roles": value});
    roles_claim(claims.as_object().unwrap(), ROLE)
}

#[test]
fn roles_as_text_list_and_nothing() {
    assert_eq!(roles_claim(&Map::new(), ROLE), RolesClaim::Absent);
    assert_eq!(roles(json!(null)), RolesClaim::Absent);
    for listed in [
        json!(ROLE),
        json!(format!("x; {ROLE} ")),
        json!([1, null, format!(" {ROLE}")]),
    ] {
        assert_eq!(roles(listed.clone()), RolesClaim::Listed, "{listed}");
    }
    for missing in [
        json!(""),
        json!([]),
        json!([1]),
        json!({}),
        json!(format!("{ROLE}2")),
        json!(ROLE.to_uppercase()),
    ] {
        assert_eq!(roles(missing.clone()), RolesClaim::NotListed, "{missing}");
    }
}

#[test]
fn nested_and_flattened_tags_are_the_same() {
    let nested = json!({"https://aws.amazon.com/tags": {"principal_tags": {"team": ["a b"]}, "transitive_tag_keys": ["team"]}});
    let flat = json!({
        "https://aws.amazon.com/tags/principal_tags/team": "a b",
        "https://aws.amazon.com/tags/transitive_tag_keys": ["team"],
    });
    let read = |claims: &Value| AwsClaims::read(claims.as_object().unwrap()).unwrap();
    assert_eq!(read(&nested), read(&flat));
    assert_eq!(read(&nested).tags["team"], "a b");
}

#[test]
fn tags_that_cannot_be() {
    for tags in [
        json!({"team": "a"}),
        json!({"team": ["a", "b"]}),
        json!({"team": []}),
        json!({"aws:team": ["a"]}),
        json!({"team": ["<a>"]}),
        json!({"team": ["a"], "TEAM": ["b"]}),
        json!([1]),
    ] {
        let claims = json!({"https://aws.amazon.com/tags": {"principal_tags": tags}});
        let fault = AwsClaims::read(claims.as_object().unwrap()).unwrap_err();
        assert_eq!(fault.code(), Code::InvalidIdentityToken, "{claims}");
    }
}

proptest! {
    #[test]
    fn what_check_tags_takes_is_within_the_limits(key in "\\PC{0,140}", value in "\\PC{0,260}") {
        let tags = Tags::from([(key.clone(), value.clone())]);
        if check_tags(&tags, &[]).is_ok() {
            prop_assert!((1..=128).contains(&key.chars().count()));
            prop_assert!(value.chars().count() <= 256);
            prop_assert!(!key.to_lowercase().starts_with("aws:"));
        }
    }
}
