#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rolecall_source::SourceText;

use super::*;
use crate::{CompiledPolicy, Context, Policy, Principal, Request};

const ACCOUNT: &str = "arn:aws:iam::123456789012:oidc-provider/";

/// The reason for a token of `acme.cubecloud.dev`, as `cause | part | message | sentence | line`.
fn why(statement: &str, sub: &str) -> String {
    let request = token("acme.cubecloud.dev", "sts.amazonaws.com", sub);
    shown(&explained(statement, &request))
}

fn explained(statement: &str, request: &Request) -> Reason {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let policy = Policy::parse(&SourceText::new("trust policy", text)).unwrap();
    reason(&CompiledPolicy::compile(&policy).explain(request)).unwrap()
}

fn shown(reason: &Reason) -> String {
    format!(
        "{:?}: {}\n{}\n{}{}",
        reason.cause,
        reason.part,
        reason.message,
        reason.mend.sentence,
        reason
            .mend
            .line
            .as_ref()
            .map_or_else(String::new, |line| format!("\n{line}"))
    )
}

fn token(issuer: &str, aud: &str, sub: &str) -> Request {
    let mut context = Context::new();
    context.set(format!("{issuer}:aud"), aud);
    context.set(format!("{issuer}:sub"), sub);
    Request {
        principal: Principal::Federated(format!("{ACCOUNT}{issuer}")),
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: None,
        context,
    }
}

fn cube(condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{{"Federated":"{ACCOUNT}acme.cubecloud.dev"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{{condition}}}}}"#
    )
}

fn cube_sub(operator: &str, value: &str) -> String {
    cube(&format!(
        r#""{operator}":{{"acme.cubecloud.dev:sub":"{value}"}}"#
    ))
}

#[test]
fn the_differing_segment_is_named() {
    let policy = cube_sub("StringLike", "cube:deployment:42:component:cube_api");
    let request = token(
        "acme.cubecloud.dev",
        "sts.amazonaws.com",
        "cube:deployment:42:component:cube_store",
    );
    let reason = explained(&policy, &request);
    insta::assert_snapshot!(shown(&reason), @r#"
    Segment: StringLike acme.cubecloud.dev:sub
    `cube:deployment:42:component:cube_store` has `cube_store` after `component`, the policy wants `cube_api`
    Ask with component `cube_api` instead, or change the policy if this caller should be let in.
    "StringLike": { "acme.cubecloud.dev:sub": "cube:deployment:42:component:cube_store" }
    "#);
    let difference = reason.difference.unwrap();
    assert_eq!(difference.segment, 4);
    assert_eq!(difference.label.as_deref(), Some("component"));
}

#[test]
fn tails() {
    insta::assert_snapshot!(why(&cube_sub("StringEquals", "cube:deployment:42"), "cube:deployment:42:component:cube_api"), @r#"
    ExtraTail: StringEquals acme.cubecloud.dev:sub
    `cube:deployment:42:component:cube_api` goes on after `cube:deployment:42`
    Let the value go on with a `*` at the end under `StringLike`, or write all of it.
    "StringLike": { "acme.cubecloud.dev:sub": "cube:deployment:42:*" }
    "#);
    insta::assert_snapshot!(why(&cube_sub("StringLike", "cube:deployment:42:component:*"), "cube:deployment:42"), @r#"
    MissingTail: StringLike acme.cubecloud.dev:sub
    `cube:deployment:42` ends before `component`, which the policy wants next
    Have the subject format carry the missing segments, or shorten the value in the policy.
    "StringLike": { "acme.cubecloud.dev:sub": "cube:deployment:42" }
    "#);
}

#[test]
fn wildcards_and_letter_case() {
    insta::assert_snapshot!(why(&cube_sub("StringEquals", "cube:deployment:*"), "cube:deployment:42"), @r#"
    WildcardUnderEquals: StringEquals acme.cubecloud.dev:sub
    `cube:deployment:*` is taken letter for letter under `StringEquals`: its wildcards match nothing
    Wildcards need `StringLike`.
    "StringLike": { "acme.cubecloud.dev:sub": "cube:deployment:*" }
    "#);
    insta::assert_snapshot!(why(&cube_sub("StringLike", "cube:Deployment:*"), "cube:deployment:42"), @r#"
    LetterCase: StringLike acme.cubecloud.dev:sub
    `cube:deployment:42` differs from `cube:Deployment:*` in letter case only
    Values compare with letter case: spell it as the token does.
    "StringLike": { "acme.cubecloud.dev:sub": "cube:deployment:*" }
    "#);
}

#[test]
fn keys_that_are_not_there() {
    insta::assert_snapshot!(why(&cube(r#""StringEquals":{"cubecloud.dev:sub":"x"}"#), "x"), @r#"
    KeyPrefix: StringEquals cubecloud.dev:sub
    the key begins with `cubecloud.dev`, and the provider is `acme.cubecloud.dev`
    The key's prefix is the provider's URL without `https://`, path and slashes included.
    "StringEquals": { "acme.cubecloud.dev:sub": "x" }
    "#);
    insta::assert_snapshot!(why(&cube(r#""StringEquals":{"acme.cubecloud.dev:iss":"x"}"#), "x"), @r"
    UnsupportedKey: StringEquals acme.cubecloud.dev:iss
    AWS makes no condition key of the claim `iss` for `acme.cubecloud.dev`
    The keys are aud, sub, oaud, amr: carry `iss` in the subject and pin `acme.cubecloud.dev:sub`.
    ");
    insta::assert_snapshot!(why(&cube(r#""StringEquals":{"sts:ExternalId":"x"}"#), "x"), @r"
    ExternalId: StringEquals sts:ExternalId
    an external ID is demanded, and AssumeRoleWithWebIdentity has no such parameter
    Remove the condition on `sts:ExternalId`; pin the token's audience and subject.
    ");
    insta::assert_snapshot!(why(&cube(r#""StringEquals":{"sts:RoleSesionName":"x"}"#), "x"), @r#"
    KeyAbsent: StringEquals sts:RoleSesionName
    the request has no `sts:RoleSesionName`
    Did you mean `sts:RoleSessionName`?
    "StringEquals": { "sts:RoleSessionName": "x" }
    "#);
}

#[test]
fn audience_and_placeholder() {
    insta::assert_snapshot!(why(&cube(r#""StringEquals":{"acme.cubecloud.dev:aud":"prefect-cloud"}"#), "x"), @r#"
    Audience: StringEquals acme.cubecloud.dev:aud
    the token's audience is `sts.amazonaws.com`, the policy wants `prefect-cloud`
    Set the audience of the token config to what the policy wants, or name the token's audience in the policy.
    "StringEquals": { "acme.cubecloud.dev:aud": "sts.amazonaws.com" }
    "#);
    insta::assert_snapshot!(why(&cube_sub("StringLike", "cube:deployment:<deployment-id>"), "cube:deployment:42"), @r#"
    Placeholder: StringLike acme.cubecloud.dev:sub
    the condition on `acme.cubecloud.dev:sub` still has the placeholder `<deployment-id>`
    Replace `<deployment-id>` by its value.
    "StringLike": { "acme.cubecloud.dev:sub": "cube:deployment:42" }
    "#);
}

#[test]
fn callers_and_actions() {
    let other = |principal: &str, action: &str| {
        let statement =
            format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}"}}"#);
        why(&statement, "x")
    };
    let web = "sts:AssumeRoleWithWebIdentity";
    insta::assert_snapshot!(other(r#"{"Federated":"arn:aws:iam::210987654321:oidc-provider/acme.cubecloud.dev"}"#, web), @r#"
    Account: Principal
    the principal is in account 210987654321, the caller in account 123456789012
    An identity provider and the roles that trust it live in one account: name the provider of this account.
    "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev" }
    "#);
    insta::assert_snapshot!(other(r#"{"Federated":"arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev/"}"#, web), @r#"
    Provider: Principal
    the provider is spelt `acme.cubecloud.dev/`, the token's issuer is `acme.cubecloud.dev`
    Letter case and a trailing slash count: name the provider as it is registered.
    "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev" }
    "#);
    insta::assert_snapshot!(other(r#"{"AWS":"*"}"#, web), @r#"
    Provider: Principal
    `AWS: *` does not cover callers with a token
    Name the provider that issues the token.
    "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev" }
    "#);
    insta::assert_snapshot!(other(r#"{"Federated":"arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev"}"#, "sts:AssumeRole"), @r#"
    Action: Action
    the statement allows `sts:AssumeRole`, the call is `sts:AssumeRoleWithWebIdentity`
    Allow `sts:AssumeRoleWithWebIdentity`.
    "Action": "sts:AssumeRoleWithWebIdentity"
    "#);
}

#[test]
fn session_tags_need_their_own_action() {
    let request =
        token("acme.cubecloud.dev", "sts.amazonaws.com", "x").with_action("sts:TagSession");
    insta::assert_snapshot!(shown(&explained(&cube(""), &request)), @r#"
    TagSessionMissing: Action
    session tags are passed and `sts:TagSession` is not allowed
    Allow `sts:TagSession` beside the assume action, for the same principal, or pass no tags.
    "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    "#);
}

#[test]
fn a_deny_is_named() {
    let deny = format!(
        r#"{{"Sid":"NoStore","Effect":"Deny","Principal":{{"Federated":"{ACCOUNT}acme.cubecloud.dev"}},"Action":"sts:*","Condition":{{"StringLike":{{"acme.cubecloud.dev:sub":"*store"}}}}}}"#
    );
    insta::assert_snapshot!(why(&format!("{},{deny}", cube("")), "cube_store"), @r"
    ExplicitDeny: Effect
    statement `NoStore` denies `sts:AssumeRoleWithWebIdentity` explicitly because `StringLike` on `acme.cubecloud.dev:sub` holds
    An explicit deny wins over every allow: narrow the conditions of statement `NoStore` or remove it.
    ");
}

#[test]
fn the_nearest_statement_is_chosen_and_the_rest_is_told() {
    let far = cube(r#""StringEquals":{"acme.cubecloud.dev:aud":"a","acme.cubecloud.dev:sub":"b"}"#);
    let near = cube_sub("StringEquals", "cube:a");
    let request = token("acme.cubecloud.dev", "sts.amazonaws.com", "cube:b");
    let reason = explained(&format!("{far},{near}"), &request);
    assert_eq!(reason.statement, Some(1));
    let reason = explained(&far, &request);
    assert_eq!(reason.also.len(), 1);
}

#[test]
fn keys_of_named_providers() {
    let github = "token.actions.githubusercontent.com";
    let statement = |claim: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"Federated":"{ACCOUNT}{github}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{github}:{claim}":"x"}}}}}}"#
        )
    };
    let request = token(github, "sts.amazonaws.com", "repo:octo/x:ref:y");
    let reason = |claim: &str| explained(&statement(claim), &request);
    assert_eq!(reason("repository").cause, Cause::KeyAbsent);
    assert_eq!(reason("run_id").cause, Cause::UnsupportedKey);
    let near = reason("repositry").mend.sentence;
    assert!(near.starts_with("Did you mean `token.actions.githubusercontent.com:repository`?"));
}

#[test]
fn a_session_tag_that_is_not_passed() {
    insta::assert_snapshot!(why(&cube(r#""StringEquals":{"aws:RequestTag/team":"data"}"#), "x"), @r"
    KeyAbsent: StringEquals aws:RequestTag/team
    the call passes no session tag `team`
    Have the token carry the session tag, or remove the condition.
    ");
}
