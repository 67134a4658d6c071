use proptest::prelude::*;
use rolecall_mint::{
    Attributes, ClaimText, Fault, IssuerUrl, MintError, TokenConfig, TokenConfigText, mint,
};
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000;

fn issuer() -> IssuerUrl {
    "https://acme.cubecloud.dev".parse().unwrap()
}

fn config(change: impl FnOnce(&mut TokenConfigText)) -> TokenConfig {
    let mut text = TokenConfigText::new(
        "aws",
        "sts.amazonaws.com",
        "cube:deployment:{deployment_id}",
    );
    change(&mut text);
    TokenConfig::read(&text).unwrap()
}

fn attributes() -> Attributes {
    Attributes::from_iter([
        ("deployment_id", "42"),
        ("team", "Data Team"),
        ("name", "cube-api"),
        ("role", "ops"),
    ])
}

fn minted(config: &TokenConfig, role: Option<&str>) -> Result<Value, MintError> {
    let claims = mint(config, &attributes(), &issuer(), NOW, "id-1", role)?;
    Ok(serde_json::from_slice(claims.json()).unwrap())
}

#[test]
fn the_seven_claims_and_nothing_else() {
    let claims = mint(&config(|_| {}), &attributes(), &issuer(), NOW, "id-1", None).unwrap();
    insta::assert_snapshot!(
        std::str::from_utf8(claims.json()).unwrap(),
        @r#"{"iss":"https://acme.cubecloud.dev","sub":"cube:deployment:42","aud":"sts.amazonaws.com","exp":1700003600,"iat":1700000000,"nbf":1700000000,"jti":"id-1"}"#
    );
    assert_eq!(claims.subject(), "cube:deployment:42");
    assert_eq!(claims.issued_at(), NOW);
    assert_eq!(claims.expires_at(), NOW + 3600);
}

#[test]
fn custom_claims_are_texts_or_lists() {
    let config = config(|text| {
        text.claims.insert("team".to_owned(), "{team}".into());
        text.claims
            .insert("scp".to_owned(), "session:role:{role}".into());
        text.claims
            .insert("one".to_owned(), ClaimText::Many(vec!["a".to_owned()]));
        text.claims
            .insert("none".to_owned(), ClaimText::Many(vec![]));
        text.claims.insert(
            "some".to_owned(),
            ClaimText::Many(vec!["{name}".to_owned(), "{{b}}".to_owned()]),
        );
        text.claims
            .insert("\"odd\\".to_owned(), "tab and \"quote\"".into());
    });
    let claims = minted(&config, None).unwrap();
    assert_eq!(claims["team"], "Data Team");
    assert_eq!(claims["scp"], "session:role:ops");
    assert_eq!(claims["one"], json!(["a"]));
    assert_eq!(claims["none"], json!([]));
    assert_eq!(claims["some"], json!(["cube-api", "{b}"]));
    assert_eq!(claims["\"odd\\"], "tab and \"quote\"");
    assert_eq!(claims.as_object().unwrap().len(), 13);
}

#[test]
fn an_attribute_cannot_add_a_second_scope() {
    let config = config(|text| {
        text.claims
            .insert("scp".to_owned(), "session:role:{role}".into());
    });
    let mut attributes = attributes();
    attributes.set("role", "ops session:role:admin");
    let error = mint(&config, &attributes, &issuer(), NOW, "id", None).unwrap_err();
    assert_eq!(error.fault(), Fault::Asker);
    insta::assert_snapshot!(error, @"`claims.scp` cannot take the attribute `role`: its value `ops session:role:admin` holds ` `; letters, digits and `_-.@+/|:%=,~#!&();'` are possible");
}

#[test]
fn session_tags_have_the_nested_form_with_lists_of_one() {
    let config = config(|text| {
        text.aws.session_tags = [("team", "{team}"), ("env", "prod")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        text.aws.transitive_tag_keys = vec!["team".to_owned()];
        text.aws.source_identity = Some("{name}".to_owned());
    });
    let claims = minted(&config, None).unwrap();
    assert_eq!(
        claims["https://aws.amazon.com/tags"],
        json!({
            "principal_tags": {"team": ["Data Team"], "env": ["prod"]},
            "transitive_tag_keys": ["team"]
        })
    );
    assert_eq!(claims["https://aws.amazon.com/source_identity"], "cube-api");
    assert!(claims.get("https://aws.amazon.com/roles").is_none());
}

#[test]
fn values_that_sts_would_refuse_are_refused_here() {
    let config = config(|text| {
        text.aws
            .session_tags
            .insert("team".to_owned(), "{team}".to_owned());
    });
    let with = |value: &str| {
        let mut attributes = attributes();
        attributes.set("team", value);
        mint(&config, &attributes, &issuer(), NOW, "id", None)
    };
    assert!(with("").is_ok());
    assert!(with("Ä B").is_ok());
    for bad in ["a*", "a\"b", "a\u{7}", &"x".repeat(257)] {
        assert_eq!(with(bad).unwrap_err().fault(), Fault::Asker, "{bad:?}");
    }
    let config = self::config(|text| text.aws.source_identity = Some("{team}".to_owned()));
    let error = mint(&config, &attributes(), &issuer(), NOW, "id", None).unwrap_err();
    insta::assert_snapshot!(error, @"`aws.source_identity` came out as a value that STS would refuse: `Data Team` is not a valid source identity: ` ` is not one of letters, digits and `_+=,.@-`");
}

#[test]
fn the_roles_claim_carries_all_roles_or_the_one_asked_for() {
    let reader = "arn:aws:iam::123456789012:role/Reader";
    let writer = "arn:aws:iam::123456789012:role/team/Writer";
    let config = config(|text| text.aws.roles = vec![reader.to_owned(), writer.to_owned()]);
    let name = "https://aws.amazon.com/roles";
    assert_eq!(
        minted(&config, None).unwrap()[name],
        json!([reader, writer])
    );
    assert_eq!(
        minted(&config, Some(writer)).unwrap()[name],
        json!([writer])
    );
    for other in [
        "arn:aws:iam::123456789012:role/reader",
        "arn:aws:iam::123456789012:role/*",
        "",
    ] {
        let error = minted(&config, Some(other)).unwrap_err();
        assert!(matches!(error, MintError::RoleNotOffered { .. }), "{other}");
    }
    insta::assert_snapshot!(
        minted(&self::config(|_| {}), Some(reader)).unwrap_err(),
        @"the token config `aws` does not offer the role `arn:aws:iam::123456789012:role/Reader`: its `aws.roles` is empty, so its tokens are bound to no role; ask without one"
    );
}

#[test]
fn claims_that_would_not_fit_into_a_token_are_refused() {
    let config = config(|text| {
        for at in 0..14 {
            text.claims
                .insert(format!("c{at}"), "x".repeat(1024).as_str().into());
        }
    });
    assert!(matches!(
        minted(&config, None),
        Err(MintError::TooLong { limit: 14_000, .. })
    ));
}

#[test]
fn times_at_the_edge_do_not_overflow() {
    let config = config(|_| {});
    for now in [i64::MIN, -1, 0, i64::MAX] {
        let claims = mint(&config, &attributes(), &issuer(), now, "id", None).unwrap();
        let read: Value = serde_json::from_slice(claims.json()).unwrap();
        assert_eq!(read["iat"], now);
        assert_eq!(read["nbf"], now);
        assert_eq!(read["exp"], claims.expires_at());
    }
}

proptest! {
    /// Whatever the attributes hold, the payload is the JSON that it should be: nothing in a value
    /// can end its string and add a claim.
    #[test]
    fn the_payload_is_always_the_intended_json(
        value in "\\PC{0,40}|[ -~]{0,40}",
        jti in "\\PC{1,20}",
    ) {
        let config = config(|text| {
            text.claims.insert("whole".to_owned(), "{v}".into());
            text.claims.insert("list".to_owned(), ClaimText::Many(vec!["{v}".to_owned(), "é\"\\".to_owned()]));
        });
        let mut attributes = attributes();
        attributes.set("v", value.as_str());
        let claims = mint(&config, &attributes, &issuer(), NOW, &jti, None).unwrap();
        let read: Value = serde_json::from_slice(claims.json()).unwrap();
        prop_assert_eq!(read, json!({
            "iss": "https://acme.cubecloud.dev", "sub": "cube:deployment:42",
            "aud": "sts.amazonaws.com", "exp": NOW + 3600, "iat": NOW, "nbf": NOW, "jti": jti,
            "whole": value, "list": [value, "é\"\\"],
        }));
    }
}

#[test]
fn control_characters_in_the_token_id_are_escaped() {
    let claims = mint(
        &config(|_| {}),
        &attributes(),
        &issuer(),
        NOW,
        "a\u{1}\n\u{1f}b",
        None,
    )
    .unwrap();
    let read: Value = serde_json::from_slice(claims.json()).unwrap();
    assert_eq!(read["jti"], "a\u{1}\n\u{1f}b");
}
