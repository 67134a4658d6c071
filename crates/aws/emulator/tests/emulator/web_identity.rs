//! Tokens: what is exchanged, and every way to be refused.

use rolecall_emulator::Messages;
use rolecall_jose::{KeyKind, SigningKey};
use serde_json::{Value, json};

use crate::lab::{ACCOUNT, Issuer, Lab, job_seed, tag};

const NOT_VALIDATED: &str = "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.";
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements";
const NOT_A_JWT: &str = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";

#[tokio::test]
async fn a_good_token_becomes_a_session() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let answer = lab.exchange(&issuer.token(json!({})), &[]).await.unwrap();
    let provider = format!(
        "arn:aws:iam::{ACCOUNT}:oidc-provider/{}",
        issuer.url.trim_start_matches("http://")
    );
    assert!(tag(&answer, "AccessKeyId").starts_with("ASIA"));
    assert_eq!(tag(&answer, "SubjectFromWebIdentityToken"), "job:42");
    assert_eq!(tag(&answer, "Audience"), "sts.amazonaws.com");
    assert_eq!(tag(&answer, "Provider"), provider);
    assert_eq!(
        tag(&answer, "Arn"),
        "arn:aws:sts::123456789012:assumed-role/job/session-1"
    );
    assert!(answer.contains("xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""));
    let left = tag(&answer, "Expiration")
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_second()
        - lab.clock.seconds();
    assert_eq!(left, 3600);
}

#[tokio::test]
async fn the_sdk_exchanges_and_asks_who_it_is() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let output = lab
        .sts(None)
        .assume_role_with_web_identity()
        .role_arn("arn:aws:iam::123456789012:role/team/job")
        .role_session_name("sdk")
        .web_identity_token(issuer.token(json!({})))
        .send()
        .await
        .unwrap();
    let given = output.credentials().unwrap();
    let credentials = aws_sdk_sts::config::Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().to_owned()),
        None,
        "test",
    );
    let who = lab
        .sts(Some(credentials))
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(who.account(), Some(ACCOUNT));
    assert_eq!(
        who.arn(),
        Some("arn:aws:sts::123456789012:assumed-role/job/sdk")
    );
    assert!(who.user_id().unwrap().starts_with("AROA"));
}

#[tokio::test]
async fn an_issuer_under_its_own_name_is_reached_through_connect_to() {
    let issuer = Issuer::named(Some("https://acme.example.com/jobs")).await;
    let lab = Lab::start(job_seed(&issuer, &[]), |settings| {
        settings.connect_to = vec![(
            "https://acme.example.com".to_owned(),
            issuer.address.clone(),
        )];
    })
    .await;
    let answer = lab.exchange(&issuer.token(json!({})), &[]).await.unwrap();
    assert!(tag(&answer, "Provider").ends_with("oidc-provider/acme.example.com/jobs"));
}

#[tokio::test]
async fn claims_and_times_are_refused_in_awss_words() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let now = lab.clock.seconds();
    let invalid = "InvalidIdentityToken";
    let cases: Vec<(Value, &str, String)> = vec![
        (
            json!({"iss": "absent"}),
            invalid,
            "Missing a required claim: iss".into(),
        ),
        (
            json!({"exp": "absent"}),
            invalid,
            "Missing a required claim: exp".into(),
        ),
        (
            json!({"aud": []}),
            invalid,
            "Claim is not allowed to be empty: aud".into(),
        ),
        (
            json!({"aud": ["sts.amazonaws.com", "x"]}),
            invalid,
            "Token audience contains more than one audience while authorized party is not present"
                .into(),
        ),
        (json!({"aud": "other"}), invalid, NOT_VALIDATED.into()),
        (json!({"azp": ""}), invalid, NOT_VALIDATED.into()),
        (
            json!({"iss": format!("{}/", issuer.url)}),
            invalid,
            NOT_VALIDATED.into(),
        ),
        (
            json!({"exp": null}),
            invalid,
            "Invalid timestamp in token claims.".into(),
        ),
        (
            json!({"iat": 1.5}),
            invalid,
            "Invalid timestamp in token claims.".into(),
        ),
        (
            json!({"iat": now + 900}),
            invalid,
            format!("Token issued in the future: {}", now + 900),
        ),
        (
            json!({"nbf": now + 900}),
            invalid,
            format!(
                "Token not yet valid: current date/time {} must be after or equal to the not-before date/time {}",
                now + 300,
                now + 900
            ),
        ),
        (
            json!({"exp": now - 300}),
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {} must be before the expiration date/time {}",
                now - 300,
                now - 300
            ),
        ),
        (
            json!({"sub": null}),
            "InternalFailure",
            "Unknown error validating third-party token".into(),
        ),
        (
            json!({"https://aws.amazon.com/tags": {"principal_tags": {"team": "data"}}}),
            invalid,
            "principal_tags passed in claim is not in correct format.".into(),
        ),
        (
            json!({"https://aws.amazon.com/roles": "arn:aws:iam::123456789012:role/job"}),
            invalid,
            "The target role ARN is not present in the roles claim of the identity token".into(),
        ),
        (
            json!({"sub": "job:43"}),
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity".into(),
        ),
    ];
    for (changes, code, message) in cases {
        let refusal = lab
            .exchange(&issuer.token(changes.clone()), &[])
            .await
            .unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.message),
            (code, message),
            "{changes}"
        );
    }
}

#[tokio::test]
async fn leeway_text_times_and_a_listed_role_are_taken() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let now = lab.clock.seconds();
    for changes in [
        json!({"exp": now - 299}),
        json!({"iat": now + 300, "nbf": now + 300}),
        json!({"exp": (now + 60).to_string(), "iat": now.to_string()}),
        json!({"https://aws.amazon.com/roles": " arn:aws:iam::123456789012:role/team/job ; x"}),
        json!({"aud": ["sts.amazonaws.com"]}),
        json!({"aud": ["a", "b"], "azp": "sts.amazonaws.com"}),
    ] {
        lab.exchange(&issuer.token(changes.clone()), &[])
            .await
            .unwrap_or_else(|refusal| panic!("{changes}: {refusal:?}"));
    }
}

#[tokio::test]
async fn the_older_generation_of_messages() {
    let issuer = Issuer::start().await;
    let lab = Lab::start(job_seed(&issuer, &[]), |settings| {
        settings.messages = Messages::Older;
    })
    .await;
    let refusal = lab
        .exchange(&issuer.token(json!({"aud": "x"})), &[])
        .await
        .unwrap_err();
    assert_eq!(refusal.message, "Incorrect token audience");
    let stranger = json!({"iss": "https://stranger.example"});
    let refusal = lab
        .exchange(&issuer.token(stranger), &[])
        .await
        .unwrap_err();
    assert_eq!(
        refusal.message,
        "No OpenIDConnect provider found in your account for https://stranger.example"
    );
}

#[tokio::test]
async fn signatures_keys_and_algorithms() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let good = issuer.token(json!({}));
    let (text, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    for token in [
        format!("{good}\n"),
        format!("{text}.{flipped}{}", &signature[1..]),
        good[..good.len() - 20].to_owned(),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "eyJhbGciOiJIUzI1NiJ9.e30.eA".to_owned(),
        "garbage".to_owned(),
    ] {
        let refusal = lab.exchange(&token, &[]).await.unwrap_err();
        assert_eq!(refusal.message, NOT_A_JWT);
    }
    let unknown = SigningKey::generate(KeyKind::P256).unwrap();
    let refusal = lab
        .exchange(&issuer.token_of(&unknown, json!({})), &[])
        .await
        .unwrap_err();
    assert_eq!(refusal.message, NO_KEY);
}

#[tokio::test]
async fn a_rotated_key_is_fetched_at_once_and_known_keys_are_kept() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    for _ in 0..3 {
        lab.exchange(&issuer.token(json!({})), &[]).await.unwrap();
    }
    assert_eq!(issuer.fetched(), 1);
    let next = SigningKey::generate(KeyKind::P256).unwrap();
    issuer.publish(&[&issuer.key, &next]);
    lab.exchange(&issuer.token_of(&next, json!({})), &[])
        .await
        .unwrap();
    assert_eq!(issuer.fetched(), 2);
}

#[tokio::test]
async fn an_issuer_that_cannot_be_believed() {
    for discovery in [
        json!(null),
        json!({"issuer": "https://other.example", "jwks_uri": "https://other.example/jwks"}),
        json!("no object"),
    ] {
        let issuer = Issuer::start().await;
        issuer.publish_discovery(discovery);
        let lab = Lab::with_job(&issuer).await;
        let refusal = lab
            .exchange(&issuer.token(json!({})), &[])
            .await
            .unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("InvalidIdentityToken", NO_KEY)
        );
    }
}

#[tokio::test]
async fn tags_and_source_identity_need_their_own_actions() {
    let issuer = Issuer::start().await;
    let asks = json!({
        "https://aws.amazon.com/tags": {"principal_tags": {"team": ["data"]}, "transitive_tag_keys": ["team"]},
        "https://aws.amazon.com/source_identity": "ada",
    });
    let lab = Lab::with_job(&issuer).await;
    let refusal = lab
        .exchange(&issuer.token(asks.clone()), &[])
        .await
        .unwrap_err();
    assert_eq!(refusal.status, 403);
    let lab = Lab::start(
        job_seed(&issuer, &["sts:TagSession", "sts:SetSourceIdentity"]),
        |_| {},
    )
    .await;
    let answer = lab.exchange(&issuer.token(asks), &[]).await.unwrap();
    assert_eq!(tag(&answer, "SourceIdentity"), "ada");
    let flat = json!({"https://aws.amazon.com/tags/principal_tags/team": "data"});
    lab.exchange(&issuer.token(flat), &[]).await.unwrap();
}

#[tokio::test]
async fn a_denial_is_explained_and_holds_no_token() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let token = issuer.token(json!({"sub": "job:43"}));
    let refusal = lab.exchange(&token, &[]).await.unwrap_err();
    for place in ["decisions", "denials"] {
        let url = format!("{}/_rolecall/{place}/{}", lab.url, refusal.request_id);
        let text = crate::lab::fetch(&url).await;
        assert!(!text.contains(token.rsplit('.').next().unwrap()));
        let proof: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(proof["allowed"], false);
        assert_eq!(proof["presented"]["sub"], "job:43");
        let names: Vec<&str> = proof["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| check["check"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "request",
                "token",
                "claims",
                "provider",
                "audience",
                "keys",
                "signature",
                "times",
                "roles_claim",
                "role",
                "trust_policy sts:AssumeRoleWithWebIdentity"
            ]
        );
        let explanation = proof["explanation"].as_str().unwrap();
        for part in ["job:42", "job:43", ":sub", "Jobs"] {
            assert!(explanation.contains(part), "{part} in {explanation}");
        }
        assert!(proof["mend"].is_string());
    }
    let kept = lab.emulator.decision(&refusal.request_id).unwrap();
    assert_eq!(kept.error.unwrap().code, "AccessDenied");
}

#[tokio::test]
async fn the_trail_knows_denials_and_successes_but_not_bad_tokens() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let good = issuer.token(json!({}));
    let answer = lab.exchange(&good, &[]).await.unwrap();
    lab.exchange(&issuer.token(json!({"sub": "x"})), &[])
        .await
        .unwrap_err();
    lab.exchange(&issuer.token(json!({"aud": "x"})), &[])
        .await
        .unwrap_err();
    // Neither does a call leave a record of which nobody knows who made it.
    let past = jiff::Timestamp::now().as_second() - 4000;
    for token in [issuer.token(json!({"exp": past})), "not a token".to_owned()] {
        lab.exchange(&token, &[]).await.unwrap_err();
    }
    lab.exchange(&good, &[("RoleSessionName", "?")])
        .await
        .unwrap_err();
    let trail = lab.emulator.trail();
    assert_eq!(trail.len(), 2);
    assert_eq!(trail[0]["userIdentity"]["type"], "WebIdentityUser");
    assert_eq!(
        trail[0]["requestParameters"]["roleSessionName"],
        "session-1"
    );
    assert_eq!(trail[0]["recipientAccountId"], ACCOUNT);
    assert_eq!(trail[1]["errorCode"], "AccessDenied");
    assert_eq!(trail[1]["errorMessage"], "An unknown error occurred");
    assert_eq!(trail[1]["userIdentity"]["userName"], "x");
    assert!(trail[1]["responseElements"].is_null());
    let given = trail[0]["responseElements"].as_object().unwrap();
    assert!(given.values().all(|value| !value.is_null()), "{given:?}");
    assert_eq!(given["audience"], "sts.amazonaws.com");
    assert_eq!(
        trail[0]["additionalEventData"]["RequestDetails"],
        json!({"awsServingRegion": "us-east-1", "endpointType": "regional"})
    );
    let text = serde_json::to_string(&trail).unwrap();
    assert!(!text.contains(&good));
    assert!(!text.contains(&tag(&answer, "SecretAccessKey")));
    assert!(!text.contains(&tag(&answer, "SessionToken")));
}
