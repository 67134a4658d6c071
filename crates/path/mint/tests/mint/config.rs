use rolecall_jose::Algorithm;
use rolecall_mint::{ClaimText, Fault, MintError, TokenConfig, TokenConfigText};

fn text() -> TokenConfigText {
    TokenConfigText::new(
        "aws",
        "sts.amazonaws.com",
        "cube:deployment:{deployment_id}",
    )
}

fn refused(change: impl FnOnce(&mut TokenConfigText)) -> MintError {
    let mut text = text();
    change(&mut text);
    let error = TokenConfig::read(&text).unwrap_err();
    assert_eq!(error.fault(), Fault::Operator, "{error}");
    error
}

#[test]
fn a_config_is_read_with_its_defaults() {
    let read: TokenConfigText = serde_json::from_str(
        r#"{"name":"aws","audience":"sts.amazonaws.com","subject":"cube:deployment:{deployment_id}"}"#,
    )
    .unwrap();
    assert_eq!(read, text());
    let config = TokenConfig::read(&read).unwrap();
    assert_eq!(config.lifetime_seconds(), 3600);
    assert_eq!(config.algorithm(), Algorithm::Rs256);
    assert_eq!(config.audience(), "sts.amazonaws.com");
    assert_eq!(config.subject().as_str(), "cube:deployment:{deployment_id}");
    assert!(
        serde_json::from_str::<TokenConfigText>(
            r#"{"name":"a","audience":"b","subject":"c","x":1}"#
        )
        .is_err()
    );
}

#[test]
fn names_become_part_of_file_names() {
    let longest = "a".repeat(64);
    for good in ["aws", "a", "9-x_y", longest.as_str()] {
        let mut text = text();
        text.name = good.to_owned();
        assert!(TokenConfig::read(&text).is_ok(), "{good}");
    }
    let long = "a".repeat(65);
    for bad in [
        "", ".", "..", "../x", "a/b", "a b", "A", "-a", "_a", "ä", "a.b", "a\0", &long,
    ] {
        assert!(matches!(
            refused(|text| text.name = bad.to_owned()),
            MintError::ConfigName { .. }
        ));
    }
}

#[test]
fn audiences_are_what_iam_can_register() {
    for good in [
        "sts.amazonaws.com",
        "api://AzureADTokenExchange",
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "prefect-cloud",
        "aws:contoso",
    ] {
        let mut text = text();
        text.audience = good.to_owned();
        assert!(TokenConfig::read(&text).is_ok(), "{good}");
    }
    let long = "a".repeat(256);
    for bad in ["", " ", "a b", "a\n", "ä", &long] {
        assert!(matches!(
            refused(|text| text.audience = bad.to_owned()),
            MintError::Audience { .. }
        ));
    }
}

#[test]
fn lifetimes_are_five_minutes_to_twelve_hours() {
    for (seconds, good) in [
        (0, false),
        (299, false),
        (300, true),
        (43_200, true),
        (43_201, false),
    ] {
        let mut text = text();
        text.lifetime_seconds = Some(seconds);
        assert_eq!(TokenConfig::read(&text).is_ok(), good, "{seconds}");
    }
    insta::assert_snapshot!(
        refused(|text| text.lifetime_seconds = Some(60)),
        @"a lifetime of 60 s is not possible: 300 s to 43200 s is"
    );
}

#[test]
fn reserved_claims_are_refused() {
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "Sub",
        "azp",
        "https://aws.amazon.com/tags",
        "https://aws.amazon.com/roles",
        "HTTPS://AWS.amazon.com/x",
        "",
        "a\nb",
        &"x".repeat(129),
    ] {
        let error = refused(|text| {
            text.claims.insert(name.to_owned(), "x".into());
        });
        assert!(matches!(error, MintError::ClaimName { .. }), "{name}");
    }
    insta::assert_snapshot!(
        refused(|text| { text.claims.insert("https://aws.amazon.com/tags".to_owned(), "x".into()); }),
        @"`https://aws.amazon.com/tags` cannot be a custom claim: AWS gives this claim a meaning; use the `aws` section of the token config"
    );
}

#[test]
fn claims_are_bounded() {
    let error = refused(|text| {
        for at in 0..51 {
            text.claims.insert(format!("c{at}"), "x".into());
        }
    });
    assert!(matches!(
        error,
        MintError::TooManyClaims {
            found: 51,
            limit: 50
        }
    ));
    let error = refused(|text| {
        text.claims
            .insert("c".to_owned(), "x".repeat(1025).as_str().into());
    });
    insta::assert_snapshot!(error, @"`claims.c` column 1025: the text has 1025 characters; at most 1024 are possible");
    let error = refused(|text| {
        text.claims
            .insert("c".to_owned(), ClaimText::Many(vec!["x".to_owned(); 51]));
    });
    insta::assert_snapshot!(error, @"`claims.c` has 51 entries; at most 50 are possible");
    let error = refused(|text| {
        text.claims.insert("c".to_owned(), "a {b".into());
    });
    insta::assert_snapshot!(error, @"`claims.c` column 3: this `{` has no `}`");
}

#[test]
fn session_tags_are_what_sts_takes() {
    let tag = |key: &str, value: &str| {
        let (key, value) = (key.to_owned(), value.to_owned());
        refused(move |text| {
            text.aws.session_tags.insert(key, value);
        })
        .to_string()
    };
    insta::assert_snapshot!(tag("", "x"), @"the session tag `` has a key of 0 characters; 1 to 128 are possible");
    insta::assert_snapshot!(tag("aws:x", "x"), @"the session tag `aws:x` has a key under `aws:`, which AWS reserves");
    insta::assert_snapshot!(tag("AWS:x", "x"), @"the session tag `AWS:x` has a key under `aws:`, which AWS reserves");
    insta::assert_snapshot!(tag("a*", "x"), @"the session tag `a*` has `*` in its key; letters, digits, blanks and `_.:/=+-@` are possible");
    insta::assert_snapshot!(tag("team", "a*"), @"`aws.session_tags.team` has a value that STS would refuse: `a*` holds `*`; letters, digits, blanks and `_.:/=+-@` are possible");
}

#[test]
fn session_tags_are_bounded_and_unique() {
    assert!(matches!(
        refused(|text| text.aws.session_tags = (0..51)
            .map(|at| (format!("t{at}"), String::new()))
            .collect()),
        MintError::TooManySessionTags {
            found: 51,
            limit: 50
        }
    ));
    insta::assert_snapshot!(
        refused(|text| text.aws.session_tags = [("Team", "a"), ("team", "b")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
        @"the session tag `team` is there twice; keys that differ in case only are the same tag"
    );
    insta::assert_snapshot!(
        refused(|text| text.aws.transitive_tag_keys = vec!["team".to_owned()]),
        @"the session tag `team` is in `transitive_tag_keys` but not in `session_tags`"
    );
    let mut fits = text();
    fits.aws.session_tags = [("Ünit näme", ""), ("k", &"x".repeat(256))]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    assert!(TokenConfig::read(&fits).is_ok());
}

#[test]
fn source_identity_and_roles_are_what_sts_takes() {
    for bad in ["x", "a b", "aws:x", "", &"x".repeat(65)] {
        refused(|text| text.aws.source_identity = Some(bad.to_owned()));
    }
    let error = refused(|text| text.aws.roles = vec!["arn:aws:iam::1:role/x".to_owned()]);
    assert!(matches!(error, MintError::Role(_)));
    assert!(
        error
            .to_string()
            .starts_with("`aws.roles`: `arn:aws:iam::1:role/x`")
    );
}

#[test]
fn placeholders_everywhere_are_checked_against_the_known_attributes() {
    let known = ["deployment_id", "team"];
    let check = |change: &dyn Fn(&mut TokenConfigText)| {
        let mut text = text();
        change(&mut text);
        TokenConfig::read(&text).unwrap().check_known(&known)
    };
    assert_eq!(check(&|_| {}), Ok(()));
    let field = |result: Result<(), rolecall_mint::FormatError>| result.unwrap_err().to_string();
    insta::assert_snapshot!(
        field(check(&|text| { text.claims.insert("c".to_owned(), "{taem}".into()); })),
        @"`claims.c` column 1: there is no attribute `taem`; did you mean `team`?"
    );
    insta::assert_snapshot!(
        field(check(&|text| { text.aws.session_tags.insert("t".to_owned(), "x-{nobody}".to_owned()); })),
        @"`aws.session_tags.t` column 3: there is no attribute `nobody`"
    );
    insta::assert_snapshot!(
        field(check(&|text| text.aws.source_identity = Some("{name}".to_owned()))),
        @"`aws.source_identity` column 1: there is no attribute `name`"
    );
}
