//! What is read out of a paste, and what is not given away.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{CLAIMS, DENIED, POLICY, first, read};

fn token() -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"RS256","kid":"k1"}"#),
        part(CLAIMS),
        "c2ln".repeat(80)
    )
}

#[test]
fn a_token_is_read_and_not_repeated() {
    let token = token();
    let wrong = POLICY.replace("prefect:account", "prefect:cloud");
    let broken = format!("{}\n{}", &token[..80], &token[80..]);
    for text in [
        format!("here: {token}"),
        format!("Authorization: Bearer {token}."),
        format!("\"{token}\""),
        broken,
    ] {
        let diagnosis = read(&[DENIED, &wrong, &text]);
        assert_eq!(diagnosis.findings[0].cause.as_str(), "C01", "{text}");
        let json = serde_json::to_string(&diagnosis).unwrap();
        assert!(!json.contains("eyJ"), "{json}");
    }
}

#[test]
fn a_token_that_was_cut_short_is_said_to_be() {
    let token = token();
    let cut = &token[..token.find('.').unwrap() + 40];
    let diagnosis = read(&[cut]);
    assert_eq!(diagnosis.findings[0].cause.as_str(), "R11");
    assert!(
        diagnosis.findings[0].message.contains("cut short"),
        "{:?}",
        diagnosis.findings[0]
    );
    let unsigned = token.rsplit_once('.').unwrap().0;
    let diagnosis = read(&[unsigned]);
    assert!(
        diagnosis.findings[0]
            .message
            .contains("signature is missing")
    );
    assert_eq!(
        diagnosis.presented.unwrap().subject.as_deref(),
        Some("prefect:account:6f9c")
    );
}

#[test]
fn keys_are_not_echoed() {
    let text = "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let json = serde_json::to_string(&read(&[text])).unwrap();
    assert!(!json.contains("AKIA") && !json.contains("wJalr"), "{json}");
}

#[test]
fn events_in_their_three_shapes() {
    let wrong = POLICY.replace("prefect:account", "prefect:cloud");
    let event = r#"{"eventName": "AssumeRoleWithWebIdentity", "eventTime": "2026-11-20T10:00:00Z", "errorCode": "AccessDenied", "errorMessage": "An unknown error occurred", "userIdentity": {"type": "WebIdentityUser", "principalId": "arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider:prefect-cloud:prefect:account:6f9c", "userName": "prefect:account:6f9c", "identityProvider": "arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider"}, "requestParameters": {"roleArn": "arn:aws:iam::123456789012:role/deploy"}}"#;
    let records = format!(r#"{{"Records": [{event}]}}"#);
    let lookup = format!(
        r#"{{"Events": [{{"EventName": "AssumeRoleWithWebIdentity", "CloudTrailEvent": {}}}]}}"#,
        serde_json::Value::from(event)
    );
    for text in [event, &records, &lookup] {
        assert_eq!(
            first(&[text, &wrong]),
            ("C01".to_owned(), 99, true),
            "{text}"
        );
    }
    let diagnosis = read(&[event]);
    let presented = diagnosis.presented.unwrap();
    assert_eq!(presented.audience.as_deref(), Some("prefect-cloud"));
    assert!(presented.origin.contains("CloudTrail"));
    let later = r#"{"eventName": "GetObject", "errorCode": "AccessDenied", "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/deploy/run", "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::123456789012:role/deploy"}, "webIdFederationData": {"federatedProvider": "arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider", "attributes": {"api.prefect.cloud/oidc-provider:aud": "prefect-cloud", "api.prefect.cloud/oidc-provider:sub": "prefect:account:6f9c"}}}}}"#;
    assert_eq!(first(&[later]).0, "C22");
}

#[test]
fn claims_as_people_list_them() {
    let wrong = POLICY.replace("prefect:account", "prefect:cloud");
    let listed = "presented: iss https://api.prefect.cloud/oidc-provider\n           aud prefect-cloud\n           sub prefect:account:6f9c\n";
    let dashed = "- iss: `https://api.prefect.cloud/oidc-provider`\n- aud: `prefect-cloud`\n- sub: `prefect:account:6f9c`\n";
    let python = "{'iss': 'https://api.prefect.cloud/oidc-provider', 'aud': 'prefect-cloud', 'sub': 'prefect:account:6f9c', 'exp': 1}";
    for text in [listed, dashed, python] {
        assert_eq!(
            first(&[DENIED, &wrong, text]),
            ("C01".to_owned(), 96, true),
            "{text}"
        );
    }
}

#[test]
fn everything_in_one_paste() {
    let wrong = POLICY.replace("prefect:account", "prefect:cloud");
    let paste = format!(
        "Hi all :wave: my role [see below] has\n```json\n{wrong}\n```\nand I get\n> {DENIED}\n\nThe token says {CLAIMS} {{sic}}"
    );
    let diagnosis = read(&[&paste]);
    let first = &diagnosis.findings[0];
    assert_eq!(first.cause.as_str(), "C01");
    let place = first.place.as_ref().unwrap();
    assert_eq!(
        (place.line, place.text.contains("oidc-provider:sub")),
        (13, true),
        "{place:?}"
    );
}

#[test]
fn what_is_known_without_a_token() {
    let cause = |right: &str, wrong: &str| {
        assert!(POLICY.contains(right));
        let diagnosis = read(&[DENIED, &POLICY.replace(right, wrong)]);
        let first = &diagnosis.findings[0];
        assert!(!diagnosis.supply.is_empty());
        format!("{} {}", first.cause.as_str(), first.confidence.as_str())
    };
    assert_eq!(cause("6f9c", "*"), "C04 likely");
    assert_eq!(cause("provider:sub", ":sub"), "C10 likely");
    assert_eq!(cause("provider:sub", "provider:subject"), "C11 likely");
    assert_eq!(
        cause("api.prefect.cloud/oidc-provider:aud", "sts:ExternalId"),
        "C12 likely"
    );
    assert_eq!(cause("WithWebIdentity", ""), "C15 likely");
    assert_eq!(cause("123456789012", "<account>"), "C26 likely");
    assert_eq!(cause("6f9c", "6f9c"), "C01 possible");
}

#[test]
fn nothing_is_found_in_nothing() {
    for text in [
        "",
        "hello {world} [1]",
        "{",
        "\u{1f600} eyJ {\"Statement\"",
        "[[[[[[",
        "jsonencode(",
    ] {
        let diagnosis = read(&[text]);
        assert!(diagnosis.findings.is_empty(), "{text}: {diagnosis:?}");
    }
}

/// Nothing that is pasted makes it fail, and no token goes through it.
#[test]
fn any_paste_is_borne() {
    use proptest::prelude::*;
    let token = token();
    let parts = [
        POLICY,
        CLAIMS,
        DENIED,
        &token,
        &token[..60],
        "{",
        "}",
        "[",
        "]",
        "\"",
        "“",
        "\n",
        " ",
        ":",
        "=",
        "jsonencode(",
        ")",
        "<<EOF\n",
        "EOF\n",
        "assume_role_policy = ",
        "resource \"aws_iam_role\" \"r\" {\n",
        "data \"aws_iam_policy_document\" \"d\" {\n",
        "statement {\n",
        "Statement:\n",
        "  - Effect: Allow\n",
        "AssumeRolePolicyDocument:\n",
        "Version: ",
        "eyJ",
        "☁️",
        "&lt;",
        "<http://a|b>",
        "arnawsiam::",
        "${",
        "[REDACTED_X]",
        "****",
        "é",
        "\u{200b}",
        "sub: x\n",
        "aud = y\n",
        "#",
        "//",
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n",
        "User: arn:aws:iam::1:user/x is not authorized to perform: a",
        "{'iss': 'x'}",
        "Provider URL: https://x.y\n",
        "%7B",
    ];
    let strategy = proptest::collection::vec(0..parts.len(), 0..24);
    proptest!(ProptestConfig::with_cases(400), |(picks in strategy)| {
        let text: String = picks.iter().map(|pick| parts[*pick]).collect();
        let diagnosis = read(&[&text]);
        let json = serde_json::to_string(&diagnosis).unwrap();
        prop_assert!(!json.contains(&token[..60]) && !json.contains("AKIAIOS"), "{}", json);
        prop_assert!(diagnosis.findings.windows(2).all(|pair| pair[0].score >= pair[1].score));
    });
}
