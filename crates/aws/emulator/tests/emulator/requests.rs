//! Shapes, durations, session policies, and the operations that give nothing.

use serde_json::json;

use crate::lab::{ACCOUNT, Issuer, Lab, code, tag};
use crate::signing::call;

#[tokio::test]
async fn shapes_of_parameters() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let token = issuer.token(json!({}));
    let long = "x".repeat(65);
    let policy = "x".repeat(2049);
    for (name, value, expected) in [
        (
            "RoleSessionName",
            "x",
            "Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
        ),
        (
            "RoleSessionName",
            &long,
            "Member must have length less than or equal to 64",
        ),
        (
            "RoleSessionName",
            "a b",
            r"Member must satisfy regular expression pattern: [\w+=,.@-]*",
        ),
        (
            "RoleSessionName",
            "",
            "Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null",
        ),
        (
            "DurationSeconds",
            "899",
            "Member must have value greater than or equal to 900",
        ),
        (
            "DurationSeconds",
            "43201",
            "Member must have value less than or equal to 43200",
        ),
        (
            "Policy",
            &policy,
            "Member must have length less than or equal to 2048",
        ),
        (
            "RoleArn",
            "arn:aws:s3:::some-bucket-name",
            "Request ARN is invalid",
        ),
        (
            "DurationSeconds",
            "7201",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
    ] {
        let refusal = lab.exchange(&token, &[(name, value)]).await.unwrap_err();
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (400, "ValidationError")
        );
        assert!(refusal.message.contains(expected), "{}", refusal.message);
    }
    let refusal = lab
        .exchange(&token, &[("DurationSeconds", "9e2")])
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "MalformedInput");
    let refusal = lab
        .exchange(&token, &[("Policy", "{zz")])
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "MalformedPolicyDocument");
    let refusal = lab
        .exchange(&token, &[("ProviderId", "www.amazon.com")])
        .await
        .unwrap_err();
    assert_eq!(
        refusal.message,
        "Provided Token is not a Login With Amazon token"
    );
    let refusal = lab.post(&[("Action", "MakeMeAdmin")]).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidAction");
    let refusal = lab.post(&[]).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidAction");
}

#[tokio::test]
async fn a_session_outlives_its_token_and_ends_by_the_clock() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let now = lab.clock.seconds();
    let token = issuer.token(json!({"exp": now + 60}));
    let answer = lab
        .exchange(&token, &[("DurationSeconds", "7200")])
        .await
        .unwrap();
    let keys = crate::lab::credentials(&answer);
    let who = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    lab.clock.advance(7199);
    call(&lab, "sts", &keys, &who).await.unwrap();
    lab.clock.advance(1);
    let refusal = call(&lab, "sts", &keys, &who).await.unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (403, "ExpiredToken")
    );
    let refusal = lab.exchange(&token, &[]).await.unwrap_err();
    assert_eq!(refusal.code, "ExpiredTokenException");
}

#[tokio::test]
async fn session_tokens_for_users_only() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let admin = lab.sts(Some(lab.admin(ACCOUNT)));
    let given = admin.get_session_token().send().await.unwrap();
    let given = given.credentials().unwrap();
    let left = given.expiration().secs() - lab.clock.seconds();
    assert_eq!(left, 43_200);
    let keys = aws_sdk_sts::config::Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().to_owned()),
        None,
        "test",
    );
    let session = lab.sts(Some(keys.clone()));
    let who = session.get_caller_identity().send().await.unwrap();
    assert_eq!(who.arn(), Some("arn:aws:iam::123456789012:user/admin"));
    let again = session.get_session_token().send().await.unwrap_err();
    assert_eq!(code(&again).0, "AccessDenied");
    let list = [("Action", "ListRoles"), ("Version", "2010-05-08")];
    let refusal = call(&lab, "iam", &keys, &list).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidClientTokenId");
    let info = admin
        .get_access_key_info()
        .access_key_id(given.access_key_id())
        .send()
        .await
        .unwrap();
    assert_eq!(info.account(), Some(ACCOUNT));
}

#[tokio::test]
async fn an_encoded_denial_is_decoded_for_its_account_only() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let token = issuer.token(json!({"sub": "job:43"}));
    let refusal = lab.exchange(&token, &[]).await.unwrap_err();
    let encoded = lab
        .emulator
        .decision(&refusal.request_id)
        .unwrap()
        .encoded_message
        .unwrap();
    let decode = |account| {
        lab.sts(Some(lab.admin(account)))
            .decode_authorization_message()
            .encoded_message(&encoded)
            .send()
    };
    let decoded = decode(ACCOUNT).await.unwrap();
    let message: serde_json::Value =
        serde_json::from_str(decoded.decoded_message().unwrap()).unwrap();
    assert_eq!(message["allowed"], false);
    assert_eq!(message["explicitDeny"], false);
    assert_eq!(message["context"]["principal"]["sub"], "job:43");
    let other = decode(crate::lab::OTHER).await.unwrap_err();
    assert_eq!(code(&other).0, "InvalidAuthorizationMessageException");
    let job = lab.sts(Some(lab.job(&issuer.token(json!({}))).await));
    let denied = job
        .decode_authorization_message()
        .encoded_message(&encoded)
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&denied).0, "AccessDenied");
}

#[tokio::test]
async fn a_get_with_query_parameters_is_served() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let url = format!(
        "{}/?Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A{ACCOUNT}%3Arole%2Fteam%2Fjob&RoleSessionName=get&WebIdentityToken={}&Version=2011-06-15",
        lab.url,
        issuer.token(json!({}))
    );
    let answer = crate::lab::fetch(&url).await;
    assert!(tag(&answer, "Arn").ends_with("assumed-role/job/get"));
}
