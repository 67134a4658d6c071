use std::time::Duration;

use rolecall_exchange::{Retry, Session};
use secrecy::{ExposeSecret, SecretString};

use super::plan;
use super::scripted_sts::{Answer, ScriptedSts, assumed, refused};
use crate::{ChainError, Event, walk};

/// Walks the plan against a script and keeps the events as lines.
async fn walked(script: Vec<Answer>) -> (Result<Session, ChainError>, Vec<String>, ScriptedSts) {
    let server = ScriptedSts::start(script).await;
    let plan = plan(|_| (), &[("AWS_ENDPOINT_URL_STS", &server.url)]).unwrap();
    let retry = Retry {
        attempts: 2,
        base: Duration::ZERO,
        ..Retry::default()
    };
    let mut lines = Vec::new();
    let mut observe = |event: Event<'_>| {
        lines.push(match event {
            Event::Started { step } => format!("started {}", step.operation()),
            Event::Done { step, session } => format!(
                "done {} {} until {}",
                step.number(),
                session.assumed_role_arn(),
                session.expiration()
            ),
            Event::Failed { step, .. } => format!("failed {}", step.number()),
        });
    };
    let token = SecretString::from("canary.web.identity");
    let result = walk(&plan, &plan.sts(retry), &token, &mut observe).await;
    (result, lines, server)
}

fn first() -> Answer {
    assumed(
        "AssumeRoleWithWebIdentity",
        "ASIAFIRST",
        "First/cube-api-cube_api",
    )
}

#[tokio::test]
async fn each_hop_is_signed_with_the_session_before_it() {
    let second = assumed("AssumeRole", "ASIASECOND", "Second/cube-api-cube_api");
    let (result, lines, server) = walked(vec![first(), second]).await;
    assert_eq!(
        result.unwrap().session_token().expose_secret(),
        "canary-session-ASIASECOND"
    );
    insta::assert_snapshot!(lines.join("\n"), @r#"
    started AssumeRoleWithWebIdentity
    done 1 arn:aws:sts::123456789012:assumed-role/First/cube-api-cube_api until 2026-11-23T12:00:00Z
    started AssumeRole
    done 2 arn:aws:sts::123456789012:assumed-role/Second/cube-api-cube_api until 2026-11-23T12:00:00Z
    "#);
    let asked = server.asked();
    assert!(asked[1].headers.contains("Credential=ASIAFIRST/"));
    for parameter in [
        "ExternalId=canary-external-id",
        "DurationSeconds=900",
        "Tags.member.1.Key=component&Tags.member.1.Value=cube_api",
        "TransitiveTagKeys.member.1=team",
        "SourceIdentity=cube-api",
        "PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess",
    ] {
        assert!(asked[1].body.contains(parameter), "{parameter}");
    }
}

#[tokio::test]
async fn the_hop_that_failed_is_named_with_what_it_needs() {
    let denied = refused(
        403,
        "AccessDenied",
        "User: arn:aws:sts::123456789012:assumed-role/First/cube-api-cube_api is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/Second",
    );
    let (result, lines, server) = walked(vec![first(), denied]).await;
    let error = result.unwrap_err();
    insta::assert_snapshot!(error, @"step 2 of 2 (`arn:aws:iam::222222222222:role/Second`): AssumeRole was denied: AccessDenied: User: arn:aws:sts::123456789012:assumed-role/First/cube-api-cube_api is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/Second (HTTP 403, request 33333333-4444)");
    insta::assert_snapshot!(error.hint().unwrap(), @"the trust policy of `arn:aws:iam::222222222222:role/Second` must allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` to `arn:aws:iam::123456789012:role/cube/First` or its account 123456789012; name this hop's `external_id` in its condition on `sts:ExternalId`; the policies of the role before must allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` on `arn:aws:iam::222222222222:role/Second`");
    assert_eq!(lines.last().unwrap(), "failed 2");
    assert_eq!(server.asked().len(), 2);
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn a_denied_token_ends_the_chain_before_any_hop() {
    let denied = refused(
        403,
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    );
    let (result, _, server) = walked(vec![denied]).await;
    let error = result.unwrap_err();
    insta::assert_snapshot!(error, @"step 1 of 2 (`arn:aws:iam::123456789012:role/cube/First`): AssumeRoleWithWebIdentity was denied: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity (HTTP 403, request 33333333-4444)");
    insta::assert_snapshot!(error.hint().unwrap(), @"the trust policy of `arn:aws:iam::123456789012:role/cube/First` must allow `sts:AssumeRoleWithWebIdentity` to the identity provider of the token's issuer, with conditions that admit the token's `sub` and `aud`; where it has a condition on `sts:RoleSessionName`: admit `cube-api-cube_api`; where the token carries session tags or a source identity: allow `sts:TagSession` or `sts:SetSourceIdentity` too, here and at every hop");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_role_that_lasts_shorter_is_told_from_a_denial() {
    let too_long = refused(
        400,
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
    let (result, _, _) = walked(vec![too_long]).await;
    insta::assert_snapshot!(result.unwrap_err().hint().unwrap(), @"the role's maximum session duration is under 14400 s: raise it on the role, or ask for less with `duration`");
}
