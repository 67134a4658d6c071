use std::collections::BTreeMap;
use std::time::Duration;

use rolecall_ask::{HopDuration, PolicyArns, SessionDuration, SessionPolicy};
use secrecy::{ExposeSecret, SecretString};

use super::scripted_sts::{Answer, ScriptedSts, assumed, refused};
use crate::{
    AssumeRole, ExchangeError, Jitter, Retry, Session, Sts, StsAddress, StsEnvironment, WebIdentity,
};

pub const TOKEN: &str = "canary.web.identity";

/// Three attempts without pauses: what is counted here is attempts, `retrying` looks at time.
pub fn at_once() -> Retry {
    Retry {
        attempts: 3,
        base: Duration::ZERO,
        jitter: Jitter::new(|| 0.0),
        ..Retry::default()
    }
}

pub fn sts_at(url: &str) -> Sts {
    let environment = StsEnvironment::from_lookup(|name| {
        (name == "AWS_ENDPOINT_URL_STS").then(|| url.to_owned())
    });
    let address =
        StsAddress::resolve(None, None, rolecall_names::Partition::Aws, &environment).unwrap();
    Sts::new(&address, at_once())
}

pub async fn exchange(sts: &Sts, token: &str) -> Result<Session, ExchangeError> {
    let policy =
        SessionPolicy::from_value(serde_json::json!({"Statement": []}), "session_policy").unwrap();
    sts.exchange(&WebIdentity {
        role: &"arn:aws:iam::123456789012:role/path/First".parse().unwrap(),
        session_name: &"cube-api".parse().unwrap(),
        token: &SecretString::from(token),
        duration: SessionDuration::default(),
        policy: Some(&policy),
        policy_arns: &PolicyArns::default(),
    })
    .await
}

async fn asked_with(script: Vec<Answer>) -> (Result<Session, ExchangeError>, usize) {
    let server = ScriptedSts::start(script).await;
    let result = exchange(&sts_at(&server.url), TOKEN).await;
    (result, server.asked().len())
}

fn web_identity_answer() -> Answer {
    assumed("AssumeRoleWithWebIdentity", "ASIAFIRST", "First/cube-api")
}

#[tokio::test]
async fn a_token_becomes_a_session_by_one_unsigned_call() {
    let server = ScriptedSts::start(vec![web_identity_answer()]).await;
    let session = exchange(&sts_at(&server.url), TOKEN).await.unwrap();
    assert_eq!(session.access_key_id(), "ASIAFIRST");
    assert_eq!(
        session.secret_access_key().expose_secret(),
        "canary-secret-ASIAFIRST"
    );
    assert_eq!(
        session.session_token().expose_secret(),
        "canary-session-ASIAFIRST"
    );
    assert_eq!(session.expiration().to_string(), "2026-11-23T12:00:00Z");
    assert_eq!(
        session.assumed_role_arn().as_str(),
        "arn:aws:sts::123456789012:assumed-role/First/cube-api"
    );
    assert_eq!(session.account(), "123456789012");
    assert_eq!(session.subject(), Some("cube:deployment:42"));
    assert_eq!(session.audience(), Some("sts.amazonaws.com"));
    assert_eq!(
        session.provider(),
        Some("arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev")
    );
    assert_eq!(session.source_identity(), Some("ann"));
    assert_eq!(session.packed_policy_size(), Some(24));

    let asked = &server.asked()[0];
    insta::assert_snapshot!(asked.body, @"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpath%2FFirst&RoleSessionName=cube-api&WebIdentityToken=canary.web.identity&Policy=%7B%22Statement%22%3A%5B%5D%7D&DurationSeconds=3600");
    assert!(!asked.headers.to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn a_hop_is_signed_and_carries_all_its_parameters() {
    let server = ScriptedSts::start(vec![
        web_identity_answer(),
        assumed("AssumeRole", "ASIASECOND", "Second/cube-api"),
        Answer::Whole {
            status: 200,
            body: "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:x</Arn><UserId>AROA:x</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>".to_owned(),
        },
    ])
    .await;
    let sts = sts_at(&server.url);
    let first = exchange(&sts, TOKEN).await.unwrap();
    let role = "arn:aws:iam::222222222222:role/Second".parse().unwrap();
    let policy_arns = PolicyArns::new(
        vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()],
        &role,
        "policy_arns",
    )
    .unwrap();
    let tags = BTreeMap::from([("team".to_owned(), "data".to_owned())]);
    let request = AssumeRole {
        role: &role,
        session_name: &"cube-api".parse().unwrap(),
        duration: "15m".parse::<HopDuration>().unwrap(),
        external_id: Some(&"canary-external".parse().unwrap()),
        policy: None,
        policy_arns: &policy_arns,
        tags: &tags,
        transitive_tag_keys: &["team".to_owned()],
        source_identity: Some(&"ann".parse().unwrap()),
    };
    let second = sts.assume_role(&first, &request).await.unwrap();
    assert_eq!(second.access_key_id(), "ASIASECOND");
    let identity = sts.caller_identity(&second).await.unwrap();
    assert_eq!(
        (identity.arn(), identity.user_id(), identity.account()),
        ("arn:x", "AROA:x", "123456789012")
    );

    let asked = server.asked();
    insta::assert_snapshot!(asked[1].body, @"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2FSecond&RoleSessionName=cube-api&PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess&DurationSeconds=900&Tags.member.1.Key=team&Tags.member.1.Value=data&TransitiveTagKeys.member.1=team&ExternalId=canary-external&SourceIdentity=ann");
    assert!(asked[1].headers.contains("Credential=ASIAFIRST/"));
    assert!(asked[1].headers.contains("/us-east-1/sts/aws4_request"));
    assert!(asked[1].headers.contains("canary-session-ASIAFIRST"));
    assert!(asked[2].headers.contains("Credential=ASIASECOND/"));
}

#[tokio::test]
async fn throttling_and_a_failing_service_are_asked_again() {
    for passing in [
        refused(400, "Throttling", "Rate exceeded"),
        refused(400, "RequestLimitExceeded", "Request limit exceeded."),
        refused(400, "IDPCommunicationError", "An error occurred"),
        refused(500, "InternalFailure", "Unknown error"),
        Answer::Whole {
            status: 503,
            body: "<html>busy</html>".to_owned(),
        },
        Answer::HangUp,
        Answer::CutOff {
            body: "<AssumeRoleWithWebIdentityResponse>".to_owned(),
        },
    ] {
        let script = vec![passing.clone(), passing.clone(), web_identity_answer()];
        let (result, asked) = asked_with(script).await;
        assert!(result.is_ok(), "{passing:?}: {result:?}");
        assert_eq!(asked, 3, "{passing:?}");
    }
}

#[tokio::test]
async fn a_denial_is_never_asked_twice() {
    for (status, code) in [
        (403, "AccessDenied"),
        (400, "InvalidIdentityToken"),
        (400, "ExpiredTokenException"),
        (403, "IDPRejectedClaim"),
        (403, "RegionDisabledException"),
    ] {
        let (result, asked) = asked_with(vec![refused(status, code, "No.")]).await;
        let error = result.unwrap_err();
        assert!(matches!(error, ExchangeError::Denied(_)), "{error}");
        let refusal = error.refusal().unwrap();
        assert_eq!((refusal.status, refusal.code.as_str()), (status, code));
        assert_eq!(asked, 1, "{code}");
    }
    let (result, asked) = asked_with(vec![refused(400, "PackedPolicyTooLarge", "Too large")]).await;
    assert!(matches!(result, Err(ExchangeError::InvalidParameter(_))));
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn every_error_says_what_happened_and_how_often_it_was_tried() {
    let message = async |script| asked_with(script).await.0.unwrap_err().to_string();
    let denied = refused(
        403,
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    );
    insta::assert_snapshot!(message(vec![denied]).await, @"AssumeRoleWithWebIdentity was denied: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity (HTTP 403, request 33333333-4444)");
    let throttled = refused(400, "Throttling", "Rate exceeded");
    insta::assert_snapshot!(message(vec![throttled; 3]).await, @"AssumeRoleWithWebIdentity is throttled, tried 3 times: Throttling: Rate exceeded (HTTP 400, request 33333333-4444)");
    let failing = refused(500, "InternalFailure", "Unknown error");
    insta::assert_snapshot!(message(vec![failing; 3]).await, @"AssumeRoleWithWebIdentity failed on AWS's side, tried 3 times: InternalFailure: Unknown error (HTTP 500, request 33333333-4444)");
    let parameter = refused(400, "ValidationError", "1 validation error detected");
    insta::assert_snapshot!(message(vec![parameter]).await, @"AssumeRoleWithWebIdentity was refused for a parameter: ValidationError: 1 validation error detected (HTTP 400, request 33333333-4444)");
}

#[tokio::test]
async fn what_is_not_sts_is_called_so() {
    for (status, body) in [
        (200, "<html>welcome</html>"),
        (200, "{\"access_token\": \"x\"}"),
        (200, ""),
        (404, "not found"),
        (
            200,
            "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        ),
    ] {
        let body = body.to_owned();
        let (result, asked) = asked_with(vec![Answer::Whole {
            status,
            body: body.clone(),
        }])
        .await;
        let error = result.unwrap_err();
        assert!(
            matches!(error, ExchangeError::NotSts { .. }),
            "{body}: {error:?}"
        );
        assert_eq!(asked, 1);
    }
}

#[tokio::test]
async fn an_endpoint_where_nothing_listens_is_named() {
    let error = exchange(&sts_at("http://127.0.0.1:1"), TOKEN)
        .await
        .unwrap_err();
    insta::assert_snapshot!(error, @"STS at http://127.0.0.1:1 cannot be reached, tried 3 times: tcp connect error: Connection refused (os error 111)");
}

#[tokio::test]
async fn a_token_of_impossible_length_is_not_sent() {
    let server = ScriptedSts::start(vec![]).await;
    let sts = sts_at(&server.url);
    insta::assert_snapshot!(exchange(&sts, "abc").await.unwrap_err(), @"the token cannot be presented: it has 3 characters, STS takes 4 to 20000; it is not a whole token");
    let long = "x".repeat(20_001);
    insta::assert_snapshot!(exchange(&sts, &long).await.unwrap_err(), @"the token cannot be presented: it has 20001 characters, STS takes 4 to 20000; leave out claims that no trust policy needs");
    assert!(server.asked().is_empty());
}
