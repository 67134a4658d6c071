#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::wildcard::Wildcard;

#[test]
fn every_row_is_sound() {
    for shape in SHAPES {
        assert!(
            !shape.templates.is_empty() && !shape.issuers.is_empty(),
            "{}",
            shape.name
        );
        let placeholders: Vec<String> = shape
            .templates
            .iter()
            .flat_map(|text| {
                let template = SubjectTemplate::parse(text).unwrap();
                template
                    .placeholders()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect();
        for named in [shape.tenant, shape.phase, shape.per_run].concat() {
            assert!(
                placeholders.contains(&named.to_owned()),
                "{}: {named}",
                shape.name
            );
        }
    }
}

#[test]
fn issuers_are_known_by_their_urls() {
    let name = |issuer: &str| shapes(issuer).next().map(|shape| shape.name);
    assert_eq!(
        name("token.actions.githubusercontent.com"),
        Some("GitHub Actions")
    );
    assert_eq!(
        name("oidc.eks.eu-west-1.amazonaws.com/id/ABC"),
        Some("Kubernetes")
    );
    assert_eq!(name("oidc.eks.eu-west-1.amazonaws.com/id/A/B"), None);
    assert_eq!(name("acme.cubecloud.dev"), Some("Cube"));
    assert_eq!(name(".cubecloud.dev"), None);
    assert_eq!(name("evil.example/acme.cubecloud.dev"), None);
}

#[test]
fn subjects_are_taken_apart() {
    let template =
        SubjectTemplate::parse("repo:{owner}/{repository}:ref:refs/heads/{branch}").unwrap();
    assert_eq!(
        template
            .values("repo:octo/app:ref:refs/heads/feature/x")
            .unwrap(),
        [
            ("owner", "octo"),
            ("repository", "app"),
            ("branch", "feature/x")
        ]
    );
    assert_eq!(template.values("repo:octo/app:pull_request"), None);
    assert_eq!(template.values("repo:/app:ref:refs/heads/main"), None);
    let value = |name: &str| (name == "owner").then_some("octo");
    assert_eq!(template.pattern(value), "repo:octo/*:ref:refs/heads/*");
}

#[test]
fn formats_that_are_none() {
    let error = |text: &str| SubjectTemplate::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(error("a:{b"), @"a brace at character 3 has no partner");
    insta::assert_snapshot!(error("a:b}"), @"a brace at character 4 has no partner");
    insta::assert_snapshot!(error("a:{b c}"), @"`{b c}` is no placeholder: its name is letters, digits, `_`, `.` and `-`");
    insta::assert_snapshot!(error("{a}{b}"), @"`{b}` follows another placeholder without anything between them");
}

proptest! {
    #[test]
    fn patterns_that_share_a_text_meet(text in "[ab:]{0,6}", one in "[ab:*?]{0,6}", other in "[ab:*?]{0,6}") {
        if Wildcard::new(&one).matches(&text) && Wildcard::new(&other).matches(&text) {
            prop_assert!(meet(&one, &other));
        }
        prop_assert_eq!(meet(&one, &other), meet(&other, &one));
    }

    #[test]
    fn a_pattern_that_meets_an_exact_text_matches_it(text in "[ab:]{0,6}", pattern in "[ab:*?]{0,6}") {
        prop_assert_eq!(meet(&pattern, &text), Wildcard::new(&pattern).matches(&text));
    }

    #[test]
    fn a_subject_of_a_form_has_its_values(owner in "[a-z]{1,5}", branch in "[a-z/]{1,5}") {
        let template = SubjectTemplate::parse("repo:{owner}:ref:{branch}").unwrap();
        let subject = format!("repo:{owner}:ref:{branch}");
        let values = vec![("owner", owner.as_str()), ("branch", branch.as_str())];
        prop_assert_eq!(template.values(&subject), Some(values));
    }
}
