use super::*;

fn refused<T: std::fmt::Debug>(read: Result<T, EvidenceError>) -> String {
    match read.unwrap_err() {
        EvidenceError::Declared { field, why } => format!("{field}: {why}"),
        other => panic!("{other}"),
    }
}

#[test]
fn presets_know_what_need_not_be_written() {
    let github = json!({ "issuer": null, "preset": "github-actions" });
    let github = issuer(github);
    assert_eq!(github.url(), "https://token.actions.githubusercontent.com");
    assert_eq!(github.audiences, [OWN]);
    assert_eq!(github.maximum_age, 600);
    assert!(issuer(json!({ "issuer": null, "preset": "gitlab" })).one_use);
}

#[test]
fn a_trusted_issuer_that_cannot_be_is_refused() {
    let declared = |changes| refused(issuer_with(changes));
    insta::assert_snapshot!(declared(json!({ "name": "a b" })), @"name: `a b` cannot be the name of a trusted issuer: use 1 to 64 letters, digits, `_` and `-`");
    insta::assert_snapshot!(declared(json!({ "issuer": null })), @"issuer: the trusted issuer `cluster` has no `issuer`: write the exact `iss` of its tokens");
    insta::assert_snapshot!(declared(json!({ "issuer": OWN })), @"issuer: a tenant cannot trust its own tokens as evidence: whoever has one could renew it for ever");
    insta::assert_snapshot!(declared(json!({ "issuer": "http://cluster.example" })), @"issuer: keys cannot be fetched from `http://cluster.example`: use an `https` URL without query or fragment (`http` for loopback addresses only), or give the keys offline");
    insta::assert_snapshot!(declared(json!({ "keys": { "url": "ftp://cluster.example/jwks" } })), @"jwks_url: keys cannot be fetched from `ftp://cluster.example/jwks`: use an `https` URL without query or fragment (`http` for loopback addresses only), or give the keys offline");
    insta::assert_snapshot!(declared(json!({ "keys": { "offline": { "keys": [] } } })), @"jwks: the trusted issuer `cluster` has no key");
    insta::assert_snapshot!(declared(json!({ "maximum_age_seconds": 90_000 })), @"maximum_age: evidence may be 1m to 24h old, not 90000 s");
    insta::assert_snapshot!(declared(json!({ "leeway_seconds": 301 })), @"leeway: clocks may differ by at most 5m, not 301 s; set them right");
    insta::assert_snapshot!(declared(json!({ "audiences": [""] })), @"audiences: write 1 to 16 audiences that are not empty");
}

#[test]
fn keys_are_fetched_over_tls_or_from_this_machine() {
    for yes in [
        "https://a.example",
        "https://a.example:8443/x",
        "http://127.0.0.1:4000/x",
        "http://[::1]:1",
        "http://127.9.9.9",
    ] {
        assert!(may_be_fetched(yes), "{yes}");
    }
    for no in [
        "http://a.example",
        "http://127.0.0.1.a.example",
        "http://localhost",
        "https://",
        "https://a@b",
        "https://a?b",
        "file:///etc/passwd",
        "https://a b",
        "http://127.0.0.1@a.example/",
    ] {
        assert!(!may_be_fetched(no), "{no}");
    }
    // What is not fetched need not be an address.
    let offline = json!({ "keys": { "offline": { "keys": [RSA.public_jwk()] } }, "issuer": "kubernetes/serviceaccount" });
    assert!(issuer_with(offline).is_ok());
}

#[test]
fn a_rule_that_lets_everybody_in_is_refused() {
    let rule = |preset, conditions| refused(rule_with(preset, json!({ "where": conditions })));
    insta::assert_snapshot!(rule("oidc", json!({})), @"where: without conditions every token of `cluster` would do: name at least one claim");
    insta::assert_snapshot!(rule("oidc", json!({ "sub": { "like": "**" } })), @"where.sub: the pattern `**` fits everything; leave the claim out, or say more");
    insta::assert_snapshot!(rule("oidc", json!({ "sub": [] })), @"where.sub: a claim cannot be held to nothing: write a value, or `like:` with a pattern");
    insta::assert_snapshot!(rule("oidc", json!({ "a..b": "c" })), @"where.a..b: `a..b` is not a claim: write a name, names joined by dots, or a JSON pointer such as `/kubernetes.io/namespace`");
    insta::assert_snapshot!(rule("oidc", json!({ "/a~2": "c" })), @"where./a~2: `/a~2` is not a claim: in a JSON pointer `~` is written `~0` and `/` is `~1`");
    insta::assert_snapshot!(rule("kubernetes", json!({ "namespace": "a", "/kubernetes.io/namespace": "b" })), @"where.namespace: `/kubernetes.io/namespace` is the same claim as `namespace`");
    for everybody in [
        json!({ "environment": "production" }),
        json!({ "repository": { "like": "*/app" } }),
        json!({ "repository": { "like": "acme*" } }),
        json!({ "repository_owner": { "like": "acme*" } }),
        json!({ "job_workflow_ref": "acme/flows/.github/workflows/a.yml@main" }),
    ] {
        assert!(
            rule("github-actions", everybody.clone()).contains("everybody at GitHub"),
            "{everybody}"
        );
    }
    for somebody in [
        json!({ "repository": { "like": "acme/*" } }),
        json!({ "repository_owner_id": 17 }),
        json!({ "sub": { "like": "repo:acme/*:environment:production" } }),
    ] {
        assert!(rule_with("github-actions", json!({ "where": somebody })).is_ok());
    }
    assert!(rule("gitlab", json!({ "ref": "main" })).contains("every project"));
}

#[test]
fn what_is_allowed_must_exist() {
    let rule = |preset, allow: Value| {
        refused(rule_with(
            preset,
            json!({ "where": { "repository_owner": "acme" }, "allow": allow }),
        ))
    };
    insta::assert_snapshot!(rule("github-actions", json!({ "triggers": ["push"] })), @"allow.triggers[0]: `push` is not an event that strangers can cause; those are pull_request, pull_request_target, pull_request_review, pull_request_review_comment, pull_request_comment, workflow_run, issue_comment, issues, discussion, discussion_comment, commit_comment, fork, watch, gollum");
    insta::assert_snapshot!(rule("kubernetes", json!({ "forks": true })), @"allow: only the presets `github-actions` and `gitlab` know runs of strangers; leave `allow` out");
}

#[test]
fn what_is_declared_is_kept_as_it_was() {
    let rule = json!({
        "from": "cluster",
        "where": { "a": "b", "c": { "like": ["d*"] }, "e": [1, true, "x"] },
        "attributes": { "f": { "claim": "g", "only": "h" }, "i": "j" },
        "may_claim": { "k": ["l"] },
        "allow": { "triggers": [], "forks": false, "unprotected_refs": false },
    });
    let text: EvidenceText = serde_json::from_value(rule.clone()).unwrap();
    assert_eq!(serde_json::to_value(text).unwrap(), rule);
}
