use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::federated::claim_rule::is_like;

fn pod() -> Value {
    json!({
        "kubernetes.io": {
            "namespace": "data",
            "serviceaccount": { "name": "cube-api", "uid": "u-1" },
            "pod": { "name": "cube-api-7d9", "uid": "p-1" },
        },
        "groups": ["analysts", "engineers"],
        "realm": { "tier": 2, "internal": true },
    })
}

fn job(changes: Value) -> Value {
    merged(
        json!({
            "repository": "acme/app", "repository_owner": "acme", "repository_id": "17",
            "event_name": "push", "ref": "refs/heads/main", "ref_protected": "true",
            "workflow_ref": "acme/app/.github/workflows/deploy.yml@refs/heads/main",
        }),
        changes,
    )
}

/// Whether evidence with these claims is admitted by these conditions, and if not, why.
fn admits(preset: &str, conditions: Value, further: Value) -> Result<(), String> {
    rule_with(preset, json!({ "where": conditions }))
        .unwrap()
        .admits(&evidence(preset, further))
        .map_err(|error| error.to_string())
}

#[test]
fn all_conditions_must_hold() {
    let kubernetes = |conditions| admits("kubernetes", conditions, pod());
    for holding in [
        json!({ "namespace": "data", "service_account": "cube-api" }),
        json!({ "/kubernetes.io/namespace": ["data", "other"] }),
        json!({ "pod": { "like": "cube-api-*" } }),
        json!({ "pod": { "like": ["worker-*", "cube-api-???"] } }),
        json!({ "groups": "engineers" }),
        json!({ "realm.tier": 2, "realm.internal": true }),
        json!({ "realm.tier": "2" }),
    ] {
        assert_eq!(kubernetes(holding.clone()), Ok(()), "{holding}");
    }
    insta::assert_snapshot!(kubernetes(json!({ "namespace": "data", "service_account": "cube-store" })).unwrap_err(), @"the `service_account` of the evidence is `cube-api`, which the workload does not accept");
    insta::assert_snapshot!(kubernetes(json!({ "node": "n1" })).unwrap_err(), @"the evidence has no `node`, which the workload demands");
    insta::assert_snapshot!(kubernetes(json!({ "groups": "admins" })).unwrap_err(), @"the `groups` of the evidence is a list of other values, which the workload does not accept");
    insta::assert_snapshot!(kubernetes(json!({ "/kubernetes.io": "data" })).unwrap_err(), @"the `/kubernetes.io` of the evidence is an object, which the workload does not accept");
}

#[test]
fn aws_principals_are_named_by_their_short_names() {
    let token = json!({
        "sub": "arn:aws:iam::111122223333:role/batch",
        "https://sts.amazonaws.com/": { "aws_account": "111122223333", "org_id": "o-1" },
    });
    let rule = json!({ "principal": "arn:aws:iam::111122223333:role/batch", "account": 111_122_223_333_u64, "organization": "o-1" });
    assert_eq!(admits("aws", rule, token), Ok(()));
}

#[test]
fn evidence_of_another_issuer_is_not_looked_at() {
    let rule = rule_with(
        "oidc",
        json!({ "where": { "sub": { "like": "system:*" } } }),
    )
    .unwrap();
    let elsewhere = issuer(json!({ "name": "elsewhere" }));
    let evidence = judge(&signed(&RSA, &claims(json!({}))), &elsewhere).unwrap();
    assert!(matches!(
        rule.admits(&evidence),
        Err(EvidenceError::UnknownIssuer { .. })
    ));
}

#[test]
fn evidence_brings_attributes_under_declared_conditions() {
    let rule = rule_with(
        "kubernetes",
        json!({
            "where": { "namespace": "data" },
            "attributes": {
                "deployment_id": "namespace",
                "component": { "claim": "service_account", "only": { "like": "cube-*" } },
                "tier": "realm.tier",
            },
            "may_claim": { "region": ["eu"] },
        }),
    )
    .unwrap();
    let taken = rule.attributes(&evidence("kubernetes", pod())).unwrap();
    let expected = [
        ("component", "cube-api"),
        ("deployment_id", "data"),
        ("tier", "2"),
    ];
    assert!(
        taken
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .eq(expected)
    );
    assert_eq!(rule.may_claim().unwrap()["region"], ["eu"]);

    let refused = |changes| {
        let mut pod = pod();
        pod["kubernetes.io"]["serviceaccount"]["name"] = changes;
        rule.attributes(&evidence("kubernetes", pod))
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(refused(json!("worker")), @"the `service_account` of the evidence cannot become the attribute `component`: its value is not among those declared");
    insta::assert_snapshot!(refused(json!("cube-\n")), @"the `service_account` of the evidence cannot become the attribute `component`: it holds control characters");
    insta::assert_snapshot!(refused(json!(["cube-api"])), @"the `service_account` of the evidence cannot become the attribute `component`: it is no text, number or boolean");
    insta::assert_snapshot!(refused(json!(format!("cube-{}", "x".repeat(300)))), @"the `service_account` of the evidence cannot become the attribute `component`: it must have 1 to 256 characters");
    let none = rule
        .attributes(&evidence(
            "kubernetes",
            merged(pod(), json!({ "realm": null })),
        ))
        .unwrap_err();
    insta::assert_snapshot!(none, @"the evidence has no `realm.tier`, which the attribute `tier` is taken from");
}

/// Whether a run with these claims passes the guard of a rule with these further fields.
fn guarded(preset: &str, rule: Value, run: Value) -> Result<(), String> {
    let rule = rule_with(preset, rule).unwrap();
    rule.attributes(&evidence(preset, run))
        .map(drop)
        .map_err(|error| error.to_string())
}

#[test]
fn runs_that_strangers_start_at_github_are_refused_unless_meant() {
    let owner = json!({ "repository_owner": "acme" });
    let github = |allow: Value, changes: Value| {
        guarded(
            "github-actions",
            json!({ "where": owner, "allow": allow }),
            job(changes),
        )
    };
    assert_eq!(github(json!({}), json!({})), Ok(()));
    insta::assert_snapshot!(github(json!({}), json!({ "event_name": "pull_request_target" })).unwrap_err(), @"the evidence is of a run started by `pull_request_target`, which somebody who may not write to the repository can cause; where that is meant, the workload's evidence says `allow: { triggers: [pull_request_target] }`");
    for event in ["pull_request", "workflow_run", "issue_comment"] {
        let run = json!({ "event_name": event, "ref_protected": "false" });
        assert!(github(json!({}), run.clone()).is_err());
        assert!(github(json!({ "triggers": ["discussion"] }), run.clone()).is_err());
        assert_eq!(github(json!({ "triggers": [event] }), run), Ok(()));
    }
    insta::assert_snapshot!(github(json!({}), json!({ "head_repository": "mallory/app" })).unwrap_err(), @"the evidence is of a run for the fork `mallory/app`; where that is meant, the workload's evidence says `allow: { forks: true }`");
    assert!(
        github(
            json!({ "forks": true }),
            json!({ "head_repository": "mallory/app" })
        )
        .is_ok()
    );
    assert!(github(json!({}), json!({ "head_repository": "acme/app" })).is_ok());
    insta::assert_snapshot!(github(json!({}), json!({ "event_name": null })).unwrap_err(), @"the evidence has no `event_name`, which tells what started the run");
}

#[test]
fn a_ref_must_be_protected_or_the_environment_named() {
    let run = job(
        json!({ "ref": "refs/heads/topic", "ref_protected": "false", "environment": "production" }),
    );
    let github = |rule: Value| guarded("github-actions", rule, run.clone());
    let owner = json!({ "repository_owner": "acme" });
    insta::assert_snapshot!(github(json!({ "where": owner })).unwrap_err(), @"the evidence is of `refs/heads/topic`, which is not protected, so whoever may push can run anything on it; protect it, name an `environment` in the workload's rule, or allow it with `allow: { unprotected_refs: true }`");
    assert!(github(json!({ "where": owner, "allow": { "unprotected_refs": true } })).is_ok());
    let named = json!({ "repository_owner": "acme", "environment": "production" });
    assert!(github(json!({ "where": named })).is_ok());
    let open = json!({ "repository_owner": "acme", "environment": { "like": "prod*" } });
    assert!(github(json!({ "where": open })).is_err());
}

#[test]
fn gitlab_says_itself_whether_an_environment_is_protected() {
    let job = |changes| {
        merged(
            json!({
                "project_path": "acme/app", "pipeline_source": "push", "ref": "topic",
                "ref_protected": "false", "environment": "production", "environment_protected": "true",
            }),
            changes,
        )
    };
    let rule = json!({ "where": { "project_path": "acme/app", "environment": "production" } });
    let gitlab = |changes| guarded("gitlab", rule.clone(), job(changes));
    assert_eq!(gitlab(json!({})), Ok(()));
    assert!(gitlab(json!({ "environment_protected": "false" })).is_err());
    assert!(gitlab(json!({ "pipeline_source": "merge_request_event" })).is_err());
    assert!(gitlab(json!({ "ref_protected": true, "environment_protected": "false" })).is_ok());
}

/// A condition of every form on one of three claims.
fn any_conditions() -> impl Strategy<Value = Value> {
    let value = prop_oneof![Just("a"), Just("b"), Just("c")];
    let expected = prop_oneof![
        value.clone().prop_map(|value| json!(value)),
        prop::collection::vec(value, 1..3).prop_map(|values| json!(values)),
        Just(json!({ "like": "?a*" })),
    ];
    prop::collection::btree_map(
        prop_oneof![Just("x"), Just("y"), Just("z.w")],
        expected,
        1..4,
    )
    .prop_map(|conditions| json!(conditions))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sorting_rules_loses_none_that_admits(
        conditions in prop::collection::vec(any_conditions(), 1..30),
        x in prop_oneof![Just(json!("a")), Just(json!("b")), Just(json!(["a", "c"])), Just(json!(null))],
        y in prop_oneof![Just(json!("a")), Just(json!("bab"))],
        w in prop_oneof![Just(json!("b")), Just(json!({}))],
    ) {
        let rules: Vec<_> = conditions
            .iter()
            .map(|conditions| Arc::new(rule_with("oidc", json!({ "where": conditions })).unwrap()))
            .collect();
        let takers = Takers::new(rules.iter().cloned().enumerate());
        let evidence = evidence("oidc", json!({ "x": x, "y": y, "z": { "w": w } }));
        let mut found: Vec<usize> = takers
            .candidates(&evidence)
            .filter(|(_, rule)| rule.admits(&evidence).is_ok())
            .map(|(at, _)| *at)
            .collect();
        found.sort_unstable();
        let all = (0..rules.len()).filter(|&at| rules[at].admits(&evidence).is_ok());
        prop_assert_eq!(found, all.collect::<Vec<_>>());
    }
}

/// What a pattern means, said the slow way.
fn like_by_recursion(text: &[char], pattern: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            like_by_recursion(text, rest)
                || text
                    .split_first()
                    .is_some_and(|(_, more)| like_by_recursion(more, pattern))
        }
        (Some((expected, rest)), Some((found, more))) => {
            (*expected == '?' || expected == found) && like_by_recursion(more, rest)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_pattern_fits_what_it_says(text in "[ab/ü]{0,12}", pattern in "[ab/ü*?]{0,8}") {
        let (t, p): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
        prop_assert_eq!(is_like(&text, &pattern), like_by_recursion(&t, &p));
    }
}
