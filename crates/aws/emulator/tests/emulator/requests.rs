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
    let info = session.get_access_key_info();
    let info = info.access_key_id("AKIAIOSFODNN7EXAMPLE").send().await;
    assert_eq!(code(&info.unwrap_err()).0, "AccessDenied");
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

#[tokio::test]
async fn a_base_path_is_part_of_the_address() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let based = Lab {
        emulator: lab.emulator.clone(),
        clock: lab.clock.clone(),
        url: format!("{}/emu/x", lab.url),
    };
    let keys = based.job(&issuer.token(json!({}))).await;
    let who = based.sts(Some(keys)).get_caller_identity().send().await;
    assert_eq!(who.unwrap().account(), Some(ACCOUNT));
}

#[tokio::test]
async fn shapes_of_the_signed_calls() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    let keys = lab.admin(ACCOUNT);
    let refusal = async |form: &[(&str, &str)]| {
        let mut all = vec![("Version", "2011-06-15"), ("Action", "AssumeRole")];
        all.extend([
            ("RoleArn", "arn:aws:iam::123456789012:role/R"),
            ("RoleSessionName", "name"),
        ]);
        all.extend(form);
        let refusal = call(&lab, "sts", &keys, &all).await.unwrap_err();
        (refusal.code, refusal.message)
    };
    let long = "x".repeat(1225);
    let key = "k".repeat(129);
    for (form, expected) in [
        (
            &[("ExternalId", "x")][..],
            "'externalId' failed to satisfy constraint: Member must have length greater than or equal to 2",
        ),
        (
            &[("ExternalId", &long)],
            "Member must have length less than or equal to 1224",
        ),
        (&[("ExternalId", "a b")], r"pattern: [\w+=,.@:\/-]*"),
        (
            &[("SourceIdentity", "x")],
            "'sourceIdentity' failed to satisfy constraint: Member must have length greater than or equal to 2",
        ),
        (
            &[("SerialNumber", "1234 6789")],
            r"'serialNumber' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=/:,.@-]*",
        ),
        (
            &[("SerialNumber", "12345678")],
            "'serialNumber' failed to satisfy constraint: Member must have length greater than or equal to 9",
        ),
        (
            &[("TokenCode", "12345x")],
            r"'tokenCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [\d]*",
        ),
        (
            &[("TokenCode", "1234567")],
            "'tokenCode' failed to satisfy constraint: Member must have length less than or equal to 6",
        ),
        (
            &[("Tags.member.1.Key", ""), ("Tags.member.1.Value", "x")],
            "'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            &[("Tags.member.1.Key", "a!"), ("Tags.member.1.Value", "x")],
            "'tags.1.member.key' failed to satisfy constraint: Member must satisfy",
        ),
        (
            &[("Tags.member.1.Key", "a")],
            "Value null at 'tags.1.member.value'",
        ),
        (
            &[("TransitiveTagKeys.member.1", &key)],
            "'transitiveTagKeys.1.member' failed to satisfy constraint: Member must have length less than or equal to 128",
        ),
        (
            &[("TransitiveTagKeys.member.1", "a")],
            "must be included in the requested tags",
        ),
        (
            &[("PolicyArns.member.1.arn", "arn")],
            "'policyArns.1.member.arn' failed to satisfy constraint: Member must have length greater than or equal to 20",
        ),
        (
            &[
                (
                    "ProvidedContexts.member.1.ProviderArn",
                    "arn:aws:iam::aws:contextProvider/X",
                ),
                ("ProvidedContexts.member.1.ContextAssertion", "abc"),
            ],
            "'providedContexts.1.member.contextAssertion' failed to satisfy constraint: Member must have length greater than or equal to 4",
        ),
        (
            &[(
                "ProvidedContexts.member.1.ProviderArn",
                "arn:aws:iam::aws:contextProvider/X",
            )],
            "is not known",
        ),
    ] {
        let (code, message) = refusal(form).await;
        assert_eq!(code, "ValidationError", "{message}");
        assert!(message.contains(expected), "{message}");
    }
    let twice = [
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "x"),
        ("Tags.member.2.Key", "team"),
        ("Tags.member.2.Value", "y"),
    ];
    assert!(refusal(&twice).await.1.starts_with("Duplicate tag keys"));
    // Empty lists are no lists, and every spelling of a number is one.
    for form in [
        &[("Tags", ""), ("PolicyArns", ""), ("TransitiveTagKeys", "")][..],
        &[("DurationSeconds", "0900")],
        &[("DurationSeconds", "+900")],
    ] {
        assert_eq!(refusal(form).await.0, "AccessDenied", "{form:?}");
    }
    for form in [
        &[("DurationSeconds", " 900")][..],
        &[("DurationSeconds", "2147483648")],
        &[("Tags.member.0.Key", "a"), ("Tags.member.0.Value", "b")],
        &[("PolicyArns.member.12.arn", "arn:aws:iam::aws:policy/X")],
    ] {
        assert_eq!(refusal(form).await.0, "MalformedInput", "{form:?}");
    }
}

#[tokio::test]
async fn roles_that_are_not_there_are_explained() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    for (arn, why) in [
        (
            "arn:aws-cn:iam::123456789012:role/team/job",
            "emulated accounts are in the partition `aws`, and the ARN is of `aws-cn`",
        ),
        (
            "arn:aws:iam::123456789012:role/job",
            "the role of this name is `arn:aws:iam::123456789012:role/team/job`",
        ),
        (
            "arn:aws:iam::123456789012:role/other",
            "there is no role with this name",
        ),
    ] {
        let refusal = lab
            .exchange(&issuer.token(json!({})), &[("RoleArn", arn)])
            .await
            .unwrap_err();
        assert_eq!(
            refusal.message,
            "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        );
        let decision = lab.emulator.decision(&refusal.request_id).unwrap();
        assert_eq!(decision.checks.last().unwrap().detail["why"], why);
    }
    let keys = lab.admin(ACCOUNT);
    let form = [
        ("Action", "AssumeRole"),
        ("RoleArn", "arn:aws:iam::999999999999:role/R"),
        ("RoleSessionName", "name"),
    ];
    let refusal = call(&lab, "sts", &keys, &form).await.unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
    let decision = lab.emulator.decision(&refusal.request_id).unwrap();
    let why = &decision.checks.last().unwrap().detail["why"];
    assert_eq!(why, "account 999999999999 is not emulated");
}

#[tokio::test]
async fn a_session_policy_of_awss_own_is_taken_as_on_a_role() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let token = issuer.token(json!({}));
    let arn = "PolicyArns.member.1.arn";
    let aws = [(arn, "arn:aws:iam::aws:policy/ReadOnlyAccess")];
    let given = lab.exchange(&token, &aws).await.unwrap();
    let keys = crate::lab::credentials(&given);
    // Its text is not known here, so that it leaves nothing of what the role may.
    let form = [
        ("Action", "AssumeRole"),
        ("RoleArn", "arn:aws:iam::123456789012:role/team/job"),
        ("RoleSessionName", "name"),
    ];
    let refusal = call(&lab, "sts", &keys, &form).await.unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
    let missing = [(arn, "arn:aws:iam::123456789012:policy/Missing")];
    let refusal = lab.exchange(&token, &missing).await.unwrap_err();
    assert_eq!(refusal.code, "ValidationError");
}
