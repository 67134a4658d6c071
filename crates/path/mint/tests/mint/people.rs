//! Tokens of people: who they are for, what they may say, and what is there when there is none.

use rolecall_mint::{
    Attributes, MintError, TenantRules, TokenConfig, TokenConfigText, TokenSubject, UserToken,
    half_life, mint, needs_renewal,
};
use secrecy::{ExposeSecret as _, SecretString};

fn text() -> TokenConfigText {
    let mut text = TokenConfigText::new("people", "https://warehouse.example", "{user_email}");
    text.token_subject = TokenSubject::User;
    text.claims.insert(
        "scp".to_owned(),
        "session:role:{user_attribute:role}".into(),
    );
    text
}

fn claims(attributes: &[(&str, &str)]) -> Result<serde_json::Value, MintError> {
    let rules = serde_json::json!({ "reserved_claims": ["cube:"] });
    let rules = TenantRules::read(&serde_json::from_value(rules).unwrap()).unwrap();
    let config = TokenConfig::read_in(&text(), &rules).unwrap();
    let attributes: Attributes = attributes.iter().copied().collect();
    let issuer = "https://oidc.example.com".parse().unwrap();
    let minted = mint(&config, &attributes, &issuer, 1_700_000_000, "j", None)?;
    Ok(serde_json::from_slice(minted.json()).unwrap())
}

#[test]
fn a_token_speaks_for_the_person() {
    let person = [
        ("user_email", "a.b+c@example.com"),
        ("user_id", "7"),
        ("user_attribute:role", "ANALYST"),
    ];
    let claims = claims(&person).unwrap();
    assert_eq!(claims["sub"], "a.b+c@example.com");
    assert_eq!(claims["scp"], "session:role:ANALYST");
    assert_eq!(claims["cube:user_id"], "7");
}

#[test]
fn what_is_missing_or_could_smuggle_something_in_makes_no_token() {
    for (email, id, role) in [
        (Some("a@b"), None, Some("X")),
        (None, Some("7"), Some("X")),
        (Some("a@b"), Some("7"), None),
        (Some("a@b"), Some("7"), Some("X session:role:ADMIN")),
        (Some("a@b"), Some("7"), Some("X,ADMIN")),
        (Some("a@b"), Some("7"), Some("X:ADMIN")),
        (Some("a:b"), Some("7"), Some("X")),
        (Some(""), Some("7"), Some("X")),
    ] {
        let known: Vec<_> = [
            ("user_email", email),
            ("user_id", id),
            ("user_attribute:role", role),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        let error = claims(&known).unwrap_err();
        assert!(
            matches!(
                error,
                MintError::AttributeMissing { .. } | MintError::AttributeValue { .. }
            ),
            "{known:?}: {error}"
        );
    }
}

#[test]
fn configs_for_people_are_custom_and_name_a_person() {
    let refused = |change: fn(&mut TokenConfigText)| {
        let mut text = text();
        change(&mut text);
        TokenConfig::read(&text).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused(|text| text.subject = "everybody".to_owned()), @"`subject` column 1: tokens of people need `{user_email}`, `{username}` or `{user_id}` in their subject");
    insta::assert_snapshot!(refused(|text| text.subject = "{deployment_id}".to_owned()), @"`subject` column 1: no attribute `deployment_id` is declared");
    insta::assert_snapshot!(refused(|text| text.audience = "sts.amazonaws.com".to_owned()), @"`audience` is not possible here: tokens of people are for custom audiences only");
    insta::assert_snapshot!(refused(|text| text.target_variable = Some("TOKEN".to_owned())), @"`target_variable` is not possible here: tokens of people are handed on in memory and never written to a file");
    insta::assert_snapshot!(refused(|text| text.aws.source_identity = Some("{user_id}".to_owned())), @"`aws` is not possible here: tokens of people are not for AWS");
}

#[test]
fn whom_tokens_speak_for_is_settled_once() {
    let mut to = text();
    assert_eq!(text().check_change(&to), Ok(()));
    to.token_subject = TokenSubject::Workload;
    assert!(matches!(
        text().check_change(&to),
        Err(MintError::SubjectFixed { .. })
    ));
}

#[test]
fn a_session_holds_a_token_or_an_error_and_nothing_else() {
    let active = UserToken::Active {
        token: SecretString::from("ey.x.y"),
        issued_at: 1_700_000_000,
        expires_at: 1_700_003_600,
    };
    assert_eq!(
        active.to_json().expose_secret(),
        r#"{"status":"active","token":"ey.x.y","expiresAt":"2023-11-14T23:13:20Z","issuedAt":"2023-11-14T22:13:20Z"}"#
    );
    assert!(!format!("{active:?}").contains("ey.x.y"));
    let error = UserToken::Error {
        error: "no `user_id`".to_owned(),
    };
    assert_eq!(
        error.to_json().expose_secret(),
        r#"{"status":"error","error":"no `user_id`"}"#
    );
}

#[test]
fn a_token_is_made_again_at_half_of_its_life() {
    assert_eq!(half_life(1000, 4600), 2800);
    assert!(!needs_renewal(1000, 4600, 2799));
    assert!(needs_renewal(1000, 4600, 2800));
    assert!(needs_renewal(1000, 4600, 999), "the clock went back");
    assert_eq!(half_life(1000, 900), 1000);
}
